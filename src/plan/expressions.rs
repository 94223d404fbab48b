//! WGSL expressions of a node's variables as columns of a step.

use std::sync::Arc;

use super::data::{Plan, Role, Slot};
use super::step::{Load, Work};
use crate::error::{Error, Result};
use crate::limits;
use crate::model::{Feed, Named, Program, Unit, expression};
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
    slot: &Slot,
    kinds: &[Kind],
    purpose: Purpose<'_>,
) -> Result<Evaluated> {
    let node = slot.node().to_string();
    let slots: Vec<Slot> = plan.slots.iter().filter(|s| s.node() == node).cloned().collect();
    let named = slots.iter().map(|s| Named { name: s.variable().into(), kind: s.kind });
    let program = expression(what, text, &named.collect::<Vec<_>>(), kinds)?;
    let member = &plan.populations[slot.population].members[slot.member];
    let (words, path) = (member.elements, member.path.clone());
    limits::room(words.saturating_mul(16), || what.into(), "use fewer elements")?;
    let own = variables(&program).map(|k| match &slots[k] {
        slot if slot.words == 1 && slot.role == Role::Param => Load::Word(slot.address),
        slot => Load::Stream(slot.address),
    });
    let own: Vec<Load> = own.collect();
    let keys = Keys { seed: plan.seed, purpose, path: &node };
    let loads = loads(plan, &program, words, &path, &mut own.into_iter(), &keys)?;
    let kind = program.sink_kinds[0];
    let work = Work::Evaluate { program: Arc::new(program), loads, node: path };
    Ok(Evaluated { address: plan.column(what.into(), work, words), kind })
}

/// The variables that an expression's program takes, by their numbers, in the order in which it takes them.
pub(super) fn variables(program: &Program) -> impl Iterator<Item = usize> {
    program.feeds.iter().filter_map(|feed| match feed {
        Feed::State(Unit::Element, k) => Some(*k),
        _ => None,
    })
}

/// Where an expression's program for so many elements finds what it takes; `own` are its variables, in their order.
pub(super) fn loads(
    plan: &mut Plan,
    program: &Program,
    words: usize,
    node: &str,
    own: &mut dyn Iterator<Item = Load>,
    keys: &Keys<'_>,
) -> Result<Vec<Load>> {
    let unknown = || Error::Node {
        node: node.into(),
        reason: format!("the {} needs what no expression can name", program.name),
    };
    let per_copy = words / plan.copies.map_or(1, |copies| copies.count);
    let key = |plan: &mut Plan, half: usize| match plan.key_words(keys, half, words)[..] {
        [word] => Load::Constant(word),
        ref each => Load::Stream(plan.constants_column(words, each)),
    };
    let mut loads = Vec::with_capacity(program.feeds.len());
    for &feed in &program.feeds {
        loads.push(match feed {
            Feed::State(Unit::Element, _) => own.next().ok_or_else(unknown)?,
            Feed::Element => {
                let numbers: Vec<u32> = (0..per_copy as u32).collect();
                Load::Stream(plan.constants_column(words, &numbers))
            }
            Feed::Key(_) => key(plan, 0),
            Feed::KeyHigh(_) => key(plan, 1),
            clock @ (Feed::Time
            | Feed::Dt
            | Feed::Step
            | Feed::StepHigh
            | Feed::TimeHigh
            | Feed::TimeLow) => Load::Clock(clock),
            Feed::State(..)
            | Feed::Param(..)
            | Feed::Derived(..)
            | Feed::Input(..)
            | Feed::Arrivals(_)
            | Feed::Quantum(_)
            | Feed::Stage
            | Feed::Invocation(_) => return Err(unknown()),
        });
    }
    Ok(loads)
}
