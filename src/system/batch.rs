//! Many replicas of a system side by side.

use super::replicas::Replicas;
use super::step::{DynamicalSystem, StepBuilder};
use crate::error::Result;

/// Replicas of a target that run side by side and share its connectivity and weights: a batch.
///
/// Every variable gets an axis more, before those of its group: `(B, N)`. Values of that shape, or `(B, 1)`, differ from replica
/// to replica - of parameters, initial values and inputs; others are the same in all. Each replica draws random numbers of its own,
/// in initial values and in its models: those of replica `c` are the same in every batch that contains it, and replica 0 is
/// what the target is alone. An index of a monitor is along the first axis, so it chooses replicas;
/// [`Group::slice`](crate::Group::slice) chooses elements in all of them.
///
/// ```
/// use dsrunner::{Batch, DSRunner, neurons};
///
/// // three currents for ten cells
/// let mut runner = DSRunner::builder(Batch::new(neurons::lif(10), 3))
///     .input(("input", ndarray::arr2(&[[21.0], [25.0], [30.0]])))
///     .monitor("spike")
///     .progress_bar(false)
///     .build()?;
/// runner.run(100.0)?;
/// // a batch has its replicas first, then time
/// assert_eq!(runner.mon().get::<bool>("spike")?.shape(), [3, 1000, 10]);
/// # Ok::<(), dsrunner::Error>(())
/// ```
pub struct Batch {
    target: Box<dyn DynamicalSystem>,
    replicas: Replicas,
}

impl Batch {
    /// So many replicas of a target.
    pub fn new(target: impl DynamicalSystem + 'static, replicas: usize) -> Self {
        Self { target: Box::new(target), replicas: Replicas { count: replicas, first: 0 } }
    }

    /// Gives the first replica another number than 0, so that a large batch can be run in parts: replicas `first`,
    /// `first + 1`, ...
    pub fn first_replica(mut self, first: u32) -> Self {
        self.replicas.first = first;
        self
    }
}

impl DynamicalSystem for Batch {
    fn name(&self) -> &str {
        self.target.name()
    }

    fn update(&self, step: &mut StepBuilder) -> Result<()> {
        step.replicas(self.target.name(), self.replicas)?;
        self.target.update(step)
    }
}
