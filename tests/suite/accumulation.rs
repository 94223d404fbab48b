//! Sums of events: exact, without overflow, whatever arrives.

use dsrunner::{Connect, DSRunner, Group, Model, Network, Projection, Steps, synapses};

use crate::compare::near;
use crate::engines::on_every_engine;

/// Spikes in every step.
const ALWAYS: &str = "
    struct State { n: i32 }
    fn update(s: State) -> State { return State(s.n + 1); }
    fn threshold(s: State) -> bool { return true; }
";

/// Adds up its input, and never changes otherwise.
const SUM: &str = "
    struct State { total: f32 }
    struct Input { input: f32 }
    fn update(s: State, x: Input) -> State { return State(s.total + x.input); }
";

/// All of `sources` fire in each step onto `targets` through synapses that forget at once; what arrives in one step.
fn arrivals(
    device: &str,
    sources: usize,
    targets: usize,
    weight: impl Into<dsrunner::Value>,
) -> (Vec<f32>, String) {
    let pre = Group::new(&Model::from_wgsl("Always", ALWAYS).unwrap(), sources);
    let post = Group::new(&Model::from_wgsl("Sum", SUM).unwrap(), targets);
    let all = Projection::new(&pre, &post)
        .connect(Connect::all_to_all())
        .weight(weight)
        .synapse(synapses::expon().param("tau", 1e-3));
    let net = Network::new().with("pre", pre).with("post", post).with("all", all);
    let mut runner =
        DSRunner::builder(net).monitor("all.g").progress_bar(false).device(device).build().unwrap();
    runner.run(Steps(3)).unwrap();
    let g = runner.mon().get::<f32>("all.g").unwrap();
    // the spikes of step 0 arrive in step 1; 0.1 ms later nothing is left of them, so step 2 has the same sum
    assert!(g.index_axis(ndarray::Axis(0), 0).iter().all(|&g| g == 0.0));
    (g.index_axis(ndarray::Axis(0), 2).iter().copied().collect(), runner.plan())
}

fn every_source_fires_at_the_largest_weight(device: &str) {
    // the weight and the sum are each rounded to 24 bits
    for (weight, tolerance) in [(0.6f64, 1e-6), (-6.7, 1e-6), (1e-12, 1e-6), (3e9, 1e-6)] {
        let (sums, plan) = arrivals(device, 3000, 5, weight);
        near("sum", &sums, &[3000.0 * weight; 5], 3000.0 * weight.abs() * tolerance).must();
        assert!(
            plan.contains(&format!("one weight, quantum {:?}, exact", weight.abs() as f32)),
            "{plan}"
        );
    }
}

fn weights_of_both_signs_and_all_sizes(device: &str) {
    // per synapse, rows by source: target t gets the sum over s of the weight (s, t)
    let weight = |s: usize, t: usize| ((s * 7 + t * 13) % 101) as f64 - 50.0 + 1e-3 * s as f64;
    let weights: Vec<f64> = (0..200).flat_map(|s| (0..7).map(move |t| weight(s, t))).collect();
    let wanted: Vec<f64> = (0..7).map(|t| (0..200).map(|s| weight(s, t)).sum()).collect();
    let (sums, plan) = arrivals(device, 200, 7, weights);
    // 200 weights are each rounded to half a quantum, which is below 2^-16 of the median, 25
    near("sum", &sums, &wanted, 200.0 * 25.0 / 131_072.0).must();
    assert!(plan.contains("a weight each, quantum 2^"), "{plan}");
}

on_every_engine!(every_source_fires_at_the_largest_weight, weights_of_both_signs_and_all_sizes);

#[test]
fn the_quantum_is_in_the_plan() {
    let (_, plan) = arrivals("cpu", 100, 1, 1.0);
    assert!(plan.contains("one weight, quantum 2^0, exact"), "{plan}");
    let weights: Vec<f64> = (1..=100).map(|k| 0.1 * f64::from(k)).collect();
    let (_, plan) = arrivals("cpu", 100, 1, weights);
    // a sum of 505 is below 2^9; multiples of a tenth are up to 0.4 quanta from the next
    let wanted = "a weight each, quantum 2^-22, errors up to 9.5e-8, 9.5e-7 of the weight";
    assert!(plan.contains(wanted), "{plan}");
}
