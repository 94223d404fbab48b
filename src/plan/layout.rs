//! Where everything lies: populations of groups of one structure, streams, places, addresses.

use std::sync::Arc;

use super::data::{Binding, Member, PAD, Place, Plan, Population, Role, Slot, Space, Stream};
use super::sites::{GroupSite, Named, label, names_of, units_of, variables_of};
use crate::error::{Error, Result};
use crate::model::{Feed, Program, Sink, Structure, Unit};
use crate::random::{Keys, Purpose};
use crate::system::Copies;

/// Words of a cache line.
const LINE: usize = 16;

/// Words that are worth being moved for.
const LARGE: usize = 1 << 20;

/// Groups that are to be a population.
struct Planned<'a> {
    structure: Structure,
    stage: usize,
    program: Arc<Program>,
    sites: Vec<&'a GroupSite<'a>>,
}

pub(super) struct Layout<'a> {
    dt: f64,
    seed: u64,
    copies: Option<Copies>,
    loop_limit: u32,
    populations: Vec<Planned<'a>>,
}

impl<'a> Layout<'a> {
    pub(super) fn new(dt: f64, seed: u64, copies: Option<Copies>, loop_limit: u32) -> Self {
        Self { dt, seed, copies, loop_limit, populations: Vec::new() }
    }

    /// Puts a group into the population of its structure.
    pub(super) fn add(&mut self, site: &'a GroupSite<'a>, structure: Structure) -> Result<()> {
        let stage = site.stage;
        let known = |p: &&mut Planned<'_>| p.structure == structure && p.stage == stage;
        if let Some(population) = self.populations.iter_mut().find(known) {
            population.sites.push(site);
            return Ok(());
        }
        let program = Arc::new(structure.compose()?);
        self.populations.push(Planned { structure, stage, program, sites: vec![site] });
        Ok(())
    }

    pub(super) fn finish(mut self, stages: usize) -> Result<Plan> {
        // one order for the step and for all that is numbered by population
        self.populations.sort_by_key(|p| p.stage);
        let mut plan = Plan {
            dt: self.dt,
            seed: self.seed,
            loop_limit: self.loop_limit,
            image: Vec::new(),
            accumulators: 0,
            slots: Vec::new(),
            populations: Vec::new(),
            routes: Vec::new(),
            inputs: Vec::new(),
            constants: Vec::new(),
            input_row: 0,
            rings: Vec::new(),
            kernels: Vec::new(),
            columns: Vec::new(),
            records: Vec::new(),
            monitors: 0,
            cadences: Vec::new(),
            step: Vec::new(),
            stages,
            copies: self.copies,
        };
        let mut slots: Vec<(usize, Vec<Slot>)> = Vec::new();
        for (at, planned) in self.populations.into_iter().enumerate() {
            let Planned { structure, stage, program, sites } = planned;
            let population = place(&mut plan, structure, stage, program, &sites);
            plan.populations.push(population);
            fill_places(&mut plan, at, &sites);
            for (member, site) in sites.iter().enumerate() {
                fill_state(&mut plan, at, member, site);
                slots.push((site.order, describe(&plan, at, member, site)));
            }
        }
        slots.sort_by_key(|(order, _)| *order);
        plan.slots = slots.into_iter().flat_map(|(_, slots)| slots).collect();
        Ok(plan)
    }
}

impl Plan {
    /// Addresses are 32-bit numbers on every device.
    pub(super) fn check_size(&self) -> Result<()> {
        let (words, most) = (self.image.len().max(self.accumulators), u32::MAX as usize);
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
                let address = self.image.len().next_multiple_of(line);
                if words > LARGE {
                    // without the room that a vector makes for more of the kind
                    self.image.reserve_exact(address + words - self.image.len());
                }
                self.image.resize(address + words, 0);
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
        let column = self.image[address..address + words].chunks_exact_mut(each.len());
        column.for_each(|copy| copy.copy_from_slice(each));
        address
    }

