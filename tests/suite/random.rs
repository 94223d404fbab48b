//! Random numbers: bit for bit what their definition says, their distributions, and what changes them.

use std::hash::Hasher;

use dsrunner::{
    Batch, Connect, Coupling, DSRunner, DynamicalSystem, Group, Init, Kernel, Model, Monitor,
    Network, Projection, StateArray, StateData, Steps, neurons, outputs, sources, synapses, wgsl,
};

use crate::compare::{equal, equal_bits, near};
use crate::engines::on_every_engine;

/// Philox 4x32-10 as its authors write it (Salmon et al. 2011).
fn philox(mut c: [u32; 4], mut k: [u32; 2]) -> [u32; 4] {
    let product = |a: u32, b: u32| u64::from(a) * u64::from(b);
    for _ in 0..10 {
        let (a, b) = (product(0xd251_1f53, c[0]), product(0xcd9e_8d57, c[2]));
        c = [(b >> 32) as u32 ^ c[1] ^ k[0], b as u32, (a >> 32) as u32 ^ c[3] ^ k[1], a as u32];
        k = [k[0].wrapping_add(0x9e37_79b9), k[1].wrapping_add(0xbb67_ae85)];
    }
    c
}

/// The words of a function, by its number: 0 words, 1 uniform, 2 normal, 3 Bernoulli.
fn words(key: [u32; 2], function: u32, element: u32, step: u64, draw: u32) -> [u32; 4] {
    philox([element, step as u32, (step >> 32) as u32 ^ function << 28, draw], key)
}

fn run(device: &str, target: impl DynamicalSystem + 'static, seed: u64, steps: u64) -> DSRunner {
    let builder = DSRunner::builder(target).seed(seed).progress_bar(false).device(device);
    let mut runner = builder.build().unwrap();
    runner.run(Steps(steps)).unwrap();
    runner
}

fn values<T: dsrunner::Element>(runner: &mut DSRunner, path: &str) -> Vec<T> {
    runner.get::<T>(path).unwrap().iter().copied().collect()
}

fn group(name: &str, text: &str, count: usize) -> Group {
    Group::new(&Model::from_wgsl(name, text).unwrap(), count)
}

/// The key is the hash that the documentation gives, here by the standard library; draws are the words of Philox, for numbers of
/// draws up to the last.
fn words_are_those_of_key_and_counter(device: &str) {
    let text = "
        struct State { k0: u32, k1: u32, a: u32, b: u32, c: u32, d: u32, u: f32, last: u32, many: u32 }
        fn update(s: State, r: Random) -> State {
            let w = random_words(r, 7u);
            return State(
                r.key, r.key_high, w.x, w.y, w.z, w.w,
                random_uniform(r, 65536u), random_words(r, 0xffffffffu).x, random_words(r, 65536u).x,
            );
        }";
    let seed = 0x0123_4567_89ab_cdef;
    let net = Network::new().with("a", Network::new().with("b", group("Words", text, 300)));
    let mut runner = run(device, net, seed, 4);
    #[allow(deprecated)]
    let mut hash = std::hash::SipHasher::new();
    hash.write(&[&seed.to_le_bytes()[..], &[0; 4], b"element\xff\xffa.b\xff", &[0; 4]].concat());
    let hash = hash.finish();
    let key = [hash as u32, (hash >> 32) as u32];
    let mut get = |name: &str| values::<u32>(&mut runner, &format!("a.b.{name}"));
    assert_eq!((get("k0"), get("k1")), (vec![key[0]; 300], vec![key[1]; 300]));
    for (k, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let wanted: Vec<u32> = (0..300).map(|e| words(key, 0, e, 3, 7)[k]).collect();
        assert_eq!(get(name), wanted, "{name}");
    }
    for (name, draw) in [("last", u32::MAX), ("many", 65536)] {
        let wanted: Vec<u32> = (0..300).map(|e| words(key, 0, e, 3, draw)[0]).collect();
        assert_eq!(get(name), wanted, "{name}");
    }
    let uniform = |e: u32| {
        let word = words(key, 1, e, 3, 65536)[0];
        let kept = if word < 1 << 24 { word } else { word >> 8 << 8 };
        (f64::from(kept) / 2f64.powi(32)) as f32
    };
    let wanted: Vec<f32> = (0..300).map(uniform).collect();
    equal_bits("u", &values::<f32>(&mut runner, "a.b.u"), &wanted).must();
}

