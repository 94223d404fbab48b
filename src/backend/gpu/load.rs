//! What a step asks of a GPU, for each strategy to execute it there.

use super::adapters::device_limits;
use super::steps::{self, MOST, Strategy, blocks};
use crate::backend::load::operations;
use crate::backend::{CostModel, Load};
use crate::plan::{self, DerivedWork, Plan, Population, Space, StepOp};

/// Operations that a read takes where the next waits for it, and lanes of a reduction.
const READ: f64 = 100.0;
const WORKGROUP_SIZE: f64 = 256.0;

/// Words that an invocation of a workgroup that has a network reads and writes beside those of its elements, or what takes as long:
/// one for each element and these.
const OWN_WORDS: usize = 8;

/// What the device of that number may be asked for: in one strategy alone where the host has to look into each step.
pub(crate) fn loads(plan: &Plan, device: usize, stepwise: bool) -> Vec<Load> {
    let loads = of_strategies(plan, device_limits(device).invocations).into_iter();
    loads.filter(|(strategy, _)| strategy.is_none() || !stepwise).map(|(_, load)| load).collect()
}

/// The strategies to execute a plan on a GPU of that model, whose workgroups have at most so many invocations, with the seconds of a step:
/// the fastest first. Without a strategy each operation of a step is dispatched.
pub(super) fn strategies(
    plan: &Plan,
    model: &CostModel,
    invocations: usize,
) -> Vec<(Option<Strategy>, f64)> {
    let loads = of_strategies(plan, invocations).into_iter();
    let mut strategies: Vec<_> =
        loads.map(|(strategy, load)| (strategy, model.seconds(&load))).collect();
    strategies.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    strategies
}

/// On a GPU whose workgroups have at most so many invocations, for each strategy to execute the plan.
fn of_strategies(plan: &Plan, invocations: usize) -> Vec<(Option<Strategy>, Load)> {
    let load = Load::on_cpu(plan);
    let longest = plan.populations.iter().map(operations).fold(0.0, f64::max);
    let once = 1.0 / MOST as f64;
    let of = |strategy: Option<Strategy>| match strategy {
        Some(Strategy::PerElement) => {
            Load { chain: longest, dispatches: plan.populations.len() as f64 * once, ..load }
        }
        Some(Strategy::SingleWorkgroup(lanes)) => {
            let blocks = |p: &Population| blocks(p, lanes).count();
            let words = |p: &Population| {
                let afferents = p.columns.iter().filter(|s| s.space == Space::Accumulators).count();
                lanes * (blocks(p) * (afferents + 1) + plan.delivery_blocks.len() + OWN_WORDS)
            };
            Load {
                chain: longest * plan.populations.iter().map(blocks).sum::<usize>() as f64,
                words: plan.populations.iter().map(words).sum::<usize>() as f64,
                dispatches: once,
                workgroup: lanes as f64,
                ..load
            }
        }
        None => {
            let words = |p: &Population| (p.elements * 2 * p.columns.len()) as f64;
            let dispatches = plan.step.iter().map(|op| match op {
                StepOp::Deliver(_) => usize::from(!plan.delivery_blocks.is_empty()),
                StepOp::Input(_) | StepOp::Clear => usize::from(!plan.fused()),
                StepOp::Call(_) => 0,
                StepOp::Kernel(k) => {
                    // its arrays are brought there, and those that it writes are brought back
                    let arrays = &plan.kernels[*k].arrays;
                    let written = arrays.iter().filter(|array| array.writable).count();
                    (arrays.len() + 1 + written) * plan.replica_numbers().count()
                }
                _ => 1,
            });
            let reduced =
                plan.derived_columns.iter().map(|derived_column| match &derived_column.work {
                    // rows are reduced side by side
                    DerivedWork::Reduce { indptr, .. } => {
                        READ * plan::longest(indptr) as f64 / WORKGROUP_SIZE
                    }
                    _ => 0.0,
                });
            Load {
                chain: longest + reduced.sum::<f64>(),
                words: plan.populations.iter().map(words).sum(),
                dispatches: dispatches.sum::<usize>() as f64,
                ..load
            }
        }
    };
    let strategies = steps::strategies(plan, invocations).into_iter().map(Some).chain([None]);
    strategies.map(|strategy| (strategy, of(strategy))).collect()
}
