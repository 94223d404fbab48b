//! Functions of the library that the engines know as one operation.

use crate::scalar::Code;

const PRIMITIVES: [(&str, Code); 2] = [(EXPREL, Code::ExprelF), (FLUSHED, Code::FlushF)];

pub(super) const EXPREL: &str = "exprel";

pub(super) const FLUSHED: &str = "flushed";

/// The function of that name in a model's own text that is one operation.
pub(super) fn primitive(name: &str) -> Option<Code> {
    PRIMITIVES.into_iter().find_map(|(known, code)| (name == known).then_some(code))
}
