//! Plays a plan on the processor.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::player::Player;
use super::tape::CHUNK;
use super::words::Words;
use crate::backend::{Chunk, Engine};
use crate::error::Result;
use crate::input::Operation;
use crate::model::{Feed, Kind};
use crate::plan::{
    Binding, Gather, InputOp, Plan, Population, Source, Space, State, packed, packed_words,
    unpacked,
};
use crate::scalar::Access;

pub(crate) struct CpuEngine {
    plan: Arc<Plan>,
    arena: Words,
    accumulators: Words,
    members: Vec<MemberRun>,
    /// For each route the member that it starts from.
    sources: Vec<usize>,
    /// Number of the next step.
    next: u64,
    done: VecDeque<Vec<u32>>,
    /// Set where the lists of spikes may not fit the flags in the arena.
    stale: bool,
}

/// A member of a population with its player.
struct MemberRun {
    population: usize,
    member: usize,
    /// One for each thread.
    players: Vec<Player>,
    /// Where each stream of the population starts for this member.
    streams: Vec<(Space, usize)>,
    elements: usize,
    /// Feeds that change from step to step, with their place in the program's argument.
    clock: Vec<(usize, Feed)>,
    /// Where the spike flags are, if the spikes are delivered or recorded.
    flags: Option<Range<usize>>,
    /// The elements that spiked in the last step, in the one before, and so on as far as a delay reaches; each in order.
    events: VecDeque<Vec<u32>>,
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
    fn new(plan: &Plan, at: usize, member: usize, threads: usize, arena: &[u32]) -> Result<Self> {
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
        let player = Player::new(&population.program, &access, &population.sinks)?;
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
            events: vec![Vec::new(); this.history.max(1)].into(),
        };
        run.set_places(population, arena);
        Ok(run)
    }

    /// Hands the parameters that are the same for all elements to the player.
    fn set_places(&mut self, population: &Population, arena: &[u32]) {
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

    fn step(&mut self, arena: &mut [u32], accumulators: &mut [u32]) {
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
    fn list_new_events(&mut self, arena: &[u32]) {
        self.events.rotate_right(1);
        self.list_events(arena);
    }

    /// Lists the elements whose flag is set.
    fn list_events(&mut self, arena: &[u32]) {
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

impl CpuEngine {
    pub(crate) fn new(plan: Arc<Plan>, threads: usize) -> Result<Self> {
        let arena = Words::copy(&plan.image);
        let mut members = Vec::new();
        for (at, population) in plan.populations.iter().enumerate() {
            for member in 0..population.members.len() {
                members.push(MemberRun::new(&plan, at, member, threads, arena.get())?);
            }
        }
        let start_of = |population: usize| -> usize {
            plan.populations[..population].iter().map(|p| p.members.len()).sum()
        };
        let sources = plan.routes.iter().map(|r| start_of(r.population) + r.member).collect();
        let accumulators = Words::zeros(plan.accumulators);
        let (next, done) = (0, VecDeque::new());
        Ok(Self { plan, arena, accumulators, members, sources, next, done, stale: true })
    }

    /// Brings what is kept beside the arena in line with it.
    fn refresh(&mut self) {
        for run in &mut self.members {
            run.set_places(&self.plan.populations[run.population], self.arena.get());
            run.list_events(self.arena.get());
        }
        self.stale = false;
    }

    fn step(&mut self, shared: &[(Feed, u32)], row: &[u32], out: &mut [u32]) {
        let Self { plan, arena, accumulators, members, sources, .. } = self;
        let (arena, accumulators) = (arena.get_mut(), accumulators.get_mut());
        for (route, &source) in plan.routes.iter().zip(sources.iter()) {
            let sums = &mut accumulators[route.target..];
            for &spike in &members[source].events[route.delay - 1] {
                let range = route.indptr[spike as usize] as usize
                    ..route.indptr[spike as usize + 1] as usize;
                if let [count] = route.fixed.counts[..] {
                    for &target in &route.indices[range] {
                        sums[target as usize] = sums[target as usize].wrapping_add(count as u32);
                    }
                } else {
                    let counts = &route.fixed.counts[range.clone()];
                    for (&target, &count) in route.indices[range].iter().zip(counts) {
                        sums[target as usize] = sums[target as usize].wrapping_add(count as u32);
                    }
                }
            }
        }
        for input in &plan.inputs {
            apply(input, arena, &plan.constants, row);
        }
        for run in members.iter_mut() {
            for &(k, feed) in &run.clock {
                if let Some(&(_, bits)) = shared.iter().find(|(f, _)| *f == feed) {
                    run.players.iter_mut().for_each(|player| player.set_uniform(k, bits));
                }
            }
            run.step(arena, accumulators);
            run.list_new_events(arena);
        }
        for record in &plan.records {
            let out = &mut out[record.offset..record.offset + record.words()];
            match &record.gather {
                &Gather::Range { address, count } => {
                    out.copy_from_slice(&arena[address..address + count])
                }
                &Gather::Flags { address, .. } => {
                    let starts =
                        |run: &&MemberRun| run.flags.as_ref().is_some_and(|f| f.start == address);
                    if let Some(events) = members.iter().find(starts).and_then(|r| r.events.front())
                    {
                        packed(out, events);
                    }
                }
                Gather::List(list) => {
                    for (word, &address) in out.iter_mut().zip(list) {
                        *word = arena[address as usize];
                    }
                }
            }
        }
        self.clear_inputs();
    }

    fn clear_inputs(&mut self) {
        for population in &self.plan.populations {
            for stream in population.streams.iter().filter(|s| s.cleared) {
                self.arena.get_mut()[stream.address..stream.address + population.elements].fill(0);
            }
        }
    }
}

/// What the clock feeds to every program in a step.
fn clock(plan: &Plan, chunk: &Chunk, step: u64) -> [(Feed, u32); 6] {
    let t = chunk.t0 + step as f64 * plan.dt;
    [
        (Feed::Time, (t as f32).to_bits()),
        (Feed::Dt, (plan.dt as f32).to_bits()),
        (Feed::Step, step as u32),
        (Feed::StepHigh, (step >> 32) as u32),
        (Feed::Seed, plan.seed as u32),
        (Feed::SeedHigh, (plan.seed >> 32) as u32),
    ]
}

fn apply(input: &InputOp, arena: &mut [u32], constants: &[u32], row: &[u32]) {
    let target = &mut arena[input.address..input.address + input.elements];
    let (values, stride) = match input.source {
        Source::Constant { offset, stride } => (&constants[offset..], stride),
        Source::Row { offset, stride } => (&row[offset..], stride),
    };
    // one loop for each kind and operation, so that each is compiled to vector instructions
    macro_rules! loops {
        ($from:expr, $to:expr, $add:expr, $sub:expr, $mul:expr, $div:expr) => {
            match input.operation {
                Operation::Add => {
                    combine(target, values, stride, |a, b| $to($add($from(a), $from(b))))
                }
                Operation::Sub => {
                    combine(target, values, stride, |a, b| $to($sub($from(a), $from(b))))
                }
                Operation::Mul => {
                    combine(target, values, stride, |a, b| $to($mul($from(a), $from(b))))
                }
                Operation::Div => {
                    combine(target, values, stride, |a, b| $to($div($from(a), $from(b))))
                }
                Operation::Set => combine(target, values, stride, |_, b| b),
            }
        };
    }
    use std::ops::{Add, Div, Mul, Sub};
    match input.kind {
        Kind::F32 => loops!(f32::from_bits, f32::to_bits, f32::add, f32::sub, f32::mul, f32::div),
        Kind::I32 => loops!(
            |bits: u32| bits as i32,
            |value: i32| value as u32,
            i32::wrapping_add,
            i32::wrapping_sub,
            i32::wrapping_mul,
            |a: i32, b: i32| a.checked_div(b).unwrap_or(a)
        ),
        Kind::U32 | Kind::Bool => loops!(
            |bits: u32| bits,
            |value: u32| value,
            u32::wrapping_add,
            u32::wrapping_sub,
            u32::wrapping_mul,
            |a: u32, b: u32| a.checked_div(b).unwrap_or(a)
        ),
    }
}

fn combine(target: &mut [u32], values: &[u32], stride: usize, op: impl Fn(u32, u32) -> u32) {
    if stride == 0 {
        let value = values[0];
        target.iter_mut().for_each(|t| *t = op(*t, value));
    } else {
        target.iter_mut().zip(values).for_each(|(t, &v)| *t = op(*t, v));
    }
}

impl Engine for CpuEngine {
    fn chunk_steps(&self) -> usize {
        // the rows of a chunk stay in the second-level cache where that is possible
        let row = self.plan.record_row + self.plan.input_row;
        ((1 << 18) / (row + 1)).clamp(1, 256)
    }

    fn submit(&mut self, chunk: Chunk) -> Result<()> {
        if self.stale {
            self.refresh();
        }
        let (row_in, row_out) = (self.plan.input_row, self.plan.record_row);
        let mut out = vec![0; chunk.steps * row_out];
        for k in 0..chunk.steps {
            let shared = clock(&self.plan, &chunk, chunk.first + k as u64);
            let row = &chunk.rows[k * row_in..(k + 1) * row_in];
            self.step(&shared, row, &mut out[k * row_out..(k + 1) * row_out]);
        }
        self.next = chunk.first + chunk.steps as u64;
        self.done.push_back(out);
        Ok(())
    }

    fn collect(&mut self) -> Result<Option<Vec<u32>>> {
        Ok(self.done.pop_front())
    }

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }

    fn read(&mut self, range: Range<usize>) -> Result<Vec<u32>> {
        Ok(self.arena.get()[range].to_vec())
    }

    fn write(&mut self, address: usize, words: &[u32]) -> Result<()> {
        self.arena.get_mut()[address..address + words.len()].copy_from_slice(words);
        self.stale = true;
        Ok(())
    }

    fn state(&mut self) -> Result<State> {
        let runs = self.members.iter().filter(|run| run.events.len() > 1);
        let history = runs.map(|run| {
            let words = packed_words(run.elements);
            let mut rows = vec![0u32; (run.events.len() - 1) * words];
            for (row, events) in rows.chunks_exact_mut(words).zip(run.events.iter().skip(1)) {
                packed(row, events);
            }
            rows
        });
        let history = history.collect();
        Ok(State { step: self.next, arena: self.plan.canonical(self.arena.get()), history })
    }

    fn set_state(&mut self, state: &State) -> Result<()> {
        self.next = state.step;
        self.arena.get_mut()[..state.arena.len()].copy_from_slice(&state.arena);
        let runs = self.members.iter_mut().filter(|run| run.events.len() > 1);
        for (run, rows) in runs.zip(&state.history) {
            let rows = rows.chunks_exact(packed_words(run.elements));
            for (events, row) in run.events.iter_mut().skip(1).zip(rows) {
                *events = unpacked(row);
            }
        }
        self.stale = true;
        Ok(())
    }

    fn describe(&self) -> String {
        format!("CPU engine ({})", super::instruction_set())
    }
}
