//! The engine on wgpu.

mod adapters;
mod agreed;
mod barrier;
mod bit_exact;
mod capability;
mod codegen;
mod context;
mod descriptors;
mod dispatch;
mod engine;
mod kernels;
mod known;
mod launch;
mod limits;
mod listing;
mod load;
mod loops;
mod measure;
mod replace;
mod spirv;
mod steps;

use std::sync::Arc;

use super::{CostModel, DeviceKind, Engine};
use crate::error::Result;
use crate::plan::Plan;

pub(crate) use adapters::devices;
pub(crate) use load::loads;
pub(crate) use measure::measure;

/// The engine on the device of that number and that model.
pub(crate) fn engine(device: usize, plan: Arc<Plan>, model: &CostModel) -> Result<Box<dyn Engine>> {
    Ok(Box::new(engine::GpuEngine::new(device, plan, model)?))
}

/// The kernels for the device of that number and that model, each with its name; for the CPU engine those of a discrete GPU.
pub(crate) fn wgsl(device: usize, plan: &Plan, model: &CostModel) -> Result<Vec<(String, String)>> {
    match device {
        0 => {
            let device_limits = adapters::DeviceLimits::unlimited(1024);
            listing::kernels(plan, &CostModel::of(DeviceKind::Discrete), device_limits)
        }
        device => listing::kernels(plan, model, adapters::device_limits(device)),
    }
}
