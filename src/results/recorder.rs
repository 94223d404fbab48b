//! The history of a monitor while it is filed.

use std::ops::Range;

use ndarray::ArrayD;

use crate::error::{Error, Result};
use crate::limits;
use crate::plan::{
    BEYOND, Gather, Plan, Record, SamplingSchedule, Scale, Schedule, packed_words, unpacked,
};
use crate::records::{Events, Sink, SinkRows};
use crate::terms::{Element, Kind, array};

/// The history of one monitor.
#[derive(Debug, Clone)]
pub(crate) struct RecordedTrace {
    pub key: String,
    pub kind: Kind,
    /// Shape of one row; that of a closure is known with its first.
    pub row_shape: Vec<usize>,
    pub sampling: usize,
    /// Where it is in the row of its sampling, and how long.
    offset: usize,
    words: usize,
    /// Whether a row is a bit per element, else a word.
    packed: bool,
    /// Whether each value is a sum of two words of the row.
    is_wide: bool,
    scale: Scale,
    /// Kind of what the device gives.
    source: Kind,
    /// Number of the closure that gives its rows, where one does.
    pub host: Option<usize>,
    pub rows: usize,
    /// Why its rows are not to be had: one of its sums does not fit.
    beyond: Option<String>,
    /// Whether its closure failed, or a row found no room: there are no rows more, so that those before stay those of their steps.
    pub ended: bool,
    /// Whether a sink wants events.
    as_events: bool,
    data: RecordedData,
}

/// What is kept.
#[derive(Debug, Clone)]
enum RecordedData {
    Dense(Vec<u32>),
    Sparse(Events),
    Sunk(Sink),
}

impl RecordedTrace {
    pub(crate) fn new(record: &Record, sink: Option<&Sink>) -> Self {
        Self {
            key: record.key.clone(),
            kind: if record.scale == Scale::None { record.kind } else { Kind::F32 },
            row_shape: record.shape.clone(),
            sampling: record.sampling,
            offset: record.offset,
            words: record.words(),
            packed: record.packed(),
            is_wide: record.is_wide,
            scale: record.scale,
            source: record.kind,
            host: match record.gather {
                Gather::Host(k) => Some(k),
                _ => None,
            },
            rows: 0,
            beyond: None,
            ended: false,
            as_events: record.events,
            data: match sink {
                Some(sink) => RecordedData::Sunk(sink.clone()),
                None if record.sparse => RecordedData::Sparse(Events::default()),
                None => RecordedData::Dense(Vec::new()),
            },
        }
    }

    /// Bytes that the host takes for so many rows more, as far as that is known before.
    pub(crate) fn bytes(&self, rows: u64) -> u128 {
        match self.data {
            RecordedData::Dense(_) => 4 * u128::from(rows) * self.words as u128,
            RecordedData::Sparse(_) | RecordedData::Sunk(_) => 0,
        }
    }

    /// Makes room for so many rows more; false where there is none.
    pub(crate) fn reserve(&mut self, rows: u64) -> bool {
        let RecordedData::Dense(words) = &mut self.data else { return true };
        let width = self.words / if self.is_wide { 2 } else { 1 };
        let wanted = usize::try_from(rows).ok().and_then(|rows| rows.checked_mul(width));
        wanted.is_some_and(|wanted| words.try_reserve_exact(wanted).is_ok())
    }

    /// A row that a closure gave.
    pub(crate) fn push_host(&mut self, step: u64, shape: &[usize], words: &[u32]) -> Result<()> {
        if self.rows == 0 {
            self.row_shape = shape.to_vec();
        }
        if self.row_shape != shape {
            self.ended = true;
            return Err(Error::Monitor {
                key: self.key.clone(),
                reason: format!(
                    "its closure gave shape {shape:?} in step {step}, but {:?} before; the shape must stay the same",
                    self.row_shape
                ),
            });
        }
        if let RecordedData::Dense(all) = &mut self.data {
            grow(all, words.len(), &self.key)?;
        }
        self.rows += 1;
        match &mut self.data {
            RecordedData::Dense(all) => all.extend_from_slice(words),
            RecordedData::Sparse(_) => {}
            RecordedData::Sunk(_) => return self.sink(vec![step as i64], words.to_vec(), false),
        }
        Ok(())
    }

