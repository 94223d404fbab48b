//! Columns that a step makes beside the state.

use crate::error::Result;
use crate::interpreter::Executor;
use crate::model::ProgramArgument;
use crate::plan::{BEYOND, DerivedColumn, DerivedLoad, DerivedWork, Fold, Number};
use crate::scalar::Access;
use crate::terms::Kind;

/// What a column needs beside the plan: the executor of its program, where it has one.
pub(super) struct DerivedRun(Option<Evaluator>);

struct Evaluator {
    executor: Executor,
    /// Addresses of the columns, the column's own last.
    columns: Vec<usize>,
    /// Members of the argument that are a word of the arena, and its address.
    words: Vec<(usize, usize)>,
    clock: Vec<(usize, ProgramArgument)>,
}

impl DerivedRun {
    pub(super) fn new(derived_column: &DerivedColumn) -> Result<Self> {
        let DerivedWork::Evaluate { program, loads, .. } = &derived_column.work else {
            return Ok(Self(None));
        };
        let (mut columns, mut words, mut clock) = (Vec::new(), Vec::new(), Vec::new());
        let (mut access, mut constants) = (Vec::new(), Vec::new());
        for (k, &load) in loads.iter().enumerate() {
            access.push(match load {
                DerivedLoad::Column(address) => {
                    columns.push(address);
                    Access::Column(columns.len() - 1)
                }
                DerivedLoad::Word(address) => {
                    words.push((k, address));
                    Access::Uniform
                }
                DerivedLoad::Clock(program_argument) => {
                    clock.push((k, program_argument));
                    Access::Uniform
                }
                DerivedLoad::Constant(bits) => {
                    constants.push((k, bits));
                    Access::Uniform
                }
            });
        }
        let mut executor = Executor::compiled(program, &access, &[columns.len()])?;
        constants.into_iter().for_each(|(k, bits)| executor.set_uniform(k, bits));
        columns.push(derived_column.address);
        Ok(Self(Some(Evaluator { executor, columns, words, clock })))
    }

