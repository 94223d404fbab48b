//! Rhythms of a whole brain: 76 regions as noisy oscillators, coupled along the fibres between them with the delays that
//! their lengths make. Each region is a Stuart-Landau oscillator above its bifurcation, as in Deco et al. (2017), "The
//! dynamics of resting fluctuations in the brain", Scientific Reports 7:3095.
//!
//! ```text
//! cargo run --release --example regions -- --speed 5
//! ```

mod common;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use common::{Options, Report, Result, ended};
use dsrunner::{Connect, Coupling, DSRunner, Group, Init, Method, Model, Network, plot};
use ndarray::{Axis, s};
use serde_json::json;

const REGIONS: usize = 76;
const WEIGHTS: &str = include_str!("data/regions76_weights.txt");
const LENGTHS: &str = include_str!("data/regions76_tract_lengths_mm.txt");

/// Noise is added after each step of integration.
const OSCILLATOR: &str = "
struct Params {
    a: f32,       // distance from the bifurcation, 1/ms
    omega: f32,   // angular frequency, 1/ms
    sigma: f32,   // noise, 1/sqrt(ms)
}

struct State {
    x: f32,
    y: f32,
}

struct Input {
    input_x: f32,
    input_y: f32,
}

struct Derivative {
    x: f32,
    y: f32,
}

fn derivative(s: State, p: Params, c: Input) -> Derivative {
    let radial = p.a - s.x * s.x - s.y * s.y;
    return Derivative(
        radial * s.x - p.omega * s.y + c.input_x,
        radial * s.y + p.omega * s.x + c.input_y,
    );
}

fn update(s: State, p: Params, sh: Shared, r: Random) -> State {
    let noise = p.sigma * sqrt(sh.dt);
    return State(s.x + noise * random_normal(r, 0u), s.y + noise * random_normal(r, 1u));
}
";

#[derive(Parser)]
#[command(about = "A whole brain of 76 regions: oscillators coupled with delays")]
struct Arguments {
    /// Simulated time in ms
    #[arg(long, default_value_t = 3000.0, allow_negative_numbers = true)]
    duration: f64,
    /// Strength of the coupling, 1/ms
    #[arg(long, default_value_t = 0.05, allow_negative_numbers = true)]
    coupling: f64,
    /// Speed of conduction in mm/ms
    #[arg(long, default_value_t = 5.0)]
    speed: f64,
    #[command(flatten)]
    options: Options,
}

/// The matrix of a text, row after row.
fn matrix(text: &str) -> Result<Vec<f64>> {
    Ok(text.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?)
}

fn main() -> ExitCode {
    ended(run())
}

fn run() -> Result<()> {
    env_logger::init();
    let Arguments { duration, coupling, speed, options } = Arguments::parse();
    let started = Instant::now();
    let (weights, lengths) = (matrix(WEIGHTS)?, matrix(LENGTHS)?);
    // as much arrives at each region, whatever the number of its fibres
    let column = |to: usize| (0..REGIONS).map(|from| weights[from * REGIONS + to]).sum::<f64>();
    let (mut pre, mut post, mut strengths, mut delays) = (vec![], vec![], vec![], vec![]);
    for (k, (&weight, &length)) in weights.iter().zip(&lengths).enumerate() {
        let (from, to) = (k / REGIONS, k % REGIONS);
        if weight > 0.0 && from != to {
            pre.push(from as u32);
            post.push(to as u32);
            strengths.push(coupling * weight / column(to));
            delays.push(length / speed);
        }
    }
    let model = Model::from_wgsl("Oscillator", OSCILLATOR)?;
    let turn = 2.0 * std::f64::consts::PI;
    // 9 to 11 Hz
    let omega = |k: usize| turn * (0.009 + 0.002 * k as f64 / (REGIONS - 1) as f64);
    let regions = Group::new(&model, REGIONS)
        .param("a", 0.02)
        .param("omega", (0..REGIONS).map(omega).collect::<Vec<_>>())
        .param("sigma", 0.005)
        .init("x", Init::uniform(-0.1, 0.1))
        .init("y", Init::uniform(-0.1, 0.1))
        .method(Method::RK4);
    let fibres = |variable: &str| {
        Coupling::diffusive(&regions, &regions, variable)
            .connect(Connect::coo(pre.clone(), post.clone()))
            .weight(strengths.clone())
            .delay(delays.clone())
            .target(&format!("input_{variable}"))
    };
    let (x, y) = (fibres("x"), fibres("y"));
    let net = Network::new().with("regions", regions).with("fibres_x", x).with("fibres_y", y);
    let mut runner = DSRunner::builder(net)
        .monitors(["regions.x", "regions.y"])
        .dt(0.5)
        .seed(options.seed)
        .device(options.device.as_str())
        .build()?;
    let build_s = started.elapsed().as_secs_f64();
    let run = runner.run(duration)?;

    let (x, y) = (runner.mon().get::<f32>("regions.x")?, runner.mon().get::<f32>("regions.y")?);
    let steps = x.len_of(Axis(0));
    // how far all phases agree, from 0 to 1, over the second half
    let order = (steps / 2..steps).map(|step| {
        let at = |k: usize| f64::from(y[[step, k]]).atan2(f64::from(x[[step, k]]));
        let sum = |f: fn(f64) -> f64| (0..REGIONS).map(|k| f(at(k))).sum::<f64>();
        sum(f64::cos).hypot(sum(f64::sin)) / REGIONS as f64
    });
    let order = order.sum::<f64>() / (steps - steps / 2) as f64;
    println!("phases agree to {order:.2}");
    let shown = (1000.0 / runner.dt()) as usize;
    let from = steps.saturating_sub(shown);
    let view = x.view().into_dimensionality::<ndarray::Ix2>()?;
    let picture = options.file("regions.png")?;
    plot::field(
        &picture,
        "76 regions of a brain: x of each",
        ("time (ms)", "region"),
        (from as f64 * runner.dt()..steps as f64 * runner.dt(), 0.0..REGIONS as f64),
        view.slice(s![from.., ..]).t(),
    )?;
    let extra = json!({ "order": order, "connections": pre.len() });
    Report { runner: &runner, run, build_s, unit_s: 1e-3, populations: &[], extra }
        .print(&options, &[picture]);
    Ok(())
}
