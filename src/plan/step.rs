//! The operations of a step, in their order.

use std::ops::Range;
use std::sync::Arc;

use crate::model::{Invocation, KernelText, Program, ProgramArgument};
use crate::scalar::Memory;
use crate::terms::Kind;

/// An operation of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepOp {
    /// Makes a column of the plan's `columns`.
    Derive(usize),
    Input(usize),
    /// The closure of a callable input.
    Call(usize),
    /// Of the delivery blocks of a stage.
    Deliver(usize),
    /// Of a population.
    Update(usize),
    /// Runs a kernel of the plan's `kernels`.
    Kernel(usize),
    Record,
    /// Of the inputs, after the step.
    Clear,
}

/// A column of words that a step makes, beside the state: the value of an input or of a monitor.
#[derive(Debug)]
pub(crate) struct DerivedColumn {
    /// What it is for, for people.
    pub label: String,
    pub work: DerivedWork,
    /// Where it is in the arena.
    pub address: usize,
    pub words: usize,
}

/// How a column is made.
#[derive(Debug)]
pub(crate) enum DerivedWork {
    /// By a program, for each element of a node.
    Evaluate { program: Arc<Program>, loads: Vec<DerivedLoad>, node: String },
    /// From these words, as f32 where they are of that other kind.
    Copy { from: Vec<u32>, as_f32: Option<Kind> },
    /// One value for each row of these.
    Reduce { fold: Fold, of: Number, indptr: Vec<u32>, from: Vec<u32> },
    /// From the column itself and these values: the column is what came of them since the window of a sampling began.
    Accumulate { fold: Fold, of: Number, from: Vec<u32>, sampling: usize },
    /// The row of the step in a delay line, from its variable; or with `ahead` that of the next step, for those that read what the
    /// step has made of the variable.
    DelayLineWrite { delay_line: DelayLine, ahead: bool },
    /// From a delay line: for each of these elements of each replica of the system, which has so many, its value a delay ago; the
    /// delays in steps, one for all or one each, counted from the row of the step, or with `ahead` from that of the next.
    DelayLineRead {
        delay_line: DelayLine,
        elements: usize,
        from: Vec<u32>,
        delays: Vec<u32>,
        ahead: bool,
    },
    /// From a column with so many words for each replica of the system: the sums of its rows, each in order.
    Sum { from: usize, connections: usize, indptr: Vec<u32> },
}

/// What is made of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fold {
    /// Of integers only where it fits into a word.
    Sum,
    /// Of integers, in two words; [`BEYOND`] from where it is beyond these.
    WideSum,
    /// NaN where one is.
    Min,
    Max,
}

/// A sum beyond 64 bits. Only one over steps comes there: a group has fewer than 2^31 elements.
pub(crate) const BEYOND: i64 = i64::MIN;

/// As what the words of a value are added and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    F32,
    I32,
    U32,
    /// Two words, the low one first.
    I64,
}

impl Number {
    pub(crate) fn words(self) -> usize {
        if self == Self::I64 { 2 } else { 1 }
    }
}

impl Fold {
    /// What is made of such values.
    pub(crate) fn result(self, of: Number) -> Number {
        if self == Self::WideSum { Number::I64 } else { of }
    }
}

/// Where a program finds a member of its argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DerivedLoad {
    /// A word per element from this address.
    Column(usize),
    /// The word at this address.
    Word(usize),
    Clock(ProgramArgument),
    Constant(u32),
}

/// In which steps a monitor records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SamplingSchedule {
    pub every: u64,
    /// Steps outside of which nothing is recorded.
    pub window: Option<Range<u64>>,
    /// Steps of which one row is made.
    pub per: Option<u64>,
    /// Whether the values before the run are a row too.
    pub initial: bool,
    /// Words of a row: those of all records of this sampling.
    pub row: usize,
}

impl SamplingSchedule {
    /// Whether a step of a run gives a row.
    pub(crate) fn due(&self, step: u64, run: &Range<u64>) -> bool {
        match self.per {
            Some(per) => self.length(step, run) == per || step + 1 == run.end,
            None => {
                step.is_multiple_of(self.every)
                    && self.window.as_ref().is_none_or(|window| window.contains(&step))
            }
        }
    }

    /// Steps that a row at the end of this step is made of.
    pub(crate) fn length(&self, step: u64, run: &Range<u64>) -> u64 {
        self.per.map_or(1, |per| (step - run.start) % per + 1)
    }

    /// The steps of a run that give rows.
    pub(crate) fn steps(&self, run: Range<u64>) -> impl Iterator<Item = u64> {
        let window = self.window.clone().unwrap_or(0..u64::MAX);
        let (first, apart, end) = match self.per {
            Some(per) => (run.start.saturating_add(per - 1), per, run.end),
            None => {
                let first = run.start.max(window.start).checked_next_multiple_of(self.every);
                (first.unwrap_or(u64::MAX), self.every, run.end.min(window.end))
            }
        };
        let whole = std::iter::successors(Some(first), move |step| step.checked_add(apart));
        let whole = whole.take_while(move |&step| step < end);
        // the end of a run ends its last window
        let length = run.end - run.start;
        let rest = self.per.filter(|per| !length.is_multiple_of(*per));
        whole.chain(rest.map(|_| run.end - 1))
    }

