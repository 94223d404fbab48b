//! What follows from parameters that change.

use std::collections::HashSet;
use std::ops::Range;

use super::components;
use super::data::{Place, Plan, Role, Slot};
use super::host::OnHost;
use super::rules;
use crate::error::Result;
use crate::model::{Feed, Model};

impl Plan {
    /// What follows from parameters that are to change, as words for the arena, once they all keep the rules of their models.
    /// `read` gives a range of the arena as it is to be.
    pub(crate) fn derived<'s>(
        &self,
        slots: impl Iterator<Item = &'s Slot>,
        read: &mut dyn FnMut(Range<usize>) -> Result<Vec<u32>>,
    ) -> Result<Vec<(usize, Vec<u32>)>> {
        let mut units = HashSet::new();
        let mut derived = Vec::new();
        for slot in slots.filter(|slot| slot.role == Role::Param) {
            if units.insert((slot.population, slot.member, slot.unit)) {
                derived.extend(self.derived_of(slot, read)?);
            }
        }
        Ok(derived)
    }

    /// The same of the unit that has that parameter.
    fn derived_of(
        &self,
        slot: &Slot,
        read: &mut dyn FnMut(Range<usize>) -> Result<Vec<u32>>,
    ) -> Result<Vec<(usize, Vec<u32>)>> {
        let population = &self.populations[slot.population];
        let member = &population.members[slot.member];
        let model: &Model = population.structure.model(slot.unit);
        let place = |feed: Feed| {
            let at = population.places.iter().position(|&p| p == feed)?;
            Some(member.places[at])
        };
        let mut params = Vec::new();
        for k in 0..model.inner().params.len() {
            if let Some(Place { address, stride }) = place(Feed::Param(slot.unit, k)) {
                let words = if stride == 0 { 1 } else { member.elements };
                params.push(read(address..address + words)?);
            }
        }
        let (node, elements) = (slot.node(), member.elements);
        let (copies, dt, loop_limit) = (self.copies, self.dt, self.loop_limit);
        let of = OnHost { node, elements, copies, dt, loop_limit };
        rules::check(model, &params, &of)?;
        let derived = components::derive(model, &params, &of)?;
        Ok(derived
            .into_iter()
            .enumerate()
            .filter_map(|(k, column)| Some((place(Feed::Derived(slot.unit, k))?.address, column)))
            .collect())
    }
}
