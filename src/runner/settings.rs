//! How a runner runs.

use super::progress::Progress;
use crate::plan::{Host, HostRecord};
use crate::records::Sink;

/// What a runner does by itself, whatever the plan.
pub(super) struct Settings {
    pub t0: f64,
    pub progress_bar: Progress,
    /// Most steps of a chunk.
    pub chunk: usize,
    pub jit: Jit,
    pub numpy_mon_after_run: bool,
    pub memory_efficient: bool,
    /// Whether arrays have their replicas first.
    pub batch_first: bool,
    pub ts_at_end: bool,
    /// Whether devices may be measured to choose one.
    pub calibrate: bool,
    /// For each monitor.
    pub sinks: Vec<Option<Sink>>,
}

/// Whether steps are fused, for each phase: `true` or `false` for both, or a value of this type.
///
/// With it many steps are handed to the device at once, as few kernels as there can be. Without it each operation of each
/// step is done for itself, and what it changed is checked: a value that is NaN or infinite is an
/// [`Error::Fault`](crate::Error::Fault) that names step, node, variable and element. So is an index that a model's text or an
/// expression computes and that is beyond the end of a vector or an array, before the operation that would use it. The results
/// are the same. After a fault the variables are as that operation left or found them, to be looked at; to go on, reset the
/// state or load one.
///
/// ```
/// use dsrunner::{DSRunner, neurons};
///
/// let mut runner = DSRunner::builder(neurons::lif(2))
///     .input(("V", vec![0.0, f64::INFINITY]))
///     .jit(false)
///     .progress_bar(false)
///     .build()?;
/// let error = runner.run(1.0).unwrap_err().to_string();
/// assert!(error.starts_with("step 0, node `LIF"), "{error}");
/// # Ok::<(), dsrunner::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jit {
    /// For [`DSRunner::predict`](crate::DSRunner::predict) and [`DSRunner::run`](crate::DSRunner::run).
    pub predict: bool,
    /// For trainers, should there be one.
    pub fit: bool,
}

impl From<bool> for Jit {
    fn from(jit: bool) -> Self {
        Self { predict: jit, fit: jit }
    }
}

/// Whether the host is asked in the midst of a step.
pub(super) fn is_stepwise(settings: &Settings, host: &Host) -> bool {
    let reads = host.records.iter().any(|r| matches!(r, HostRecord::Read(_)));
    !settings.jit.predict || !host.inputs.calls.is_empty() || reads
}