    /// How many rows a run gives.
    pub(crate) fn rows(&self, run: &Range<u64>) -> u64 {
        let initial = u64::from(self.initial);
        let steps = match (self.per, &self.window) {
            (Some(per), _) => return (run.end - run.start).div_ceil(per),
            (None, None) => run.clone(),
            (None, Some(window)) => {
                let start = run.start.max(window.start);
                start..run.end.min(window.end).max(start)
            }
        };
        initial + steps.end.div_ceil(self.every) - steps.start.div_ceil(self.every)
    }
}

/// Where the rows of some steps go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// For each step and sampling.
    pub entries: Vec<ScheduleEntry>,
    /// Words of all rows.
    pub words: usize,
}

/// What a step does for a sampling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScheduleEntry {
    /// Where its row goes, if it gives one.
    pub row: Option<usize>,
    /// Whether a window begins with it.
    pub begins: bool,
}

impl Schedule {
    /// For steps of a run.
    pub(crate) fn new(samplings: &[SamplingSchedule], run: &Range<u64>, steps: Range<u64>) -> Self {
        let per_step = steps.flat_map(|step| samplings.iter().map(move |c| (step, c)));
        Self::of(per_step.map(|(step, c)| {
            let row = c.due(step, run).then_some(c.row);
            (row, c.length(step, run) == 1)
        }))
    }

    /// For the values before a run.
    pub(crate) fn initial(samplings: &[SamplingSchedule]) -> Self {
        Self::of(samplings.iter().map(|c| (c.initial.then_some(c.row), true)))
    }

    fn of(rows: impl Iterator<Item = (Option<usize>, bool)>) -> Self {
        let mut words = 0;
        let entries = rows.map(|(row, begins)| {
            let at = row.map(|row| {
                words += row;
                words - row
            });
            ScheduleEntry { row: at, begins }
        });
        let entries = entries.collect();
        Self { entries, words }
    }
}

/// A variable with its values at the starts of the last steps: that of step `k` is row `k` modulo the number of rows, a power
/// of two, so that the low word of the step tells the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DelayLine {
    /// Number of the variable among the slots.
    pub variable: usize,
    /// Where the variable is, and how many words it has.
    pub from: usize,
    pub words: usize,
    /// Where row 0 is.
    pub address: usize,
    /// Words from row to row.
    pub stride: usize,
    pub rows: usize,
    /// Steps before the one at hand that are kept.
    pub depth: usize,
}

impl DelayLine {
    /// Address of the row of a step.
    pub(crate) fn row(&self, step: u64) -> usize {
        self.address + (step as usize & (self.rows - 1)) * self.stride
    }
}

/// A kernel of a step.
#[derive(Debug)]
pub(crate) struct KernelOp {
    pub path: String,
    pub stage: usize,
    pub text: Arc<KernelText>,
    /// One for each of the text's.
    pub arrays: Vec<KernelArray>,
    /// Along each axis.
    pub workgroups: [u32; 3],
    /// For each argument of the program.
    pub gives: Vec<KernelGive>,
    /// For each replica of the system what keys its random numbers.
    pub keys: Vec<[u32; 2]>,
}

/// A variable that a kernel works on.
#[derive(Debug, Clone)]
pub(crate) struct KernelArray {
    pub path: String,
    /// Where it is for the first replica of the system; those of other replicas follow.
    pub address: usize,
    /// Words of a replica, and from replica to replica.
    pub words: usize,
    pub stride: usize,
    pub writable: bool,
}

/// What a member of the program's argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KernelGive {
    Clock(ProgramArgument),
    Constant(u32),
    /// A half of the key of the replica of the system.
    Key(usize),
    Invocation(Invocation),
}

impl KernelOp {
    /// The memories of the program.
    pub(crate) fn memories(&self) -> Vec<Memory> {
        let words: Vec<usize> = self.arrays.iter().map(|array| array.words).collect();
        self.text.memories(&words)
    }

    /// Number of workgroups.
    pub(crate) fn count(&self) -> usize {
        self.workgroups.iter().map(|&n| n as usize).product()
    }

    /// Whether it changes the variable at an address.
    pub(crate) fn writes(&self, address: usize) -> bool {
        self.arrays.iter().any(|array| array.writable && array.address == address)
    }

    /// Whether an array is to hold what the variable was, while another one of it is written.
    pub(crate) fn is_snapshot(&self, k: usize) -> bool {
        let KernelArray { address, writable, .. } = self.arrays[k];
        !writable && self.writes(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_as_they_are_given() {
        let plain = SamplingSchedule { every: 1, window: None, per: None, initial: false, row: 1 };
        let samplings = [
            plain.clone(),
            SamplingSchedule { every: 3, ..plain.clone() },
            SamplingSchedule { every: 3, window: Some(5..11), ..plain.clone() },
            SamplingSchedule { window: Some(20..30), ..plain.clone() },
            SamplingSchedule { per: Some(4), ..plain },
        ];
        for run in [0..10, 4..11, 7..8, 25..40, 40..50] {
            for sampling in &samplings {
                let rows = sampling.steps(run.clone()).count() as u64;
                assert_eq!(sampling.rows(&run), rows, "{sampling:?} in {run:?}");
                let due: Vec<u64> = run.clone().filter(|&step| sampling.due(step, &run)).collect();
                assert_eq!(
                    sampling.steps(run.clone()).collect::<Vec<_>>(),
                    due,
                    "{sampling:?} in {run:?}"
                );
            }
        }
        let per = &samplings[4];
        assert_eq!(per.steps(3..13).collect::<Vec<_>>(), [6, 10, 12]);
        assert_eq!([3, 6, 7, 12].map(|step| per.length(step, &(3..13))), [1, 4, 1, 2]);
    }
}
