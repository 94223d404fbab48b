//! Some elements of a variable.

use super::data::{Plan, PlanVariable};
use super::offsets::Offsets;
use crate::error::{Error, Result};
use crate::terms::Target;

/// A variable or parameter, or some of its elements.
pub(crate) struct Selected<'a> {
    pub variable: &'a PlanVariable,
    pub shape: Vec<usize>,
    pub offsets: Offsets,
}

impl Selected<'_> {
    /// Addresses of its words.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = usize> {
        self.offsets.iter().map(|offset| self.variable.address + offset)
    }
}

impl Plan {
    /// What a target names.
    pub(crate) fn select(&self, what: &'static str, target: &Target) -> Result<Selected<'_>> {
        let variable = self.variable(what, &target.path)?;
        let mut shape = variable.shape.clone();
        let mut offsets = Offsets::Range { start: 0, count: variable.words };
        if let Some(index) = &target.index {
            // a slice is one of elements; replicas of the system come before them
            let axis = self.copy_axes();
            offsets = offsets
                .pick(&mut shape, axis, index)
                .map_err(|reason| Error::Node { node: target.path.clone(), reason })?;
        }
        Ok(Selected { variable, shape, offsets })
    }
}
