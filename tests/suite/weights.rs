//! Weights of all sizes: each arrives as it is, but for an error in proportion to the sum of those that end where it does.

use dsrunner::{
    Batch, Component, Connect, DSRunner, Error, Group, Model, Network, Projection, RunnerBuilder,
    Steps,
};
use ndarray::{ArrayD, Axis};

use crate::compare::equal_bits;
use crate::engines::on_every_engine;

/// Element `k` spikes in step `k`.
const ONE_AFTER_THE_OTHER: &str = "
    struct State { left: i32, total: f32 }
    struct Input { input: f32 }
    fn update(s: State, i: Input) -> State { return State(s.left - 1, i.input); }
    fn threshold(s: State) -> bool { return s.left == -1; }
";

/// All spike in every step.
const ALWAYS: &str = "
    struct State { n: i32 }
    fn update(s: State) -> State { return State(s.n + 1); }
    fn threshold(s: State) -> bool { return true; }
";

/// Its input.
const LAST: &str = "
    struct State { total: f32 }
    struct Input { input: f32 }
    fn update(s: State, i: Input) -> State { return State(i.input); }
";

/// What arrives in a step.
const AT_ONCE: &str = "
    struct State { g: f32 }
    struct Input { x: f32 }
    fn update(s: State, i: Input) -> State { return State(i.x); }
";

fn group(text: &str, size: usize) -> Group {
    Group::new(&Model::from_wgsl("Cells", text).unwrap(), size)
}

fn one_after_the_other(size: usize) -> Group {
    group(ONE_AFTER_THE_OTHER, size).init("left", (0..size as i32).collect::<Vec<_>>())
}

/// A projection whose `g` is what arrives in a step.
fn projection(pre: &Group, post: &Group) -> Projection {
    let synapse = Component::new(&Model::from_wgsl("AtOnce", AT_ONCE).unwrap());
    Projection::new(pre, post).synapse(synapse)
}

/// Pairs of source and target with their weights, onto a group of its own or onto the sources themselves.
struct Pairs {
    sources: usize,
    targets: usize,
    pre: Vec<u32>,
    post: Vec<u32>,
    weights: Vec<f64>,
}

impl Pairs {
    /// Each source has one synapse, source `k` onto target `post[k]`.
    fn single(targets: usize, post: Vec<u32>, weights: Vec<f64>) -> Self {
        let sources = post.len();
        Self { sources, targets, pre: (0..sources as u32).collect(), post, weights }
    }

