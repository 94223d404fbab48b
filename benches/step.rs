//! Time of a hundred steps on the CPU engine. The control row has one element: what is left there is the cost of a run, not
//! of its elements, and the other rows are to be read against it.
//!
//! `cargo bench`

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dsrunner::{
    Connect, DSRunner, DynamicalSystem, Init, Network, Projection, Steps, neurons, odes, outputs,
    synapses,
};

const STEPS: u64 = 100;

fn runner(target: impl DynamicalSystem + 'static, input: Option<&str>, dt: f64) -> DSRunner {
    let inputs = input.map(|path| (path, 20.0));
    let builder = DSRunner::builder(target).inputs(inputs).dt(dt).outputs(false);
    let builder = builder.progress_bar(false).device("cpu");
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

fn steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("100 steps");
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
}

criterion_group!(benches, steps);
criterion_main!(benches);
