//! What a plan needs of a device, as numbers that can be checked without one.

use super::descriptors::Lists;
use crate::error::{Error, Result};
use crate::plan::{DerivedWork, Plan, longest};

/// Words that the recorded rows and the rows of inputs of one chunk may take.
const ROW_BUDGET: usize = 1 << 23;

/// Most steps of one chunk, whose dispatches are a step each or many.
const MOST_STEPS: [usize; 2] = [512, 4096];

/// Most workgroups in a dimension on every device.
pub(super) const MOST_GROUPS: usize = 65_535;

/// Sizes of the buffers in words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    /// Most steps of one chunk, for which rows have room.
    pub steps: usize,
    pub arena: usize,
    pub accumulators: usize,
    pub events: usize,
    pub synapses: usize,
    pub values: usize,
    pub gathers: usize,
    pub schedule: usize,
    pub rows: usize,
}

impl Sizes {
    pub(super) fn of(plan: &Plan, lists: &Lists, synapses: usize, many: bool) -> Self {
        let row = plan.record_row() + plan.input_row;
        let steps = (ROW_BUDGET / (row + 1)).clamp(1, MOST_STEPS[usize::from(many)]);
        Self {
            steps,
            arena: plan.initial_arena.len(),
            accumulators: plan.accumulators,
            events: lists.words,
            synapses,
            values: plan.constants.len() + steps * plan.input_row,
            gathers: 4 * plan.record_row(),
            schedule: 2 * steps * plan.samplings.len(),
            rows: steps * plan.record_row(),
        }
    }

    /// Of one buffer of so many words.
    pub(super) fn small(words: usize) -> Self {
        Self {
            steps: 1,
            arena: words,
            accumulators: 0,
            events: 0,
            synapses: 0,
            values: 0,
            gathers: 0,
            schedule: 0,
            rows: 0,
        }
    }

    /// The largest buffer in bytes, and what it is for.
    pub(super) fn largest(&self) -> (&'static str, u64) {
        let all = [
            ("the state", self.arena),
            ("the accumulators of events", self.accumulators),
            ("the lists of spikes", self.events),
            ("the synapses", self.synapses),
            ("the inputs", self.values),
            ("the monitors", self.gathers.max(self.rows)),
        ];
        let (what, words) = all.into_iter().max_by_key(|&(_, words)| words).unwrap_or(all[0]);
        (what, 4 * words as u64)
    }

    /// Fails where a buffer is larger than the device can bind.
    pub(super) fn check(&self, device: &str, most_bytes: u64) -> Result<()> {
        let (what, bytes) = self.largest();
        if bytes <= most_bytes {
            return Ok(());
        }
        Err(Error::Limit {
            what: what.into(),
            needed: format!("a buffer of {bytes} bytes"),
            available: format!("at most {most_bytes}"),
            device: device.into(),
            help: "use fewer elements, synapses or recorded values, or the CPU engine",
        })
    }
}

/// Fails where an invocation would have to add more terms than its loops may go round.
pub(super) fn check_sums(plan: &Plan, device: &str, iterations: usize) -> Result<()> {
    let terms = plan.derived_columns.iter().map(|derived_column| match &derived_column.work {
        DerivedWork::Sum { indptr, .. } => longest(indptr),
        _ => 0,
    });
    let terms = terms.max().unwrap_or(0);
    if terms < iterations {
        return Ok(());
    }
    Err(Error::Limit {
        what: "the couplings of an element".into(),
        needed: format!("a loop of {terms} iterations"),
        available: format!("at most {iterations}, and does not tell when it ends one"),
        device: device.into(),
        help: "use couplings with fewer terms for each element, or another device",
    })
}

/// Workgroups of `workgroup_size` for so many invocations, in two dimensions where one is not enough. The last row may be longer than needed.
pub(super) fn groups(invocations: usize, workgroup_size: usize) -> [u32; 3] {
    let groups = invocations.div_ceil(workgroup_size).max(1);
    let rows = groups.div_ceil(MOST_GROUPS);
    [groups.div_ceil(rows) as u32, rows as u32, 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workgroups_fit_into_their_dimensions() {
        for workgroup_size in [64, 128, 256] {
            assert_eq!(groups(0, workgroup_size), [1, 1, 1]);
            assert_eq!(groups(workgroup_size + 1, workgroup_size), [2, 1, 1]);
            assert_eq!(groups(MOST_GROUPS * workgroup_size, workgroup_size), [65_535, 1, 1]);
            for invocations in [MOST_GROUPS * workgroup_size + 1, 100_000_000, 2_000_000_000] {
                let [x, y, _] = groups(invocations, workgroup_size);
                assert!(x <= 65_535 && y <= 65_535);
                assert!(x as usize * y as usize * workgroup_size >= invocations);
            }
        }
    }

    #[test]
    fn what_does_not_fit_names_itself() {
        let sizes = Sizes { synapses: 1 << 26, ..Sizes::small(100) };
        assert!(sizes.check("a card", 1 << 28).is_ok());
        let error = sizes.check("a card", (1 << 28) - 1).unwrap_err().to_string();
        assert_eq!(
            error,
            "the synapses: a buffer of 268435456 bytes is needed, but a card has at most 268435455; use fewer elements, \
             synapses or recorded values, or the CPU engine"
        );
    }
}