    /// Makes the column. `begins` tells of a sampling whether its window begins with this step.
    pub(super) fn make(
        &mut self,
        derived_column: &DerivedColumn,
        arena: &mut [u32],
        clock: &[(ProgramArgument, u32)],
        begins: &dyn Fn(usize) -> bool,
    ) {
        let (start, words) = (derived_column.address, derived_column.words);
        let ticking = |program_argument: ProgramArgument| {
            clock.iter().find(|(f, _)| *f == program_argument).map(|(_, bits)| *bits)
        };
        // the number of rows of a delay line is a power of two, so that the low word tells the row
        let step = u64::from(ticking(ProgramArgument::Step).unwrap_or(0));
        match &derived_column.work {
            DerivedWork::Evaluate { .. } => {
                let Some(run) = &mut self.0 else { return };
                for &(k, address) in &run.words {
                    run.executor.set_uniform(k, arena[address]);
                }
                for &(k, program_argument) in &run.clock {
                    if let Some(bits) = ticking(program_argument) {
                        run.executor.set_uniform(k, bits);
                    }
                }
                let base = arena.as_mut_ptr();
                let columns: Vec<*mut u32> =
                    run.columns.iter().map(|&address| base.wrapping_add(address)).collect();
                // SAFETY: the layout reserves a multiple of a chunk of words for each column of a group and for the column,
                // inside the arena, which is borrowed mutably for the call; only the column is written.
                unsafe { run.executor.step(&columns, words) };
            }
            DerivedWork::Copy { from, as_f32 } => {
                for (k, &address) in from.iter().enumerate() {
                    let word = arena[address as usize];
                    arena[start + k] = match as_f32 {
                        None => word,
                        Some(Kind::I32) => (word as i32 as f32).to_bits(),
                        Some(_) => (word as f32).to_bits(),
                    };
                }
            }
            DerivedWork::Reduce { fold, of, indptr, from } => {
                let result = fold.result(*of);
                for (k, row) in indptr.windows(2).enumerate() {
                    let row = &from[row[0] as usize..row[1] as usize];
                    let values = row.iter().map(|&address| load(arena, address as usize, *of));
                    let value = reduce(*fold, *of, values);
                    store(arena, start + k * result.words(), result, value);
                }
            }
            DerivedWork::Accumulate { fold, of, from, sampling } => {
                let (begins, result) = (begins(*sampling), fold.result(*of));
                for (k, &address) in from.iter().enumerate() {
                    let at = start + k * result.words();
                    let mut value = load(arena, address as usize, *of);
                    if !begins {
                        value = combine(*fold, *of, load(arena, at, result), value);
                    }
                    store(arena, at, result, value);
                }
            }
            DerivedWork::DelayLineWrite { delay_line, ahead } => {
                let row = delay_line.row(step.wrapping_add(u64::from(*ahead)));
                arena.copy_within(delay_line.from..delay_line.from + delay_line.words, row);
            }
            DerivedWork::DelayLineRead { delay_line, elements, from, delays, ahead } => {
                let (uniform, step) = (delays.len() == 1, step.wrapping_add(u64::from(*ahead)));
                for (copy, at) in (start..start + words).step_by(from.len()).enumerate() {
                    for (k, &element) in from.iter().enumerate() {
                        let delay = delays[if uniform { 0 } else { k }];
                        let row = delay_line.row(step.wrapping_sub(u64::from(delay)));
                        arena[at + k] = arena[row + copy * elements + element as usize];
                    }
                }
            }
            DerivedWork::Sum { from, connections, indptr } => {
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

/// A value from the words of the arena: the bits of an f32, or an integer.
fn load(arena: &[u32], at: usize, of: Number) -> i64 {
    match of {
        Number::F32 | Number::U32 => i64::from(arena[at]),
        Number::I32 => i64::from(arena[at] as i32),
        Number::I64 => i64::from(arena[at + 1] as i32) << 32 | i64::from(arena[at]),
    }
}

fn store(arena: &mut [u32], at: usize, of: Number, value: i64) {
    arena[at] = value as u32;
    if of == Number::I64 {
        arena[at + 1] = (value >> 32) as u32;
    }
}

/// One of all values: part `p` of the values `p`, `p + 256`, ... in their order, then the parts in halves.
fn reduce(fold: Fold, of: Number, values: impl Iterator<Item = i64>) -> i64 {
    let mut parts = [0; PARTS];
    let mut count = 0;
    for (k, value) in values.enumerate() {
        let part = &mut parts[k % PARTS];
        *part = if k < PARTS { value } else { combine(fold, of, *part, value) };
        count += 1;
    }
    let (mut half, count) = (PARTS / 2, count.min(PARTS));
    while half > 0 {
        for p in 0..half {
            if p + half < count {
                parts[p] = combine(fold, of, parts[p], parts[p + half]);
            }
        }
        half /= 2;
    }
    parts[0]
}

/// As `fold.wgsl` has it.
fn combine(fold: Fold, of: Number, a: i64, b: i64) -> i64 {
    let bits = |value: i64| value as u32;
    match (fold, of) {
        (Fold::Sum | Fold::WideSum, Number::F32) => {
            i64::from((f32::from_bits(bits(a)) + f32::from_bits(bits(b))).to_bits())
        }
        (Fold::Sum | Fold::WideSum, _) if a == BEYOND || b == BEYOND => BEYOND,
        (Fold::Sum | Fold::WideSum, _) => a.checked_add(b).unwrap_or(BEYOND),
        (_, Number::F32) if f32::from_bits(bits(a)).is_nan() => a,
        (_, Number::F32) if f32::from_bits(bits(b)).is_nan() => b,
        (_, _) => {
            let (a_first, b_first) = match of {
                Number::F32 => (ordered(bits(a)), ordered(bits(b))),
                _ => (a, b),
            };
            if (a_first <= b_first) == (fold == Fold::Min) { a } else { b }
        }
    }
}

/// A number that grows with the f32 of these bits, for -0 less than for 0.
fn ordered(bits: u32) -> i64 {
    i64::from(if bits >> 31 == 1 { !bits } else { bits | 1 << 31 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_values_count_once() {
        for count in [1, 2, 3, 128, 129, 255, 256, 257, 1000] {
            let values = || (1..=count).map(|k: i64| k * 7919 % 1009);
            let sum = reduce(Fold::Sum, Number::U32, values());
            assert_eq!(sum, values().sum::<i64>(), "{count}");
            let most = reduce(Fold::Max, Number::U32, values());
            assert_eq!(most, values().max().unwrap(), "{count}");
            let bits = values().map(|v| i64::from((v as f32).to_bits()));
            let least = reduce(Fold::Min, Number::F32, bits);
            assert_eq!(i64::from(f32::from_bits(least as u32) as u32), values().min().unwrap());
        }
    }

    #[test]
    fn the_order_of_numbers() {
        let ascending = [f32::NEG_INFINITY, -2.0, -1e-45, -0.0, 0.0, 1e-45, 3.0, f32::INFINITY];
        let bits = |value: f32| i64::from(value.to_bits());
        for (k, &a) in ascending.iter().enumerate() {
            for (l, &b) in ascending.iter().enumerate() {
                let (least, most) = (ascending[k.min(l)], ascending[k.max(l)]);
                assert_eq!(combine(Fold::Min, Number::F32, bits(a), bits(b)), bits(least));
                assert_eq!(combine(Fold::Max, Number::F32, bits(a), bits(b)), bits(most));
            }
            for nan in [f32::NAN, -f32::NAN] {
                for fold in [Fold::Min, Fold::Max] {
                    assert_eq!(combine(fold, Number::F32, bits(a), bits(nan)), bits(nan));
                    assert_eq!(combine(fold, Number::F32, bits(nan), bits(a)), bits(nan));
                }
            }
        }
        assert_eq!(combine(Fold::Min, Number::I32, -1, 3), -1);
        assert_eq!(combine(Fold::Max, Number::I64, -1 << 40, 3 << 40), 3 << 40);
    }

    #[test]
    fn a_sum_beyond_64_bits_stays_there() {
        let sum = |a, b| combine(Fold::WideSum, Number::I64, a, b);
        assert_eq!(sum(i64::MAX - 3, 3), i64::MAX);
        assert_eq!(sum(i64::MAX, 1), BEYOND);
        assert_eq!(sum(-i64::MAX, -2), BEYOND);
        assert_eq!(sum(BEYOND, 17), BEYOND);
        let words = &mut [0; 2];
        for value in [BEYOND, -1, 0, 1 << 40, -(1 << 40) + 5] {
            store(words, 0, Number::I64, value);
            assert_eq!(load(words, 0, Number::I64), value);
        }
    }
}
