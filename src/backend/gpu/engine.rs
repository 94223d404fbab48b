//! Executes a plan on a wgpu device: one chain of dispatches a step, one submission a chunk.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::adapters::device_limits;
use super::agreed::{CLOCK_USED, CLOCK_WORDS};
use super::capability;
use super::context::Context;
use super::descriptors::{self, List, Lists};
use super::dispatch::{Buffers, Dispatch, PipelineBuilder};
use super::kernels::KernelTarget;
use super::launch::LaunchConfig;
use super::limits::{self, Sizes};
use super::loops;
use super::steps::ManySteps;
use crate::backend::{Chunk, ChunkRows, CostModel, Data, DeviceRows, Engine};
use crate::error::Result;
use crate::limits::deep;
use crate::plan::{Plan, State, StepOp, packed, packed_words, unpacked};

/// A submission takes about this long at most, so that desktops and watchdogs stay quiet.
const SUBMISSION: Duration = Duration::from_millis(80);

/// What the first chunk is to take, as far as the cost model knows, which may be far off; later ones are as long as a submission may
/// take.
const FIRST: Duration = Duration::from_millis(2);

pub(crate) struct GpuEngine {
    plan: Arc<Plan>,
    context: Arc<Context>,
    buffers: Buffers,
    lists: Lists,
    target: KernelTarget,
    /// How the plan is executed, for people.
    manner: String,
    /// Those of many steps.
    many: Option<Many>,
    /// What was before the step, or the chunk, where it may have loops that do not end.
    before: Option<Before>,
    /// The dispatches of a step in which inputs are part of the update; empty where that cannot be.
    fused: Vec<Dispatch>,
    /// Those of each operation, made when they are needed first.
    separate: Vec<Vec<Dispatch>>,
    /// The inputs that the last run brought.
    data: Option<DataDispatches>,
    /// Most steps of a chunk, for which the buffers have room, and how many it has at present.
    most_steps: usize,
    steps: usize,
    under_way: VecDeque<UnderWay>,
    free: Vec<wgpu::Buffer>,
    /// Number of the next step, whose delivery reads the list of the step before.
    next: u64,
    stale: bool,
}

/// Inputs that a run brings.
struct DataDispatches {
    data: Arc<Data>,
    values: wgpu::Buffer,
    dispatches: Vec<Dispatch>,
}

/// Dispatches that execute many steps each.
struct Many {
    steps: ManySteps,
    clocks: wgpu::Buffer,
    dispatches: Vec<Dispatch>,
}

/// What a chunk began with, but for the step: the arena and the lists of spikes.
struct Before {
    arena: wgpu::Buffer,
    events: wgpu::Buffer,
}

/// A submitted chunk.
struct UnderWay {
    submission: wgpu::SubmissionIndex,
    rows: Pending,
    steps: usize,
    started: Instant,
    /// Whether it had to wait for another.
    behind: bool,
}

/// Where the rows of a submitted chunk are.
enum Pending {
    Nowhere,
    Mapped { staging: wgpu::Buffer, words: usize },
    Kept(KeptRows),
}

/// Rows in a buffer of the device.
#[derive(Debug)]
struct KeptRows {
    context: Arc<Context>,
    buffer: wgpu::Buffer,
    words: usize,
}

impl DeviceRows for KeptRows {
    fn fetch(&self) -> Result<Vec<u32>> {
        self.context.read(&self.buffer, 0..self.words)
    }
}

impl Many {
    /// For chunks of so many steps at most.
    fn new(context: &Context, most_steps: usize, steps: ManySteps) -> Self {
        let words = most_steps.div_ceil(steps.most) * steps.clock_words();
        let clocks = context.buffer("clocks", words, wgpu::BufferUsages::UNIFORM);
        Self { steps, clocks, dispatches: Vec::new() }
    }
}

impl GpuEngine {
    /// For a device of that model.
    pub(crate) fn new(index: usize, plan: Arc<Plan>, model: &CostModel) -> Result<Self> {
        let launch = LaunchConfig::of(&plan, model, device_limits(index));
        Self::shaped(index, plan, launch)
    }

