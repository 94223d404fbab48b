//! WGSL expressions of a node's variables as columns of a step.

use std::sync::Arc;

use super::step::{Load, Work};
use super::{Plan, Role, Slot};
use crate::error::{Error, Result};
use crate::model::{Feed, Kind, Named, Program, Unit, expression};

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
) -> Result<Evaluated> {
    let node = slot.node().to_string();
    let slots: Vec<Slot> = plan.slots.iter().filter(|s| s.node() == node).cloned().collect();
    let named = slots.iter().map(|s| Named { name: s.variable().into(), kind: s.kind });
    let program = expression(what, text, &named.collect::<Vec<_>>(), kinds)?;
    let member = &plan.populations[slot.population].members[slot.member];
    let (words, path) = (member.elements, member.path.clone());
    let own = variables(&program).map(|k| match &slots[k] {
        slot if slot.words == 1 && slot.role == Role::Param => Load::Word(slot.address),
        slot => Load::Stream(slot.address),
    });
    let own: Vec<Load> = own.collect();
    let loads = loads(plan, &program, words, &path, &mut own.into_iter())?;
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
) -> Result<Vec<Load>> {
    let unknown = || Error::Node {
        node: node.into(),
        reason: format!("the {} needs what no expression can name", program.name),
    };
    let mut loads = Vec::with_capacity(program.feeds.len());
    for &feed in &program.feeds {
        loads.push(match feed {
            Feed::State(Unit::Element, _) => own.next().ok_or_else(unknown)?,
            Feed::Element => Load::Stream(plan.numbers(words, |k, copy| k % copy)),
            Feed::Copy => match plan.copies {
                Some(copies) => {
                    let first = copies.first as usize;
                    Load::Stream(plan.numbers(words, move |k, copy| first + k / copy))
                }
                None => Load::Constant(0),
            },
            // expressions draw numbers of their own, behind those of the nodes
            Feed::Node(_) => Load::Constant(plan.nodes + plan.columns.len() as u32),
            clock @ (Feed::Time
            | Feed::Dt
            | Feed::Step
            | Feed::StepHigh
            | Feed::TimeHigh
            | Feed::TimeLow
            | Feed::Seed
            | Feed::SeedHigh) => Load::Clock(clock),
            Feed::State(..)
            | Feed::Param(..)
            | Feed::Derived(..)
            | Feed::Input(..)
            | Feed::Arrivals(_)
            | Feed::Quantum(_)
            | Feed::Invocation(_) => return Err(unknown()),
        });
    }
    Ok(loads)
}
