//! Kernels of a user's own. All invocations of a workgroup are executed in lockstep, workgroup after workgroup.

use std::sync::atomic::{AtomicBool, Ordering};

use naga::AddressSpace;

use crate::error::Result;
use crate::interpreter::Executor;
use crate::limits;
use crate::model::{Invocation, ProgramArgument};
use crate::plan::{KernelGive, KernelOp};
use crate::scalar::{Access, Bounded, CheckedBounds, LoopSite, Lowered, Memory};

/// A kernel with what it takes to execute it.
pub(super) struct KernelRun {
    executor: Executor,
    /// Columns with a word for each invocation: what tells it from others, and results.
    columns: Vec<Vec<u32>>,
    results: usize,
    clock: Vec<(usize, ProgramArgument)>,
    /// Members that are halves of the replica's key.
    keys: Vec<(usize, usize)>,
    memories: Vec<ArgumentSource>,
    invocations: usize,
    /// Loops that may not end.
    loops: Vec<LoopSite>,
}

/// Where a memory is.
enum ArgumentSource {
    /// In the arena, an array of the kernel.
    Array(usize),
    /// What such an array was when the kernel began.
    Snapshot(usize, Vec<u32>),
    /// Of the workgroups of a block.
    Workgroups(Vec<u32>),
}

impl KernelRun {
    /// Loops may go round so often for an invocation.
    pub(super) fn new(op: &KernelOp, loop_limit: u32) -> Result<Self> {
        let mut loops = Vec::new();
        let run = Self::lowered(op, |access, memories| {
            let mut lowered =
                op.text.program.lower_kernel(access, memories, false, Some(loop_limit))?;
            if let Some(Bounded { sites, endless }) = lowered.bounded.take() {
                loops = sites;
                lowered.outputs.push(endless);
            }
            Ok(lowered)
        })?;
        Ok(Self { loops, ..run })
    }

    /// The same where the results are what is watched; none where there is nothing to watch.
    pub(super) fn checked_bounds(
        op: &KernelOp,
        loop_limit: u32,
    ) -> Result<Option<(Self, CheckedBounds)>> {
        let mut found = None;
        let run = Self::lowered(op, |access, memories| {
            let mut lowered =
                op.text.program.lower_kernel(access, memories, true, Some(loop_limit))?;
            found = lowered.checked_bounds.take();
            let results = found
                .iter()
                .flat_map(|checked_bounds| [checked_bounds.fault, checked_bounds.index]);
            lowered.outputs = results.collect();
            Ok(lowered)
        })?;
        Ok(found.map(|checked_bounds| (run, checked_bounds)))
    }

    fn lowered(
        op: &KernelOp,
        lower: impl FnOnce(&[Access], &[Memory]) -> Result<Lowered>,
    ) -> Result<Self> {
        let (mut access, mut ids) = (Vec::new(), Vec::new());
        let (mut clock, mut keys, mut constants) = (Vec::new(), Vec::new(), Vec::new());
        for (k, &give) in op.gives.iter().enumerate() {
            let mut uniform = true;
            match give {
                KernelGive::Clock(program_argument) => clock.push((k, program_argument)),
                KernelGive::Constant(bits) => constants.push((k, bits)),
                KernelGive::Key(half) => keys.push((k, half)),
                KernelGive::Invocation(Invocation::Workgroups(axis)) => {
                    constants.push((k, op.workgroups[axis]));
                }
                KernelGive::Invocation(id) => {
                    ids.push(id);
                    uniform = false;
                }
            }
            access.push(if uniform { Access::Uniform } else { Access::Column(ids.len() - 1) });
        }
        let memories = op.memories();
        let lowered = lower(&access, &memories)?;
        let results = lowered.outputs.len();
        let outputs: Vec<usize> = (ids.len()..ids.len() + results).collect();
        let program = &op.text.program;
        let workgroup: usize = op.text.workgroup.iter().map(|&n| n as usize).product();
        let mut executor = Executor::of(program, lowered, &access, &outputs, workgroup)?;
        constants.into_iter().for_each(|(k, bits)| executor.set_uniform(k, bits));
        let slots = executor.block() / workgroup;
        let invocations = op.count() * workgroup;
        let padded = invocations.next_multiple_of(crate::interpreter::CHUNK);
        let bytes = (4 * padded).saturating_mul(ids.len() + results);
        let what = || format!("the invocations of kernel `{}`", op.path);
        limits::room(bytes, what, "let each invocation do more")?;
        let ids = ids.into_iter().map(|id| {
            (0..padded)
                .map(|lane| id_of(op, id, lane / workgroup, lane % workgroup, slots))
                .collect()
        });
        let mut columns: Vec<Vec<u32>> = ids.collect();
        columns.extend((0..results).map(|_| vec![0; padded]));
        let mut arrays = 0..op.arrays.len();
        let globals = program.module.global_variables.iter().map(|(_, global)| global.space);
        let shared = globals.filter(|space| *space != AddressSpace::Private);
        let memories = shared.zip(&memories).map(|(_, memory)| match memory.of_workgroup {
            true => ArgumentSource::Workgroups(vec![0; memory.length * slots]),
            false => match arrays.next().unwrap_or(0) {
                k if op.is_snapshot(k) => ArgumentSource::Snapshot(k, vec![0; op.arrays[k].words]),
                k => ArgumentSource::Array(k),
            },
        });
        let memories = memories.collect();
        let loops = Vec::new();
        Ok(Self { executor, columns, results, clock, keys, memories, invocations, loops })
    }

