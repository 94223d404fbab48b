//! How often something is measured.

use std::time::{Duration, Instant};

use crate::gpu::Result;

/// Repetitions: at least so many, and then as many as fit into the time of a row.
const AT_LEAST: usize = 7;
const AT_MOST: usize = 101;
const TIME: Duration = Duration::from_millis(300);

/// What `measure` gives, many times.
pub fn samples(mut measure: impl FnMut() -> Result<f64>) -> Result<Vec<f64>> {
    let started = Instant::now();
    let mut samples = Vec::new();
    while samples.len() < AT_LEAST || (samples.len() < AT_MOST && started.elapsed() < TIME) {
        samples.push(measure()?);
    }
    Ok(samples)
}

/// How often to repeat what `seconds` times, so that all of it takes at least `wanted` seconds, but at most `most` times.
/// Fixed costs are then a small part of it.
pub fn repetitions(
    wanted: f64,
    most: u32,
    mut seconds: impl FnMut(u32) -> Result<f64>,
) -> Result<u32> {
    let mut n = 1;
    while seconds(n)? < wanted && n < most {
        n = (2 * n).min(most);
    }
    Ok(n)
}
