//! WGSL expressions of a node's variables as columns of a step.

use std::sync::Arc;

use super::data::{Plan, PlanVariable, Role};
use super::step::{DerivedLoad, DerivedWork};
use crate::error::{Error, Result};
use crate::limits;
use crate::model::{Named, Program, ProgramArgument, Unit, expression};
use crate::random::{Keys, Purpose};
use crate::terms::Kind;

/// Where an expression's values are, one for each element of the node, and their type.
pub(super) struct Evaluated {
    pub address: usize,
    pub kind: Kind,
}

/// Adds an expression of the node of `slot` to the step, of the first of the kinds that its type allows.
pub(super) fn compile(
    plan: &mut Plan,
    what: &str,
    text: &str,
    variable: &PlanVariable,
    kinds: &[Kind],
    purpose: Purpose<'_>,
) -> Result<Evaluated> {
    let node = variable.node().to_string();
    let of_node: Vec<PlanVariable> =
        plan.variables.iter().filter(|s| s.node() == node).cloned().collect();
    let named = of_node.iter().map(|s| Named { name: s.variable().into(), kind: s.kind });
    let program = expression(what, text, &named.collect::<Vec<_>>(), kinds)?;
    let member = &plan.populations[variable.population].members[variable.member];
    let (words, path) = (member.elements, member.path.clone());
    limits::room(words.saturating_mul(16), || what.into(), "use fewer elements")?;
    let own = variables(&program).map(|k| match &of_node[k] {
        variable if variable.words == 1 && variable.role == Role::Param => {
            DerivedLoad::Word(variable.address)
        }
        variable => DerivedLoad::Column(variable.address),
    });
    let own: Vec<DerivedLoad> = own.collect();
    let keys = Keys { seed: plan.seed, purpose, path: &node };
    let loads = loads(plan, &program, words, &path, &mut own.into_iter(), &keys)?;
    let kind = program.result_kinds[0];
    let work = DerivedWork::Evaluate { program: Arc::new(program), loads, node: path };
    Ok(Evaluated { address: plan.derived_column(what.into(), work, words), kind })
}

/// The variables that an expression's program takes, by their numbers, in the order in which it takes them.
pub(super) fn variables(program: &Program) -> impl Iterator<Item = usize> {
    program.program_arguments.iter().filter_map(|program_argument| match program_argument {
        ProgramArgument::State(Unit::Element, k) => Some(*k),
        _ => None,
    })
}

/// Where an expression's program for so many elements finds what it takes; `own` are its variables, in their order.
pub(super) fn loads(
    plan: &mut Plan,
    program: &Program,
    words: usize,
    node: &str,
    own: &mut dyn Iterator<Item = DerivedLoad>,
    keys: &Keys<'_>,
) -> Result<Vec<DerivedLoad>> {
    let unknown = || Error::Node {
        node: node.into(),
        reason: format!("the {} needs what no expression can name", program.name),
    };
    let per_copy = words / plan.replicas.map_or(1, |replicas| replicas.count);
    let key = |plan: &mut Plan, half: usize| match plan.key_words(keys, half, words)[..] {
        [word] => DerivedLoad::Constant(word),
        ref each => DerivedLoad::Column(plan.constants_column(words, each)),
    };
    let mut loads = Vec::with_capacity(program.program_arguments.len());
    for &program_argument in &program.program_arguments {
        loads.push(match program_argument {
            ProgramArgument::State(Unit::Element, _) => own.next().ok_or_else(unknown)?,
            ProgramArgument::Element => {
                let numbers: Vec<u32> = (0..per_copy as u32).collect();
                DerivedLoad::Column(plan.constants_column(words, &numbers))
            }
            ProgramArgument::Key(_) => key(plan, 0),
            ProgramArgument::KeyHigh(_) => key(plan, 1),
            clock @ (ProgramArgument::Time
            | ProgramArgument::Dt
            | ProgramArgument::Step
            | ProgramArgument::StepHigh
            | ProgramArgument::TimeHigh
            | ProgramArgument::TimeLow) => DerivedLoad::Clock(clock),
            ProgramArgument::State(..)
            | ProgramArgument::Param(..)
            | ProgramArgument::Derived(..)
            | ProgramArgument::Input(..)
            | ProgramArgument::Accumulator(_)
            | ProgramArgument::Quantum(_)
            | ProgramArgument::Stage
            | ProgramArgument::Invocation(_) => return Err(unknown()),
        });
    }
    Ok(loads)
}
