//! Where everything lies: populations of groups of one structure, columns, places, addresses.

use std::sync::Arc;

use super::data::{
    Binding, Column, PAD, ParameterRef, Plan, PlanVariable, Population, PopulationMember, Role,
    Space,
};
use super::sites::{GroupSite, NamedValues, label, names_of, units_of, variables_of};
use crate::error::{Error, Result};
use crate::model::{Archetype, Program, ProgramArgument, ProgramResult, Unit};
use crate::random::{Keys, Purpose};
use crate::system::Replicas;

/// Words of a cache line.
const LINE: usize = 16;

/// Words that are worth being moved for.
const LARGE: usize = 1 << 20;

/// Groups that are to be a population.
struct Planned<'a> {
    archetype: Archetype,
    stage: usize,
    program: Arc<Program>,
    sites: Vec<&'a GroupSite<'a>>,
}

pub(super) struct Layout<'a> {
    dt: f64,
    seed: u64,
    replicas: Option<Replicas>,
    loop_limit: u32,
    populations: Vec<Planned<'a>>,
}

impl<'a> Layout<'a> {
    pub(super) fn new(dt: f64, seed: u64, replicas: Option<Replicas>, loop_limit: u32) -> Self {
        Self { dt, seed, replicas, loop_limit, populations: Vec::new() }
    }

    /// Puts a group into the population of its structure.
    pub(super) fn add(&mut self, site: &'a GroupSite<'a>, archetype: Archetype) -> Result<()> {
        let stage = site.stage;
        let known = |p: &&mut Planned<'_>| p.archetype == archetype && p.stage == stage;
        if let Some(population) = self.populations.iter_mut().find(known) {
            population.sites.push(site);
            return Ok(());
        }
        let program = Arc::new(archetype.compose()?);
        self.populations.push(Planned { archetype, stage, program, sites: vec![site] });
        Ok(())
    }

    pub(super) fn finish(mut self, stages: usize) -> Result<Plan> {
        // one order for the step and for all that is numbered by population
        self.populations.sort_by_key(|p| p.stage);
        let mut plan = Plan {
            dt: self.dt,
            seed: self.seed,
            loop_limit: self.loop_limit,
            initial_arena: Vec::new(),
            accumulators: 0,
            variables: Vec::new(),
            populations: Vec::new(),
            delivery_blocks: Vec::new(),
            inputs: Vec::new(),
            constants: Vec::new(),
            input_row: 0,
            delay_lines: Vec::new(),
            kernels: Vec::new(),
            derived_columns: Vec::new(),
            records: Vec::new(),
            monitors: 0,
            samplings: Vec::new(),
            step: Vec::new(),
            stages,
            replicas: self.replicas,
        };
        let mut variables: Vec<(usize, Vec<PlanVariable>)> = Vec::new();
        for (at, planned) in self.populations.into_iter().enumerate() {
            let Planned { archetype, stage, program, sites } = planned;
            let population = place(&mut plan, archetype, stage, program, &sites);
            plan.populations.push(population);
            fill_places(&mut plan, at, &sites);
            for (member, site) in sites.iter().enumerate() {
                fill_state(&mut plan, at, member, site);
                variables.push((site.order, describe(&plan, at, member, site)));
            }
        }
        variables.sort_by_key(|(order, _)| *order);
        plan.variables = variables.into_iter().flat_map(|(_, variables)| variables).collect();
        Ok(plan)
    }
}

impl Plan {
    /// Addresses are 32-bit numbers on every device.
    pub(super) fn check_size(&self) -> Result<()> {
        let (words, most) = (self.initial_arena.len().max(self.accumulators), u32::MAX as usize);
        if words <= most {
            return Ok(());
        }
        Err(Error::Limit {
            what: "the state of the system".into(),
            needed: format!("{words} words"),
            available: format!("room for {most}"),
            device: "every device".into(),
            help: "use fewer elements",
        })
    }

