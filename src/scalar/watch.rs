//! Indexes that are known at run time only, watched: which lanes use one that is beyond the end, where, and its value.

use naga::{Expression as Ex, Handle};

use super::code::Code;
use super::lowered::{Site, Watched};
use super::lowering::{Lowering, Watch};
use super::value::{Dynamic, Kind, Place, Res, Scalar, Value};

impl Lowering<'_> {
    pub(super) fn start_watching(&mut self) {
        let zero = self.constant(0, Kind::U);
        let mut place = || Place { variable: self.new_variable(Value::Scalar(zero)), path: vec![] };
        let (fault, index) = (place(), place());
        self.watch = Some(Watch { sites: Vec::new(), fault, index });
    }

    /// What was watched, if there was anything to watch.
    pub(super) fn watched(&mut self) -> Res<Option<Watched>> {
        let Some(Watch { sites, fault, index }) = self.watch.take() else { return Ok(None) };
        if sites.iter().all(|site| site.length == 0) {
            return Ok(None);
        }
        let (fault, index) = (self.read(&fault)?.scalar()?.id, self.read(&index)?.scalar()?.id);
        Ok(Some(Watched { sites, fault, index }))
    }

    /// The index of an expression of the function at hand.
    pub(super) fn dynamic(&mut self, access: Handle<Ex>, scalar: Scalar) -> Dynamic {
        let function = self.frame().function;
        let site = self.watch.as_mut().map(|watch| {
            watch.sites.push(Site {
                function: function.name.clone().unwrap_or_default(),
                access,
                signed: scalar.kind == Kind::I,
                length: 0,
            });
            watch.sites.len() - 1
        });
        Dynamic { scalar, site }
    }

    /// Notes the lanes at hand that use an index beyond the end, but for those that did so before, and those that were made to leave a
    /// loop: they are where their text would not be.
    pub(super) fn look(&mut self, index: Dynamic, length: usize) -> Res<()> {
        let Dynamic { scalar, site: Some(site) } = index else { return Ok(()) };
        let within = self.bits(scalar).is_some_and(|bits| (bits as usize) < length);
        let Some(watch) = self.watch.as_mut().filter(|_| !within) else { return Ok(()) };
        watch.sites[site].length = length;
        let (fault, value) = (watch.fault.clone(), watch.index.clone());
        let last = self.constant(length as u32 - 1, scalar.kind);
        // a negative index is a large one without its sign
        let beyond = self.op(Code::LtU, &[last, scalar], Kind::B);
        let (zero, number) = (self.constant(0, Kind::U), self.constant(site as u32 + 1, Kind::U));
        let noted = self.read(&fault)?.scalar()?;
        let first = self.op(Code::EqI, &[noted, zero], Kind::B);
        let before = self.active;
        self.active = self.and(before, beyond);
        self.active = self.and(self.active, first);
        self.leave_endless()?;
        self.assign(&fault, Value::Scalar(number))?;
        self.assign(&value, Value::Scalar(scalar))?;
        self.active = before;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::scalar::{Access, Lowered, Options, lower};

    fn lowered(body: &str, watch: bool) -> Lowered {
        let text = format!(
            "fn at(t: array<f32, 4>, k: u32) -> f32 {{ var c = t; return c[k]; }}
             fn f(x: u32) -> f32 {{ var t = array<f32, 4>(); {body} }}"
        );
        let module = naga::front::wgsl::parse_str(&text).unwrap();
        let options = Options {
            primitive: &|_| None,
            loops: true,
            watch,
            bound: None,
            memories: Default::default(),
        };
        lower(&module, "f", &[Access::Stream(0)], &options).unwrap()
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
            assert!(lowered(body, false).watched.is_none());
            let watched = lowered(body, true).watched;
            let sites = watched.map(|watched| watched.sites).unwrap_or_default();
            let found: Vec<usize> = sites.iter().map(|site| site.length).collect();
            assert_eq!(found, lengths, "{body}");
        }
    }
}
