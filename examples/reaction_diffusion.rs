//! A target type of your own with a raw compute kernel in it: patterns of two substances that react and diffuse (Pearson
//! 1993, "Complex patterns in a simple system", Science 261, 189).
//!
//! The reaction is a model: it knows one place only. Diffusion looks at the places around, which a kernel does. The type
//! puts it before the reaction within a step, since the reaction uses what it leaves.
//!
//! ```text
//! cargo run --release --example reaction_diffusion -- --side 160 --steps 5000
//! ```

mod common;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use common::{Options, Report, Result, ended};
use dsrunner::{DSRunner, DynamicalSystem, Group, Kernel, Method, Model, StepBuilder, Steps, plot};
use ndarray::Array2;
use serde_json::json;

const REACTION: &str = "
struct Params {
    feed: f32,
    kill: f32,
    diffusion_u: f32,
    diffusion_v: f32,
}

struct State {
    u: f32,
    v: f32,
}

struct Input {
    laplacian_u: f32,
    laplacian_v: f32,
}

struct Derivative {
    u: f32,
    v: f32,
}

fn derivative(s: State, p: Params, x: Input) -> Derivative {
    let reaction = s.u * s.v * s.v;
    return Derivative(
        p.diffusion_u * x.laplacian_u - reaction + p.feed * (1.0 - s.u),
        p.diffusion_v * x.laplacian_v + reaction - (p.feed + p.kill) * s.v,
    );
}
";

/// Each invocation is a place; the sides of the square touch.
const LAPLACIAN: &str = "
@group(0) @binding(0) var<storage, read> u: array<f32>;
@group(0) @binding(1) var<storage, read> v: array<f32>;
@group(0) @binding(2) var<storage, read_write> laplacian_u: array<f32>;
@group(0) @binding(3) var<storage, read_write> laplacian_v: array<f32>;

fn at(place: u32) -> vec2<f32> {
    return vec2(u[place], v[place]);
}

@compute @workgroup_size(16, 8)
fn laplacian(@builtin(global_invocation_id) id: vec3<u32>) {
    let side = u32(sqrt(f32(arrayLength(&u))) + 0.5);
    if id.x >= side || id.y >= side {
        return;
    }
    let here = id.y * side + id.x;
    let left = select(id.x, side, id.x == 0u) - 1u;
    let right = select(id.x + 1u, 0u, id.x + 1u == side);
    let below = (select(id.y, side, id.y == 0u) - 1u) * side;
    let above = select(id.y + 1u, 0u, id.y + 1u == side) * side;
    let row = id.y * side;
    let beside = at(row + left) + at(row + right) + at(below + id.x) + at(above + id.x);
    let corners = at(below + left) + at(below + right) + at(above + left) + at(above + right);
    let sum = 0.2 * beside + 0.05 * corners - at(here);
    laplacian_u[here] += sum.x;
    laplacian_v[here] += sum.y;
}
";

/// The system: its parts, and their order within a step.
struct ReactionDiffusion {
    cells: Group,
    laplacian: Kernel,
}

impl ReactionDiffusion {
    fn new(side: usize) -> Result<Self> {
        let model = Model::from_wgsl("Reaction", REACTION)?;
        // a patch of v in the middle
        let middle =
            |(y, x): (usize, usize)| [x, y].iter().all(|&k| k.abs_diff(side / 2) < side / 12 + 1);
        let patch = |inside: f64, outside: f64| {
            Array2::from_shape_fn((side, side), |at| if middle(at) { inside } else { outside })
        };
        let cells = Group::new(&model, [side, side])
            .param("feed", 0.037)
            .param("kill", 0.06)
            .param("diffusion_u", 1.0)
            .param("diffusion_v", 0.5)
            .init("u", patch(0.5, 1.0))
            .init("v", patch(0.25, 0.0))
            .method(Method::EULER);
        let laplacian = Kernel::from_wgsl("Laplacian", LAPLACIAN)?
            .bind("u", cells.variable("u"))
            .bind("v", cells.variable("v"))
            .bind("laplacian_u", cells.variable("laplacian_u"))
            .bind("laplacian_v", cells.variable("laplacian_v"))
            .invocations([side as u32, side as u32, 1]);
        Ok(Self { cells, laplacian })
    }
}

impl DynamicalSystem for ReactionDiffusion {
    fn name(&self) -> &str {
        "reaction_diffusion"
    }

    fn update(&self, step: &mut StepBuilder) -> dsrunner::Result<()> {
        step.child("laplacian", &self.laplacian)?;
        step.then();
        step.child("cells", &self.cells)
    }
}

#[derive(Parser)]
#[command(about = "Two substances that react and diffuse: a type and a kernel of your own")]
struct Arguments {
    /// Places along a side
    #[arg(long, default_value_t = 160, value_parser = clap::value_parser!(u16).range(3..=2048))]
    side: u16,
    /// Steps of time 1
    #[arg(long, default_value_t = 5000)]
    steps: u64,
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    ended(run())
}

fn run() -> Result<()> {
    env_logger::init();
    let Arguments { side, steps, options } = Arguments::parse();
    let started = Instant::now();
    let side = usize::from(side);
    let mut runner = DSRunner::builder(ReactionDiffusion::new(side)?)
        .dt(1.0)
        .seed(options.seed)
        .device(options.device.as_str())
        .build()?;
    let build_s = started.elapsed().as_secs_f64();
    let run = runner.run(Steps(steps))?;

    let v = runner.get::<f32>("cells.v")?.into_dimensionality::<ndarray::Ix2>()?;
    let picture = options.file("reaction_diffusion.png")?;
    let title = format!("Reaction and diffusion: v after {steps} steps");
    let range = || 0.0..side as f64;
    plot::field(&picture, &title, ("x", "y"), (range(), range()), v.view())?;
    let mean = v.iter().map(|&v| f64::from(v)).sum::<f64>() / v.len() as f64;
    let extra = json!({ "mean_v": mean, "side": side });
    Report { runner: &runner, run, build_s, unit_s: 1.0, populations: &[], extra }
        .print(&options, &[picture]);
    Ok(())
}
