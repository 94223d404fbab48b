//! Plays a plan on the processor.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::columns::ColumnRun;
use super::crew::Crew;
use super::deliver::Delivery;
use super::independent::{Independent, Out, Steps};
use super::kernel::KernelRun;
use super::member::{Arenas, MemberRun};
use super::quick::Quick;
use crate::backend::apply::apply_at;
use crate::backend::{Chunk, Engine, Rows};
use crate::error::Result;
use crate::interpreter::Words;
use crate::model::{ALLOW, Feed};
use crate::plan::{
    Entry, Gather, InputOp, Op, Plan, Source, State, packed, packed_words, unpacked,
};

/// Most steps of a chunk, those of the first, and how long one is to take: runs are cancelled between chunks.
const MOST_STEPS: usize = 256;
const FIRST_STEPS: usize = 16;
const CHUNK: Duration = Duration::from_millis(500);

pub(crate) struct CpuEngine {
    plan: Arc<Plan>,
    /// Values of the inputs that do not change during a run.
    constants: Vec<u32>,
    arena: Words,
    accumulators: Words,
    members: Vec<MemberRun>,
    delivery: Delivery,
    columns: Vec<ColumnRun>,
    kernels: Vec<KernelRun>,
    crew: Crew,
    quick: Option<Quick>,
    independent: Option<Independent>,
    /// Number of the next step.
    next: u64,
    done: VecDeque<Vec<u32>>,
    /// Set where the lists of spikes may not fit the flags in the arena.
    stale: bool,
    /// Whether there are loops that may not end.
    may_be_endless: bool,
    /// What was before the chunk, or the step that is played in parts: it comes back where loops do not end.
    before: Option<State>,
    /// Most steps of a chunk at present.
    steps: usize,
}

impl CpuEngine {
    pub(crate) fn new(plan: Arc<Plan>, threads: usize) -> Result<Self> {
        let arena = Words::copy(&plan.image);
        let mut threads = std::thread::available_parallelism().map_or(1, usize::from).min(threads);
        let (members, crew) = loop {
            let mut members = Vec::new();
            for (at, population) in plan.populations.iter().enumerate() {
                for member in 0..population.members.len() {
                    members.push(MemberRun::new(&plan, at, member, threads, arena.get())?);
                }
            }
            let parts = members.iter().map(MemberRun::parts).max().unwrap_or(1);
            let parts = parts.max(Delivery::threads(&plan, threads));
            let crew = Crew::new(parts);
            if crew.threads() == parts {
                break (members, crew);
            }
            // the system gives no more
            threads = crew.threads();
        };
        let delivery = Delivery::new(&plan, crew.threads());
        let accumulators = Words::zeros(plan.accumulators);
        let (next, done) = (0, VecDeque::new());
        let columns = plan.columns.iter().map(ColumnRun::new).collect::<Result<_>>()?;
        let kernels = plan.kernels.iter().map(|op| KernelRun::new(op, plan.loop_limit));
        let kernels: Vec<KernelRun> = kernels.collect::<Result<_>>()?;
        let quick = Quick::new(&plan);
        let independent = Independent::new(&plan, &members, quick.as_ref());
        let (stale, constants) = (true, plan.constants.clone());
        let may_be_endless = members.iter().any(MemberRun::may_be_endless)
            || kernels.iter().any(KernelRun::may_be_endless);
        Ok(Self {
            plan,
            constants,
            arena,
            accumulators,
            members,
            delivery,
            columns,
            kernels,
            crew,
            quick,
            independent,
            next,
            done,
            stale,
            may_be_endless,
            before: None,
            steps: FIRST_STEPS,
        })
    }

    /// Brings what is kept beside the arena in line with it.
    fn refresh(&mut self) {
        for run in &mut self.members {
            run.set_places(&self.plan.populations[run.population], self.arena.get());
            run.list_events(self.arena.get());
        }
        self.stale = false;
    }