    /// With dispatches and workgroups of that launch.
    pub(super) fn shaped(index: usize, plan: Arc<Plan>, launch: LaunchConfig) -> Result<Self> {
        let lists = Lists::new(&plan);
        let (synapses, delivery_blocks) = descriptors::delivery_blocks(&plan, &lists);
        let delivery_blocks = delivery_blocks.into_iter();
        let sizes = Sizes::of(&plan, &lists, synapses.len(), launch.steps.is_some());
        let context = Arc::new(Context::open(index, &sizes)?);
        let device_limits = device_limits(index);
        limits::check_sums(&plan, &context.name, device_limits.iterations)?;
        let storage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
        let uniform = |label: &str, words: &[u32]| {
            let usage = storage | wgpu::BufferUsages::UNIFORM;
            let buffer = context.buffer(label, words.len(), usage);
            context.write(&buffer, 0, words);
            buffer
        };
        let table = |at: usize| {
            let words = |inputs: bool| descriptors::population(&plan, at, &lists, inputs);
            [false, true].map(|inputs| uniform("table", &words(inputs)))
        };
        let buffers = Buffers {
            clock: context.buffer("clock", sizes.steps * CLOCK_WORDS, wgpu::BufferUsages::UNIFORM),
            arena: context.storage("arena", &plan.initial_arena),
            accumulators: context.buffer("accumulators", sizes.accumulators, storage),
            values: context.buffer("values", sizes.values, storage),
            events: context.buffer("events", sizes.events, storage),
            synapses: context.storage("synapses", &synapses),
            delivery_blocks: delivery_blocks
                .map(|table| uniform("delivery_blocks", &table))
                .collect(),
            tables: (0..plan.populations.len()).map(table).collect(),
            gathers: context.storage("gathers", &descriptors::gathers(&plan)),
            schedule: context.buffer("schedule", sizes.schedule, storage),
            rows: context.buffer("rows", sizes.rows, storage),
            endless: context.buffer("endless", loops::words(&plan), storage),
        };
        let before = loops::counted(&plan, device_limits).then(|| Before {
            arena: context.buffer("arena before", sizes.arena, wgpu::BufferUsages::COPY_SRC),
            events: context.buffer("events before", sizes.events, wgpu::BufferUsages::COPY_SRC),
        });
        context.write(&buffers.values, 0, &plan.constants);
        let target = KernelTarget {
            exact: capability::exact(index, &context)?,
            workgroup_size: launch.workgroup_size,
            device_limits,
        };
        let pipelines =
            PipelineBuilder { plan: &plan, context: &context, buffers: &buffers, target };
        let (mut fused, mut separate) = (Vec::new(), Vec::new());
        let (manner, seconds) = (launch.to_string(), launch.seconds);
        let mut many = launch.steps.map(|steps| Many::new(&context, sizes.steps, steps));
        match &mut many {
            Some(Many { steps, clocks, dispatches }) => {
                *dispatches = pipelines.many(steps, clocks)?
            }
            None if plan.fused() => fused = pipelines.fused()?,
            None => separate = pipelines.separate()?,
        }
        context.check()?;
        let first = FIRST.as_secs_f64() / seconds.max(1e-9);
        let mut free = Vec::new();
        if plan.record_row() > 0 {
            free.extend((0..2).map(|_| context.staging(sizes.rows)));
        }
        Ok(Self {
            plan,
            context,
            buffers,
            lists,
            target,
            manner,
            many,
            before,
            fused,
            separate,
            data: None,
            most_steps: sizes.steps,
            steps: (first as usize).clamp(1, sizes.steps),
            under_way: VecDeque::new(),
            free,
            next: 0,
            stale: false,
        })
    }

    /// Writes the lists of spikes anew from the flags in the arena, after these were written from outside.
    fn refresh(&mut self) -> Result<()> {
        let last = self.next.wrapping_sub(1);
        for at in 0..self.plan.populations.len() {
            let population = &self.plan.populations[at];
            let Some(column) = population.spikes() else { continue };
            let base = population.columns[column].address;
            for (k, member) in population.members.iter().enumerate() {
                let Some(list) = self.lists.of_member[at][k] else { continue };
                let start = base + member.start;
                let flags =
                    self.context.read(&self.buffers.arena, start..start + member.elements)?;
                let events: Vec<u32> =
                    (0..).zip(&flags).filter(|(_, f)| **f != 0).map(|(e, _)| e).collect();
                self.write_events(list, last, &events);
            }
        }
        self.stale = false;
        Ok(())
    }

