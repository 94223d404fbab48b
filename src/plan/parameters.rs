//! What follows from parameters that change.

use std::collections::HashSet;
use std::ops::Range;

use super::components;
use super::data::{ParameterRef, Plan, PlanVariable, Role};
use super::host::OnHost;
use super::rules;
use crate::error::Result;
use crate::model::{Model, ProgramArgument};

impl Plan {
    /// What follows from parameters that are to change, as words for the arena, once they all keep the rules of their models.
    /// `read` gives a range of the arena as it is to be.
    pub(crate) fn derived<'s>(
        &self,
        variables: impl Iterator<Item = &'s PlanVariable>,
        read: &mut dyn FnMut(Range<usize>) -> Result<Vec<u32>>,
    ) -> Result<Vec<(usize, Vec<u32>)>> {
        let mut units = HashSet::new();
        let mut derived = Vec::new();
        for variable in variables.filter(|variable| variable.role == Role::Param) {
            if units.insert((variable.population, variable.member, variable.unit)) {
                derived.extend(self.derived_of(variable, read)?);
            }
        }
        Ok(derived)
    }

    /// The same of the unit that has that parameter.
    fn derived_of(
        &self,
        variable: &PlanVariable,
        read: &mut dyn FnMut(Range<usize>) -> Result<Vec<u32>>,
    ) -> Result<Vec<(usize, Vec<u32>)>> {
        let population = &self.populations[variable.population];
        let member = &population.members[variable.member];
        let model: &Model = population.archetype.model(variable.unit);
        let place = |program_argument: ProgramArgument| {
            let at = population.places.iter().position(|&p| p == program_argument)?;
            Some(member.places[at])
        };
        let mut params = Vec::new();
        for k in 0..model.inner().params.len() {
            if let Some(ParameterRef { address, stride }) =
                place(ProgramArgument::Param(variable.unit, k))
            {
                let words = if stride == 0 { 1 } else { member.elements };
                params.push(read(address..address + words)?);
            }
        }
        let (node, elements) = (variable.node(), member.elements);
        let (replicas, dt, loop_limit) = (self.replicas, self.dt, self.loop_limit);
        let of = OnHost { node, elements, replicas, dt, loop_limit };
        rules::check(model, &params, &of)?;
        let derived = components::derive(model, &params, &of)?;
        Ok(derived
            .into_iter()
            .enumerate()
            .filter_map(|(k, derived_column)| {
                Some((place(ProgramArgument::Derived(variable.unit, k))?.address, derived_column))
            })
            .collect())
    }
}
