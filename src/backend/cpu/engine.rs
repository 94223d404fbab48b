//! Executes a plan on the processor.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::constant_folded::ConstantFolded;
use super::deliver::Delivery;
use super::derived_columns::DerivedRun;
use super::kernel::KernelRun;
use super::member::{Arenas, MemberRun};
use super::thread_pool::ThreadPool;
use super::time_blocked::{ChunkSteps, Out, TimeBlocked};
use crate::backend::apply::apply_at;
use crate::backend::{Chunk, ChunkRows, Engine};
use crate::error::Result;
use crate::interpreter::Words;
use crate::model::{ALLOW, ProgramArgument};
use crate::plan::{
    Gather, InputOp, Plan, ScheduleEntry, Source, State, StepOp, packed, packed_words, unpacked,
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
    derived_columns: Vec<DerivedRun>,
    kernels: Vec<KernelRun>,
    pool: ThreadPool,
    folded: Option<ConstantFolded>,
    time_blocked: Option<TimeBlocked>,
    /// Number of the next step.
    next: u64,
    done: VecDeque<Vec<u32>>,
    /// Set where the lists of spikes may not fit the flags in the arena.
    stale: bool,
    /// Whether there are loops that may not end.
    may_be_endless: bool,
    /// What was before the chunk, or the step that is executed in parts: it comes back where loops do not end.
    before: Option<State>,
    /// Most steps of a chunk at present.
    steps: usize,
}

