//! Many copies of a system side by side.

use super::copies::Copies;
use super::step::{DynamicalSystem, StepBuilder};
use crate::error::Result;

/// Copies of a target that run side by side and share its connectivity and weights: a batch.
///
/// Every variable gets an axis more, before those of its group: `(B, N)`. Values of that shape, or `(B, 1)`, differ from copy
/// to copy - of parameters, initial values and inputs; others are the same in all. Each copy draws random numbers of its own,
/// in initial values and in its models: those of copy `c` are the same in every batch that contains it, and copy 0 is
/// what the target is alone. An index of a monitor is along the first axis, so it chooses copies;
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
/// // a batch has its copies first, then time
/// assert_eq!(runner.mon().get::<bool>("spike")?.shape(), [3, 1000, 10]);
/// # Ok::<(), dsrunner::Error>(())
/// ```
pub struct Batch {
    target: Box<dyn DynamicalSystem>,
    copies: Copies,
}

impl Batch {
    /// So many copies of a target.
    pub fn new(target: impl DynamicalSystem + 'static, copies: usize) -> Self {
        Self { target: Box::new(target), copies: Copies { count: copies, first: 0 } }
    }

    /// Gives the first copy another number than 0, so that a large batch can be run in parts: copies `first`,
    /// `first + 1`, ...
    pub fn first_copy(mut self, first: u32) -> Self {
        self.copies.first = first;
        self
    }
}

impl DynamicalSystem for Batch {
    fn name(&self) -> &str {
        self.target.name()
    }

    fn update(&self, step: &mut StepBuilder) -> Result<()> {
        step.copies(self.target.name(), self.copies)?;
        self.target.update(step)
    }
}
