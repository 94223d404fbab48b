//! What a step asks of a device.

use crate::backend::gpu::{self, MOST_STEPS, Way};
use crate::plan::{self, Binding, Column, Op, Plan, Population, Space, Work};
use crate::scalar::{Access, Code};

/// Spikes of a source in a ms, 20 a second. What is not known before a run is believed.
const RATE: f64 = 0.02;

/// Operations that a read takes where the next waits for it, and lanes of a reduction.
const READ: f64 = 100.0;
const LANES: f64 = 256.0;

/// Operations that an elementary function, a quotient and anything else stand for.
const FUNCTION: f64 = 18.0;
const QUOTIENT: f64 = 5.0;

/// Words that an invocation of a workgroup that has a network reads and writes beside those of its elements, or what takes as long:
/// one for each element and these.
const OWN_WORDS: usize = 8;

/// The parts of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Load {
    /// Operations of all elements.
    pub operations: f64,
    /// Operations one after the other.
    pub chain: f64,
    /// Words that are read and written.
    pub words: f64,
    /// Synapses over which spikes are delivered.
    pub synapses: f64,
    /// Dispatches one after the other.
    pub dispatches: f64,
    /// Invocations of the workgroup that has the whole system; 0 where there are many workgroups.
    pub workgroup: f64,
    /// Submissions that are waited for.
    pub submissions: f64,
}

impl Load {
    /// On the CPU engine, whose words are part of its operations.
    pub(crate) fn on_cpu(plan: &Plan) -> Self {
        let own = |p: &Population| p.elements as f64 * operations(p);
        let columns: usize = plan.columns.iter().map(terms).sum();
        Self {
            operations: plan.populations.iter().map(own).sum::<f64>() + columns as f64,
            chain: 0.0,
            words: 0.0,
            synapses: plan.synapses() as f64 * (RATE * plan.dt).min(1.0),
            dispatches: 0.0,
            workgroup: 0.0,
            submissions: 0.0,
        }
    }

    /// On a GPU whose workgroups have at most so many invocations, for each way to play the plan.
    pub(crate) fn on_gpu(plan: &Plan, invocations: usize) -> Vec<(Option<Way>, Self)> {
        let load = Self::on_cpu(plan);
        let longest = plan.populations.iter().map(operations).fold(0.0, f64::max);
        let once = 1.0 / MOST_STEPS as f64;
        let of = |way: Option<Way>| match way {
            Some(Way::Apart) => {
                Self { chain: longest, dispatches: plan.populations.len() as f64 * once, ..load }
            }
            Some(Way::Together(lanes)) => {
                let blocks = |p: &Population| gpu::blocks(p, lanes).count();
                let words = |p: &Population| {
                    let arms = p.streams.iter().filter(|s| s.space == Space::Accumulators).count();
                    lanes * (blocks(p) * (arms + 1) + plan.routes.len() + OWN_WORDS)
                };
                Self {
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
                Self {
                    chain: longest + reduced.sum::<f64>(),
                    words: plan.populations.iter().map(words).sum(),
                    dispatches: dispatches.sum::<usize>() as f64,
                    ..load
                }
            }
        };
        let ways = gpu::ways(plan, invocations).into_iter().map(Some).chain([None]);
        ways.map(|way| (way, of(way))).collect()
    }
}

/// What a column is made of.
fn terms(column: &Column) -> usize {
    match &column.work {
        Work::Reduce { from, .. } | Work::Accumulate { from, .. } => from.len(),
        Work::Sum { connections, .. } => *connections,
        _ => column.words,
    }
}

/// Operations of an element in a step, without those that parameters alone need.
fn operations(population: &Population) -> f64 {
    let feeds = population.feeds.iter().enumerate();
    let access: Vec<Access> = feeds
        .map(|(k, binding)| match binding {
            Binding::Stream(_) => Access::Stream(k),
            Binding::Place(_) | Binding::Clock(_) => Access::Uniform,
        })
        .collect();
    // composing the program has lowered it before
    let Ok(lowered) = population.program.lower(&access) else { return 0.0 };
    let weight = |code: Code| match code {
        Code::DivF => QUOTIENT,
        code if (Code::InverseSqrtF as usize..=Code::ExprelF as usize)
            .contains(&(code as usize)) =>
        {
            FUNCTION
        }
        Code::PowF | Code::Atan2F => 2.0 * FUNCTION,
        _ => 1.0,
    };
    lowered.body.iter().map(|op| weight(op.code)).sum()
}
