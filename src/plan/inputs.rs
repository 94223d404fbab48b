//! Inputs as operations on addresses.

use super::select::{Offsets, Selected};
use super::sources::{RowSource, Rows, StreamRows, array, words};
use super::step::{Column, Op, Work};
use super::{InputOp, Plan, Role, Source, expressions};
use crate::error::{Error, Explained, Result};
use crate::input::{Application, Form, Input, InputCall, InputType, InputValue, Operation, Wgsl};
use crate::model::Kind;
use crate::random::Purpose;
use crate::system::broadcast_places;

/// What belongs to the inputs of a plan and stays on the host.
#[derive(Default)]
pub(crate) struct HostInputs {
    pub sources: Vec<RowSource>,
    pub calls: Vec<InputCall>,
}

/// Adds the inputs to the plan.
pub(super) fn compile(plan: &mut Plan, inputs: &[Input], compat_order: bool) -> Result<HostInputs> {
    let mut inputs: Vec<&Input> = inputs.iter().collect();
    if compat_order {
        inputs.sort_by_key(|input| bucket(input));
    }
    let mut host = HostInputs::default();
    // variables that expressions are for
    let mut drawn = Vec::new();
    for input in inputs {
        match &input.0 {
            Form::Apply(application) => {
                let op = one(plan, application, &mut host.sources, &mut drawn)?;
                plan.step.push(Op::Input(plan.inputs.len()));
                plan.inputs.push(op);
            }
            Form::Call(_, Some(given)) => {
                return Err(Error::Input {
                    target: "a callable".into(),
                    reason: format!(
                        "`{given}` is given, but the closure applies its operations itself; leave it out"
                    ),
                });
            }
            Form::Call(call, None) => {
                plan.step.push(Op::Call(host.calls.len()));
                host.calls.push(call.clone());
            }
        }
    }
    Ok(host)
}

/// The original's order: callables, then by type, then by operation.
fn bucket(input: &Input) -> (u8, u8) {
    let Form::Apply(application) = &input.0 else { return (0, 0) };
    let kind = match (&application.kind, &application.value) {
        (Ok(InputType::Fix), _) => 1,
        (Ok(InputType::Iter), InputValue::Value(_)) => 2,
        (Ok(InputType::Func), _) => 3,
        _ => 4,
    };
    let operation = match application.operation {
        Ok(Operation::Set) | Err(_) => 0,
        Ok(Operation::Add) => 1,
        Ok(Operation::Sub) => 2,
        Ok(Operation::Mul) => 3,
        Ok(Operation::Div) => 4,
    };
    (kind, operation)
}

/// Fails where an element is meant twice: no order of the two is defined.
pub(crate) fn check_offsets(path: &str, offsets: &Offsets) -> Result<()> {
    let mut all: Vec<usize> = offsets.iter().collect();
    all.sort_unstable();
    match all.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => Err(Error::Input {
            target: path.into(),
            reason: format!("its slice has element {} twice; give each once", pair[0]),
        }),
    }
}

/// Fails for what no input may change.
pub(crate) fn check_target(path: &str, role: Role) -> Result<()> {
    let reason = match role {
        Role::State | Role::Input => return Ok(()),
        Role::Spike => "`spike` is a result and cannot be an input's target",
        Role::Param => "it is a parameter, which inputs cannot change; set it between runs",
    };
    Err(Error::Input { target: path.into(), reason: reason.into() })
}

