//! The runner: clock, chunks, progress, results.

mod builder;
mod data;
mod handles;
mod moves;
mod play;
mod predict;
mod progress;
mod results;
mod run;
mod sink;
mod trace;

pub use builder::{Jit, RunnerBuilder};
pub use handles::{InputHandle, ReadHandle};
pub use predict::{Predict, Span, Steps};
pub use results::{Element, Events, Mon};
pub use run::{CancelHandle, DSRunner, NonFinite, Run};
pub use sink::{Recorded, Sink};
