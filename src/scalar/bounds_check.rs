//! Indexes that are known at run time only, watched: which lanes use one that is beyond the end, where, and its value.

use naga::{Expression as Ex, Handle};

use super::code::Code;
use super::lowered::{CheckedBounds, IndexSite};
use super::lowering::{BoundsWatch, Lowering};
use super::value::{Dynamic, LaneKind, LoweredValue, Res, Scalar, VariablePath};

impl Lowering<'_> {
    pub(super) fn start_bounds_checks(&mut self) {
        let zero = self.constant(0, LaneKind::U);
        let mut place = || VariablePath {
            variable: self.new_variable(LoweredValue::Scalar(zero)),
            path: vec![],
        };
        let (fault, index) = (place(), place());
        self.check_bounds = Some(BoundsWatch { sites: Vec::new(), fault, index });
    }

    /// What was watched, if there was anything to watch.
    pub(super) fn checked_bounds(&mut self) -> Res<Option<CheckedBounds>> {
        let Some(BoundsWatch { sites, fault, index }) = self.check_bounds.take() else {
            return Ok(None);
        };
        if sites.iter().all(|site| site.length == 0) {
            return Ok(None);
        }
        let (fault, index) = (self.read(&fault)?.scalar()?.id, self.read(&index)?.scalar()?.id);
        Ok(Some(CheckedBounds { sites, fault, index }))
    }

    /// The index of an expression of the function at hand.
    pub(super) fn dynamic(&mut self, access: Handle<Ex>, scalar: Scalar) -> Dynamic {
        let function = self.frame().function;
        let site = self.check_bounds.as_mut().map(|check_bounds| {
            check_bounds.sites.push(IndexSite {
                function: function.name.clone().unwrap_or_default(),
                access,
                signed: scalar.kind == LaneKind::I,
                length: 0,
            });
            check_bounds.sites.len() - 1
        });
        Dynamic { scalar, site }
    }

    /// Notes the lanes at hand that use an index beyond the end, but for those that did so before, and those that were made to leave a
    /// loop: they are where their text would not be.
    pub(super) fn look(&mut self, index: Dynamic, length: usize) -> Res<()> {
        let Dynamic { scalar, site: Some(site) } = index else { return Ok(()) };
        let within = self.bits(scalar).is_some_and(|bits| (bits as usize) < length);
        let Some(check_bounds) = self.check_bounds.as_mut().filter(|_| !within) else {
            return Ok(());
        };
        check_bounds.sites[site].length = length;
        let (fault, value) = (check_bounds.fault.clone(), check_bounds.index.clone());
        let last = self.constant(length as u32 - 1, scalar.kind);
        // a negative index is a large one without its sign
        let beyond = self.op(Code::LtU, &[last, scalar], LaneKind::B);
        let (zero, number) =
            (self.constant(0, LaneKind::U), self.constant(site as u32 + 1, LaneKind::U));
        let noted = self.read(&fault)?.scalar()?;
        let first = self.op(Code::EqI, &[noted, zero], LaneKind::B);
        let before = self.execution_mask;
        self.execution_mask = self.and(before, beyond);
        self.execution_mask = self.and(self.execution_mask, first);
        self.leave_endless()?;
        self.assign(&fault, LoweredValue::Scalar(number))?;
        self.assign(&value, LoweredValue::Scalar(scalar))?;
        self.execution_mask = before;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::scalar::{Access, Lowered, Options, lower};

    fn lowered(body: &str, check_bounds: bool) -> Lowered {
        let text = format!(
            "fn at(t: array<f32, 4>, k: u32) -> f32 {{ var c = t; return c[k]; }}
             fn f(x: u32) -> f32 {{ var t = array<f32, 4>(); {body} }}"
        );
        let module = naga::front::wgsl::parse_str(&text).unwrap();
        let options = Options { check_bounds, ..Options::default() };
        lower(&module, "f", &[Access::Column(0)], &options).unwrap()
    }

    #[test]
    fn only_what_may_be_beyond_is_watched() {
        for (body, lengths) in [
            ("return t[1];", &[][..]),
            ("var k = 1; k += 0; return t[3] + f32(x);", &[]),
            ("var k = 3; return t[k];", &[]),
            ("return at(t, 2u);", &[]),
            ("return at(t, x);", &[4]),
            ("t[x] = 1.0; return vec2<f32>(t[2])[x];", &[4, 2]),
            ("var m = array<vec3<f32>, 2>(); return m[x][x + 1u];", &[2, 3]),
        ] {
            assert!(lowered(body, false).checked_bounds.is_none());
            let checked_bounds = lowered(body, true).checked_bounds;
            let sites =
                checked_bounds.map(|checked_bounds| checked_bounds.sites).unwrap_or_default();
            let found: Vec<usize> = sites.iter().map(|site| site.length).collect();
            assert_eq!(found, lengths, "{body}");
        }
    }
}