fn one(
    plan: &mut Plan,
    input: &Application,
    sources: &mut Vec<RowSource>,
    drawn: &mut Vec<usize>,
) -> Result<InputOp> {
    let path = input.target.path.clone();
    let wrong = |reason: String| Error::Input { target: path.clone(), reason };
    let kind = input.kind.clone().map_err(|word| {
        wrong(format!("`{word}` is no type of input; there are `fix`, `iter` and `func`"))
    })?;
    let operation = input.operation.clone().map_err(|sign| {
        wrong(format!("`{sign}` is no operation; there are `+`, `-`, `*`, `/` and `=`"))
    })?;
    if input.policy.is_some() && kind != InputType::Iter {
        return Err(wrong(
            "`policy` is given, which says what an input of type `iter` does without a row; leave it out".into(),
        ));
    }
    let Selected { slot, shape, offsets } = plan.select("variable", &input.target)?;
    let slot = slot.clone();
    check_target(&path, slot.role)?;
    check_offsets(&path, &offsets)?;
    let mut row_source = |width: usize, rows: Rows| {
        let offset = plan.input_row;
        plan.input_row += width;
        sources.push(RowSource {
            path: path.clone(),
            shape: shape.clone(),
            kind: slot.kind,
            offset,
            width,
            policy: input.policy.unwrap_or_default(),
            first: 0,
            rows,
        });
        Source::Row { offset, stride: usize::from(width > 1) }
    };
    let width = offsets.len();
    let source = match (kind, &input.value) {
        (InputType::Fix, InputValue::Value(value)) => {
            let words = words(&value.broadcast(&path, &shape)?, slot.kind).map_err(wrong)?;
            let offset = plan.constants.len();
            let stride = usize::from(words.len() > 1);
            plan.constants.extend(words);
            Source::Constant { offset, stride }
        }
        (InputType::Fix, InputValue::Variable(target)) => {
            let from = plan.select("variable", target)?;
            let as_f32 = conversion(from.slot.kind, slot.kind).map_err(wrong)?;
            let addresses: Vec<u32> = from.addresses().map(|a| a as u32).collect();
            let places = broadcast_places(&from.shape, &shape)
                .ok_or_else(|| Error::shape(&path, &from.shape, &shape))?;
            let label = format!("{} for {path}", target.path);
            let from = places.into_iter().map(|place| addresses[place]).collect();
            Source::Column { address: plan.column(label, Work::Copy { from, as_f32 }, width) }
        }
        (InputType::Iter, InputValue::Value(value)) => {
            let (width, rows) = array(value, &shape, slot.kind, &path)?;
            row_source(width, Rows::Array(rows))
        }
        (InputType::Iter, InputValue::Stream(stream)) => {
            row_source(width, Rows::Stream(StreamRows::new(stream.clone())))
        }
        // a closure may give a scalar in one step and an array in the next
        (InputType::Func, InputValue::Func(function)) => {
            row_source(width, Rows::Function(function.clone()))
        }
        (InputType::Func, InputValue::Wgsl(Wgsl(text))) => {
            let what = format!("expression for {path}");
            // two expressions for one variable draw numbers of their own
            let before = drawn.iter().filter(|&&address| address == slot.address).count();
            drawn.push(slot.address);
            let purpose = Purpose::Input(slot.variable(), before as u32);
            let kinds = &[slot.kind];
            let all = expressions::compile(plan, &what, text, &slot, kinds, purpose)?.address;
            match &offsets {
                Offsets::Range { start, .. } => Source::Column { address: all + start },
                Offsets::List(list) => {
                    let from = list.iter().map(|at| (all + at) as u32).collect();
                    let work = Work::Copy { from, as_f32: None };
                    Source::Column { address: plan.column(what, work, width) }
                }
            }
        }
        (kind, value) => return Err(wrong(misfit(kind, value).into())),
    };
    Ok(InputOp {
        path,
        population: slot.population,
        member: slot.member,
        address: slot.address,
        offsets,
        kind: slot.kind,
        operation,
        source,
    })
}

/// What is wrong with a value of another type.
fn misfit(kind: InputType, value: &InputValue) -> &'static str {
    match (kind, value) {
        (_, InputValue::Func(_)) => "the value is a closure; give the type `func`",
        (_, InputValue::Wgsl(_)) => "the value is a WGSL expression; give the type `func`",
        (_, InputValue::Stream(_)) => "the value is a stream of rows; give the type `iter`",
        (_, InputValue::Variable(_)) => "the value is a variable; give the type `fix`",
        (InputType::Func, InputValue::Value(_)) => {
            "type `func` needs a closure of `&Shared` or a WGSL expression, but the value is an array or number"
        }
        (InputType::Fix | InputType::Iter, InputValue::Value(_)) => "the value fits no type",
    }
}

/// The kind of the source where its values have to become f32.
fn conversion(from: Kind, to: Kind) -> Explained<Option<Kind>> {
    match (from, to) {
        (from, to) if from == to => Ok(None),
        (from, Kind::F32) => Ok(Some(from)),
        (from, to) => Err(format!(
            "the value is a variable of type {}, and the target one of type {}; give one of the same type",
            from.name(),
            to.name()
        )),
    }
}

impl Plan {
    /// Adds a column to the step; its address.
    pub(super) fn column(&mut self, label: String, work: Work, words: usize) -> usize {
        let address = self.reserve_column(words);
        self.push_column(label, work, address, words);
        address
    }

    /// The same where there is room for it.
    pub(super) fn push_column(&mut self, label: String, work: Work, address: usize, words: usize) {
        self.step.push(Op::Column(self.columns.len()));
        self.columns.push(Column { label, work, address, words });
    }
}
