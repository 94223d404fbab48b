//! WGSL expressions of a node's variables as columns of a step.

use std::sync::Arc;

use super::step::{Load, Work};
use super::{Plan, Role, Slot};
use crate::error::{Error, Result};
use crate::model::{Feed, Kind, Named, Unit, expression};

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
    let feeds = program.feeds.clone();
    let mut loads = Vec::with_capacity(feeds.len());
    for feed in feeds {
        loads.push(match feed {
            Feed::State(Unit::Element, k)
                if slots[k].words == 1 && slots[k].role == Role::Param =>
            {
                Load::Word(slots[k].address)
            }
            Feed::State(Unit::Element, k) => Load::Stream(slots[k].address),
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
            | Feed::Quantum(_) => {
                return Err(Error::Node {
                    node: path,
                    reason: format!("the {what} needs what no expression can name"),
                });
            }
        });
    }
    let kind = program.sink_kinds[0];
    let work = Work::Evaluate { program: Arc::new(program), loads, node: path };
    Ok(Evaluated { address: plan.column(what.into(), work, words), kind })
}
