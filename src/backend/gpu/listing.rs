//! The kernels of a plan as text.

use super::adapters::Reach;
use super::kernels::{Kernel, Target, broken, column, deliver, input, kernel, record, update};
use super::pin::Native;
use super::shape::Shape;
use super::shell;
use crate::backend::CostModel;
use crate::error::Result;
use crate::model::validate;
use crate::plan::{Op, Plan};

/// All kernels of a plan as text, for people and for tests of translation, as a device of that model would play it.
pub(crate) fn kernels(
    plan: &Plan,
    model: &CostModel,
    reach: Reach,
) -> Result<Vec<(String, String)>> {
    all(plan, &Shape::of(plan, model, reach), reach)?
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

/// The kernels that play a plan where nothing comes between its operations, in their order.
fn all(plan: &Plan, shape: &Shape, reach: Reach) -> Result<Vec<Kernel>> {
    let target = Target { native: Native::EXACT, lanes: shape.lanes, reach };
    if let Some(steps) = &shape.steps {
        let populations = 0..plan.populations.len();
        return populations.map(|at| shell::kernel(steps, plan, at, target)).collect();
    }
    let mut kernels = Vec::new();
    for &op in &plan.step {
        kernels.push(match op {
            Op::Column(k) => column(plan, k, target)?,
            Op::Input(_) if !plan.fused() => input(target)?,
            Op::Deliver(stage) if !plan.routes.is_empty() => deliver(plan, stage, target)?,
            Op::Update(at) => update(plan, at, true, target)?,
            Op::Kernel(k) => kernel(plan, k, target)?,
            Op::Record => record(plan, target)?,
            Op::Input(_) | Op::Call(_) | Op::Deliver(_) | Op::Clear => continue,
        });
    }
    Ok(kernels)
}
