//! Systems whose elements do not look at each other: each block of elements executes all steps of a chunk while it is in the
//! cache, and threads meet once a chunk. A thread takes the next block that nobody has, so that one which loses its processor
//! keeps the others waiting for a block at most.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::constant_folded::ConstantFolded;
use super::member::{Arenas, MemberRun};
use crate::backend::apply::apply_at;
use crate::model::ProgramArgument;
use crate::plan::{Gather, InputOp, Offsets, Plan, ScheduleEntry, Source, StepOp};

/// How a plan is executed block by block.
pub(super) struct TimeBlocked {
    /// For each member its blocks.
    members: Vec<Vec<ElementBlock>>,
    /// Numbers of the inputs that are not constant, and the columns that have to be cleared for them, by population.
    inputs: Vec<usize>,
    cleared: Vec<(usize, usize)>,
}

/// Some elements of a member, with the words of them that are recorded.
struct ElementBlock {
    elements: Range<usize>,
    recorded: Vec<RecordedWords>,
}

/// Words that follow each other, of one record.
struct RecordedWords {
    sampling: usize,
    /// Where they go in the sampling's row.
    place: usize,
    address: usize,
    count: usize,
    /// Whether they are flags, 32 to a word.
    packed: bool,
}

/// The steps that are executed.
pub(super) struct ChunkSteps<'a> {
    pub clocks: &'a [[(ProgramArgument, u32); 6]],
    pub constants: &'a [u32],
    /// Rows of inputs, and of the schedule, step after step.
    pub rows: &'a [u32],
    pub entries: &'a [ScheduleEntry],
    /// For each member how many of its blocks the threads have taken.
    pub taken: &'a [AtomicUsize],
}

/// Rows of the monitors, for several threads.
pub(super) struct Out(*mut u32, usize);

// SAFETY: blocks write different words; see `RecordedWords`.
unsafe impl Sync for Out {}

impl Out {
    pub(super) fn new(out: &mut [u32]) -> Self {
        Self(out.as_mut_ptr(), out.len())
    }
}

/// Bytes of the first-level cache that a block's variables may take.
const CACHE: usize = 24 * 1024;

impl TimeBlocked {
    /// None where elements, or the host, look at each other within a step.
    pub(super) fn new(
        plan: &Plan,
        runs: &[MemberRun],
        folded: Option<&ConstantFolded>,
    ) -> Option<Self> {
        let folded = folded?;
        if !plan.time_blocked() || runs.iter().any(MemberRun::may_be_endless) {
            return None;
        }
        let mut left = Vec::new();
        for op in &folded.step {
            if let StepOp::Input(k) = *op {
                left.push(k);
            }
        }
        let mut members = Vec::new();
        for run in runs {
            let population = &plan.populations[run.population];
            let places = &population.members[run.member].places;
            let derived_columns = places.iter().filter(|place| place.stride == 1).count();
            let words = (population.columns.len() + derived_columns).max(1);
            let length = (CACHE / (4 * words)).max(1).next_multiple_of(32);
            let starts = (0..run.elements).step_by(length);
            let blocks = starts.map(|start| start..(start + length).min(run.elements));
            let blocks = blocks.map(|elements| ElementBlock { elements, recorded: Vec::new() });
            members.push(blocks.collect());
        }
        let cleared = folded.cleared.clone();
        let mut time_blocked = Self { members, inputs: left, cleared };
        for record in &plan.records {
            let mut add = |place: usize, address: usize, count: usize, packed: bool| {
                let place = record.offset + place;
                let whole =
                    RecordedWords { sampling: record.sampling, place, address, count, packed };
                time_blocked.add(plan, runs, whole)
            };
            match &record.gather {
                &Gather::Range { address, count } => add(0, address, count, false)?,
                &Gather::Flags { address, count } => add(0, address, count, true)?,
                Gather::List(list) => {
                    for (k, &address) in list.iter().enumerate() {
                        add(k, address as usize, 1, false)?;
                    }
                }
                Gather::Host(_) => {}
            }
        }
        Some(time_blocked)
    }

    /// Divides what is recorded among the blocks whose words it is of. None where it is of no one column of a member.
    fn add(&mut self, plan: &Plan, runs: &[MemberRun], all: RecordedWords) -> Option<()> {
        if all.count == 0 {
            return Some(());
        }
        let (member, start) = runs.iter().enumerate().find_map(|(k, run)| {
            let population = &plan.populations[run.population];
            let start = population.members[run.member].start;
            let mut addresses = population.columns.iter().map(|s| s.address + start);
            let address = addresses.find(|&a| (a..a + run.elements).contains(&all.address))?;
            (all.address + all.count <= address + run.elements).then_some((k, address))
        })?;
        let first = all.address - start;
        if all.packed && !first.is_multiple_of(32) {
            // a word would belong to two blocks
            return None;
        }
        for block in &mut self.members[member] {
            let from = block.elements.start.max(first);
            let to = block.elements.end.min(first + all.count);
            if from < to {
                let place = (from - first) / if all.packed { 32 } else { 1 };
                block.recorded.push(RecordedWords {
                    place: all.place + place,
                    address: start + from,
                    count: to - from,
                    ..all
                });
            }
        }
        Some(())
    }

