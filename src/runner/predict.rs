//! What a run is to do: how long, on which data, from which state.

use ndarray::{ArrayBase, Data, Dimension};

use crate::error::{Error, Result, number};
use crate::terms::{Number, Target, Value};

/// How long to run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Span {
    /// A duration in the unit of `dt`. It is the nearest whole number of steps where it is within 10^-6 of one, else the
    /// number below.
    Duration(f64),
    /// A number of steps.
    Steps(u64),
}

/// A number of steps, as in `runner.run(Steps(1000))`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps(pub u64);

impl From<f64> for Span {
    fn from(duration: f64) -> Self {
        Self::Duration(duration)
    }
}

impl From<Steps> for Span {
    fn from(Steps(steps): Steps) -> Self {
        Self::Steps(steps)
    }
}

/// Most steps of a duration: f64 does not count more of them exactly.
const MOST: f64 = 9e15;

impl Span {
    pub(super) fn steps(self, dt: f64) -> Result<u64> {
        let wrong = |given: String| Error::Setting {
            setting: "duration",
            given,
            wanted: format!("finite and at least one step of {dt}"),
        };
        match self {
            Self::Steps(0) => Err(wrong("0 steps".into())),
            Self::Steps(steps) => Ok(steps),
            Self::Duration(duration) => {
                let steps = duration / dt;
                let nearest = steps.round();
                let whole = if (steps - nearest).abs() < 1e-6 { nearest } else { steps.floor() };
                if (1.0..=MOST).contains(&whole) {
                    Ok(whole as u64)
                } else if steps > MOST && duration.is_finite() {
                    Err(Error::Setting {
                        setting: "duration",
                        given: number(duration),
                        wanted: format!("at most {MOST:e} steps of {dt}"),
                    })
                } else {
                    Err(wrong(number(duration)))
                }
            }
        }
    }
}

/// What [`DSRunner::run`](crate::DSRunner::run) is to do. A duration, [`Steps`] and an array become one by `into`.
///
/// ```
/// use dsrunner::{DSRunner, Predict, neurons};
///
/// let mut runner = DSRunner::builder(neurons::lif(3)).progress_bar(false).build()?;
/// // 200 steps of data for the group's input
/// let data = ndarray::Array2::from_elem((200, 3), 25.0);
/// let run = runner.run(Predict::data(data).reset_state(true).shared_arg("tau", 5.0))?;
/// assert_eq!(run.outputs.get::<bool>("spike")?.shape(), [200, 3]);
/// // the argument was for that run only
/// assert_eq!(runner.get::<f32>("tau")?.into_iter().next(), Some(10.0));
/// # Ok::<(), dsrunner::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Predict {
    pub(super) span: Option<Span>,
    pub(super) data: Vec<(Option<Target>, Value)>,
    pub(super) reset_state: bool,
    pub(super) shared_args: Vec<(String, Value)>,
}

impl Predict {
    /// For a duration, in the unit of `dt`.
    pub fn duration(duration: f64) -> Self {
        duration.into()
    }

    /// For a number of steps.
    pub fn steps(steps: u64) -> Self {
        Steps(steps).into()
    }

    /// On data for the input of the target, which is a group: for as many steps as there are rows. Row `k` is added to the
    /// input in the run's step `k`, after the runner's inputs. The shape is `(T, ...)`; for a batch `(B, T, ...)`, or
    /// `(T, B, ...)` with [`data_first_axis`](crate::RunnerBuilder::data_first_axis) `"T"`.
    pub fn data(rows: impl Into<Value>) -> Self {
        Self { data: vec![(None, rows.into())], ..Self::default() }
    }

    /// Adds data for a variable, by path, name or handle, as [`Predict::data`]. All data of a run have the same number of
    /// rows, and so has its duration, where one is given too.
    ///
    /// ```
    /// use dsrunner::{DSRunner, Network, Predict, neurons};
    ///
    /// let net = Network::new().with("E", neurons::lif(4)).with("I", neurons::lif(1));
    /// let mut runner = DSRunner::builder(net).monitor("E.V").progress_bar(false).build()?;
    /// let rows = ndarray::Array2::from_elem((50, 4), 21.0);
    /// runner.run(Predict::default().input("E.input", rows).input("I.input", vec![25.0; 50]))?;
    /// assert_eq!(runner.i(), 50);
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn input(mut self, target: impl Into<Target>, rows: impl Into<Value>) -> Self {
        self.data.push((Some(target.into()), rows.into()));
        self
    }

    /// Whether the state is reset before; see [`DSRunner::reset_state`](crate::DSRunner::reset_state). The default is no.
    pub fn reset_state(mut self, reset: bool) -> Self {
        self.reset_state = reset;
        self
    }

    /// An argument for this run alone. It stands in for the parameters of that name of all nodes, and closures find it in
    /// [`Shared::arg`](crate::Shared::arg). A name that no parameter has is an error, unless the runner has closures, which
    /// might ask for it. All of a run's arguments together keep the rules of the models
    /// ([`Error::Parameter`](crate::Error::Parameter)).
    pub fn shared_arg(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.shared_args.push((name.into(), value.into()));
        self
    }
}

impl<S: Into<Span>> From<S> for Predict {
    fn from(span: S) -> Self {
        Self { span: Some(span.into()), ..Self::default() }
    }
}

impl<T: Number, S: Data<Elem = T>, D: Dimension> From<ArrayBase<S, D>> for Predict {
    fn from(rows: ArrayBase<S, D>) -> Self {
        Self::data(rows)
    }
}
