//! Plays a plan on a wgpu device: one chain of dispatches a step, one submission a chunk.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::context::Context;
use super::kernels::{self, Bound, Kernel};
use super::limits::{self, Sizes};
use super::pin::Native;
use super::probe;
use super::spirv;
use super::tables::{self, List, Lists};
use crate::backend::{Chunk, Engine};
use crate::error::Result;
use crate::plan::{Plan, State, packed, packed_words, unpacked};

/// Distance of the clock's records, the alignment that every device accepts for dynamic offsets.
const CLOCK_WORDS: usize = 64;

/// A submission takes about this long at most, so that desktops and watchdogs stay quiet.
const SUBMISSION: Duration = Duration::from_millis(80);

/// Steps of the first chunk; later ones are as long as the time of a submission allows.
const FIRST_STEPS: usize = 16;

pub(crate) struct GpuEngine {
    plan: Arc<Plan>,
    context: Context,
    buffers: Buffers,
    lists: Lists,
    dispatches: Vec<Dispatch>,
    /// Most steps of a chunk, for which the buffers have room, and how many it has at present.
    most_steps: usize,
    steps: usize,
    under_way: VecDeque<UnderWay>,
    free: Vec<wgpu::Buffer>,
    /// Number of the next step, whose delivery reads the list of the step before.
    next: u64,
    stale: bool,
}

struct Buffers {
    clock: wgpu::Buffer,
    arena: wgpu::Buffer,
    sums: wgpu::Buffer,
    values: wgpu::Buffer,
    events: wgpu::Buffer,
    synapses: wgpu::Buffer,
    routes: wgpu::Buffer,
    gathers: wgpu::Buffer,
    rows: wgpu::Buffer,
    /// One for each population.
    tables: Vec<wgpu::Buffer>,
}

struct Dispatch {
    pipeline: wgpu::ComputePipeline,
    bind_group: wgpu::BindGroup,
    groups: [u32; 2],
}

/// A submitted chunk.
struct UnderWay {
    submission: wgpu::SubmissionIndex,
    staging: Option<wgpu::Buffer>,
    steps: usize,
    started: Instant,
}

