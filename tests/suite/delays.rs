//! Delays of projections and of single connections.

use std::sync::Arc;

use dsrunner::{
    Connect, DSRunner, Group, Input, Model, Network, Projection, Shared, Steps, Value, neurons,
    outputs, synapses,
};

use crate::compare::equal_bits;
use crate::engines::on_every_engine;

/// Spikes in the steps in which its input is above a half.
const SOURCE: &str = "
    struct State { x: f32 }
    struct Input { x_in: f32 }
    fn update(s: State, x: Input) -> State { return State(x.x_in); }
    fn threshold(s: State) -> bool { return s.x > 0.5; }
";

/// Holds what arrives in a step until the next.
const HOLD: &str = "
    struct State { g: f32 }
    struct Input { x: f32 }
    fn update(s: State, x: Input) -> State { return State(x.x); }
";

const TARGET: &str = "
    struct State { sum: f32 }
    struct Input { input: f32 }
    fn update(s: State, x: Input) -> State { return State(s.sum + x.input); }
";

fn group(name: &str, text: &str, count: usize) -> Group {
    Group::new(&Model::from_wgsl(name, text).unwrap(), count)
}

const SOURCES: usize = 300;
const TARGETS: usize = 37;
const STEPS: usize = 120;

/// Whether source `s` spikes in step `i`: about one in seven, in no order that a multiple of a delay could match.
fn spikes(s: usize, i: usize) -> bool {
    (s * 7919 + i * 104_729 + s * i * 31).is_multiple_of(7)
}

/// Pairs with weights that fixed point holds exactly, and delays of 0 to 23 steps.
fn pairs() -> (Vec<u32>, Vec<u32>, Vec<f64>, Vec<usize>) {
    let all = (0..SOURCES * 5).map(|k| {
        let (s, t) = (k * 13 % SOURCES, (k * 29 + k / 7) % TARGETS);
        (s as u32, t as u32, 0.25 * ((k % 9) as f64 - 3.0), (k * 5 + k / 11) % 24)
    });
    let (mut pre, mut post, mut weights, mut delays) = (vec![], vec![], vec![], vec![]);
    for (s, t, w, d) in all {
        pre.push(s);
        post.push(t);
        weights.push(w);
        delays.push(d);
    }
    (pre, post, weights, delays)
}

/// What arrives at each target in each step, by the definition: a spike in step k arrives in step k + max(1, d).
fn arrivals() -> Vec<f32> {
    let (pre, post, weights, delays) = pairs();
    let mut sums = vec![0.0f32; STEPS * TARGETS];
    for (k, &s) in pre.iter().enumerate() {
        for i in (0..STEPS).filter(|&i| spikes(s as usize, i)) {
            let at = i + delays[k].max(1);
            if at < STEPS {
                sums[at * TARGETS + post[k] as usize] += weights[k] as f32;
            }
        }
    }
    sums
}

fn network(shared_source: bool) -> Network {
    let (pre, post, weights, delays) = pairs();
    let (source, target) = (group("Source", SOURCE, SOURCES), group("Target", TARGET, TARGETS));
    let hold = || dsrunner::Component::new(&Model::from_wgsl("Hold", HOLD).unwrap());
    let net = Network::new().with("pre", source.clone()).with("post", target.clone());
    let line = |keep: &dyn Fn(usize) -> bool, delay: Value| {
        let kept = || (0..pre.len()).filter(|&k| keep(k));
        Projection::new(&source, &target)
            .connect(Connect::coo(
                kept().map(|k| pre[k]).collect::<Vec<_>>(),
                kept().map(|k| post[k]).collect::<Vec<_>>(),
            ))
            .weight(kept().map(|k| weights[k]).collect::<Vec<_>>())
            .delay(delay)
            .synapse(hold())
            .output(outputs::cuba())
    };
    if shared_source {
        // one projection for each delay, all from one history
        (0..24).fold(net, |net, d| {
            net.with(&format!("d{d}"), line(&|k| delays[k] == d, Value::from(0.5 * d as f64)))
        })
    } else {
        let each: Vec<f64> = delays.iter().map(|&d| 0.5 * d as f64).collect();
        net.with("all", line(&|_| true, Value::from(each)))
    }
}

fn runner(device: &str, net: Network, monitors: &[&str]) -> DSRunner {
    let input = |s: &Shared| {
        let rows: Vec<f64> =
            (0..SOURCES).map(|k| f64::from(u8::from(spikes(k, s.i as usize)))).collect();
        rows
    };
    DSRunner::builder(net)
        .input(Input::func("pre.x_in", input))
        .monitors(monitors.iter().copied())
        .dt(0.5)
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap()
}

