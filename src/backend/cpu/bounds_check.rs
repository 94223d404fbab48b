//! Programs executed before an engine executes them, whichever it is, to find the indexes that are beyond the end: engines
//! use the nearest part instead.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::engine::clock;
use super::kernel::KernelRun;
use crate::backend::Engine;
use crate::error::Result;
use crate::interpreter::{Executor, given};
use crate::model::{Program, ProgramArgument};
use crate::plan::{
    Binding, DerivedLoad, DerivedWork, ParameterRef, Plan, Population, Space, StepOp,
};
use crate::scalar::{CheckedBounds, IndexSite};

/// The programs of a plan that use indexes that are known at run time only.
pub(crate) struct BoundsChecks {
    plan: Arc<Plan>,
    checks: Vec<BoundsCheck>,
    kernels: Vec<KernelCheck>,
}

/// An index that is beyond the end.
pub(crate) struct Beyond {
    /// Path of the node.
    pub node: String,
    /// The index, its element, and what it is an index of, for people.
    pub what: String,
}

/// A program as one of a step's operations executes it for one node.
struct BoundsCheck {
    op: StepOp,
    node: String,
    program: Arc<Program>,
    executor: Executor,
    sites: Vec<IndexSite>,
    gives: Vec<Give>,
    elements: usize,
    /// What is read at once: devices are slow to answer, but give much at a time.
    arena: Range<usize>,
    accumulators: Range<usize>,
}

/// A kernel by its number, with what it tells of its indexes.
struct KernelCheck(usize, KernelRun, CheckedBounds);

/// How a member of a program's argument is given.
enum Give {
    /// By one word, or by one for each element.
    Words(Space, Range<usize>),
    Clock(ProgramArgument),
    Constant(u32),
}

impl BoundsChecks {
    pub(crate) fn new(plan: Arc<Plan>) -> Result<Self> {
        let (mut checks, mut kernels, limit) = (Vec::new(), Vec::new(), plan.loop_limit);
        for &op in &plan.step {
            match op {
                StepOp::Update(at) => {
                    let population = &plan.populations[at];
                    for member in 0..population.members.len() {
                        checks.extend(BoundsCheck::of_member(op, population, member, limit)?);
                    }
                }
                StepOp::Derive(k) => {
                    let derived_column = &plan.derived_columns[k];
                    if let DerivedWork::Evaluate { program, loads, node } = &derived_column.work {
                        let elements = derived_column.words;
                        let gives = loads.iter().map(|load| Give::of(*load, elements)).collect();
                        checks.extend(BoundsCheck::new(op, node, program, gives, elements, limit)?);
                    }
                }
                StepOp::Kernel(k) => {
                    let run = KernelRun::checked_bounds(&plan.kernels[k], limit)?;
                    kernels.extend(
                        run.map(|(run, checked_bounds)| KernelCheck(k, run, checked_bounds)),
                    );
                }
                StepOp::Input(_)
                | StepOp::Call(_)
                | StepOp::Deliver(_)
                | StepOp::Record
                | StepOp::Clear => {}
            }
        }
        Ok(Self { plan, checks, kernels })
    }

    /// The first index beyond the end that an operation of a step would use.
    pub(crate) fn find(
        &mut self,
        op: StepOp,
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
        for check in self.kernels.iter_mut().filter(|check| StepOp::Kernel(check.0) == op) {
            if let Some(what) = check.find(&self.plan, &clock, engine)? {
                return Ok(Some(Beyond { node: self.plan.kernels[check.0].path.clone(), what }));
            }
        }
        Ok(None)
    }
}

impl Give {
    fn of(load: DerivedLoad, elements: usize) -> Self {
        match load {
            DerivedLoad::Column(address) => Self::Words(Space::Arena, address..address + elements),
            DerivedLoad::Word(address) => Self::Words(Space::Arena, address..address + 1),
            DerivedLoad::Clock(program_argument) => Self::Clock(program_argument),
            DerivedLoad::Constant(bits) => Self::Constant(bits),
        }
    }

    fn words(&self, wanted: Space) -> Option<Range<usize>> {
        match self {
            Self::Words(space, range) if *space == wanted => Some(range.clone()),
            _ => None,
        }
    }
}

