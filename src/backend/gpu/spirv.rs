//! Kernels for Vulkan as SPIR-V in which no arithmetic may be contracted or re-associated.
//!
//! naga does not say so by itself, and drivers then reorder sums (measured on lavapipe: `(x + y) - x` differs from IEEE in
//! one case of twenty). On Metal and DX12 there is no strategy to say it, and wgpu's own translation is used there.

use naga::Module;
use naga::back::spv;
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};

use super::kernels::GeneratedKernel;
use crate::error::{Error, Result};
use crate::model::validate;

/// Words of a module before its first instruction.
const HEADER: usize = 5;
const OP_DECORATE: u32 = 71;
const NO_CONTRACTION: u32 = 42;
/// Opcodes of floating-point arithmetic: negate, add, subtract, multiply, divide, remainder, modulo, and the products of
/// vectors and matrices; and conversions between floats and integers, since a driver may make `f32(i32(x))` a truncation,
/// which keeps the sign of a zero.
const ARITHMETIC: [u32; 17] =
    [109, 110, 111, 112, 127, 129, 131, 133, 136, 140, 141, 142, 143, 144, 145, 146, 148];
/// `!=` of floats as naga writes it, false where either is NaN, and as IEEE 754 has it.
const ORDERED_NOT_EQUAL: u32 = 182;
const UNORDERED_NOT_EQUAL: u32 = 183;
/// Opcodes that stand before annotations: capabilities, extensions, entry points, debug information.
const BEFORE: [u32; 15] = [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 14, 15, 16, 17, 331];

/// The kernel's module as words. Binding `k` of those that are used is number `k` in its order, as wgpu lays them out.
pub(super) fn words(kernel: &GeneratedKernel, used: &[usize]) -> Result<Vec<u32>> {
    let refused = |reason: String| Error::Unsupported {
        model: kernel.name.clone(),
        construct: format!("the generated kernel ({reason})"),
        location: None,
        help: "write the model in plainer WGSL".into(),
    };
    let info = validate(&kernel.module).map_err(|e| refused(e.emit_to_string("")))?;
    let options = options(used, kernel.checked);
    let pipeline = spv::PipelineOptions {
        shader_stage: naga::ShaderStage::Compute,
        entry_point: "main".into(),
    };
    let module: &Module = &kernel.module;
    let words = spv::write_vec(module, &info, &options, Some(&pipeline))
        .map_err(|e| refused(e.to_string()))?;
    Ok(decorated(&words))
}

fn options(used: &[usize], checked: bool) -> spv::Options<'static> {
    let binding = |(k, &binding): (usize, &usize)| {
        let place = naga::ResourceBinding { group: 0, binding: binding as u32 };
        let info =
            spv::BindingInfo { descriptor_set: 0, binding: k as u32, binding_array_size: None };
        (place, info)
    };
    spv::Options {
        flags: spv::WriterFlags::empty(),
        fake_missing_bindings: false,
        binding_map: used.iter().enumerate().map(binding).collect(),
        // Addresses in buffers come from the plan, which checked them, but for users' kernels; indices into a model's own
        // arrays do not.
        bounds_check_policies: BoundsCheckPolicies {
            index: BoundsCheckPolicy::Restrict,
            buffer: match checked {
                true => BoundsCheckPolicy::Restrict,
                false => BoundsCheckPolicy::Unchecked,
            },
            ..Default::default()
        },
        force_loop_bounding: false,
        ..Default::default()
    }
}

/// The module with a decoration for the result of each arithmetic instruction, and `!=` mended.
fn decorated(words: &[u32]) -> Vec<u32> {
    let mut words = words.to_vec();
    let mut decorations = Vec::new();
    let mut annotations = None;
    let mut at = HEADER;
    while at < words.len() {
        let (opcode, length) = (words[at] & 0xffff, (words[at] >> 16) as usize);
        if annotations.is_none() && !BEFORE.contains(&opcode) {
            annotations = Some(at);
        }
        if ARITHMETIC.contains(&opcode) {
            decorations.extend([3 << 16 | OP_DECORATE, words[at + 2], NO_CONTRACTION]);
        }
        if opcode == ORDERED_NOT_EQUAL {
            words[at] = words[at] & 0xffff_0000 | UNORDERED_NOT_EQUAL;
        }
        at += length.max(1);
    }
    let annotations = annotations.unwrap_or(words.len());
    [&words[..annotations], &decorations, &words[annotations..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_arithmetic_instruction_is_decorated() {
        let text = "
            @group(0) @binding(3) var<storage, read_write> x: array<f32>;
            @compute @workgroup_size(1) fn main() {
                let v = vec2<f32>(x[0], x[1]) * x[2];
                x[0] = -(x[0] + x[1] * x[2]) / (x[3] - v.x) + f32(u32(x[4]) + 1u);
            }";
        let module = naga::front::wgsl::parse_str(text).unwrap();
        let kernel =
            GeneratedKernel { name: "test".into(), module, bindings: Vec::new(), checked: false };
        let words = words(&kernel, &[3]).unwrap();
        let (mut arithmetic, mut decorated, mut bindings) = (Vec::new(), Vec::new(), Vec::new());
        let mut at = HEADER;
        while at < words.len() {
            match words[at] & 0xffff {
                OP_DECORATE if words[at + 2] == NO_CONTRACTION => decorated.push(words[at + 1]),
                OP_DECORATE if words[at + 2] == 33 => bindings.push(words[at + 3]),
                opcode if ARITHMETIC.contains(&opcode) => {
                    // an integer sum has another opcode
                    arithmetic.push(words[at + 2]);
                }
                _ => {}
            }
            at += (words[at] >> 16) as usize;
        }
        assert!(arithmetic.len() >= 9, "{arithmetic:?}");
        assert_eq!(decorated, arithmetic);
        assert_eq!(bindings, [0]);
    }
}
