//! A group with the program that updates it.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::constant_folded;
use crate::error::Result;
use crate::interpreter::{Executor, TOGETHER};
use crate::model::ProgramArgument;
use crate::plan::{Binding, Gather, Plan, Population, Space};
use crate::scalar::{Access, Bounded, LoopSite};

/// A member of a population with its executor.
pub(super) struct MemberRun {
    pub population: usize,
    pub member: usize,
    /// One for each thread that takes part.
    parts: Vec<Mutex<ThreadPart>>,
    /// Where each column of the population starts for this member.
    columns: Vec<(Space, usize)>,
    pub elements: usize,
    /// Feeds that change from step to step, with their place in the program's argument.
    clock: Vec<(usize, ProgramArgument)>,
    /// Where the spike flags are, if the spikes are delivered or recorded.
    pub flags: Option<Range<usize>>,
    /// The elements that spiked in the last step, in the one before, and so on as far as a delay reaches; each in order.
    pub events: VecDeque<Vec<u32>>,
    /// Steps for which spikes are kept from step to step; within one, those of the step itself come to them.
    pub spike_history: usize,
    /// Loops that may not end.
    loops: Vec<LoopSite>,
}

/// What one thread does of a member.
struct ThreadPart {
    executor: Executor,
    /// The same where inputs are constant.
    folded: Option<Executor>,
    elements: Range<usize>,
    pointers: Vec<*mut u32>,
    /// Its elements that spiked in this step.
    events: Vec<u32>,
    /// For each element of a piece the loop that did not end, and one that was found.
    endless: Vec<u32>,
    found: Option<u32>,
}

// SAFETY: the pointers are scratch: they are written before they are read in each use.
unsafe impl Send for ThreadPart {}

/// An engine's arenas, for several threads.
#[derive(Clone, Copy)]
pub(super) struct Arenas {
    arena: *mut u32,
    accumulators: *mut u32,
    words: [usize; 2],
}

// SAFETY: what the threads write through the pointers is disjoint; see `MemberRun::step`.
unsafe impl Sync for Arenas {}
// SAFETY: as above.
unsafe impl Send for Arenas {}

impl Arenas {
    pub(super) fn new(arena: &mut [u32], accumulators: &mut [u32]) -> Self {
        let words = [arena.len(), accumulators.len()];
        Self { arena: arena.as_mut_ptr(), accumulators: accumulators.as_mut_ptr(), words }
    }

    /// Where a column is. Addresses of parameters that are uniform are no columns; they are in range, and not used.
    fn at(&self, space: Space, address: usize) -> *mut u32 {
        match space {
            Space::Arena => self.arena.wrapping_add(address.min(self.words[0])),
            Space::Accumulators => self.accumulators.wrapping_add(address.min(self.words[1])),
        }
    }

    /// A range of the accumulators.
    ///
    /// # Safety
    /// It is among the accumulators, and no other thread uses what is used of it.
    pub(super) unsafe fn accumulators<'a>(&self, range: Range<usize>) -> &'a mut [u32] {
        debug_assert!(range.end <= self.words[1]);
        // SAFETY: as promised.
        unsafe { std::slice::from_raw_parts_mut(self.accumulators.add(range.start), range.len()) }
    }

    /// A range of the arena.
    ///
    /// # Safety
    /// It is in the arena, and no other thread writes there.
    pub(super) unsafe fn words<'a>(&self, range: Range<usize>) -> &'a mut [u32] {
        debug_assert!(range.end <= self.words[0]);
        // SAFETY: as promised.
        unsafe { std::slice::from_raw_parts_mut(self.arena.add(range.start), range.len()) }
    }
}

/// Lane-operations that are worth a thread: it takes a microsecond to hand them over.
const WORK_PER_THREAD: usize = 100_000;

/// Elements that are executed at a time where loops may take long.
const PIECE: usize = 2048;

/// A population's program for one way of giving its arguments, with its loops that may not end.
fn compiled(
    population: &Population,
    access: &[Access],
    loop_limit: u32,
) -> Result<(Executor, Vec<LoopSite>)> {
    let mut lowered = population.program.lower_bounded(access, loop_limit)?;
    let (mut outputs, mut loops) = (population.program_results.clone(), Vec::new());
    if let Some(Bounded { sites, endless }) = lowered.bounded.take() {
        loops = sites;
        lowered.outputs.push(endless);
        // behind the columns and the columns of parameters
        outputs.push(population.columns.len() + population.places.len());
    }
    Ok((Executor::compiled_of(&population.program, lowered, access, &outputs)?, loops))
}

