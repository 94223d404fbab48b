//! Pipelines and bind groups of the operations of a step.

use std::borrow::Cow;

use super::agreed::CLOCK_WORDS;
use super::codegen;
use super::context::Context;
use super::descriptors;
use super::kernels::{self, BindingKind, GeneratedKernel, KernelTarget};
use super::limits;
use super::spirv;
use super::steps::{ManySteps, Strategy};
use crate::backend::Data;
use crate::error::Result;
use crate::plan::{DerivedWork, KernelArray, Plan, StepOp};

/// Iterations of an invocation that delivers, at most as far as workgroups allow it: the fewest that a driver is known to limit.
const ITERATIONS: usize = 32_768;

pub(super) struct Buffers {
    pub clock: wgpu::Buffer,
    pub arena: wgpu::Buffer,
    pub accumulators: wgpu::Buffer,
    pub values: wgpu::Buffer,
    pub events: wgpu::Buffer,
    pub synapses: wgpu::Buffer,
    /// One for each stage.
    pub delivery_blocks: Vec<wgpu::Buffer>,
    /// For each population, without and with its inputs.
    pub tables: Vec<[wgpu::Buffer; 2]>,
    pub gathers: wgpu::Buffer,
    pub schedule: wgpu::Buffer,
    pub rows: wgpu::Buffer,
    pub endless: wgpu::Buffer,
}

pub(super) struct Dispatch {
    pub pipeline: wgpu::ComputePipeline,
    pub bind_group: wgpu::BindGroup,
    pub groups: [u32; 3],
}

/// Makes the dispatches of a plan's operations.
pub(super) struct PipelineBuilder<'a> {
    pub plan: &'a Plan,
    pub context: &'a Context,
    pub buffers: &'a Buffers,
    pub target: KernelTarget,
}

