//! Past values of variables.

use super::data::{PAD, Plan};
use super::state::State;
use super::step::DelayLine;
use crate::error::{Error, Result};
use crate::limits;

impl Plan {
    /// Makes a delay line of so many rows at least for a variable, in which it was before the start what it is there.
    pub(super) fn reserve_ring(
        &mut self,
        variable: usize,
        depth: usize,
        rows: usize,
    ) -> Result<DelayLine> {
        let (from, words) = (self.variables[variable].address, self.variables[variable].words);
        let rows = rows.next_power_of_two();
        let stride = words.next_multiple_of(PAD);
        if rows.saturating_mul(stride) > u32::MAX as usize {
            return Err(Error::Limit {
                what: format!("the past of `{}`", self.variables[variable].path()),
                needed: format!("{rows} rows of {words} words"),
                available: format!("room for {} words", u32::MAX),
                device: "every device".into(),
                help: "use shorter delays or fewer elements",
            });
        }
        // in the plan, an engine and a state
        let what = || format!("the past of `{}`", self.variables[variable].path());
        limits::room(12 * rows * stride, what, "use shorter delays or fewer elements")?;
        let address = self.reserve_column(rows * stride);
        let delay_line = DelayLine { variable, from, words, address, stride, rows, depth };
        let initial = self.initial_arena[from..from + words].to_vec();
        for lag in 1..=depth {
            self.set_past(delay_line, lag, &initial);
        }
        self.delay_lines.push(delay_line);
        Ok(delay_line)
    }

    /// Sets what a variable was so many steps before the start.
    pub(super) fn set_past(&mut self, delay_line: DelayLine, lag: usize, values: &[u32]) {
        let at = delay_line.row((lag as u64).wrapping_neg());
        self.initial_arena[at..at + delay_line.words].copy_from_slice(values);
    }

    /// The rows of all delay lines in an engine's arena before a step, for each delay line the youngest first.
    pub(super) fn past(&self, arena: &[u32], step: u64) -> Vec<Vec<u32>> {
        let rows = |delay_line: &DelayLine| {
            let lags = 1..=delay_line.depth as u64;
            lags.flat_map(|lag| {
                &arena[delay_line.row(step.wrapping_sub(lag))..][..delay_line.words]
            })
            .copied()
            .collect()
        };
        self.delay_lines.iter().map(rows).collect()
    }

    /// The arena with which an engine goes on from a state.
    pub(crate) fn arena(&self, state: &State) -> Vec<u32> {
        let mut arena = state.arena.clone();
        for (delay_line, rows) in self.delay_lines.iter().zip(&state.past) {
            for (lag, row) in (1..).zip(rows.chunks_exact(delay_line.words)) {
                arena[delay_line.row(state.step.wrapping_sub(lag))..][..delay_line.words]
                    .copy_from_slice(row);
            }
        }
        arena
    }
}
