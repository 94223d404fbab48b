//! The same description gives the same bits: run after run, and however a run is divided.

use dsrunner::{
    Connect, DSRunner, Group, Init, Network, Projection, Steps, neurons, outputs, synapses,
};

use crate::compare::{equal, equal_bits};
use crate::engines::{all, on_every_engine};

fn cells(count: usize) -> Group {
    neurons::lif_ref(count)
        .param("V_rest", -60.0)
        .param("V_reset", -60.0)
        .param("V_th", -50.0)
        .param("tau", 20.0)
        .param("tau_ref", 5.0)
        .init("V", Init::normal(-55.0, 2.0))
}

/// A small balanced network; its sizes are no multiples of anything.
pub fn network() -> Network {
    balanced(801, 199, 0.08)
}

/// A balanced network of excitatory and inhibitory cells (Brette et al. 2007, "Simulation of networks of spiking
/// neurons", benchmark 1).
pub fn balanced(excitatory: usize, inhibitory: usize, prob: f64) -> Network {
    let (e, i) = (cells(excitatory), cells(inhibitory));
    let project = |pre: &Group, post: &Group, weight: f64, tau: f64, reversal: f64| {
        Projection::new(pre, post)
            .connect(Connect::fixed_prob(prob).without_self())
            .weight(weight)
            .synapse(synapses::expon().param("tau", tau))
            .output(outputs::coba().param("E", reversal))
    };
    Network::new()
        .with("E2E", project(&e, &e, 0.6, 5.0, 0.0))
        .with("E2I", project(&e, &i, 0.6, 5.0, 0.0))
        .with("I2E", project(&i, &e, 6.7, 10.0, -80.0))
        .with("I2I", project(&i, &i, 6.7, 10.0, -80.0))
        .with("E", e)
        .with("I", i)
}

pub fn runner(device: &str) -> DSRunner {
    DSRunner::builder(network())
        .inputs([("E.input", 20.0), ("I.input", 20.0)])
        .monitors(["E.spike", "I.spike", "I.V"])
        .seed(3)
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap()
}

/// Spikes of E and all voltages of I.
fn results(runner: &DSRunner) -> (Vec<(u64, u32)>, Vec<f32>) {
    let events = runner.mon().events("E.spike").unwrap();
    let spikes = events.steps.iter().copied().zip(events.indices.iter().copied()).collect();
    (spikes, runner.mon().get::<f32>("I.V").unwrap().iter().copied().collect())
}

fn two_runs_are_the_same(device: &str) {
    let [(spikes, v), (again, v_again)] = [0, 1].map(|_| {
        let mut runner = runner(device);
        runner.run(Steps(1000)).unwrap();
        results(&runner)
    });
    assert!(spikes.len() > 500, "only {} spikes", spikes.len());
    equal("spikes", &again, &spikes).must();
    equal_bits("V", &v_again, &v).must();
}

fn one_run_is_ten_runs(device: &str) {
    let mut whole = runner(device);
    whole.run(Steps(1000)).unwrap();
    let (spikes, v) = results(&whole);
    let mut parts = runner(device);
    let (mut spikes_of_parts, mut v_of_parts) = (Vec::new(), Vec::new());
    for _ in 0..10 {
        parts.run(Steps(100)).unwrap();
        let (spikes, v) = results(&parts);
        spikes_of_parts.extend(spikes);
        v_of_parts.extend(v);
    }
    equal("spikes", &spikes_of_parts, &spikes).must();
    equal_bits("V", &v_of_parts, &v).must();
    let ends = [&mut whole, &mut parts]
        .map(|r| r.get::<f32>("I2E.g").unwrap().into_raw_vec_and_offset().0);
    equal_bits("g", &ends[1], &ends[0]).must();
}

fn reset_starts_again(device: &str) {
    let mut runner = runner(device);
    runner.run(Steps(300)).unwrap();
    let first = results(&runner);
    runner.reset_state().unwrap();
    assert_eq!(runner.i(), 0);
    runner.run(Steps(300)).unwrap();
    let second = results(&runner);
    equal("spikes", &second.0, &first.0).must();
    equal_bits("V", &second.1, &first.1).must();
}

fn another_seed_is_another_network(device: &str) {
    let build = |seed| DSRunner::builder(network()).seed(seed).device(device).build().unwrap();
    let (mut one, mut other) = (build(1), build(2));
    assert_ne!(one.synapses(), other.synapses());
    assert_ne!(one.get::<f32>("E.V").unwrap(), other.get::<f32>("E.V").unwrap());
}

on_every_engine!(
    another_seed_is_another_network,
    one_run_is_ten_runs,
    reset_starts_again,
    two_runs_are_the_same,
);

/// Graph and initial values are made on the host: the same for every engine.
#[test]
fn engines_start_from_the_same_state() {
    let mut states = all().into_iter().map(|device| {
        let mut runner = runner(&device);
        (runner.synapses(), runner.get::<f32>("E.V").unwrap().into_raw_vec_and_offset().0)
    });
    let (synapses, v) = states.next().unwrap();
    for (other_synapses, other_v) in states {
        assert_eq!(other_synapses, synapses);
        equal_bits("V", &other_v, &v).must();
    }
}
