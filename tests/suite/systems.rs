//! Systems: parameters, initial values, paths, nesting, projections.

use dsrunner::{
    Batch, Connect, DSRunner, DynamicalSystem, Group, Init, Model, Network, Projection, Result,
    StepBuilder, Steps, neurons, odes,
};

use crate::compare::{equal_bits, near};
use crate::engines::{all, on_every_engine};

/// Draws a uniform and a normal number per element and step.
pub const NOISE: &str = "
    struct State { u: f32, z: f32 }
    fn update(s: State, r: Random) -> State { return State(random_uniform(r, 0u), random_normal(r, 1u)); }
";

fn values(runner: &mut DSRunner, path: &str) -> Vec<f32> {
    runner.get::<f32>(path).unwrap().iter().copied().collect()
}

fn parameters_one_or_one_each(device: &str) {
    let taus: Vec<f64> = (0..300).map(|k| 5.0 + f64::from(k)).collect();
    let net = Network::new()
        .with("same", neurons::lif(300).param("V_th", 1e9))
        .with("each", neurons::lif(300).param("V_th", 1e9).param("tau", taus.clone()));
    let mut runner = DSRunner::builder(net)
        .inputs([("same.input", 10.0), ("each.input", 10.0)])
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    runner.run(20.0).unwrap();
    let wanted = |tau: f64| 10.0 * (1.0 - (-20.0 / tau).exp());
    // 200 steps round by 2^-24 of 10 each
    let tolerance = 200.0 * 10.0 * 2f64.powi(-24);
    near("same", &values(&mut runner, "same.V"), &[wanted(10.0); 300], tolerance).must();
    let each: Vec<f64> = taus.iter().map(|&tau| wanted(tau)).collect();
    near("each", &values(&mut runner, "each.V"), &each, tolerance).must();
}

fn odd_sizes(device: &str) {
    for size in [1, 15, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1757] {
        let group = odes::lorenz(size).init("x", Init::uniform(-1.0, 1.0));
        let mut runner =
            DSRunner::builder(group).dt(0.01).progress_bar(false).device(device).build().unwrap();
        let before = values(&mut runner, "x");
        runner.run(Steps(1)).unwrap();
        let after = values(&mut runner, "x");
        assert_eq!(after.len(), size);
        assert!(before.iter().zip(&after).all(|(b, a)| b != a), "{size}: an element did not move");
        // x' = 10 (y - x) with y = 1, to the first order in dt
        let wanted: Vec<f64> =
            before.iter().map(|&x| f64::from(x) + 0.1 * (1.0 - f64::from(x))).collect();
        near("x", &after, &wanted, 0.05).must();
    }
}

fn two_networks_in_one(device: &str) {
    let column = |input: f64| {
        let cells = neurons::lif(5).param("R", input);
        let loop_back = Projection::new(&cells, &cells).connect(Connect::one_to_one()).weight(0.5);
        Network::new().with("cells", cells).with("rec", loop_back)
    };
    let area = Network::new().with("left", column(1.0)).with("right", column(2.0));
    let mut runner = DSRunner::builder(area)
        .inputs([("left.cells.input", 15.0), ("right.cells.input", 15.0)])
        .monitors(["left.cells.spike", "right.cells.spike", "right.rec.g"])
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    runner.run(100.0).unwrap();
    // 15 stays below the threshold of 20, twice that does not
    assert_eq!(runner.mon().events("left.cells.spike").unwrap().steps.len(), 0);
    assert!(runner.mon().events("right.cells.spike").unwrap().steps.len() > 10);
    assert!(runner.mon().get::<f32>("right.rec.g").unwrap().iter().any(|&g| g > 0.0));
}

fn random_numbers_in_a_model(device: &str) {
    let model = Model::from_wgsl("Noise", NOISE).unwrap();
    let mut runner = DSRunner::builder(Group::new(&model, 2000))
        .monitors(["u", "z"])
        .seed(9)
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    runner.run(Steps(20)).unwrap();
    let (u, z) = (runner.mon().get::<f32>("u").unwrap(), runner.mon().get::<f32>("z").unwrap());
    let n = u.len() as f64;
    let mean = |f: &dyn Fn(f64) -> f64, values: &ndarray::ArrayD<f32>| {
        values.iter().map(|&v| f(f64::from(v))).sum::<f64>() / n
    };
    // five standard errors of each moment
    let bound = |sd: f64| 5.0 * sd / n.sqrt();
    assert!((mean(&|x| x, &u) - 0.5).abs() < bound(0.289));
    assert!((mean(&|x| x * x, &u) - 1.0 / 3.0).abs() < bound(0.298));
    assert!(mean(&|x| x, &z).abs() < bound(1.0));
    assert!((mean(&|x| x * x, &z) - 1.0).abs() < bound(1.414));
    assert!(u.iter().all(|&u| (0.0..1.0).contains(&u)));
}

