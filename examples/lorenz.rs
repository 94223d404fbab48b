//! Many trajectories of the Lorenz system (Lorenz 1963) at once: the ends of all of them draw the attractor.
//!
//! ```text
//! cargo run --release --example lorenz -- --trajectories 100000
//! ```

mod common;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use clap::builder::RangedU64ValueParser;
use common::{Options, Report, Result, course, ended};
use dsrunner::{DSRunner, Init, Method, odes, plot};
use serde_json::json;

#[derive(Parser)]
#[command(about = "Trajectories of the Lorenz system: the attractor")]
struct Arguments {
    /// Number of trajectories
    #[arg(long, default_value_t = 100_000, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    trajectories: usize,
    /// Simulated time in ms; the unit of the equations is taken as a second
    #[arg(long, default_value_t = 4000.0, allow_negative_numbers = true)]
    duration: f64,
    #[command(flatten)]
    options: Options,
}

/// Trajectories whose whole course is recorded.
const RECORDED: usize = 10;

fn main() -> ExitCode {
    ended(run())
}

fn run() -> Result<()> {
    env_logger::init();
    let Arguments { trajectories, duration, options } = Arguments::parse();
    let started = Instant::now();
    let group = odes::lorenz(trajectories)
        .method(Method::RK4)
        .init("x", Init::normal(0.0, 8.0))
        .init("y", Init::normal(0.0, 8.0))
        .init("z", Init::normal(25.0, 8.0));
    let recorded = RECORDED.min(trajectories);
    let mut runner = DSRunner::builder(group)
        .monitors(["x", "z"].map(|variable| (variable, ..recorded)))
        .dt(0.001)
        // else the whole course of all trajectories would be recorded
        .outputs(false)
        .seed(options.seed)
        .device(options.device.as_str())
        .build()?;
    let build_s = started.elapsed().as_secs_f64();
    let run = runner.run(duration / 1000.0)?;

    let courses = (0..recorded.min(1))
        .map(|k| Ok((course(&runner, "x", k)?, course(&runner, "z", k)?)))
        .collect::<Result<Vec<_>>>()?;
    let lines: Vec<_> = courses.iter().map(|(x, z)| (&x[..], &z[..])).collect();
    let ends: [Vec<f32>; 2] =
        [runner.get::<f32>("x")?, runner.get::<f32>("z")?].map(|end| end.iter().copied().collect());
    let picture = options.file("lorenz.png")?;
    let title = format!("Lorenz system: {trajectories} trajectories after {:.1} s", runner.time());
    plot::phase(&picture, &title, ("x", "z"), &lines, Some((&ends[0], &ends[1])))?;
    let mean = ends[1].iter().map(|&z| f64::from(z)).sum::<f64>() / trajectories as f64;
    let extra = json!({ "mean_z": mean, "trajectories": trajectories });
    Report { runner: &runner, run, build_s, unit_s: 1.0, populations: &[], extra }
        .print(&options, &[picture]);
    Ok(())
}