    fn play(&mut self, op: Op, step: &StepAt<'_>, out: &mut [u32]) -> Result<()> {
        let Self {
            plan,
            constants,
            arena,
            accumulators,
            members,
            delivery,
            columns,
            kernels,
            crew,
            ..
        } = self;
        let (arena, accumulators) = (arena.get_mut(), accumulators.get_mut());
        match op {
            Op::Column(k) => {
                let begins = |cadence: usize| step.entries[cadence].begins;
                columns[k].make(&plan.columns[k], arena, step.clock, &begins);
            }
            Op::Input(k) => apply_input(&plan.inputs[k], arena, constants, step.row),
            // the runner calls it between submissions
            Op::Call(_) => {}
            Op::Deliver(stage) => {
                for input in step.data.iter().filter(|_| stage == 0) {
                    apply_input(input, arena, &[], step.data_row);
                }
                delivery.play(plan, stage, members, accumulators, crew);
            }
            Op::Update(population) => {
                let own = |run: &&MemberRun| run.population == population;
                let parts = members.iter().filter(own).map(MemberRun::parts).max().unwrap_or(0);
                let arenas = Arenas::new(arena, accumulators);
                let work = |k: usize| {
                    for run in members.iter().filter(own) {
                        // SAFETY: each thread has a number of its own, and both arenas are borrowed mutably for the call.
                        unsafe { run.step(k, &arenas, step.clock, step.quickly, step.stop) };
                    }
                };
                if parts > 1 {
                    crew.run(&work)
                } else {
                    work(0)
                }
                for run in members.iter_mut().filter(|run| run.population == population) {
                    let member = run.member;
                    if let Some(site) = run.endless() {
                        let population = &plan.populations[population];
                        let path = &population.members[member].path;
                        return Err(population.program.endless(site, path, plan.loop_limit, ALLOW));
                    }
                    run.list_new_events();
                }
            }
            Op::Kernel(k) => {
                let op = &plan.kernels[k];
                for copy in 0..op.keys.len() {
                    if let Some(site) = kernels[k].run(op, arena, copy, step.clock, step.stop) {
                        return Err(op.text.program.endless(
                            site,
                            &op.path,
                            plan.loop_limit,
                            ALLOW,
                        ));
                    }
                }
            }
            Op::Record => record(plan, members, arena, step.entries, out),
            Op::Clear => match (&self.quick, step.quickly) {
                (Some(quick), true) => {
                    for &(at, stream) in &quick.cleared {
                        let population = &self.plan.populations[at];
                        let start = population.streams[stream].address;
                        self.arena.get_mut()[start..][..population.elements].fill(0);
                    }
                }
                _ => self.clear_inputs(),
            },
        }
        Ok(())
    }

    /// Plays a chunk; the rows that it gives, or none where it was cancelled in the midst.
    fn play_chunk(&mut self, chunk: &Chunk) -> Result<Option<Vec<u32>>> {
        let plan = self.plan.clone();
        let (width, cadences) = (plan.input_row, plan.cadences.len());
        let (data, data_width) = chunk.data.as_ref().map_or((&[][..], 0), |d| (&d.inputs, d.row));
        let mut out = vec![0; chunk.schedule.words];
        let whole = chunk.ops == (0..plan.step.len()) && chunk.data.is_none();
        let quick = self.quick.as_ref().filter(|_| whole).map(|quick| quick.step.clone());
        // what was set before a run counts as input of its first step
        let general = usize::from(chunk.starts_run);
        let blocks = whole && self.independent.is_some() && chunk.steps > general;
        for k in 0..if blocks { general } else { chunk.steps } {
            let quick = quick.as_ref().filter(|_| k >= general);
            let step = StepAt {
                quickly: quick.is_some(),
                clock: &clock(&plan, chunk.t0, chunk.first + k as u64),
                row: &chunk.rows[k * width..(k + 1) * width],
                data,
                data_row: &chunk.data_rows[k * data_width..(k + 1) * data_width],
                entries: &chunk.schedule.entries[k * cadences..(k + 1) * cadences],
                stop: &chunk.cancelled,
            };
            for &op in quick.map_or(&plan.step[chunk.ops.clone()], |quick| &quick[..]) {
                self.play(op, &step, &mut out)?;
            }
            self.crew.played(1);
            if self.may_be_endless && chunk.cancelled.load(Ordering::Relaxed) {
                return Ok(None);
            }
        }
        if blocks {
            self.play_blocks(chunk, general, &mut out);
        }
        Ok(Some(out))
    }

