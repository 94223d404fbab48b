//! The runner: clock, chunks, progress, results.

mod builder;
mod handles;
mod moves;
mod play;
mod progress;
mod results;
mod run;
mod sink;
mod span;
mod trace;

pub use builder::{Jit, RunnerBuilder};
pub use handles::{InputHandle, ReadHandle};
pub use results::{Element, Events, Mon};
pub use run::{CancelHandle, DSRunner, NonFinite, Run};
pub use sink::{Recorded, Sink};
pub use span::{Span, Steps};
