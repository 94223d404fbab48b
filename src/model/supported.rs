//! Whether the engines can run a function of a user's text, told at its place there.

use naga::{Module, TypeInner};

use super::primitives::primitive;
use crate::error::{Error, Location, Result};
use crate::scalar::{Access, Lowered, Memories, Memory, Options, lower};

/// What to do about what the engines cannot run.
pub(super) const PLAINER: &str = "write it with scalars, vectors, structures and plain functions";

/// A text with what is needed to tell what is wrong in it, and where.
pub(super) struct CheckedText<'a> {
    pub name: &'a str,
    pub file: &'a str,
    pub text: &'a str,
}

impl CheckedText<'_> {
    pub(super) fn location(&self, offset: usize) -> Box<Location> {
        Box::new(Location::of(self.file, self.text, offset.min(self.text.len())))
    }

    pub(super) fn wrong(&self, span: naga::Span, message: String, help: &str) -> Error {
        Error::ModelContract {
            model: self.name.into(),
            message,
            location: self.location(span.to_range().map_or(0, |range| range.start)),
            help: help.into(),
        }
    }

    /// Checks one of its functions, if it has that: its operations, where each scalar of its arguments is a column of its number.
    ///
    /// # Errors
    /// [`Error::Unsupported`] with the innermost place that is in this text, not in the library behind it.
    pub(super) fn supported(
        &self,
        module: &Module,
        name: &str,
        memories: &[Memory],
    ) -> Result<Option<Lowered>> {
        let function = module.functions.iter().find(|(_, f)| f.name.as_deref() == Some(name));
        let Some((_, function)) = function else { return Ok(None) };
        let scalars = function.arguments.iter().map(|a| match &module.types[a.ty].inner {
            TypeInner::Struct { members, .. } => members.len(),
            TypeInner::Vector { size, .. } => *size as usize,
            _ => 1,
        });
        let inputs: Vec<Access> = (0..scalars.sum()).map(Access::Column).collect();
        // there is one workgroup, which has no slot
        let memories: Vec<Memory> =
            memories.iter().map(|m| Memory { of_workgroup: false, ..*m }).collect();
        let memories = Memories { all: &memories, slot: None };
        let options = Options { primitive: &primitive, memories, ..Options::default() };
        let lowering_error = match lower(module, name, &inputs, &options) {
            Ok(lowered) => return Ok(Some(lowered)),
            Err(lowering_error) => lowering_error,
        };
        let starts =
            lowering_error.spans.iter().filter_map(|span| span.to_range()).map(|r| r.start);
        let offset = starts.into_iter().find(|&start| start < self.text.len());
        Err(Error::Unsupported {
            model: self.name.into(),
            construct: lowering_error.what,
            location: Some(self.location(offset.unwrap_or(0))),
            help: PLAINER.into(),
        })
    }
}
