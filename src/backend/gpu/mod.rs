//! The engine on wgpu.

mod adapters;
mod context;
mod dispatch;
mod engine;
mod fence;
mod kernels;
mod known;
mod limits;
mod loops;
mod measure;
mod pin;
mod probe;
mod shape;
mod shell;
mod spirv;
mod steps;
mod tables;

pub(crate) use adapters::{Reach, adapters, reach};
pub(crate) use engine::GpuEngine;
pub(crate) use kernels::kernels;
pub(crate) use measure::measure;
pub(crate) use steps::{MOST as MOST_STEPS, Way, blocks, ways};
