//! Programs played before an engine plays them, whichever it is, to find the indexes that are beyond the end: engines
//! use the nearest part instead.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::engine::clock;
use super::kernel::KernelRun;
use crate::backend::Engine;
use crate::error::Result;
use crate::interpreter::{Player, given};
use crate::model::{Feed, Program};
use crate::plan::{Binding, Load, Op, Place, Plan, Population, Space, Work};
use crate::scalar::{Site, Watched};

/// The programs of a plan that use indexes that are known at run time only.
pub(crate) struct Checks {
    plan: Arc<Plan>,
    checks: Vec<Check>,
    kernels: Vec<KernelCheck>,
}

/// An index that is beyond the end.
pub(crate) struct Beyond {
    /// Path of the node.
    pub node: String,
    /// The index, its element, and what it is an index of, for people.
    pub what: String,
}

/// A program as one of a step's operations plays it for one node.
struct Check {
    op: Op,
    node: String,
    program: Arc<Program>,
    player: Player,
    sites: Vec<Site>,
    gives: Vec<Give>,
    elements: usize,
    /// What is read at once: devices are slow to answer, but give much at a time.
    arena: Range<usize>,
    sums: Range<usize>,
}

/// A kernel by its number, with what it tells of its indexes.
struct KernelCheck(usize, KernelRun, Watched);

/// How a member of a program's argument is given.
enum Give {
    /// By one word, or by one for each element.
    Words(Space, Range<usize>),
    Clock(Feed),
    Constant(u32),
}

impl Checks {
    pub(crate) fn new(plan: Arc<Plan>) -> Result<Self> {
        let (mut checks, mut kernels, limit) = (Vec::new(), Vec::new(), plan.loop_limit);
        for &op in &plan.step {
            match op {
                Op::Update(at) => {
                    let population = &plan.populations[at];
                    for member in 0..population.members.len() {
                        checks.extend(Check::of_member(op, population, member, limit)?);
                    }
                }
                Op::Column(k) => {
                    let column = &plan.columns[k];
                    if let Work::Evaluate { program, loads, node } = &column.work {
                        let elements = column.words;
                        let gives = loads.iter().map(|load| Give::of(*load, elements)).collect();
                        checks.extend(Check::new(op, node, program, gives, elements, limit)?);
                    }
                }
                Op::Kernel(k) => {
                    let run = KernelRun::watched(&plan.kernels[k], limit)?;
                    kernels.extend(run.map(|(run, watched)| KernelCheck(k, run, watched)));
                }
                Op::Input(_) | Op::Call(_) | Op::Deliver(_) | Op::Record | Op::Clear => {}
            }
        }
        Ok(Self { plan, checks, kernels })
    }

    /// The first index beyond the end that an operation of a step would use.
    pub(crate) fn find(
        &mut self,
        op: Op,
        t0: f64,
        step: u64,
        engine: &mut dyn Engine,
    ) -> Result<Option<Beyond>> {
        let clock = clock(&self.plan, t0, step);
        for check in self.checks.iter_mut().filter(|check| check.op == op) {
            if let Some(what) = check.find(&clock, engine)? {
                return Ok(Some(Beyond { node: check.node.clone(), what }));
            }
        }
        for check in self.kernels.iter_mut().filter(|check| Op::Kernel(check.0) == op) {
            if let Some(what) = check.find(&self.plan, &clock, engine)? {
                return Ok(Some(Beyond { node: self.plan.kernels[check.0].path.clone(), what }));
            }
        }
        Ok(None)
    }
}

impl Give {
    fn of(load: Load, elements: usize) -> Self {
        match load {
            Load::Stream(address) => Self::Words(Space::Arena, address..address + elements),
            Load::Word(address) => Self::Words(Space::Arena, address..address + 1),
            Load::Clock(feed) => Self::Clock(feed),
            Load::Constant(bits) => Self::Constant(bits),
        }
    }

    fn words(&self, wanted: Space) -> Option<Range<usize>> {
        match self {
            Self::Words(space, range) if *space == wanted => Some(range.clone()),
            _ => None,
        }
    }
}

impl Check {
    fn of_member(
        op: Op,
        population: &Population,
        member: usize,
        loop_limit: u32,
    ) -> Result<Option<Self>> {
        let this = &population.members[member];
        let gives = population.feeds.iter().map(|binding| match *binding {
            Binding::Stream(stream) => {
                let stream = population.streams[stream];
                let address = stream.address + this.start;
                Give::Words(stream.space, address..address + this.elements)
            }
            Binding::Place(place) => {
                let Place { address, stride } = this.places[place];
                let words = if stride == 0 { 1 } else { this.elements };
                Give::Words(Space::Arena, address..address + words)
            }
            Binding::Clock(feed) => Give::Clock(feed),
        });
        let (program, elements) = (&population.program, this.elements);
        Self::new(op, &this.path, program, gives.collect(), elements, loop_limit)
    }