    /// Random ones, with weights over so many decades, those at one target over a third of them.
    fn random(sources: usize, targets: usize, decades: f64) -> Self {
        let mut random = fastrand::Rng::with_seed(sources as u64);
        let (mut pre, mut post, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        for source in 0..sources {
            for target in (0..targets).filter(|target| (source + target) % 3 > 0) {
                let middle = (target as f64 / (targets - 1) as f64 - 0.5) * decades * 2.0 / 3.0;
                let size = 10f64.powf(middle + (random.f64() - 0.5) * decades / 3.0);
                pre.push(source as u32);
                post.push(target as u32);
                // a value of f32, so that what arrives is compared with what was given
                weights.push(f64::from((if random.bool() { size } else { -size }) as f32));
            }
        }
        Self { sources, targets, pre, post, weights }
    }

    fn projection(&self, pre: &Group, post: &Group) -> Projection {
        projection(pre, post)
            .connect(Connect::coo(self.pre.clone(), self.post.clone()))
            .weight(self.weights.clone())
    }

    fn network(&self) -> Network {
        let (pre, post) = (one_after_the_other(self.sources), group(LAST, self.targets));
        let all = self.projection(&pre, &post);
        Network::new().with("pre", pre).with("post", post).with("all", all)
    }

    /// What arrives of each weight is within the bound; `arrived[k]` is what each target got when source `k` fired.
    fn check(&self, arrived: &ArrayD<f32>) {
        let mut sums = vec![0.0; self.targets];
        for (&target, weight) in self.post.iter().zip(&self.weights) {
            sums[target as usize] += weight.abs();
        }
        for ((&source, &target), &weight) in self.pre.iter().zip(&self.post).zip(&self.weights) {
            let (got, sum) = (arrived[[source as usize, target as usize]], sums[target as usize]);
            let error = (f64::from(got) - weight).abs();
            let bound = f64::max(weight.abs() / 65_536.0, sum / 2f64.powi(31));
            assert!(error <= bound, "{weight:e} among {sum:e} arrives as {got:e}");
        }
    }
}

fn on(device: &str, target: impl dsrunner::DynamicalSystem + 'static) -> RunnerBuilder {
    DSRunner::builder(target).outputs(false).progress_bar(false).device(device)
}

/// What arrives at each target, a row for each source.
fn arrived(builder: RunnerBuilder, key: &str, sources: usize) -> (ArrayD<f32>, String) {
    let mut runner = builder.monitor(key).build().unwrap();
    runner.run(Steps(sources as u64 + 1)).unwrap();
    let rows = runner.mon().get::<f32>(key).unwrap();
    // the spikes of a step arrive in the next
    (rows.slice_axis(Axis(0), (1..).into()).to_owned(), runner.plan())
}

fn beside_a_hub(device: &str) {
    // 1000 synapses of weight 1 on target 0; small weights on targets of their own, and two on the hub's
    let small = [3e-7, 2e-7, 1e-30, 3e-7, -2e-7];
    let post = [vec![0; 1000], vec![1, 2, 3, 0, 0]].concat();
    let pairs = Pairs::single(4, post, [vec![1.0; 1000], small.to_vec()].concat());
    let (rows, plan) = arrived(on(device, pairs.network()), "all.g", 1005);
    for (source, target, weight) in [(1000, 1, 3e-7), (1001, 2, 2e-7), (1002, 3, 1e-30)] {
        assert_eq!(rows[[source, target]], weight as f32);
        assert_eq!(rows.index_axis(Axis(0), source).iter().filter(|&&g| g != 0.0).count(), 1);
    }
    assert_eq!(rows[[0, 0]], 1.0);
    // there half a quantum is 2.4e-7
    for (source, weight) in [(1003, 3e-7f64), (1004, -2e-7)] {
        assert!((f64::from(rows[[source, 0]]) - weight).abs() < 2.4e-7);
    }
    assert!(plan.contains("a weight each, quantum 1e-30 to "), "{plan}");
    assert!(plan.contains(", errors up to 2.0e-7, 1.0e0 of the weight, 1 arrive as 0"), "{plan}");
}

/// Counts of 1: exact, and as many as there are.
fn equal_weights_are_exact(device: &str) {
    for (sources, weight) in [(32_768, 0.7f64), (100_000, -0.3), (100_000, 1e-30)] {
        let (pre, post) = (group(ALWAYS, sources), group(LAST, 1));
        let all = projection(&pre, &post).weight(weight);
        let net = Network::new().with("pre", pre).with("post", post).with("all", all);
        let mut runner = on(device, net).monitor("all.g").build().unwrap();
        runner.run(Steps(2)).unwrap();
        let got = runner.mon().get::<f32>("all.g").unwrap()[[1, 0]];
        assert_eq!(got, sources as f32 * weight as f32);
        let plan = runner.plan();
        assert!(plan.contains(&format!("one weight, quantum {:?}, exact", weight.abs())), "{plan}");
    }
    let signs = Pairs::single(2, vec![0, 1, 0, 1, 0], vec![0.3, -0.3, 0.0, 0.3, -0.3]);
    let (rows, plan) = arrived(on(device, signs.network()), "all.g", 5);
    let wanted = [0.3, 0.0, 0.0, -0.3, 0.0, 0.0, 0.0, 0.3, -0.3, 0.0];
    equal_bits("signs", &rows.iter().map(|g| g + 0.0).collect::<Vec<_>>(), &wanted).must();
    assert!(plan.contains("a weight each, quantum 0.3, exact"), "{plan}");
}

/// Of a projection onto another group, onto its own (which a workgroup may execute as a whole), and step by step.
fn every_weight_is_within_the_bound(device: &str) {
    for (sources, targets, decades) in [(300, 5, 30.0), (200, 7, 4.0), (40, 300, 0.5)] {
        let pairs = Pairs::random(sources, targets, decades);
        let (rows, plan) = arrived(on(device, pairs.network()), "all.g", sources);
        pairs.check(&rows);
        let wanted = arrived(on("cpu", pairs.network()), "all.g", sources).0;
        let (rows, wanted) = (rows.into_raw_vec_and_offset().0, wanted.into_raw_vec_and_offset().0);
        equal_bits("engines", &rows, &wanted).must();
        assert_eq!(plan.contains(" to 2^"), decades > 0.5, "{plan}");
        let slow = arrived(on(device, pairs.network()).jit(false), "all.g", sources).0;
        equal_bits("step by step", &slow.into_raw_vec_and_offset().0, &wanted).must();
    }
    let pairs = Pairs::random(200, 200, 30.0);
    let cells = one_after_the_other(200);
    let own = pairs.projection(&cells, &cells);
    let net = Network::new().with("cells", cells).with("own", own);
    pairs.check(&arrived(on(device, net), "own.g", 200).0);
}

/// Targets have the same quanta in every copy, and synapses of every delay.
fn with_delays_and_in_copies(device: &str) {
    let pairs = Pairs::random(100, 5, 20.0);
    let delays: Vec<f64> = (0..pairs.pre.len()).map(|k| (k % 4) as f64).collect();
    let (pre, post) = (one_after_the_other(100), group(LAST, 5));
    let all = pairs.projection(&pre, &post).delay(delays.clone());
    let net = Network::new().with("pre", pre).with("post", post).with("all", all);
    let builder = on(device, Batch::new(net, 3)).dt(1.0).data_first_axis("T");
    let mut runner = builder.monitor("all.g").build().unwrap();
    runner.run(Steps(105)).unwrap();
    let rows = runner.mon().get::<f32>("all.g").unwrap();
    for copy in 0..3 {
        // what arrives in a step is of several sources: of each target, one at most for each delay
        for target in 0..5 {
            let mut wanted = vec![0.0; 105];
            let mut sizes = vec![0.0; 105];
            let mut sum = 0.0;
            for (k, &weight) in pairs.weights.iter().enumerate() {
                if pairs.post[k] as usize == target {
                    let step = pairs.pre[k] as usize + (delays[k] as usize).max(1);
                    wanted[step] += weight;
                    sizes[step] += weight.abs();
                    sum += weight.abs();
                }
            }
            for step in 0..105 {
                // errors of up to four weights
                let bound = sizes[step] / 65_536.0 + 4.0 * sum / 2f64.powi(31);
                let error = (f64::from(rows[[step, copy, target]]) - wanted[step]).abs();
                assert!(error <= bound, "step {step}, copy {copy}, target {target}: {error:e}");
            }
        }
    }
}

on_every_engine!(
    beside_a_hub,
    equal_weights_are_exact,
    every_weight_is_within_the_bound,
    with_delays_and_in_copies,
);

#[test]
fn what_would_not_arrive_is_refused() {
    let error = |weights: Vec<f64>| {
        let pairs = Pairs::single(1, vec![0; weights.len()], weights);
        match on("cpu", pairs.network()).build() {
            Err(Error::Node { node, reason }) if node == "all" => reason,
            other => panic!("{other:?}"),
        }
    };
    let lost = error(vec![1.0, 1e-12, -2e-12]);
    assert!(lost.starts_with("2 of 3 weights that are not zero would arrive as 0"), "{lost}");
    assert!(lost.contains("the largest of them is -2e-12, where that sum is 1."), "{lost}");
    let small = error(vec![1.0, 1e-40]);
    assert!(small.starts_with("weight 1e-40, which is too small for f32"), "{small}");
    assert!(error(vec![1.0, f64::NAN]).contains("must be finite"));
    assert!(error(vec![1.0, 1e39]).starts_with("weights whose sum at one target is 1e39;"));
}
