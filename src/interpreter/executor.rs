//! Executes a bytecode on memory.

use super::allocate::allocate;
use super::bytecode::{Bytecode, CHUNK, TOGETHER};
use super::lanes::{InstructionSet, execute};
use super::native::MachineCode;
use super::words::Line;
use crate::error::{Error, Result};
use crate::model::{ALLOW, Program};
use crate::scalar::{Access, Bounded, Lowered};

/// A bytecode with the scratch memory that it needs. Every thread has its own.
#[derive(Debug, Clone)]
pub(crate) struct Executor {
    bytecode: Bytecode,
    set: InstructionSet,
    /// Registers, a block each, then uniforms, a chunk each.
    scratch: Vec<Line>,
    /// Chunks of a block.
    block: usize,
    /// Whether the prologue has to run: what it reads has changed.
    changed: bool,
    /// The body as machine code, with the scratch memory that this needs.
    native: Option<(MachineCode, Vec<Line>)>,
}

impl Executor {
    /// Lowers the program for one way of giving its arguments: `inputs[k]` says how argument `k` is given, `outputs[k]` the column
    /// that result `k` goes to.
    ///
    /// As machine code, where the processor has it: worth the time that this takes for what is executed often.
    pub(crate) fn compiled(
        program: &Program,
        inputs: &[Access],
        outputs: &[usize],
    ) -> Result<Self> {
        Self::compiled_of(program, program.lower(inputs), inputs, outputs)
    }

    /// The same where it is lowered already.
    pub(crate) fn compiled_of(
        program: &Program,
        lowered: Lowered,
        inputs: &[Access],
        outputs: &[usize],
    ) -> Result<Self> {
        let native = MachineCode::compile(&lowered, inputs, outputs);
        Self::with_code(native, program, lowered, inputs, outputs)
    }

    fn with_code(
        native: Option<MachineCode>,
        program: &Program,
        lowered: Lowered,
        inputs: &[Access],
        outputs: &[usize],
    ) -> Result<Self> {
        let native = native.map(|native| {
            let lines = native.scratch().div_ceil(CHUNK);
            (native, vec![Line([0; CHUNK]); lines])
        });
        Ok(Self { native, ..Self::of(program, lowered, inputs, outputs, 1)? })
    }

    /// The same where it is lowered already; so many lanes in a row are always executed together.
    pub(crate) fn of(
        program: &Program,
        lowered: Lowered,
        inputs: &[Access],
        outputs: &[usize],
        together: usize,
    ) -> Result<Self> {
        let bytecode = allocate(lowered, inputs, outputs);
        if bytecode.columns + bytecode.registers + bytecode.uniforms.len() > usize::from(u16::MAX) {
            return Err(Error::Unsupported {
                model: program.name.clone(),
                construct: "so many values at a time".into(),
                location: None,
                help: "use smaller arrays and loops with fewer variables".into(),
            });
        }
        let block = bytecode.block().next_multiple_of(together / gcd(together, CHUNK));
        let mut scratch =
            vec![Line([0; CHUNK]); bytecode.registers * block + bytecode.uniforms.len()];
        let uniforms = &mut scratch[bytecode.registers * block..];
        uniforms.iter_mut().zip(&bytecode.uniforms).for_each(|(line, &bits)| line.0.fill(bits));
        Ok(Self {
            bytecode,
            set: InstructionSet::detect(),
            scratch,
            block,
            changed: true,
            native: None,
        })
    }

    /// Operations of a lane.
    pub(crate) fn operations(&self) -> usize {
        self.bytecode.body.len()
    }

    /// Sets argument `k`, which is uniform. An argument that the program does not read is ignored.
    pub(crate) fn set_uniform(&mut self, k: usize, bits: u32) {
        if let Some(uniform) = self.bytecode.uniform_inputs[k] {
            let line = &mut self.scratch[self.bytecode.registers * self.block + uniform].0;
            if line[0] != bits {
                line.fill(bits);
                self.changed |= self.bytecode.prologue_inputs[k];
            }
        }
    }

    /// One step of so many elements. `columns[k]` is where column `k` starts.
    ///
    /// # Safety
    /// Each of `columns` is valid for reads and writes of the elements padded to [`TOGETHER`], and nobody else uses them during the call,
    /// and there are as many as the program was lowered for.
    pub(crate) unsafe fn step(&mut self, columns: &[*mut u32], elements: usize) {
        // SAFETY: as promised; such programs have no memories.
        unsafe { self.step_on_memories(columns, &[], elements) };
    }

    /// Elements of a block.
    pub(crate) fn block(&self) -> usize {
        self.block * CHUNK
    }

    /// Words of all registers.
    fn registers(&self) -> usize {
        self.bytecode.registers * self.block * CHUNK
    }

    /// Where all slots of the bytecode are.
    fn table(&mut self, columns: &[*mut u32], memories: &[*mut u32]) -> Vec<*mut u32> {
        let base = self.scratch.as_mut_ptr().cast::<u32>();
        let slots = self.bytecode.columns + self.bytecode.registers + self.bytecode.uniforms.len();
        let mut table = Vec::with_capacity(slots + memories.len());
        table.extend_from_slice(&columns[..self.bytecode.columns]);
        table.extend(
            (0..self.bytecode.registers).map(|r| base.wrapping_add(r * self.block * CHUNK)),
        );
        let uniforms = base.wrapping_add(self.registers());
        table.extend((0..self.bytecode.uniforms.len()).map(|u| uniforms.wrapping_add(u * CHUNK)));
        table.extend_from_slice(memories);
        table
    }

