//! A group with the program that updates it.

use std::collections::VecDeque;
use std::ops::Range;

use rayon::prelude::*;

use super::player::Player;
use super::tape::CHUNK;
use crate::error::Result;
use crate::model::Feed;
use crate::plan::{Binding, Gather, Plan, Population, Space};
use crate::scalar::Access;

/// A member of a population with its player.
pub(super) struct MemberRun {
    pub population: usize,
    member: usize,
    /// One for each thread.
    players: Vec<Player>,
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
}

/// Elements that are worth a thread: waking one costs some microseconds.
const ELEMENTS_PER_THREAD: usize = 8192;

/// Starts of streams, for several threads.
struct Streams(Vec<*mut u32>);

// SAFETY: the pointers are only read here; what the threads write through them is disjoint, see `MemberRun::step`.
unsafe impl Sync for Streams {}

impl Streams {
    fn behind(&self, elements: usize) -> Vec<*mut u32> {
        self.0.iter().map(|pointer| pointer.wrapping_add(elements)).collect()
    }
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
        let player = Player::compiled(&population.program, &access, &population.sinks)?;
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
        let most = rayon::current_num_threads().min(threads);
        let threads = most.min(this.elements / ELEMENTS_PER_THREAD).max(1);
        let mut run = Self {
            population: at,
            member,
            players: vec![player; threads],
            streams: own.chain(columns).collect(),
            elements: this.elements,
            clock: clock.collect(),
            flags,
            events: vec![Vec::new(); this.history + 1].into(),
            history: this.history,
        };
        run.set_places(population, arena);
        Ok(run)
    }

    /// Hands the parameters that are the same for all elements to the player.
    pub(super) fn set_places(&mut self, population: &Population, arena: &[u32]) {
        let places = &population.members[self.member].places;
        for (k, binding) in population.feeds.iter().enumerate() {
            if let Binding::Place(place) = *binding
                && places[place].stride == 0
            {
                let bits = arena[places[place].address];
                self.players.iter_mut().for_each(|player| player.set_uniform(k, bits));
            }
        }
    }

    /// Sets what the clock feeds to the program.
    pub(super) fn set_clock(&mut self, clock: &[(Feed, u32)]) {
        for &(k, feed) in &self.clock {
            if let Some(&(_, bits)) = clock.iter().find(|(f, _)| *f == feed) {
                self.players.iter_mut().for_each(|player| player.set_uniform(k, bits));
            }
        }
    }

    pub(super) fn step(&mut self, arena: &mut [u32], accumulators: &mut [u32]) {
        let (arena_base, arena_len) = (arena.as_mut_ptr(), arena.len());
        let (sums_base, sums_len) = (accumulators.as_mut_ptr(), accumulators.len());
        let pointers: Vec<*mut u32> = self
            .streams
            .iter()
            .map(|&(space, address)| match space {
                // addresses of parameters that are uniform are not columns; they are in range, and not used
                Space::Arena => arena_base.wrapping_add(address.min(arena_len)),
                Space::Accumulators => sums_base.wrapping_add(address.min(sums_len)),
            })
            .collect();
        // Both calls below are sound: the layout reserves a multiple of a chunk of words from each stream's address for each
        // member, inside the two arenas, which are borrowed mutably for the call; streams overlap only where they are
        // the same; threads take disjoint ranges of chunks.
        if let [player] = &mut self.players[..] {
            // SAFETY: see above.
            unsafe { player.step(&pointers, self.elements) };
            return;
        }
        let (streams, elements) = (Streams(pointers), self.elements);
        let share = elements.div_ceil(self.players.len()).next_multiple_of(CHUNK);
        self.players.par_iter_mut().enumerate().for_each(|(k, player)| {
            let first = (k * share).min(elements);
            // SAFETY: see above.
            unsafe { player.step(&streams.behind(first), share.min(elements - first)) };
        });
    }

    /// Lists the elements that spiked in this step; what was listed before grows a step older.
    pub(super) fn list_new_events(&mut self, arena: &[u32]) {
        self.events.rotate_right(1);
        self.list_events(arena);
    }

    /// Lists the elements whose flag is set.
    pub(super) fn list_events(&mut self, arena: &[u32]) {
        let (Some(flags), Some(events)) = (&self.flags, self.events.front_mut()) else { return };
        events.clear();
        for (k, flags) in arena[flags.clone()].chunks(CHUNK).enumerate() {
            if flags.iter().fold(0, |any, f| any | f) != 0 {
                let set = flags.iter().enumerate().filter(|(_, f)| **f != 0);
                events.extend(set.map(|(lane, _)| (k * CHUNK + lane) as u32));
            }
        }
    }
}
