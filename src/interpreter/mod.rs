//! Programs executed on columns of values, lane by lane: as machine code where the processor has it, and in an interpreter everywhere.

mod allocate;
mod bytecode;
mod executor;
mod fuse;
mod lanes;
mod math;
#[cfg(target_arch = "x86_64")]
mod native;
#[cfg(not(target_arch = "x86_64"))]
#[path = "no_native.rs"]
mod native;
mod words;

pub(crate) use bytecode::{CHUNK, TOGETHER};
pub(crate) use executor::{Executor, evaluate, given};
pub(crate) use lanes::instruction_set;
pub(crate) use words::Words;
