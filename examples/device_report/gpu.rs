//! An opened adapter: buffers, kernels, and the time that dispatches take.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A device that takes longer for a submission is taken to hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// The adapters that can compute, in the order of `dsrunner::devices()`, whose number 0 is the CPU engine.
pub fn adapters() -> Vec<wgpu::Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    // without validation, which would put a dispatch before each indirect one
    descriptor.flags = wgpu::InstanceFlags::empty();
    let instance = wgpu::Instance::new(descriptor);
    let mut adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    adapters.retain(|adapter| {
        let flags = adapter.get_downlevel_capabilities().flags;
        flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS)
    });
    adapters
}

/// Timestamps at the beginning and the end of a pass.
struct Clock {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    staging: wgpu::Buffer,
}

pub struct Gpu {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    clock: Option<Clock>,
    module: wgpu::ShaderModule,
    /// What the device reported outside a call.
    failure: Arc<Mutex<Option<String>>>,
}

impl Gpu {
    pub fn open(adapter: &wgpu::Adapter) -> Result<Self> {
        let available = adapter.limits();
        let lanes = available.max_compute_invocations_per_workgroup.min(1024);
        let mut limits = wgpu::Limits::default().or_worse_values_from(&available);
        limits.max_compute_invocations_per_workgroup = lanes;
        limits.max_compute_workgroup_size_x = lanes;
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("device report"),
            required_features: adapter.features() & wgpu::Features::TIMESTAMP_QUERY,
            required_limits: limits,
            memory_hints: wgpu::MemoryHints::Performance,
            ..Default::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))?;
        let failure = Arc::new(Mutex::new(None));
        let (uncaptured, lost) = (failure.clone(), failure.clone());
        let report = |to: &Mutex<Option<String>>, text: String| {
            to.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(text);
        };
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            report(&uncaptured, error.to_string());
        }));
        device.set_device_lost_callback(move |reason, message| {
            if reason != wgpu::DeviceLostReason::Destroyed {
                report(&lost, format!("the device was lost: {message}"));
            }
        });
        let module = device.create_shader_module(wgpu::include_wgsl!("kernels.wgsl"));
        let clock = device.features().contains(wgpu::Features::TIMESTAMP_QUERY);
        let mut gpu = Self { device, queue, clock: None, module, failure };
        gpu.clock = clock.then(|| gpu.new_clock());
        gpu.check()?;
        Ok(gpu)
    }

    fn new_clock(&self) -> Clock {
        let queries = self.device.create_query_set(&wgpu::QuerySetDescriptor {
            label: None,
            ty: wgpu::QueryType::Timestamp,
            count: 2,
        });
        let resolve = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
        Clock { queries, resolved: self.buffer(4, resolve), staging: self.staging(4) }
    }

    /// What went wrong since the last call.
    pub fn check(&self) -> Result<()> {
        match self.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            None => Ok(()),
            Some(failure) => Err(failure.into()),
        }
    }

    fn buffer(&self, words: usize, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: 4 * words as u64,
            usage,
            mapped_at_creation: false,
        })
    }

    /// A buffer of kernels, at first 0.
    pub fn storage(&self, words: usize) -> wgpu::Buffer {
        use wgpu::BufferUsages as Usage;
        self.buffer(words, Usage::STORAGE | Usage::INDIRECT | Usage::COPY_SRC | Usage::COPY_DST)
    }

    /// A buffer that the host reads.
    pub fn staging(&self, words: usize) -> wgpu::Buffer {
        self.buffer(words, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST)
    }

    pub fn encoder(&self) -> wgpu::CommandEncoder {
        self.device.create_command_encoder(&Default::default())
    }

    /// Waits until all that was submitted is done.
    pub fn wait(&self) -> Result<()> {
        let wait = wgpu::PollType::Wait { submission_index: None, timeout: Some(PATIENCE) };
        self.device.poll(wait)?;
        self.check()
    }

    /// What `look` makes of the words of a buffer, after all that was submitted. They go through `staging`.
    pub fn read<T>(
        &self,
        buffer: &wgpu::Buffer,
        staging: &wgpu::Buffer,
        look: impl FnOnce(&[u32]) -> T,
    ) -> Result<T> {
        let mut encoder = self.encoder();
        encoder.copy_buffer_to_buffer(buffer, 0, staging, 0, staging.size());
        self.queue.submit([encoder.finish()]);
        self.mapped(staging, look)
    }

    fn mapped<T>(&self, staging: &wgpu::Buffer, look: impl FnOnce(&[u32]) -> T) -> Result<T> {
        staging.map_async(wgpu::MapMode::Read, .., |_| {});
        self.wait()?;
        let view = staging.get_mapped_range(..)?;
        let seen = look(bytemuck::cast_slice(&view));
        drop(view);
        staging.unmap();
        Ok(seen)
    }

    /// An entry point of `kernels.wgsl`, with its constants and the buffers that it uses, by their numbers.
    pub fn kernel(
        &self,
        entry: &str,
        constants: &[(&str, f64)],
        buffers: &[(u32, &wgpu::Buffer)],
    ) -> Result<Kernel> {
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(entry),
            layout: None,
            module: &self.module,
            entry_point: Some(entry),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants,
                ..Default::default()
            },
            cache: None,
        });
        let layout = pipeline.get_bind_group_layout(0);
        let bind_group = self.bind_group(&layout, buffers);
        let invalid = pollster::block_on(scope.pop());
        // a lost device makes everything invalid
        self.check()?;
        match invalid {
            None => Ok(Kernel { pipeline, bind_group }),
            Some(error) => Err(error.into()),
        }
    }

    pub fn bind_group(
        &self,
        layout: &wgpu::BindGroupLayout,
        buffers: &[(u32, &wgpu::Buffer)],
    ) -> wgpu::BindGroup {
        let entries: Vec<wgpu::BindGroupEntry<'_>> = buffers
            .iter()
            .map(|&(binding, buffer)| {
                let resource = buffer.as_entire_binding();
                wgpu::BindGroupEntry { binding, resource }
            })
            .collect();
        let descriptor = wgpu::BindGroupDescriptor { label: None, layout, entries: &entries };
        self.device.create_bind_group(&descriptor)
    }

    /// The seconds that a pass of `n` dispatches takes: between its timestamps, or else from its submission to its end.
    pub fn execute(&self, kernel: &Kernel, groups: &Groups, n: u32) -> Result<f64> {
        let mut encoder = self.encoder();
        let timestamp_writes = self.clock.as_ref().map(|clock| wgpu::ComputePassTimestampWrites {
            query_set: &clock.queries,
            beginning_of_pass_write_index: Some(0),
            end_of_pass_write_index: Some(1),
        });
        let descriptor = wgpu::ComputePassDescriptor { label: None, timestamp_writes };
        let mut pass = encoder.begin_compute_pass(&descriptor);
        pass.set_pipeline(&kernel.pipeline);
        pass.set_bind_group(0, &kernel.bind_group, &[]);
        for _ in 0..n {
            groups.dispatch(&mut pass);
        }
        drop(pass);
        if let Some(Clock { queries, resolved, staging }) = &self.clock {
            encoder.resolve_query_set(queries, 0..2, resolved, 0);
            encoder.copy_buffer_to_buffer(resolved, 0, staging, 0, staging.size());
        }
        let commands = encoder.finish();
        let started = Instant::now();
        self.queue.submit([commands]);
        self.wait()?;
        let Some(clock) = &self.clock else { return Ok(started.elapsed().as_secs_f64()) };
        let ticks = self.mapped(&clock.staging, |words| {
            let time = |k: usize| u64::from(words[k + 1]) << 32 | u64::from(words[k]);
            time(2).wrapping_sub(time(0)) as f64
        })?;
        Ok(ticks * f64::from(self.queue.get_timestamp_period()) * 1e-9)
    }
}

/// A kernel with what it is bound to.
pub struct Kernel {
    pub pipeline: wgpu::ComputePipeline,
    pub bind_group: wgpu::BindGroup,
}

/// Where a dispatch has the number of its workgroups from.
pub enum Groups {
    Direct(u32),
    Indirect(wgpu::Buffer),
}

impl Groups {
    pub fn indirect(gpu: &Gpu, groups: u32) -> Self {
        let buffer = gpu.storage(3);
        gpu.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&[groups, 1, 1]));
        Self::Indirect(buffer)
    }

    pub fn dispatch(&self, pass: &mut wgpu::ComputePass<'_>) {
        match self {
            Self::Direct(groups) => pass.dispatch_workgroups(*groups, 1, 1),
            Self::Indirect(buffer) => pass.dispatch_workgroups_indirect(buffer, 0),
        }
    }
}
