//! What fills the rows of inputs that change from step to step.

use crate::error::{Error, Explained, Result};
use crate::inputs::{Policy, RowIterator, RowStream};
use crate::terms::{InputFunction, Kind, Shared, Value, broadcast};

/// The rows of one input.
pub(crate) struct RowSource {
    pub path: String,
    /// Shape and kind of the target.
    pub shape: Vec<usize>,
    pub kind: Kind,
    /// Where its part of a row is.
    pub offset: usize,
    pub width: usize,
    pub policy: Policy,
    /// The step that the first row is for.
    pub first: u64,
    pub rows: Rows,
}

pub(crate) enum Rows {
    /// Row after row, each `width` words.
    Array(Vec<u32>),
    Function(InputFunction),
    Stream(StreamRows),
}

/// A stream, and how far it was read.
pub(crate) struct StreamRows {
    factory: RowStream,
    iterator: Option<RowIterator>,
    /// Number of the next row, and the row before it.
    next: u64,
    last: Option<Value>,
    /// Number of all rows, once they have run out.
    length: Option<u64>,
}

impl StreamRows {
    pub(crate) fn new(factory: RowStream) -> Self {
        Self { factory, iterator: None, next: 0, last: None, length: None }
    }

    /// Row `i`, or none where the stream is at its end before.
    fn row(&mut self, i: u64) -> Option<&Value> {
        if self.iterator.is_none() || i + 1 < self.next {
            (self.iterator, self.next, self.last) = (Some((self.factory.0)()), 0, None);
        }
        while self.next <= i {
            match self.iterator.as_mut().and_then(Iterator::next) {
                Some(row) => (self.last, self.next) = (Some(row), self.next + 1),
                None => {
                    self.length = Some(self.next);
                    return None;
                }
            }
        }
        self.last.as_ref()
    }

    /// The row for step `i` by the policy; none is a row of zeros.
    fn by(&mut self, policy: Policy, i: u64) -> Explained<Option<&Value>> {
        let i = match self.length {
            Some(length) if policy == Policy::Cycle && length > 0 => i % length,
            _ => i,
        };
        if i == 0 && self.next > 0 {
            // from the beginning again, perhaps with other rows
            (self.iterator, self.length) = (None, None);
        }
        if self.length.is_none_or(|length| i < length) && self.row(i).is_some() {
            return Ok(self.last.as_ref());
        }
        let length = self.length.unwrap_or(0);
        match policy {
            Policy::Zero => Ok(None),
            Policy::Error => Err(format!(
                "its stream has only {length} rows, and step {i} needs one; give more, or another `policy`"
            )),
            Policy::HoldLast | Policy::Cycle if length == 0 => Err("its stream has no row".into()),
            Policy::HoldLast => self.again(length - 1),
            Policy::Cycle => self.again(i % length),
        }
    }

    /// A row that was there before.
    fn again(&mut self, i: u64) -> Explained<Option<&Value>> {
        match self.row(i) {
            None => {
                Err(format!("its stream ended before row {i}, which it had when it was read first"))
            }
            row => Ok(row),
        }
    }
}

pub(crate) fn words(values: &[f64], kind: Kind) -> Explained<Vec<u32>> {
    values.iter().map(|&v| kind.bits(v)).collect()
}

/// Every row of an array broadcast to a variable of that shape: the width of a row, and the rows.
pub(crate) fn array(
    value: &Value,
    shape: &[usize],
    kind: Kind,
    path: &str,
) -> Result<(usize, Vec<u32>)> {
    let wrong = |reason: String| Error::Input { target: path.into(), reason };
    let Some((&count, row_shape)) = value.shape().split_first() else {
        return Err(wrong(
            "type `iter` needs an array whose first axis is time, but the value is a number".into(),
        ));
    };
    if count == 0 {
        return Err(wrong("type `iter` needs at least one row".into()));
    }
    let wanted = || {
        let wanted: Vec<usize> = std::iter::once(count).chain(shape.iter().copied()).collect();
        Error::shape(path, value.shape(), &wanted)
    };
    let data = value.data();
    let row_length = data.len() / count;
    if row_length == 0 {
        // of no element, such as a slice that chooses none
        return broadcast(data, row_shape, shape).map(|_| (1, vec![0; count])).ok_or_else(wanted);
    }
    let mut all = Vec::with_capacity(data.len());
    for row in data.chunks_exact(row_length) {
        let row = broadcast(row, row_shape, shape).ok_or_else(wanted)?;
        all.extend(words(&row, kind).map_err(wrong)?);
    }
    Ok((all.len() / count, all))
}