/// Steps beyond 2^32 draw by both words of their number.
fn late_steps_draw_by_both_words(device: &str) {
    let text = "
        struct State { k0: u32, k1: u32, a: u32, b: u32 }
        fn update(s: State, r: Random) -> State {
            return State(r.key, r.key_high, random_words(r, 2u).x, u32(random_uniform(r, 2u) * 16777216.0));
        }";
    let mut runner = run(device, group("Late", text, 100), 0, 1);
    let key = ["k0", "k1"].map(|path| values::<u32>(&mut runner, path)[0]);
    let (last, mut state) = ((3 << 32) + 1, runner.state_dict().unwrap());
    let step = StateArray::new([], StateData::U64(vec![last - 2])).unwrap();
    state.insert("dsrunner", "step", step);
    runner.load_state_dict(&state, false, Default::default()).unwrap();
    runner.run(Steps(3)).unwrap();
    let wanted: Vec<u32> = (0..100).map(|e| words(key, 0, e, last, 2)[0]).collect();
    assert_eq!(values::<u32>(&mut runner, "a"), wanted);
    let wanted: Vec<u32> = (0..100).map(|e| words(key, 1, e, last, 2)[0] >> 8).collect();
    assert_eq!(values::<u32>(&mut runner, "b"), wanted);
}

/// Draws of a key and elements that are chosen, so that rare words come up.
const CHOSEN: &str = "
    struct Params { e: u32, p: u32 }
    struct State { hit: u32, u: f32, z: f32 }
    fn update(s: State, p: Params, r: Random) -> State {
        var q = r;
        q.key = 7u;
        q.key_high = 9u;
        q.element = p.e;
        q.i = 0u;
        let hit = random_bernoulli(q, 3u, bitcast<f32>(p.p));
        return State(select(0u, 1u, hit), random_uniform(q, 3u), random_normal(q, 3u));
    }";

/// Elements with the smallest first words of a function among a million, and one of those with a smaller one still.
fn rare(function: u32, further: u32) -> Vec<u32> {
    let first = |&e: &u32| words([7, 9], function, e, 0, 3)[0];
    let mut all: Vec<u32> = (0..1 << 20).filter(|e| first(e) < 1 << 16).collect();
    all.sort_unstable_by_key(first);
    all.push(further);
    all
}

/// A draw with probability p is true where 64 bits are less than p 2^64: on both sides of the words that are drawn, where the
/// second word decides, and for what is no probability.
fn bernoulli_counts_in_64_bits(device: &str) {
    let known: Vec<u32> = rare(3, 30_686_302).into_iter().chain(0..1000).collect();
    let mut cases: Vec<(u32, f32)> = Vec::new();
    for &e in &known {
        let [x, y, ..] = words([7, 9], 3, e, 0, 3);
        let drawn = u64::from(x) << 32 | u64::from(y);
        // the nearest f32 below, at and above, and some that only share the first word
        let near = (drawn as f64 / 2f64.powi(64)) as f32;
        let floor = (f64::from(x) / 2f64.powi(32)) as f32;
        for p in [near.next_down(), near, near.next_up(), floor.next_down(), floor, floor.next_up()]
        {
            cases.push((e, p));
        }
    }
    let fixed = [
        0.0,
        -0.0,
        f32::from_bits(1),
        f32::MIN_POSITIVE,
        2f32.powi(-64),
        2f32.powi(-40),
        1e-8,
        1e-4,
        0.5,
        1f32.next_down(),
        1.0,
        1f32.next_up(),
        7.0,
        f32::INFINITY,
        f32::NEG_INFINITY,
        -0.5,
        f32::NAN,
        -f32::NAN,
    ];
    cases.extend(known.iter().flat_map(|&e| fixed.map(|p| (e, p))));
    let wanted = |&(e, p): &(u32, f32)| {
        let [x, y, ..] = words([7, 9], 3, e, 0, 3);
        // p 2^64 in integers: the bits of p are a whole number times a power of two
        let (mantissa, exponent) = (p.to_bits() & 0x7f_ffff, p.to_bits() >> 23);
        let whole = match exponent {
            0 => 0,
            1..86 => u128::from(mantissa | 0x80_0000).checked_shr(86 - exponent).unwrap_or(0),
            86..127 => u128::from(mantissa | 0x80_0000) << (exponent - 86),
            _ => u128::from(p >= 1.0) << 64,
        };
        u32::from(u128::from(u64::from(x) << 32 | u64::from(y)) < whole)
    };
    let wanted: Vec<u32> = cases.iter().map(wanted).collect();
    // ties of the first word are decided both ways
    let tied = |&(e, p): &(u32, f32)| {
        words([7, 9], 3, e, 0, 3)[0] == (f64::from(p) * 2f64.powi(32)) as u32
    };
    let ties =
        cases.iter().zip(&wanted).filter(|(case, _)| case.1 > 0.0 && case.1 < 1.0 && tied(case));
    let ties: Vec<u32> = ties.map(|(_, &hit)| hit).collect();
    let hits = ties.iter().sum::<u32>() as usize;
    assert!(hits > 20 && ties.len() - hits > 20, "{hits} of {}", ties.len());
    let cells = group("Chosen", CHOSEN, cases.len());
    let (elements, bits): (Vec<u32>, Vec<u32>) =
        cases.iter().map(|&(e, p)| (e, p.to_bits())).unzip();
    let mut runner = run(device, cells.param("e", elements).param("p", bits), 0, 1);
    let got = values::<u32>(&mut runner, "hit");
    for ((case, got), wanted) in cases.iter().zip(got).zip(wanted) {
        assert_eq!(got, wanted, "{case:?}");
    }
}