    /// Gives rows to its sink, if it has one.
    fn sink(&self, steps: Vec<i64>, words: Vec<u32>, as_events: bool) -> Result<()> {
        let RecordedData::Sunk(sink) = &self.data else { return Ok(()) };
        let (key, kind, row_shape) = (self.key.clone(), self.kind, self.row_shape.clone());
        sink.give(SinkRows { key, kind, row_shape, steps, words, as_events })
    }

    /// Files its part of the rows of some steps.
    fn file(&mut self, rows: &mut dyn Iterator<Item = (i64, u64, &[u32])>) -> Result<()> {
        let range = self.offset..self.offset + self.words;
        let width: usize = self.row_shape.iter().product();
        let (mut steps, mut words) = (Vec::new(), Vec::new());
        let is_sunk = matches!(self.data, RecordedData::Sunk(_));
        for (step, length, row) in rows {
            // a sink has the rows before the first that is not to be had
            if is_sunk && self.beyond.is_some() {
                break;
            }
            let row = &row[range.clone()];
            let to = match &mut self.data {
                RecordedData::Dense(all) => {
                    grow(all, row.len(), &self.key)?;
                    all
                }
                RecordedData::Sparse(events) => {
                    add(events, step, row, self.packed, &self.key)?;
                    self.rows += 1;
                    continue;
                }
                RecordedData::Sunk(_) => {
                    steps.push(step);
                    &mut words
                }
            };
            let divisor = match self.scale {
                Scale::None => None,
                Scale::Elements(n) => Some(f64::from(n)),
                Scale::Steps => Some(length as f64),
            };
            match (divisor, self.is_wide) {
                (None, false) => to.extend_from_slice(row),
                (Some(n), false) => to.extend(row.iter().map(|&w| mean(number(self.source, w), n))),
                (_, true) => {
                    for pair in row.chunks_exact(2) {
                        let sum = i64::from(pair[1] as i32) << 32 | i64::from(pair[0]);
                        let word = narrowed(self.source, sum, divisor);
                        to.push(word.unwrap_or(0));
                        if word.is_none() && self.beyond.is_none() {
                            self.beyond = Some(beyond(self.source, sum, step));
                        }
                    }
                }
            }
            self.rows += 1;
        }
        if !is_sunk {
            return Ok(());
        }
        if self.beyond.is_some() && steps.pop().is_some() {
            words.truncate(steps.len() * width);
        }
        if !steps.is_empty() {
            let words = if self.packed { unpack(&words, width) } else { words };
            self.sink(steps, words, self.as_events)?;
        }
        self.check_sums()
    }

    /// Fails where one of its sums did not fit.
    fn check_sums(&self) -> Result<()> {
        match &self.beyond {
            None => Ok(()),
            Some(reason) => Err(Error::Monitor { key: self.key.clone(), reason: reason.clone() }),
        }
    }

    fn sunk(&self) -> Error {
        Error::Monitor { key: self.key.clone(), reason: "its rows went to a sink".into() }
    }

    /// All rows as an array.
    pub(crate) fn array<T: Element>(&self, steps: &[i64]) -> Result<ArrayD<T>> {
        self.check_sums()?;
        let shape: Vec<usize> =
            std::iter::once(self.rows).chain(self.row_shape.iter().copied()).collect();
        let width: usize = self.row_shape.iter().product();
        let bytes = self.rows.saturating_mul(width).saturating_mul(4 + size_of::<T>());
        let what = || format!("an array of monitor `{}`", self.key);
        limits::room(bytes, what, "read a sink's rows, or events, instead")?;
        match &self.data {
            RecordedData::Sunk(_) => Err(self.sunk()),
            RecordedData::Dense(words) if self.packed => {
                array(&self.key, self.kind, &shape, &unpack(words, width))
            }
            RecordedData::Dense(words) => array(&self.key, self.kind, &shape, words),
            RecordedData::Sparse(events) => {
                let mut words = vec![0; self.rows * width];
                for (&step, &index) in events.steps.iter().zip(&events.indices) {
                    // steps are in order, and all events are of one of them
                    let row = steps.partition_point(|&s| s < step as i64);
                    words[row * width + index as usize] = 1;
                }
                array(&self.key, self.kind, &shape, &words)
            }
        }
    }

