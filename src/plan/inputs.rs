//! Inputs as operations on addresses.

use std::collections::HashSet;

use super::data::{InputOp, Plan, PlanVariable, Role, Source};
use super::expressions;
use super::offsets::Offsets;
use super::select::Selected;
use super::sources::{RowSource, Rows, StreamRows, array, words};
use super::step::{DerivedColumn, DerivedWork, StepOp};
use crate::error::{Error, Explained, Result};
use crate::inputs::{Application, Form, Input, InputCall, InputType, InputValue, Policy};
use crate::random::Purpose;
use crate::terms::{Kind, Operation, Wgsl, broadcast_places};

/// What belongs to the inputs of a plan and stays on the host.
#[derive(Default)]
pub(crate) struct HostInputs {
    pub sources: Vec<RowSource>,
    pub calls: Vec<InputCall>,
    /// Values of the inputs that do not change during a run, as they are now.
    pub constants: Vec<u32>,
    /// What each input became, in the order in which they were given.
    places: Vec<ConstantPlace>,
}

/// What an input became.
#[derive(Clone, Copy)]
enum ConstantPlace {
    /// An operation of the plan, and the number of its row source, if it has one.
    Input(usize, Option<usize>),
    Call(usize),
}

/// Adds the inputs to the plan.
pub(super) fn compile(plan: &mut Plan, inputs: &[Input], compat_order: bool) -> Result<HostInputs> {
    check_keys(inputs)?;
    let mut order: Vec<usize> = (0..inputs.len()).collect();
    if compat_order {
        order.sort_by_key(|&at| bucket(&inputs[at]));
    }
    let mut host = HostInputs::default();
    // variables that expressions are for
    let mut drawn = Vec::new();
    let mut places: Vec<(usize, ConstantPlace)> = Vec::with_capacity(order.len());
    for at in order {
        places.push((
            at,
            match &inputs[at].form {
                Form::Apply(application) => {
                    let found = find(plan, application)?;
                    let source = host.sources.len();
                    let key = inputs[at].key.as_deref();
                    let op = place(plan, found, key, &mut host.sources, &mut drawn)?;
                    plan.step.push(StepOp::Input(plan.inputs.len()));
                    plan.inputs.push(op);
                    ConstantPlace::Input(
                        plan.inputs.len() - 1,
                        (source < host.sources.len()).then_some(source),
                    )
                }
                Form::Call(call, given) => {
                    check_call(*given)?;
                    plan.step.push(StepOp::Call(host.calls.len()));
                    host.calls.push(call.clone());
                    ConstantPlace::Call(host.calls.len() - 1)
                }
            },
        ));
    }
    places.sort_unstable_by_key(|(at, _)| *at);
    host.places = places.into_iter().map(|(_, place)| place).collect();
    host.constants.clone_from(&plan.constants);
    Ok(host)
}

/// Fails for a callable that was given what only other inputs have.
fn check_call(given: Option<&str>) -> Result<()> {
    match given {
        None => Ok(()),
        Some(given) => Err(Error::Input {
            target: "a callable".into(),
            reason: format!(
                "`{given}` is given, but the closure applies its operations itself; leave it out"
            ),
        }),
    }
}

fn check_keys(inputs: &[Input]) -> Result<()> {
    let mut keys = HashSet::new();
    for key in inputs.iter().filter_map(|input| input.key.as_deref()) {
        let wrong = |reason: &str| Error::Name { name: key.into(), reason: reason.into() };
        if key.is_empty() {
            return Err(wrong("is no key of an input: it must not be empty"));
        }
        if !keys.insert(key) {
            return Err(wrong("is the key of two inputs; give one of them another"));
        }
    }
    Ok(())
}

