//! What closures may do to a running system.

use ndarray::ArrayD;

use crate::error::Result;
use crate::terms::{Element, Kind, Operation, Target, Value, array};

/// A system that runs, whatever executes it.
pub(crate) trait Running: Send {
    /// Kind, shape and words of what a target names.
    fn read(&mut self, target: &Target) -> Result<(Kind, Vec<usize>, Vec<u32>)>;

    /// Applies an operation to what a target names.
    fn apply(&mut self, target: &Target, operation: Operation, value: &Value) -> Result<()>;
}

/// Reads variables for the closure of a monitor; see [`Monitor::read`](crate::Monitor::read).
pub struct ReadHandle<'a>(&'a mut dyn Running);

impl<'a> ReadHandle<'a> {
    pub(crate) fn new(system: &'a mut dyn Running) -> Self {
        Self(system)
    }

    /// The present values of a variable or a parameter. The device finishes what it does before.
    ///
    /// # Errors
    /// [`Error::UnknownPath`](crate::Error::UnknownPath), or [`Error::Kind`](crate::Error::Kind) where the values are of another type.
    pub fn get<T: Element>(&mut self, target: impl Into<Target>) -> Result<ArrayD<T>> {
        read(self.0, &target.into())
    }
}

/// Reads and changes variables for the closure of a callable input; see [`Input::call`](crate::Input::call).
pub struct InputHandle<'a>(&'a mut dyn Running);

impl<'a> InputHandle<'a> {
    pub(crate) fn new(system: &'a mut dyn Running) -> Self {
        Self(system)
    }

    /// The present values of a variable or a parameter. The device finishes what it does before.
    ///
    /// # Errors
    /// [`Error::UnknownPath`](crate::Error::UnknownPath), or [`Error::Kind`](crate::Error::Kind) where the values are of another type.
    pub fn get<T: Element>(&mut self, target: impl Into<Target>) -> Result<ArrayD<T>> {
        read(self.0, &target.into())
    }

    /// Applies an operation to a variable, or to some of its elements. The value's shape broadcasts to the variable's.
    ///
    /// # Errors
    /// [`Error::UnknownPath`](crate::Error::UnknownPath), [`Error::Shape`](crate::Error::Shape), or
    /// [`Error::Input`](crate::Error::Input) for what no input may change; nothing has changed then.
    pub fn apply(
        &mut self,
        target: impl Into<Target>,
        operation: Operation,
        value: impl Into<Value>,
    ) -> Result<()> {
        self.0.apply(&target.into(), operation, &value.into())
    }
}

/// The present values of what a target names.
pub(crate) fn read<T: Element>(system: &mut dyn Running, target: &Target) -> Result<ArrayD<T>> {
    let (kind, shape, words) = system.read(target)?;
    array(&target.path, kind, &shape, &words)
}
