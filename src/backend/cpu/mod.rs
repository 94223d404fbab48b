//! The engine without a driver: the composed programs interpreted on columns, structural operations in plain Rust.

mod check;
mod columns;
mod crew;
mod deliver;
mod engine;
mod independent;
mod kernel;
mod member;
mod pace;
mod quick;

pub(crate) use check::{Beyond, Checks};
pub(crate) use engine::CpuEngine;
