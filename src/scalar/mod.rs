//! Functions of a naga module as lists of operations on scalars: what the CPU engine plays on columns, and what is
//! differentiated.

mod blocks;
mod bound;
mod code;
mod differentiate;
mod expressions;
mod fed;
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
mod split;
mod statements;
mod value;
mod watch;
mod write;

pub(crate) use code::{Access, Code, Id, Op};
pub(crate) use differentiate::differentiate;
pub(crate) use fed::fed;
pub(crate) use iterations::{loops, of as iterations, once as iterations_once};
pub use listing::ProgramCode;
pub(crate) use lower::lower;
pub(crate) use lowered::{Bounded, LoopSite, Lowered, Origin, Site, Watched};
pub(crate) use lowering::{Limit, Memories, Memory, Options};
pub(crate) use split::split;
pub(crate) use value::{Kind, Refusal};
pub(crate) use write::{cast, write};
