//! One state on every engine: systems move between devices in the middle of a simulation, and neither the length of
//! chunks nor the number of threads changes a bit.

use dsrunner::{
    Connect, DSRunner, DeviceKind, Error, Group, Init, Model, Monitor, Network, Projection,
    RunnerBuilder, Steps, devices, neurons, outputs, synapses,
};

use crate::compare::{equal, equal_bits};
use crate::engines::{gpu, on_every_engine};

/// A network with delays of 20 steps and others from 1 to 20, so large that the CPU engine divides it among two threads.
fn network(count: usize) -> Network {
    let cells = neurons::lif_ref(count).param("tau_ref", 2.0).init("V", Init::uniform(-5.0, 20.0));
    let each: Vec<f64> = (0..count * 3).map(|k| 0.1 * (1 + k % 20) as f64).collect();
    let (pre, post): (Vec<u32>, Vec<u32>) =
        (0..count * 3).map(|k| ((k / 3) as u32, ((k * 7919 + 13) % count) as u32)).unzip();
    let slow = Projection::new(&cells, &cells)
        .connect(Connect::coo(pre.clone(), post.clone()))
        .weight(0.8)
        .delay(each)
        .synapse(synapses::expon().param("tau", 3.0))
        .output(outputs::cuba());
    let back = Projection::new(&cells, &cells)
        .connect(Connect::coo(post, pre))
        .weight(0.05)
        .delay(2.0)
        .synapse(synapses::expon())
        .output(outputs::coba().param("E", -20.0));
    Network::new().with("cells", cells).with("slow", slow).with("back", back)
}

fn builder(device: &str, count: usize) -> RunnerBuilder {
    DSRunner::builder(network(count))
        .input(("cells.input", 30.0))
        .monitors(["cells.spike", "cells.V", "slow.g"])
        .progress_bar(false)
        .device(device)
}

/// All that a run shows, and all variables at its end.
fn results(runner: &mut DSRunner) -> (Vec<(u64, u32)>, Vec<f32>) {
    let mon = runner.mon();
    let events = mon.events("cells.spike").unwrap();
    let mut floats: Vec<f32> = Vec::new();
    for key in ["cells.V", "slow.g"] {
        floats.extend(mon.get::<f32>(key).unwrap());
    }
    floats.extend(state(runner));
    (events.steps.into_iter().zip(events.indices).collect(), floats)
}

/// All variables and parameters, and the clock.
fn state(runner: &mut DSRunner) -> Vec<f32> {
    let mut floats = vec![runner.i() as f32];
    for path in ["cells.V", "cells.input", "cells.tau", "slow.g", "slow.x", "back.g"] {
        floats.extend(runner.get::<f32>(path).unwrap());
    }
    floats.extend(runner.get::<i32>("cells.refractory").unwrap().iter().map(|&n| n as f32));
    floats
        .extend(runner.get::<bool>("cells.spike").unwrap().iter().map(|&s| f32::from(u8::from(s))));
    floats
}

fn same(what: &str, got: &(Vec<(u64, u32)>, Vec<f32>), wanted: &(Vec<(u64, u32)>, Vec<f32>)) {
    assert!(wanted.0.len() > 50, "only {} spikes", wanted.0.len());
    equal(&format!("{what}: spikes"), &got.0, &wanted.0).must();
    equal_bits(what, &got.1, &wanted.1).must();
}

const COUNT: usize = 801;

/// Moved back and forth after 150 steps with spikes under way; the run goes on as if nothing had been.
fn there_and_back(device: &str) {
    let Some(other) = gpu() else { return };
    let mut unmoved = builder(device, COUNT).build().unwrap();
    let mut moved = builder(device, COUNT).build().unwrap();
    unmoved.run(Steps(150)).unwrap();
    moved.run(Steps(150)).unwrap();
    let before = state(&mut moved);
    let elsewhere = if device == "cpu" { other.as_str() } else { "cpu" };
    let home = moved.device();
    moved.to(elsewhere).unwrap();
    assert_ne!(moved.device(), home);
    equal_bits("state on the other device", &state(&mut moved), &before).must();
    moved.to(device).unwrap();
    assert_eq!(moved.device(), home);
    equal_bits("state after both moves", &state(&mut moved), &before).must();
    unmoved.run(Steps(150)).unwrap();
    moved.run(Steps(150)).unwrap();
    same("after both moves", &results(&mut moved), &results(&mut unmoved));
}

