//! A group with the program that updates it.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::quick;
use crate::error::Result;
use crate::interpreter::{Player, TOGETHER};
use crate::model::Feed;
use crate::plan::{Binding, Gather, Plan, Population, Space};
use crate::scalar::{Access, Bounded, LoopSite};

/// A member of a population with its player.
pub(super) struct MemberRun {
    pub population: usize,
    pub member: usize,
    /// One for each thread that takes part.
    parts: Vec<Mutex<Part>>,
    /// Where each stream of the population starts for this member.
    streams: Vec<(Space, usize)>,
    pub elements: usize,
    /// Feeds that change from step to step, with their place in the program's argument.
    clock: Vec<(usize, Feed)>,
    /// Where the spike flags are, if the spikes are delivered or recorded.
    pub flags: Option<Range<usize>>,
    /// The elements that spiked in the last step, in the one before, and so on as far as a delay reaches; each in order.
    pub events: VecDeque<Vec<u32>>,
    /// Steps for which spikes are kept from step to step; within one, those of the step itself come to them.
    pub history: usize,
    /// Loops that may not end.
    loops: Vec<LoopSite>,
}

/// What one thread does of a member.
struct Part {
    player: Player,
    /// The same where inputs are constant.
    quick: Option<Player>,
    elements: Range<usize>,
    pointers: Vec<*mut u32>,
    /// Its elements that spiked in this step.
    events: Vec<u32>,
    /// For each element of a piece the loop that did not end, and one that was found.
    endless: Vec<u32>,
    found: Option<u32>,
}

// SAFETY: the pointers are scratch: they are written before they are read in each use.
unsafe impl Send for Part {}

/// An engine's arenas, for several threads.
#[derive(Clone, Copy)]
pub(super) struct Arenas {
    arena: *mut u32,
    sums: *mut u32,
    words: [usize; 2],
}

// SAFETY: what the threads write through the pointers is disjoint; see `MemberRun::step`.
unsafe impl Sync for Arenas {}
// SAFETY: as above.
unsafe impl Send for Arenas {}

impl Arenas {
    pub(super) fn new(arena: &mut [u32], sums: &mut [u32]) -> Self {
        let words = [arena.len(), sums.len()];
        Self { arena: arena.as_mut_ptr(), sums: sums.as_mut_ptr(), words }
    }

    /// Where a stream is. Addresses of parameters that are uniform are no streams; they are in range, and not used.
    fn at(&self, space: Space, address: usize) -> *mut u32 {
        match space {
            Space::Arena => self.arena.wrapping_add(address.min(self.words[0])),
            Space::Accumulators => self.sums.wrapping_add(address.min(self.words[1])),
        }
    }

