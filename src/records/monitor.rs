//! Monitors: which variables are recorded.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use crate::error;
use crate::inputs::ReadHandle;
use crate::records::Sink;
use crate::terms::{Index, InputFunction, Shared, Target, Value, Variable, Wgsl};

/// A variable to record: a path or handle, perhaps an index, perhaps a key of its own.
///
/// ```
/// use dsrunner::{DSRunner, Monitor, neurons};
///
/// let mut runner = DSRunner::builder(neurons::lif(10))
///     .monitors(["V", "spike"])
///     .monitor(Monitor::of("V").index([2, 3]).named("pair"))
///     .progress_bar(false)
///     .build()?;
/// runner.run(1.0)?;
/// assert_eq!(runner.mon().get::<f32>("pair")?.shape(), &[10, 2]);
/// # Ok::<(), dsrunner::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Monitor {
    pub(crate) what: What,
    pub(crate) index: Option<Index>,
    pub(crate) key: Option<String>,
    pub(crate) every: u64,
    /// First time, and the time after the last.
    pub(crate) window: Option<Range<f64>>,
    pub(crate) initial: bool,
    /// Over the elements of a step.
    pub(crate) reduction: Option<Reduction>,
    /// Over so many steps.
    pub(crate) per: Option<(u64, Reduction)>,
    pub(crate) events: bool,
    pub(crate) sink: Option<Sink>,
}

/// What is recorded.
#[derive(Clone)]
pub(crate) enum What {
    Variable(Target),
    /// An expression of the variables of a node, which has that path or name.
    Wgsl(String, Wgsl),
    Func(InputFunction),
    Read(MonitorRead),
}

/// The closure of a monitor that reads variables; clones of a monitor share it.
pub(crate) type MonitorRead =
    Arc<Mutex<dyn FnMut(&Shared, &mut ReadHandle<'_>) -> error::Result<Value> + Send>>;

impl fmt::Debug for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(target) => f.write_str(&target.path),
            Self::Wgsl(node, Wgsl(expression)) => write!(f, "{expression} of {node}"),
            Self::Func(_) | Self::Read(_) => f.write_str("closure"),
        }
    }
}

/// What is made of several values on the device, so that fewer are moved to the host.
///
/// Of f32 values of which one is NaN every reduction is NaN, over elements and over steps. -0 is less than 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// The mean, f32. The sum that it is made of is as below, and divided on the host.
    Mean,
    /// The sum: f32 or an integer as the values are; of bool values the number of those that are true, u32. Integers are added
    /// in 64 bits; where a sum is beyond its type, the rows are not to be had: [`Mon::get`](crate::Mon::get) fails, and a run
    /// whose rows go to a [`Sink`], which has those before that sum.
    Sum,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

impl Monitor {
    fn new(what: What) -> Self {
        Self {
            what,
            index: None,
            key: None,
            every: 1,
            window: None,
            initial: false,
            reduction: None,
            per: None,
            events: false,
            sink: None,
        }
    }

    /// All of a variable. The key is the path as given, or that of the handle, [`Variable::path`].
    pub fn of(target: impl Into<Target>) -> Self {
        Self::new(What::Variable(target.into()))
    }

    /// A [`wgsl`](crate::wgsl) expression of the variables of a node, given by its path or name (`""` for the target itself),
    /// evaluated on the device after the step. Its type may be f32, bool, i32 or u32. The key is the expression, unless it is
    /// [`named`](Monitor::named).
    ///
    /// ```
    /// use dsrunner::{DSRunner, Monitor, neurons, wgsl};
    ///
    /// let mut runner = DSRunner::builder(neurons::lif(3))
    ///     .monitor(Monitor::wgsl("", wgsl("0.5 * V * V")).named("energy"))
    ///     .progress_bar(false)
    ///     .build()?;
    /// runner.run(1.0)?;
    /// assert_eq!(runner.mon().get::<f32>("energy")?.shape(), [10, 3]);
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn wgsl(node: &str, expression: Wgsl) -> Self {
        Self::new(What::Wgsl(node.into(), expression))
    }

    /// What a closure of [`Shared`] gives for each step, called on the host when the step's results are there; recorded as
    /// f32. The shape must stay the same. It needs a key by [`Monitor::named`] or a map.
    pub fn func<V: Into<Value>>(function: impl Fn(&Shared) -> V + Send + Sync + 'static) -> Self {
        Self::new(What::Func(Arc::new(move |shared| function(shared).into())))
    }

