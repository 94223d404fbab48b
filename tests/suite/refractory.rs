//! A refractory neuron does not fire, whatever moves its potential.

use dsrunner::{
    Batch, DSRunner, DynamicalSystem, Group, Input, InputHandle, Kernel, Model, Network, Operation,
    Predict, RunnerBuilder, Shared, Steps, neurons,
};
use ndarray::arr2;

use crate::compare::{equal, near};
use crate::engines::on_every_engine;

fn on(device: &str, target: impl DynamicalSystem + 'static) -> RunnerBuilder {
    DSRunner::builder(target).dt(0.1).progress_bar(false).device(device)
}

/// The steps in which an element of `cells` fired.
fn fired(runner: &DSRunner, element: u32) -> Vec<u64> {
    let events = runner.mon().events("cells.spike").unwrap();
    let all = events.steps.iter().zip(&events.indices);
    all.filter(|(_, at)| **at == element).map(|(&step, _)| step).collect()
}

/// One cell that is refractory for 50 steps.
fn cells() -> Group {
    neurons::lif_ref(1).param("tau_ref", 5.0)
}

fn net(cells: Group) -> Network {
    Network::new().with("cells", cells)
}

fn lifted_by_an_input(device: &str) {
    for target in [
        on(device, net(cells())).input(("cells.V", 2.0)),
        on(device, net(cells())).input(Input::func("cells.V", |_: &Shared| 2.0)),
        on(device, net(cells().ltc())).input(("cells.V", vec![2.0; 300], "iter")),
    ] {
        let mut runner = target.monitors(["cells.V", "cells.spike"]).build().unwrap();
        runner.run(Steps(300)).unwrap();
        // the equations in f64: V is the reset's for 50 steps, what arrives meanwhile is lost
        let (mut v, mut left) = (0.0f64, 0);
        let (mut course, mut spikes) = (Vec::new(), Vec::new());
        for step in 0..300 {
            v = (v + 2.0) * (-0.1f64 / 10.0).exp();
            if left > 0 {
                (v, left) = (-5.0, left - 1);
            } else if v >= 20.0 {
                (v, left) = (-5.0, 50);
                spikes.push(step);
            }
            course.push(v);
        }
        assert!(spikes.len() > 3 && spikes.windows(2).all(|two| two[1] - two[0] > 50));
        equal("spikes", &fired(&runner, 0), &spikes).must();
        let got: Vec<f32> = runner.mon().get::<f32>("cells.V").unwrap().iter().copied().collect();
        // a dozen sums of f32 from the last reset on, each rounded by at most 2^-20
        near("V", &got, &course, 1.5e-5).must();
    }
}

/// V is above the threshold at the start of each step, so the cell fires in the first that it can.
fn whatever_moves_the_potential(device: &str) {
    let wanted: Vec<u64> = vec![0, 51, 102, 153];
    let call =
        |_: &Shared, handle: &mut InputHandle<'_>| handle.apply("cells.V", Operation::Set, 25.0);
    for runner in [
        on(device, net(cells())).input(("cells.V", 25.0, "fix", "=")),
        on(device, net(cells())).input(("cells.V", vec![25.0; 160], "iter", "=")),
        on(device, net(cells())).input(("cells.V", 100.0)),
        on(device, net(cells())).input(("cells.input", 1e6)),
        on(device, net(cells())).input((
            "cells.V",
            dsrunner::wgsl("25.0 + f32(i % 3u)"),
            "func",
            "=",
        )),
        on(device, net(cells())).input(Input::call(call)),
    ] {
        let mut runner = runner.monitor("cells.spike").build().unwrap();
        runner.run(Steps(160)).unwrap();
        equal("spikes", &fired(&runner, 0), &wanted).must();
    }
    // between steps
    let mut runner = on(device, net(cells())).build().unwrap();
    let mut spikes = Vec::new();
    for step in 0..160 {
        runner.set("cells.V", 25.0).unwrap();
        runner.step().unwrap();
        spikes.extend(runner.get::<bool>("cells.spike").unwrap()[[0]].then_some(step));
    }
    equal("spikes", &spikes, &wanted).must();
    // after each update, so first in step 1
    let lift = Kernel::from_wgsl(
        "Lift",
        "@group(0) @binding(0) var<storage, read_write> v: array<f32>;
        @compute @workgroup_size(64)
        fn lift(@builtin(global_invocation_id) id: vec3<u32>) {
            if id.x < arrayLength(&v) { v[id.x] = 25.0; }
        }",
    );
    let lift = lift.unwrap().bind("v", "cells.V");
    let mut runner =
        on(device, net(cells()).with("lift", lift)).monitor("cells.spike").build().unwrap();
    runner.run(Steps(160)).unwrap();
    equal("spikes", &fired(&runner, 0), &[1, 52, 103, 154]).must();
}

/// A period for each element, of half steps and of thousands of them, and other steps.
fn periods_of_elements(device: &str) {
    for dt in [0.1, 0.5] {
        let steps = [0.0, 0.4, 0.5, 1.0, 1.5, 2.49, 2.5, 50.0, 700.0];
        let wanted = [0, 0, 1, 1, 2, 2, 3, 50, 700];
        let cells = neurons::lif_ref(9).param("tau_ref", steps.map(|steps| steps * dt).to_vec());
        let mut runner = on(device, net(cells))
            .dt(dt)
            .input(("cells.V", 25.0, "fix", "="))
            .monitor("cells.spike")
            .build()
            .unwrap();
        runner.run(Steps(1500)).unwrap();
        for (element, period) in wanted.into_iter().enumerate() {
            let spikes: Vec<u64> = (0..1500).step_by(period + 1).collect();
            equal(&format!("element {element}"), &fired(&runner, element as u32), &spikes).must();
        }
    }
}

/// Replicas have periods of their own, and a new period counts from the next spike.
fn periods_of_copies(device: &str) {
    let cells = neurons::lif_ref(1).param("tau_ref", arr2(&[[1.0], [2.0]]));
    let mut runner = on(device, Batch::new(net(cells), 2))
        .input(("cells.V", 25.0, "fix", "="))
        .monitor("cells.spike")
        .build()
        .unwrap();
    runner.run(Steps(35)).unwrap();
    equal("replica 0", &fired(&runner, 0), &[0, 11, 22, 33]).must();
    equal("replica 1", &fired(&runner, 1), &[0, 21]).must();
    runner.set("cells.tau_ref", 0.3).unwrap();
    runner.run(Steps(15)).unwrap();
    equal("replica 0", &fired(&runner, 0), &[44, 48]).must();
    equal("replica 1", &fired(&runner, 1), &[42, 46]).must();
}

/// The model of benchmark 3, which is not reset and has a period of its own.
fn a_neuron_without_a_reset(device: &str) {
    let text = include_str!("../../examples/benchmark/traub_miles.wgsl");
    let model = Model::from_wgsl("TraubMiles", text).unwrap();
    let mut runner = on(device, net(Group::new(&model, 1)))
        .input(("cells.input", 1e7))
        .monitor("cells.spike")
        .build()
        .unwrap();
    runner.run(Predict::steps(100).shared_arg("tau_ref", 3.0)).unwrap();
    equal("spikes", &fired(&runner, 0), &[0, 31, 62, 93]).must();
}

on_every_engine!(
    a_neuron_without_a_reset,
    lifted_by_an_input,
    periods_of_copies,
    periods_of_elements,
    whatever_moves_the_potential,
);
