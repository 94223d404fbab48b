//! Inputs: what is done to which variable at the start of each step.

use std::fmt;
use std::sync::{Arc, Mutex};

use crate::error;
use crate::inputs::InputHandle;
use crate::terms::{InputFunction, Number, Operation, Shared, Target, Value, Variable, Wgsl};

/// How an input's value changes from step to step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputType {
    /// The same in every step.
    Fix,
    /// Row `i` of an array, whose first axis is time, or of a stream, in step `i`.
    Iter,
    /// What a closure or a WGSL expression gives for the step.
    Func,
}

/// What an input of type `iter` gives in the steps for which it has no row.
///
/// ```
/// use dsrunner::{DSRunner, Input, Policy, Steps, neurons};
///
/// let mut runner = DSRunner::builder(neurons::lif(1))
///     .input(Input::iter("V", [3.0, 5.0]).operation(dsrunner::Operation::Set).policy(Policy::Cycle))
///     .monitor("V")
///     .progress_bar(false)
///     .build()?;
/// runner.run(Steps(5))?;
/// assert_eq!(runner.mon().get::<f32>("V")?.shape(), [5, 1]);
/// # Ok::<(), dsrunner::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// The run ends with an error: before its first step where it is known that rows are missing (arrays), else when they
    /// run out (streams), with all steps before that kept.
    #[default]
    Error,
    /// The last row.
    HoldLast,
    /// The rows from the first on; a stream's factory is called again.
    Cycle,
    /// Zero, whatever the operation.
    Zero,
}

/// The rows of a stream from the first on.
pub(crate) type RowIterator = Box<dyn Iterator<Item = Value> + Send>;

/// Rows that are made while the run goes on; see [`stream`].
#[derive(Clone)]
pub struct RowStream(pub(crate) Arc<dyn Fn() -> RowIterator + Send + Sync>);

/// Rows for an input of type `iter` that are never all in memory. The factory makes an iterator over the rows from step 0
/// on; it is called again where the clock goes back, and rows are skipped where it goes on in the midst.
///
/// ```
/// use dsrunner::{DSRunner, neurons, stream};
///
/// // a ramp, for as long as the run may be
/// let ramp = stream(|| (0..).map(|step| 0.01 * f64::from(step)));
/// let mut runner = DSRunner::builder(neurons::lif(1))
///     .input(("input", ramp, "iter"))
///     .progress_bar(false)
///     .build()?;
/// runner.run(10.0)?;
/// # Ok::<(), dsrunner::Error>(())
/// ```
pub fn stream<I, V>(factory: impl Fn() -> I + Send + Sync + 'static) -> RowStream
where
    I: IntoIterator<Item = V>,
    I::IntoIter: Send + 'static,
    V: Into<Value> + 'static,
{
    RowStream(Arc::new(move || Box::new(factory().into_iter().map(Into::into))))
}

/// The value of an input.
#[derive(Clone)]
pub enum InputValue {
    /// An array or a number, for `fix` and `iter`.
    Value(Value),
    /// Another variable, for `fix`, by handle or path: its value in each step at the time when the input is applied, so that
    /// it couples the two.
    Variable(Target),
    /// Rows, for `iter`.
    Stream(RowStream),
    /// A closure, for `func`: called once per step in order, ahead of the device by up to a chunk; it must depend on nothing
    /// but its argument. One that has a state, or reads variables, is a callable: [`Input::call`].
    Func(InputFunction),
    /// An expression, for `func`.
    Wgsl(Wgsl),
}

impl fmt::Debug for InputValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => value.fmt(f),
            Self::Variable(target) => f.write_str(&target.path),
            Self::Stream(_) => f.write_str("stream"),
            Self::Func(_) => f.write_str("closure"),
            Self::Wgsl(Wgsl(expression)) => f.write_str(expression),
        }
    }
}

impl From<RowStream> for InputValue {
    fn from(rows: RowStream) -> Self {
        Self::Stream(rows)
    }
}

impl From<Wgsl> for InputValue {
    fn from(expression: Wgsl) -> Self {
        Self::Wgsl(expression)
    }
}

impl From<&Variable> for InputValue {
    fn from(variable: &Variable) -> Self {
        Self::Variable(variable.into())
    }
}

impl From<Variable> for InputValue {
    fn from(variable: Variable) -> Self {
        Self::Variable(variable.into())
    }
}

impl From<&str> for InputValue {
    fn from(path: &str) -> Self {
        Self::Variable(path.into())
    }
}

