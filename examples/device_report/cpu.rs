//! What a step costs on the CPU engine.

use std::num::NonZero;
use std::thread::available_parallelism;

use dsrunner::{DSRunner, Group, Steps, neurons};

use crate::gpu::Result;
use crate::report::{Row, Section};
use crate::sample::{repetitions, samples};

/// Neurons: enough that no thread is left out.
const COUNT: usize = 1 << 20;
/// Seconds of a repetition.
const RUN: f64 = 0.02;

pub fn section() -> Section {
    let mut section = Section::new("A step of one neuron");
    let cores = available_parallelism().map_or(1, NonZero::get);
    let models = [
        ("LIF", neurons::lif(COUNT), 25.0),
        ("Izhikevich", neurons::izhikevich(COUNT), 10.0),
        ("Hodgkin-Huxley", neurons::hh(COUNT), 10.0),
    ];
    for (model, group, input) in models {
        for (threads, word) in [(1, "one thread"), (cores, "all threads")] {
            let name = format!("{model}, {word}");
            section.attempt(&name, || Ok(vec![row(&name, &group, input, threads)?]));
        }
    }
    section
}

fn row(name: &str, group: &Group, input: f64, threads: usize) -> Result<Row> {
    let mut runner = DSRunner::builder(group.clone())
        .input(("input", input))
        .dt(0.01)
        .device("cpu")
        .threads(threads)
        .outputs(false)
        .progress_bar(false)
        .build()?;
    let steps =
        repetitions(RUN, 10_000, |n| Ok(runner.run(Steps(n.into()))?.elapsed.as_secs_f64()))?;
    let first = runner.i();
    let samples = samples(|| {
        let run = runner.run(Steps(steps.into()))?;
        Ok(run.elapsed.as_secs_f64() / run.steps as f64 / COUNT as f64)
    })?;
    let (executed, expected) = (runner.i() - first, u64::from(steps) * samples.len() as u64);
    let bad = runner.non_finite()?;
    let note = format!("wall clock, {} runs of {steps} steps", samples.len());
    Ok(Row::median(name, samples, "s")
        .note(note)
        .problem_unless(executed == expected, || format!("{executed} steps, expected {expected}"))
        .problem_unless(bad.is_empty(), || format!("{} values are not finite", bad.len())))
}
