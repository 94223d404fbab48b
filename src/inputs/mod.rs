//! Inputs, and what closures may do to a running system.

mod handles;
mod input;

pub use handles::{InputHandle, ReadHandle};
pub(crate) use handles::{Running, read};
pub(crate) use input::{Application, Form, InputCall, RowIterator};
pub use input::{Input, InputType, InputValue, Policy, RowStream, stream};
