//! Time of a hundred steps on the CPU engine, or the device that `DSRUNNER_DEVICE` names. The control row has one element: what is
//! left there is the cost of a run, not of its elements, and the other rows are to be read against it.
//!
//! `cargo bench --workspace --bench step`

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dsrunner::{
    Connect, Coupling, DSRunner, DynamicalSystem, Group, Init, Kernel, Model, Network, Projection,
    Steps, neurons, odes, outputs, synapses, wgsl,
};

const STEPS: u64 = 100;

fn device() -> String {
    std::env::var("DSRUNNER_DEVICE").unwrap_or_else(|_| "cpu".into())
}

fn runner(target: impl DynamicalSystem + 'static, input: Option<&str>, dt: f64) -> DSRunner {
    let inputs = input.map(|path| (path, 20.0));
    let builder = DSRunner::builder(target).inputs(inputs).dt(dt).outputs(false);
    let builder = builder.progress_bar(false).device(device());
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}

/// Without delays, or with delays of 2 ms.
fn balanced(count: usize, delayed: bool) -> Network {
    let cells = neurons::lif_ref(count)
        .param("V_rest", -60.0)
        .param("V_reset", -60.0)
        .param("V_th", -50.0)
        .param("tau", 20.0)
        .param("tau_ref", 5.0)
        .init("V", Init::normal(-55.0, 2.0));
    let project = |weight: f64, tau: f64, reversal: f64, prob: f64| {
        let projection = Projection::new(&cells, &cells);
        let projection = if delayed { projection.delay(2.0) } else { projection };
        projection
            .connect(Connect::fixed_prob(prob / count as f64))
            .weight(weight)
            .synapse(synapses::expon().param("tau", tau))
            .output(outputs::coba().param("E", reversal))
    };
    Network::new()
        .with("exc", project(0.6, 5.0, 0.0, 64.0))
        .with("inh", project(6.7, 10.0, -80.0, 16.0))
        .with("cells", cells)
}

/// Oscillators that are coupled by the sines of their differences, with delays of up to 20 steps.
fn phases(count: usize) -> Network {
    let model = Model::from_wgsl(
        "Phase",
        "struct State { theta: f32 } struct Input { input: f32 } struct Derivative { theta: f32 }
         fn derivative(x: Input) -> Derivative { return Derivative(1.0 + x.input); }",
    );
    let model = model.unwrap_or_else(|error| panic!("{error}"));
    let phases = Group::new(&model, count).init("theta", Init::uniform(0.0, 6.0));
    let delays: Vec<f64> = (0..count * count).map(|k| 0.01 * (k % 21) as f64).collect();
    let sines = Coupling::new(&phases, &phases, wgsl("w * sin(theta_pre - theta_post)"));
    let sines = sines.weight(1.0 / count as f64).delay(delays);
    Network::new().with("phases", phases).with("sines", sines)
}

/// Diffusion on a square whose sides touch.
fn stencil(side: usize) -> Network {
    let model = Model::from_wgsl(
        "Cells",
        "struct State { u: f32 } fn update(s: State) -> State { return s; }",
    );
    let model = model.unwrap_or_else(|error| panic!("{error}"));
    let cells = Group::new(&model, [side, side]).init("u", Init::uniform(0.0, 1.0));
    let kernel = Kernel::from_wgsl(
        "Diffusion",
        "@group(0) @binding(0) var<storage, read> old: array<f32>;
         @group(0) @binding(1) var<storage, read_write> u: array<f32>;
         @compute @workgroup_size(128) fn run(@builtin(global_invocation_id) id: vec3<u32>) {
             let n = arrayLength(&old);
             let k = id.x;
             if k >= n { return; }
             let left = select(k, n, k == 0u) - 1u;
             let right = select(k + 1u, 0u, k + 1u == n);
             u[k] = old[k] + 0.1 * (old[left] + old[right] - 2.0 * old[k]);
         }",
    );
    let kernel = kernel.unwrap_or_else(|error| panic!("{error}"));
    let kernel = kernel.bind("old", cells.variable("u")).bind("u", cells.variable("u"));
    Network::new().with("cells", cells).with("diffusion", kernel)
}

fn steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(format!("100 steps, {}", device()));
    let mut row = |name: &str, elements: usize, mut runner: DSRunner| {
        group.throughput(Throughput::Elements(elements as u64 * STEPS));
        group.bench_function(BenchmarkId::new(name, elements), |bencher| {
            bencher.iter(|| runner.run(Steps(STEPS)));
        });
    };
    row("control", 1, runner(neurons::lif_ref(1), Some("input"), 0.1));
    row("lif", 4000, runner(neurons::lif_ref(4000), Some("input"), 0.1));
    row("coba network", 4000, runner(balanced(4000, false), Some("cells.input"), 0.1));
    row(
        "coba network, delays of 2 ms",
        4000,
        runner(balanced(4000, true), Some("cells.input"), 0.1),
    );
    row("izhikevich", 4000, runner(neurons::izhikevich(4000), Some("input"), 0.1));
    row("hodgkin-huxley", 4000, runner(neurons::hh(4000), Some("input"), 0.1));
    row("lorenz rk4", 4000, runner(odes::lorenz(4000), None, 0.001));
    row("lorenz rk4", 100_000, runner(odes::lorenz(100_000), None, 0.001));
    row("coba network", 64_000, runner(balanced(64_000, false), Some("cells.input"), 0.1));
    row("phases, all to all", 200, runner(phases(200), None, 0.01));
    row("stencil kernel", 10_000, runner(stencil(100), None, 0.1));
}

criterion_group!(benches, steps);
criterion_main!(benches);
