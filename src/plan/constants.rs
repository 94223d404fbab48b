//! Inputs that are the same number for all elements in every step: programs that know them need no column that holds them, and no
//! operations that fill and clear it.

use super::data::{InputOp, Plan, Source};
use crate::terms::{Kind, Operation};

impl Plan {
    /// The sum of a member's inputs to a column that is cleared, where it is constant in this way, with these values of the
    /// inputs that do not change; whether there is one does not depend on them.
    pub(crate) fn constant_input(
        &self,
        at: usize,
        member: usize,
        column: usize,
        constants: &[u32],
    ) -> Option<u32> {
        let population = &self.populations[at];
        let seen = population.archetype.observe_inputs;
        if !self.fused() || !population.columns[column].cleared || seen {
            return None;
        }
        let own = |input: &&InputOp| {
            let target = (input.population, input.member) == (at, member);
            target && self.cleared_stream(input) == Some(column)
        };
        let mut sum = 0f32;
        for input in self.inputs.iter().filter(own) {
            let Source::Constant { offset, stride: 0 } = input.source else { return None };
            let value = f32::from_bits(*constants.get(offset)?);
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

    /// Whether it is constant in this way.
    pub(crate) fn is_constant_input(&self, at: usize, member: usize, column: usize) -> bool {
        self.constant_input(at, member, column, &self.constants).is_some()
    }

    /// The column of its population that an input's target is in, if that is one that is cleared.
    pub(crate) fn cleared_stream(&self, input: &InputOp) -> Option<usize> {
        let population = &self.populations[input.population];
        let start = population.members[input.member].start;
        population.columns.iter().position(|s| s.cleared && s.address + start == input.address)
    }
}