fn every_connection_has_its_delay(device: &str) {
    let mut runner = runner(device, network(false), &["all.g"]);
    runner.run(Steps(STEPS as u64)).unwrap();
    let g: Vec<f32> = runner.mon().get::<f32>("all.g").unwrap().iter().copied().collect();
    equal_bits("arrivals", &g, &arrivals()).must();
    let plan = runner.plan();
    assert!(plan.contains("deliver  all: 1500 synapses, a weight each"), "{plan}");
    assert!(plan.contains(", 1 to 23 steps later"), "{plan}");
}

fn projections_share_the_history_of_their_source(device: &str) {
    let keys: Arc<Vec<String>> = Arc::new((0..24).map(|d| format!("d{d}.g")).collect());
    let monitors: Vec<&str> = keys.iter().map(String::as_str).collect();
    let mut runner = runner(device, network(true), &monitors);
    runner.run(Steps(STEPS as u64)).unwrap();
    let mut sums = vec![0.0f32; STEPS * TARGETS];
    for key in keys.iter() {
        let g = runner.mon().get::<f32>(key).unwrap();
        sums.iter_mut().zip(&g).for_each(|(sum, g)| *sum += g);
    }
    equal_bits("arrivals", &sums, &arrivals()).must();
}

fn a_reset_forgets_spikes_under_way(device: &str) {
    let mut runner = runner(device, network(false), &["all.g"]);
    runner.run(Steps(50)).unwrap();
    runner.reset_state().unwrap();
    runner.run(Steps(STEPS as u64)).unwrap();
    let g: Vec<f32> = runner.mon().get::<f32>("all.g").unwrap().iter().copied().collect();
    equal_bits("arrivals", &g, &arrivals()).must();
}

/// A projection without any synapse is no obstacle, and its source's spikes are listed and forgotten.
fn without_synapses(device: &str) {
    let (pre, post) = (group("Source", SOURCE, SOURCES), group("Target", TARGET, TARGETS));
    let none = Vec::<u32>::new;
    let line = Projection::new(&pre, &post)
        .connect(Connect::coo(none(), none()))
        .delay(Vec::<f64>::new())
        .synapse(synapses::expon());
    let net = Network::new().with("pre", pre).with("post", post).with("all", line);
    let mut runner = runner(device, net, &["all.g"]);
    runner.run(Steps(STEPS as u64)).unwrap();
    assert!(runner.mon().get::<f32>("all.g").unwrap().iter().all(|&g| g == 0.0));
    assert!(runner.plan().contains("deliver  all: 0 synapses"));
}

#[test]
fn bad_delays() {
    let message = |delay: Value| {
        let (pre, post) = (group("Source", SOURCE, 2), group("Target", TARGET, 3));
        let line = Projection::new(&pre, &post)
            .connect(Connect::coo(vec![0, 1], vec![0, 2]))
            .delay(delay)
            .synapse(synapses::expon());
        let net = Network::new().with("pre", pre).with("post", post).with("line", line);
        DSRunner::builder(net).dt(0.1).device("cpu").build().unwrap_err().to_string()
    };
    assert_eq!(
        message(Value::from(-0.1)),
        "node `line`: delay -0.1; delays must be finite and not negative"
    );
    assert_eq!(
        message(Value::from(vec![1.0, f64::NAN])),
        "node `line`: delay NaN; delays must be finite and not negative"
    );
    assert_eq!(
        message(Value::from(f64::INFINITY)),
        "node `line`: delay inf; delays must be finite and not negative"
    );
    assert_eq!(
        message(Value::from(1e9)),
        "node `line`: delay 1000000000, which is 10000000000 steps of 0.1; at most 1000000 steps are kept"
    );
    assert_eq!(
        message(Value::from(vec![1.0, 2.0, 3.0])),
        "line.delay: a value of shape [3] does not broadcast to shape [2]; give a scalar or an array of shape [2]"
    );
}

/// In a state the spikes under way have a name, which no variable may have.
#[test]
fn the_name_of_the_history_is_taken() {
    let text = "
        struct State { x: f32, spike_history: f32 }
        fn update(s: State) -> State { return State(s.x + 1.0, s.x); }
        fn threshold(s: State) -> bool { return s.x > 3.0; }
    ";
    let source = Group::new(&Model::from_wgsl("Named", text).unwrap(), 2);
    let build = |delay: f64| {
        let cells = neurons::lif(2);
        let arrow = Projection::new(&source, &cells).connect(Connect::one_to_one()).delay(delay);
        let net = Network::new().with("source", source.clone()).with("cells", cells);
        DSRunner::builder(net.with("arrow", arrow)).dt(1.0).device("cpu").build()
    };
    assert!(build(1.0).is_ok());
    let error = build(3.0).map(drop).unwrap_err().to_string();
    assert!(
        error.starts_with("node `source.spike_history`: this name is that of the spikes under way"),
        "{error}"
    );
}

on_every_engine!(
    a_reset_forgets_spikes_under_way,
    every_connection_has_its_delay,
    projections_share_the_history_of_their_source,
    without_synapses,
);