impl From<String> for InputValue {
    fn from(path: String) -> Self {
        Self::Variable(path.into())
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
#[derive(Clone)]
pub struct Input {
    pub(crate) form: Form,
    /// By which it can be replaced.
    pub(crate) key: Option<String>,
}

/// What an input is.
#[derive(Clone)]
pub(crate) enum Form {
    /// One operation on one variable.
    Apply(Box<Application>),
    /// A closure that applies operations itself, and what it was given beside.
    Call(InputCall, Option<&'static str>),
}

/// The closure of a callable input. Its state makes it more than a function, and clones of an input share it.
pub(crate) type InputCall =
    Arc<Mutex<dyn FnMut(&Shared, &mut InputHandle<'_>) -> error::Result<()> + Send>>;

/// One operation on one variable.
#[derive(Debug, Clone)]
pub(crate) struct Application {
    pub target: Target,
    pub value: InputValue,
    /// The type, or the word that is none.
    pub kind: Result<InputType, String>,
    /// The operation, or the sign that is none.
    pub operation: Result<Operation, String>,
    pub policy: Option<Policy>,
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.form {
            Form::Apply(application) => application.fmt(f),
            Form::Call(..) => f.write_str("callable"),
        }
    }
}

impl Input {
    fn new(target: Target, value: InputValue, kind: Result<InputType, String>) -> Self {
        let (operation, policy) = (Ok(Operation::Add), None);
        let application = Application { target, value, kind, operation, policy };
        Self { form: Form::Apply(Box::new(application)), key: None }
    }

    fn with(mut self, setting: &'static str, change: impl FnOnce(&mut Application)) -> Self {
        match &mut self.form {
            Form::Apply(application) => change(application),
            // it has its operations inside, which is told when the runner is built
            Form::Call(_, given) => *given = Some(setting),
        }
        self
    }

    /// The same value in every step, or that of another variable or parameter, given by handle or path, as it is in each step;
    /// its shape broadcasts to the variable's.
    ///
    /// ```
    /// use dsrunner::{DSRunner, Input, Network, neurons};
    ///
    /// let (a, b) = (neurons::lif(3), neurons::lif(3));
    /// let v = a.variable("V");
    /// let mut runner = DSRunner::builder(Network::new().with("a", a).with("b", b))
    ///     .input(("a.input", 25.0))
    ///     .input(Input::fix("b.input", &v))   // b is driven by a's potential
    ///     .dyn_vars([("drive", 0.5)])
    ///     .input(("b.input", "drive.value"))  // and by a variable beside them
    ///     .progress_bar(false)
    ///     .build()?;
    /// runner.run(50.0)?;
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn fix(target: impl Into<Target>, value: impl Into<InputValue>) -> Self {
        Self::new(target.into(), value.into(), Ok(InputType::Fix))
    }

    /// Row `i` in step `i`: of an array, whose first axis is time (of a batch, too), or of a [`stream`]. A row's shape broadcasts to the
    /// variable's. [`Input::policy`] says what happens where there are fewer rows than steps.
    pub fn iter(target: impl Into<Target>, rows: impl Into<InputValue>) -> Self {
        Self::new(target.into(), rows.into(), Ok(InputType::Iter))
    }

    /// What a closure of [`Shared`] or a [`wgsl`](crate::wgsl) expression gives for each step.
    pub fn func(target: impl Into<Target>, function: impl Into<InputValue>) -> Self {
        Self::new(target.into(), function.into(), Ok(InputType::Func))
    }

    /// A callable: a closure that is called in each step, in its place among the inputs, and applies operations itself. It
    /// may have a state, and may read variables. The device waits for it, so a run with one goes step by step. An error of it
    /// ends the run in the midst of the step: what was applied before stays, and the clock stands at the start of the step.
    ///
    /// ```
    /// use dsrunner::{DSRunner, Input, Operation, neurons};
    ///
    /// let mut runner = DSRunner::builder(neurons::lif(2))
    ///     .input(Input::call(|shared, step| {
    ///         let v = step.get::<f32>("V")?;
    ///         let drive = if v.iter().all(|&v| v < 10.0) && shared.t < 50.0 { 30.0 } else { 0.0 };
    ///         step.apply("input", Operation::Add, drive)
    ///     }))
    ///     .progress_bar(false)
    ///     .build()?;
    /// runner.run(10.0)?;
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn call(
        function: impl FnMut(&Shared, &mut InputHandle<'_>) -> error::Result<()> + Send + 'static,
    ) -> Self {
        Self { form: Form::Call(Arc::new(Mutex::new(function)), None), key: None }
    }

    /// Sets the operation; the default is [`Operation::Add`]. A callable has none: its closure gives one to each application.
    pub fn operation(self, operation: Operation) -> Self {
        self.with("operation", |a| a.operation = Ok(operation))
    }

    /// Gives it a key, by which [`DSRunner::set_input`](crate::DSRunner::set_input) puts another in its place between runs.
    /// Without one it stays as it is.
    pub fn named(mut self, key: &str) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets what an input of type `iter` gives where it has no row; the default is [`Policy::Error`]. Other types have none.
    pub fn policy(self, policy: Policy) -> Self {
        self.with("policy", |a| a.policy = Some(policy))
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
        let operation = parse_operation(operation);
        Self::from((target, value, kind)).with("operation", |a| a.operation = operation)
    }
}

impl<F> From<F> for Input
where
    F: FnMut(&Shared, &mut InputHandle<'_>) -> error::Result<()> + Send + 'static,
{
    fn from(function: F) -> Self {
        Self::call(function)
    }
}

/// Several inputs of mixed forms as a `Vec<Input>`; see [`Input`].
#[macro_export]
macro_rules! inputs {
    ($($input:expr),* $(,)?) => {
        vec![$($crate::Input::from($input)),*]
    };
}