impl CpuEngine {
    pub(crate) fn new(plan: Arc<Plan>, threads: usize) -> Result<Self> {
        let arena = Words::copy(&plan.initial_arena);
        let mut threads = std::thread::available_parallelism().map_or(1, usize::from).min(threads);
        let (members, pool) = loop {
            let mut members = Vec::new();
            for (at, population) in plan.populations.iter().enumerate() {
                for member in 0..population.members.len() {
                    members.push(MemberRun::new(&plan, at, member, threads, arena.get())?);
                }
            }
            let parts = members.iter().map(MemberRun::parts).max().unwrap_or(1);
            let parts = parts.max(Delivery::threads(&plan, threads));
            let pool = ThreadPool::new(parts);
            if pool.threads() == parts {
                break (members, pool);
            }
            // the system gives no more
            threads = pool.threads();
        };
        let delivery = Delivery::new(&plan, pool.threads());
        let accumulators = Words::zeros(plan.accumulators);
        let (next, done) = (0, VecDeque::new());
        let derived_columns =
            plan.derived_columns.iter().map(DerivedRun::new).collect::<Result<_>>()?;
        let kernels = plan.kernels.iter().map(|op| KernelRun::new(op, plan.loop_limit));
        let kernels: Vec<KernelRun> = kernels.collect::<Result<_>>()?;
        let folded = ConstantFolded::new(&plan);
        let time_blocked = TimeBlocked::new(&plan, &members, folded.as_ref());
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
            derived_columns,
            kernels,
            pool,
            folded,
            time_blocked,
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

    fn execute(&mut self, op: StepOp, step: &StepAt<'_>, out: &mut [u32]) -> Result<()> {
        let Self {
            plan,
            constants,
            arena,
            accumulators,
            members,
            delivery,
            derived_columns,
            kernels,
            pool,
            ..
        } = self;
        let (arena, accumulators) = (arena.get_mut(), accumulators.get_mut());
        match op {
            StepOp::Derive(k) => {
                let begins = |sampling: usize| step.entries[sampling].begins;
                derived_columns[k].make(&plan.derived_columns[k], arena, step.clock, &begins);
            }
            StepOp::Input(k) => apply_input(&plan.inputs[k], arena, constants, step.row),
            // the runner calls it between submissions
            StepOp::Call(_) => {}
            StepOp::Deliver(stage) => {
                for input in step.data.iter().filter(|_| stage == 0) {
                    apply_input(input, arena, &[], step.data_row);
                }
                delivery.execute(plan, stage, members, accumulators, pool);
            }
            StepOp::Update(population) => {
                let own = |run: &&MemberRun| run.population == population;
                let parts = members.iter().filter(own).map(MemberRun::parts).max().unwrap_or(0);
                let arenas = Arenas::new(arena, accumulators);
                let work = |k: usize| {
                    for run in members.iter().filter(own) {
                        // SAFETY: each thread has a number of its own, and both arenas are borrowed mutably for the call.
                        unsafe { run.step(k, &arenas, step.clock, step.is_folded, step.stop) };
                    }
                };
                if parts > 1 {
                    pool.run(&work)
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
            StepOp::Kernel(k) => {
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
            StepOp::Record => record(plan, members, arena, step.entries, out),
            StepOp::Clear => match (&self.folded, step.is_folded) {
                (Some(folded), true) => {
                    for &(at, column) in &folded.cleared {
                        let population = &self.plan.populations[at];
                        let start = population.columns[column].address;
                        self.arena.get_mut()[start..][..population.elements].fill(0);
                    }
                }
                _ => self.clear_inputs(),
            },
        }
        Ok(())
    }

    /// Executes a chunk; the rows that it gives, or none where it was cancelled in the midst.
    fn execute_chunk(&mut self, chunk: &Chunk) -> Result<Option<Vec<u32>>> {
        let plan = self.plan.clone();
        let (width, samplings) = (plan.input_row, plan.samplings.len());
        let (data, data_width) = chunk.data.as_ref().map_or((&[][..], 0), |d| (&d.inputs, d.row));
        let mut out = vec![0; chunk.schedule.words];
        let whole = chunk.ops == (0..plan.step.len()) && chunk.data.is_none();
        let folded = self.folded.as_ref().filter(|_| whole).map(|folded| folded.step.clone());
        // what was set before a run counts as input of its first step
        let general = usize::from(chunk.starts_run);
        let blocks = whole && self.time_blocked.is_some() && chunk.steps > general;
        for k in 0..if blocks { general } else { chunk.steps } {
            let folded = folded.as_ref().filter(|_| k >= general);
            let step = StepAt {
                is_folded: folded.is_some(),
                clock: &clock(&plan, chunk.t0, chunk.first + k as u64),
                row: &chunk.rows[k * width..(k + 1) * width],
                data,
                data_row: &chunk.data_rows[k * data_width..(k + 1) * data_width],
                entries: &chunk.schedule.entries[k * samplings..(k + 1) * samplings],
                stop: &chunk.cancelled,
            };
            for &op in folded.map_or(&plan.step[chunk.ops.clone()], |folded| &folded[..]) {
                self.execute(op, &step, &mut out)?;
            }
            self.pool.executed(1);
            if self.may_be_endless && chunk.cancelled.load(Ordering::Relaxed) {
                return Ok(None);
            }
        }
        if blocks {
            self.execute_blocks(chunk, general, &mut out);
        }
        Ok(Some(out))
    }

    /// Executes the steps of a chunk from one on, block by block.
    fn execute_blocks(&mut self, chunk: &Chunk, from: usize, out: &mut [u32]) {
        let Self { plan, constants, arena, accumulators, members, pool, time_blocked, .. } = self;
        let Some(time_blocked) = time_blocked else { return };
        let clocks = (from..chunk.steps).map(|k| clock(plan, chunk.t0, chunk.first + k as u64));
        let clocks: Vec<_> = clocks.collect();
        let taken = time_blocked.untaken();
        let steps = ChunkSteps {
            taken: &taken,
            clocks: &clocks,
            constants,
            rows: &chunk.rows[from * plan.input_row..],
            entries: &chunk.schedule.entries[from * plan.samplings.len()..],
        };
        let (arenas, out) = (Arenas::new(arena.get_mut(), accumulators.get_mut()), Out::new(out));
        // SAFETY: each thread has a number of its own; all are borrowed mutably for the call.
        pool.run(&|k| unsafe { time_blocked.execute(k, plan, members, &steps, &arenas, &out) });
        pool.executed(clocks.len());
        // the lists of spikes were not kept
        self.stale = true;
    }

    fn clear_inputs(&mut self) {
        for population in &self.plan.populations {
            for column in population.columns.iter().filter(|s| s.cleared) {
                self.arena.get_mut()[column.address..][..population.elements].fill(0);
            }
        }
    }
}

/// A step as its operations see it.
struct StepAt<'a> {
    clock: &'a [(ProgramArgument, u32)],
    /// Values of the inputs that change.
    row: &'a [u32],
    /// Inputs that the run brought, and their values.
    data: &'a [InputOp],
    data_row: &'a [u32],
    /// For each sampling.
    entries: &'a [ScheduleEntry],
    /// Whether inputs that are constant are known to the programs.
    is_folded: bool,
    /// Set where loops that take long are not to be waited for.
    stop: &'a AtomicBool,
}

/// Gathers what the monitors record into the rows that the step gives.
fn record(
    plan: &Plan,
    members: &[MemberRun],
    arena: &[u32],
    entries: &[ScheduleEntry],
    out: &mut [u32],
) {
    for record in &plan.records {
        let Some(row) = entries[record.sampling].row else { continue };
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
        Source::Derived { address } => {
            copied = arena[address..address + count].to_vec();
            (&copied[..], 1)
        }
    };
    let variable = &mut arena[input.address..];
    apply_at(input.operation, input.kind, variable, &input.offsets, values, stride);
}

/// What the clock gives every program in a step.
pub(super) fn clock(plan: &Plan, t0: f64, step: u64) -> [(ProgramArgument, u32); 6] {
    let t = t0 + step as f64 * plan.dt;
    [
        (ProgramArgument::Time, (t as f32).to_bits()),
        (ProgramArgument::Dt, (plan.dt as f32).to_bits()),
        (ProgramArgument::Step, step as u32),
        (ProgramArgument::StepHigh, (step >> 32) as u32),
        (ProgramArgument::TimeHigh, (t as f32).to_bits()),
        (ProgramArgument::TimeLow, ((t - f64::from(t as f32)) as f32).to_bits()),
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

    fn recorded_words(&self) -> Option<u64> {
        // rows are on the host from the beginning
        None
    }

    fn submit(&mut self, chunk: Chunk) -> Result<usize> {
        if self.stale {
            self.refresh();
        }
        // a chunk whose loops do not end, or are not waited for, leaves the state as it was; of a step that is executed in parts
        // it is that of before the first
        if self.may_be_endless && chunk.ops.start == 0 {
            self.before = Some(self.state()?);
        }
        let started = Instant::now();
        self.pool.begins(started);
        let outcome = self.execute_chunk(&chunk);
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

    fn collect(&mut self) -> Result<Option<ChunkRows>> {
        Ok(self.done.pop_front().map(ChunkRows::Host))
    }

    fn finish(&mut self) -> Result<()> {
        self.clear_inputs();
        Ok(())
    }

    fn read(&mut self, range: Range<usize>) -> Result<Vec<u32>> {
        Ok(self.arena.get()[range].to_vec())
    }

    fn read_accumulators(&mut self, range: Range<usize>) -> Result<Vec<u32>> {
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
        let runs = self.members.iter().filter(|run| run.spike_history > 1);
        let spike_history = runs.map(|run| {
            let words = packed_words(run.elements);
            let mut rows = vec![0u32; (run.spike_history - 1) * words];
            for (row, events) in rows.chunks_exact_mut(words).zip(run.events.iter().skip(1)) {
                packed(row, events);
            }
            rows
        });
        let spike_history = spike_history.collect();
        let (arena, past) = self.plan.parted(self.arena.get(), self.next);
        Ok(State { step: self.next, arena, spike_history, past })
    }

    fn set_state(&mut self, state: &State) -> Result<()> {
        self.next = state.step;
        self.accumulators.get_mut().fill(0);
        self.arena.get_mut()[..state.arena.len()].copy_from_slice(&self.plan.arena(state));
        let runs = self.members.iter_mut().filter(|run| run.spike_history > 1);
        for (run, rows) in runs.zip(&state.spike_history) {
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