    /// None where the program has no index to check.
    fn new(
        op: Op,
        node: &str,
        program: &Arc<Program>,
        gives: Vec<Give>,
        elements: usize,
        loop_limit: u32,
    ) -> Result<Option<Self>> {
        let lengths = gives.iter().map(|give| match give {
            Give::Words(_, range) => range.len(),
            Give::Clock(_) | Give::Constant(_) => 1,
        });
        let (access, outputs) = given(lengths, 2);
        let mut lowered = program.lower_watched(&access, loop_limit)?;
        let Some(watched) = lowered.watched.take() else { return Ok(None) };
        // what the program is for is not wanted
        lowered.outputs = vec![watched.fault, watched.index];
        let player = Player::of(program, lowered, &access, &outputs, 1)?;
        let (arena, sums) = (around(&gives, Space::Arena), around(&gives, Space::Accumulators));
        let (node, program, sites) = (node.to_string(), program.clone(), watched.sites);
        Ok(Some(Self { op, node, program, player, sites, gives, elements, arena, sums }))
    }

    fn find(&mut self, clock: &[(Feed, u32)], engine: &mut dyn Engine) -> Result<Option<String>> {
        let arena = engine.read(self.arena.clone())?;
        let sums = engine.read_sums(self.sums.clone())?;
        let inputs: Vec<&[u32]> = self
            .gives
            .iter()
            .map(|give| match give {
                Give::Words(space, range) => {
                    let (words, first) = match space {
                        Space::Arena => (&arena, self.arena.start),
                        Space::Accumulators => (&sums, self.sums.start),
                    };
                    &words[range.start - first..range.end - first]
                }
                Give::Clock(feed) => clock
                    .iter()
                    .find(|(known, _)| known == feed)
                    .map_or(&[0][..], |(_, bits)| std::slice::from_ref(bits)),
                Give::Constant(bits) => std::slice::from_ref(bits),
            })
            .collect();
        let results = self.player.step_on(&inputs, 2, self.elements);
        let [faults, indexes] = &results[..] else { return Ok(None) };
        let Some(element) = faults.iter().position(|&fault| fault != 0) else { return Ok(None) };
        let site = &self.sites[faults[element] as usize - 1];
        let whose = format!("element {element}");
        Ok(Some(outside(&self.program, site, indexes[element], &whose)))
    }
}

impl KernelCheck {
    /// Plays the kernel on a copy of the state.
    fn find(
        &mut self,
        plan: &Plan,
        clock: &[(Feed, u32)],
        engine: &mut dyn Engine,
    ) -> Result<Option<String>> {
        let Self(k, run, watched) = self;
        let op = &plan.kernels[*k];
        let mut arena = engine.read(0..plan.image.len())?;
        for copy in 0..op.keys.len() {
            run.run(op, &mut arena, copy, clock, &AtomicBool::new(false));
            let [faults, indexes] = run.results()[..] else { continue };
            if let Some(lane) = faults.iter().position(|&fault| fault != 0) {
                let site = &watched.sites[faults[lane] as usize - 1];
                let whose = format!("invocation {:?}", super::kernel::place(op, lane));
                return Ok(Some(outside(&op.text.program, site, indexes[lane], &whose)));
            }
        }
        Ok(None)
    }
}

/// What is wrong with an index, for people.
fn outside(program: &Program, site: &Site, index: u32, whose: &str) -> String {
    let index = match site.signed {
        true => i64::from(index as i32),
        false => i64::from(index),
    };
    let (length, indexed) = (site.length, program.indexed(site));
    format!("index {index} of {whose} is outside the {length} elements of {indexed}")
}

/// The range with all that is given from a space.
fn around(gives: &[Give], space: Space) -> Range<usize> {
    let ranges = || gives.iter().filter_map(|give| give.words(space));
    let first = ranges().map(|range| range.start).min().unwrap_or(0);
    first..ranges().map(|range| range.end).max().unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrate::Method;
    use crate::model::{Model, Structure};

    fn check(model: Model, method: Method) -> Option<Check> {
        let (arms, ltc, observe_inputs) = (Vec::new(), false, false);
        let structure = Structure { element: model, method, arms, ltc, observe_inputs };
        let program = Arc::new(structure.compose().unwrap());
        let gives = program.feeds.iter().map(|_| Give::Constant(0)).collect();
        Check::new(Op::Update(0), "node", &program, gives, 1, 1000).unwrap()
    }

    #[test]
    fn only_programs_with_such_indexes_are_played() {
        let groups = [
            (crate::neurons::hh(1), Method::EXP_EULER),
            (crate::neurons::izhikevich(1), Method::EXP_EULER),
            (crate::sources::poisson(1), Method::EXACT),
        ];
        for (group, method) in groups {
            let model = group.inner().component.model.clone().unwrap();
            assert!(check(model, method).is_none());
        }
        let text = "struct State { k: u32 }
                    fn update(s: State) -> State { var t = array<u32, 3>(); return State(t[s.k]); }";
        let check = check(Model::from_wgsl("Table", text).unwrap(), Method::EXACT);
        assert_eq!(check.map(|check| check.sites.len()), Some(1));
    }
}
