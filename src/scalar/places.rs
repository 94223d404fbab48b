//! Local variables: writes for the active lanes, reads, and indices that are known at run time only.

use super::code::Code;
use super::lowering::{ExecutionMask, Lowering};
use super::value::{Dynamic, ElementIndex, LaneKind, LoweredValue, Res, Scalar, VariablePath};

impl Lowering<'_> {
    pub(super) fn assign(&mut self, place: &VariablePath, value: LoweredValue) -> Res<()> {
        let root = self.variables[place.variable].clone();
        let execution_mask = self.execution_mask;
        let root = self.written(root, &place.path, &value, execution_mask)?;
        self.variables[place.variable] = root;
        Ok(())
    }

    fn written(
        &mut self,
        old: LoweredValue,
        path: &[ElementIndex],
        new: &LoweredValue,
        execution_mask: ExecutionMask,
    ) -> Res<LoweredValue> {
        let Some((first, rest)) = path.split_first() else {
            return match execution_mask {
                ExecutionMask::All => Ok(new.clone()),
                ExecutionMask::None => Ok(old),
                ExecutionMask::Some(mask) => self.select_value(mask, new, &old),
            };
        };
        let LoweredValue::Composite(mut parts) = old else {
            return Err("an index into a scalar".into());
        };
        match *first {
            ElementIndex::Static(k) => {
                let part = parts.get(k).cloned().ok_or("an index out of range")?;
                parts[k] = self.written(part, rest, new, execution_mask)?;
            }
            ElementIndex::Dynamic(index) => {
                self.spend(parts.len())?;
                let index = self.clamped(index, parts.len())?;
                for (k, part) in parts.iter_mut().enumerate() {
                    let here = self.constant(k as u32, index.kind);
                    let hit = self.op(Code::EqI, &[index, here], LaneKind::B);
                    let execution_mask = self.and(execution_mask, hit);
                    *part = self.written(part.clone(), rest, new, execution_mask)?;
                }
            }
        }
        Ok(LoweredValue::Composite(parts))
    }

    pub(super) fn read(&mut self, place: &VariablePath) -> Res<LoweredValue> {
        let mut value = self.variables[place.variable].clone();
        for index in &place.path {
            value = match *index {
                ElementIndex::Static(k) => value.part(k)?,
                ElementIndex::Dynamic(index) => self.pick(value, index)?,
            };
        }
        Ok(value)
    }

    /// The part of a composite that a run-time index names; the nearest one where it is out of range.
    pub(super) fn pick(&mut self, value: LoweredValue, index: Dynamic) -> Res<LoweredValue> {
        let LoweredValue::Composite(parts) = value else {
            return Err("an index into a scalar".into());
        };
        self.spend(parts.len())?;
        let index = self.clamped(index, parts.len())?;
        let mut picked = parts[0].clone();
        for (k, part) in parts.iter().enumerate().skip(1) {
            let here = self.constant(k as u32, index.kind);
            let hit = self.op(Code::EqI, &[index, here], LaneKind::B);
            picked = self.select_value(hit, part, &picked)?;
        }
        Ok(picked)
    }

    pub(super) fn clamped(&mut self, index: Dynamic, len: usize) -> Res<Scalar> {
        self.look(index, len)?;
        let index = index.scalar;
        let last = self.constant(len as u32 - 1, index.kind);
        Ok(self.op(Code::MinU, &[index, last], index.kind))
    }
}
