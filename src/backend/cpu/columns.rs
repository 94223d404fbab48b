//! Columns that a step makes beside the state.

use super::player::Player;
use crate::error::Result;
use crate::model::{Feed, Kind};
use crate::plan::{Column, Fold, Load, Work};
use crate::scalar::Access;

/// What a column needs beside the plan: the player of its program, where it has one.
pub(super) struct ColumnRun(Option<Evaluator>);

struct Evaluator {
    player: Player,
    /// Addresses of the streams, the column's own last.
    streams: Vec<usize>,
    /// Members of the argument that are a word of the arena, and its address.
    words: Vec<(usize, usize)>,
    clock: Vec<(usize, Feed)>,
}

impl ColumnRun {
    pub(super) fn new(column: &Column) -> Result<Self> {
        let Work::Evaluate { program, loads, .. } = &column.work else { return Ok(Self(None)) };
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
        let mut player = Player::compiled(program, &access, &[streams.len()])?;
        constants.into_iter().for_each(|(k, bits)| player.set_uniform(k, bits));
        streams.push(column.address);
        Ok(Self(Some(Evaluator { player, streams, words, clock })))
    }

    /// Makes the column. `begins` tells of a cadence whether its window begins with this step.
    pub(super) fn make(
        &mut self,
        column: &Column,
        arena: &mut [u32],
        clock: &[(Feed, u32)],
        begins: &dyn Fn(usize) -> bool,
    ) {
        let (start, words) = (column.address, column.words);
        let ticking = |feed: Feed| clock.iter().find(|(f, _)| *f == feed).map(|(_, bits)| *bits);
        // the number of rows of a ring is a power of two, so that the low word tells the row
        let step = u64::from(ticking(Feed::Step).unwrap_or(0));
        match &column.work {
            Work::Evaluate { .. } => {
                let Some(run) = &mut self.0 else { return };
                for &(k, address) in &run.words {
                    run.player.set_uniform(k, arena[address]);
                }
                for &(k, feed) in &run.clock {
                    if let Some(bits) = ticking(feed) {
                        run.player.set_uniform(k, bits);
                    }
                }
                let base = arena.as_mut_ptr();
                let streams: Vec<*mut u32> =
                    run.streams.iter().map(|&address| base.wrapping_add(address)).collect();
                // SAFETY: the layout reserves a multiple of a chunk of words for each stream of a group and for the column,
                // inside the arena, which is borrowed mutably for the call; only the column is written.
                unsafe { run.player.step(&streams, words) };
            }
            Work::Copy { from, as_f32 } => {
                for (k, &address) in from.iter().enumerate() {
                    let word = arena[address as usize];
                    arena[start + k] = match as_f32 {
                        None => word,
                        Some(Kind::I32) => (word as i32 as f32).to_bits(),
                        Some(_) => (word as f32).to_bits(),
                    };
                }
            }
            Work::Reduce { fold, kind, from } => {
                let values = from.iter().map(|&address| arena[address as usize]);
                arena[start] = reduce(*fold, *kind, values);
            }
            Work::Accumulate { fold, kind, from, cadence } => {
                let begins = begins(*cadence);
                for (k, &address) in from.iter().enumerate() {
                    let (old, value) = (arena[start + k], arena[address as usize]);
                    arena[start + k] =
                        if begins { value } else { combine(*fold, *kind, old, value) };
                }
            }
            Work::Keep { ring, ahead } => {
                let row = ring.row(step.wrapping_add(u64::from(*ahead)));
                arena.copy_within(ring.from..ring.from + ring.words, row);
            }
            Work::Past { ring, elements, from, delays, ahead } => {
                let (uniform, step) = (delays.len() == 1, step.wrapping_add(u64::from(*ahead)));
                for (copy, at) in (start..start + words).step_by(from.len()).enumerate() {
                    for (k, &element) in from.iter().enumerate() {
                        let delay = delays[if uniform { 0 } else { k }];
                        let row = ring.row(step.wrapping_sub(u64::from(delay)));
                        arena[at + k] = arena[row + copy * elements + element as usize];
                    }
                }
            }
            Work::Sum { from, connections, indptr } => {
                let rows = indptr.windows(2).map(|row| row[0] as usize..row[1] as usize);
                let targets = indptr.len() - 1;
                for (copy, at) in (start..start + words).step_by(targets).enumerate() {
                    let terms = from + copy * connections;
                    for (k, row) in rows.clone().enumerate() {
                        let terms = &arena[terms + row.start..terms + row.end];
                        let sum = terms.iter().fold(0.0, |sum, &x| sum + f32::from_bits(x));
                        arena[at + k] = sum.to_bits();
                    }
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
