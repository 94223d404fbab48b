//! Data that a run brings: inputs for this run alone.

use std::sync::Arc;

use super::predict::Predict;
use super::run::{DSRunner, RunData};
use crate::backend::Data;
use crate::error::{Error, Result};
use crate::inputs::Policy;
use crate::plan::{InputOp, Role, RowSource, Rows, Source, array, check_offsets, check_target};
use crate::terms::{Operation, Target, Value};

impl DSRunner {
    /// The data of a run that starts with step `first`.
    pub(super) fn data_of(&self, predict: &Predict, first: u64) -> Result<Option<RunData>> {
        if predict.data.is_empty() {
            return Ok(None);
        }
        let mut inputs = Vec::new();
        let mut sources: Vec<RowSource> = Vec::new();
        let (mut row, mut length) = (0, None);
        for (target, value) in &predict.data {
            let target = match target {
                Some(target) => target.clone(),
                None => self.own_input()?,
            };
            let path = target.path.clone();
            let chosen = self.plan.select("variable", &target)?;
            check_target(&path, chosen.variable.role)?;
            check_offsets(&path, &chosen.offsets)?;
            let batch_first = self.settings.batch_first;
            let value = if batch_first { time_first(value, &path)? } else { value.clone() };
            let parsed = array(&value, &chosen.shape, chosen.variable.kind, &path);
            let (width, rows) = parsed.map_err(|e| if batch_first { as_given(e) } else { e })?;
            let count = (rows.len() / width) as u64;
            if length.is_some_and(|length| length != count) {
                return Err(Error::Input {
                    target: path,
                    reason: format!(
                        "its data have {count} rows, but those before have {}; all data of a run have the same number",
                        length.unwrap_or(0)
                    ),
                });
            }
            length = Some(count);
            let (offset, stride) = (row, usize::from(width > 1));
            row += width;
            inputs.push(InputOp {
                path: path.clone(),
                population: chosen.variable.population,
                member: chosen.variable.member,
                address: chosen.variable.address,
                offsets: chosen.offsets,
                kind: chosen.variable.kind,
                operation: Operation::Add,
                source: Source::Row { offset, stride },
            });
            sources.push(RowSource {
                path,
                shape: chosen.shape,
                kind: chosen.variable.kind,
                offset,
                width,
                policy: Policy::Error,
                first,
                rows: Rows::Array(rows),
            });
        }
        let inputs = Arc::new(Data { inputs, row });
        Ok(Some(RunData { inputs, sources, steps: length.unwrap_or(0) }))
    }

    /// The input of a target that is a group.
    fn own_input(&self) -> Result<Target> {
        let own = |role| {
            self.plan.variables.iter().filter(move |s| s.node().is_empty() && s.role == role)
        };
        let mut inputs = own(Role::Input);
        match (inputs.next(), inputs.next()) {
            (Some(input), None) => Ok(Target::from(input.path())),
            _ => Err(Error::Input {
                target: self.target().name().into(),
                reason: "data without a name are for a target that is a group with one input; name the variable by `Predict::input`".into(),
            }),
        }
    }
}

/// An error of shapes `(T, B, ...)` with the shapes `(B, T, ...)` that the user knows.
fn as_given(error: Error) -> Error {
    let swapped = |mut shape: Vec<usize>| {
        if shape.len() > 1 {
            shape.swap(0, 1);
        }
        shape
    };
    match error {
        Error::Shape { what, given, wanted, .. } => {
            Error::shape(what, &swapped(given), &swapped(wanted))
        }
        error => error,
    }
}

/// `(B, T, ...)` as `(T, B, ...)`.
fn time_first(value: &Value, path: &str) -> Result<Value> {
    value.swapped().ok_or_else(|| Error::Input {
        target: path.into(),
        reason: format!(
            "data of a batch have the shape (B, T, ...), but these have {:?}; give that, or `data_first_axis(\"T\")`",
            value.shape()
        ),
    })
}