    /// All rows as events, but for the first `initial` ones; `steps` are those of the rows.
    pub(crate) fn events(&self, steps: &[i64], initial: usize) -> Result<Events> {
        if self.kind != Kind::Bool {
            let (held, asked) = (self.kind.name(), Kind::Bool.name());
            return Err(Error::Kind { key: self.key.clone(), held, asked });
        }
        match &self.data {
            RecordedData::Sunk(_) => Err(self.sunk()),
            RecordedData::Sparse(events) => Ok(events.clone()),
            RecordedData::Dense(words) => {
                let mut events = Events::default();
                if self.words > 0 {
                    let rows = steps.iter().zip(words.chunks_exact(self.words));
                    for (&step, row) in rows.skip(initial) {
                        add(&mut events, step, row, self.packed, &self.key)?;
                    }
                }
                Ok(events)
            }
        }
    }
}

/// Makes room for so many more, and for as many as there are, so that this is seldom.
fn grow<T>(all: &mut Vec<T>, more: usize, key: &str) -> Result<()> {
    if all.capacity() - all.len() >= more {
        return Ok(());
    }
    let what = || format!("what monitor `{key}` has recorded");
    let room = |count: usize| {
        let bytes = count.saturating_add(all.len()).saturating_mul(size_of::<T>());
        limits::room(bytes, what, "record less, every so many steps, or into a sink")
            .map(|()| count)
    };
    let count = room(more.max(all.len())).or_else(|_| room(more))?;
    all.reserve_exact(count);
    Ok(())
}

/// A sum as a mean. The quotient of two numbers of f32 is rounded as f32 would round it.
fn mean(sum: f64, count: f64) -> u32 {
    ((sum / count) as f32).to_bits()
}

fn number(kind: Kind, word: u32) -> f64 {
    match kind {
        Kind::F32 => f64::from(f32::from_bits(word)),
        Kind::I32 => f64::from(word as i32),
        Kind::U32 | Kind::Bool => f64::from(word),
    }
}

/// A sum of integers as one of its kind, or as a mean; none where it does not fit.
fn narrowed(kind: Kind, sum: i64, divisor: Option<f64>) -> Option<u32> {
    match (divisor, kind) {
        (Some(_), _) if sum == BEYOND => None,
        (Some(count), _) => Some(mean(sum as f64, count)),
        (None, Kind::I32) => i32::try_from(sum).ok().map(|sum| sum as u32),
        (None, _) => u32::try_from(sum).ok(),
    }
}

fn beyond(kind: Kind, sum: i64, step: i64) -> String {
    let (sum, kind) = match sum {
        BEYOND => ("beyond 64 bits".to_string(), kind.name()),
        sum => (sum.to_string(), kind.name()),
    };
    format!(
        "its sum in step {step} is {sum}, but it is recorded as {kind}; record the mean, or the sum of an expression of type f32"
    )
}

/// Packed rows of so many flags, a word a flag.
fn unpack(words: &[u32], width: usize) -> Vec<u32> {
    let rows = words.chunks_exact(packed_words(width).max(1));
    rows.flat_map(|row| (0..width).map(|k| row[k / 32] >> (k % 32) & 1)).collect()
}

/// Where the rows of a run belong.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorder {
    pub samplings: Vec<SamplingSchedule>,
    /// The steps that the run is to have.
    pub run: Range<u64>,
}

impl Recorder {
    /// Where the rows of some steps are.
    pub(crate) fn schedule(&self, steps: Range<u64>) -> Schedule {
        Schedule::new(&self.samplings, &self.run, steps)
    }

