//! Delays in whole steps, and synapses by delay.

use crate::connect::Synapses;
use crate::error::number;

/// Most steps of a delay: longer ones are taken for a mistake in the unit.
const MOST_STEPS: f64 = 1e6;

/// What is so near to half a step is meant to be one: 0.15 / 0.1 is below 1.5 in f64.
const NEAR: f64 = 1e-6;

/// A delay in steps, to the nearest, half steps up, and at least `least`.
pub(super) fn steps(delay: f64, dt: f64, least: usize) -> Result<usize, String> {
    if !(delay.is_finite() && delay >= 0.0) {
        return Err(format!("delay {}; delays must be finite and not negative", number(delay)));
    }
    let steps = libm::floor(delay / dt + 0.5 + NEAR);
    if steps > MOST_STEPS {
        return Err(format!(
            "delay {}, which is {} steps of {dt}; at most {MOST_STEPS} steps are kept",
            number(delay),
            number(steps)
        ));
    }
    Ok((steps as usize).max(least))
}

/// The synapses of one delay.
pub(super) struct DelayPart {
    pub delay: usize,
    pub indptr: Vec<u32>,
    pub indices: Vec<u32>,
    /// One for all, or one per synapse.
    pub counts: Vec<i32>,
}

impl DelayPart {
    /// Puts the synapses of each row into the order of their targets, so that engines find ranges of these.
    pub(super) fn sort_rows(&mut self) {
        for row in self.indptr.windows(2) {
            let row = row[0] as usize..row[1] as usize;
            if self.indices[row.clone()].is_sorted() {
                continue;
            }
            let mut order: Vec<usize> = row.clone().collect();
            order.sort_by_key(|&k| self.indices[k]);
            let sorted: Vec<u32> = order.iter().map(|&k| self.indices[k]).collect();
            self.indices[row.clone()].copy_from_slice(&sorted);
            if self.counts.len() > 1 {
                let counts: Vec<i32> = order.iter().map(|&k| self.counts[k]).collect();
                self.counts[row].copy_from_slice(&counts);
            }
        }
    }
}

/// Takes synapses apart by their delay: one for all, or one per synapse in the order of the rows.
pub(super) fn split(synapses: Synapses, counts: Vec<i32>, delays: &[usize]) -> Vec<DelayPart> {
    let mut distinct = delays.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let Synapses { indptr, indices, .. } = synapses;
    if distinct.len() < 2 {
        // without any synapse there is no delay, but still a part: the counts of spikes are kept for it
        let delay = distinct.first().copied().unwrap_or(1);
        return vec![DelayPart { delay, indptr, indices, counts }];
    }
    let one_count = counts.len() == 1;
    let mut parts: Vec<DelayPart> = distinct
        .iter()
        .map(|&delay| {
            let counts = if one_count { counts.clone() } else { Vec::new() };
            DelayPart { delay, indptr: vec![0], indices: Vec::new(), counts }
        })
        .collect();
    let longest = distinct.last().copied().unwrap_or(0);
    let mut part_of = vec![0; longest + 1];
    distinct.iter().enumerate().for_each(|(k, &delay)| part_of[delay] = k);
    for row in indptr.windows(2) {
        for synapse in row[0] as usize..row[1] as usize {
            let part = &mut parts[part_of[delays[synapse]]];
            part.indices.push(indices[synapse]);
            if !one_count {
                part.counts.push(counts[synapse]);
            }
        }
        for part in &mut parts {
            part.indptr.push(part.indices.len() as u32);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_steps() {
        for (delay, wanted) in [(0.0, 1), (0.04, 1), (0.1, 1), (0.15, 2), (1.5, 15), (0.25, 3)] {
            assert_eq!(steps(delay, 0.1, 1), Ok(wanted), "{delay}");
        }
    }

    #[test]
    fn none_where_the_source_comes_first() {
        assert_eq!([0.0, 0.04, 0.05, 0.1].map(|d| steps(d, 0.1, 0).unwrap()), [0, 0, 1, 1]);
    }

    #[test]
    fn no_synapse_is_a_part_too() {
        let synapses = Synapses { indptr: vec![0, 0], indices: vec![], order: None };
        let parts = split(synapses, vec![0], &[]);
        assert_eq!((parts.len(), parts[0].delay), (1, 1));
    }

    #[test]
    fn rows_are_sorted_with_their_weights() {
        let (indptr, indices) = (vec![0, 3, 5, 5], vec![4, 0, 2, 1, 3]);
        let mut part = DelayPart { delay: 1, indptr, indices, counts: vec![7, 8, 9, 5, 6] };
        part.sort_rows();
        assert_eq!(
            (&part.indices[..], &part.counts[..]),
            (&[0, 2, 4, 1, 3][..], &[8, 9, 7, 5, 6][..])
        );
    }

    #[test]
    fn every_synapse_keeps_its_source_weight_and_delay() {
        let synapses =
            Synapses { indptr: vec![0, 3, 3, 5], indices: vec![7, 8, 9, 7, 8], order: None };
        let parts = split(synapses, vec![1, 2, 3, 4, 5], &[4, 1, 4, 1, 9]);
        let part = |k: usize| {
            let DelayPart { delay, indptr, indices, counts } = &parts[k];
            (*delay, &indptr[..], &indices[..], &counts[..])
        };
        assert_eq!(parts.len(), 3);
        assert_eq!(part(0), (1, &[0, 1, 1, 2][..], &[8, 7][..], &[2, 4][..]));
        assert_eq!(part(1), (4, &[0, 2, 2, 2][..], &[7, 9][..], &[1, 3][..]));
        assert_eq!(part(2), (9, &[0, 0, 0, 1][..], &[8][..], &[5][..]));
    }
}