impl GpuEngine {
    pub(crate) fn new(index: usize, plan: Arc<Plan>) -> Result<Self> {
        let lists = Lists::new(&plan);
        let (synapses, routes) = tables::routes(&plan, &lists);
        let sizes = Sizes::of(&plan, &lists, synapses.len());
        let context = Context::open(index, &sizes)?;
        let storage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
        let buffers = Buffers {
            clock: context.buffer("clock", sizes.steps * CLOCK_WORDS, wgpu::BufferUsages::UNIFORM),
            arena: context.storage("arena", &plan.image),
            sums: context.buffer("sums", sizes.sums, storage),
            values: context.buffer("values", sizes.values, storage),
            events: context.buffer("events", sizes.events, storage),
            synapses: context.storage("synapses", &synapses),
            routes: context.storage("routes", &routes),
            gathers: context.storage("gathers", &tables::gathers(&plan)),
            rows: context.buffer("rows", sizes.rows, storage),
            tables: (0..plan.populations.len())
                .map(|at| context.storage("table", &tables::population(&plan, at, &lists)))
                .collect(),
        };
        context.write(&buffers.values, 0, &plan.constants);
        let native = probe::native(index, &context)?;
        let dispatches = dispatches(&plan, &context, &buffers, native)?;
        context.check()?;
        let mut free = Vec::new();
        if plan.record_row > 0 {
            free.extend((0..2).map(|_| context.staging(sizes.rows)));
        }
        Ok(Self {
            plan,
            context,
            buffers,
            lists,
            dispatches,
            most_steps: sizes.steps,
            steps: sizes.steps.min(FIRST_STEPS),
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
            let Some(stream) = population.spikes() else { continue };
            let base = population.streams[stream].address;
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

    fn write_events(&self, list: List, step: u64, events: &[u32]) {
        let (count, start) = list.of_step(step);
        self.context.write(&self.buffers.events, start, events);
        self.context.write(&self.buffers.events, count, &[events.len() as u32]);
    }

    fn clock_words(&self, chunk: &Chunk) -> Vec<u32> {
        let mut words = vec![0; chunk.steps * CLOCK_WORDS];
        for (k, record) in words.chunks_exact_mut(CLOCK_WORDS).enumerate() {
            let step = chunk.first + k as u64;
            let t = chunk.t0 + step as f64 * self.plan.dt;
            record[..8].copy_from_slice(&[
                (t as f32).to_bits(),
                (self.plan.dt as f32).to_bits(),
                step as u32,
                (step >> 32) as u32,
                self.plan.seed as u32,
                (self.plan.seed >> 32) as u32,
                k as u32,
                u32::from(chunk.starts_run && k == 0),
            ]);
        }
        words
    }
}

/// Pipelines and bind groups of the step, in its order.
fn dispatches(
    plan: &Plan,
    context: &Context,
    buffers: &Buffers,
    native: Native,
) -> Result<Vec<Dispatch>> {
    let mut dispatches = Vec::new();
    if !plan.routes.is_empty() {
        let sources: usize = plan.routes.iter().map(|r| r.indptr.len()).sum();
        // about one spike a workgroup where one source in a thousand fires in a step; a workgroup without a spike costs
        // too
        let groups = [(sources / 1024).clamp(1, 1024) as u32, 1];
        dispatches.push(dispatch(context, &kernels::deliver()?, buffers, 0, groups)?);
    }
    for (at, population) in plan.populations.iter().enumerate() {
        let groups = limits::groups(population.elements);
        dispatches.push(dispatch(
            context,
            &kernels::update(population, native)?,
            buffers,
            at,
            groups,
        )?);
    }
    if plan.record_row > 0 {
        let groups = limits::groups(plan.record_row);
        dispatches.push(dispatch(context, &kernels::record()?, buffers, 0, groups)?);
    }
    Ok(dispatches)
}

fn dispatch(
    context: &Context,
    kernel: &Kernel,
    buffers: &Buffers,
    population: usize,
    groups: [u32; 2],
) -> Result<Dispatch> {
    let Context { device, .. } = context;
    let label = Some(kernel.name.as_str());
    let entry = |binding: usize, ty: wgpu::BufferBindingType, has_dynamic_offset: bool| {
        wgpu::BindGroupLayoutEntry {
            binding: binding as u32,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset, min_binding_size: None },
            count: None,
        }
    };
    let used = used_bindings(&kernel.module);
    let storage: Vec<(usize, Bound)> = kernel
        .bindings
        .iter()
        .enumerate()
        .map(|(k, &bound)| (k + 1, bound))
        .filter(|(k, _)| used.contains(k))
        .collect();
    let mut entries = vec![entry(0, wgpu::BufferBindingType::Uniform, true)];
    entries.extend(storage.iter().map(|&(k, bound)| {
        entry(k, wgpu::BufferBindingType::Storage { read_only: bound.is_read_only() }, false)
    }));
    let scope = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let layout = device
        .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label, entries: &entries });
    let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label,
        bind_group_layouts: &[Some(&layout)],
        immediate_size: 0,
    });
    let module = if context.spirv {
        let numbers: Vec<usize> = entries.iter().map(|e| e.binding as usize).collect();
        let descriptor = wgpu::ShaderModuleDescriptorPassthrough {
            label,
            entry_points: kernel.module.entry_points.iter().map(entry_point).collect(),
            spirv: Some(spirv::words(kernel, &numbers)?.into()),
            ..Default::default()
        };
        // SAFETY: the words are what naga writes for a validated module, with decorations for results of arithmetic
        // instructions, which Vulkan allows there; the bindings are numbered as the layout above numbers them. Accesses of
        // buffers are not checked in it: their addresses come from the plan, which lays out all that it reserves, and from
        // tables made from it.
        unsafe { device.create_shader_module_passthrough(descriptor) }
    } else {
        device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label,
            source: wgpu::ShaderSource::Naga(Cow::Owned(kernel.module.clone())),
        })
    };
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label,
        layout: Some(&pipeline_layout),
        module: &module,
        entry_point: Some("main"),
        compilation_options: Default::default(),
        cache: None,
    });
    let clock = wgpu::BufferBinding {
        buffer: &buffers.clock,
        offset: 0,
        size: wgpu::BufferSize::new(4 * CLOCK_WORDS as u64),
    };
    let mut resources =
        vec![wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(clock) }];
    resources.extend(storage.iter().map(|&(k, bound)| {
        let buffer = match bound {
            Bound::Arena | Bound::ArenaRead => &buffers.arena,
            Bound::Sums => &buffers.sums,
            Bound::Table => &buffers.tables[population],
            Bound::Values => &buffers.values,
            Bound::Events => &buffers.events,
            Bound::Synapses => &buffers.synapses,
            Bound::Routes => &buffers.routes,
            Bound::Gathers => &buffers.gathers,
            Bound::Rows => &buffers.rows,
        };
        wgpu::BindGroupEntry { binding: k as u32, resource: buffer.as_entire_binding() }
    }));
    let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label,
        layout: &layout,
        entries: &resources,
    });
    match pollster::block_on(scope.pop()) {
        None => Ok(Dispatch { pipeline, bind_group, groups }),
        Some(error) => Err(context.error(format!("kernel `{}`: {error}", kernel.name))),
    }
}

fn entry_point(entry: &naga::EntryPoint) -> wgpu::PassthroughShaderEntryPoint<'_> {
    wgpu::PassthroughShaderEntryPoint {
        name: entry.name.as_str().into(),
        workgroup_size: entry.workgroup_size.into(),
    }
}

/// Numbers of the bindings that a module has.
fn used_bindings(module: &naga::Module) -> Vec<usize> {
    let bindings = module.global_variables.iter().filter_map(|(_, g)| g.binding.as_ref());
    bindings.map(|b| b.binding as usize).collect()
}

