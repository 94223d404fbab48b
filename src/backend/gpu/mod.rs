//! The engine on wgpu.

mod adapters;
mod context;
mod dispatch;
mod engine;
mod fence;
mod kernels;
mod known;
mod limits;
mod load;
mod measure;
mod pin;
mod probe;
mod shape;
mod shell;
mod spirv;
mod steps;
mod tables;

use std::sync::Arc;

use super::Engine;
use crate::choice::CostModel;
use crate::device::DeviceKind;
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
            let reach = adapters::Reach { invocations: 1024, iterations: usize::MAX };
            kernels::kernels(plan, &CostModel::of(DeviceKind::Discrete), reach)
        }
        device => kernels::kernels(plan, model, adapters::reach(device)),
    }
}
