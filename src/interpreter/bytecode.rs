//! The program that the column interpreter executes: a flat list of operations on columns of lanes.
//!
//! A *column* is a block of lanes, one lane an element. Every operand is a column (an element variable in the
//! arena), a register (scratch that stays in the first-level cache) or a uniform. A uniform is the same for all elements;
//! it is kept as one chunk of equal lanes and read with a step of zero, so that one loop serves every mixture of operands.
//! Operations on uniforms alone run in the prologue, once for as long as these stay.

use crate::scalar::ScalarOp;

/// Lanes that one iteration of an inner loop handles: one AVX-512 register, two AVX2 ones, four SSE ones.
pub(crate) const CHUNK: usize = 16;

/// Lanes that machine code handles at a time, at most: columns are padded to them.
pub(crate) const TOGETHER: usize = 2 * CHUNK;

/// Bytes of the first-level cache that the columns of a block may take.
const CACHE: usize = 32 * 1024;

/// Where a column is: an index into the interpreter's table of pointers, and how far to move from chunk to chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operand {
    pub index: u16,
    /// [`CHUNK`] for columns, 0 for uniforms.
    pub step: u16,
}

/// A finished program. The table of pointers is laid out as columns, registers, uniforms, memories.
#[derive(Debug, Clone)]
pub(crate) struct Bytecode {
    /// Runs on one chunk, before a step for which one of its inputs has changed.
    pub prologue: Vec<ScalarOp<Operand>>,
    /// Runs for each block.
    pub body: Vec<ScalarOp<Operand>>,
    pub columns: usize,
    pub registers: usize,
    /// Memories, which the table has last.
    pub memories: usize,
    /// Initial bits of every uniform; those of `uniform_inputs` are overwritten before a step.
    pub uniforms: Vec<u32>,
    /// For each member of the argument structure that is uniform: its index in `uniforms`.
    pub uniform_inputs: Vec<Option<usize>>,
    /// For each member of the argument structure whether the prologue reads it.
    pub prologue_inputs: Vec<bool>,
}

impl Bytecode {
    /// Chunks of a block: as many as keep all columns in the first-level cache. With fewer than 16 chunks the start of an
    /// operation would cost more than its loop, with more than 64 it is cheap already.
    pub(crate) fn block(&self) -> usize {
        let columns = (self.columns + self.registers).max(1);
        (CACHE / (columns * CHUNK * size_of::<u32>())).clamp(16, 64)
    }
}
