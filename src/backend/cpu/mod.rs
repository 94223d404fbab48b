//! The engine without a driver: the composed programs interpreted on columns, structural operations in plain Rust.

mod bounds_check;
mod constant_folded;
mod deliver;
mod derived_columns;
mod engine;
mod kernel;
mod member;
mod pace;
mod thread_pool;
mod time_blocked;

pub(crate) use bounds_check::{Beyond, BoundsChecks};
pub(crate) use engine::CpuEngine;
