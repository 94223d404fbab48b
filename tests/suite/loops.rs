//! Loops that go round so often that a driver would end them: what is executed is all the same.

use dsrunner::{
    Compatible, Connect, Coupling, DSRunner, DynamicalSystem, Error, Group, Init, Input,
    InputHandle, Kernel, Model, Network, Operation, Projection, Shared, Steps, neurons, synapses,
    wgsl,
};

use crate::engines::on_every_engine;

fn executed(
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
        ["cpu", device].map(|d| executed(d, network(), ("cells.input", 40.0), 200, "cells.V"));
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
    assert_eq!(executed(device, group, ("input", 0.0), 100, "x"), [110_000.0; 10]);
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
        ["cpu", device].map(|d| executed(d, network(60_000), ("one.input", 0.0), 3, "one.V"));
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

fn endless(error: Error) -> bool {
    matches!(error, Error::EndlessLoop { .. })
}

/// Whether a step is executed as a whole or in parts, the state is that of before it.
fn a_step_whose_loops_do_not_end_leaves_nothing(device: &str) {
    let model = |name, body: &str| {
        let text = format!(
            "struct State {{ x: f32 }}
             fn update(s: State, sh: Shared) -> State {{ var x = s.x; {body} return State(x + 1.0); }}"
        );
        Group::new(&Model::from_wgsl(name, &text).unwrap(), 3)
    };
    for (jit, calls) in [(true, false), (false, false), (true, true), (false, true)] {
        let (first, then) = (model("Counts", ""), model("Waits", "while sh.i == 5u { x += 1.0; }"));
        let net = Network::new().with("first", first).with("then", then);
        let mut builder = DSRunner::builder(net).input(("first.x", 10.0)).loop_limit(1000);
        if calls {
            let call = |_: &Shared, step: &mut InputHandle<'_>| {
                step.apply("then.x", Operation::Add, 100.0)
            };
            builder = builder.input(Input::call(call));
        }
        let mut runner =
            builder.jit(jit).chunk(1).progress_bar(false).device(device).build().unwrap();
        let before = runner.state_dict().unwrap();
        runner.run(Steps(5)).unwrap();
        let wanted = runner.state_dict().unwrap();
        runner.load_state_dict(&before, false, Compatible::V2).unwrap();
        assert!(endless(runner.run(Steps(10)).unwrap_err()));
        assert_eq!(runner.state_dict().unwrap(), wanted, "jit {jit}, calls {calls}");
    }
}

/// With `jit` off indexes are looked at before a step: in loops as long as they may be, and not behind one that does not end.
#[test]
fn indexes_behind_long_loops() {
    let body = "let at = select(9u, 2u, f32(k) == n);";
    let model = format!(
        "struct Params {{ n: f32 }} struct State {{ x: f32 }}
         fn update(s: State, p: Params) -> State {{
             let n = p.n; var t = array<f32, 4>(1.0, 2.0, 3.0, 4.0);
             var k = 0u; while f32(k) < n {{ k += 1u; }} {body} return State(t[at]);
         }}"
    );
    let kernel = format!(
        "@group(0) @binding(0) var<storage, read_write> x: array<f32>;
         @group(0) @binding(1) var<storage, read> all: array<f32>;
         @compute @workgroup_size(1) fn main() {{
             let n = all[0]; var k = 0u; while f32(k) < n {{ k += 1u; }} {body} x[at] = 3.0;
         }}"
    );
    let group =
        |name, n: f64| Group::new(&Model::from_wgsl(name, &model).unwrap(), 3).param("n", n);
    let in_a_model = |n: f64| Network::new().with("cells", group("Cells", n));
    let in_a_kernel = |n: f64| {
        let kernel = Kernel::from_wgsl("Kernel", &kernel).unwrap();
        let kernel = kernel.bind("x", "cells.V").bind("all", "cells.tau").invocations([1, 1, 1]);
        Network::new().with("cells", neurons::lif(3).param("tau", n)).with("kernel", kernel)
    };
    for (what, variable, net) in [
        ("model", "cells.x", &in_a_model as &dyn Fn(f64) -> Network),
        ("kernel", "cells.V", &in_a_kernel),
    ] {
        let run = |n: f64, limit: u32| {
            let builder = DSRunner::builder(net(n)).jit(false).loop_limit(limit);
            let mut runner = builder.progress_bar(false).device("cpu").build().unwrap();
            runner.run(Steps(1)).map(|_| runner.get::<f32>(variable).unwrap()[[2]])
        };
        // more often than 2^20
        assert_eq!(run(1_100_000.0, 1_200_000).unwrap(), 3.0, "{what}");
        assert!(endless(run(1_100_000.0, 1000).unwrap_err()), "{what}");
    }
}

on_every_engine!(
    a_coupling_of_many_terms,
    a_long_loop_in_a_model,
    a_step_whose_loops_do_not_end_leaves_nothing,
    everyone_spikes_onto_everyone,
);