/// Small uniform numbers have 32 bits, normal ones go beyond what 24 bits give, 5.77.
fn rare_numbers_keep_their_bits(device: &str) {
    let chosen = |elements: &[u32]| {
        let cells = group("Chosen", CHOSEN, elements.len()).param("e", elements.to_vec());
        run(device, cells.param("p", 0.0), 0, 1)
    };
    let elements = rare(1, 0);
    let wanted = elements.iter().map(|&e| words([7, 9], 1, e, 0, 3)[0]);
    let wanted: Vec<f32> = wanted
        .map(|word| {
            (f64::from(if word < 1 << 24 { word } else { word >> 8 << 8 }) / 2f64.powi(32)) as f32
        })
        .collect();
    assert!(wanted[0] < 2f32.powi(-18));
    equal_bits("u", &values::<f32>(&mut chosen(&elements), "u"), &wanted).must();
    let elements = rare(2, 20_648_083);
    let normal = |&e: &u32| {
        let [x, y, ..] = words([7, 9], 2, e, 0, 3).map(f64::from);
        let (u, v) = ((x + 0.5) / 2f64.powi(32), (y / 256.0).floor() / 2f64.powi(24));
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    };
    let wanted: Vec<f64> = elements.iter().map(normal).collect();
    assert!(wanted[wanted.len() - 1] > 5.8);
    // 6 times 2^-24 for each of the square root, the angle (up to 2 pi), the cosine and the product
    near("z", &values::<f32>(&mut chosen(&elements), "z"), &wanted, 6.0 * 10.0 * 2f64.powi(-24))
        .must();
}

/// Events come as often as they should, for probabilities of all sizes that can be waited for.
fn bernoulli_has_its_rate(device: &str) {
    let text = "
        struct Params { p: f32 }
        struct State { hits: u32 }
        fn update(s: State, p: Params, r: Random) -> State {
            return State(s.hits + select(0u, 1u, random_bernoulli(r, 0u, p.p)));
        }";
    let (all, each, steps) = ([1e-4, 1e-2, 0.3, 0.5], 5000, 100);
    let p: Vec<f64> = all.iter().flat_map(|&p| vec![p; each]).collect();
    let mut runner = run(device, group("Rate", text, p.len()).param("p", p), 5, steps);
    let hits = values::<u32>(&mut runner, "hits");
    for (p, hits) in all.iter().zip(hits.chunks(each)) {
        let (n, count) = (each as f64 * steps as f64, f64::from(hits.iter().sum::<u32>()));
        // five standard deviations of the binomial count
        let bound = 5.0 * (n * p * (1.0 - p)).sqrt();
        assert!((count - n * p).abs() < bound, "{count} of {n} at {p}");
    }
}

/// Spikes of the source at rates from 1 to 5000 Hz.
fn poisson_sources_have_their_rates(device: &str) {
    let rates = [1.0, 100.0, 5000.0];
    let freqs: Vec<f64> = rates.iter().flat_map(|&rate| vec![rate; 5000]).collect();
    let source = sources::poisson(15_000).param("freqs", freqs);
    let builder = DSRunner::builder(source).monitor("spike").seed(2).progress_bar(false);
    let mut runner = builder.device(device).build().unwrap();
    runner.run(Steps(100)).unwrap();
    let mut counts = [0.0; 3];
    runner
        .mon()
        .events("spike")
        .unwrap()
        .indices
        .iter()
        .for_each(|&e| counts[e as usize / 5000] += 1.0);
    for (rate, count) in rates.into_iter().zip(counts) {
        let (n, p): (f64, f64) = (500_000.0, rate * 0.1 / 1000.0);
        // five standard deviations of the binomial count
        assert!((count - n * p).abs() < 5.0 * (n * p * (1.0 - p)).sqrt(), "{count} at {rate} Hz");
    }
}

