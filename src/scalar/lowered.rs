//! Functions as operations on numbered values.

use naga::{Expression as Ex, Handle};

use super::code::{ScalarOp, ValueId};
use super::value::LaneKind;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Read from the numbered column.
    Column(usize),
    /// Member of the argument structure, the same for all elements.
    UniformInput(usize),
    /// These bits.
    Constant(u32),
    /// Made by an operation of the prologue.
    Prologue,
    /// Made by an operation of the body.
    Body,
    /// A variable of a loop, written more than once.
    Cell,
}

impl Origin {
    pub(crate) fn is_uniform(self) -> bool {
        matches!(self, Self::UniformInput(_) | Self::Constant(_) | Self::Prologue)
    }
}

/// The function as operations on numbered values.
#[derive(Debug, Default, Clone)]
pub(crate) struct Lowered {
    pub values: Vec<Origin>,
    /// Type of each value where it was made; conversions that keep the bits make no new value.
    pub kinds: Vec<LaneKind>,
    /// The statement that each value belongs to.
    pub spans: Vec<naga::Span>,
    pub prologue: Vec<ScalarOp<ValueId>>,
    pub body: Vec<ScalarOp<ValueId>>,
    /// The members of the returned structure.
    pub outputs: Vec<ValueId>,
    /// Where indexes are watched, and there are some to watch.
    pub checked_bounds: Option<CheckedBounds>,
    /// Where loops are bounded, and there are some.
    pub bounded: Option<Bounded>,
}

impl Lowered {
    /// The columns that a value depends on. The function has no loop.
    pub(crate) fn columns_of(&self, value: ValueId) -> Vec<usize> {
        let mut used = vec![false; self.values.len()];
        used[value as usize] = true;
        for op in self.prologue.iter().chain(&self.body).rev().filter(|op| op.code.has_result()) {
            if used[op.dst as usize] {
                op.args[..op.code.arity()].iter().for_each(|&arg| used[arg as usize] = true);
            }
        }
        let used = self.values.iter().zip(used).filter(|(_, used)| *used);
        used.filter_map(|(origin, _)| match *origin {
            Origin::Column(column) => Some(column),
            _ => None,
        })
        .collect()
    }
}

/// An expression with such an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IndexSite {
    /// Name of the function that it is in.
    pub function: String,
    pub access: Handle<Ex>,
    /// Whether the index is i32, not u32.
    pub signed: bool,
    /// How many parts there are; 0 where the index needs no watching.
    pub length: usize,
}

/// What a function tells of its indexes beside its results.
#[derive(Debug, Clone)]
pub(crate) struct CheckedBounds {
    pub sites: Vec<IndexSite>,
    /// The first fault of a lane: 0 for none, else 1 + the number of its site.
    pub fault: ValueId,
    /// The index that was used there.
    pub index: ValueId,
}

/// A loop of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoopSite {
    /// Name of the function that it is in.
    pub function: String,
    /// Which of its loops, each before those within it.
    pub number: usize,
}

/// What a function tells of its loops beside its results.
#[derive(Debug, Clone)]
pub(crate) struct Bounded {
    pub sites: Vec<LoopSite>,
    /// 0 where all loops of a lane ended, else 1 + the number of the site where they had gone round too often.
    pub endless: ValueId,
}
