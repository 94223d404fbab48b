//! Which device executes a plan where the user leaves the choice: the one whose steps are estimated to be the shortest.

mod calibrate;
mod device;

use std::fmt::Write as _;
use std::sync::Arc;

use crate::backend::{CostModel, DeviceInfo, DeviceKind, Engine, Load, engine, loads};
use crate::error::{Error, Result};
use crate::plan::{Plan, StepOp};

pub(crate) use calibrate::measured;
pub(crate) use device::ENVIRONMENT;
pub use device::{Device, devices};

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
    /// Whether the host has to look into each step.
    pub stepwise: bool,
}

/// What a device would take for a step.
#[derive(Debug, Clone, PartialEq)]
struct Candidate {
    device: usize,
    name: String,
    model: CostModel,
    /// For each way in which it may execute the plan.
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

/// The device for a plan that the user's word means, and the engine there, but for the device that is in use. Where the choice is
/// left, a device that fails gives way to the next.
///
/// # Errors
/// [`Error::NoDevice`](crate::Error::NoDevice), and those of the engine on the first of the devices.
pub(crate) fn open(
    asked: &Device,
    plan: &Arc<Plan>,
    limits: Limits,
    in_use: Option<usize>,
) -> Result<(Choice, Option<Box<dyn Engine>>)> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(limits.threads);
    let found = asked.resolve()?;
    let by_environment = found.is_some() && *asked == Device::Auto;
    let (order, reason) = match found {
        Some((device, reason)) => (vec![device], reason),
        None => choose(plan, threads, limits),
    };
    let opened = first(order, reason, |device| {
        let model = settled(device, threads, limits.calibrate);
        let opened = || engine(device, plan.clone(), limits.threads, &model);
        let engine = if in_use == Some(device) { None } else { Some(opened()?) };
        Ok((model, engine))
    });
    let (device, reason, (model, engine)) = opened
        .map_err(|error| if by_environment { error.chosen_by(ENVIRONMENT) } else { error })?;
    Ok((Choice { device, reason, model }, engine))
}

/// The first of some devices that opens, and the reason with those that did not; else the first error.
fn first<T>(
    order: Vec<usize>,
    mut reason: String,
    mut open: impl FnMut(usize) -> Result<T>,
) -> Result<(usize, String, T)> {
    let mut failed = None;
    for device in order {
        match open(device) {
            Ok(opened) => return Ok((device, reason, opened)),
            Err(error) => {
                log::warn!("device {device}: {error}");
                let _ = write!(reason, "; device {device} failed: {error}");
                failed.get_or_insert(error);
            }
        }
    }
    Err(failed.unwrap_or_else(|| Error::no_device("auto", &devices())))
}

/// The devices for a plan where the choice is left, the best first, with the reason.
fn choose(plan: &Plan, threads: usize, limits: Limits) -> (Vec<usize>, String) {
    let calls = plan.step.iter().filter(|op| matches!(op, StepOp::Call(_))).count();
    let submissions = if limits.stepwise { (calls + 1) as f64 } else { 0.0 };
    let candidate = |info: &DeviceInfo| {
        let loads = || loads(plan, info.index, limits.stepwise).into_iter();
        Candidate {
            device: info.index,
            name: info.name.clone(),
            model: prior(info.kind, threads),
            loads: match info.kind {
                DeviceKind::Cpu => vec![Load::on_cpu(plan)],
                _ => loads().map(|load| Load { submissions, ..load }).collect(),
            },
            measured: false,
        }
    };
    let fits = |info: &&DeviceInfo| info.most_words.is_none_or(|most| plan.most_words() <= most);
    let there = devices();
    let single = |info: &&DeviceInfo| !is_duplicate_adapter(info, &there);
    let fitting = there.iter().filter(fits).filter(single);
    let mut candidates: Vec<Candidate> = fitting.map(candidate).collect();
    if limits.calibrate && !is_clear(&candidates) {
        for candidate in &mut candidates {
            // what cannot be measured stays as it is estimated to be
            if let Ok(model) = measured(candidate.device, threads, candidate.model) {
                (candidate.model, candidate.measured) = (model, true);
            }
        }
    }
    best(&candidates)
}

/// Whether a device is there on Vulkan, too, where the same card gives the same bits as the CPU engine.
fn is_duplicate_adapter(info: &DeviceInfo, all: &[DeviceInfo]) -> bool {
    let vulkan = |other: &DeviceInfo| other.backend == "vulkan" && other.name == info.name;
    info.backend != "vulkan" && all.iter().any(vulkan)
}

fn prior(kind: DeviceKind, threads: usize) -> CostModel {
    let model = CostModel::of(kind);
    if kind == DeviceKind::Cpu { model.with_threads(threads) } else { model }
}

/// The model of a device that will execute: of a GPU, measured if that is allowed.
fn settled(device: usize, threads: usize, calibrate: bool) -> CostModel {
    if device == 0 {
        // its engine has one way to execute a plan
        return prior(DeviceKind::Cpu, threads);
    }
    let kind = devices().get(device).map_or(DeviceKind::Software, |info| info.kind);
    let prior = prior(kind, threads);
    // what cannot be measured stays as it is estimated to be
    if calibrate { measured(device, threads, prior).unwrap_or(prior) } else { prior }
}

/// Whether the best one would stay the best.
fn is_clear(candidates: &[Candidate]) -> bool {
    let mut seconds: Vec<f64> = candidates.iter().map(Candidate::seconds).collect();
    seconds.sort_by(f64::total_cmp);
    !matches!(seconds[..], [first, second, ..] if second < CLEAR * first)
}

/// The devices by how short their steps are, with the reason why the first is the best.
fn best(candidates: &[Candidate]) -> (Vec<usize>, String) {
    let mut order: Vec<&Candidate> = candidates.iter().collect();
    order.sort_by(|a, b| a.seconds().total_cmp(&b.seconds()));
    let mut reason = String::from("the shortest steps:");
    for (k, candidate) in order.iter().enumerate() {
        let (sign, seconds) = (if k == 0 { "" } else { "," }, candidate.seconds() * 1e6);
        let how = if candidate.measured { "measured" } else { "estimated" };
        let _ = write!(reason, "{sign} {seconds:.1} us on {} ({how})", candidate.name);
    }
    (order.iter().map(|candidate| candidate.device).collect(), reason)
}

#[cfg(test)]
mod tests;
