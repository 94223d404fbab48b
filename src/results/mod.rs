//! What a run recorded.

mod mon;
mod trace;

pub use mon::Mon;
pub(crate) use mon::Times;
pub(crate) use trace::{Filing, Trace, records_initial};
