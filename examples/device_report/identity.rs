//! What a device says about itself.

use std::num::NonZero;
use std::thread::available_parallelism;

use dsrunner::DeviceInfo;

use crate::report::{Row, Section};

pub fn cpu(device: &DeviceInfo) -> Section {
    let threads = available_parallelism().map_or(1, NonZero::get);
    let mut section = Section::new("Identity");
    for row in [
        Row::text("name", &device.name),
        Row::text("kind", device.kind.name()),
        Row::text("processor", std::env::consts::ARCH),
        Row::number("threads", threads as f64, ""),
    ] {
        section.push(row);
    }
    section
}

pub fn gpu(device: &DeviceInfo, adapter: &wgpu::Adapter) -> Section {
    let (info, limits, features) = (adapter.get_info(), adapter.limits(), adapter.features());
    let has =
        |name, feature| Row::text(name, if features.contains(feature) { "yes" } else { "no" });
    let bytes = |name, bytes: u64| Row::number(name, bytes as f64, "B");
    let count = |name, count: u32| Row::number(name, f64::from(count), "");
    let subgroups =
        format!("of {} to {} invocations", info.subgroup_min_size, info.subgroup_max_size);
    let mut section = Section::new("Identity");
    for row in [
        Row::text("name", &info.name),
        Row::text("kind", device.kind.name()),
        Row::text("vendor", format!("{:#06x}", info.vendor)),
        Row::text("device", format!("{:#06x}", info.device)),
        Row::text("driver", &info.driver),
        Row::text("driver info", &info.driver_info),
        Row::text("backend", info.backend.to_str()),
        bytes("storage binding", limits.max_storage_buffer_binding_size).note("largest"),
        bytes("buffer", limits.max_buffer_size).note("largest"),
        count("storage buffers per stage", limits.max_storage_buffers_per_shader_stage),
        count("invocations per workgroup", limits.max_compute_invocations_per_workgroup),
        bytes("workgroup memory", limits.max_compute_workgroup_storage_size.into()),
        count("workgroups per dimension", limits.max_compute_workgroups_per_dimension),
        has("timestamp queries", wgpu::Features::TIMESTAMP_QUERY),
        has("subgroups", wgpu::Features::SUBGROUP).note(subgroups),
        has("passthrough shaders", wgpu::Features::PASSTHROUGH_SHADERS),
    ] {
        section.push(row);
    }
    section
}