impl BoundsCheck {
    fn of_member(
        op: StepOp,
        population: &Population,
        member: usize,
        loop_limit: u32,
    ) -> Result<Option<Self>> {
        let this = &population.members[member];
        let gives = population.program_arguments.iter().map(|binding| match *binding {
            Binding::Column(column) => {
                let column = population.columns[column];
                let address = column.address + this.start;
                Give::Words(column.space, address..address + this.elements)
            }
            Binding::Parameter(place) => {
                let ParameterRef { address, stride } = this.places[place];
                let words = if stride == 0 { 1 } else { this.elements };
                Give::Words(Space::Arena, address..address + words)
            }
            Binding::Clock(program_argument) => Give::Clock(program_argument),
        });
        let (program, elements) = (&population.program, this.elements);
        Self::new(op, &this.path, program, gives.collect(), elements, loop_limit)
    }

    /// None where the program has no index to check.
    fn new(
        op: StepOp,
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
        let mut lowered = program.lower_bounds_checked(&access, loop_limit)?;
        let Some(checked_bounds) = lowered.checked_bounds.take() else { return Ok(None) };
        // what the program is for is not wanted
        lowered.outputs = vec![checked_bounds.fault, checked_bounds.index];
        let executor = Executor::of(program, lowered, &access, &outputs, 1)?;
        let (arena, accumulators) =
            (around(&gives, Space::Arena), around(&gives, Space::Accumulators));
        let (node, program, sites) = (node.to_string(), program.clone(), checked_bounds.sites);
        Ok(Some(Self { op, node, program, executor, sites, gives, elements, arena, accumulators }))
    }

    fn find(
        &mut self,
        clock: &[(ProgramArgument, u32)],
        engine: &mut dyn Engine,
    ) -> Result<Option<String>> {
        let arena = engine.read(self.arena.clone())?;
        let accumulators = engine.read_accumulators(self.accumulators.clone())?;
        let inputs: Vec<&[u32]> = self
            .gives
            .iter()
            .map(|give| match give {
                Give::Words(space, range) => {
                    let (words, first) = match space {
                        Space::Arena => (&arena, self.arena.start),
                        Space::Accumulators => (&accumulators, self.accumulators.start),
                    };
                    &words[range.start - first..range.end - first]
                }
                Give::Clock(program_argument) => clock
                    .iter()
                    .find(|(known, _)| known == program_argument)
                    .map_or(&[0][..], |(_, bits)| std::slice::from_ref(bits)),
                Give::Constant(bits) => std::slice::from_ref(bits),
            })
            .collect();
        let results = self.executor.step_on(&inputs, 2, self.elements);
        let [faults, indexes] = &results[..] else { return Ok(None) };
        let Some(element) = faults.iter().position(|&fault| fault != 0) else { return Ok(None) };
        let site = &self.sites[faults[element] as usize - 1];
        let whose = format!("element {element}");
        Ok(Some(outside(&self.program, site, indexes[element], &whose)))
    }
}

impl KernelCheck {
    /// Executes the kernel on a copy of the state.
    fn find(
        &mut self,
        plan: &Plan,
        clock: &[(ProgramArgument, u32)],
        engine: &mut dyn Engine,
    ) -> Result<Option<String>> {
        let Self(k, run, checked_bounds) = self;
        let op = &plan.kernels[*k];
        let mut arena = engine.read(0..plan.initial_arena.len())?;
        for replica in 0..op.keys.len() {
            run.run(op, &mut arena, replica, clock, &AtomicBool::new(false));
            let [faults, indexes] = run.results()[..] else { continue };
            if let Some(lane) = faults.iter().position(|&fault| fault != 0) {
                let site = &checked_bounds.sites[faults[lane] as usize - 1];
                let whose = format!("invocation {:?}", super::kernel::place(op, lane));
                return Ok(Some(outside(&op.text.program, site, indexes[lane], &whose)));
            }
        }
        Ok(None)
    }
}

/// What is wrong with an index, for people.
fn outside(program: &Program, site: &IndexSite, index: u32, whose: &str) -> String {
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
    use crate::model::{Archetype, Model};

    fn check(model: Model, method: Method) -> Option<BoundsCheck> {
        let (afferents, ltc, observe_inputs) = (Vec::new(), false, false);
        let archetype = Archetype { element: model, method, afferents, ltc, observe_inputs };
        let program = Arc::new(archetype.compose().unwrap());
        let gives = program.program_arguments.iter().map(|_| Give::Constant(0)).collect();
        BoundsCheck::new(StepOp::Update(0), "node", &program, gives, 1, 1000).unwrap()
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
