//! A device with its queue, and errors that end up in results instead of panics.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::adapters::adapters;
use super::limits::Sizes;
use crate::backend::DeviceInfo;
use crate::error::{Error, Result};

/// Set to 0, this environment variable has kernels handed over for wgpu to translate, as on Metal and DX12, where Vulkan is given
/// SPIR-V otherwise.
const SPIRV: &str = "DSRUNNER_SPIRV";

/// An opened device.
#[derive(Debug)]
pub(super) struct Context {
    pub name: String,
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    /// Whether kernels are handed over as SPIR-V in which arithmetic is pinned.
    pub spirv: bool,
    /// The largest buffer that the adapter offers, which stands for its memory: wgpu does not tell how much there is.
    pub most_bytes: u64,
    /// The first error that the device reported outside a call.
    failure: Arc<Mutex<Option<String>>>,
}

fn lock(failure: &Mutex<Option<String>>) -> MutexGuard<'_, Option<String>> {
    failure.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Context {
    /// Opens the adapter of that number, with limits raised as far as the largest buffer needs.
    pub(super) fn open(index: usize, sizes: &Sizes) -> Result<Self> {
        let found = adapters().iter().find(|(_, info)| info.index == index);
        let missing = || {
            let all = adapters().iter().map(|(_, info)| info.clone());
            let all: Vec<_> = std::iter::once(DeviceInfo::cpu()).chain(all).collect();
            Error::no_device(&index.to_string(), &all)
        };
        let (adapter, info) = found.ok_or_else(missing)?;
        let name = format!("{} ({}, {})", info.name, info.kind.name(), info.backend);
        let available = adapter.limits();
        sizes.check(&name, 4 * info.most_words.unwrap_or(0))?;
        let (_, bytes) = sizes.largest();
        // some adapters have less than the defaults of what is not used
        let mut limits = wgpu::Limits::default().or_worse_values_from(&available);
        limits.max_storage_buffer_binding_size = limits.max_storage_buffer_binding_size.max(bytes);
        limits.max_buffer_size = limits.max_buffer_size.max(bytes);
        // a user's kernel may have as many as there are by default, beside what is ours
        let buffers = limits.max_storage_buffers_per_shader_stage + 2;
        limits.max_storage_buffers_per_shader_stage =
            buffers.min(available.max_storage_buffers_per_shader_stage);
        limits.max_compute_invocations_per_workgroup =
            available.max_compute_invocations_per_workgroup;
        limits.max_compute_workgroup_size_x = available.max_compute_workgroup_size_x;
        let passthrough = wgpu::Features::PASSTHROUGH_SHADERS;
        let spirv = adapter.get_info().backend == wgpu::Backend::Vulkan
            && adapter.features().contains(passthrough)
            && std::env::var_os(SPIRV).is_none_or(|word| word != "0");
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("dsrunner"),
            required_features: if spirv { passthrough } else { wgpu::Features::empty() },
            required_limits: limits,
            memory_hints: wgpu::MemoryHints::Performance,
            ..Default::default()
        };
        let opened = pollster::block_on(adapter.request_device(&descriptor));
        let (device, queue) =
            opened.map_err(|e| Error::Device { device: name.clone(), reason: e.to_string() })?;
        let failure = Arc::new(Mutex::new(None));
        let (uncaptured, lost) = (failure.clone(), failure.clone());
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            lock(&uncaptured).get_or_insert(error.to_string());
        }));
        device.set_device_lost_callback(move |reason, message| {
            if reason != wgpu::DeviceLostReason::Destroyed {
                lock(&lost).get_or_insert(format!("it was lost: {message}"));
            }
        });
        Ok(Self { name, device, queue, spirv, most_bytes: available.max_buffer_size, failure })
    }

    pub(super) fn error(&self, reason: impl Into<String>) -> Error {
        Error::Device { device: self.name.clone(), reason: reason.into() }
    }

    /// What the device has reported since it was opened, as an error.
    pub(super) fn check(&self) -> Result<()> {
        match lock(&self.failure).clone() {
            None => Ok(()),
            Some(reason) => Err(self.error(reason)),
        }
    }

    pub(super) fn buffer(
        &self,
        label: &str,
        words: usize,
        usage: wgpu::BufferUsages,
    ) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            // a binding has at least one of what the kernel declares, four words at most
            size: 4 * words.max(4) as u64,
            usage: usage | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    }

    pub(super) fn storage(&self, label: &str, words: &[u32]) -> wgpu::Buffer {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
        let buffer = self.buffer(label, words.len(), usage);
        self.write(&buffer, 0, words);
        buffer
    }

    pub(super) fn write(&self, buffer: &wgpu::Buffer, word: usize, words: &[u32]) {
        if !words.is_empty() {
            self.queue.write_buffer(buffer, 4 * word as u64, bytemuck::cast_slice(words));
        }
    }

    pub(super) fn staging(&self, words: usize) -> wgpu::Buffer {
        self.buffer("staging", words, wgpu::BufferUsages::MAP_READ)
    }

    /// A range of a buffer, after all that was submitted.
    pub(super) fn read(&self, buffer: &wgpu::Buffer, range: Range<usize>) -> Result<Vec<u32>> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let staging = self.staging(range.len());
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let size = 4 * range.len() as u64;
        encoder.copy_buffer_to_buffer(buffer, 4 * range.start as u64, &staging, 0, size);
        let submission = self.queue.submit([encoder.finish()]);
        staging.map_async(wgpu::MapMode::Read, ..size, |_| {});
        self.mapped(&staging, range.len(), submission)
    }

    /// Waits until a submission is done.
    pub(super) fn wait(&self, submission: wgpu::SubmissionIndex) -> Result<()> {
        let wait = wgpu::PollType::Wait { submission_index: Some(submission), timeout: None };
        self.device.poll(wait).map_err(|e| self.error(e.to_string()))?;
        self.check()
    }

    /// Waits until a mapped range of `words` words is there, and copies it.
    pub(super) fn mapped(
        &self,
        buffer: &wgpu::Buffer,
        words: usize,
        submission: wgpu::SubmissionIndex,
    ) -> Result<Vec<u32>> {
        self.wait(submission)?;
        let view = buffer
            .slice(..4 * words as u64)
            .get_mapped_range()
            .map_err(|e| self.error(e.to_string()))?;
        let copy = bytemuck::pod_collect_to_vec(&view);
        drop(view);
        buffer.unmap();
        Ok(copy)
    }
}
