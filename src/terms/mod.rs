//! The words of a description, which all else is said in: names, values and their types, variables, indexes, operations.

mod element;
mod expression;
mod index;
mod kind;
mod names;
mod operation;
mod shared;
mod value;
mod variable;

pub use element::Element;
pub(crate) use element::array;
pub use expression::{Wgsl, wgsl};
pub use index::Index;
pub use kind::Kind;
pub(crate) use names::{NodeName, check_identifier};
pub use operation::Operation;
pub(crate) use shared::InputFunction;
pub use shared::Shared;
pub use value::{Init, Number, Shape, Value};
pub(crate) use value::{broadcast, broadcast_places, elements};
pub use variable::{Target, Variable};