/// What is drawn by several functions, under several numbers, and at the neighbours.
const MANY: &str = "
    struct State { u: f32, z: f32, hit: f32, u1: f32, z1: f32, far: f32, w: f32 }
    fn update(s: State, r: Random) -> State {
        return State(
            random_uniform(r, 0u), random_normal(r, 0u), select(0.0, 1.0, random_bernoulli(r, 0u, 0.5)),
            random_uniform(r, 1u), random_normal(r, 1u), random_uniform(r, 65536u),
            f32(random_words(r, 0u).x) / 4294967296.0,
        );
    }";

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| {
        a.iter().zip(b).map(|(&a, &b)| f(a - ma, b - mb)).sum::<f64>()
    };
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
}

/// Functions, numbers of draws, elements, steps, replicas and nodes are independent of each other: no correlation of values nor of
/// sizes. The correlation of n independent pairs has a standard deviation of n^-1/2.
fn draws_are_independent(device: &str) {
    let n = 20_000;
    let net = || Network::new().with("a", group("Many", MANY, n)).with("b", group("Many", MANY, n));
    let mut runner = run(device, Batch::new(net(), 2), 3, 1);
    let mut columns: Vec<(String, Vec<f64>)> = Vec::new();
    let mut add = |runner: &mut DSRunner, when: &str, paths: &[&str]| {
        for path in paths {
            let all = values::<f32>(runner, path);
            for (copy, values) in all.chunks(n).enumerate() {
                let values: Vec<f64> = values.iter().map(|&v| f64::from(v)).collect();
                columns.push((format!("{path} {when} of copy {copy}"), values));
            }
        }
    };
    add(
        &mut runner,
        "",
        &["a.u", "a.z", "a.hit", "a.u1", "a.z1", "a.far", "a.w", "b.u", "b.z", "b.hit"],
    );
    runner.run(Steps(1)).unwrap();
    add(&mut runner, "a step later", &["a.u", "a.z", "a.hit"]);
    for k in [0, 2, 4] {
        // of the next element
        let (name, mut next) = columns[k].clone();
        next.rotate_left(1);
        columns.push((format!("{name}, next"), next));
    }
    let sizes = |values: &[f64]| -> Vec<f64> {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter().map(|v| (v - mean).abs()).collect()
    };
    let sized: Vec<_> = columns
        .iter()
        .filter(|(name, _)| !name.contains("hit"))
        .map(|(name, values)| (format!("size of {name}"), sizes(values)))
        .collect();
    columns.extend(sized);
    for (k, (name, a)) in columns.iter().enumerate() {
        for (other, b) in &columns[..k] {
            if name.strip_prefix("size of ") == Some(other) {
                continue;
            }
            let found = correlation(a, b);
            // of some 1300 pairs, none is beyond 5.5 standard deviations but once in 20,000 seeds
            assert!(found.abs() < 5.5 / (n as f64).sqrt(), "{name} and {other}: {found}");
        }
    }
}

/// A noisy network with random connectivity, initial values, noise of its models, of inputs, of couplings and of a kernel.
fn noisy(network: Network) -> Network {
    let cells = neurons::lif_ref(60).param("tau_ref", 2.0).init("V", Init::uniform(0.0, 19.0));
    let noise = sources::poisson(40).param("freqs", 400.0);
    let drive = Projection::new(&noise, &cells)
        .connect(Connect::fixed_prob(0.2))
        .weight(4.0)
        .synapse(synapses::expon())
        .init("g", Init::normal(0.0, 1.0))
        .output(outputs::cuba());
    let web = Coupling::new(
        &cells,
        &cells,
        wgsl("0.01 * (V_pre - V_post) + 0.01 * random_normal(r, 0u)"),
    )
    .connect(Connect::fixed_prob(0.1));
    let text = "
        @group(0) @binding(0) var<storage, read_write> x: array<f32>;
        @group(0) @binding(1) var<uniform> random: Random;
        @compute @workgroup_size(64)
        fn turn(@builtin(global_invocation_id) id: vec3<u32>) {
            if id.x >= arrayLength(&x) { return; }
            var r = random;
            r.element = id.x;
            x[id.x] = random_normal(r, 0u);
        }";
    let spins =
        group("Keep", "struct State { x: f32 } fn update(s: State) -> State { return s; }", 90);
    let turn = Kernel::from_wgsl("Turn", text).unwrap().bind("x", spins.variable("x"));
    let network =
        network.with("cells", cells).with("noise", noise).with("drive", drive).with("web", web);
    network.with("spins", spins).with("turn", turn)
}

