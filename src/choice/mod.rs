//! Which device plays a plan where the user leaves the choice: the one whose steps are believed to be the shortest.

mod calibrate;
mod load;
mod model;

use std::fmt::Write as _;

use crate::backend::gpu::{Way, reach};
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
    pub model: CostModel,
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
    /// For each way in which it may play the plan.
    loads: Vec<Load>,
    /// Whether its numbers were measured.
    measured: bool,
}

impl Candidate {
    fn seconds(&self) -> f64 {
        let seconds = self.loads.iter().map(|load| self.model.seconds(load));
        seconds.fold(f64::INFINITY, f64::min)
    }
}

/// The device for a plan that the user's word means.
///
/// # Errors
/// [`Error::NoDevice`](crate::Error::NoDevice).
pub(crate) fn choose(asked: &Device, plan: &Plan, limits: Limits) -> Result<Choice> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(limits.threads);
    if let Some((device, reason)) = asked.resolve()? {
        let model = settled(device, threads, limits.calibrate);
        return Ok(Choice { device, reason, model });
    }
    let candidate = |info: &DeviceInfo| {
        let ways = || Load::on_gpu(plan, reach(info.index).invocations).into_iter();
        Candidate {
            device: info.index,
            name: info.name.clone(),
            model: believed(info.kind, threads),
            loads: match info.kind {
                DeviceKind::Cpu => vec![Load::on_cpu(plan)],
                _ => ways().map(|(_, load)| load).collect(),
            },
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
    let (device, reason) = best(&candidates);
    Ok(Choice { device, reason, model: settled(device, threads, limits.calibrate) })
}

/// The ways to play a plan on a GPU of that model, whose workgroups have at most so many invocations, with the seconds of a step:
/// the fastest first. Without a way each operation of a step is dispatched.
pub(crate) fn ways(plan: &Plan, model: &CostModel, invocations: usize) -> Vec<(Option<Way>, f64)> {
    let loads = Load::on_gpu(plan, invocations).into_iter();
    let mut ways: Vec<_> = loads.map(|(way, load)| (way, model.seconds(&load))).collect();
    ways.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    ways
}

fn believed(kind: DeviceKind, threads: usize) -> CostModel {
    let model = CostModel::of(kind);
    if kind == DeviceKind::Cpu { model.with_threads(threads) } else { model }
}

/// The model of a device that will play: of a GPU, measured if that is allowed.
fn settled(device: usize, threads: usize, calibrate: bool) -> CostModel {
    if device == 0 {
        // its engine has one way to play a plan
        return believed(DeviceKind::Cpu, threads);
    }
    let kind = devices().get(device).map_or(DeviceKind::Software, |info| info.kind);
    let believed = believed(kind, threads);
    // what cannot be measured stays as it is believed to be
    if calibrate { measured(device, threads, believed).unwrap_or(believed) } else { believed }
}

/// Whether the best one would stay the best.
fn is_clear(candidates: &[Candidate]) -> bool {
    let mut seconds: Vec<f64> = candidates.iter().map(Candidate::seconds).collect();
    seconds.sort_by(f64::total_cmp);
    !matches!(seconds[..], [first, second, ..] if second < CLEAR * first)
}

/// The device whose steps are the shortest, the first of those that are equal, with the reason.
fn best(candidates: &[Candidate]) -> (usize, String) {
    let mut order: Vec<&Candidate> = candidates.iter().collect();
    order.sort_by(|a, b| a.seconds().total_cmp(&b.seconds()));
    let mut reason = String::from("the shortest steps:");
    for (k, candidate) in order.iter().enumerate() {
        let (sign, seconds) = (if k == 0 { "" } else { "," }, candidate.seconds() * 1e6);
        let how = if candidate.measured { "measured" } else { "estimated" };
        let _ = write!(reason, "{sign} {seconds:.1} us on {} ({how})", candidate.name);
    }
    (order.first().map_or(0, |best| best.device), reason)
}

#[cfg(test)]
mod tests;
