//! A real brain: the connectome of the fruit fly larva as a network of spiking neurons, its sensory cells driven at random.
//!
//! ```text
//! cargo run --release --features files --example larva -- --duration 1000
//! ```

#[path = "../common/mod.rs"]
mod common;
mod network;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use common::{Options, Population, Report, Result, ended, span, write_spikes};
use dsrunner::{DSRunner, Events, plot};
use network::{Cells, network};
use serde_json::json;

#[derive(Parser)]
#[command(about = "The brain of the fruit fly larva: raster by cell group")]
struct Arguments {
    /// Simulated time in ms
    #[arg(long, default_value_t = 1000.0, allow_negative_numbers = true)]
    duration: f64,
    /// Rate at which each sensory cell is made to fire, in Hz
    #[arg(long, default_value_t = 20.0)]
    rate: f64,
    /// Weight of one synapse: what it adds to the drive of its target, in mV. The adult fly's 0.275 leaves the larva's brain,
    /// whose cells have fewer synapses, silent behind the senses
    #[arg(long, default_value_t = 0.6)]
    weight: f64,
    /// Table of connections: source, target, synapses
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/larva_edges.csv"))]
    edges: PathBuf,
    /// Table of cells: id, group
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/larva_neurons.csv"))]
    cells: PathBuf,
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    ended(run())
}

fn run() -> Result<()> {
    env_logger::init();
    let Arguments { duration, rate, weight, edges, cells, options } = Arguments::parse();
    let started = Instant::now();
    let cells = Cells::read(&cells)?;
    let mut runner = DSRunner::builder(network(&cells, &edges, weight, rate)?)
        .monitors(["cells.spike"])
        .dt(0.1)
        .seed(options.seed)
        .device(options.device.as_str())
        .build()?;
    let build_s = started.elapsed().as_secs_f64();
    let run = runner.run(duration)?;

    let all = runner.mon().events("cells.spike")?;
    let populations: Vec<Population> = cells
        .groups
        .iter()
        .map(|group| {
            let spikes = all.steps.iter().zip(&all.indices);
            let own = spikes.filter(|(_, i)| group.cells.contains(&(**i as usize)));
            let start = group.cells.start as u32;
            let (steps, indices) = own.map(|(step, i)| (*step, i - start)).unzip();
            let events = Events { steps, indices };
            Population { name: group.name.clone(), size: group.cells.len(), events }
        })
        .collect();
    write_spikes(&options.file("larva.npz")?, &populations)?;
    let picture = options.file("larva.png")?;
    let groups: Vec<_> = populations.iter().map(Population::raster).collect();
    plot::raster(&picture, "Brain of a fruit fly larva", &groups, span(&runner, &run))?;
    let extra = json!({ "drive_hz": rate, "weight_mv": weight });
    Report { runner: &runner, run, build_s, unit_s: 1e-3, populations: &populations, extra }
        .print(&options, &[picture]);
    Ok(())
}
