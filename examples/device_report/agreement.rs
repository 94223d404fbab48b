//! One step on a device against the same step of the CPU engine.

use dsrunner::{DSRunner, Group, neurons, odes};

use crate::gpu::Result;
use crate::report::{Row, Section};

const COUNT: usize = 500;
/// Units in the last place that a compiler's contractions may change.
const CONTRACTED: u32 = 16;

/// A model, its step, and the range of each variable, which stays on one side of 0 so that an ulp is not that of a small
/// difference.
struct Case {
    name: &'static str,
    group: fn(usize) -> Group,
    dt: f64,
    ranges: &'static [(&'static str, f64, f64)],
}

const CASES: [Case; 4] = [
    Case { name: "LIF", group: |n| neurons::lif(n), dt: 0.1, ranges: &[("V", 1.0, 19.0)] },
    Case {
        name: "Izhikevich",
        group: |n| neurons::izhikevich(n),
        dt: 0.1,
        ranges: &[("V", -80.0, -20.0), ("u", -20.0, -5.0)],
    },
    Case {
        name: "Hodgkin-Huxley",
        group: |n| neurons::hh(n),
        dt: 0.01,
        ranges: &[("V", -90.0, -40.0), ("m", 0.05, 0.3), ("h", 0.05, 0.95), ("n", 0.05, 0.95)],
    },
    Case {
        name: "Lorenz",
        group: |n| odes::lorenz(n),
        dt: 0.001,
        ranges: &[("x", 1.0, 20.0), ("y", 1.0, 20.0), ("z", 5.0, 45.0)],
    },
];

/// `exact` where the device must give the same bits, as on Vulkan; other compilers may contract operations.
pub fn section(device: &str, exact: bool) -> Section {
    let mut section = Section::new("One step against the CPU engine on one thread");
    for case in &CASES {
        section.attempt(case.name, || Ok(vec![row(device, exact, case)?]));
    }
    section
}

fn row(device: &str, exact: bool, case: &Case) -> Result<Row> {
    let (got, wanted) = (step(case, device, None)?, step(case, "cpu", Some(1))?);
    let limit = if exact { 0 } else { CONTRACTED };
    let ulps = got.iter().zip(&wanted).map(|(&a, &b)| ulps(a, b)).max().unwrap_or(u32::MAX);
    let moved = case.ranges.len() * COUNT;
    Ok(Row::number(case.name, f64::from(ulps), "ulp")
        .note(format!("largest of {moved} values, tolerance {limit} ulp"))
        .problem_unless(got.len() == moved, || format!("{} values", got.len()))
        .problem_unless(ulps <= limit, || "another result than the CPU engine's".into()))
}

/// Floats between two of one sign. The count is large for two signs, and for what is not a number.
fn ulps(a: f32, b: f32) -> u32 {
    if a.is_nan() || b.is_nan() { u32::MAX } else { a.to_bits().abs_diff(b.to_bits()) }
}

/// All variables after a step.
fn step(case: &Case, device: &str, threads: Option<usize>) -> Result<Vec<f32>> {
    // multiples of an irrational number, modulo 1, are spread evenly; those of roots of primes are not in step
    let mut group = (case.group)(COUNT);
    for (&(variable, from, to), prime) in case.ranges.iter().zip([2.0, 3.0, 5.0, 7.0]) {
        let part = |k: usize| (k as f64 * f64::sqrt(prime)).fract();
        let values: Vec<f64> = (0..COUNT).map(|k| from + (to - from) * part(k)).collect();
        group = group.init(variable, values);
    }
    let builder = DSRunner::builder(group).dt(case.dt).device(device).progress_bar(false);
    let builder = match threads {
        Some(threads) => builder.threads(threads),
        None => builder,
    };
    let mut runner = builder.build()?;
    runner.step()?;
    let mut values = Vec::new();
    for (variable, ..) in case.ranges {
        values.extend(runner.get::<f32>(*variable)?);
    }
    Ok(values)
}
