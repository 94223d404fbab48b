//! What a step asks of a GPU, for each way to play it there.

use super::adapters::reach;
use super::steps::{self, MOST, Way, blocks};
use crate::backend::load::operations;
use crate::backend::{CostModel, Load};
use crate::plan::{self, Op, Plan, Population, Space, Work};

/// Operations that a read takes where the next waits for it, and lanes of a reduction.
const READ: f64 = 100.0;
const LANES: f64 = 256.0;

/// Words that an invocation of a workgroup that has a network reads and writes beside those of its elements, or what takes as long:
/// one for each element and these.
const OWN_WORDS: usize = 8;

/// What the device of that number may be asked for: in one way alone where the host has to look into each step.
pub(crate) fn loads(plan: &Plan, device: usize, stepwise: bool) -> Vec<Load> {
    let loads = of_ways(plan, reach(device).invocations).into_iter();
    loads.filter(|(way, _)| way.is_none() || !stepwise).map(|(_, load)| load).collect()
}

/// The ways to play a plan on a GPU of that model, whose workgroups have at most so many invocations, with the seconds of a step:
/// the fastest first. Without a way each operation of a step is dispatched.
pub(super) fn ways(plan: &Plan, model: &CostModel, invocations: usize) -> Vec<(Option<Way>, f64)> {
    let loads = of_ways(plan, invocations).into_iter();
    let mut ways: Vec<_> = loads.map(|(way, load)| (way, model.seconds(&load))).collect();
    ways.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    ways
}

/// On a GPU whose workgroups have at most so many invocations, for each way to play the plan.
fn of_ways(plan: &Plan, invocations: usize) -> Vec<(Option<Way>, Load)> {
    let load = Load::on_cpu(plan);
    let longest = plan.populations.iter().map(operations).fold(0.0, f64::max);
    let once = 1.0 / MOST as f64;
    let of = |way: Option<Way>| match way {
        Some(Way::Apart) => {
            Load { chain: longest, dispatches: plan.populations.len() as f64 * once, ..load }
        }
        Some(Way::Together(lanes)) => {
            let blocks = |p: &Population| blocks(p, lanes).count();
            let words = |p: &Population| {
                let arms = p.streams.iter().filter(|s| s.space == Space::Accumulators).count();
                lanes * (blocks(p) * (arms + 1) + plan.routes.len() + OWN_WORDS)
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
            let words = |p: &Population| (p.elements * 2 * p.streams.len()) as f64;
            let dispatches = plan.step.iter().map(|op| match op {
                Op::Deliver(_) => usize::from(!plan.routes.is_empty()),
                Op::Input(_) | Op::Clear => usize::from(!plan.fused()),
                Op::Call(_) => 0,
                Op::Kernel(k) => {
                    // its arrays are brought there, and those that it writes are brought back
                    let arrays = &plan.kernels[*k].arrays;
                    let written = arrays.iter().filter(|array| array.writable).count();
                    (arrays.len() + 1 + written) * plan.copy_numbers().count()
                }
                _ => 1,
            });
            let reduced = plan.columns.iter().map(|column| match &column.work {
                // rows are reduced side by side
                Work::Reduce { indptr, .. } => READ * plan::longest(indptr) as f64 / LANES,
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
    let ways = steps::ways(plan, invocations).into_iter().map(Some).chain([None]);
    ways.map(|way| (way, of(way))).collect()
}
