//! Denormal numbers do not stay in the state: they would slow processors down, and GPUs may take them for zero.

use dsrunner::{Connect, DSRunner, Group, Model, Network, Projection, Steps, neurons, synapses};

use crate::engines::on_every_engine;

const SMALLEST: f32 = f32::MIN_POSITIVE;

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

/// The last normal number is kept, the next one is a zero of its sign; whole numbers with the bits of denormal ones stay.
fn what_is_stored_is_normal(device: &str) {
    let text = "struct State { x: f32, k: i32, n: u32 }
        fn update(s: State) -> State { return State(s.x * 0.5, s.k, s.n); }";
    for sign in [1.0f32, -1.0] {
        let group = Group::new(&Model::from_wgsl("Halved", text).unwrap(), 5);
        let group = group.init("x", sign * 4.0 * SMALLEST).init("k", 5.0).init("n", 7.0);
        let builder = DSRunner::builder(group).monitor(("x", 0)).progress_bar(false);
        let mut runner = builder.device(device).build().unwrap();
        runner.run(Steps(70)).unwrap();
        assert!(runner.get::<i32>("k").unwrap().iter().all(|&k| k == 5));
        assert!(runner.get::<u32>("n").unwrap().iter().all(|&n| n == 7));
        let x = runner.mon().get::<f32>("x").unwrap();
        let mut wanted = vec![sign * 0.0; 70];
        (wanted[0], wanted[1]) = (sign * 2.0 * SMALLEST, sign * SMALLEST);
        assert_eq!(bits(&x.into_raw_vec_and_offset().0), bits(&wanted));
    }
}

/// What is set is stored by the first step, even where it stays as it is.
fn what_is_set_becomes_normal(device: &str) {
    let text = "struct State { x: f32 } fn update(s: State) -> State { return s; }";
    let group = Group::new(&Model::from_wgsl("Still", text).unwrap(), 40);
    let mut runner = DSRunner::builder(group).progress_bar(false).device(device).build().unwrap();
    let mut values = vec![1.0; 40];
    (values[7], values[39]) = (0.5 * SMALLEST, -0.25 * SMALLEST);
    runner.set("x", &values[..]).unwrap();
    runner.run(Steps(1)).unwrap();
    let x: Vec<f32> = runner.get::<f32>("x").unwrap().iter().copied().collect();
    (values[7], values[39]) = (0.0, -0.0);
    assert_eq!(bits(&x), bits(&values));
}

/// What is not finite, and -0, stay.
fn what_is_not_small_stays(device: &str) {
    let text = "struct State { x: f32 } fn update(s: State) -> State { return s; }";
    let values = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, SMALLEST, -SMALLEST, 1.5];
    let group = Group::new(&Model::from_wgsl("Still", text).unwrap(), values.len());
    let builder = DSRunner::builder(group).progress_bar(false).device(device);
    let mut runner = builder.build().unwrap();
    runner.set("x", &values[..]).unwrap();
    runner.run(Steps(100)).unwrap();
    let x: Vec<f32> = runner.get::<f32>("x").unwrap().iter().copied().collect();
    assert_eq!(bits(&x), bits(&values));
}

/// All cells spike once, then the network is silent: its conductances decay to zero, past no denormal number, in one group and in
/// the synapses of several.
fn conductances_of_a_silent_network_become_zero(device: &str) {
    let cells = neurons::lif_ref(300).init("V", 25.0);
    let others = neurons::lif(40);
    let project = |to: &Group| {
        let projection = Projection::new(&cells, to).connect(Connect::fixed_prob(0.1));
        projection.weight(0.01).synapse(synapses::expon().param("tau", 2.0))
    };
    let (own, far) = (project(&cells), project(&others));
    let network = Network::new();
    let network = network.with("cells", cells).with("others", others);
    let network = network.with("own", own).with("far", far);
    let builder = DSRunner::builder(network).monitors(["own.g", "far.g"]).outputs(false);
    let mut runner = builder.progress_bar(false).device(device).build().unwrap();
    runner.run(200.0).unwrap();
    for key in ["own.g", "far.g"] {
        let g = runner.mon().get::<f32>(key).unwrap();
        let g = g.into_dimensionality::<ndarray::Ix2>().unwrap();
        let most = |row: usize| g.row(row).iter().copied().fold(0.0, f32::max);
        assert!(most(10) > 0.1 && most(1999) == 0.0, "{key} {} {}", most(10), most(1999));
        assert!(!g.iter().any(|g| g.is_subnormal()), "{key}");
    }
}

on_every_engine!(
    what_is_stored_is_normal,
    what_is_set_becomes_normal,
    what_is_not_small_stays,
    conductances_of_a_silent_network_become_zero,
);
