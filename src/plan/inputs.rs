//! Inputs as operations on addresses.

use super::{InputOp, Plan, Role, Slot, Source};
use crate::error::{Error, Result};
use crate::input::{Input, InputFunction, InputType, InputValue, Shared};
use crate::model::Kind;
use crate::system::{Value, broadcast};

/// What fills the rows of an input that changes from step to step.
pub(crate) struct RowSource {
    pub path: String,
    /// Shape and kind of the target.
    shape: Vec<usize>,
    kind: Kind,
    /// Where its part of a row is.
    offset: usize,
    width: usize,
    rows: Rows,
}

enum Rows {
    /// Row after row, each `width` words.
    Array(Vec<u32>),
    Function(InputFunction),
}

/// Adds the inputs to the plan; what changes from step to step is returned.
pub(super) fn compile(plan: &mut Plan, inputs: &[Input]) -> Result<Vec<RowSource>> {
    let mut sources = Vec::new();
    for input in inputs {
        let slot = plan.slot("variable", &input.target.path)?.clone();
        let op = one(plan, input, &slot, &mut sources)?;
        plan.inputs.push(op);
    }
    Ok(sources)
}

fn one(
    plan: &mut Plan,
    input: &Input,
    slot: &Slot,
    sources: &mut Vec<RowSource>,
) -> Result<InputOp> {
    let path = input.target.path.clone();
    let wrong = |reason: String| Error::Input { target: path.clone(), reason };
    let kind = input.kind.clone().map_err(|word| {
        wrong(format!("`{word}` is no type of input; there are `fix`, `iter` and `func`"))
    })?;
    let operation = input.operation.clone().map_err(|sign| {
        wrong(format!("`{sign}` is no operation; there are `+`, `-`, `*`, `/` and `=`"))
    })?;
    match slot.role {
        Role::State | Role::Input => {}
        Role::Spike => {
            return Err(wrong("`spike` is a result and cannot be an input's target".into()));
        }
        Role::Param => {
            return Err(wrong(
                "it is a parameter, which inputs cannot change; set it between runs".into(),
            ));
        }
    }
    let source = match (kind, &input.value) {
        (InputType::Fix, InputValue::Value(value)) => {
            let words = words(&value.broadcast(&path, &slot.shape)?, slot.kind).map_err(wrong)?;
            let offset = plan.constants.len();
            let stride = usize::from(words.len() > 1);
            plan.constants.extend(words);
            Source::Constant { offset, stride }
        }
        (InputType::Iter, InputValue::Value(value)) => {
            let (width, rows) = rows(value, slot, &path)?;
            row_source(plan, slot, &path, width, Rows::Array(rows), sources)
        }
        (InputType::Func, InputValue::Func(function)) => {
            // the closure may give a scalar in one step and an array in the next
            let width = slot.words;
            row_source(plan, slot, &path, width, Rows::Function(function.clone()), sources)
        }
        (InputType::Func, InputValue::Value(_)) => {
            return Err(wrong(
                "type `func` needs a closure of `&Shared`, but the value is an array or number"
                    .into(),
            ));
        }
        (_, InputValue::Func(_)) => {
            return Err(wrong("the value is a closure; give the type `func`".into()));
        }
    };
    Ok(InputOp {
        path,
        population: slot.population,
        member: slot.member,
        address: slot.address,
        elements: slot.words,
        kind: slot.kind,
        operation,
        source,
    })
}

fn row_source(
    plan: &mut Plan,
    slot: &Slot,
    path: &str,
    width: usize,
    rows: Rows,
    sources: &mut Vec<RowSource>,
) -> Source {
    let offset = plan.input_row;
    plan.input_row += width;
    let (path, shape, kind) = (path.into(), slot.shape.clone(), slot.kind);
    sources.push(RowSource { path, shape, kind, offset, width, rows });
    Source::Row { offset, stride: usize::from(width > 1) }
}

fn words(values: &[f64], kind: Kind) -> std::result::Result<Vec<u32>, String> {
    values.iter().map(|&v| kind.bits(v)).collect()
}

/// Every row of an array broadcast to the variable: the width of a row, and the rows.
fn rows(value: &Value, slot: &Slot, path: &str) -> Result<(usize, Vec<u32>)> {
    let wrong = |reason: String| Error::Input { target: path.into(), reason };
    let Some((&count, row_shape)) = value.shape().split_first() else {
        return Err(wrong(
            "type `iter` needs an array whose first axis is time, but the value is a number".into(),
        ));
    };
    if count == 0 {
        return Err(wrong("type `iter` needs at least one row".into()));
    }
    let data = value.data();
    let row_length = data.len() / count;
    if row_length == 0 {
        let wanted: Vec<usize> = std::iter::once(count).chain(slot.shape.iter().copied()).collect();
        return Err(Error::shape(path, value.shape(), &wanted));
    }
    let single = row_length == 1;
    let mut all = Vec::with_capacity(count * if single { 1 } else { slot.words });
    for row in data.chunks_exact(row_length) {
        let row = broadcast(row, row_shape, &slot.shape).ok_or_else(|| {
            let wanted: Vec<usize> =
                std::iter::once(count).chain(slot.shape.iter().copied()).collect();
            Error::shape(path, value.shape(), &wanted)
        })?;
        all.extend(words(&row, slot.kind).map_err(wrong)?);
    }
    Ok((all.len() / count, all))
}

impl RowSource {
    /// Fails where a run up to `end` (exclusive) needs more rows than there are.
    pub(crate) fn check(&self, end: u64) -> Result<()> {
        let Rows::Array(rows) = &self.rows else { return Ok(()) };
        let count = (rows.len() / self.width) as u64;
        if count >= end {
            return Ok(());
        }
        Err(Error::Input {
            target: self.path.clone(),
            reason: format!(
                "there are {count} rows, but the run goes on to step {end} and needs one per step"
            ),
        })
    }

    /// Writes the values for one step into its row.
    pub(crate) fn fill(&self, shared: &Shared, row: &mut [u32]) -> Result<()> {
        let row = &mut row[self.offset..self.offset + self.width];
        match &self.rows {
            Rows::Array(rows) => {
                let at = shared.i as usize * self.width;
                row.copy_from_slice(&rows[at..at + self.width]);
            }
            Rows::Function(function) => {
                let values = function(shared).broadcast(&self.path, &self.shape)?;
                let wrong = |reason| Error::Input { target: self.path.clone(), reason };
                match words(&values, self.kind).map_err(wrong)?[..] {
                    [word] => row.fill(word),
                    ref words => row.copy_from_slice(words),
                }
            }
        }
        Ok(())
    }
}