    /// Files the rows of some steps.
    pub(crate) fn file(
        &self,
        traces: &mut [RecordedTrace],
        steps: Range<u64>,
        rows: &[u32],
    ) -> Result<()> {
        let schedule = self.schedule(steps.clone());
        self.each(traces, &schedule, steps.start as i64, rows)
    }

    /// Files the values before the run.
    pub(crate) fn file_initial(&self, traces: &mut [RecordedTrace], rows: &[u32]) -> Result<()> {
        let schedule = Schedule::initial(&self.samplings);
        self.each(traces, &schedule, self.run.start as i64 - 1, rows)
    }

    fn each(
        &self,
        traces: &mut [RecordedTrace],
        schedule: &Schedule,
        first: i64,
        rows: &[u32],
    ) -> Result<()> {
        let count = self.samplings.len().max(1);
        // a sink that fails keeps no other trace from its rows
        let mut filed = Ok(());
        for trace in traces.iter_mut().filter(|t| t.host.is_none() && !t.ended) {
            let sampling = &self.samplings[trace.sampling];
            let entries = schedule.entries.iter().skip(trace.sampling).step_by(count).enumerate();
            let mut due = entries.filter_map(|(k, entry)| {
                let (step, row) = (first + k as i64, entry.row?);
                let length = u64::try_from(step).map_or(1, |step| sampling.length(step, &self.run));
                Some((step, length, &rows[row..row + sampling.row]))
            });
            let outcome = trace.file(&mut due);
            // what a sink did not take waits for it
            trace.ended = outcome.is_err() && !matches!(trace.data, RecordedData::Sunk(_));
            filed = filed.and(outcome);
        }
        filed
    }
}

/// Adds the events of a row.
fn add(events: &mut Events, step: i64, row: &[u32], is_packed: bool, key: &str) -> Result<()> {
    let indices = if is_packed {
        unpacked(row)
    } else {
        (0..).zip(row).filter(|(_, w)| **w != 0).map(|(k, _)| k).collect()
    };
    grow(&mut events.steps, indices.len(), key)?;
    grow(&mut events.indices, indices.len(), key)?;
    events.steps.extend(indices.iter().map(|_| step as u64));
    events.indices.extend(indices);
    Ok(())
}

/// Whether values before a run are recorded.
pub(crate) fn records_initial(plan: &Plan) -> bool {
    plan.samplings.iter().any(|c| c.initial && c.row > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows behind one that is lost would pass for those of earlier steps.
    #[test]
    fn a_trace_that_ended_has_no_rows_more() {
        let record = |sparse: bool, gather: Gather| Record {
            key: "x".into(),
            kind: if sparse { Kind::Bool } else { Kind::U32 },
            shape: vec![2],
            sampling: 0,
            offset: 0,
            gather,
            is_wide: false,
            scale: Scale::None,
            events: false,
            sparse,
        };
        let dense = record(false, Gather::Range { address: 0, count: 2 });
        let sparse = record(true, Gather::Flags { address: 0, count: 2 });
        let mut traces =
            [&dense, &sparse, &dense, &sparse].map(|record| RecordedTrace::new(record, None));
        let sampling =
            SamplingSchedule { every: 1, window: None, per: None, initial: false, row: 2 };
        let filing = Recorder { samplings: vec![sampling], run: 0..9 };
        let rows = |steps: Range<u32>| steps.flat_map(|k| [k & 3, k]).collect::<Vec<u32>>();
        filing.file(&mut traces, 0..3, &rows(0..3)).unwrap();
        traces[..2].iter_mut().for_each(|trace| trace.ended = true);
        filing.file(&mut traces, 3..9, &rows(3..9)).unwrap();
        assert_eq!(traces.each_ref().map(|trace| trace.rows), [3, 3, 9, 9]);
        let steps: Vec<i64> = (0..3).collect();
        assert_eq!(traces[0].array::<u32>(&steps).unwrap().as_slice().unwrap(), rows(0..3));
        assert_eq!(traces[1].events(&steps, 0).unwrap().steps, [1, 2]);
    }
}
