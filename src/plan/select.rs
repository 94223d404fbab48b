//! Some elements of a variable.

use super::data::{Plan, Slot};
use super::offsets::Offsets;
use crate::error::{Error, Result};
use crate::terms::Target;

/// A variable or parameter, or some of its elements.
pub(crate) struct Selected<'a> {
    pub slot: &'a Slot,
    pub shape: Vec<usize>,
    pub offsets: Offsets,
}

impl Selected<'_> {
    /// Addresses of its words.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = usize> {
        self.offsets.iter().map(|offset| self.slot.address + offset)
    }
}

impl Plan {
    /// What a target names.
    pub(crate) fn select(&self, what: &'static str, target: &Target) -> Result<Selected<'_>> {
        let slot = self.slot(what, &target.path)?;
        let mut shape = slot.shape.clone();
        let mut offsets = Offsets::Range { start: 0, count: slot.words };
        if let Some(index) = &target.index {
            // a slice is one of elements; copies of the system come before them
            let axis = self.copy_axes();
            offsets = offsets
                .pick(&mut shape, axis, index)
                .map_err(|reason| Error::Node { node: target.path.clone(), reason })?;
        }
        Ok(Selected { slot, shape, offsets })
    }
}
