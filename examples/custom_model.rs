//! A neuron model of your own: its equations as WGSL text, its parameters found by reflection.
//!
//! The adaptive quadratic integrate-and-fire neuron of Izhikevich (2003) is written out below; four groups of it show
//! four of the firing patterns of the paper.
//!
//! ```text
//! cargo run --release --example custom_model
//! ```

mod common;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use common::{Options, Population, Report, Result, course, ended, write_spikes};
use dsrunner::{DSRunner, Group, Init, Method, Model, Network, plot};

/// One structure for the parameters, one for the state, one for the inputs, and pure functions of them.
const NEURON: &str = "
struct Params {
    a: f32,   // rate of the recovery, 1/ms
    b: f32,   // how strongly it follows the potential
    c: f32,   // potential after a spike, mV
    d: f32,   // what a spike adds to the recovery
}

struct State {
    V: f32,   // potential, mV
    u: f32,   // recovery
}

struct Input {
    input: f32,
}

struct Derivative {
    V: f32,
    u: f32,
}

fn defaults() -> Params {
    return Params(0.02, 0.2, -65.0, 8.0);
}

fn initial(p: Params) -> State {
    return State(-70.0, -70.0 * p.b);
}

fn derivative(s: State, p: Params, x: Input) -> Derivative {
    return Derivative(0.04 * s.V * s.V + 5.0 * s.V + 140.0 - s.u + x.input, p.a * (p.b * s.V - s.u));
}

fn threshold(s: State) -> bool {
    return s.V >= 30.0;
}

fn reset(s: State, p: Params) -> State {
    return State(p.c, s.u + p.d);
}
";

/// Name and parameters a, b, c, d of each pattern.
const PATTERNS: [(&str, [f64; 4]); 4] = [
    ("regular", [0.02, 0.2, -65.0, 8.0]),
    ("bursting", [0.02, 0.2, -55.0, 4.0]),
    ("chattering", [0.02, 0.2, -50.0, 2.0]),
    ("fast", [0.1, 0.2, -65.0, 2.0]),
];

const SIZE: usize = 100;

#[derive(Parser)]
#[command(about = "A neuron model written as WGSL text: four firing patterns")]
struct Arguments {
    /// Simulated time in ms
    #[arg(long, default_value_t = 200.0, allow_negative_numbers = true)]
    duration: f64,
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    ended(run())
}

fn run() -> Result<()> {
    env_logger::init();
    let Arguments { duration, options } = Arguments::parse();
    let started = Instant::now();
    let model = Model::from_wgsl("Izhikevich", NEURON)?;
    let mut net = Network::new();
    for (name, [a, b, c, d]) in PATTERNS {
        let group = Group::new(&model, SIZE)
            .param("a", a)
            .param("b", b)
            .param("c", c)
            .param("d", d)
            .init("V", Init::uniform(-75.0, -65.0))
            .method(Method::EULER);
        net = net.with(name, group);
    }
    let mut runner = DSRunner::builder(net)
        .inputs(PATTERNS.map(|(name, _)| (format!("{name}.input"), 10.0)))
        .monitors(PATTERNS.map(|(name, _)| (format!("{name}.V"), 0)))
        .monitors(PATTERNS.map(|(name, _)| format!("{name}.spike")))
        .dt(0.1)
        .seed(options.seed)
        .device(options.device.as_str())
        .build()?;
    let build_s = started.elapsed().as_secs_f64();
    let run = runner.run(duration)?;

    let mut populations = Vec::new();
    let mut traces = Vec::new();
    for (name, _) in PATTERNS {
        populations.push(Population::new(&runner, name, SIZE, &format!("{name}.spike"))?);
        traces.push((name, course(&runner, &format!("{name}.V"), 0)?));
    }
    write_spikes(&options.file("spikes.npz")?, &populations)?;
    let picture = options.file("custom_model.png")?;
    let series: Vec<(&str, &[f32])> = traces.iter().map(|(name, v)| (*name, &v[..])).collect();
    plot::traces(
        &picture,
        "Four firing patterns of one model",
        "V (mV)",
        &runner.mon().ts(),
        &series,
        None,
    )?;
    let extra = serde_json::Value::Null;
    Report { runner: &runner, run, build_s, unit_s: 1e-3, populations: &populations, extra }
        .print(&options, &[picture]);
    Ok(())
}
