//! The engine on wgpu.

mod adapters;
mod agreed;
mod context;
mod dispatch;
mod engine;
mod fence;
mod kernels;
mod known;
mod limits;
mod listing;
mod load;
mod loops;
mod measure;
mod pin;
mod probe;
mod replace;
mod shape;
mod shell;
mod spirv;
mod steps;
mod tables;

pub(crate) use adapters::{Reach, adapters, reach};
pub(crate) use engine::GpuEngine;
pub(crate) use listing::kernels;
pub(crate) use load::loads;
#[cfg(test)]
pub(crate) use load::ways;
pub(crate) use measure::measure;
#[cfg(test)]
pub(crate) use steps::Way;
