//! Programs as machine code. The interpreter goes through memory for each operation; here values stay in registers, eight
//! lanes of an AVX2 register or sixteen of an AVX-512 register at a time. The operations are the same, in the same order, so
//! the bits are.

mod encode;
mod inline_intrinsics;
mod operations;
mod registers;
mod status;
mod x64;

use std::collections::HashMap;
use std::sync::Arc;

pub(super) use encode::Width;

use super::allocate::eliminate_dead_code;
use crate::scalar::{Access, Code, Lowered, Origin, ScalarOp, ValueId};

/// A compiled program.
#[derive(Clone)]
pub(super) struct MachineCode(Arc<x64::Compiled>);

impl std::fmt::Debug for MachineCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MachineCode")
    }
}

impl MachineCode {
    /// Compiles the body of a program, where the processor can execute it and each operation has its instructions.
    /// `outputs[k]` is the column that result `k` goes to.
    pub(super) fn compile(lowered: &Lowered, inputs: &[Access], outputs: &[usize]) -> Option<Self> {
        let width = *Width::all().last()?;
        Self::compile_for(width, lowered, inputs, outputs)
    }

    /// The same for registers of that width.
    pub(super) fn compile_for(
        width: Width,
        lowered: &Lowered,
        inputs: &[Access],
        outputs: &[usize],
    ) -> Option<Self> {
        // uniforms are numbered as the bytecode numbers them
        let mut rank = 0;
        let uniforms = lowered.values.iter().map(|origin| {
            origin.is_uniform().then(|| {
                rank += 1;
                rank - 1
            })
        });
        let uniforms: Vec<Option<usize>> = uniforms.collect();
        let mut lowered = lowered.clone();
        let flushed = flushed(&mut lowered, outputs);
        let mut lowered = inline_intrinsics::expanded(&lowered)?;
        let mut stores = Vec::new();
        for (k, &column) in outputs.iter().enumerate() {
            let value = lowered.outputs[k];
            match lowered.values[value as usize] {
                Origin::Column(from) if from == column && !flushed.contains(&column) => {}
                // that column may be written before
                Origin::Column(_) => stores.push((copied(&mut lowered, value), column)),
                _ => stores.push((value, column)),
            }
        }
        eliminate_dead_code(&mut lowered, &stores);
        let columns = inputs.iter().filter(|access| matches!(access, Access::Column(_))).count();
        let (lowered, uniforms, stores) = (&lowered, &uniforms[..], &stores[..]);
        let body = x64::Body { lowered, uniforms, stores, columns, flushed };
        Some(Self(Arc::new(body.assemble(width)?)))
    }

    /// Executes the body on the chunks of so many lanes.
    ///
    /// # Safety
    /// As of [`super::lanes::execute`] for the columns and uniforms that it was compiled for. `scratch` has [`MachineCode::scratch`]
    /// words.
    pub(super) unsafe fn execute(
        &self,
        columns: &[*mut u32],
        uniforms: *const u32,
        scratch: *mut u32,
        lanes: usize,
    ) {
        // SAFETY: as promised.
        unsafe { self.0.run(columns, uniforms, scratch, lanes) }
    }

    /// Words that it needs for values that find no register.
    pub(super) fn scratch(&self) -> usize {
        self.0.scratch
    }
}

/// Gives the columns that get flushed results. These become what was to be flushed: it is where they are stored that denormal
/// numbers are looked for.
fn flushed(lowered: &mut Lowered, outputs: &[usize]) -> Vec<usize> {
    let mut read = vec![false; lowered.values.len()];
    for op in &lowered.body {
        op.args[..op.code.arity()].iter().for_each(|&arg| read[arg as usize] = true);
    }
    let last = |op: &&ScalarOp<ValueId>| op.code == Code::FlushF && !read[op.dst as usize];
    let last = lowered.body.iter().filter(last);
    let before: HashMap<ValueId, ValueId> = last.map(|op| (op.dst, op.args[0])).collect();
    let mut columns = Vec::new();
    for (value, &column) in lowered.outputs.iter_mut().zip(outputs) {
        if let Some(&from) = before.get(value) {
            *value = from;
            columns.push(column);
        }
    }
    columns
}

/// A copy of a value at the end of the body.
fn copied(lowered: &mut Lowered, value: ValueId) -> ValueId {
    lowered.values.push(Origin::Body);
    let dst = lowered.values.len() as ValueId - 1;
    lowered.body.push(ScalarOp { code: Code::Copy, dst, args: [value; 3], to: 0 });
    dst
}
