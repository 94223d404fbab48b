//! Columns that a step makes beside the state.

use super::player::Player;
use crate::error::Result;
use crate::model::{Feed, Kind};
use crate::plan::{Column, Fold, Load, Work};
use crate::scalar::Access;

/// A column with what it takes to make it.
pub(super) struct ColumnRun {
    address: usize,
    words: usize,
    work: Prepared,
}

enum Prepared {
    Evaluate {
        player: Player,
        /// Addresses of the streams, the column's own last.
        streams: Vec<usize>,
        /// Members of the argument that are a word of the arena, and its address.
        words: Vec<(usize, usize)>,
        clock: Vec<(usize, Feed)>,
    },
    Copy {
        from: Vec<u32>,
        as_f32: Option<Kind>,
    },
    Reduce {
        fold: Fold,
        kind: Kind,
        from: Vec<u32>,
    },
    Accumulate {
        fold: Fold,
        kind: Kind,
        from: Vec<u32>,
        cadence: usize,
    },
}

impl ColumnRun {
    pub(super) fn new(column: &Column) -> Result<Self> {
        let work = match &column.work {
            Work::Evaluate { program, loads, .. } => {
                let (mut streams, mut words, mut clock) = (Vec::new(), Vec::new(), Vec::new());
                let (mut access, mut constants) = (Vec::new(), Vec::new());
                for (k, &load) in loads.iter().enumerate() {
                    access.push(match load {
                        Load::Stream(address) => {
                            streams.push(address);
                            Access::Stream(streams.len() - 1)
                        }
                        Load::Word(address) => {
                            words.push((k, address));
                            Access::Uniform
                        }
                        Load::Clock(feed) => {
                            clock.push((k, feed));
                            Access::Uniform
                        }
                        Load::Constant(bits) => {
                            constants.push((k, bits));
                            Access::Uniform
                        }
                    });
                }
                let mut player = Player::new(program, &access, &[streams.len()])?;
                constants.into_iter().for_each(|(k, bits)| player.set_uniform(k, bits));
                streams.push(column.address);
                Prepared::Evaluate { player, streams, words, clock }
            }
            Work::Copy { from, as_f32 } => Prepared::Copy { from: from.clone(), as_f32: *as_f32 },
            Work::Reduce { fold, kind, from } => {
                Prepared::Reduce { fold: *fold, kind: *kind, from: from.clone() }
            }
            Work::Accumulate { fold, kind, from, cadence } => Prepared::Accumulate {
                fold: *fold,
                kind: *kind,
                from: from.clone(),
                cadence: *cadence,
            },
        };
        Ok(Self { address: column.address, words: column.words, work })
    }

    /// Makes the column. `begins` tells of a cadence whether its window begins with this step.
    pub(super) fn make(
        &mut self,
        arena: &mut [u32],
        clock: &[(Feed, u32)],
        begins: &dyn Fn(usize) -> bool,
    ) {
        let range = self.address..self.address + self.words;
        match &mut self.work {
            Prepared::Evaluate { player, streams, words, clock: ticking } => {
                for &(k, address) in words.iter() {
                    player.set_uniform(k, arena[address]);
                }
                for &(k, feed) in ticking.iter() {
                    if let Some(&(_, bits)) = clock.iter().find(|(f, _)| *f == feed) {
                        player.set_uniform(k, bits);
                    }
                }
                let base = arena.as_mut_ptr();
                let streams: Vec<*mut u32> =
                    streams.iter().map(|&address| base.wrapping_add(address)).collect();
                // SAFETY: the layout reserves a multiple of a chunk of words for each stream of a group and for the column,
                // inside the arena, which is borrowed mutably for the call; only the column is written.
                unsafe { player.step(&streams, self.words) };
            }
            Prepared::Copy { from, as_f32 } => {
                for (k, &address) in from.iter().enumerate() {
                    let word = arena[address as usize];
                    arena[range.start + k] = match as_f32 {
                        None => word,
                        Some(Kind::I32) => (word as i32 as f32).to_bits(),
                        Some(_) => (word as f32).to_bits(),
                    };
                }
            }
            Prepared::Reduce { fold, kind, from } => {
                let values = from.iter().map(|&address| arena[address as usize]);
                let word = reduce(*fold, *kind, values);
                arena[range.start] = word;
            }
            Prepared::Accumulate { fold, kind, from, cadence } => {
                let begins = begins(*cadence);
                for (k, &address) in from.iter().enumerate() {
                    let (old, value) = (arena[range.start + k], arena[address as usize]);
                    arena[range.start + k] =
                        if begins { value } else { combine(*fold, *kind, old, value) };
                }
            }
        }
    }
}

/// Parts of a reduction, as many as a workgroup has lanes in `reduce.wgsl`.
const PARTS: usize = 256;

/// One of all values: part `p` of the values `p`, `p + 256`, ... in their order, then the parts in halves.
fn reduce(fold: Fold, kind: Kind, values: impl Iterator<Item = u32>) -> u32 {
    let mut parts = [0; PARTS];
    let mut count = 0;
    for (k, value) in values.enumerate() {
        let part = &mut parts[k % PARTS];
        *part = if k < PARTS { value } else { combine(fold, kind, *part, value) };
        count += 1;
    }
    let (mut half, count) = (PARTS / 2, count.min(PARTS));
    while half > 0 {
        for p in 0..half {
            if p + half < count {
                parts[p] = combine(fold, kind, parts[p], parts[p + half]);
            }
        }
        half /= 2;
    }
    parts[0]
}

fn combine(fold: Fold, kind: Kind, a: u32, b: u32) -> u32 {
    let less = |a: u32, b: u32| match kind {
        Kind::F32 => f32::from_bits(a) < f32::from_bits(b),
        Kind::I32 => (a as i32) < b as i32,
        Kind::U32 | Kind::Bool => a < b,
    };
    match fold {
        Fold::Sum if kind == Kind::F32 => (f32::from_bits(a) + f32::from_bits(b)).to_bits(),
        Fold::Sum => a.wrapping_add(b),
        Fold::Min => {
            if less(b, a) {
                b
            } else {
                a
            }
        }
        Fold::Max => {
            if less(a, b) {
                b
            } else {
                a
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_values_count_once() {
        for count in [1, 2, 3, 128, 129, 255, 256, 257, 1000] {
            let values = || (1..=count).map(|k: u32| k * 7919 % 1009);
            assert_eq!(reduce(Fold::Sum, Kind::U32, values()), values().sum::<u32>(), "{count}");
            assert_eq!(reduce(Fold::Max, Kind::U32, values()), values().max().unwrap(), "{count}");
            let least = reduce(Fold::Min, Kind::F32, values().map(|v| (v as f32).to_bits()));
            assert_eq!(f32::from_bits(least) as u32, values().min().unwrap(), "{count}");
        }
    }
}