    /// One step of a kernel.
    ///
    /// # Safety
    /// As of [`Executor::step`]. Each of `memories` is as long as the program was lowered for, those of workgroups for all
    /// workgroups of a block.
    pub(crate) unsafe fn step_on_memories(
        &mut self,
        columns: &[*mut u32],
        memories: &[*mut u32],
        elements: usize,
    ) {
        debug_assert!(columns.len() >= self.bytecode.columns);
        debug_assert!(memories.len() >= self.bytecode.memories);
        // SAFETY: `scratch` has a block for every register, and uniforms behind them.
        let uniforms = unsafe { self.scratch.as_mut_ptr().cast::<u32>().add(self.registers()) };
        let interpreted = self.changed || self.native.is_none();
        let mut table = if interpreted { self.table(columns, memories) } else { Vec::new() };
        if self.changed {
            // SAFETY: the prologue has uniforms only, which are a chunk long.
            unsafe { execute(self.set, &self.bytecode.prologue, &table, CHUNK) };
            // what is read from a memory may be another value the next time
            self.changed = self.bytecode.prologue.iter().any(|op| op.code.on_memory());
        }
        if let Some((native, scratch)) = &mut self.native {
            let scratch = scratch.as_mut_ptr().cast();
            // SAFETY: the columns and uniforms are those that it was compiled for, `scratch` has what it asked for.
            unsafe {
                native.execute(&columns[..self.bytecode.columns], uniforms, scratch, elements)
            };
            return;
        }
        let block = self.block * CHUNK;
        for first in (0..elements).step_by(block) {
            let count = block.min(elements - first);
            // SAFETY: `first + count <= elements`, so the columns are long enough; registers hold a block.
            unsafe { execute(self.set, &self.bytecode.body, &table, count) };
            for pointer in &mut table[..self.bytecode.columns] {
                *pointer = pointer.wrapping_add(block);
            }
        }
    }
}

impl Executor {
    /// One step of so many elements on values that are [`given`]. Returns a column for each result.
    pub(crate) fn step_on(
        &mut self,
        inputs: &[&[u32]],
        results: usize,
        elements: usize,
    ) -> Vec<Vec<u32>> {
        let padded = elements.next_multiple_of(TOGETHER);
        let mut columns: Vec<Vec<u32>> = Vec::new();
        for (k, &values) in inputs.iter().enumerate() {
            if let [value] = *values {
                self.set_uniform(k, value);
            } else {
                let mut column = values.to_vec();
                column.resize(padded, 0);
                columns.push(column);
            }
        }
        let first_result = columns.len();
        columns.resize(first_result + results, vec![0; padded]);
        let pointers: Vec<*mut u32> = columns.iter_mut().map(|c| c.as_mut_ptr()).collect();
        // SAFETY: every column has `padded` words of its own.
        unsafe { self.step(&pointers, elements) };
        let mut results = columns.split_off(first_result);
        results.iter_mut().for_each(|column| column.truncate(elements));
        results
    }
}

/// The greatest common divisor.
fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Runs a program of a host function on columns of values: `inputs[k]` is given to member `k`, either one value or one for
/// each of `elements`, whose loops may have so many iterations. Returns a column for each result.
pub(crate) fn evaluate(
    program: &Program,
    inputs: &[Vec<u32>],
    elements: usize,
    loop_limit: u32,
) -> Result<Vec<Vec<u32>>> {
    let results = program.program_results.len();
    let (access, mut outputs) = given(inputs.iter().map(Vec::len), results);
    let mut lowered = program.lower_bounded(&access, loop_limit)?;
    let bounded = lowered.bounded.take();
    if let Some(bounded) = &bounded {
        lowered.outputs.push(bounded.endless);
        outputs.push(outputs.last().map_or(0, |last| last + 1));
    }
    let mut executor = Executor::of(program, lowered, &access, &outputs, 1)?;
    let inputs: Vec<&[u32]> = inputs.iter().map(Vec::as_slice).collect();
    let mut columns = executor.step_on(&inputs, outputs.len(), elements);
    if let Some(Bounded { sites, .. }) = bounded
        && let Some(endless) = columns.pop()
        && let Some(site) =
            endless.iter().find_map(|&site| sites.get((site as usize).wrapping_sub(1)))
    {
        return Err(program.endless(site, &program.name, loop_limit, ALLOW));
    }
    Ok(columns)
}

/// How a program is given columns of so many values each, one value for all elements or one for each, and the columns
/// of its results, which come after theirs.
pub(crate) fn given(
    lengths: impl Iterator<Item = usize>,
    results: usize,
) -> (Vec<Access>, Vec<usize>) {
    let mut columns = 0;
    let access = lengths.map(|length| match length {
        1 => Access::Uniform,
        _ => {
            columns += 1;
            Access::Column(columns - 1)
        }
    });
    let access = access.collect();
    (access, (columns..columns + results).collect())
}

#[cfg(test)]
mod tests;
