//! The kernels of a plan as text.

use super::adapters::DeviceLimits;
use super::bit_exact::ExactOperations;
use super::codegen;
use super::kernels::{
    GeneratedKernel, KernelTarget, broken, deliver, derived_column, input, kernel, record, update,
};
use super::launch::LaunchConfig;
use crate::backend::CostModel;
use crate::error::Result;
use crate::model::validate;
use crate::plan::{Plan, StepOp};

/// All kernels of a plan as text, for people and for tests of translation, as a device of that model would execute it.
pub(crate) fn kernels(
    plan: &Plan,
    model: &CostModel,
    device_limits: DeviceLimits,
) -> Result<Vec<(String, String)>> {
    all(plan, &LaunchConfig::of(plan, model, device_limits), device_limits)?
        .into_iter()
        .map(|kernel| {
            let info = validate(&kernel.module)
                .map_err(|e| broken(&kernel.name, &e.emit_to_string("")))?;
            naga::back::wgsl::write_string(
                &kernel.module,
                &info,
                naga::back::wgsl::WriterFlags::empty(),
            )
            .map(|text| (kernel.name.clone(), text))
            .map_err(|e| broken(&kernel.name, &e.to_string()))
        })
        .collect()
}

/// The kernels that execute a plan where nothing comes between its operations, in their order.
fn all(
    plan: &Plan,
    launch: &LaunchConfig,
    device_limits: DeviceLimits,
) -> Result<Vec<GeneratedKernel>> {
    let target = KernelTarget {
        exact: ExactOperations::EXACT,
        workgroup_size: launch.workgroup_size,
        device_limits,
    };
    if let Some(steps) = &launch.steps {
        let populations = 0..plan.populations.len();
        return populations.map(|at| codegen::kernel(steps, plan, at, target)).collect();
    }
    let mut kernels = Vec::new();
    for &op in &plan.step {
        kernels.push(match op {
            StepOp::Derive(k) => derived_column(plan, k, target)?,
            StepOp::Input(_) if !plan.fused() => input(target)?,
            StepOp::Deliver(stage) if !plan.delivery_blocks.is_empty() => {
                deliver(plan, stage, target)?
            }
            StepOp::Update(at) => update(plan, at, true, target)?,
            StepOp::Kernel(k) => kernel(plan, k, target)?,
            StepOp::Record => record(plan, target)?,
            StepOp::Input(_) | StepOp::Call(_) | StepOp::Deliver(_) | StepOp::Clear => continue,
        });
    }
    Ok(kernels)
}
