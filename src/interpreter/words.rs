//! Memory that starts at a cache line: vector loads and stores that cross a line cost double.

use bytemuck::{Pod, Zeroable};

use super::bytecode::CHUNK;

/// A chunk of lanes, as large as a cache line.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
pub(crate) struct Line(pub [u32; CHUNK]);

/// Words from the start of a line.
#[derive(Debug, Clone)]
pub(crate) struct Words(Vec<Line>);

impl Words {
    /// At least `count` zeros.
    pub(crate) fn zeros(count: usize) -> Self {
        Self(vec![Line([0; CHUNK]); count.div_ceil(CHUNK)])
    }

    /// A copy.
    pub(crate) fn copy(words: &[u32]) -> Self {
        let mut copy = Self::zeros(words.len());
        copy.get_mut()[..words.len()].copy_from_slice(words);
        copy
    }

    pub(crate) fn get(&self) -> &[u32] {
        bytemuck::cast_slice(&self.0)
    }

    pub(crate) fn get_mut(&mut self) -> &mut [u32] {
        bytemuck::cast_slice_mut(&mut self.0)
    }
}
