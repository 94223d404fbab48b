//! Input that is too much: whatever size a text, a system or a run has, the answer is a result or an error. Nothing panics,
//! nothing overflows a stack, nothing asks for memory that is not there, and nothing goes on for ever.
//!
//! Each test runs in a process of its own, so that one that does is seen as a test that failed.
#![cfg(unix)]

mod child;
#[allow(unused_macros, unused_imports)]
#[path = "../suite/engines.rs"]
mod engines;
mod loops;
mod memory;
mod systems;
mod texts;
