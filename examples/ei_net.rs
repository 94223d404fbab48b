//! A balanced network of excitatory and inhibitory neurons with conductance-based synapses: the COBA benchmark of
//! Vogels and Abbott (2005) in the form of Brette et al. (2007), driven by a constant current.
//!
//! ```text
//! cargo run --release --example ei_net -- --neurons 4000 --duration 1000
//! ```

mod common;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use clap::builder::RangedU64ValueParser;
use common::{Options, Population, Report, Result, ended, span, write_spikes};
use dsrunner::{
    Connect, DSRunner, Group, Init, Network, Projection, neurons, outputs, plot, synapses,
};
use serde_json::json;

#[derive(Parser)]
#[command(about = "A balanced network of spiking neurons: raster and population rate")]
struct Arguments {
    /// Number of neurons, 80 % of them excitatory
    #[arg(long, default_value_t = 4000, value_parser = RangedU64ValueParser::<usize>::new().range(2..))]
    neurons: usize,
    /// Simulated time in ms
    #[arg(long, default_value_t = 1000.0, allow_negative_numbers = true)]
    duration: f64,
    #[command(flatten)]
    options: Options,
}

/// Mean number of synapses that a neuron receives.
const IN_DEGREE: f64 = 80.0;

/// Leaky integrate-and-fire neurons that a constant current brings 10 mV above their threshold.
fn cells(count: usize) -> Group {
    neurons::lif_ref(count)
        .param("V_rest", -60.0)
        .param("V_reset", -60.0)
        .param("V_th", -50.0)
        .param("tau", 20.0)
        .param("tau_ref", 5.0)
        .init("V", Init::normal(-55.0, 2.0))
}

fn network(count: usize) -> Network {
    let (e, i) = (cells(count * 4 / 5), cells(count - count * 4 / 5));
    let prob = (IN_DEGREE / count as f64).min(1.0);
    let project = |pre: &Group, post: &Group, weight: f64, tau: f64, reversal: f64| {
        Projection::new(pre, post)
            .connect(Connect::fixed_prob(prob).without_self())
            .weight(weight)
            .synapse(synapses::expon().param("tau", tau))
            .output(outputs::coba().param("E", reversal))
    };
    let excite = |post: &Group| project(&e, post, 0.6, 5.0, 0.0);
    let inhibit = |post: &Group| project(&i, post, 6.7, 10.0, -80.0);
    Network::new()
        .with("E2E", excite(&e))
        .with("E2I", excite(&i))
        .with("I2E", inhibit(&e))
        .with("I2I", inhibit(&i))
        .with("E", e)
        .with("I", i)
}

fn main() -> ExitCode {
    ended(run())
}

fn run() -> Result<()> {
    env_logger::init();
    let Arguments { neurons, duration, options } = Arguments::parse();
    let started = Instant::now();
    let mut runner = DSRunner::builder(network(neurons))
        .inputs([("E.input", 20.0), ("I.input", 20.0)])
        .monitors(["E.spike", "I.spike"])
        .dt(0.1)
        .seed(options.seed)
        .device(options.device.as_str())
        .build()?;
    let build_s = started.elapsed().as_secs_f64();
    let run = runner.run(duration)?;

    let excitatory = neurons * 4 / 5;
    let populations = [
        Population::new(&runner, "E", excitatory, "E.spike")?,
        Population::new(&runner, "I", neurons - excitatory, "I.spike")?,
    ];
    // the onset is left out: the network settles within some 100 ms
    let half = runner.i() / 2..runner.i();
    let settled: serde_json::Map<_, _> = populations
        .iter()
        .map(|p| (p.name.to_string(), json!(p.rate(half.clone(), runner.dt()))))
        .collect();
    write_spikes(&options.file("spikes.npz")?, &populations)?;
    let picture = options.file("ei_net.png")?;
    let groups = populations.each_ref().map(Population::raster);
    plot::raster(&picture, "Balanced network", &groups, span(&runner, &run))?;
    let extra = json!({ "rate_second_half_hz": settled });
    Report { runner: &runner, run, build_s, unit_s: 1e-3, populations: &populations, extra }
        .print(&options, &[picture]);
    Ok(())
}
