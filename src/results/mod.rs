//! What a run recorded.

mod mon;
mod recorder;

pub use mon::Mon;
pub(crate) use mon::Times;
pub(crate) use recorder::{RecordedTrace, Recorder, records_initial};
