//! Benchmarks that other simulators are measured by, as `docs/performance.md` has them. Prints seconds for each phase as a
//! line of JSON.
//!
//! ```text
//! cargo run --release --example benchmark -- b1 --n 4000
//! ```
//!
//! - `b1`: conductance-based integrate-and-fire neurons (Vogels and Abbott 2005; Brette et al. 2007, benchmark 1) driven by a
//!   constant current
//! - `b2`: the same of Hodgkin-Huxley neurons (Brette et al. 2007, benchmark 3)
//! - `b3`: trajectories of the Lorenz system, RK4

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use dsrunner::{
    Connect, DSRunner, Group, Init, Method, Model, Monitor, Network, Projection, RunnerBuilder,
    Steps, neurons, odes, outputs, synapses,
};
use serde_json::json;

#[derive(Clone, Copy, ValueEnum)]
enum Benchmark {
    B1,
    B2,
    B3,
}

#[derive(Parser)]
#[command(about = "Benchmarks of networks and equations; prints the seconds of each phase")]
struct Arguments {
    benchmark: Benchmark,
    /// Neurons, or trajectories
    #[arg(long, default_value_t = 4000)]
    n: usize,
    /// Steps: of 0.1 ms, or of 0.001 for trajectories
    #[arg(long)]
    steps: Option<u64>,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Threads of the CPU engine; all processors where it is not given
    #[arg(long)]
    threads: Option<usize>,
    /// Model file for the cells of b1 instead, whose potential is its first variable and whose parameters have defaults
    #[arg(long)]
    model: Option<std::path::PathBuf>,
}

/// Elements whose state is recorded in every step.
const RECORDED: usize = 10;

/// Excitatory and inhibitory cells; weights of both, initial conductances of both.
fn network(cells: impl Fn(usize) -> Group, n: usize, weights: [f64; 2], g: [Init; 2]) -> Network {
    let (e, i) = (cells(n * 4 / 5), cells(n - n * 4 / 5));
    let prob = (80.0 / n as f64).min(1.0);
    let arm = |pre: &Group, post: &Group, k: usize| {
        Projection::new(pre, post)
            .connect(Connect::fixed_prob(prob))
            .weight(weights[k])
            .synapse(synapses::expon().param("tau", [5.0, 10.0][k]))
            .output(outputs::coba().param("E", [0.0, -80.0][k]))
            .init("g", g[k].clone())
    };
    Network::new()
        .with("E2E", arm(&e, &e, 0))
        .with("E2I", arm(&e, &i, 0))
        .with("I2E", arm(&i, &e, 1))
        .with("I2I", arm(&i, &i, 1))
        .with("E", e)
        .with("I", i)
}

fn spiking(builder: RunnerBuilder, potential: &str) -> RunnerBuilder {
    builder
        .monitor(Monitor::of("E.spike").events())
        .monitor(Monitor::of("I.spike").events())
        .monitor((format!("E.{potential}"), ..RECORDED as i64))
}

/// Bytes that the process had at most, where the system tells.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| 1024.0 * kib)
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let Arguments { benchmark, n, steps, seed, device, threads, model } = Arguments::parse();
    let model = match &model {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            Some(Model::from_file("Given", &path.display().to_string(), &text)?)
        }
        None => None,
    };
    let potential =
        model.as_ref().and_then(|model| model.state().next()).unwrap_or("V").to_string();
    let none = || Init::from(0.0);
    let builder = match benchmark {
        Benchmark::B1 => {
            let cells = |count: usize| {
                let group = match &model {
                    Some(model) => Group::new(model, count),
                    None => neurons::lif_ref(count)
                        .param("V_rest", -60.0)
                        .param("V_reset", -60.0)
                        .param("V_th", -50.0)
                        .param("tau", 20.0)
                        .param("tau_ref", 5.0),
                };
                group.init(&potential, Init::normal(-55.0, 2.0))
            };
            let net = network(cells, n, [0.6, 6.7], [none(), none()]);
            let builder = DSRunner::builder(net).input(("E.input", 20.0)).input(("I.input", 20.0));
            spiking(builder, &potential)
        }
        Benchmark::B2 => {
            let shipped = Model::from_file(
                "TraubMiles",
                "traub_miles.wgsl",
                include_str!("traub_miles.wgsl"),
            )?;
            let cells = |count: usize| {
                Group::new(&shipped, count)
                    .init("V", Init::normal(-70.0, 5.0))
                    .method(Method::EXP_EULER)
            };
            let g = [Init::normal(40.0, 15.0), Init::normal(200.0, 120.0)];
            spiking(DSRunner::builder(network(cells, n, [6.0, 67.0], g)), "V")
        }
        Benchmark::B3 => {
            let lorenz = odes::lorenz(n).method(Method::RK4);
            let lorenz = ["x", "y", "z"]
                .iter()
                .fold(lorenz, |group, variable| group.init(variable, Init::normal(1.0, 1.0)));
            DSRunner::builder(lorenz).monitor(("x", ..RECORDED as i64))
        }
    };
    let lorenz = matches!(benchmark, Benchmark::B3);
    let dt = if lorenz { 0.001 } else { 0.1 };
    let steps = steps.unwrap_or(if lorenz { 1000 } else { 10_000 });
    let builder = match threads {
        Some(threads) => builder.threads(threads),
        None => builder,
    };
    let mut runner = builder
        .dt(dt)
        .seed(seed)
        .device(device.as_str())
        .outputs(false)
        .progress_bar(false)
        .build()?;
    let build = started.elapsed().as_secs_f64();
    let run = runner.run(Steps(steps))?;
    let mon = runner.mon();
    let checks = if lorenz {
        let z = runner.get::<f32>("z")?;
        json!({ "mean_z": z.iter().map(|&z| f64::from(z)).sum::<f64>() / n as f64 })
    } else {
        let spikes = mon.events("E.spike")?.steps.len() + mon.events("I.spike")?.steps.len();
        json!({
            "rate_hz": spikes as f64 / n as f64 / (steps as f64 * dt / 1000.0),
            "synapses": runner.synapses(),
            "bytes_per_synapse": peak_memory().map(|bytes| bytes / runner.synapses() as f64),
        })
    };
    let name = ["B1", "B2", "B3"][benchmark as usize];
    let result = json!({
        "bench": name,
        "peer": format!("dsrunner ({})", runner.device()),
        "device": runner.plan().lines().last().unwrap_or_default().trim(),
        "version": env!("CARGO_PKG_VERSION"),
        "n": n,
        "phases": { "build": build, "sim": run.elapsed.as_secs_f64() },
        "checks": checks,
    });
    println!("RESULT {result}");
    Ok(())
}