    /// A range of the sums.
    ///
    /// # Safety
    /// It is among the sums, and no other thread uses what is used of it.
    pub(super) unsafe fn sums<'a>(&self, range: Range<usize>) -> &'a mut [u32] {
        debug_assert!(range.end <= self.words[1]);
        // SAFETY: as promised.
        unsafe { std::slice::from_raw_parts_mut(self.sums.add(range.start), range.len()) }
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

/// Elements that are played at a time where loops may take long.
const PIECE: usize = 2048;

/// A population's program for one way of feeding it, with its loops that may not end.
fn compiled(
    population: &Population,
    access: &[Access],
    loop_limit: u32,
) -> Result<(Player, Vec<LoopSite>)> {
    let mut lowered = population.program.lower_bounded(access, loop_limit)?;
    let (mut outputs, mut loops) = (population.sinks.clone(), Vec::new());
    if let Some(Bounded { sites, endless }) = lowered.bounded.take() {
        loops = sites;
        lowered.outputs.push(endless);
        // behind the streams and the columns of parameters
        outputs.push(population.streams.len() + population.places.len());
    }
    Ok((Player::compiled_of(&population.program, lowered, access, &outputs)?, loops))
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
            .feeds
            .iter()
            .map(|binding| match *binding {
                Binding::Stream(stream) => Access::Stream(stream),
                Binding::Place(place) if this.places[place].stride == 1 => {
                    // columns of parameters follow the streams
                    Access::Stream(population.streams.len() + place)
                }
                Binding::Place(_) | Binding::Clock(_) => Access::Uniform,
            })
            .collect();
        let (player, loops) = compiled(population, &access, plan.loop_limit)?;
        let constants = quick::feeds(plan, at, member, &plan.constants);
        let mut quick = None;
        if !constants.is_empty() {
            let mut access = access;
            constants.iter().for_each(|&(k, _)| access[k] = Access::Uniform);
            let (mut player, _) = compiled(population, &access, plan.loop_limit)?;
            constants.iter().for_each(|&(k, bits)| player.set_uniform(k, bits));
            quick = Some(player);
        }
        let own = population.streams.iter().map(|s| (s.space, s.address + this.start));
        let columns = this.places.iter().map(|p| (Space::Arena, p.address));
        let clock = population.feeds.iter().enumerate().filter_map(|(k, b)| match *b {
            Binding::Clock(feed) => Some((k, feed)),
            _ => None,
        });
        let flags = population.spikes().map(|stream| {
            let address = population.streams[stream].address + this.start;
            address..address + this.elements
        });
        let recorded = |flags: &Range<usize>| {
            plan.records.iter().any(
                |r| matches!(r.gather, Gather::Flags { address, .. } if address == flags.start),
            )
        };
        let flags = flags.filter(|flags| this.history > 0 || recorded(flags));
        let elements = this.elements;
        let worth = elements * player.operations() / WORK_PER_THREAD;
        let count = threads.min(worth).max(1);
        // flags of 32 elements are packed into a word
        let share = elements.div_ceil(count).next_multiple_of(TOGETHER);
        let parts = (0..count).map(|k| {
            Mutex::new(Part {
                player: player.clone(),
                quick: quick.clone(),
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
            streams: own.chain(columns).collect(),
            elements,
            clock: clock.collect(),
            flags,
            events: vec![Vec::new(); this.history + 1].into(),
            history: this.history,
            loops,
        };
        run.set_places(population, arena);
        Ok(run)
    }

    /// How many threads take part.
    pub(super) fn parts(&self) -> usize {
        self.parts.len()
    }

    fn part(&self, k: usize) -> Option<MutexGuard<'_, Part>> {
        // a part is consistent whenever its lock is free
        Some(self.parts.get(k)?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_uniform(&mut self, k: usize, bits: u32) {
        for part in &mut self.parts {
            let part = part.get_mut().unwrap_or_else(PoisonError::into_inner);
            part.player.set_uniform(k, bits);
            part.quick.iter_mut().for_each(|player| player.set_uniform(k, bits));
        }
    }

    /// Hands inputs that are constant to the programs that know them.
    pub(super) fn set_constants(&mut self, plan: &Plan, constants: &[u32]) {
        let feeds = quick::feeds(plan, self.population, self.member, constants);
        for part in &mut self.parts {
            let part = part.get_mut().unwrap_or_else(PoisonError::into_inner);
            let quick = part.quick.iter_mut();
            quick
                .for_each(|player| feeds.iter().for_each(|&(k, bits)| player.set_uniform(k, bits)));
        }
    }

    /// Hands the parameters that are the same for all elements to the player.
    pub(super) fn set_places(&mut self, population: &Population, arena: &[u32]) {
        let places = &population.members[self.member].places;
        for (k, binding) in population.feeds.iter().enumerate() {
            if let Binding::Place(place) = *binding
                && places[place].stride == 0
            {
                self.set_uniform(k, arena[places[place].address]);
            }
        }
    }

    /// Does what thread `k` has to do in a step; quickly where inputs that are constant were not applied.
    ///
    /// # Safety
    /// No two threads have one number, and nobody else uses the arenas meanwhile.
    pub(super) unsafe fn step(
        &self,
        k: usize,
        arenas: &Arenas,
        clock: &[(Feed, u32)],
        quickly: bool,
        stop: &AtomicBool,
    ) {
        let Some(mut part) = self.part(k) else { return };
        let part = &mut *part;
        for elements in self.pieces(part.elements.clone()) {
            // SAFETY: as promised.
            unsafe { self.play(part, elements.clone(), arenas, clock, quickly) };
            if !self.loops.is_empty() {
                let own = part.endless.iter().take(elements.len());
                part.found = own.copied().find(|&site| site != 0);
                if part.found.is_some() || stop.load(Ordering::Relaxed) {
                    return;
                }
            }
        }
        let Part { elements, events, .. } = part;
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

    /// Elements divided into what is played at a time.
    fn pieces(&self, all: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let piece = if self.loops.is_empty() { all.len().max(1) } else { PIECE };
        let end = all.end;
        all.step_by(piece).map(move |start| start..(start + piece).min(end))
    }

    /// A step of some elements by thread `k`, whole chunks of them, quickly.
    ///
    /// # Safety
    /// As of [`MemberRun::step`].
    pub(super) unsafe fn step_block(
        &self,
        k: usize,
        elements: &Range<usize>,
        arenas: &Arenas,
        clock: &[(Feed, u32)],
    ) {
        if let Some(mut part) = self.part(k) {
            // SAFETY: as promised.
            unsafe { self.play(&mut part, elements.clone(), arenas, clock, true) };
        }
    }

    /// # Safety
    /// As of [`MemberRun::step`].
    unsafe fn play(
        &self,
        part: &mut Part,
        elements: Range<usize>,
        arenas: &Arenas,
        clock: &[(Feed, u32)],
        quickly: bool,
    ) {
        let Part { player, quick, pointers, endless, .. } = part;
        let player = quick.as_mut().filter(|_| quickly).unwrap_or(player);
        for &(feed, of) in &self.clock {
            if let Some(&(_, bits)) = clock.iter().find(|(f, _)| *f == of) {
                player.set_uniform(feed, bits);
            }
        }
        pointers.clear();
        let streams = self.streams.iter();
        pointers.extend(streams.map(|&(space, at)| arenas.at(space, at + elements.start)));
        // a word for each element of a piece, where loops are counted
        pointers.push(endless.as_mut_ptr());
        // SAFETY: the layout reserves a multiple of a chunk of words from each stream's address for each member, inside the
        // arenas; elements are whole chunks, so what threads write is disjoint, as promised.
        unsafe { player.step(pointers, elements.len()) };
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
