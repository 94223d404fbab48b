//! Steps in which inputs that are constant are known to the programs.

use crate::plan::{Binding, Op, Plan};

/// What is left of a step.
pub(super) struct Quick {
    pub step: Vec<Op>,
    /// Streams that are still to be cleared, as population and stream.
    pub cleared: Vec<(usize, usize)>,
}

impl Quick {
    /// None where inputs are more than constants and rows.
    pub(super) fn new(plan: &Plan) -> Option<Self> {
        if !plan.fused() {
            return None;
        }
        let kept = |op: &Op| match *op {
            Op::Input(k) => {
                let input = &plan.inputs[k];
                let (at, member) = (input.population, input.member);
                let stream = plan.cleared_stream(input);
                !stream.is_some_and(|stream| plan.is_constant_input(at, member, stream))
            }
            _ => true,
        };
        let step: Vec<Op> = plan.step.iter().copied().filter(kept).collect();
        let streams = plan.populations.iter().enumerate().flat_map(|(at, population)| {
            let cleared = population.streams.iter().enumerate().filter(|(_, s)| s.cleared);
            cleared.map(move |(stream, _)| (at, stream))
        });
        let cleared = streams.filter(|&(at, stream)| {
            let mut members = 0..plan.populations[at].members.len();
            members.any(|member| !plan.is_constant_input(at, member, stream))
        });
        Some(Self { step, cleared: cleared.collect() })
    }
}

/// The feeds of a member that are constant inputs, with their values.
pub(super) fn feeds(plan: &Plan, at: usize, member: usize, constants: &[u32]) -> Vec<(usize, u32)> {
    let bindings = plan.populations[at].feeds.iter().enumerate();
    let feeds = bindings.filter_map(|(k, binding)| match *binding {
        Binding::Stream(stream) => Some((k, plan.constant_input(at, member, stream, constants)?)),
        _ => None,
    });
    feeds.collect()
}