    /// Writes the quanta of what arrives on an arm: one for all targets, or one for each of a copy of the system.
    pub(super) fn set_quanta(
        &mut self,
        population: usize,
        member: usize,
        arm: usize,
        quanta: &[f32],
    ) {
        let Population { places, members, .. } = &self.populations[population];
        let Some(at) = places.iter().position(|&p| p == Feed::Quantum(arm)) else { return };
        let (mut words, elements) = (1, members[member].elements);
        if quanta.len() > 1 {
            words = elements;
            let place = Place { address: self.reserve_column(elements), stride: 1 };
            self.populations[population].members[member].places[at] = place;
        }
        let address = self.populations[population].members[member].places[at].address;
        let column = self.image[address..address + words].iter_mut();
        column.zip(quanta.iter().cycle()).for_each(|(word, quantum)| *word = quantum.to_bits());
    }

    pub(super) fn accumulator_address(
        &self,
        population: usize,
        member: usize,
        arm: usize,
    ) -> usize {
        let population = &self.populations[population];
        let feed = population.program.feeds.iter().position(|&f| f == Feed::Arrivals(arm));
        let base = match feed.map(|f| population.feeds[f]) {
            Some(Binding::Stream(stream)) => population.streams[stream].address,
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

/// Reserves streams and places of a population.
fn place(
    plan: &mut Plan,
    structure: Structure,
    stage: usize,
    program: Arc<Program>,
    sites: &[&GroupSite<'_>],
) -> Population {
    let mut members = Vec::with_capacity(sites.len());
    let mut elements = 0;
    for site in sites {
        let count = site.elements();
        members.push(Member {
            path: label(site.node),
            order: site.order,
            elements: count,
            start: elements,
            places: Vec::new(),
            history: 0,
        });
        elements += count.next_multiple_of(PAD);
    }
    let mut streams: Vec<(Sink, Stream)> = Vec::new();
    let mut places = Vec::new();
    let mut stream = |plan: &mut Plan, sink: Sink, space: Space| {
        if let Some(at) = streams.iter().position(|(s, _)| *s == sink) {
            return at;
        }
        let address = plan.reserve(space, elements);
        let cleared = matches!(sink, Sink::Input(..));
        streams.push((sink, Stream { space, address, cleared }));
        streams.len() - 1
    };
    let mut feeds = Vec::with_capacity(program.feeds.len());
    for &feed in &program.feeds {
        feeds.push(match feed {
            Feed::State(unit, k) => {
                Binding::Stream(stream(plan, Sink::State(unit, k), Space::Arena))
            }
            Feed::Input(unit, k) => {
                Binding::Stream(stream(plan, Sink::Input(unit, k), Space::Arena))
            }
            Feed::Arrivals(arm) => {
                Binding::Stream(stream(plan, Sink::Arrivals(arm), Space::Accumulators))
            }
            // numbers of elements are constant, but a stream like any other
            Feed::Element => Binding::Stream(stream(plan, Sink::Value(0), Space::Arena)),
            Feed::Param(..)
            | Feed::Derived(..)
            | Feed::Quantum(_)
            | Feed::Key(_)
            | Feed::KeyHigh(_) => {
                places.push(feed);
                Binding::Place(places.len() - 1)
            }
            clock => Binding::Clock(clock),
        });
    }
    // parameters that the step itself does not read are kept too: others follow from them
    for unit in structure.units() {
        for k in 0..structure.model(unit).inner().params.len() {
            let feed = Feed::Param(unit, k);
            if !places.contains(&feed) {
                places.push(feed);
            }
        }
    }
    let sinks = program
        .sinks
        .iter()
        .map(|&sink| {
            let space = match sink {
                Sink::Arrivals(_) => Space::Accumulators,
                _ => Space::Arena,
            };
            stream(plan, sink, space)
        })
        .collect();
    let streams = streams.into_iter().map(|(_, s)| s).collect();
    Population { structure, stage, program, elements, members, streams, places, feeds, sinks }
}

/// Writes the parameters of all members into the image: those that are the same for all elements in every member first,
/// one after the other.
fn fill_places(plan: &mut Plan, at: usize, sites: &[&GroupSite<'_>]) {
    let feeds = plan.populations[at].places.clone();
    let columns = sites.iter().map(|site| feeds.iter().map(|&feed| column(plan, site, feed)));
    let columns: Vec<Vec<Vec<u32>>> = columns.map(Iterator::collect).collect();
    let uniform = |place: usize| columns.iter().all(|member| member[place].len() == 1);
    let (same, rest): (Vec<usize>, Vec<usize>) = (0..feeds.len()).partition(|&p| uniform(p));
    for (member, (site, columns)) in sites.iter().zip(&columns).enumerate() {
        let mut places = vec![Place { address: 0, stride: 0 }; feeds.len()];
        for &place in same.iter().chain(&rest) {
            let column = &columns[place];
            let stride = usize::from(column.len() > 1);
            let words = if stride == 0 { 1 } else { site.elements().next_multiple_of(PAD) };
            let address = plan.reserve(Space::Arena, words);
            plan.image[address..address + column.len()].copy_from_slice(column);
            places[place] = Place { address, stride };
        }
        plan.populations[at].members[member].places = places;
    }
}

/// The words of a place: one, or one per element.
fn column(plan: &Plan, site: &GroupSite<'_>, feed: Feed) -> Vec<u32> {
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
    let found = match feed {
        Feed::Param(u, k) => unit(u).map(|(.., r)| r.params[k].clone()),
        Feed::Derived(u, k) => unit(u).map(|(.., r)| r.derived[k].clone()),
        Feed::Key(u) => key(u, 0),
        Feed::KeyHigh(u) => key(u, 1),
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
    for (k, &feed) in program.feeds.iter().enumerate() {
        let Binding::Stream(stream) = plan.populations[at].feeds[k] else { continue };
        let address = plan.populations[at].streams[stream].address + start;
        let range = address..address + elements;
        match feed {
            Feed::State(u, k) => {
                if let Some((.., resolved)) = unit(u) {
                    match resolved.state[k][..] {
                        [word] => plan.image[range].fill(word),
                        ref column => plan.image[range].copy_from_slice(column),
                    }
                }
            }
            Feed::Element => {
                let per_copy = elements / plan.copies.map_or(1, |copies| copies.count);
                let column = plan.image[range].iter_mut().enumerate();
                column.for_each(|(k, word)| *word = (k % per_copy) as u32);
            }
            _ => {}
        }
    }
}

/// The variables and parameters of a member with their names and addresses.
fn describe(plan: &Plan, at: usize, member: usize, site: &GroupSite<'_>) -> Vec<Slot> {
    let population = &plan.populations[at];
    let elements = site.elements();
    let mut slots = Vec::new();
    for (unit, node, resolved) in units_of(site) {
        for Named { role, index, name, kind } in variables_of(resolved, unit) {
            let found = match role {
                Role::State => population.stream_of(Sink::State(unit, index)),
                Role::Input => population.stream_of(Sink::Input(unit, index)),
                Role::Spike => population.stream_of(Sink::Spike),
                Role::Param => None,
            };
            let start = population.members[member].start;
            let place = population.places.iter().position(|&p| p == Feed::Param(unit, index));
            let (address, words) = match (found, place) {
                (Some(stream), _) => (population.streams[stream].address + start, elements),
                (None, Some(place)) => {
                    let Place { address, stride } = population.members[member].places[place];
                    (address, if stride == 0 { 1 } else { elements })
                }
                (None, None) => continue,
            };
            slots.push(Slot {
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
    slots
}

impl Population {
    /// The stream that a feed or sink of this meaning is bound to.
    fn stream_of(&self, sink: Sink) -> Option<usize> {
        let feed = match sink {
            Sink::State(unit, k) => Some(Feed::State(unit, k)),
            Sink::Input(unit, k) => Some(Feed::Input(unit, k)),
            _ => None,
        };
        let fed = self.program.feeds.iter().position(|f| Some(*f) == feed);
        let sunk = self.program.sinks.iter().position(|s| *s == sink);
        match (fed.map(|k| self.feeds[k]), sunk) {
            (Some(Binding::Stream(stream)), _) => Some(stream),
            (_, Some(k)) => Some(self.sinks[k]),
            _ => None,
        }
    }
}
