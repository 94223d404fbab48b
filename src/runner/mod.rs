//! The runner: clock, chunks, progress, results.

mod builder;
mod input;
mod monitor;
mod progress;
mod results;
mod run;

pub use builder::RunnerBuilder;
pub use input::{Input, InputType, InputValue, Operation, Shared};
pub use monitor::{Index, Monitor};
pub use results::{Element, Events, Mon};
pub use run::{CancelHandle, DSRunner, NonFinite, Run, Span, Steps};

pub(crate) use input::InputFunction;
