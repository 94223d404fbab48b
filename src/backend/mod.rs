//! The engines that play a plan.

pub(crate) mod apply;
mod cost;
pub(crate) mod cpu;
mod device;
pub(crate) mod gpu;
mod load;
mod seam;

use std::sync::Arc;

use crate::error::Result;
use crate::plan::Plan;

pub(crate) use cost::CostModel;
#[cfg(test)]
pub(crate) use cost::NOTHING;
pub use device::{DeviceInfo, DeviceKind};
pub(crate) use load::Load;
pub(crate) use seam::{Chunk, Data, DeviceRows, Engine, Rows};

/// The engine for the device of that number and that model, with the plan's initial state. The CPU engine uses at most so many threads.
pub(crate) fn engine(
    device: usize,
    plan: Arc<Plan>,
    threads: usize,
    model: &CostModel,
) -> Result<Box<dyn Engine>> {
    Ok(match device {
        0 => Box::new(cpu::CpuEngine::new(plan, threads)?),
        index => Box::new(gpu::GpuEngine::new(index, plan, model)?),
    })
}
