//! What closures of the host are told of a step.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::value::Value;

/// What the elements of a step share, as host closures see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shared {
    /// Time at the start of the step, `t0 + i dt`.
    pub t: f64,
    /// The step.
    pub dt: f64,
    /// Number of the step, counted over all runs since the last reset.
    pub i: u64,
    pub(crate) args: Arc<BTreeMap<String, Value>>,
}

impl Shared {
    /// The shared argument of that name that was given to the run, if one was; see
    /// [`Predict::shared_arg`](crate::Predict::shared_arg).
    pub fn arg(&self, name: &str) -> Option<&Value> {
        self.args.get(name)
    }
}

/// The closure of an input of type `func`.
pub(crate) type InputFunction = Arc<dyn Fn(&Shared) -> Value + Send + Sync>;