/// Step, element and draw 0 are the counter 0, whose answer under the key 0 is published with the reference implementation
/// (Random123, kat_vectors).
fn random_words_are_those_of_philox(device: &str) {
    let text = "struct State { a: u32, b: u32, c: u32, d: u32 }
        fn update(s: State, r: Random) -> State {
            var q = r;
            q.key = 0u;
            q.key_high = 0u;
            let words = random_words(q, 0u);
            return State(words.x, words.y, words.z, words.w);
        }";
    let group = Group::new(&Model::from_wgsl("Words", text).unwrap(), 3);
    let mut runner =
        DSRunner::builder(group).seed(0).progress_bar(false).device(device).build().unwrap();
    runner.run(Steps(1)).unwrap();
    let wanted = [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8];
    let mut first = |path: &str| runner.get::<u32>(path).unwrap()[0];
    assert_eq!(["a", "b", "c", "d"].map(&mut first), wanted);
    let mut second = |path: &str| runner.get::<u32>(path).unwrap()[1];
    assert_ne!(["a", "b", "c", "d"].map(&mut second), wanted);
}

fn copies_draw_other_numbers(device: &str) {
    let text = "struct State { own: u32 }
        fn update(s: State, r: Random) -> State { return State(random_words(r, 0u).x); }";
    let group = Group::new(&Model::from_wgsl("Replicas", text).unwrap(), 1000);
    let batch = Batch::new(group, 2);
    let mut runner = DSRunner::builder(batch).progress_bar(false).device(device).build().unwrap();
    runner.run(Steps(1)).unwrap();
    let both = runner.get::<u32>("own").unwrap();
    let [own, other] = [0, 1].map(|copy| both.index_axis(ndarray::Axis(0), copy).to_owned());
    // two words of 32 bits are equal by chance once in 4 billion
    assert!(own.iter().zip(&other).all(|(a, b)| a != b));
}

fn grids(device: &str) {
    let group = neurons::lif([3, 4])
        .init("V", ndarray::Array2::from_shape_fn((3, 4), |(r, c)| (10 * r + c) as f64));
    let mut runner = DSRunner::builder(group)
        .monitor(("V", [1, -1]))
        .input(("V", vec![1.0, 2.0, 3.0, 4.0], "fix", "="))
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    assert_eq!(runner.get::<f32>("V").unwrap()[[2, 3]], 23.0);
    runner.run(Steps(2)).unwrap();
    let v = runner.mon().get::<f32>("V").unwrap();
    assert_eq!(v.shape(), &[2, 2, 4]);
    assert!(v[[0, 0, 3]] > v[[0, 0, 0]]);
}

on_every_engine!(
    copies_draw_other_numbers,
    grids,
    odd_sizes,
    parameters_one_or_one_each,
    random_numbers_in_a_model,
    random_words_are_those_of_philox,
    two_networks_in_one,
);

/// Uniform numbers come from integers alone: the same bits on every engine.
#[test]
fn uniform_numbers_are_the_same_everywhere() {
    let model = Model::from_wgsl("Noise", NOISE).unwrap();
    let runs: Vec<Vec<f32>> = all()
        .into_iter()
        .map(|device| {
            let mut runner = DSRunner::builder(Group::new(&model, 777))
                .seed(4)
                .progress_bar(false)
                .device(device)
                .build()
                .unwrap();
            runner.run(Steps(5)).unwrap();
            values(&mut runner, "u")
        })
        .collect();
    for run in &runs[1..] {
        equal_bits("u", run, &runs[0]).must();
    }
}

#[test]
fn groups_of_one_structure_share_a_kernel() {
    let net = Network::new()
        .with("a", neurons::lif(10))
        .with("b", neurons::lif(20).param("tau", 5.0))
        .with("c", neurons::lif_ref(30));
    let runner = DSRunner::builder(net).device("cpu").build().unwrap();
    let plan = runner.plan();
    assert!(plan.contains("update   LIF by exp_euler, a (10), b (20)"), "{plan}");
    assert_eq!(runner.wgsl().unwrap().len(), 2);
}

#[test]
fn paths_and_names() {
    struct Pair(Group, Group);
    impl DynamicalSystem for Pair {
        fn name(&self) -> &str {
            "pair"
        }
        fn update(&self, step: &mut StepBuilder) -> Result<()> {
            step.child("one", &self.0)?;
            step.child("two", &self.1)
        }
    }
    let one = neurons::lif(2).named("paths_one").unwrap();
    let two = neurons::lif(3);
    let handle = two.variable("V");
    let name = two.name().to_string();
    let mut runner = DSRunner::builder(Pair(one, two)).device("cpu").build().unwrap();
    for path in ["one.V", "paths_one.V"] {
        assert_eq!(runner.get::<f32>(path).unwrap().len(), 2);
    }
    assert_eq!(runner.get::<f32>(format!("{name}.V")).unwrap().len(), 3);
    assert_eq!(runner.get::<f32>(&handle).unwrap().len(), 3);
    assert_eq!(runner.target().name(), "pair");
}
