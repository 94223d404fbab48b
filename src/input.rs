//! Inputs: what is done to which variable at the start of each step.

use std::fmt;
use std::sync::Arc;

use crate::system::{Number, Target, Value};

/// What the elements of a step share, as host closures see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shared {
    /// Time at the start of the step, `t0 + i dt`.
    pub t: f64,
    /// The step.
    pub dt: f64,
    /// Number of the step, counted over all runs since the last reset.
    pub i: u64,
}

/// How an input's value changes from step to step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputType {
    /// The same in every step.
    Fix,
    /// Row `i` of an array, whose first axis is time, in step `i`.
    Iter,
    /// What a closure gives for the step.
    Func,
}

/// What an input does to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `target = target + value`, the default.
    Add,
    /// `target = target - value`.
    Sub,
    /// `target = target * value`.
    Mul,
    /// `target = target / value`.
    Div,
    /// `target = value`.
    Set,
}

impl Operation {
    /// Its sign: `+ - * / =`.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Set => "=",
        }
    }
}

/// The closure of an input of type `func`.
pub(crate) type InputFunction = Arc<dyn Fn(&Shared) -> Value + Send + Sync>;

/// The value of an input: an array or scalar, or a closure of the step.
#[derive(Clone)]
pub enum InputValue {
    /// For `fix` and `iter`.
    Value(Value),
    /// For `func`: called once per step in order, ahead of the device by up to a chunk; it must depend on nothing but its
    /// argument.
    Func(InputFunction),
}

impl fmt::Debug for InputValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => value.fmt(f),
            Self::Func(_) => f.write_str("closure"),
        }
    }
}

macro_rules! input_values {
    ($({$($generics:tt)*} $ty:ty),* $(,)?) => {$(
        impl<$($generics)*> From<$ty> for InputValue {
            fn from(value: $ty) -> Self {
                Self::Value(value.into())
            }
        }
    )*};
}
input_values!(
    {} Value,
    {} f64,
    {} f32,
    {} i32,
    {} u32,
    {T: Number} Vec<T>,
    {T: Number} &[T],
    {T: Number, const N: usize} [T; N],
    {T: Number, S: ndarray::Data<Elem = T>, D: ndarray::Dimension} ndarray::ArrayBase<S, D>,
);

impl<F, V> From<F> for InputValue
where
    F: Fn(&Shared) -> V + Send + Sync + 'static,
    V: Into<Value>,
{
    fn from(function: F) -> Self {
        Self::Func(Arc::new(move |shared| function(shared).into()))
    }
}

/// One input: target, value, type and operation. Inputs apply in the order in which they are given.
///
/// The typed form and the tuples say the same:
///
/// ```
/// use dsrunner::{Input, Operation, Shared, inputs};
///
/// let typed = Input::fix("E.input", 20.0);
/// let tuple = Input::from(("E.input", 20.0));
/// let several = inputs![
///     ("E.input", 20.0, "fix", "="),
///     ("E.input", vec![0.0, 1.0, 2.0], "iter"),
///     ("I.input", |s: &Shared| (0.1 * s.t).sin(), "func"),
///     Input::fix("I.input", 2.0).operation(Operation::Mul),
/// ];
/// assert_eq!(several.len(), 4);
/// ```
#[derive(Debug, Clone)]
pub struct Input {
    pub(crate) target: Target,
    pub(crate) value: InputValue,
    /// The type, or the word that is none.
    pub(crate) kind: Result<InputType, String>,
    /// The operation, or the sign that is none.
    pub(crate) operation: Result<Operation, String>,
}

impl Input {
    fn new(target: Target, value: InputValue, kind: Result<InputType, String>) -> Self {
        Self { target, value, kind, operation: Ok(Operation::Add) }
    }

    /// The same value in every step; its shape broadcasts to the variable's.
    pub fn fix(target: impl Into<Target>, value: impl Into<InputValue>) -> Self {
        Self::new(target.into(), value.into(), Ok(InputType::Fix))
    }

    /// Row `i` in step `i`: the array's first axis is time, and a row's shape broadcasts to the variable's.
    /// A run that needs more rows than there are is an error before its first step.
    pub fn iter(target: impl Into<Target>, rows: impl Into<InputValue>) -> Self {
        Self::new(target.into(), rows.into(), Ok(InputType::Iter))
    }

    /// What the closure gives for each step.
    pub fn func<V: Into<Value>>(
        target: impl Into<Target>,
        function: impl Fn(&Shared) -> V + Send + Sync + 'static,
    ) -> Self {
        Self::new(target.into(), function.into(), Ok(InputType::Func))
    }

    /// Sets the operation; the default is [`Operation::Add`].
    pub fn operation(mut self, operation: Operation) -> Self {
        self.operation = Ok(operation);
        self
    }
}

fn parse_type(word: &str) -> Result<InputType, String> {
    match word {
        "fix" => Ok(InputType::Fix),
        "iter" => Ok(InputType::Iter),
        "func" => Ok(InputType::Func),
        other => Err(other.into()),
    }
}

fn parse_operation(sign: &str) -> Result<Operation, String> {
    use Operation::{Add, Div, Mul, Set, Sub};
    [Add, Sub, Mul, Div, Set].into_iter().find(|o| o.sign() == sign).ok_or_else(|| sign.into())
}

impl<T: Into<Target>, V: Into<InputValue>> From<(T, V)> for Input {
    fn from((target, value): (T, V)) -> Self {
        Self::fix(target, value)
    }
}

impl<T: Into<Target>, V: Into<InputValue>> From<(T, V, &str)> for Input {
    fn from((target, value, kind): (T, V, &str)) -> Self {
        Self::new(target.into(), value.into(), parse_type(kind))
    }
}

impl<T: Into<Target>, V: Into<InputValue>> From<(T, V, &str, &str)> for Input {
    fn from((target, value, kind, operation): (T, V, &str, &str)) -> Self {
        Self { operation: parse_operation(operation), ..Self::from((target, value, kind)) }
    }
}

/// Several inputs of mixed forms as a `Vec<Input>`; see [`Input`].
#[macro_export]
macro_rules! inputs {
    ($($input:expr),* $(,)?) => {
        vec![$($crate::Input::from($input)),*]
    };
}