    /// Plays the steps of a chunk from one on, block by block.
    fn play_blocks(&mut self, chunk: &Chunk, from: usize, out: &mut [u32]) {
        let Self { plan, constants, arena, accumulators, members, crew, independent, .. } = self;
        let Some(independent) = independent else { return };
        let clocks = (from..chunk.steps).map(|k| clock(plan, chunk.t0, chunk.first + k as u64));
        let clocks: Vec<_> = clocks.collect();
        let taken = independent.untaken();
        let steps = Steps {
            taken: &taken,
            clocks: &clocks,
            constants,
            rows: &chunk.rows[from * plan.input_row..],
            entries: &chunk.schedule.entries[from * plan.cadences.len()..],
        };
        let (arenas, out) = (Arenas::new(arena.get_mut(), accumulators.get_mut()), Out::new(out));
        // SAFETY: each thread has a number of its own; all are borrowed mutably for the call.
        crew.run(&|k| unsafe { independent.play(k, plan, members, &steps, &arenas, &out) });
        crew.played(clocks.len());
        // the lists of spikes were not kept
        self.stale = true;
    }

    fn clear_inputs(&mut self) {
        for population in &self.plan.populations {
            for stream in population.streams.iter().filter(|s| s.cleared) {
                self.arena.get_mut()[stream.address..][..population.elements].fill(0);
            }
        }
    }
}

/// A step as its operations see it.
struct StepAt<'a> {
    clock: &'a [(Feed, u32)],
    /// Values of the inputs that change.
    row: &'a [u32],
    /// Inputs that the run brought, and their values.
    data: &'a [InputOp],
    data_row: &'a [u32],
    /// For each cadence.
    entries: &'a [Entry],
    /// Whether inputs that are constant are known to the programs.
    quickly: bool,
    /// Set where loops that take long are not to be waited for.
    stop: &'a AtomicBool,
}

/// Gathers what the monitors record into the rows that the step gives.
fn record(plan: &Plan, members: &[MemberRun], arena: &[u32], entries: &[Entry], out: &mut [u32]) {
    for record in &plan.records {
        let Some(row) = entries[record.cadence].row else { continue };
        let out = &mut out[row + record.offset..][..record.words()];
        match &record.gather {
            &Gather::Range { address, count } => {
                out.copy_from_slice(&arena[address..address + count])
            }
            &Gather::Flags { address, count } => {
                let whole = |run: &&MemberRun| run.flags == Some(address..address + count);
                match members.iter().find(whole).and_then(|run| run.events.front()) {
                    Some(events) => packed(out, events),
                    None => {
                        for (k, &flag) in arena[address..address + count].iter().enumerate() {
                            out[k / 32] |= flag << (k % 32);
                        }
                    }
                }
            }
            Gather::List(list) => {
                for (word, &address) in out.iter_mut().zip(list) {
                    *word = arena[address as usize];
                }
            }
            Gather::Host(_) => {}
        }
    }
}

fn apply_input(input: &InputOp, arena: &mut [u32], constants: &[u32], row: &[u32]) {
    let count = input.offsets.len();
    let copied: Vec<u32>;
    let (values, stride) = match input.source {
        Source::Constant { offset, stride } => (&constants[offset..], stride),
        Source::Row { offset, stride } => (&row[offset..], stride),
        Source::Column { address } => {
            copied = arena[address..address + count].to_vec();
            (&copied[..], 1)
        }
    };
    let variable = &mut arena[input.address..];
    apply_at(input.operation, input.kind, variable, &input.offsets, values, stride);
}

