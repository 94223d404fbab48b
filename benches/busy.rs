//! What other programs on the processors cost: steps beside as many busy processes as are named, with one thread and with all.
//! The control rows are those without others, and those with one thread: threads that wait for each other should not make a
//! step longer than one thread makes it under the same load.
//!
//! `cargo bench --workspace --bench busy`

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group};
use dsrunner::{Connect, DSRunner, Network, Projection, Steps, neurons, odes, synapses};

/// The argument that makes this program a busy process.
const BUSY: &str = "--busy";

struct Others(Vec<Child>);

impl Others {
    fn start(count: usize) -> Self {
        let program = std::env::current_exe().unwrap_or_else(|error| panic!("{error}"));
        let start = |_| Command::new(&program).arg(BUSY).stdin(Stdio::piped()).spawn();
        let others = (0..count).map(|k| start(k).unwrap_or_else(|error| panic!("{error}")));
        Self(others.collect())
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        for other in &mut self.0 {
            // it may have ended by itself
            let _ = other.kill();
            let _ = other.wait();
        }
    }
}

/// Keeps a processor busy until the program that started it is gone.
fn be_busy() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    loop {
        std::hint::black_box(0);
    }
}

fn network() -> Network {
    let cells = neurons::hh(4000);
    let some = Projection::new(&cells, &cells).connect(Connect::fixed_prob(0.01)).weight(1e-3);
    let some = some.synapse(synapses::expon());
    Network::new().with("cells", cells).with("some", some)
}

fn steps(criterion: &mut Criterion) {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    for others in [0, 1, processors] {
        let _others = Others::start(others);
        let name = format!("beside {others} busy processes, {processors} processors");
        let mut group = criterion.benchmark_group(name);
        group.sample_size(20).measurement_time(Duration::from_secs(5));
        for threads in [1, processors] {
            let mut row = |name: &str, builder: dsrunner::RunnerBuilder, steps: u64| {
                let builder = builder.outputs(false).progress_bar(false).device("cpu");
                let mut runner =
                    builder.threads(threads).build().unwrap_or_else(|error| panic!("{error}"));
                group.bench_function(BenchmarkId::new(name, format!("{threads} threads")), |b| {
                    b.iter(|| runner.run(Steps(steps)));
                });
            };
            // threads meet in each step, since spikes are delivered in the next
            let network = DSRunner::builder(network()).input(("cells.input", 10.0)).dt(0.01);
            row("hodgkin-huxley network 4000", network, 1000);
            let trajectories = DSRunner::builder(odes::lorenz(100_000)).dt(0.001);
            row("lorenz 100000", trajectories, 256);
        }
    }
}

criterion_group!(benches, steps);

fn main() {
    if std::env::args().any(|argument| argument == BUSY) {
        be_busy();
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}
