//! The engines that execute a plan.

mod apply;
mod cost;
mod cpu;
mod device;
#[cfg(feature = "gpu")]
mod gpu;
#[cfg(not(feature = "gpu"))]
#[path = "no_gpu.rs"]
mod gpu;
mod load;
mod seam;

use std::sync::Arc;

use crate::error::Result;
use crate::plan::Plan;

pub(crate) use apply::apply_at;
pub(crate) use cost::CostModel;
pub(crate) use cpu::{Beyond, BoundsChecks};
pub use device::{DeviceInfo, DeviceKind};
pub(crate) use gpu::{devices as gpus, loads, measure, wgsl};
pub(crate) use load::Load;
pub(crate) use seam::{Chunk, ChunkRows, Data, DeviceRows, Engine};

/// The engine for the device of that number and that model, with the plan's initial state. The CPU engine uses at most so many threads.
pub(crate) fn engine(
    device: usize,
    plan: Arc<Plan>,
    threads: usize,
    model: &CostModel,
) -> Result<Box<dyn Engine>> {
    Ok(match device {
        0 => Box::new(cpu::CpuEngine::new(plan, threads)?),
        index => gpu::engine(index, plan, model)?,
    })
}
