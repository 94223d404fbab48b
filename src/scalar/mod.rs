//! Functions of a naga module as lists of operations on scalars: what the CPU engine executes on columns, and what is
//! differentiated.

mod blocks;
mod bound;
mod bounds_check;
mod code;
mod differentiate;
mod expressions;
mod fed;
mod hoist;
mod iterations;
mod listing;
mod loops;
mod lower;
mod lowered;
mod lowering;
mod math;
mod memory;
mod operators;
mod places;
mod statements;
mod value;
mod write;

pub(crate) use code::{Access, Code, ScalarOp, ValueId};
pub(crate) use differentiate::differentiate;
pub(crate) use fed::fed;
pub(crate) use hoist::hoist_invariants;
pub(crate) use iterations::{loops, of as iterations, once as iterations_once};
pub use listing::ProgramCode;
pub(crate) use lower::lower;
pub(crate) use lowered::{Bounded, CheckedBounds, IndexSite, LoopSite, Lowered, Origin};
pub(crate) use lowering::{LoopLimit, Memories, Memory, Options};
pub(crate) use value::{LaneKind, LoweringError};
pub(crate) use write::{cast, write};
