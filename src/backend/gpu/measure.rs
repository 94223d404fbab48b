//! Measures what a device takes for the parts of a step: some ten milliseconds.

use std::time::{Duration, Instant};

use super::adapters::device_limits;
use super::context::Context;
use super::limits::{MOST_GROUPS, Sizes};
use crate::backend::CostModel;
use crate::error::Result;

/// The kernels, two at most for all measurements: on some devices compiling another takes longer than measuring. Each dispatch
/// waits for the one before. A round is what a network in one workgroup does in each step: words that are read to know where the
/// next one is, and, in `single_workgroup`, barriers.
const TEXT: &str = "
struct Work {
    operations: u32,
    rounds: u32,
    touches: u32,
    stride: u32,
}
override WORKGROUP_SIZE: u32;
@group(0) @binding(0) var<uniform> work: Work;
@group(0) @binding(1) var<storage, read_write> words: array<u32>;
@group(0) @binding(2) var<storage, read_write> counts: array<atomic<u32>>;

fn computed(e: u32) -> f32 {
    var x = f32(e);
    let a = f32(work.stride) + 0.75;
    let b = f32(work.rounds);
    for (var k = 0u; k < work.operations; k++) {
        // no compiler joins these
        x = max(max(max(max(x * a, b) * a, b) * a, b) * a, b);
        x = max(max(max(max(x * a, b) * a, b) * a, b) * a, b);
    }
    return x;
}
fn looked_up(from_: u32) -> u32 {
    var seen = from_;
    for (var k = 0u; k < 4u; k++) {
        seen = 1u + atomicLoad(&counts[seen]);
    }
    return seen;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn per_element(@builtin(global_invocation_id) id: vec3<u32>) {
    for (var k = 0u; k < work.touches; k++) {
        words[id.x + k * work.stride] += 1u;
    }
    var seen = 1u;
    for (var k = 0u; k < work.rounds; k++) {
        seen = looked_up(seen);
    }
    if id.x == 0u || computed(id.x) < 0.0 || seen == 0u {
        atomicAdd(&counts[0], 1u);
    }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn single_workgroup(@builtin(local_invocation_index) lane: u32) {
    var seen = 1u;
    for (var k = 0u; k < work.rounds; k++) {
        seen = looked_up(seen);
        storageBarrier();
        seen = 1u + atomicLoad(&counts[seen]);
        storageBarrier();
    }
    if lane == 0u || computed(lane) < 0.0 || seen == 0u {
        atomicAdd(&counts[0], 1u);
    }
}";

/// What an invocation does.
#[derive(Debug, Clone, Copy, Default)]
struct Work {
    operations: u32,
    rounds: u32,
    touches: u32,
}

/// What is measured: operations, by a loop that counts, compares, multiplies and takes the greater; words that are read and written; rounds.
const OPERATIONS: Work = Work { operations: 64, rounds: 0, touches: 0 };
const PER_OPERATION: f64 = 18.0 * 64.0;
const ROUNDS: Work = Work { operations: 0, rounds: 64, touches: 0 };
const PER_ROUND: f64 = 64.0;
const TOUCHES: Work = Work { operations: 0, rounds: 0, touches: 8 };
const PER_TOUCH: f64 = 2.0 * 8.0;

/// Invocations of a workgroup of `per_element`, and of `single_workgroup` where the device has so many.
const FEW: usize = 32;
const MANY: usize = 512;
/// Workgroups of a dispatch, for which there are words, and dispatches, at most. They grow until they take long enough to be measured.
const GROUPS: u32 = 4096;
const DISPATCHES: u32 = 512;
const MORE: u32 = 4;
const ENOUGH: Duration = Duration::from_micros(50);
/// A workgroup alone that takes less than so many times its share among many has no invocations at work at the same time.
const IN_TURN: f64 = 2.0;
/// Words that a synapse takes: its target, its weight, the sum before and after.
const WORDS_OF_SYNAPSE: f64 = 4.0;
/// What has not been begun by then stays as it is estimated to be: a driver that has to compile the kernels may take long.
const BUDGET: Duration = Duration::from_millis(30);

/// The model of a device.
pub(crate) fn measure(index: usize, prior: CostModel) -> Result<CostModel> {
    let bench = Bench::open(index)?;
    let started = Instant::now();
    let or = |measured: f64, prior: f64| if measured > 0.0 { measured } else { prior };
    let per_element = bench.kernel("per_element", FEW)?;
    let few = FEW as f64;
    let dispatch = per_element.alone(Work::default())?;
    let operation = per_element.among(OPERATIONS)? / (PER_OPERATION * few);
    let serial = (per_element.alone(OPERATIONS)? - dispatch) / PER_OPERATION;
    let small = (per_element.alone(ROUNDS)? - dispatch) / PER_ROUND;
    let word = or(per_element.among(TOUCHES)? / (PER_TOUCH * few), prior.word);
    let model = CostModel {
        dispatch: or(dispatch, prior.dispatch),
        operation: or(operation, prior.operation),
        serial: or(serial, prior.serial),
        word,
        synapse: WORDS_OF_SYNAPSE * word,
        submission: per_element.idle,
        ..prior
    };
    if serial > 0.0 && serial < IN_TURN * few * operation {
        // the invocations of a workgroup take turns, so what one workgroup takes follows from the rest
        let slower = word / prior.word;
        let [round, member] = [prior.round, prior.member].map(|seconds| seconds * slower);
        return Ok(CostModel { shared: operation, round, member, ..model });
    }
    if started.elapsed() > BUDGET {
        return Ok(model);
    }
    let workgroup_size = MANY.min(device_limits(index).invocations);
    let single_workgroup = bench.kernel("single_workgroup", workgroup_size)?;
    let many = workgroup_size as f64;
    let dispatch = single_workgroup.alone(Work::default())?;
    let shared = (single_workgroup.alone(OPERATIONS)? - dispatch) / (PER_OPERATION * many);
    let large = (single_workgroup.alone(ROUNDS)? - dispatch) / PER_ROUND;
    let member = ((large - small) / (many - few).max(1.0)).max(0.0);
    let round = (small - few * member).max(0.0);
    Ok(CostModel { shared: or(shared, prior.shared), round, member, ..model })
}

struct Bench {
    context: Context,
    module: wgpu::ShaderModule,
    work: wgpu::Buffer,
    words: wgpu::Buffer,
    counts: wgpu::Buffer,
}

struct BenchKernel<'a> {
    bench: &'a Bench,
    pipeline: wgpu::ComputePipeline,
    bind_group: wgpu::BindGroup,
    workgroup_size: u32,
    /// Seconds of a submission in which it does nothing.
    idle: f64,
}

impl Bench {
    fn open(index: usize) -> Result<Self> {
        let count = GROUPS as usize * FEW * TOUCHES.touches as usize;
        let context = Context::open(index, &Sizes::small(count))?;
        let work = context.buffer("work", 4, wgpu::BufferUsages::UNIFORM);
        let words = context.buffer("words", count, wgpu::BufferUsages::STORAGE);
        let counts = context.buffer("counts", 2, wgpu::BufferUsages::STORAGE);
        let module = context.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("measure"),
            source: wgpu::ShaderSource::Wgsl(TEXT.into()),
        });
        Ok(Self { context, module, work, words, counts })
    }

    fn kernel(&self, entry: &str, workgroup_size: usize) -> Result<BenchKernel<'_>> {
        let device = &self.context.device;
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(entry),
            layout: None,
            module: &self.module,
            entry_point: Some(entry),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &[("WORKGROUP_SIZE", workgroup_size as f64)],
                ..Default::default()
            },
            cache: None,
        });
        let buffers = [&self.work, &self.words, &self.counts].into_iter().zip(0..);
        // one of the kernels touches no words
        let bound = buffers.filter(|&(_, binding)| binding != 1 || entry == "per_element");
        let entries: Vec<wgpu::BindGroupEntry<'_>> = bound
            .map(|(buffer, binding)| wgpu::BindGroupEntry {
                binding,
                resource: buffer.as_entire_binding(),
            })
            .collect();
        let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(entry),
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        let workgroup_size = workgroup_size as u32;
        let mut kernel =
            BenchKernel { bench: self, pipeline, bind_group, workgroup_size, idle: 0.0 };
        // the first submission may compile
        kernel.seconds(Work::default(), 1, 1)?;
        kernel.idle = kernel.seconds(Work::default(), 1, 1)?;
        Ok(kernel)
    }
}

