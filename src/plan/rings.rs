//! Past values of variables.

use super::data::{PAD, Plan};
use super::state::State;
use super::step::Ring;
use crate::error::{Error, Result};
use crate::limits;

impl Plan {
    /// Makes a ring of so many rows at least for a variable, in which it was before the start what it is there.
    pub(super) fn reserve_ring(&mut self, slot: usize, depth: usize, rows: usize) -> Result<Ring> {
        let (from, words) = (self.slots[slot].address, self.slots[slot].words);
        let rows = rows.next_power_of_two();
        let stride = words.next_multiple_of(PAD);
        if rows.saturating_mul(stride) > u32::MAX as usize {
            return Err(Error::Limit {
                what: format!("the past of `{}`", self.slots[slot].path()),
                needed: format!("{rows} rows of {words} words"),
                available: format!("room for {} words", u32::MAX),
                device: "every device".into(),
                help: "use shorter delays or fewer elements",
            });
        }
        // in the plan, an engine and a state
        let what = || format!("the past of `{}`", self.slots[slot].path());
        limits::room(12 * rows * stride, what, "use shorter delays or fewer elements")?;
        let address = self.reserve_column(rows * stride);
        let ring = Ring { slot, from, words, address, stride, rows, depth };
        let initial = self.image[from..from + words].to_vec();
        for age in 1..=depth {
            self.set_past(ring, age, &initial);
        }
        self.rings.push(ring);
        Ok(ring)
    }

    /// Sets what a variable was so many steps before the start.
    pub(super) fn set_past(&mut self, ring: Ring, age: usize, values: &[u32]) {
        let at = ring.row((age as u64).wrapping_neg());
        self.image[at..at + ring.words].copy_from_slice(values);
    }

    /// The rows of all rings in an engine's arena before a step, for each ring the youngest first.
    pub(super) fn past(&self, arena: &[u32], step: u64) -> Vec<Vec<u32>> {
        let rows = |ring: &Ring| {
            let ages = 1..=ring.depth as u64;
            ages.flat_map(|age| &arena[ring.row(step.wrapping_sub(age))..][..ring.words])
                .copied()
                .collect()
        };
        self.rings.iter().map(rows).collect()
    }

    /// The arena with which an engine goes on from a state.
    pub(crate) fn arena(&self, state: &State) -> Vec<u32> {
        let mut arena = state.arena.clone();
        for (ring, rows) in self.rings.iter().zip(&state.past) {
            for (age, row) in (1..).zip(rows.chunks_exact(ring.words)) {
                arena[ring.row(state.step.wrapping_sub(age))..][..ring.words].copy_from_slice(row);
            }
        }
        arena
    }
}