/// What such a network does: start and course.
#[derive(Debug, PartialEq, Clone)]
struct Course {
    start: [Vec<f32>; 2],
    v: Vec<f32>,
    g: Vec<f32>,
    spikes: Vec<u32>,
    drawn: Vec<f32>,
    spins: Vec<f32>,
}

/// Runs a network that has a noisy one under a prefix.
fn course(device: &str, net: Network, prefix: &str, seed: u64) -> Course {
    let path = |name: &str| format!("{prefix}{name}");
    let mut runner = DSRunner::builder(net)
        .input((path("cells.input").as_str(), 12.0))
        .input((path("cells.input").as_str(), wgsl("2.0 * random_normal(r, 0u)"), "func"))
        .monitors(["cells.V", "drive.g", "spins.x"].map(|name| Monitor::of(path(name).as_str())))
        .monitor(Monitor::wgsl(&path("cells"), wgsl("random_uniform(r, 0u)")).named("drawn"))
        .monitor(path("noise.spike").as_str())
        .seed(seed)
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    let start = [path("cells.V"), path("drive.g")].map(|p| values::<f32>(&mut runner, &p));
    runner.run(Steps(100)).unwrap();
    let mon = runner.mon();
    let row = |key: &str| mon.get::<f32>(key).unwrap().iter().copied().collect::<Vec<f32>>();
    Course {
        start,
        v: row(&path("cells.V")),
        g: row(&path("drive.g")),
        spikes: mon.events(&path("noise.spike")).unwrap().indices.to_vec(),
        drawn: row("drawn"),
        spins: row(&path("spins.x")),
    }
}

/// Nothing changes where other nodes come before, or where names made up by the library are others.
fn other_nodes_change_nothing(device: &str) {
    let wanted = course(device, noisy(Network::new()), "", 4);
    assert!(wanted.spikes.len() > 100 && wanted.v.iter().any(|&v| v != 0.0));
    // names are numbered through all nodes of a process: these are others already
    let other = neurons::lif_ref(33).init("V", Init::uniform(0.0, 5.0));
    let arrow = Projection::new(&other, &other).connect(Connect::fixed_prob(0.5)).weight(0.1);
    let source = sources::poisson(7);
    let more = Network::new().with("other", other).with("arrow", arrow).with("first", source);
    assert_eq!(course(device, noisy(more), "", 4), wanted);
    // under another path all is another, and so with another seed, in either half of it
    let moved = course(device, Network::new().with("inner", noisy(Network::new())), "inner.", 4);
    let seeds = [5, 4 + (1 << 32)].map(|seed| course(device, noisy(Network::new()), "", seed));
    for other in [&moved, &seeds[0], &seeds[1]] {
        assert_ne!(other.start[0], wanted.start[0]);
        assert_ne!(other.start[1], wanted.start[1]);
        assert_ne!(other.v, wanted.v);
        assert_ne!(other.g, wanted.g);
        assert_ne!(other.spikes, wanted.spikes);
        assert_ne!(other.drawn, wanted.drawn);
        assert_ne!(other.spins, wanted.spins);
    }
}

