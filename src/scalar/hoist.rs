//! A function taken apart, for callers who call it many times with some arguments the same.

use super::code::ValueId;
use super::lowered::{Lowered, Origin};

/// The operations on uniforms alone, whose results are what the others need of them, and these others. Members of the argument are
/// columns of their number in both; the results follow the members in the second. None where there are loops or memories.
pub(crate) fn hoist_invariants(lowered: &Lowered, members: usize) -> Option<[Lowered; 2]> {
    if lowered.body.iter().any(|op| op.code.is_control() || op.code.on_memory()) {
        return None;
    }
    let mut kept: Vec<ValueId> =
        lowered.body.iter().flat_map(|op| op.args[..op.code.arity()].to_vec()).collect();
    kept.extend(&lowered.outputs);
    kept.retain(|&value| lowered.values[value as usize] == Origin::Prologue);
    kept.sort_unstable();
    kept.dedup();
    let values = lowered.values.iter().map(|origin| match *origin {
        Origin::UniformInput(member) => Origin::Column(member),
        origin => origin,
    });
    let values: Vec<Origin> = values.collect();
    let mut known = values.clone();
    for (k, &value) in kept.iter().enumerate() {
        known[value as usize] = Origin::Column(members + k);
    }
    let first = Lowered {
        values,
        prologue: Vec::new(),
        body: lowered.prologue.clone(),
        outputs: kept,
        ..lowered.clone()
    };
    let second = Lowered { values: known, prologue: Vec::new(), ..lowered.clone() };
    Some([first, second])
}