    fn reserve(&mut self, space: Space, words: usize) -> usize {
        match space {
            Space::Arena => {
                // columns start at a cache line
                let line = if words == 1 { 1 } else { LINE };
                let address = self.initial_arena.len().next_multiple_of(line);
                if words > LARGE {
                    // without the room that a vector makes for more of the kind
                    self.initial_arena.reserve_exact(address + words - self.initial_arena.len());
                }
                self.initial_arena.resize(address + words, 0);
                address
            }
            Space::Accumulators => {
                self.accumulators += words;
                self.accumulators - words
            }
        }
    }

    /// Room for a column of a step.
    pub(super) fn reserve_column(&mut self, words: usize) -> usize {
        self.reserve(Space::Arena, words.next_multiple_of(PAD))
    }

    /// A column of constants, `each` again and again.
    pub(super) fn constants_column(&mut self, words: usize, each: &[u32]) -> usize {
        let address = self.reserve_column(words);
        let derived_column =
            self.initial_arena[address..address + words].chunks_exact_mut(each.len());
        derived_column.for_each(|replica| replica.copy_from_slice(each));
        address
    }

    /// Writes the quanta of what arrives on an afferent: one for all targets, or one for each of a replica of the system.
    pub(super) fn set_quanta(
        &mut self,
        population: usize,
        member: usize,
        afferent: usize,
        quanta: &[f32],
    ) {
        let Population { places, members, .. } = &self.populations[population];
        let Some(at) = places.iter().position(|&p| p == ProgramArgument::Quantum(afferent)) else {
            return;
        };
        let (mut words, elements) = (1, members[member].elements);
        if quanta.len() > 1 {
            words = elements;
            let place = ParameterRef { address: self.reserve_column(elements), stride: 1 };
            self.populations[population].members[member].places[at] = place;
        }
        let address = self.populations[population].members[member].places[at].address;
        let derived_column = self.initial_arena[address..address + words].iter_mut();
        derived_column
            .zip(quanta.iter().cycle())
            .for_each(|(word, quantum)| *word = quantum.to_bits());
    }

    pub(super) fn accumulator_address(
        &self,
        population: usize,
        member: usize,
        afferent: usize,
    ) -> usize {
        let population = &self.populations[population];
        let program_argument = population
            .program
            .program_arguments
            .iter()
            .position(|&f| f == ProgramArgument::Accumulator(afferent));
        let base = match program_argument.map(|f| population.program_arguments[f]) {
            Some(Binding::Column(column)) => population.columns[column].address,
            _ => 0,
        };
        base + population.members[member].start
    }
}

/// Population and member of the group at place `order` of the description.
pub(super) fn position(plan: &Plan, order: usize) -> (usize, usize) {
    plan.populations
        .iter()
        .enumerate()
        .flat_map(|(p, population)| {
            population.members.iter().enumerate().map(move |(m, member)| (p, m, member.order))
        })
        .find(|&(.., o)| o == order)
        .map_or((0, 0), |(p, m, _)| (p, m))
}

