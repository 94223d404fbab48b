//! Asks a device whether its division and its square root round as IEEE 754 says. Vulkan lets both be off by some units in
//! the last place, and no property of a device tells; where a sample is wrong, kernels use `shaders/lib/divide.wgsl`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::bit_exact::ExactOperations;
use super::context::Context;
use crate::error::Result;
use crate::random::philox;

/// Pairs that are tried: a device that is wrong in one case of a thousand is found out with near certainty.
const PAIRS: usize = 1 << 14;
const WORKGROUP_SIZE: usize = 64;

const TEXT: &str = "
@group(0) @binding(0) var<storage, read_write> words: array<vec2<f32>>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let pair = words[id.x];
    words[id.x] = vec2<f32>(pair.x / pair.y, sqrt(pair.y));
}";

/// What was measured, by number of the adapter.
static KNOWN: Mutex<Option<HashMap<usize, ExactOperations>>> = Mutex::new(None);

/// What is exact on a device, measured once for each adapter.
pub(super) fn exact(index: usize, context: &Context) -> Result<ExactOperations> {
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(&exact) = known().as_ref().and_then(|known| known.get(&index)) {
        return Ok(exact);
    }
    let exact = measure(context)?;
    if exact != ExactOperations::EXACT {
        log::info!("{}: division or square root is not exact, and is mended", context.name);
    }
    known().get_or_insert_default().insert(index, exact);
    Ok(exact)
}

/// Positive normal numbers from 2^-32 to 2^32, so that all quotients and roots are normal too.
fn pairs() -> Vec<f32> {
    let number = |word: u32| f32::from_bits((95 + (word >> 26)) << 23 | word & 0x007f_ffff);
    (0..PAIRS as u32 / 2).flat_map(|k| philox([k, 0, 0, 0], [0, 0]).map(number)).collect()
}

fn measure(context: &Context) -> Result<ExactOperations> {
    let pairs = pairs();
    let words: Vec<u32> = pairs.iter().map(|x| x.to_bits()).collect();
    let device = &context.device;
    let buffer = context.storage("probe", &words);
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some("probe"),
        source: wgpu::ShaderSource::Wgsl(TEXT.into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some("probe"),
        layout: None,
        module: &module,
        entry_point: None,
        compilation_options: Default::default(),
        cache: None,
    });
    let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("probe"),
        layout: &pipeline.get_bind_group_layout(0),
        entries: &[wgpu::BindGroupEntry { binding: 0, resource: buffer.as_entire_binding() }],
    });
    let mut encoder = device.create_command_encoder(&Default::default());
    {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &bind_group, &[]);
        pass.dispatch_workgroups((PAIRS / WORKGROUP_SIZE) as u32, 1, 1);
    }
    context.queue.submit([encoder.finish()]);
    context.check()?;
    let results = context.read(&buffer, 0..words.len())?;
    let exact = |place: usize, wanted: &dyn Fn(f32, f32) -> f32| {
        pairs
            .chunks_exact(2)
            .zip(results.chunks_exact(2))
            .all(|(pair, result)| wanted(pair[0], pair[1]).to_bits() == result[place])
    };
    let (division, root) = (exact(0, &|a, b| a / b), exact(1, &|_, b| b.sqrt()));
    Ok(ExactOperations { division, root, order: context.spirv })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DSRunner, DeviceKind, Group, Model, Steps, devices, neurons};

    /// Results of a step on a device: quotients, roots, and a whole neuron.
    fn results(device: &str) -> Vec<u32> {
        let text = "struct Params { a: f32, b: f32 } struct State { quotient: f32, root: f32, parts: f32 }
            fn update(s: State, p: Params) -> State {
                let parts = vec3<f32>(p.a, p.b, 1.0) / vec3<f32>(p.b, p.a, p.b) + sqrt(vec3<f32>(p.a, p.b, 2.0));
                return State(p.a / p.b, sqrt(p.b), parts.x - parts.y * parts.z);
            }";
        let pairs = pairs();
        let derived_column =
            |k: usize| pairs.iter().skip(k).step_by(2).copied().collect::<Vec<f32>>();
        let group = Group::new(&Model::from_wgsl("Parts", text).unwrap(), PAIRS);
        let group = group.param("a", derived_column(0)).param("b", derived_column(1));
        let mut out = Vec::new();
        let potentials: Vec<f32> = (0..PAIRS).map(|k| -90.0 + 0.008 * k as f32).collect();
        let cells = neurons::hh(PAIRS).init("V", potentials);
        for (group, variables) in
            [(group, &["quotient", "root", "parts"][..]), (cells, &["V", "m", "h", "n"][..])]
        {
            let mut runner =
                DSRunner::builder(group).progress_bar(false).device(device).build().unwrap();
            runner.run(Steps(1)).unwrap();
            for &variable in variables {
                out.extend(runner.get::<f32>(variable).unwrap().iter().map(|x| x.to_bits()));
            }
        }
        out
    }

    #[test]
    fn mended_operations_give_the_same_bits() {
        let software = devices().into_iter().find(|d| d.kind == DeviceKind::Software);
        let Some(device) = software else {
            assert!(std::env::var_os("DSRUNNER_REQUIRE_GPU").is_none(), "no software adapter");
            eprintln!("SKIPPED: no software adapter");
            return;
        };
        let wanted = results("cpu");
        // what lavapipe does itself, then what a device that does not would be given
        assert!(results(&device.index.to_string()) == wanted, "without help");
        let none = ExactOperations { division: false, root: false, order: false };
        KNOWN.lock().unwrap().get_or_insert_default().insert(device.index, none);
        assert!(results(&device.index.to_string()) == wanted, "with help");
    }
}
