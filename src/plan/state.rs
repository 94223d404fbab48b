//! What a run goes on from, in one layout for all engines.

use std::ops::Range;

use super::data::{Plan, PlanVariable, PopulationMember, Role, Space};
use super::packed::packed_words;
use crate::error::{Error, Result};
use crate::limits;

/// All that a run goes on from, in one layout whatever the engine and its chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// Number of the next step.
    pub step: u64,
    /// The arena; words that belong to no element are 0.
    pub arena: Vec<u32>,
    /// For each member that keeps more than the flags of its last step in the arena, in order: the flags of the step
    /// before that, of the one before, and so on. A row of flags is packed into 32-bit words, the first in the lowest bit.
    pub spike_history: Vec<Vec<u32>>,
    /// For each delay line its variable at the start of the step before, of the one before that, and so on.
    pub past: Vec<Vec<u32>>,
}

impl Plan {
    /// The members that keep more than their last spikes, as population and member.
    pub(crate) fn spike_histories(
        &self,
    ) -> impl Iterator<Item = (usize, usize, &PopulationMember)> {
        self.populations.iter().enumerate().flat_map(|(at, population)| {
            let members = population.members.iter().enumerate();
            members.filter(|(_, m)| m.spike_history > 1).map(move |(k, member)| (at, k, member))
        })
    }

    /// Fails where there is no room for a state with the spikes that are under way, or no name.
    pub(super) fn check_spike_histories(&self) -> Result<()> {
        for (at, k, member) in self.spike_histories() {
            let bytes =
                4 * (member.spike_history - 1).saturating_mul(packed_words(member.elements));
            let what =
                || format!("the spikes of `{}` for {} steps", member.path, member.spike_history);
            limits::room(bytes, what, "use shorter delays or fewer elements")?;
            let spikes = |variable: &&PlanVariable| {
                (variable.population, variable.member, variable.role) == (at, k, Role::Spike)
            };
            let own = self
                .variables
                .iter()
                .find(spikes)
                .map(|variable| format!("{}_history", variable.path()));
            if let Some(taken) = own.filter(|own| self.variables.iter().any(|s| s.path() == own)) {
                return Err(Error::Node {
                    node: taken,
                    reason: "this name is that of the spikes under way, of which a projection with a delay has some; rename it"
                        .into(),
                });
            }
        }
        Ok(())
    }

    /// Where parameters are, and what follows from them.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = Range<usize>> {
        let members = self.populations.iter().flat_map(|p| &p.members);
        members.flat_map(|member| {
            member
                .places
                .iter()
                .map(|p| p.address..p.address + if p.stride == 0 { 1 } else { member.elements })
        })
    }

    /// The state at the start.
    pub(crate) fn initial_state(&self) -> State {
        let empty = |member: &PopulationMember| {
            vec![0; (member.spike_history - 1) * packed_words(member.elements)]
        };
        let spike_history = self.spike_histories().map(|(.., member)| empty(member)).collect();
        State {
            step: 0,
            arena: self.initial_arena.clone(),
            spike_history,
            past: self.past(&self.initial_arena, 0),
        }
    }

    /// An engine's arena before a step as arena and past of a state.
    pub(crate) fn parted(&self, arena: &[u32], step: u64) -> (Vec<u32>, Vec<Vec<u32>>) {
        (self.canonical(arena), self.past(arena, step))
    }

    /// The state of a plan that differs from this one by its inputs alone, as one of this. Variables and parameters have their
    /// places before all that inputs need.
    pub(crate) fn adopted(&self, state: State) -> State {
        State { arena: self.canonical(&state.arena), ..state }
    }

    /// An engine's arena without what it left in words that belong to no element.
    fn canonical(&self, arena: &[u32]) -> Vec<u32> {
        let mut canonical = self.initial_arena.clone();
        for population in &self.populations {
            for member in &population.members {
                let columns = population.columns.iter().filter(|s| s.space == Space::Arena);
                let columns = columns.map(|s| (s.address + member.start, member.elements));
                for (address, words) in columns {
                    let range = address..address + words;
                    canonical[range.clone()].copy_from_slice(&arena[range]);
                }
            }
        }
        for range in self.parameters() {
            canonical[range.clone()].copy_from_slice(&arena[range]);
        }
        canonical
    }
}
