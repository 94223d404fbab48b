//! The adapters that wgpu finds.

use std::sync::LazyLock;

use crate::backend::{DeviceInfo, DeviceKind};

/// One instance for the process: some drivers do not like several.
static INSTANCE: LazyLock<wgpu::Instance> = LazyLock::new(|| {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    descriptor.flags = wgpu::InstanceFlags::empty();
    wgpu::Instance::new(descriptor)
});

/// PCI number of NVIDIA.
const NVIDIA: u32 = 0x10de;

/// All adapters that can compute, numbered from 1: number 0 is the CPU engine. Looked for once in a process.
pub(crate) fn adapters() -> &'static [(wgpu::Adapter, DeviceInfo)] {
    static ADAPTERS: LazyLock<Vec<(wgpu::Adapter, DeviceInfo)>> = LazyLock::new(find);
    &ADAPTERS
}

/// What these are.
pub(crate) fn devices() -> Vec<DeviceInfo> {
    adapters().iter().map(|(_, info)| info.clone()).collect()
}

/// What the invocations of a kernel can be and do on an adapter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeviceLimits {
    /// How many a workgroup may have.
    pub invocations: usize,
    /// How often all loops of a vector of invocations may go round in a dispatch.
    pub iterations: usize,
    /// How many invocations share that number: a loop goes round until the last of them has left it.
    pub vector: usize,
}

/// After so many iterations llvmpipe ends the loops of a vector of invocations, and does not tell; and how many these are at most.
const LLVMPIPE: (&str, usize, usize) = ("llvmpipe", 65_535, 16);

impl DeviceLimits {
    /// Of a device whose driver does not count iterations.
    pub(crate) const fn unlimited(invocations: usize) -> Self {
        Self { invocations, iterations: usize::MAX, vector: 1 }
    }
}

pub(crate) fn device_limits(index: usize) -> DeviceLimits {
    let found = adapters().iter().find(|(_, info)| info.index == index);
    found.map_or(DeviceLimits::unlimited(0), |(adapter, _)| {
        let limits = adapter.limits();
        let invocations = limits
            .max_compute_invocations_per_workgroup
            .min(limits.max_compute_workgroup_size_x) as usize;
        match LLVMPIPE {
            (driver, iterations, vector) if adapter.get_info().driver == driver => {
                DeviceLimits { invocations, iterations, vector }
            }
            _ => DeviceLimits::unlimited(invocations),
        }
    })
}

fn find() -> Vec<(wgpu::Adapter, DeviceInfo)> {
    let found = pollster::block_on(INSTANCE.enumerate_adapters(wgpu::Backends::all()));
    found
        .into_iter()
        .filter(|adapter| {
            let flags = adapter.get_downlevel_capabilities().flags;
            flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS)
        })
        .enumerate()
        .map(|(k, adapter)| {
            let info = adapter.get_info();
            let kind = match info.device_type {
                wgpu::DeviceType::DiscreteGpu => DeviceKind::Discrete,
                wgpu::DeviceType::IntegratedGpu => DeviceKind::Integrated,
                wgpu::DeviceType::Cpu => DeviceKind::Software,
                wgpu::DeviceType::VirtualGpu | wgpu::DeviceType::Other => DeviceKind::Virtual,
            };
            let backend = match info.backend {
                wgpu::Backend::Vulkan => "vulkan",
                wgpu::Backend::Metal => "metal",
                wgpu::Backend::Dx12 => "dx12",
                wgpu::Backend::Gl => "gl",
                wgpu::Backend::BrowserWebGpu => "webgpu",
                wgpu::Backend::Noop => "noop",
            };
            let nvidia = info.vendor & 0xffff == NVIDIA;
            let limits = adapter.limits();
            let bytes = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
            // kernels on Metal are told sizes of 32 bits
            let bytes = bytes.min(u64::from(u32::MAX));
            let most_words = Some(bytes / 4);
            let info =
                DeviceInfo { index: k + 1, name: info.name, kind, backend, nvidia, most_words };
            (adapter, info)
        })
        .collect()
}
