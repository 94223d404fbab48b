//! The runner: clock, chunks, progress, results.

mod builder;
mod data;
mod finite;
mod handles;
mod moves;
mod objects;
mod play;
mod predict;
mod progress;
mod recipe;
mod run;
mod states;
mod tree;

pub use builder::{Jit, RunnerBuilder};
pub use finite::NonFinite;
pub use objects::{Collection, Listed, Naming, NodeClass, NodeInfo, VarClass, VarInfo};
pub use predict::{Predict, Span, Steps};
pub use progress::Progress;
pub use run::{CancelHandle, DSRunner, Run};
pub use states::{Compatible, Loaded, StateDict};
pub use tree::TreeDef;