impl MemberRun {
    pub(super) fn new(
        plan: &Plan,
        at: usize,
        member: usize,
        threads: usize,
        arena: &[u32],
    ) -> Result<Self> {
        let population = &plan.populations[at];
        let this = &population.members[member];
        let access: Vec<Access> = population
            .program_arguments
            .iter()
            .map(|binding| match *binding {
                Binding::Column(column) => Access::Column(column),
                Binding::Parameter(place) if this.places[place].stride == 1 => {
                    // columns of parameters follow the columns
                    Access::Column(population.columns.len() + place)
                }
                Binding::Parameter(_) | Binding::Clock(_) => Access::Uniform,
            })
            .collect();
        let (executor, loops) = compiled(population, &access, plan.loop_limit)?;
        let constants = constant_folded::program_arguments(plan, at, member, &plan.constants);
        let mut folded = None;
        if !constants.is_empty() {
            let mut access = access;
            constants.iter().for_each(|&(k, _)| access[k] = Access::Uniform);
            let (mut executor, _) = compiled(population, &access, plan.loop_limit)?;
            constants.iter().for_each(|&(k, bits)| executor.set_uniform(k, bits));
            folded = Some(executor);
        }
        let own = population.columns.iter().map(|s| (s.space, s.address + this.start));
        let derived_columns = this.places.iter().map(|p| (Space::Arena, p.address));
        let clock = population.program_arguments.iter().enumerate().filter_map(|(k, b)| match *b {
            Binding::Clock(program_argument) => Some((k, program_argument)),
            _ => None,
        });
        let flags = population.spikes().map(|column| {
            let address = population.columns[column].address + this.start;
            address..address + this.elements
        });
        let recorded = |flags: &Range<usize>| {
            plan.records.iter().any(
                |r| matches!(r.gather, Gather::Flags { address, .. } if address == flags.start),
            )
        };
        let flags = flags.filter(|flags| this.spike_history > 0 || recorded(flags));
        let elements = this.elements;
        let worth = elements * executor.operations() / WORK_PER_THREAD;
        let count = threads.min(worth).max(1);
        // flags of 32 elements are packed into a word
        let share = elements.div_ceil(count).next_multiple_of(TOGETHER);
        let parts = (0..count).map(|k| {
            Mutex::new(ThreadPart {
                executor: executor.clone(),
                folded: folded.clone(),
                elements: (k * share).min(elements)..((k + 1) * share).min(elements),
                pointers: Vec::new(),
                events: Vec::new(),
                endless: if loops.is_empty() { Vec::new() } else { vec![0; PIECE] },
                found: None,
            })
        });
        let mut run = Self {
            population: at,
            member,
            parts: parts.collect(),
            columns: own.chain(derived_columns).collect(),
            elements,
            clock: clock.collect(),
            flags,
            events: vec![Vec::new(); this.spike_history + 1].into(),
            spike_history: this.spike_history,
            loops,
        };
        run.set_places(population, arena);
        Ok(run)
    }

    /// How many threads take part.
    pub(super) fn parts(&self) -> usize {
        self.parts.len()
    }

