//! The runner: clock, chunks, progress, results.

mod builder;
mod data;
mod execute;
mod explain;
mod finite;
mod handles;
mod listed;
mod moves;
mod objects;
mod predict;
mod progress;
mod recipe;
mod replace;
mod run;
mod settings;
mod states;
mod tree;

pub use builder::RunnerBuilder;
pub use explain::{ExplainedProgram, Explanation};
pub use finite::NonFinite;
pub use listed::{Collection, Listed, Naming, NodeClass, NodeInfo, VarClass, VarInfo};
pub use predict::{Predict, Span, Steps};
pub use progress::Progress;
pub use run::{CancelHandle, DSRunner, Run};
pub use settings::Jit;
pub use states::{Compatible, Loaded, StateDict};
pub use tree::TreeDef;