impl BenchKernel<'_> {
    /// Seconds of a dispatch of one workgroup that waits for the one before.
    fn alone(&self, work: Work) -> Result<f64> {
        self.grown(1, DISPATCHES, |count| self.seconds(work, 1, count))
    }

    /// Seconds of a workgroup among many.
    fn among(&self, work: Work) -> Result<f64> {
        // what touches no words needs no room for them
        let groups = if work.touches > 0 { GROUPS } else { MOST_GROUPS as u32 };
        self.grown(16, GROUPS * DISPATCHES, |count| {
            self.seconds(work, count.min(groups), count.div_ceil(groups))
        })
    }

    /// More and more of something until it takes long enough; then the seconds of one.
    fn grown(&self, first: u32, most: u32, seconds: impl Fn(u32) -> Result<f64>) -> Result<f64> {
        let mut count = first;
        loop {
            let taken = (seconds(count)? - self.idle).max(0.0);
            if taken > ENOUGH.as_secs_f64() || count >= most {
                return Ok(taken / f64::from(count));
            }
            count = (MORE * count).min(most);
        }
    }

    /// Seconds of a submission, the shorter of two.
    fn seconds(&self, work: Work, groups: u32, dispatches: u32) -> Result<f64> {
        let Work { operations, rounds, touches } = work;
        let context = &self.bench.context;
        context.write(
            &self.bench.work,
            0,
            &[operations, rounds, touches, groups * self.workgroup_size],
        );
        let mut shortest = f64::INFINITY;
        for _ in 0..2 {
            let mut encoder = context.device.create_command_encoder(&Default::default());
            {
                let mut pass = encoder.begin_compute_pass(&Default::default());
                pass.set_pipeline(&self.pipeline);
                pass.set_bind_group(0, &self.bind_group, &[]);
                (0..dispatches).for_each(|_| pass.dispatch_workgroups(groups, 1, 1));
            }
            let commands = encoder.finish();
            let start = Instant::now();
            context.wait(context.queue.submit([commands]))?;
            shortest = shortest.min(start.elapsed().as_secs_f64());
        }
        Ok(shortest)
    }
}