/// Of two inputs that draw for one variable each has numbers of its own; inputs and monitors of others change nothing.
fn expressions_draw_for_themselves(device: &str) {
    let text = "struct State { x: f32, y: f32 } fn update(s: State) -> State { return s; }";
    let drawn = |inputs: &[(&str, &str)], monitors: &[&str]| {
        let cells =
            Network::new().with("a", group("Keep", text, 500)).with("b", group("Keep", text, 500));
        let mut builder = DSRunner::builder(cells).progress_bar(false).device(device);
        for &(path, text) in inputs {
            builder = builder.input((path, wgsl(text), "func"));
        }
        for &text in monitors {
            builder = builder.monitor(Monitor::wgsl("a", wgsl(text)));
        }
        let mut runner = builder.build().unwrap();
        runner.run(Steps(1)).unwrap();
        let recorded = monitors.iter().map(|&key| runner.mon().get::<f32>(key).unwrap());
        let recorded: Vec<Vec<f32>> = recorded.map(|a| a.iter().copied().collect()).collect();
        (values::<f32>(&mut runner, "a.x"), recorded)
    };
    let u = "random_uniform(r, 0u)";
    let (one, _) = drawn(&[("a.x", u)], &[]);
    let (other, recorded) =
        drawn(&[("b.x", u), ("a.y", u), ("a.x", u)], &["random_uniform(r, 1u)", u]);
    equal_bits("a.x", &other, &one).must();
    assert_ne!(recorded[1], one);
    equal_bits("monitor", &drawn(&[], &[u]).1[0], &recorded[1]).must();
    // the sum of two that are independent has twice the variance of one, not four times
    let (two, _) = drawn(&[("a.x", u), ("a.x", u)], &[]);
    let second: Vec<f64> =
        two.iter().zip(&one).map(|(&two, &one)| f64::from(two) - f64::from(one)).collect();
    let one: Vec<f64> = one.iter().map(|&v| f64::from(v)).collect();
    assert!(correlation(&one, &second).abs() < 5.0 / 500f64.sqrt());
}

/// Synapse and output of a projection draw each for itself.
fn models_of_a_projection_draw_for_themselves(device: &str) {
    let synapse = "
        struct State { g: f32 }
        struct Input { x: f32 }
        fn update(s: State, r: Random) -> State { return State(random_uniform(r, 0u)); }";
    let target = "
        struct State { V: f32, u: f32 }
        struct Input { input: f32 }
        fn update(s: State, x: Input, r: Random) -> State { return State(x.input, random_uniform(r, 0u)); }";
    let cells = group("Target", target, 2000);
    let source = sources::poisson(1);
    let arrow = |weight: f64| {
        let model = Model::from_wgsl("Noisy", synapse).unwrap();
        Projection::new(&source, &cells).weight(weight).synapse(dsrunner::Component::new(&model))
    };
    let net = Network::new().with("p", arrow(1.0)).with("q", arrow(2.0));
    let mut runner =
        run(device, net.with("cells", cells.clone()).with("source", source.clone()), 1, 1);
    let columns = ["p.g", "q.g", "cells.u"].map(|path| {
        values::<f32>(&mut runner, path).iter().map(|&v| f64::from(v)).collect::<Vec<f64>>()
    });
    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
        assert!(correlation(&columns[a], &columns[b]).abs() < 5.0 / 2000f64.sqrt(), "{a} {b}");
    }
}

on_every_engine!(
    bernoulli_counts_in_64_bits,
    bernoulli_has_its_rate,
    draws_are_independent,
    expressions_draw_for_themselves,
    late_steps_draw_by_both_words,
    models_of_a_projection_draw_for_themselves,
    other_nodes_change_nothing,
    poisson_sources_have_their_rates,
    rare_numbers_keep_their_bits,
    words_are_those_of_key_and_counter,
);

/// The last replica that there can be draws as any other.
#[test]
fn the_last_copy_draws() {
    let of = |replicas: usize, first: u32| {
        let cells = group("Many", MANY, 30).init("w", Init::uniform(0.0, 1.0));
        let mut runner = run("cpu", Batch::new(cells, replicas).first_replica(first), 1, 1);
        [values::<f32>(&mut runner, "u"), values::<f32>(&mut runner, "z")].concat()
    };
    let (two, last) = (of(2, u32::MAX - 1), of(1, u32::MAX));
    assert_eq!(two[30..60], last[..30]);
    assert_ne!(two[..30], last[..30]);
}

/// Another variable in front changes no initial value, nor does a larger group those of the first elements.
#[test]
fn initial_values_belong_to_the_variable() {
    let of = |text: &str, count: usize| {
        let cells = group("Vars", text, count).init("x", Init::normal(0.0, 1.0));
        values::<f32>(&mut DSRunner::builder(cells).device("cpu").build().unwrap(), "x")
    };
    let wanted = of("struct State { x: f32 } fn update(s: State) -> State { return s; }", 50);
    let text = "struct State { a: f32, x: f32 } fn update(s: State) -> State { return s; }";
    equal("x", &of(text, 80)[..50], &wanted).must();
    let y = group("Vars", "struct State { y: f32 } fn update(s: State) -> State { return s; }", 50);
    let y = y.init("y", Init::normal(0.0, 1.0));
    let y = values::<f32>(&mut DSRunner::builder(y).device("cpu").build().unwrap(), "y");
    assert_ne!(y, wanted);
}