    /// Whether it has loops that may not end.
    pub(super) fn may_be_endless(&self) -> bool {
        !self.loops.is_empty()
    }

    /// Executes it for a replica of the system, unless it is stopped. The loop that did not end, if one did not.
    pub(super) fn run(
        &mut self,
        op: &KernelOp,
        arena: &mut [u32],
        replica: usize,
        clock: &[(ProgramArgument, u32)],
        stop: &AtomicBool,
    ) -> Option<&LoopSite> {
        for &(k, program_argument) in &self.clock {
            if let Some(&(_, bits)) = clock.iter().find(|(f, _)| *f == program_argument) {
                self.executor.set_uniform(k, bits);
            }
        }
        for &(k, half) in &self.keys {
            self.executor.set_uniform(k, op.keys[replica][half]);
        }
        let range = |k: usize| {
            let start = op.arrays[k].address + replica * op.arrays[k].stride;
            start..start + op.arrays[k].words
        };
        for place in &mut self.memories {
            if let ArgumentSource::Snapshot(k, words) = place {
                words.copy_from_slice(&arena[range(*k)]);
            }
        }
        let block = self.executor.block();
        for first in (0..self.invocations).step_by(block) {
            let memories: Vec<*mut u32> = self
                .memories
                .iter_mut()
                .map(|place| match place {
                    ArgumentSource::Array(k) => arena[range(*k)].as_mut_ptr(),
                    ArgumentSource::Snapshot(_, words) => words.as_mut_ptr(),
                    ArgumentSource::Workgroups(words) => {
                        words.fill(0);
                        words.as_mut_ptr()
                    }
                })
                .collect();
            let columns: Vec<*mut u32> =
                self.columns.iter_mut().map(|column| column[first..].as_mut_ptr()).collect();
            let count = block.min(self.invocations - first);
            // SAFETY: columns are padded to whole chunks; memories are as long as those that the program was lowered for, of
            // which `KernelOp::memories` tells; indexes into them are clamped by the program. The arrays are in the arena, which
            // is borrowed mutably for the call, and no two of them that are written overlap.
            unsafe { self.executor.step_on_memories(&columns, &memories, count) };
            if !self.loops.is_empty() {
                let endless = self.columns.last().map_or(&[][..], |all| &all[first..first + count]);
                if let Some(&site) = endless.iter().find(|&&site| site != 0) {
                    return self.loops.get(site as usize - 1);
                }
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        }
        None
    }

    /// The results of all invocations.
    pub(super) fn results(&self) -> Vec<&[u32]> {
        let results = self.columns[self.columns.len() - self.results..].iter();
        // lanes behind the last invocation are none
        results.map(|derived_column| &derived_column[..self.invocations]).collect()
    }
}

/// What tells an invocation from others, by the number of its workgroup and its own in there.
fn id_of(op: &KernelOp, id: Invocation, group: usize, index: usize, slots: usize) -> u32 {
    let along = |sizes: [u32; 3], number: usize, axis: usize| {
        let before: usize = sizes[..axis].iter().map(|&n| n as usize).product();
        (number / before % sizes[axis] as usize) as u32
    };
    let (size, groups) = (op.text.workgroup, op.workgroups);
    match id {
        Invocation::Global(axis) => {
            along(groups, group, axis) * size[axis] + along(size, index, axis)
        }
        Invocation::Local(axis) => along(size, index, axis),
        Invocation::Index => index as u32,
        Invocation::Workgroup(axis) => along(groups, group, axis),
        Invocation::Workgroups(axis) => groups[axis],
        Invocation::Slot => (group % slots) as u32,
    }
}

/// The place of an invocation among all, by its number in the columns.
pub(super) fn place(op: &KernelOp, lane: usize) -> [u32; 3] {
    let workgroup: usize = op.text.workgroup.iter().map(|&n| n as usize).product();
    let (group, index) = (lane / workgroup, lane % workgroup);
    [0, 1, 2].map(|axis| id_of(op, Invocation::Global(axis), group, index, 1))
}
