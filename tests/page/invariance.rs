//! What changes no bit: the length of chunks, where results are kept, fused steps or not, events or rows, the engine.

use dsrunner::{
    Connect, DSRunner, Init, Input, Monitor, Network, Projection, Reduction, RunnerBuilder, Steps,
    neurons, outputs, sources, stream, synapses, wgsl,
};

use crate::common::on;
use crate::engines::on_every_engine;

/// Everything at once: noise, delays, and inputs and monitors of every kind that goes without the host.
fn builder(device: &str) -> RunnerBuilder {
    let cells = neurons::lif_ref(300).param("tau_ref", 2.0).init("V", Init::uniform(-5.0, 20.0));
    let noise = sources::poisson(100).param("freqs", 300.0);
    let drive = Projection::new(&noise, &cells)
        .connect(Connect::fixed_prob(0.1))
        .weight(2.0)
        .delay(3.0)
        .synapse(synapses::expon())
        .output(outputs::cuba());
    let back = Projection::new(&cells, &cells)
        .connect(Connect::fixed_prob(0.05).without_self())
        .weight(0.2)
        .synapse(synapses::expon().param("tau", 10.0))
        .output(outputs::coba().param("E", -10.0));
    let slice = cells.slice(100..);
    let net = Network::new()
        .with("cells", cells)
        .with("noise", noise)
        .with("drive", drive)
        .with("back", back);
    on(device, net)
        .input(("cells.input", 14.0))
        .input(("cells.input", stream(|| (0..).map(|k| f64::from(k % 5))), "iter"))
        .input((slice.variable("input"), |s: &dsrunner::Shared| 0.01 * s.t, "func"))
        .monitors(["cells.spike", "cells.V", "drive.g", "cells.input"])
        .monitor(Monitor::of("cells.V").every(3).named("every"))
        .monitor(Monitor::of("cells.V").index([7, 3]).named("list"))
}

/// With columns, so that operations are dispatched each for itself.
fn with_columns(builder: RunnerBuilder) -> RunnerBuilder {
    builder
        .input(Input::func("cells.input", wgsl("0.5 * random_normal(r, 0u) + 0.001 * V")))
        .monitor(Monitor::of("cells.spike").reduce(Reduction::Mean).named("rate"))
        .monitor(Monitor::of("cells.spike").per(20, Reduction::Sum).named("counts"))
        .monitor(Monitor::of("cells.V").reduce(Reduction::Sum).named("sum"))
        .monitor(Monitor::wgsl("cells", wgsl("exp(0.1 * V)")).named("exp"))
}

/// All bits that a run shows.
fn bits(mut runner: DSRunner) -> Vec<Vec<u32>> {
    runner.run(Steps(151)).unwrap();
    let mon = runner.mon();
    let mut all = Vec::new();
    for key in mon.keys() {
        let floats = mon.get::<f32>(key).map(|a| a.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
        let counts = || mon.get::<u32>(key).map(|a| a.iter().copied().collect::<Vec<_>>());
        let flags =
            || mon.get::<bool>(key).map(|a| a.iter().map(|&x| x.into()).collect::<Vec<_>>());
        all.push(floats.or_else(|_| counts()).or_else(|_| flags()).unwrap());
    }
    let spikes = all[0].iter().sum::<u32>();
    assert!(spikes > 300, "only {spikes} spikes");
    for path in ["cells.V", "drive.g", "back.g"] {
        all.push(runner.get::<f32>(path).unwrap().iter().map(|x| x.to_bits()).collect());
    }
    all
}

fn same(what: &str, got: &[Vec<u32>], wanted: &[Vec<u32>]) {
    assert_eq!(got.len(), wanted.len());
    for (k, (got, wanted)) in got.iter().zip(wanted).enumerate() {
        assert!(got == wanted, "{what}: result {k} differs");
    }
}

fn a3_9_no_setting_changes_a_bit(device: &str) {
    for columns in [false, true] {
        let build = |device: &str| {
            let builder = builder(device);
            if columns { with_columns(builder) } else { builder }
        };
        // the CPU engine in one piece is what all others are held to
        let wanted = bits(build("cpu").build().unwrap());
        same("plain", &bits(build(device).build().unwrap()), &wanted);
        for chunk in [1, 7, 64] {
            let what = format!("chunks of {chunk}");
            same(&what, &bits(build(device).chunk(chunk).build().unwrap()), &wanted);
        }
        let efficient = build(device).memory_efficient(true).build().unwrap();
        same("memory_efficient", &bits(efficient), &wanted);
        let later = build(device).numpy_mon_after_run(false).build().unwrap();
        same("numpy_mon_after_run off", &bits(later), &wanted);
        same("jit off", &bits(build(device).jit(false).build().unwrap()), &wanted);
        let call = build(device).input(Input::call(|_, _| Ok(())));
        same("a callable that does nothing", &bits(call.build().unwrap()), &wanted);
        let events = build(device).monitor(Monitor::of("cells.spike").events().named("events"));
        let found = bits(events.build().unwrap());
        same("events", &found[wanted.len() - 3..][..1], &wanted[..1]);
    }
}

on_every_engine!(a3_9_no_setting_changes_a_bit);