/// Parts of one simulation on different devices are one simulation, to the last bit where arithmetic is pinned.
fn in_turns(device: &str) {
    let Some(other) = gpu() else { return };
    let mut unmoved = builder(device, COUNT).build().unwrap();
    let mut moved = builder(device, COUNT).build().unwrap();
    for part in 0..6 {
        unmoved.run(Steps(37)).unwrap();
        moved.to(if part % 2 == 0 { other.as_str() } else { "cpu" }).unwrap();
        moved.run(Steps(37)).unwrap();
        same(&format!("part {part}"), &results(&mut moved), &results(&mut unmoved));
    }
}

fn chunks_change_nothing(device: &str) {
    let run = |chunk: Option<usize>| {
        let builder = builder(device, COUNT);
        let builder = chunk.into_iter().fold(builder, |b, chunk| b.chunk(chunk));
        let mut runner = builder.build().unwrap();
        runner.run(Steps(200)).unwrap();
        results(&mut runner)
    };
    let whole = run(None);
    for chunk in [1, 7, 64] {
        same(&format!("chunks of {chunk}"), &run(Some(chunk)), &whole);
    }
}

#[test]
fn threads_change_nothing() {
    let run = |threads: usize| {
        let mut runner = builder("cpu", 17_001).threads(threads).build().unwrap();
        runner.run(Steps(60)).unwrap();
        results(&mut runner)
    };
    same("two threads", &run(2), &run(1));
}

/// So many synapses a step that threads divide the targets; rows in order and not, one weight and many.
#[test]
fn threads_deliver_the_same() {
    let text = "
        struct State { k: u32 }
        fn update(s: State, h: Shared, r: Random) -> State { return State(h.i % (1u + r.element % 3u)); }
        fn threshold(s: State) -> bool { return s.k == 0u; }
    ";
    let run = |threads: usize| {
        let source = Group::new(&Model::from_wgsl("Comb", text).unwrap(), 900);
        let target = neurons::lif_ref(501).param("tau_ref", 2.0);
        let each: Vec<f64> = (0..900 * 501).map(|k| f64::from(k * 7919 % 1009) * 1e-4).collect();
        let all = Projection::new(&source, &target).weight(each).synapse(synapses::expon());
        let (pre, post): (Vec<u32>, Vec<u32>) =
            (0..900 * 40).map(|k| (k % 900, (k * 7907 + k / 900) % 501)).unzip();
        let some = Projection::new(&source, &target)
            .connect(Connect::coo(pre, post))
            .weight(0.01)
            .delay(1.5)
            .synapse(synapses::expon().param("tau", 3.0));
        let net =
            Network::new().with("s", source).with("t", target).with("all", all).with("some", some);
        let builder = DSRunner::builder(net).monitors(["t.spike", "t.V", "all.g", "some.g"]);
        let mut runner =
            builder.progress_bar(false).device("cpu").threads(threads).build().unwrap();
        runner.run(Steps(60)).unwrap();
        let mon = runner.mon();
        let mut floats = Vec::new();
        ["t.V", "all.g", "some.g"]
            .iter()
            .for_each(|key| floats.extend(mon.get::<f32>(key).unwrap()));
        let events = mon.events("t.spike").unwrap();
        assert!(
            events.steps.len() > 300,
            "{} {:?}",
            events.steps.len(),
            floats.iter().copied().fold(0.0, f32::max)
        );
        (events.steps.into_iter().zip(events.indices).collect::<Vec<_>>(), floats)
    };
    same("two threads", &run(2), &run(1));
}

