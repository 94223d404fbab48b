//! Loops that go round so often that a driver would end them: what is played is all the same.

use dsrunner::{
    Connect, Coupling, DSRunner, DynamicalSystem, Group, Init, Model, Network, Projection, Steps,
    neurons, synapses, wgsl,
};

use crate::engines::on_every_engine;

fn played(
    device: &str,
    target: impl DynamicalSystem + 'static,
    input: (&str, f64),
    steps: u64,
    variable: &str,
) -> Vec<f32> {
    let builder = DSRunner::builder(target).input(input).dt(1.0).outputs(false);
    let mut runner = builder.progress_bar(false).device(device).build().unwrap();
    runner.run(Steps(steps)).unwrap();
    runner.get::<f32>(variable).unwrap().iter().copied().collect()
}

/// Cells that all spike at once, onto all: 250 spikes for each half of a workgroup of 32, 32 synapses for each invocation.
fn everyone_spikes_onto_everyone(device: &str) {
    let network = || {
        let cells = neurons::lif(500).init("V", Init::uniform(0.0, 1.0));
        let all = Projection::new(&cells, &cells).connect(Connect::all_to_all());
        let all = all.weight(0.001).synapse(synapses::expon());
        Network::new().with("cells", cells).with("all", all)
    };
    let [wanted, got] =
        ["cpu", device].map(|d| played(d, network(), ("cells.input", 40.0), 200, "cells.V"));
    assert!(wanted == got);
}

fn a_long_loop_in_a_model(device: &str) {
    let text = "struct State { x: f32 } struct Input { input: f32 }
        fn update(s: State, i: Input) -> State {
            var x = s.x;
            for (var k = 0u; k < 1100u; k++) { x += 1.0; }
            return State(x);
        }";
    let group = Group::new(&Model::from_wgsl("Long", text).unwrap(), 10);
    assert_eq!(played(device, group, ("input", 0.0), 100, "x"), [110_000.0; 10]);
}

/// As many terms as a sum can have on every device; more are refused where they would not all be added.
fn a_coupling_of_many_terms(device: &str) {
    let network = |count: usize| {
        let many = neurons::lif(count).init("V", Init::uniform(0.0, 1.0));
        let one = neurons::lif(1);
        let sum = Coupling::new(&many, &one, wgsl("w * V_pre")).weight(1e-3);
        Network::new().with("many", many).with("one", one).with("sum", sum)
    };
    let [wanted, got] =
        ["cpu", device].map(|d| played(d, network(60_000), ("one.input", 0.0), 3, "one.V"));
    assert!(wanted == got && wanted[0] > 0.0, "{wanted:?} {got:?}");
    let more = DSRunner::builder(network(70_000)).progress_bar(false).device(device).build();
    match more {
        Ok(runner) => assert!(!runner.device().contains("llvmpipe")),
        Err(error) => {
            let error = error.to_string();
            let what = "the couplings of an element: a loop of 70000 iterations is needed";
            assert!(error.starts_with(what), "{error}");
        }
    }
}

on_every_engine!(a_coupling_of_many_terms, a_long_loop_in_a_model, everyone_spikes_onto_everyone,);
