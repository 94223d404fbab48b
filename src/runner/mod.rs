//! The runner: clock, chunks, progress, results.

mod builder;
mod moves;
mod progress;
mod results;
mod run;

pub use builder::RunnerBuilder;
pub use results::{Element, Events, Mon};
pub use run::{CancelHandle, DSRunner, NonFinite, Run, Span, Steps};
