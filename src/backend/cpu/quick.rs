//! Inputs that are the same number for all elements in every step: programs that know them need neither streams that hold them
//! nor operations that fill and clear these.

use crate::input::Operation;
use crate::model::Kind;
use crate::plan::{Binding, InputOp, Op, Plan, Source};

/// Which inputs of a plan are constant, and what that saves.
pub(super) struct Quick {
    /// The operations of a step that are left.
    pub step: Vec<Op>,
    /// Streams that are still to be cleared, as population and stream.
    pub cleared: Vec<(usize, usize)>,
}

impl Quick {
    /// None where it saves nothing.
    pub(super) fn new(plan: &Plan) -> Option<Self> {
        if !plan.fused() {
            return None;
        }
        let kept = |op: &Op| match *op {
            Op::Input(k) => {
                let input = &plan.inputs[k];
                let stream = stream_of(plan, input);
                !stream.is_some_and(|stream| {
                    constant(plan, input.population, input.member, stream).is_some()
                })
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
            members.any(|member| constant(plan, at, member, stream).is_none())
        });
        Some(Self { step, cleared: cleared.collect() })
    }
}

/// The stream of the population that an input's target is in.
fn stream_of(plan: &Plan, input: &InputOp) -> Option<usize> {
    let population = &plan.populations[input.population];
    let start = population.members[input.member].start;
    population.streams.iter().position(|s| s.cleared && s.address + start == input.address)
}

/// The sum of a member's inputs to a stream, where it is the same in every step and for all elements.
pub(super) fn constant(plan: &Plan, at: usize, member: usize, stream: usize) -> Option<u32> {
    let population = &plan.populations[at];
    let seen = population.structure.observe_inputs;
    if !plan.fused() || !population.streams[stream].cleared || seen {
        return None;
    }
    let own = |input: &&InputOp| {
        (input.population, input.member) == (at, member) && stream_of(plan, input) == Some(stream)
    };
    let mut sum = 0f32;
    for input in plan.inputs.iter().filter(own) {
        let Source::Constant { offset, stride: 0 } = input.source else { return None };
        let value = f32::from_bits(*plan.constants.get(offset)?);
        let whole = input.offsets.len() == population.members[member].elements;
        if !whole || input.kind != Kind::F32 {
            return None;
        }
        sum = match input.operation {
            Operation::Add => sum + value,
            Operation::Sub => sum - value,
            Operation::Mul => sum * value,
            Operation::Div => sum / value,
            Operation::Set => value,
        };
    }
    Some(sum.to_bits())
}

/// The feeds of a member that are constant in this way, with their values.
pub(super) fn feeds(plan: &Plan, at: usize, member: usize) -> Vec<(usize, u32)> {
    let bindings = plan.populations[at].feeds.iter().enumerate();
    let constants = bindings.filter_map(|(k, binding)| match *binding {
        Binding::Stream(stream) => Some((k, constant(plan, at, member, stream)?)),
        _ => None,
    });
    constants.collect()
}