    /// What a closure makes of variables that it reads after each step. The device waits for it, so a run with one goes step
    /// by step; where an expression does, [`Monitor::wgsl`] is faster by far.
    ///
    /// ```
    /// use dsrunner::{DSRunner, Monitor, neurons};
    ///
    /// let mut runner = DSRunner::builder(neurons::lif(3))
    ///     .monitor_map([("span", Monitor::read(|_, now| {
    ///         let v = now.get::<f32>("V")?;
    ///         Ok(v.iter().fold(0.0, |most: f32, v| most.max(v.abs())))
    ///     }))])
    ///     .progress_bar(false)
    ///     .build()?;
    /// runner.run(1.0)?;
    /// assert_eq!(runner.mon().get::<f32>("span")?.shape(), [10]);
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn read<V: Into<Value>>(
        mut function: impl FnMut(&Shared, &mut ReadHandle<'_>) -> error::Result<V> + Send + 'static,
    ) -> Self {
        let function =
            move |shared: &Shared, now: &mut ReadHandle<'_>| function(shared, now).map(Into::into);
        Self::new(What::Read(Arc::new(Mutex::new(function))))
    }

    /// Its key: the one given, else the path or the expression.
    pub(crate) fn key(&self) -> Option<String> {
        self.key.clone().or_else(|| match &self.what {
            What::Variable(target) => Some(target.path.clone()),
            What::Wgsl(_, Wgsl(text)) => Some(text.clone()),
            What::Func(_) | What::Read(_) => None,
        })
    }

    /// Some elements of it, along its first axis; of a [`Batch`](crate::Batch) some replicas.
    pub fn index(mut self, index: impl Into<Index>) -> Self {
        self.index = Some(index.into());
        self
    }

    /// Under a key of its own instead of the path.
    pub fn named(mut self, key: &str) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Only the steps whose number is a multiple of `k`, beginning with step 0. [`Mon::steps`](crate::Mon::steps) has the
    /// steps of the rows.
    pub fn every(mut self, k: u64) -> Self {
        self.every = k;
        self
    }

    /// Only the steps that start in `times`, from `times.start` on and before `times.end`.
    pub fn window(mut self, times: Range<f64>) -> Self {
        self.window = Some(times);
        self
    }

    /// A row more before the others: the values before the first step of the run.
    pub fn include_initial(mut self) -> Self {
        self.initial = true;
        self
    }

    /// One value a step instead of all (or of those that the index chooses), made on the device; of a
    /// [`Batch`](crate::Batch) one for each replica. A sum of f32 is in 256 parts, of the elements `k`, `k + 256`, ..., which are
    /// added in halves; of more than 2^23 elements each 2^23 are added so, then these sums. So it has the same bits on every
    /// engine that has the library's arithmetic.
    ///
    /// ```
    /// use dsrunner::{DSRunner, Monitor, Reduction, neurons};
    ///
    /// let mut runner = DSRunner::builder(neurons::lif(1000))
    ///     .input(("input", 30.0))
    ///     .monitor(Monitor::of("V").reduce(Reduction::Mean).named("mean"))
    ///     .monitor(Monitor::of("spike").per(100, Reduction::Sum).named("counts"))
    ///     .progress_bar(false)
    ///     .build()?;
    /// runner.run(20.0)?;
    /// assert_eq!(runner.mon().get::<f32>("mean")?.shape(), [200]);
    /// assert_eq!(runner.mon().get::<u32>("counts")?.shape(), [2, 1000]);
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn reduce(mut self, reduction: Reduction) -> Self {
        self.reduction = Some(reduction);
        self
    }

    /// One row for each `steps` steps from the start of the run, made of theirs on the device: with [`Reduction::Sum`] on
    /// `spike` the number of spikes of each element. Where the run ends within such a window, its last row is of the steps
    /// that there were; where it is cancelled, an unfinished window gives none.
    pub fn per(mut self, steps: u64, reduction: Reduction) -> Self {
        self.per = Some((steps, reduction));
        self
    }

    /// Keeps only which elements were true in which step, not a row a step: much less memory where few are. Spikes are kept so
    /// without it; for them it says in which form a [`Sink`] gets them. [`Mon::events`](crate::Mon::events) and
    /// [`Mon::get`](crate::Mon::get) give either form of both.
    pub fn events(mut self) -> Self {
        self.events = true;
        self
    }

    /// Hands the rows over while the run goes on instead of keeping them; needs
    /// [`memory_efficient`](crate::RunnerBuilder::memory_efficient). See [`Sink`].
    pub fn sink(mut self, sink: Sink) -> Self {
        self.sink = Some(sink);
        self
    }
}

impl From<&str> for Monitor {
    fn from(path: &str) -> Self {
        Self::of(path)
    }
}

impl From<String> for Monitor {
    fn from(path: String) -> Self {
        Self::of(path)
    }
}

impl From<&Variable> for Monitor {
    fn from(variable: &Variable) -> Self {
        Self::of(variable)
    }
}

impl<T: Into<Target>, I: Into<Index>> From<(T, I)> for Monitor {
    fn from((target, index): (T, I)) -> Self {
        Self::of(target).index(index)
    }
}