/// What the clock feeds to every program in a step.
pub(super) fn clock(plan: &Plan, t0: f64, step: u64) -> [(Feed, u32); 6] {
    let t = t0 + step as f64 * plan.dt;
    [
        (Feed::Time, (t as f32).to_bits()),
        (Feed::Dt, (plan.dt as f32).to_bits()),
        (Feed::Step, step as u32),
        (Feed::StepHigh, (step >> 32) as u32),
        (Feed::TimeHigh, (t as f32).to_bits()),
        (Feed::TimeLow, ((t - f64::from(t as f32)) as f32).to_bits()),
    ]
}

impl Engine for CpuEngine {
    fn chunk_steps(&self) -> usize {
        // the rows of a chunk stay in the second-level cache where that is possible
        let row = self.plan.record_row() + self.plan.input_row;
        ((1 << 18) / (row + 1)).clamp(1, self.steps)
    }

    fn memory(&self) -> Option<u64> {
        let words = self.arena.get().len() + self.accumulators.get().len();
        let rows: usize = self.done.iter().map(Vec::len).sum();
        Some(4 * (words + rows) as u64)
    }

    fn history_words(&self) -> Option<u64> {
        // rows are on the host from the beginning
        None
    }

    fn submit(&mut self, chunk: Chunk) -> Result<usize> {
        if self.stale {
            self.refresh();
        }
        // a chunk whose loops do not end, or are not waited for, leaves the state as it was; of a step that is played in parts
        // it is that of before the first
        if self.may_be_endless && chunk.ops.start == 0 {
            self.before = Some(self.state()?);
        }
        let started = Instant::now();
        self.crew.begins(started);
        let outcome = self.play_chunk(&chunk);
        if let Ok(None) | Err(_) = &outcome
            && let Some(before) = self.before.take()
        {
            self.set_state(&before)?;
        }
        let Some(out) = outcome? else { return Ok(0) };
        let per_step = started.elapsed().as_secs_f64() / chunk.steps as f64;
        let wanted = (CHUNK.as_secs_f64() / per_step.max(1e-9)) as usize;
        self.steps = wanted.clamp(1, (4 * self.steps).min(MOST_STEPS));
        self.next = chunk.next(self.plan.step.len());
        self.done.push_back(out);
        Ok(chunk.steps)
    }

    fn collect(&mut self) -> Result<Option<Rows>> {
        Ok(self.done.pop_front().map(Rows::Host))
    }

    fn finish(&mut self) -> Result<()> {
        self.clear_inputs();
        Ok(())
    }

    fn read(&mut self, range: Range<usize>) -> Result<Vec<u32>> {
        Ok(self.arena.get()[range].to_vec())
    }

    fn read_sums(&mut self, range: Range<usize>) -> Result<Vec<u32>> {
        Ok(self.accumulators.get()[range].to_vec())
    }

    fn write(&mut self, address: usize, words: &[u32]) -> Result<()> {
        self.arena.get_mut()[address..address + words.len()].copy_from_slice(words);
        self.stale = true;
        Ok(())
    }

    fn set_constants(&mut self, constants: &[u32]) -> Result<()> {
        self.constants = constants.to_vec();
        let Self { plan, members, .. } = self;
        members.iter_mut().for_each(|run| run.set_constants(plan, constants));
        Ok(())
    }

    fn state(&mut self) -> Result<State> {
        let runs = self.members.iter().filter(|run| run.history > 1);
        let history = runs.map(|run| {
            let words = packed_words(run.elements);
            let mut rows = vec![0u32; (run.history - 1) * words];
            for (row, events) in rows.chunks_exact_mut(words).zip(run.events.iter().skip(1)) {
                packed(row, events);
            }
            rows
        });
        let history = history.collect();
        let (arena, past) = self.plan.parted(self.arena.get(), self.next);
        Ok(State { step: self.next, arena, history, past })
    }

    fn set_state(&mut self, state: &State) -> Result<()> {
        self.next = state.step;
        self.accumulators.get_mut().fill(0);
        self.arena.get_mut()[..state.arena.len()].copy_from_slice(&self.plan.arena(state));
        let runs = self.members.iter_mut().filter(|run| run.history > 1);
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
        format!("CPU engine ({})", crate::interpreter::instruction_set())
    }
}