impl Engine for GpuEngine {
    fn chunk_steps(&self) -> usize {
        self.steps
    }

    fn submit(&mut self, chunk: Chunk) -> Result<()> {
        self.next = chunk.first;
        if self.stale {
            self.refresh()?;
        }
        self.context.write(&self.buffers.clock, 0, &self.clock_words(&chunk));
        self.context.write(&self.buffers.values, self.plan.constants.len(), &chunk.rows);
        let mut encoder = self.context.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            for step in 0..chunk.steps {
                let offset = (4 * step * CLOCK_WORDS) as u32;
                for dispatch in &self.dispatches {
                    pass.set_pipeline(&dispatch.pipeline);
                    pass.set_bind_group(0, &dispatch.bind_group, &[offset]);
                    pass.dispatch_workgroups(dispatch.groups[0], dispatch.groups[1], 1);
                }
            }
        }
        let bytes = 4 * (chunk.steps * self.plan.record_row) as u64;
        let staging = if bytes > 0 { self.free.pop() } else { None };
        if let Some(staging) = &staging {
            encoder.copy_buffer_to_buffer(&self.buffers.rows, 0, staging, 0, bytes);
        }
        let started = Instant::now();
        let submission = self.context.queue.submit([encoder.finish()]);
        if let Some(staging) = &staging {
            staging.map_async(wgpu::MapMode::Read, ..bytes, |_| {});
        }
        self.next = chunk.first + chunk.steps as u64;
        self.under_way.push_back(UnderWay { submission, staging, steps: chunk.steps, started });
        self.context.check()
    }

    fn collect(&mut self) -> Result<Option<Vec<u32>>> {
        let Some(chunk) = self.under_way.pop_front() else { return Ok(None) };
        let rows = match chunk.staging {
            Some(staging) => {
                let words = chunk.steps * self.plan.record_row;
                let rows = self.context.mapped(&staging, words, chunk.submission)?;
                self.free.push(staging);
                rows
            }
            None => {
                let wait = wgpu::PollType::Wait {
                    submission_index: Some(chunk.submission),
                    timeout: None,
                };
                self.context.device.poll(wait).map_err(|e| self.context.error(e.to_string()))?;
                self.context.check()?;
                Vec::new()
            }
        };
        // two chunks are under way at a time, so this one waited for about one other
        let per_step = chunk.started.elapsed().as_secs_f64() / (2 * chunk.steps) as f64;
        let wanted = (SUBMISSION.as_secs_f64() / per_step.max(1e-9)) as usize;
        self.steps = wanted.clamp(1, (2 * self.steps).min(self.most_steps));
        Ok(Some(rows))
    }

    fn finish(&mut self) -> Result<()> {
        let mut encoder = self.context.device.create_command_encoder(&Default::default());
        for population in &self.plan.populations {
            for stream in population.streams.iter().filter(|s| s.cleared) {
                let (offset, size) = (4 * stream.address as u64, 4 * population.elements as u64);
                encoder.clear_buffer(&self.buffers.arena, offset, Some(size));
            }
        }
        self.context.queue.submit([encoder.finish()]);
        self.context.check()
    }

    fn read(&mut self, range: Range<usize>) -> Result<Vec<u32>> {
        self.context.read(&self.buffers.arena, range)
    }

    fn write(&mut self, address: usize, words: &[u32]) -> Result<()> {
        self.context.write(&self.buffers.arena, address, words);
        self.stale = true;
        self.context.check()
    }

    fn state(&mut self) -> Result<State> {
        let arena = self.context.read(&self.buffers.arena, 0..self.plan.image.len())?;
        let lists = if self.plan.histories().next().is_some() { self.lists.words } else { 0 };
        let events = self.context.read(&self.buffers.events, 0..lists)?;
        let mut history = Vec::new();
        for (at, k, member) in self.plan.histories() {
            let Some(list) = self.lists.of_member[at][k] else { continue };
            let words = packed_words(member.elements);
            let mut rows = vec![0u32; (member.history - 1) * words];
            for (age, row) in (2..).zip(rows.chunks_exact_mut(words)) {
                let (count, start) = list.of_step(self.next.wrapping_sub(age));
                packed(row, &events[start..start + events[count] as usize]);
            }
            history.push(rows);
        }
        Ok(State { step: self.next, arena: self.plan.canonical(&arena), history })
    }

    fn set_state(&mut self, state: &State) -> Result<()> {
        self.next = state.step;
        self.context.write(&self.buffers.arena, 0, &state.arena);
        for ((at, k, member), rows) in self.plan.histories().zip(&state.history) {
            let Some(list) = self.lists.of_member[at][k] else { continue };
            for (age, row) in (2..).zip(rows.chunks_exact(packed_words(member.elements))) {
                self.write_events(list, self.next.wrapping_sub(age), &unpacked(row));
            }
        }
        // the last step's flags are in the arena
        self.stale = true;
        self.context.check()
    }

    fn describe(&self) -> String {
        self.context.name.clone()
    }
}
