//! What the device's work costs: dispatches, barriers, atomics, memory.

use crate::counted::Cost;
use crate::gpu::{Gpu, Result};
use crate::report::{Row, Section};
use crate::sample::{repetitions, samples};

/// A pass has so many dispatches that it takes this long, but not more than the limit.
const PASS_SECONDS: f64 = 2e-3;
const MOST_DISPATCHES: u32 = 1000;

pub fn section(gpu: &Gpu) -> Section {
    let mut section = Section::new("Costs on the device");
    for cost in Cost::ALL {
        section.attempt(&cost.name(), || Ok(vec![row(gpu, cost)?]));
    }
    section
}

fn row(gpu: &Gpu, cost: Cost) -> Result<Row> {
    let name = cost.name();
    let limit = gpu.device.limits().max_compute_invocations_per_workgroup;
    if cost.lanes() > limit {
        return Ok(Row::text(&name, "not available")
            .note(format!("a workgroup has at most {limit} invocations")));
    }
    let mut counted = cost.prepare(gpu)?;
    // the first dispatch is slower than those that follow
    counted.execute(gpu, 1)?;
    let n = repetitions(PASS_SECONDS, MOST_DISPATCHES, |n| counted.execute(gpu, n))?;
    let (operations, unit) = cost.operations();
    let operations = operations * f64::from(n);
    let samples = samples(|| {
        let seconds = counted.execute(gpu, n)?;
        Ok(if unit == "s" { seconds / operations } else { operations / seconds })
    })?;
    let timestamps = gpu.device.features().contains(wgpu::Features::TIMESTAMP_QUERY);
    let clock = if timestamps { "timestamps" } else { "wall clock" };
    let plural = if n == 1 { "" } else { "es" };
    let note = format!("{clock}, {} passes of {n} dispatch{plural}", samples.len());
    Ok(Row::median(&name, samples, unit).note(note).checked(counted.check(gpu)))
}