/// Elements that do not look at each other execute many steps at a time, block by block or in one dispatch; step by step they do
/// the same. Two groups of one structure, parameters of each element, inputs that change and inputs to a part.
fn many_steps_change_nothing(device: &str) {
    let run = |device: &str, threads: usize, chunk: usize, jit: bool| {
        let cells = neurons::izhikevich(20_011).init("V", Init::uniform(-70.0, -50.0));
        let each: Vec<f64> = (0..333).map(|k| 0.02 + 1e-4 * f64::from(k)).collect();
        let others = neurons::izhikevich(333).param("a", each);
        let few = cells.slice(5000..15_000);
        let rows: Vec<f64> = (0..130).map(|k| f64::from(k % 17)).collect();
        let net = Network::new().with("cells", cells).with("others", others.clone());
        let mut runner = DSRunner::builder(net)
            .input(("cells.input", 6.0))
            .input((few.variable("input"), rows.clone(), "iter"))
            .input((
                few.variable("input"),
                (0..10_000).map(|k| f64::from(k % 7)).collect::<Vec<_>>(),
            ))
            .input(("cells.u", 0.01))
            .input((others.slice(100..200).variable("V"), rows, "iter", "="))
            .monitors(["cells.spike", "cells.V", "others.u"])
            .monitor(Monitor::of("cells.V").index([19_999, 3, 5000]).every(3).named("list"))
            .monitor(Monitor::of("cells.spike").index(64..7000).named("some"))
            .monitor(Monitor::of("others.V").window(3.0..9.0).named("window"))
            .progress_bar(false)
            .device(device)
            .threads(threads)
            .chunk(chunk)
            .jit(jit)
            .build()
            .unwrap();
        runner.set("cells.input", 3.0).unwrap();
        runner.run(Steps(70)).unwrap();
        runner.run(Steps(60)).unwrap();
        let mon = runner.mon();
        let mut floats: Vec<f32> = Vec::new();
        for key in ["cells.V", "others.u", "list", "window"] {
            floats.extend(mon.get::<f32>(key).unwrap());
        }
        floats.extend(mon.get::<bool>("some").unwrap().iter().map(|&s| f32::from(u8::from(s))));
        let events = mon.events("cells.spike").unwrap();
        assert!(events.steps.len() > 1000);
        for path in ["cells.u", "cells.V", "cells.input", "others.V", "others.u", "others.input"] {
            floats.extend(runner.get::<f32>(path).unwrap());
        }
        (events.steps.into_iter().zip(events.indices).collect::<Vec<_>>(), floats)
    };
    let wanted = run("cpu", 1, 1000, false);
    for (threads, chunk) in [(1, 1000), (2, 1000), (2, 7), (2, 1)] {
        let what = format!("{threads} threads, {chunk} steps");
        same(&what, &run(device, threads, chunk, true), &wanted);
    }
}

/// Two groups of one structure that excite and inhibit each other, with delays, inputs that change and inputs to a part: small
/// enough for one workgroup of a GPU, with more elements than that has invocations.
fn small_network(device: &str, chunk: usize, jit: bool) -> RunnerBuilder {
    let cells = |count| neurons::lif_ref(count).param("tau_ref", 2.0);
    let e = cells(1101).init("V", Init::uniform(-5.0, 20.0));
    let i = cells(300).init("V", Init::uniform(-5.0, 20.0)).param("tau", 15.0);
    let from = |pre: &Group, post: &Group, weight: f64, delay: f64, tau: f64, reversal: f64| {
        Projection::new(pre, post)
            .connect(Connect::fixed_prob(0.05))
            .weight(weight)
            .delay(delay)
            .synapse(synapses::expon().param("tau", tau))
            .output(outputs::coba().param("E", reversal))
    };
    let few = e.slice(100..900);
    let rows: Vec<f64> = (0..260).map(|k| 5.0 + f64::from(k % 13)).collect();
    let net = Network::new()
        .with("ee", from(&e, &e, 0.02, 0.3, 5.0, 60.0))
        .with("ei", from(&e, &i, 0.03, 0.1, 5.0, 60.0))
        .with("ie", from(&i, &e, 0.1, 1.1, 10.0, -80.0))
        .with("ii", from(&i, &i, 0.1, 0.1, 10.0, -80.0))
        .with("e", e)
        .with("i", i);
    DSRunner::builder(net)
        .input(("e.input", 18.0))
        .input((few.variable("input"), rows, "iter"))
        .input(("i.input", 21.0))
        .monitors(["e.spike", "e.V", "ee.g", "ie.g"])
        .monitor(Monitor::of("i.V").index([299, 3, 77]).every(3).named("list"))
        .monitor(Monitor::of("i.spike").index(64..250).named("some"))
        .progress_bar(false)
        .device(device)
        .chunk(chunk)
        .jit(jit)
}

