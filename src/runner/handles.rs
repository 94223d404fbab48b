//! What closures may do to a running system.

use ndarray::ArrayD;

use crate::backend::Engine;
use crate::backend::apply::apply_at;
use crate::error::{Error, Result};
use crate::plan::{Plan, check_target, words};
use crate::terms::{Element, Operation, Target, Value, array};

/// Reads variables for the closure of a monitor; see [`Monitor::read`](crate::Monitor::read).
pub struct ReadHandle<'a> {
    plan: &'a Plan,
    engine: &'a mut dyn Engine,
}

impl<'a> ReadHandle<'a> {
    pub(super) fn new(plan: &'a Plan, engine: &'a mut dyn Engine) -> Self {
        Self { plan, engine }
    }

    /// The present values of a variable or a parameter. The device finishes what it does before.
    ///
    /// # Errors
    /// [`Error::UnknownPath`], or [`Error::Kind`] where the values are of another type.
    pub fn get<T: Element>(&mut self, target: impl Into<Target>) -> Result<ArrayD<T>> {
        read(self.plan, self.engine, &target.into())
    }
}

/// Reads and changes variables for the closure of a callable input; see [`Input::call`](crate::Input::call).
pub struct InputHandle<'a> {
    plan: &'a Plan,
    engine: &'a mut dyn Engine,
}

impl<'a> InputHandle<'a> {
    pub(super) fn new(plan: &'a Plan, engine: &'a mut dyn Engine) -> Self {
        Self { plan, engine }
    }

    /// The present values of a variable or a parameter. The device finishes what it does before.
    ///
    /// # Errors
    /// [`Error::UnknownPath`], or [`Error::Kind`] where the values are of another type.
    pub fn get<T: Element>(&mut self, target: impl Into<Target>) -> Result<ArrayD<T>> {
        read(self.plan, self.engine, &target.into())
    }

    /// Applies an operation to a variable, or to some of its elements. The value's shape broadcasts to the variable's.
    ///
    /// # Errors
    /// [`Error::UnknownPath`], [`Error::Shape`], or [`Error::Input`] for what no input may change; nothing has changed then.
    pub fn apply(
        &mut self,
        target: impl Into<Target>,
        operation: Operation,
        value: impl Into<Value>,
    ) -> Result<()> {
        let target = target.into();
        let chosen = self.plan.select("variable", &target)?;
        check_target(&target.path, chosen.slot.role)?;
        let wrong = |reason| Error::Input { target: target.path.clone(), reason };
        let values = value.into().broadcast(&target.path, &chosen.shape)?;
        let values = words(&values, chosen.slot.kind).map_err(wrong)?;
        let mut all = self.engine.read(chosen.slot.range())?;
        let stride = usize::from(values.len() > 1);
        apply_at(operation, chosen.slot.kind, &mut all, &chosen.offsets, &values, stride);
        self.engine.write(chosen.slot.address, &all)
    }
}

/// The present values of what a target names.
pub(super) fn read<T: Element>(
    plan: &Plan,
    engine: &mut dyn Engine,
    target: &Target,
) -> Result<ArrayD<T>> {
    let chosen = plan.select("variable or parameter", target)?;
    let all = engine.read(chosen.slot.range())?;
    let words: Vec<u32> = chosen.offsets.iter().map(|offset| all[offset]).collect();
    array(&target.path, chosen.slot.kind, &chosen.shape, &words)
}
