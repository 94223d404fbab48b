//! Measures what a device takes for the parts of a step: some ten milliseconds.

use std::time::Instant;

use super::context::Context;
use super::limits::Sizes;
use crate::choice::CostModel;
use crate::error::Result;

/// The kernels. `words[0]` counts the dispatches of `chain`, so that each waits for the one before.
const TEXT: &str = "
@group(0) @binding(0) var<storage, read_write> words: array<u32>;
@compute @workgroup_size(1)
fn chain() {
    words[0] += 1u;
}
@compute @workgroup_size(64)
fn operations(@builtin(global_invocation_id) id: vec3<u32>) {
    var x = f32(id.x);
    for (var k = 0u; k < 256u; k++) {
        x = x * 0.75 + 1.0;
    }
    if x < 0.0 {
        words[1] = 1u;
    }
}
@compute @workgroup_size(64)
fn touch(@builtin(global_invocation_id) id: vec3<u32>) {
    words[2u + id.x] += 1u;
}";

/// Operations of an invocation of `operations`: its loop counts, compares, multiplies and adds.
const OPERATIONS: f64 = 4.0 * 256.0;
const LANES: usize = 64;
/// Workgroups and dispatches at most, and how much more is tried each time until a submission takes long enough to be measured.
const MOST: [u32; 2] = [32_768, 512];
const MORE: u32 = 4;
const ENOUGH: f64 = 2e-4;
/// Words that a synapse takes: its target, its weight, the sum before and after.
const WORDS_OF_SYNAPSE: f64 = 4.0;

/// The model of a device.
pub(crate) fn measure(index: usize, believed: CostModel) -> Result<CostModel> {
    let bench = Bench::open(index)?;
    let chain = bench.kernel("chain");
    let submission = bench.seconds(&chain, 1, 1)?;
    let above = |seconds: f64| (seconds - submission).max(0.0);
    let dispatches = |kernel: &Kernel| -> Result<f64> {
        let (seconds, count) = grown(1, MOST[1], |count| bench.seconds(kernel, 1, count))?;
        Ok(above(seconds) / f64::from(count))
    };
    let invocations = |kernel: &Kernel| -> Result<f64> {
        let (seconds, groups) = grown(16, MOST[0], |groups| bench.seconds(kernel, groups, 1))?;
        Ok(above(seconds) / (f64::from(groups) * LANES as f64))
    };
    let operations = bench.kernel("operations");
    let dispatch = dispatches(&chain)?;
    let serial = (dispatches(&operations)? - dispatch) / OPERATIONS;
    let operation = invocations(&operations)? / OPERATIONS;
    // read and written
    let word = invocations(&bench.kernel("touch"))? / 2.0;
    let or = |measured: f64, believed: f64| if measured > 0.0 { measured } else { believed };
    let word = or(word, believed.word);
    Ok(CostModel {
        dispatch: or(dispatch, believed.dispatch),
        serial: or(serial, believed.serial),
        operation: or(operation, believed.operation),
        word,
        synapse: WORDS_OF_SYNAPSE * word,
        ..believed
    })
}

/// More and more of something until it takes long enough, and how much that was.
fn grown(first: u32, most: u32, mut seconds: impl FnMut(u32) -> Result<f64>) -> Result<(f64, u32)> {
    let mut count = first;
    loop {
        let taken = seconds(count)?;
        if taken > ENOUGH || count >= most {
            return Ok((taken, count));
        }
        count = (MORE * count).min(most);
    }
}

struct Bench {
    context: Context,
    module: wgpu::ShaderModule,
    words: wgpu::Buffer,
}

struct Kernel {
    pipeline: wgpu::ComputePipeline,
    bind_group: wgpu::BindGroup,
}

impl Bench {
    fn open(index: usize) -> Result<Self> {
        let count = MOST[0] as usize * LANES + 2;
        let context = Context::open(index, &Sizes::small(count))?;
        let words = context.buffer("measure", count, wgpu::BufferUsages::STORAGE);
        let module = context.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("measure"),
            source: wgpu::ShaderSource::Wgsl(TEXT.into()),
        });
        Ok(Self { context, module, words })
    }

    fn kernel(&self, entry: &str) -> Kernel {
        let device = &self.context.device;
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(entry),
            layout: None,
            module: &self.module,
            entry_point: Some(entry),
            compilation_options: Default::default(),
            cache: None,
        });
        let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(entry),
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: self.words.as_entire_binding(),
            }],
        });
        Kernel { pipeline, bind_group }
    }

    /// Seconds of a submission, the shortest of some; the first compiles, and does not count.
    fn seconds(&self, kernel: &Kernel, groups: u32, dispatches: u32) -> Result<f64> {
        let mut shortest = f64::INFINITY;
        for k in 0..3 {
            let mut encoder = self.context.device.create_command_encoder(&Default::default());
            {
                let mut pass = encoder.begin_compute_pass(&Default::default());
                pass.set_pipeline(&kernel.pipeline);
                pass.set_bind_group(0, &kernel.bind_group, &[]);
                (0..dispatches).for_each(|_| pass.dispatch_workgroups(groups, 1, 1));
            }
            let commands = encoder.finish();
            let start = Instant::now();
            self.context.wait(self.context.queue.submit([commands]))?;
            if k > 0 {
                shortest = shortest.min(start.elapsed().as_secs_f64());
            }
        }
        Ok(shortest)
    }
}
