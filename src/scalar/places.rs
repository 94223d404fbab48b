//! Local variables: writes for the active lanes, reads, and indices that are known at run time only.

use super::code::Code;
use super::lowering::{Active, Lowering};
use super::value::{Dynamic, Index, Kind, Place, Res, Scalar, Value};

impl Lowering<'_> {
    pub(super) fn assign(&mut self, place: &Place, value: Value) -> Res<()> {
        let root = self.variables[place.variable].clone();
        let active = self.active;
        let root = self.written(root, &place.path, &value, active)?;
        self.variables[place.variable] = root;
        Ok(())
    }

    fn written(&mut self, old: Value, path: &[Index], new: &Value, active: Active) -> Res<Value> {
        let Some((first, rest)) = path.split_first() else {
            return match active {
                Active::All => Ok(new.clone()),
                Active::None => Ok(old),
                Active::Some(mask) => self.select_value(mask, new, &old),
            };
        };
        let Value::Composite(mut parts) = old else {
            return Err("an index into a scalar".into());
        };
        match *first {
            Index::Static(k) => {
                let part = parts.get(k).cloned().ok_or("an index out of range")?;
                parts[k] = self.written(part, rest, new, active)?;
            }
            Index::Dynamic(index) => {
                self.spend(parts.len())?;
                let index = self.clamped(index, parts.len())?;
                for (k, part) in parts.iter_mut().enumerate() {
                    let here = self.constant(k as u32, index.kind);
                    let hit = self.op(Code::EqI, &[index, here], Kind::B);
                    let active = self.and(active, hit);
                    *part = self.written(part.clone(), rest, new, active)?;
                }
            }
        }
        Ok(Value::Composite(parts))
    }

    pub(super) fn read(&mut self, place: &Place) -> Res<Value> {
        let mut value = self.variables[place.variable].clone();
        for index in &place.path {
            value = match *index {
                Index::Static(k) => value.part(k)?,
                Index::Dynamic(index) => self.pick(value, index)?,
            };
        }
        Ok(value)
    }

    /// The part of a composite that a run-time index names; the nearest one where it is out of range.
    pub(super) fn pick(&mut self, value: Value, index: Dynamic) -> Res<Value> {
        let Value::Composite(parts) = value else {
            return Err("an index into a scalar".into());
        };
        self.spend(parts.len())?;
        let index = self.clamped(index, parts.len())?;
        let mut picked = parts[0].clone();
        for (k, part) in parts.iter().enumerate().skip(1) {
            let here = self.constant(k as u32, index.kind);
            let hit = self.op(Code::EqI, &[index, here], Kind::B);
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
