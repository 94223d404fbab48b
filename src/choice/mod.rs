//! Which device plays a plan where the user leaves the choice: the one whose steps are believed to be the shortest.

mod calibrate;
mod load;
mod model;

use std::fmt::Write as _;

use crate::device::{Device, DeviceInfo, DeviceKind, devices};
use crate::error::Result;
use crate::plan::Plan;

pub(crate) use calibrate::measured;
pub(crate) use load::Load;
pub(crate) use model::CostModel;

/// Estimates that differ by more than this factor decide without a measurement.
const CLEAR: f64 = 5.0;

/// A device, and why it is the one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Choice {
    pub device: usize,
    pub reason: String,
}

/// Settings that say what may be chosen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Threads of the CPU engine at most.
    pub threads: usize,
    /// Whether devices may be measured.
    pub calibrate: bool,
}

/// What a device would take for a step.
#[derive(Debug, Clone, PartialEq)]
struct Candidate {
    device: usize,
    name: String,
    model: CostModel,
    load: Load,
    /// Whether its numbers were measured.
    measured: bool,
}

impl Candidate {
    fn seconds(&self) -> f64 {
        self.model.seconds(&self.load)
    }
}

/// The device for a plan that the user's word means.
///
/// # Errors
/// [`Error::NoDevice`](crate::Error::NoDevice).
pub(crate) fn choose(asked: &Device, plan: &Plan, limits: Limits) -> Result<Choice> {
    if let Some((device, reason)) = asked.resolve()? {
        return Ok(Choice { device, reason });
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(limits.threads);
    let (cpu, gpu) = (Load::on_cpu(plan), Load::on_gpu(plan));
    let candidate = |info: &DeviceInfo| {
        let host = info.kind == DeviceKind::Cpu;
        let model = CostModel::of(info.kind);
        Candidate {
            device: info.index,
            name: info.name.clone(),
            model: if host { model.with_threads(threads) } else { model },
            load: if host { cpu } else { gpu },
            measured: false,
        }
    };
    let fits = |info: &&DeviceInfo| info.most_words.is_none_or(|most| plan.most_words() <= most);
    let mut candidates: Vec<Candidate> = devices().iter().filter(fits).map(candidate).collect();
    if limits.calibrate && !is_clear(&candidates) {
        for candidate in &mut candidates {
            // what cannot be measured stays as it is believed to be
            if let Ok(model) = measured(candidate.device, threads, candidate.model) {
                (candidate.model, candidate.measured) = (model, true);
            }
        }
    }
    Ok(best(&candidates))
}

/// What a step of a plan is believed to take on a GPU, for as long as nothing better is known.
pub(crate) fn seconds_on_gpu(device: usize, plan: &Plan) -> f64 {
    let kind = devices().get(device).map_or(DeviceKind::Software, |info| info.kind);
    let model = calibrate::known(device).unwrap_or(CostModel::of(kind));
    model.seconds(&Load::on_gpu(plan))
}

/// Whether the best one would stay the best.
fn is_clear(candidates: &[Candidate]) -> bool {
    let mut seconds: Vec<f64> = candidates.iter().map(Candidate::seconds).collect();
    seconds.sort_by(f64::total_cmp);
    !matches!(seconds[..], [first, second, ..] if second < CLEAR * first)
}

/// The candidate whose steps are the shortest; the first of those that are equal.
fn best(candidates: &[Candidate]) -> Choice {
    let mut order: Vec<&Candidate> = candidates.iter().collect();
    order.sort_by(|a, b| a.seconds().total_cmp(&b.seconds()));
    let mut reason = String::from("the shortest steps:");
    for (k, candidate) in order.iter().enumerate() {
        let (sign, seconds) = (if k == 0 { "" } else { "," }, candidate.seconds() * 1e6);
        let how = if candidate.measured { "measured" } else { "estimated" };
        let _ = write!(reason, "{sign} {seconds:.1} us on {} ({how})", candidate.name);
    }
    Choice { device: order.first().map_or(0, |best| best.device), reason }
}

#[cfg(test)]
mod tests;