    /// Writes parameters that are the same for all elements to the tables, too: these words of the arena from an address on.
    fn tell_tables(&self, address: usize, words: &[u32]) {
        for (at, population) in self.plan.populations.iter().enumerate() {
            for (k, member) in population.members.iter().enumerate() {
                for (place, p) in member.places.iter().enumerate() {
                    let within = (address..address + words.len()).contains(&p.address);
                    if within && population.uniform_rank(place).is_some() {
                        let word = descriptors::place_word(&self.plan, at, k, place);
                        let value = &words[p.address - address..][..1];
                        for table in &self.buffers.tables[at] {
                            self.context.write(table, word, value);
                        }
                    }
                }
            }
        }
    }

    fn write_events(&self, list: List, step: u64, events: &[u32]) {
        let (count, start) = list.of_step(step);
        self.context.write(&self.buffers.events, start, events);
        self.context.write(&self.buffers.events, count, &[events.len() as u32]);
    }

    /// Whether a chunk's operations are dispatched each for itself; makes what that takes.
    fn separately(&mut self, chunk: &Chunk) -> Result<bool> {
        let whole = chunk.ops == (0..self.plan.step.len()) && chunk.data.is_none();
        let separately = !whole || !self.plan.fused();
        let Self { plan, context, buffers, target, .. } = self;
        let pipelines = PipelineBuilder { plan, context, buffers, target: *target };
        if separately && self.separate.is_empty() {
            self.separate = deep(|| pipelines.separate())?;
        }
        if let Some(data) = &chunk.data
            && !self.data.as_ref().is_some_and(|known| known.data == *data)
        {
            let words = self.most_steps.min(data.chunk_steps()) * data.row;
            let values = context.buffer("data", words, wgpu::BufferUsages::STORAGE);
            let dispatches = pipelines.data(data, &values)?;
            self.data = Some(DataDispatches { data: data.clone(), values, dispatches });
        }
        Ok(separately)
    }

    /// Waits for a chunk, and puts back what was before it where a loop did not end.
    fn check_loops(&self, before: &Before) -> Result<()> {
        let Buffers { arena, events, accumulators, endless, .. } = &self.buffers;
        let words = self.context.read(endless, 0..loops::words(&self.plan))?;
        if words.iter().all(|&word| word == 0) {
            return Ok(());
        }
        let error = loops::error(&self.plan, self.target.device_limits, &words);
        let error = error
            .unwrap_or_else(|| self.context.error("a loop did not end, which none is known to be"));
        let mut encoder = self.context.device.create_command_encoder(&Default::default());
        copy(&mut encoder, &before.arena, arena);
        copy(&mut encoder, &before.events, events);
        encoder.clear_buffer(accumulators, 0, None);
        encoder.clear_buffer(endless, 0, None);
        self.context.queue.submit([encoder.finish()]);
        self.context.check()?;
        Err(error)
    }

    /// What each step of a chunk knows of time.
    fn clock(&self, chunk: &Chunk, separately: bool) -> impl Iterator<Item = [u32; CLOCK_USED]> {
        let dt = self.plan.dt;
        let (first, t0, starts_run) = (chunk.first, chunk.t0, chunk.starts_run);
        (0..chunk.steps).map(move |k| {
            let step = first + k as u64;
            let t = t0 + step as f64 * dt;
            [
                (t as f32).to_bits(),
                (dt as f32).to_bits(),
                step as u32,
                (step >> 32) as u32,
                k as u32,
                // where operations are separate, inputs are cleared at the end of a step
                u32::from(separately || starts_run && k == 0),
                0,
                (t as f32).to_bits(),
                ((t - f64::from(t as f32)) as f32).to_bits(),
            ]
        })
    }
}

fn copy(encoder: &mut wgpu::CommandEncoder, from: &wgpu::Buffer, to: &wgpu::Buffer) {
    encoder.copy_buffer_to_buffer(from, 0, to, 0, from.size());
}

impl Engine for GpuEngine {
    fn chunk_steps(&self) -> usize {
        self.steps
    }

    fn memory(&self) -> Option<u64> {
        self.context.device.generate_allocator_report().map(|report| report.total_allocated_bytes)
    }

    fn recorded_words(&self) -> Option<u64> {
        Some(self.context.most_bytes / 4)
    }

