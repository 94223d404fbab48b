//! What is recorded, and where it goes while a run goes on.

mod events;
mod monitor;
mod sink;

pub use events::Events;
pub use monitor::{Monitor, Reduction};
pub(crate) use monitor::{MonitorRead, What};
pub(crate) use sink::SinkRows;
pub use sink::{Recorded, Sink};