impl PipelineBuilder<'_> {
    /// Those that execute many steps.
    pub(super) fn many(&self, steps: &ManySteps, clocks: &wgpu::Buffer) -> Result<Vec<Dispatch>> {
        let Self { plan, context, buffers, target } = *self;
        let update = |at: usize| {
            let kernel = codegen::kernel(steps, plan, at, target)?;
            let recorded = context.storage("recorded", &steps.recorded[at]);
            let own = OwnBindings {
                clock: Some((clocks, steps.clock_words())),
                recorded: Some(&recorded),
                ..OwnBindings::table(&buffers.tables[at][0])
            };
            let groups = match steps.strategy {
                Strategy::SingleWorkgroup(_) => [1, 1, 1],
                _ => target.groups(plan.populations[at].elements),
            };
            dispatch(context, &kernel, buffers, own, groups)
        };
        (0..plan.populations.len()).map(update).collect()
    }

    /// Those of a step whose inputs are applied, and cleared, by the kernels that update.
    pub(super) fn fused(&self) -> Result<Vec<Dispatch>> {
        let mut dispatches = Vec::new();
        for &op in self.plan.step.iter().skip_while(|op| **op != StepOp::Deliver(0)) {
            match op {
                StepOp::Update(at) => dispatches.push(self.update(at, true)?),
                StepOp::Clear => {}
                op => dispatches.extend(self.operation(op)?),
            }
        }
        Ok(dispatches)
    }

    /// Those of the inputs that a run brings, whose rows are in `values`.
    pub(super) fn data(&self, data: &Data, values: &wgpu::Buffer) -> Result<Vec<Dispatch>> {
        let tables = data.inputs.iter().map(|i| (descriptors::data(i, data.row), i.offsets.len()));
        tables.map(|(table, count)| self.input(&table, count, values)).collect()
    }

    /// Those of each operation for itself.
    pub(super) fn separate(&self) -> Result<Vec<Vec<Dispatch>>> {
        self.plan.step.iter().map(|&op| self.operation(op)).collect()
    }

    fn operation(&self, op: StepOp) -> Result<Vec<Dispatch>> {
        let Self { plan, context, buffers, target } = *self;
        Ok(match op {
            StepOp::Derive(k) => {
                let derived_column = &plan.derived_columns[k];
                let kernel = kernels::derived_column(plan, k, target)?;
                let table = context.storage("table", &descriptors::derived_column(derived_column));
                let groups = match &derived_column.work {
                    DerivedWork::Reduce { indptr, .. } => limits::groups(indptr.len() - 1, 1),
                    _ => target.groups(derived_column.words),
                };
                vec![dispatch(context, &kernel, buffers, OwnBindings::table(&table), groups)?]
            }
            StepOp::Input(k) => {
                let input = &plan.inputs[k];
                let (table, count) = (descriptors::input(plan, input), input.offsets.len());
                vec![self.input(&table, count, &buffers.values)?]
            }
            StepOp::Deliver(stage) if !plan.delivery_blocks.is_empty() => {
                let delivery_blocks = || {
                    plan.delivery_blocks
                        .iter()
                        .filter(|delivery_block| delivery_block.stage == stage)
                };
                let replicas = plan.replicas.map_or(1, |replicas| replicas.count);
                let sources: usize = delivery_blocks().map(|r| r.indptr.len() * replicas).sum();
                // each spike of all sources, and the longest row shared by the workgroup size of a workgroup
                let most: usize =
                    delivery_blocks().map(|r| r.sources * replicas * (1 + r.longest() / 64)).sum();
                // about one spike a workgroup where one source in a thousand fires in a step; a workgroup without a
                // spike costs too; and where all fire, no invocation is to go round its loops too often
                let groups = (sources / 1024).max(most / ITERATIONS).clamp(1, 1024);
                let groups = [groups as u32, 1, 1];
                let own = OwnBindings::table(&buffers.delivery_blocks[stage]);
                let kernel = kernels::deliver(plan, stage, target)?;
                vec![dispatch(context, &kernel, buffers, own, groups)?]
            }
            StepOp::Update(at) => vec![self.update(at, false)?],
            StepOp::Kernel(k) => self.kernel(k)?,
            StepOp::Record => {
                let groups = target.groups(plan.record_row());
                let kernel = kernels::record(plan, target)?;
                vec![dispatch(context, &kernel, buffers, OwnBindings::default(), groups)?]
            }
            StepOp::Clear => {
                let mut dispatches = Vec::new();
                for population in &plan.populations {
                    for column in population.columns.iter().filter(|s| s.cleared) {
                        let table = descriptors::clear(column, population.elements);
                        dispatches.push(self.input(
                            &table,
                            population.elements,
                            &buffers.values,
                        )?);
                    }
                }
                dispatches
            }
            // the runner calls it between submissions
            StepOp::Call(_) | StepOp::Deliver(_) => Vec::new(),
        })
    }

    fn update(&self, at: usize, with_inputs: bool) -> Result<Dispatch> {
        let kernel = kernels::update(self.plan, at, with_inputs, self.target)?;
        let groups = self.target.groups(self.plan.populations[at].elements);
        let own = OwnBindings::table(&self.buffers.tables[at][usize::from(with_inputs)]);
        dispatch(self.context, &kernel, self.buffers, own, groups)
    }

    /// A kernel works on arrays of its own: what it reads is brought there, what it writes is brought back; replica by replica.
    fn kernel(&self, k: usize) -> Result<Vec<Dispatch>> {
        let Self { plan, context, buffers, target } = *self;
        let op = &plan.kernels[k];
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
        let arrays = op.arrays.iter().map(|&KernelArray { words, .. }| OwnArray {
            buffer: context.buffer("array", words, usage),
            words,
        });
        let arrays: Vec<OwnArray> = arrays.collect();
        let kernel = Compiled::new(context, &kernels::kernel(plan, k, target)?)?;
        let exchange = Compiled::new(context, &kernels::exchange(target)?)?;
        let moved = |k: usize, replica: usize, back: bool| {
            let array = &op.arrays[k];
            let table = context.storage("table", &descriptors::exchange(array, replica, back));
            let own = OwnBindings { arrays: &arrays[k..=k], ..OwnBindings::table(&table) };
            exchange.dispatch(context, buffers, own, target.groups(array.words))
        };
        let written = || (0..arrays.len()).filter(|&k| op.arrays[k].writable);
        let mut dispatches = Vec::new();
        for (replica, key) in op.keys.iter().enumerate() {
            for k in 0..arrays.len() {
                dispatches.push(moved(k, replica, false)?);
            }
            let table = context.storage("table", key);
            let own = OwnBindings { arrays: &arrays, ..OwnBindings::table(&table) };
            dispatches.push(kernel.dispatch(context, buffers, own, op.workgroups)?);
            for k in written() {
                dispatches.push(moved(k, replica, true)?);
            }
        }
        Ok(dispatches)
    }

    fn input(&self, table: &[u32], count: usize, values: &wgpu::Buffer) -> Result<Dispatch> {
        let table = self.context.storage("table", table);
        let kernel = kernels::input(self.target)?;
        let own = OwnBindings { values: Some(values), ..OwnBindings::table(&table) };
        dispatch(self.context, &kernel, self.buffers, own, self.target.groups(count))
    }
}

/// Buffers that are a kernel's own.
#[derive(Default)]
struct OwnBindings<'a> {
    /// With the words of a record.
    clock: Option<(&'a wgpu::Buffer, usize)>,
    table: Option<&'a wgpu::Buffer>,
    recorded: Option<&'a wgpu::Buffer>,
    values: Option<&'a wgpu::Buffer>,
    arrays: &'a [OwnArray],
}

