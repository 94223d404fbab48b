//! What a step asks of a device.

use crate::backend::gpu::{self, MOST_STEPS, Way};
use crate::plan::{Binding, Op, Plan, Population, Space};
use crate::scalar::{Access, Code};

/// Sources of which one spikes in a step: 20 Hz at steps of 0.1 ms. What is not known before a run is believed.
const SOURCES_PER_SPIKE: f64 = 500.0;

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
}

impl Load {
    /// On the CPU engine, whose words are part of its operations.
    pub(crate) fn on_cpu(plan: &Plan) -> Self {
        let own = |p: &Population| p.elements as f64 * operations(p);
        let columns: usize = plan.columns.iter().map(|column| column.words).sum();
        Self {
            operations: plan.populations.iter().map(own).sum::<f64>() + columns as f64,
            chain: 0.0,
            words: 0.0,
            synapses: plan.synapses() as f64 / SOURCES_PER_SPIKE,
            dispatches: 0.0,
            workgroup: 0.0,
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
                let words = |p: &Population| {
                    let arms = p.streams.iter().filter(|s| s.space == Space::Accumulators).count();
                    let elements = gpu::blocks(p, lanes).count();
                    lanes * (elements * (arms + 1) + plan.routes.len() + OWN_WORDS)
                };
                let blocks = |p: &Population| gpu::blocks(p, lanes).count();
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
                let steps = plan.step.iter().filter(|op| match op {
                    Op::Deliver(_) => !plan.routes.is_empty(),
                    Op::Input(_) | Op::Clear => !plan.fused(),
                    _ => true,
                });
                Self {
                    chain: longest,
                    words: plan.populations.iter().map(words).sum(),
                    dispatches: steps.count() as f64,
                    ..load
                }
            }
        };
        let ways = gpu::ways(plan, invocations).into_iter().map(Some).chain([None]);
        ways.map(|way| (way, of(way))).collect()
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
