//! A system on an engine, as closures see it.

use crate::backend::{Engine, apply_at};
use crate::error::{Error, Result};
use crate::inputs::Running;
use crate::plan::{Plan, check_target, words};
use crate::terms::{Kind, Operation, Target, Value};

/// A plan with the engine that executes it.
pub(super) struct OnEngine<'a> {
    pub plan: &'a Plan,
    pub engine: &'a mut dyn Engine,
}

impl Running for OnEngine<'_> {
    fn read(&mut self, target: &Target) -> Result<(Kind, Vec<usize>, Vec<u32>)> {
        let chosen = self.plan.select("variable or parameter", target)?;
        let all = self.engine.read(chosen.variable.range())?;
        let words = chosen.offsets.iter().map(|offset| all[offset]).collect();
        Ok((chosen.variable.kind, chosen.shape, words))
    }

    fn apply(&mut self, target: &Target, operation: Operation, value: &Value) -> Result<()> {
        let chosen = self.plan.select("variable", target)?;
        check_target(&target.path, chosen.variable.role)?;
        let wrong = |reason| Error::Input { target: target.path.clone(), reason };
        let values = value.broadcast(&target.path, &chosen.shape)?;
        let values = words(&values, chosen.variable.kind).map_err(wrong)?;
        let mut all = self.engine.read(chosen.variable.range())?;
        let stride = usize::from(values.len() > 1);
        apply_at(operation, chosen.variable.kind, &mut all, &chosen.offsets, &values, stride);
        self.engine.write(chosen.variable.address, &all)
    }
}