/// An array of a user's kernel.
struct OwnArray {
    buffer: wgpu::Buffer,
    words: usize,
}

impl<'a> OwnBindings<'a> {
    fn table(table: &'a wgpu::Buffer) -> Self {
        Self { table: Some(table), ..Self::default() }
    }
}

/// A kernel with what it is bound to.
fn dispatch(
    context: &Context,
    kernel: &GeneratedKernel,
    buffers: &Buffers,
    own: OwnBindings<'_>,
    groups: [u32; 3],
) -> Result<Dispatch> {
    Compiled::new(context, kernel)?.dispatch(context, buffers, own, groups)
}

/// A kernel that can be bound to several sets of buffers.
struct Compiled {
    name: String,
    pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
    /// The bindings that it uses, by their numbers.
    storage: Vec<(usize, BindingKind)>,
}

impl Compiled {
    fn new(context: &Context, kernel: &GeneratedKernel) -> Result<Self> {
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
        let numbered = kernel.bindings.iter().enumerate().map(|(k, &bound)| (k + 1, bound));
        let storage: Vec<(usize, BindingKind)> =
            numbered.filter(|(k, _)| used.contains(k)).collect();
        let mut entries = vec![entry(0, wgpu::BufferBindingType::Uniform, true)];
        entries.extend(storage.iter().map(|&(k, bound)| {
            let ty = match bound {
                BindingKind::UniformTable | BindingKind::UniformDeliveryBlocks => {
                    wgpu::BufferBindingType::Uniform
                }
                bound => wgpu::BufferBindingType::Storage { read_only: bound.is_read_only() },
            };
            entry(k, ty, false)
        }));
        let scope = device.push_error_scope(wgpu::ErrorFilter::Validation);
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label,
            entries: &entries,
        });
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
            // buffers are not checked in it, but for users' kernels: their addresses come from the plan, which lays out all
            // that it reserves, and from tables made from it.
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
        match pollster::block_on(scope.pop()) {
            None => Ok(Self { name: kernel.name.clone(), pipeline, layout, storage }),
            Some(error) => Err(context.error(format!("kernel `{}`: {error}", kernel.name))),
        }
    }

    fn dispatch(
        &self,
        context: &Context,
        buffers: &Buffers,
        own: OwnBindings<'_>,
        groups: [u32; 3],
    ) -> Result<Dispatch> {
        let Self { name, pipeline, layout, storage } = self;
        let whole = |buffer| wgpu::BufferBinding { buffer, offset: 0, size: None };
        let words = |buffer, words: usize| wgpu::BufferBinding {
            size: wgpu::BufferSize::new(4 * words as u64),
            ..whole(buffer)
        };
        let (clock, record) = own.clock.unwrap_or((&buffers.clock, CLOCK_WORDS));
        let clock = words(clock, record);
        let bound = storage.iter().map(|&(k, bound)| {
            let binding = match bound {
                BindingKind::Arena | BindingKind::ArenaRead => whole(&buffers.arena),
                BindingKind::Accumulators => whole(&buffers.accumulators),
                // every kernel with a table is given one
                BindingKind::Table | BindingKind::UniformTable => {
                    whole(own.table.unwrap_or(&buffers.clock))
                }
                BindingKind::DeliveryBlocks | BindingKind::UniformDeliveryBlocks => {
                    whole(&buffers.delivery_blocks[0])
                }
                BindingKind::Values => whole(own.values.unwrap_or(&buffers.values)),
                BindingKind::Events => whole(&buffers.events),
                BindingKind::Synapses => whole(&buffers.synapses),
                BindingKind::Gathers => whole(&buffers.gathers),
                BindingKind::Recorded => whole(own.recorded.unwrap_or(&buffers.gathers)),
                BindingKind::Schedule => whole(&buffers.schedule),
                BindingKind::Rows => whole(&buffers.rows),
                BindingKind::Endless => whole(&buffers.endless),
                // a kernel may ask for the length
                BindingKind::Array { at, .. } => {
                    words(&own.arrays[at].buffer, own.arrays[at].words)
                }
            };
            (k, binding)
        });
        let entries: Vec<wgpu::BindGroupEntry<'_>> = std::iter::once((0, clock))
            .chain(bound)
            .map(|(k, binding)| wgpu::BindGroupEntry {
                binding: k as u32,
                resource: wgpu::BindingResource::Buffer(binding),
            })
            .collect();
        let scope = context.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let descriptor =
            wgpu::BindGroupDescriptor { label: Some(name.as_str()), layout, entries: &entries };
        let bind_group = context.device.create_bind_group(&descriptor);
        match pollster::block_on(scope.pop()) {
            None => Ok(Dispatch { pipeline: pipeline.clone(), bind_group, groups }),
            Some(error) => Err(context.error(format!("kernel `{name}`: {error}"))),
        }
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