    /// For each member how many of its blocks were taken: none.
    pub(super) fn untaken(&self) -> Vec<AtomicUsize> {
        self.members.iter().map(|_| AtomicUsize::new(0)).collect()
    }

    /// Executes blocks that no other thread has taken, as thread `k`.
    ///
    /// # Safety
    /// No two threads have one number, all have the same steps, and nobody else uses the arenas or `out` meanwhile, which has the rows
    /// of the schedule.
    pub(super) unsafe fn execute(
        &self,
        k: usize,
        plan: &Plan,
        runs: &[MemberRun],
        steps: &ChunkSteps<'_>,
        arenas: &Arenas,
        out: &Out,
    ) {
        let (width, samplings) = (plan.input_row, plan.samplings.len());
        for ((run, blocks), taken) in runs.iter().zip(&self.members).zip(steps.taken) {
            if k >= run.parts() {
                continue;
            }
            let own = |&&i: &&usize| {
                let input = &plan.inputs[i];
                (input.population, input.member) == (run.population, run.member)
            };
            let inputs: Vec<&InputOp> =
                self.inputs.iter().filter(own).map(|&i| &plan.inputs[i]).collect();
            let population = &plan.populations[run.population];
            let start = population.members[run.member].start;
            let cleared = self.cleared.iter().filter(|(at, _)| *at == run.population);
            let cleared: Vec<usize> =
                cleared.map(|&(_, column)| population.columns[column].address + start).collect();
            while let Some(block) = blocks.get(taken.fetch_add(1, Ordering::Relaxed)) {
                for (step, clock) in steps.clocks.iter().enumerate() {
                    let row = &steps.rows[step * width..(step + 1) * width];
                    for input in &inputs {
                        // SAFETY: the block's words are this thread's.
                        unsafe { apply(input, &block.elements, steps.constants, row, arenas) };
                    }
                    // SAFETY: as promised.
                    unsafe { run.step_block(k, &block.elements, arenas, clock) };
                    for recorded in &block.recorded {
                        let entry = steps.entries[step * samplings + recorded.sampling];
                        if let Some(row) = entry.row {
                            // SAFETY: the words are the block's, and so is what they go to.
                            unsafe { recorded.copy(arenas, out, row) };
                        }
                    }
                    for start in &cleared {
                        let own = start + block.elements.start..start + block.elements.end;
                        // SAFETY: as above.
                        unsafe { arenas.words(own) }.fill(0);
                    }
                }
            }
        }
    }
}

/// The elements of a block that an input has: their places among its own, and their addresses.
fn of_block(input: &InputOp, block: &Range<usize>) -> Option<(usize, Range<usize>)> {
    let Offsets::Range { start, count } = input.offsets else { return None };
    let (from, to) = (block.start.max(start), block.end.min(start + count));
    (from < to).then(|| (from - start, input.address + from..input.address + to))
}

/// Applies an input to the elements of a block.
///
/// # Safety
/// No other thread uses the block's words.
unsafe fn apply(
    input: &InputOp,
    block: &Range<usize>,
    constants: &[u32],
    row: &[u32],
    arenas: &Arenas,
) {
    let Some((first, range)) = of_block(input, block) else { return };
    let (values, stride) = match input.source {
        Source::Constant { offset, stride } => (&constants[offset + first * stride..], stride),
        Source::Row { offset, stride } => (&row[offset + first * stride..], stride),
        Source::Derived { .. } => return,
    };
    let all = Offsets::Range { start: 0, count: range.len() };
    // SAFETY: as promised.
    let words = unsafe { arenas.words(range) };
    apply_at(input.operation, input.kind, words, &all, values, stride);
}

impl RecordedWords {
    /// # Safety
    /// No other thread uses these words, or those that they go to.
    unsafe fn copy(&self, arenas: &Arenas, out: &Out, row: usize) {
        // SAFETY: as promised.
        let words = unsafe { arenas.words(self.address..self.address + self.count) };
        let count = if self.packed { words.len().div_ceil(32) } else { words.len() };
        debug_assert!(row + self.place + count <= out.1);
        // SAFETY: the row has all words of its sampling, in which these have their place.
        let out = unsafe { std::slice::from_raw_parts_mut(out.0.add(row + self.place), count) };
        if self.packed {
            for (word, flags) in out.iter_mut().zip(words.chunks(32)) {
                *word = flags.iter().enumerate().fold(0, |word, (k, flag)| word | flag << k);
            }
        } else {
            out.copy_from_slice(words);
        }
    }
}