impl HostInputs {
    /// Puts another input in the place of the one that was given as number `at`, where that changes neither the plan nor the
    /// order of the inputs; false where it does. Nothing has changed then, nor after an error.
    pub(crate) fn exchange(
        &mut self,
        plan: &Plan,
        at: usize,
        [old, new]: [&Input; 2],
        compat_order: bool,
    ) -> Result<bool> {
        let (op, source) = match (self.places[at], &new.form) {
            (ConstantPlace::Call(k), Form::Call(call, given)) => {
                check_call(*given)?;
                self.calls[k] = call.clone();
                return Ok(true);
            }
            (ConstantPlace::Input(op, source), Form::Apply(_)) => (&plan.inputs[op], source),
            _ => return Ok(false),
        };
        let Form::Apply(application) = &new.form else { return Ok(false) };
        let found = find(plan, application)?;
        let same = (found.variable.address, found.operation, &found.offsets)
            == (op.address, op.operation, &op.offsets);
        if !same || compat_order && bucket(old) != bucket(new) {
            return Ok(false);
        }
        match (op.source, found.given, source) {
            // there is no value for no element
            (Source::Constant { .. }, Given::Words(_), _) if op.offsets.len() == 0 => Ok(true),
            (Source::Constant { offset, stride }, Given::Words(words), _) => {
                let count = if stride == 0 { 1 } else { op.offsets.len() };
                match (&words[..], &mut self.constants[offset..offset + count]) {
                    ([word], values) => values.fill(*word),
                    (words, values) if words.len() == count => values.copy_from_slice(words),
                    _ => return Ok(false),
                }
                Ok(true)
            }
            (Source::Row { offset, .. }, Given::Rows { width, rows }, Some(source))
                if width == self.sources[source].width =>
            {
                let RowSource { path, shape, kind, first, .. } = &self.sources[source];
                let (path, shape, kind, first) = (path.clone(), shape.clone(), *kind, *first);
                let policy = application.policy.unwrap_or_default();
                self.sources[source] =
                    RowSource { path, shape, kind, offset, width, policy, first, rows };
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Takes over how far the rows of inputs were read, but for the input of number `but`.
    pub(crate) fn go_on(&mut self, before: Self, but: usize) {
        let mut sources: Vec<Option<RowSource>> = before.sources.into_iter().map(Some).collect();
        let both = self.places.iter().zip(before.places).enumerate();
        for (_, pair) in both.filter(|(at, _)| *at != but) {
            if let (ConstantPlace::Input(_, Some(new)), ConstantPlace::Input(_, Some(old))) = pair
                && let Some(source) = sources[old].take()
            {
                self.sources[*new].rows = source.rows;
            }
        }
    }
}

/// The original's order: callables, then by type, then by operation.
fn bucket(input: &Input) -> (u8, u8) {
    let Form::Apply(application) = &input.form else { return (0, 0) };
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

/// An input as a plan sees it.
struct FoundTarget {
    path: String,
    variable: PlanVariable,
    shape: Vec<usize>,
    offsets: Offsets,
    operation: Operation,
    policy: Policy,
    given: Given,
}

/// Where its values come from.
enum Given {
    /// The same in each step: a word, or one for each element.
    Words(Vec<u32>),
    /// Of so many words in each step.
    Rows {
        width: usize,
        rows: Rows,
    },
    /// These words of the arena, by a name for people.
    Copy {
        label: String,
        from: Vec<u32>,
        as_f32: Option<Kind>,
    },
    Expression(Wgsl),
}

/// Checks an input against a plan.
fn find(plan: &Plan, input: &Application) -> Result<FoundTarget> {
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
    let Selected { variable, shape, offsets } = plan.select("variable", &input.target)?;
    let variable = variable.clone();
    check_target(&path, variable.role)?;
    check_offsets(&path, &offsets)?;
    let width = offsets.len();
    let given = match (kind, &input.value) {
        (InputType::Fix, InputValue::Value(value)) => {
            Given::Words(words(&value.broadcast(&path, &shape)?, variable.kind).map_err(wrong)?)
        }
        (InputType::Fix, InputValue::Variable(target)) => {
            let from = plan.select("variable or parameter", target)?;
            let as_f32 = conversion(from.variable.kind, variable.kind).map_err(wrong)?;
            let addresses: Vec<u32> = from.addresses().map(|a| a as u32).collect();
            let places = broadcast_places(&from.shape, &shape)
                .ok_or_else(|| Error::shape(&path, &from.shape, &shape))?;
            let label = format!("{} for {path}", target.path);
            let from = places.into_iter().map(|place| addresses[place]).collect();
            Given::Copy { label, from, as_f32 }
        }
        (InputType::Iter, InputValue::Value(value)) => {
            let (width, rows) = array(value, &shape, variable.kind, &path)?;
            Given::Rows { width, rows: Rows::Array(rows) }
        }
        (InputType::Iter, InputValue::Stream(stream)) => {
            Given::Rows { width, rows: Rows::Stream(StreamRows::new(stream.clone())) }
        }
        // a closure may give a scalar in one step and an array in the next
        (InputType::Func, InputValue::Func(function)) => {
            Given::Rows { width, rows: Rows::Function(function.clone()) }
        }
        (InputType::Func, InputValue::Wgsl(wgsl)) => Given::Expression(wgsl.clone()),
        (kind, value) => return Err(wrong(misfit(kind, value).into())),
    };
    let policy = input.policy.unwrap_or_default();
    Ok(FoundTarget { path, variable, shape, offsets, operation, policy, given })
}

/// Gives an input what it needs of a plan.
fn place(
    plan: &mut Plan,
    found: FoundTarget,
    key: Option<&str>,
    sources: &mut Vec<RowSource>,
    drawn: &mut Vec<usize>,
) -> Result<InputOp> {
    let FoundTarget { path, variable, shape, offsets, operation, policy, given } = found;
    let width = offsets.len();
    let source = match given {
        Given::Words(words) => {
            let offset = plan.constants.len();
            let stride = usize::from(words.len() > 1);
            plan.constants.extend(words);
            Source::Constant { offset, stride }
        }
        Given::Rows { width, rows } => {
            let (offset, path, kind) = (plan.input_row, path.clone(), variable.kind);
            plan.input_row += width;
            sources.push(RowSource { path, shape, kind, offset, width, policy, first: 0, rows });
            Source::Row { offset, stride: usize::from(width > 1) }
        }
        Given::Copy { label, from, as_f32 } => Source::Derived {
            address: plan.derived_column(label, DerivedWork::Copy { from, as_f32 }, width),
        },
        Given::Expression(Wgsl(text)) => {
            let what = format!("expression for {path}");
            // two expressions for one variable draw numbers of their own, and so does one of a key, whatever the others are
            let purpose = match key {
                Some(key) => Purpose::Keyed(key),
                None => {
                    let before =
                        drawn.iter().filter(|&&address| address == variable.address).count();
                    drawn.push(variable.address);
                    Purpose::Input(variable.variable(), before as u32)
                }
            };
            let kinds = &[variable.kind];
            let all = expressions::compile(plan, &what, &text, &variable, kinds, purpose)?.address;
            match &offsets {
                Offsets::Range { start, .. } => Source::Derived { address: all + start },
                Offsets::List(list) => {
                    let from = list.iter().map(|at| (all + at) as u32).collect();
                    let work = DerivedWork::Copy { from, as_f32: None };
                    Source::Derived { address: plan.derived_column(what, work, width) }
                }
            }
        }
    };
    Ok(InputOp {
        path,
        population: variable.population,
        member: variable.member,
        address: variable.address,
        offsets,
        kind: variable.kind,
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
    pub(super) fn derived_column(
        &mut self,
        label: String,
        work: DerivedWork,
        words: usize,
    ) -> usize {
        let address = self.reserve_column(words);
        self.push_column(label, work, address, words);
        address
    }

    /// The same where there is room for it.
    pub(super) fn push_column(
        &mut self,
        label: String,
        work: DerivedWork,
        address: usize,
        words: usize,
    ) {
        self.step.push(StepOp::Derive(self.derived_columns.len()));
        self.derived_columns.push(DerivedColumn { label, work, address, words });
    }
}
