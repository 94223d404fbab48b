//! Model files: one plain WGSL text a model, parsed and checked against the contract by reflection.

mod calls;
mod compose;
mod contract;
mod definition;
mod diagnosis;
mod emitted;
mod expression;
mod extent;
mod host;
mod indexed;
mod inner;
pub(crate) mod jacobian;
mod kernel;
mod leaves;
mod library;
mod members;
mod parse;
mod prefix;
mod primitives;
mod program;
mod resolve;
mod rules;
mod source;
mod supported;
mod text;
mod told;
mod validity;

pub use definition::Model;
pub(crate) use definition::Shipped;
pub(crate) use expression::{Named, expression};
pub(crate) use indexed::ALLOW;
pub(crate) use inner::{Argument, ModelMember, Rule};
pub(crate) use kernel::KernelText;
pub(crate) use parse::unmarked;
pub(crate) use program::{
    AfferentProjection, Archetype, Invocation, Program, ProgramArgument, ProgramResult, Unit,
};
pub(crate) use resolve::owner;
pub use source::SourceText;
pub(crate) use validity::validate;