    fn part(&self, k: usize) -> Option<MutexGuard<'_, ThreadPart>> {
        // a part is consistent whenever its lock is free
        Some(self.parts.get(k)?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_uniform(&mut self, k: usize, bits: u32) {
        for part in &mut self.parts {
            let part = part.get_mut().unwrap_or_else(PoisonError::into_inner);
            part.executor.set_uniform(k, bits);
            part.folded.iter_mut().for_each(|executor| executor.set_uniform(k, bits));
        }
    }

    /// Hands inputs that are constant to the programs that know them.
    pub(super) fn set_constants(&mut self, plan: &Plan, constants: &[u32]) {
        let program_arguments =
            constant_folded::program_arguments(plan, self.population, self.member, constants);
        for part in &mut self.parts {
            let part = part.get_mut().unwrap_or_else(PoisonError::into_inner);
            let folded = part.folded.iter_mut();
            folded.for_each(|executor| {
                program_arguments.iter().for_each(|&(k, bits)| executor.set_uniform(k, bits))
            });
        }
    }

    /// Hands the parameters that are the same for all elements to the executor.
    pub(super) fn set_places(&mut self, population: &Population, arena: &[u32]) {
        let places = &population.members[self.member].places;
        for (k, binding) in population.program_arguments.iter().enumerate() {
            if let Binding::Parameter(place) = *binding
                && places[place].stride == 0
            {
                self.set_uniform(k, arena[places[place].address]);
            }
        }
    }

    /// Does what thread `k` has to do in a step; `is_folded` where inputs that are constant were not applied.
    ///
    /// # Safety
    /// No two threads have one number, and nobody else uses the arenas meanwhile.
    pub(super) unsafe fn step(
        &self,
        k: usize,
        arenas: &Arenas,
        clock: &[(ProgramArgument, u32)],
        is_folded: bool,
        stop: &AtomicBool,
    ) {
        let Some(mut part) = self.part(k) else { return };
        let part = &mut *part;
        for elements in self.pieces(part.elements.clone()) {
            // SAFETY: as promised.
            unsafe { self.execute(part, elements.clone(), arenas, clock, is_folded) };
            if !self.loops.is_empty() {
                let own = part.endless.iter().take(elements.len());
                part.found = own.copied().find(|&site| site != 0);
                if part.found.is_some() || stop.load(Ordering::Relaxed) {
                    return;
                }
            }
        }
        let ThreadPart { elements, events, .. } = part;
        events.clear();
        if let Some(flags) = &self.flags {
            // SAFETY: the flags of this part, which this thread has written.
            let flags =
                unsafe { arenas.words(flags.start + elements.start..flags.start + elements.end) };
            list(flags, elements.start, events);
        }
    }

    /// Whether it has loops that may not end.
    pub(super) fn may_be_endless(&self) -> bool {
        !self.loops.is_empty()
    }

    /// The loop that did not end in the last step, if one did not.
    pub(super) fn endless(&mut self) -> Option<&LoopSite> {
        let parts = self.parts.iter_mut();
        let mut found = parts
            .filter_map(|part| part.get_mut().unwrap_or_else(PoisonError::into_inner).found.take());
        self.loops.get(found.next()? as usize - 1)
    }

    /// Elements divided into what is executed at a time.
    fn pieces(&self, all: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let piece = if self.loops.is_empty() { all.len().max(1) } else { PIECE };
        let end = all.end;
        all.step_by(piece).map(move |start| start..(start + piece).min(end))
    }

    /// A step of some elements by thread `k`, whole chunks of them, by the constant-folded program.
    ///
    /// # Safety
    /// As of [`MemberRun::step`].
    pub(super) unsafe fn step_block(
        &self,
        k: usize,
        elements: &Range<usize>,
        arenas: &Arenas,
        clock: &[(ProgramArgument, u32)],
    ) {
        if let Some(mut part) = self.part(k) {
            // SAFETY: as promised.
            unsafe { self.execute(&mut part, elements.clone(), arenas, clock, true) };
        }
    }

    /// # Safety
    /// As of [`MemberRun::step`].
    unsafe fn execute(
        &self,
        part: &mut ThreadPart,
        elements: Range<usize>,
        arenas: &Arenas,
        clock: &[(ProgramArgument, u32)],
        is_folded: bool,
    ) {
        let ThreadPart { executor, folded, pointers, endless, .. } = part;
        let executor = folded.as_mut().filter(|_| is_folded).unwrap_or(executor);
        for &(program_argument, of) in &self.clock {
            if let Some(&(_, bits)) = clock.iter().find(|(f, _)| *f == of) {
                executor.set_uniform(program_argument, bits);
            }
        }
        pointers.clear();
        let columns = self.columns.iter();
        pointers.extend(columns.map(|&(space, at)| arenas.at(space, at + elements.start)));
        // a word for each element of a piece, where loops are counted
        pointers.push(endless.as_mut_ptr());
        // SAFETY: the layout reserves a multiple of a chunk of words from each column's address for each member, inside the
        // arenas; elements are whole chunks, so what threads write is disjoint, as promised.
        unsafe { executor.step(pointers, elements.len()) };
    }

    /// Lists the elements that spiked in this step; what was listed before grows a step older.
    pub(super) fn list_new_events(&mut self) {
        if self.flags.is_none() {
            return;
        }
        self.events.rotate_right(1);
        if let Some(all) = self.events.front_mut() {
            all.clear();
            for part in &mut self.parts {
                all.extend(&part.get_mut().unwrap_or_else(PoisonError::into_inner).events);
            }
        }
    }

    /// Lists the elements whose flag is set.
    pub(super) fn list_events(&mut self, arena: &[u32]) {
        let (Some(flags), Some(events)) = (&self.flags, self.events.front_mut()) else { return };
        events.clear();
        list(&arena[flags.clone()], 0, events);
    }
}

/// Lists the flags that are set, the first of which has that number.
fn list(flags: &[u32], first: usize, events: &mut Vec<u32>) {
    for (k, flags) in flags.chunks(TOGETHER).enumerate() {
        if flags.iter().fold(0, |any, f| any | f) != 0 {
            let set = flags.iter().enumerate().filter(|(_, f)| **f != 0);
            events.extend(set.map(|(lane, _)| (first + k * TOGETHER + lane) as u32));
        }
    }
}
