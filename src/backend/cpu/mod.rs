//! The engine without a driver: the composed programs interpreted on columns, structural operations in plain Rust.

mod allocate;
mod check;
mod columns;
mod crew;
mod deliver;
mod engine;
mod fuse;
mod independent;
mod kernel;
mod lanes;
mod math;
mod member;
#[cfg(target_arch = "x86_64")]
mod native;
#[cfg(not(target_arch = "x86_64"))]
#[path = "no_native.rs"]
mod native;
mod pace;
mod player;
mod quick;
mod tape;
mod words;

pub(crate) use check::{Beyond, Checks};
pub(crate) use engine::CpuEngine;
pub(crate) use player::evaluate;

/// The instruction set that the interpreter uses on this processor.
pub(crate) fn instruction_set() -> &'static str {
    lanes::InstructionSet::detect().name()
}