impl RowSource {
    /// Fails where a run up to `end` (exclusive) needs more rows than there are.
    pub(crate) fn check(&self, end: u64) -> Result<()> {
        let Rows::Array(rows) = &self.rows else { return Ok(()) };
        let (count, end) = ((rows.len() / self.width) as u64, end - self.first);
        if count >= end || self.policy != Policy::Error {
            return Ok(());
        }
        Err(self.wrong(format!(
            "there are {count} rows, but the run goes on to step {end} and needs one per step; give more, or another `policy`"
        )))
    }

    /// Whether it is a closure.
    pub(crate) fn is_function(&self) -> bool {
        matches!(self.rows, Rows::Function(_))
    }

    fn wrong(&self, reason: String) -> Error {
        Error::Input { target: self.path.clone(), reason }
    }

    /// Writes the values for one step into its row.
    pub(crate) fn fill(&mut self, shared: &Shared, row: &mut [u32]) -> Result<()> {
        let row = &mut row[self.offset..self.offset + self.width];
        let (path, policy, i) = (&self.path, self.policy, shared.i - self.first);
        let wrong = |reason: String| Error::Input { target: path.clone(), reason };
        let values = match &mut self.rows {
            Rows::Array(rows) => {
                let count = rows.len() / self.width;
                let at = match policy {
                    _ if i < count as u64 => i as usize,
                    Policy::Zero => {
                        row.fill(0);
                        return Ok(());
                    }
                    Policy::Cycle => (i % count as u64) as usize,
                    Policy::Error | Policy::HoldLast => count - 1,
                };
                row.copy_from_slice(&rows[at * self.width..][..self.width]);
                return Ok(());
            }
            Rows::Function(function) => function(shared).broadcast(path, &self.shape)?,
            Rows::Stream(stream) => match stream.by(policy, i).map_err(wrong)? {
                Some(value) => value.broadcast(path, &self.shape)?,
                None => vec![0.0],
            },
        };
        match words(&values, self.kind).map_err(wrong)?[..] {
            [word] => row.fill(word),
            ref words => row.copy_from_slice(words),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::stream;

    fn rows(policy: Policy, steps: &[u64]) -> Vec<Explained<Option<f64>>> {
        let mut rows = StreamRows::new(stream(|| vec![1.0, 2.0, 3.0]));
        let value = |v: &Value| v.data()[0];
        steps.iter().map(|&i| rows.by(policy, i).map(|v| v.map(value))).collect()
    }

    #[test]
    fn streams_go_back_skip_and_end() {
        let there = |values: &[f64]| values.iter().map(|&v| Ok(Some(v))).collect::<Vec<_>>();
        assert_eq!(rows(Policy::Error, &[0, 1, 1, 2, 0]), there(&[1.0, 2.0, 2.0, 3.0, 1.0]));
        assert_eq!(rows(Policy::HoldLast, &[1, 7, 8, 0]), there(&[2.0, 3.0, 3.0, 1.0]));
        assert_eq!(
            rows(Policy::Cycle, &[2, 3, 4, 5, 6, 301]),
            there(&[3.0, 1.0, 2.0, 3.0, 1.0, 2.0])
        );
        assert_eq!(rows(Policy::Zero, &[2, 3, 1]), [Ok(Some(3.0)), Ok(None), Ok(Some(2.0))]);
        let error = rows(Policy::Error, &[5]).remove(0).unwrap_err();
        assert!(error.starts_with("its stream has only 3 rows, and step 5 needs one"), "{error}");
        let mut empty = StreamRows::new(stream(Vec::<f64>::new));
        for policy in [Policy::HoldLast, Policy::Cycle] {
            assert_eq!(empty.by(policy, 0).unwrap_err(), "its stream has no row");
        }
    }
}
