//! Machine code where there is none: other processors than x86-64 have the interpreter.

use crate::scalar::{Access, Lowered};

#[derive(Debug, Clone)]
pub(super) enum MachineCode {}

#[cfg(test)]
#[derive(Debug, Clone, Copy)]
pub(super) enum Width {}

#[cfg(test)]
impl Width {
    pub(super) fn all() -> Vec<Self> {
        Vec::new()
    }
}

impl MachineCode {
    pub(super) fn compile(_: &Lowered, _: &[Access], _: &[usize]) -> Option<Self> {
        None
    }

    #[cfg(test)]
    pub(super) fn compile_for(
        width: Width,
        _: &Lowered,
        _: &[Access],
        _: &[usize],
    ) -> Option<Self> {
        match width {}
    }

    /// # Safety
    /// It is never called, since there is none.
    pub(super) unsafe fn execute(&self, _: &[*mut u32], _: *const u32, _: *mut u32, _: usize) {
        match *self {}
    }

    pub(super) fn scratch(&self) -> usize {
        match *self {}
    }
}