    fn submit(&mut self, chunk: Chunk) -> Result<usize> {
        self.next = chunk.first;
        if self.stale {
            self.refresh()?;
        }
        let separately = self.separately(&chunk)?;
        let clock = self.clock(&chunk, separately);
        let many = self.many.as_ref().filter(|_| !separately);
        match many {
            Some(Many { steps, clocks, .. }) => {
                self.context.write(clocks, 0, &steps.clocks(&chunk, clock));
            }
            None => {
                let mut words = vec![0; chunk.steps * CLOCK_WORDS];
                for (record, used) in words.chunks_exact_mut(CLOCK_WORDS).zip(clock) {
                    record[..CLOCK_USED].copy_from_slice(&used);
                }
                self.context.write(&self.buffers.clock, 0, &words);
            }
        }
        self.context.write(&self.buffers.values, self.plan.constants.len(), &chunk.rows);
        if let Some(data) = &self.data {
            self.context.write(&data.values, 0, &chunk.data_rows);
        }
        let entries = chunk.schedule.entries.iter();
        let schedule: Vec<u32> = entries
            .flat_map(|entry| [entry.row.map_or(0, |row| row as u32 + 1), u32::from(entry.begins)])
            .collect();
        self.context.write(&self.buffers.schedule, 0, &schedule);
        let dispatches: Vec<&Dispatch> = match separately {
            true => {
                let data = self.data.as_ref().filter(|_| chunk.data.is_some());
                let before =
                    |op: StepOp| data.filter(|_| op == StepOp::Deliver(0)).map(|d| &d.dispatches);
                let ops = chunk.ops.clone().map(|k| (self.plan.step[k], &self.separate[k]));
                ops.flat_map(|(op, own)| before(op).into_iter().flatten().chain(own)).collect()
            }
            false => many.map_or(&self.fused, |many| &many.dispatches).iter().collect(),
        };
        let mut encoder = self.context.device.create_command_encoder(&Default::default());
        if let Some(Before { arena, events }) = &self.before
            && chunk.ops.start == 0
        {
            copy(&mut encoder, &self.buffers.arena, arena);
            copy(&mut encoder, &self.buffers.events, events);
        }
        if many.is_some_and(|many| many.steps.has_flags()) {
            encoder.clear_buffer(&self.buffers.rows, 0, Some(4 * chunk.schedule.words as u64));
        }
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            let (count, words) = match many {
                Some(many) => (chunk.steps.div_ceil(many.steps.most), many.steps.clock_words()),
                None => (chunk.steps, CLOCK_WORDS),
            };
            for k in 0..count {
                let offset = (4 * k * words) as u32;
                for dispatch in &dispatches {
                    pass.set_pipeline(&dispatch.pipeline);
                    pass.set_bind_group(0, &dispatch.bind_group, &[offset]);
                    let [x, y, z] = dispatch.groups;
                    pass.dispatch_workgroups(x, y, z);
                }
            }
        }
        let recorded = self.plan.step[chunk.ops.clone()].contains(&StepOp::Record);
        let words = if recorded { chunk.schedule.words } else { 0 };
        let rows = match (words, chunk.keep) {
            (0, _) => Pending::Nowhere,
            (words, true) => {
                let buffer =
                    self.context.buffer("spike_history", words, wgpu::BufferUsages::COPY_SRC);
                Pending::Kept(KeptRows { context: self.context.clone(), buffer, words })
            }
            (words, false) => {
                let room = (self.buffers.rows.size() / 4) as usize;
                let staging = self.free.pop().unwrap_or_else(|| self.context.staging(room));
                Pending::Mapped { staging, words }
            }
        };
        if let Pending::Kept(KeptRows { buffer, .. }) | Pending::Mapped { staging: buffer, .. } =
            &rows
        {
            encoder.copy_buffer_to_buffer(&self.buffers.rows, 0, buffer, 0, 4 * words as u64);
        }
        let started = Instant::now();
        let submission = self.context.queue.submit([encoder.finish()]);
        if let Pending::Mapped { staging, .. } = &rows {
            staging.map_async(wgpu::MapMode::Read, ..4 * words as u64, |_| {});
        }
        if let Some(before) = &self.before {
            self.check_loops(before)?;
        }
        self.next = chunk.next(self.plan.step.len());
        let behind = !self.under_way.is_empty();
        self.under_way.push_back(UnderWay {
            submission,
            rows,
            steps: chunk.steps,
            started,
            behind,
        });
        self.context.check().map(|()| chunk.steps)
    }

    fn collect(&mut self) -> Result<Option<ChunkRows>> {
        let Some(chunk) = self.under_way.pop_front() else { return Ok(None) };
        let rows = match chunk.rows {
            Pending::Mapped { staging, words } => {
                let rows = self.context.mapped(&staging, words, chunk.submission)?;
                self.free.push(staging);
                ChunkRows::Host(rows)
            }
            Pending::Nowhere => {
                self.context.wait(chunk.submission)?;
                ChunkRows::Host(Vec::new())
            }
            Pending::Kept(rows) => {
                self.context.wait(chunk.submission)?;
                ChunkRows::Device(Arc::new(rows))
            }
        };
        // one that waited for another took about half of the time
        let chunks = 1 + usize::from(chunk.behind);
        let per_step = chunk.started.elapsed().as_secs_f64() / (chunks * chunk.steps) as f64;
        let wanted = (SUBMISSION.as_secs_f64() / per_step.max(1e-9)) as usize;
        self.steps = wanted.clamp(1, (2 * self.steps).min(self.most_steps));
        Ok(Some(rows))
    }

    fn finish(&mut self) -> Result<()> {
        let mut encoder = self.context.device.create_command_encoder(&Default::default());
        for population in &self.plan.populations {
            for column in population.columns.iter().filter(|s| s.cleared) {
                let (offset, size) = (4 * column.address as u64, 4 * population.elements as u64);
                encoder.clear_buffer(&self.buffers.arena, offset, Some(size));
            }
        }
        self.context.queue.submit([encoder.finish()]);
        self.context.check()
    }

    fn read(&mut self, range: Range<usize>) -> Result<Vec<u32>> {
        self.context.read(&self.buffers.arena, range)
    }

    fn read_accumulators(&mut self, range: Range<usize>) -> Result<Vec<u32>> {
        self.context.read(&self.buffers.accumulators, range)
    }

    fn write(&mut self, address: usize, words: &[u32]) -> Result<()> {
        self.context.write(&self.buffers.arena, address, words);
        self.tell_tables(address, words);
        self.stale = true;
        self.context.check()
    }

    fn set_constants(&mut self, constants: &[u32]) -> Result<()> {
        self.context.write(&self.buffers.values, 0, constants);
        for (at, population) in self.plan.populations.iter().enumerate() {
            for member in 0..population.members.len() {
                let (word, accumulators) =
                    descriptors::constant_sums(&self.plan, at, member, constants);
                for table in &self.buffers.tables[at] {
                    self.context.write(table, word, &accumulators);
                }
            }
        }
        self.context.check()
    }

    fn state(&mut self) -> Result<State> {
        let arena = self.context.read(&self.buffers.arena, 0..self.plan.initial_arena.len())?;
        let lists = if self.plan.spike_histories().next().is_some() { self.lists.words } else { 0 };
        let events = self.context.read(&self.buffers.events, 0..lists)?;
        let mut spike_history = Vec::new();
        for (at, k, member) in self.plan.spike_histories() {
            let Some(list) = self.lists.of_member[at][k] else { continue };
            let words = packed_words(member.elements);
            let mut rows = vec![0u32; (member.spike_history - 1) * words];
            for (lag, row) in (2..).zip(rows.chunks_exact_mut(words)) {
                let (count, start) = list.of_step(self.next.wrapping_sub(lag));
                // a device that was lost may have left anything there
                let listed = (events[count] as usize).min(list.elements);
                packed(row, &events[start..start + listed]);
            }
            spike_history.push(rows);
        }
        let (arena, past) = self.plan.parted(&arena, self.next);
        Ok(State { step: self.next, arena, spike_history, past })
    }

    fn set_state(&mut self, state: &State) -> Result<()> {
        self.next = state.step;
        let mut encoder = self.context.device.create_command_encoder(&Default::default());
        encoder.clear_buffer(&self.buffers.accumulators, 0, None);
        self.context.queue.submit([encoder.finish()]);
        let arena = self.plan.arena(state);
        self.context.write(&self.buffers.arena, 0, &arena);
        self.tell_tables(0, &arena);
        for ((at, k, member), rows) in self.plan.spike_histories().zip(&state.spike_history) {
            let Some(list) = self.lists.of_member[at][k] else { continue };
            for (lag, row) in (2..).zip(rows.chunks_exact(packed_words(member.elements))) {
                self.write_events(list, self.next.wrapping_sub(lag), &unpacked(row));
            }
        }
        // the last step's flags are in the arena
        self.stale = true;
        self.context.check()
    }

    fn describe(&self) -> String {
        self.context.name.clone()
    }

    fn manner(&self) -> Option<&str> {
        Some(&self.manner)
    }
}