fn small_results(runner: &mut DSRunner) -> (Vec<(u64, u32)>, Vec<f32>) {
    let mon = runner.mon();
    let mut floats: Vec<f32> = Vec::new();
    for key in ["e.V", "ee.g", "ie.g", "list"] {
        floats.extend(mon.get::<f32>(key).unwrap());
    }
    floats.extend(mon.get::<bool>("some").unwrap().iter().map(|&s| f32::from(u8::from(s))));
    let events = mon.events("e.spike").unwrap();
    for path in ["e.V", "i.V", "e.input", "i.input", "ee.g", "ei.g", "ie.g", "ii.g"] {
        floats.extend(runner.get::<f32>(path).unwrap());
    }
    (events.steps.into_iter().zip(events.indices).collect(), floats)
}

/// A workgroup that has the whole network does what its operations do one by one, in chunks of any length, and in turns with the
/// CPU engine.
fn small_networks_change_nothing(device: &str) {
    let run = |device: &str, other: &str, chunk: usize, jit: bool| {
        let mut runner = small_network(device, chunk, jit).build().unwrap();
        let kernels = runner.wgsl().unwrap();
        assert!(kernels.len() == 1 && kernels[0].0.starts_with("steps "), "{}", kernels[0].0);
        runner.set("e.input", 3.0).unwrap();
        runner.run(Steps(90)).unwrap();
        runner.to(other).unwrap();
        runner.run(Steps(30)).unwrap();
        runner.to(device).unwrap();
        runner.run(Steps(140)).unwrap();
        small_results(&mut runner)
    };
    let wanted = run("cpu", "cpu", 1000, false);
    for (other, chunk) in [(device, 1000), (device, 7), (device, 1), ("cpu", 1000)] {
        let what = format!("chunks of {chunk}, {other} between");
        same(&what, &run(device, other, chunk, true), &wanted);
    }
}

#[test]
fn where_it_cannot_go() {
    let mut runner = builder("cpu", COUNT).build().unwrap();
    runner.run(Steps(50)).unwrap();
    let before = state(&mut runner);
    for (result, asked) in [
        (runner.tpu().map(drop), "tpu"),
        (runner.to("abacus").map(drop), "abacus"),
        (runner.to(99.to_string()).map(drop), "99"),
    ] {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::NoDevice { .. }));
        let text = error.to_string();
        let start = format!("no device `{asked}`; there are:\n0: CPU engine");
        assert!(text.starts_with(&start), "{text}");
    }
    let hardware = |kind| !matches!(kind, DeviceKind::Cpu | DeviceKind::Software);
    if !devices().iter().any(|d| hardware(d.kind)) {
        let text = runner.cuda().map(drop).unwrap_err().to_string();
        assert!(text.starts_with("no device `cuda`; there are:\n0: CPU engine"), "{text}");
    }
    equal_bits("state", &state(&mut runner), &before).must();
    runner.run(Steps(50)).unwrap();
    assert_eq!(runner.i(), 100);
}

#[test]
fn settings_that_cannot_be() {
    let message = |builder: RunnerBuilder| builder.build().unwrap_err().to_string();
    assert_eq!(message(builder("cpu", 10).chunk(0)), "`chunk` is 0, but must be at least 1");
    assert_eq!(message(builder("cpu", 10).threads(0)), "`threads` is 0, but must be at least 1");
}

on_every_engine!(
    chunks_change_nothing,
    in_turns,
    many_steps_change_nothing,
    small_networks_change_nothing,
    there_and_back,
);