/// Reserves columns and places of a population.
fn place(
    plan: &mut Plan,
    archetype: Archetype,
    stage: usize,
    program: Arc<Program>,
    sites: &[&GroupSite<'_>],
) -> Population {
    let mut members = Vec::with_capacity(sites.len());
    let mut elements = 0;
    for site in sites {
        let count = site.elements();
        members.push(PopulationMember {
            path: label(site.node),
            order: site.order,
            elements: count,
            start: elements,
            places: Vec::new(),
            spike_history: 0,
        });
        elements += count.next_multiple_of(PAD);
    }
    let mut columns: Vec<(ProgramResult, Column)> = Vec::new();
    let mut places = Vec::new();
    let mut column = |plan: &mut Plan, program_result: ProgramResult, space: Space| {
        if let Some(at) = columns.iter().position(|(s, _)| *s == program_result) {
            return at;
        }
        let address = plan.reserve(space, elements);
        let cleared = matches!(program_result, ProgramResult::Input(..));
        columns.push((program_result, Column { space, address, cleared }));
        columns.len() - 1
    };
    let mut program_arguments = Vec::with_capacity(program.program_arguments.len());
    for &program_argument in &program.program_arguments {
        program_arguments.push(match program_argument {
            ProgramArgument::State(unit, k) => {
                Binding::Column(column(plan, ProgramResult::State(unit, k), Space::Arena))
            }
            ProgramArgument::Input(unit, k) => {
                Binding::Column(column(plan, ProgramResult::Input(unit, k), Space::Arena))
            }
            ProgramArgument::Accumulator(afferent) => Binding::Column(column(
                plan,
                ProgramResult::Accumulator(afferent),
                Space::Accumulators,
            )),
            // numbers of elements are constant, but a column like any other
            ProgramArgument::Element => {
                Binding::Column(column(plan, ProgramResult::Value(0), Space::Arena))
            }
            ProgramArgument::Param(..)
            | ProgramArgument::Derived(..)
            | ProgramArgument::Quantum(_)
            | ProgramArgument::Key(_)
            | ProgramArgument::KeyHigh(_) => {
                places.push(program_argument);
                Binding::Parameter(places.len() - 1)
            }
            clock => Binding::Clock(clock),
        });
    }
    // parameters that the step itself does not read are kept too: others follow from them
    for unit in archetype.units() {
        for k in 0..archetype.model(unit).inner().params.len() {
            let program_argument = ProgramArgument::Param(unit, k);
            if !places.contains(&program_argument) {
                places.push(program_argument);
            }
        }
    }
    let program_results = program
        .program_results
        .iter()
        .map(|&program_result| {
            let space = match program_result {
                ProgramResult::Accumulator(_) => Space::Accumulators,
                _ => Space::Arena,
            };
            column(plan, program_result, space)
        })
        .collect();
    let columns = columns.into_iter().map(|(_, s)| s).collect();
    Population {
        archetype,
        stage,
        program,
        elements,
        members,
        columns,
        places,
        program_arguments,
        program_results,
    }
}

/// Writes the parameters of all members into the image: those that are the same for all elements in every member first,
/// one after the other.
fn fill_places(plan: &mut Plan, at: usize, sites: &[&GroupSite<'_>]) {
    let program_arguments = plan.populations[at].places.clone();
    let derived_columns = sites.iter().map(|site| {
        program_arguments
            .iter()
            .map(|&program_argument| derived_column(plan, site, program_argument))
    });
    let derived_columns: Vec<Vec<Vec<u32>>> = derived_columns.map(Iterator::collect).collect();
    let uniform = |place: usize| derived_columns.iter().all(|member| member[place].len() == 1);
    let (same, rest): (Vec<usize>, Vec<usize>) =
        (0..program_arguments.len()).partition(|&p| uniform(p));
    for (member, (site, derived_columns)) in sites.iter().zip(&derived_columns).enumerate() {
        let mut places = vec![ParameterRef { address: 0, stride: 0 }; program_arguments.len()];
        for &place in same.iter().chain(&rest) {
            let derived_column = &derived_columns[place];
            let stride = usize::from(derived_column.len() > 1);
            let words = if stride == 0 { 1 } else { site.elements().next_multiple_of(PAD) };
            let address = plan.reserve(Space::Arena, words);
            plan.initial_arena[address..address + derived_column.len()]
                .copy_from_slice(derived_column);
            places[place] = ParameterRef { address, stride };
        }
        plan.populations[at].members[member].places = places;
    }
}

/// The words of a place: one, or one per element.
fn derived_column(
    plan: &Plan,
    site: &GroupSite<'_>,
    program_argument: ProgramArgument,
) -> Vec<u32> {
    let units = units_of(site);
    let unit = |wanted: Unit| units.iter().find(|(u, ..)| *u == wanted);
    let key = |u: Unit, half: usize| {
        let &(_, node, _) = unit(u)?;
        let purpose = match u {
            Unit::Element => Purpose::Element,
            Unit::Synapse(_) => Purpose::Synapse,
            Unit::Output(_) => Purpose::Output,
        };
        let keys = Keys { seed: plan.seed, purpose, path: &node.path };
        Some(plan.key_words(&keys, half, site.elements()))
    };
    let found = match program_argument {
        ProgramArgument::Param(u, k) => unit(u).map(|(.., r)| r.params[k].clone()),
        ProgramArgument::Derived(u, k) => unit(u).map(|(.., r)| r.derived[k].clone()),
        ProgramArgument::Key(u) => key(u, 0),
        ProgramArgument::KeyHigh(u) => key(u, 1),
        // quanta are known when the synapses are
        _ => None,
    };
    found.unwrap_or_else(|| vec![0])
}

/// Writes a member's initial state into the image.
fn fill_state(plan: &mut Plan, at: usize, member: usize, site: &GroupSite<'_>) {
    let elements = site.elements();
    let units = units_of(site);
    let unit = |wanted: Unit| units.iter().find(|(u, ..)| *u == wanted);
    let start = plan.populations[at].members[member].start;
    let program = plan.populations[at].program.clone();
    for (k, &program_argument) in program.program_arguments.iter().enumerate() {
        let Binding::Column(column) = plan.populations[at].program_arguments[k] else { continue };
        let address = plan.populations[at].columns[column].address + start;
        let range = address..address + elements;
        match program_argument {
            ProgramArgument::State(u, k) => {
                if let Some((.., resolved)) = unit(u) {
                    match resolved.state[k][..] {
                        [word] => plan.initial_arena[range].fill(word),
                        ref derived_column => {
                            plan.initial_arena[range].copy_from_slice(derived_column)
                        }
                    }
                }
            }
            ProgramArgument::Element => {
                let per_copy = elements / plan.replicas.map_or(1, |replicas| replicas.count);
                let derived_column = plan.initial_arena[range].iter_mut().enumerate();
                derived_column.for_each(|(k, word)| *word = (k % per_copy) as u32);
            }
            _ => {}
        }
    }
}

/// The variables and parameters of a member with their names and addresses.
fn describe(plan: &Plan, at: usize, member: usize, site: &GroupSite<'_>) -> Vec<PlanVariable> {
    let population = &plan.populations[at];
    let elements = site.elements();
    let mut variables = Vec::new();
    for (unit, node, resolved) in units_of(site) {
        for NamedValues { role, index, name, kind } in variables_of(resolved, unit) {
            let found = match role {
                Role::State => population.column_of(ProgramResult::State(unit, index)),
                Role::Input => population.column_of(ProgramResult::Input(unit, index)),
                Role::Spike => population.column_of(ProgramResult::Spike),
                Role::Param => None,
            };
            let start = population.members[member].start;
            let place =
                population.places.iter().position(|&p| p == ProgramArgument::Param(unit, index));
            let (address, words) = match (found, place) {
                (Some(column), _) => (population.columns[column].address + start, elements),
                (None, Some(place)) => {
                    let ParameterRef { address, stride } = population.members[member].places[place];
                    (address, if stride == 0 { 1 } else { elements })
                }
                (None, None) => continue,
            };
            variables.push(PlanVariable {
                names: names_of(node, &name),
                kind,
                role,
                trainable: unit == Unit::Element && site.trainable.contains(&name),
                shape: if words == 1 && role == Role::Param && !resolved.each[index] {
                    Vec::new()
                } else {
                    site.shape.clone()
                },
                population: at,
                member,
                unit,
                address,
                words,
            });
        }
    }
    variables
}

impl Population {
    /// The column that an argument or result of this meaning is bound to.
    fn column_of(&self, program_result: ProgramResult) -> Option<usize> {
        let program_argument = match program_result {
            ProgramResult::State(unit, k) => Some(ProgramArgument::State(unit, k)),
            ProgramResult::Input(unit, k) => Some(ProgramArgument::Input(unit, k)),
            _ => None,
        };
        let fed = self.program.program_arguments.iter().position(|f| Some(*f) == program_argument);
        let sunk = self.program.program_results.iter().position(|s| *s == program_result);
        match (fed.map(|k| self.program_arguments[k]), sunk) {
            (Some(Binding::Column(column)), _) => Some(column),
            (_, Some(k)) => Some(self.program_results[k]),
            _ => None,
        }
    }
}
