//! Functions of a naga module as lists of operations on scalars: what the CPU engine plays on columns, and what is
//! differentiated.

mod bound;
mod code;
mod differentiate;
mod expressions;
mod iterations;
mod loops;
mod lower;
mod math;
mod memory;
mod operators;
mod places;
mod split;
mod statements;
mod value;
mod watch;
mod write;

pub(crate) use bound::{Bounded, LoopSite};
pub(crate) use code::{Access, Code, Id, Op};
pub(crate) use differentiate::differentiate;
pub(crate) use iterations::{loops, of as iterations};
pub(crate) use lower::{Lowered, Options, Origin, lower};
pub(crate) use memory::{Memories, Memory};
pub(crate) use split::split;
pub(crate) use value::Kind;
pub(crate) use value::Refusal;
pub(crate) use watch::{Site, Watched};
pub(crate) use write::{cast, write};
