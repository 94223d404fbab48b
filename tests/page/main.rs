//! Every row of the runner's page: a test or more for each, named after it, on each engine.

#[path = "../suite/compare.rs"]
mod compare;
#[path = "../suite/engines.rs"]
mod engines;

mod after;
mod batching;
mod common;
mod couplings;
mod decisions;
mod devices;
mod inputs;
mod invariance;
mod jit;
mod kernels;
mod monitors;
mod objects;
mod sinks;
mod states;
