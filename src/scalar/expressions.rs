//! Expressions, component by component where they are vectors.

use naga::{Expression as Ex, Handle, Literal, TypeInner};

use super::code::Code;
use super::lowering::Lowering;
use super::value::{
    Dynamic, ElementIndex, LaneKind, LoweredValue, Res, Scalar, VariablePath, type_name,
};
use crate::limits;

fn is_matrix(module: &naga::Module, ty: Handle<naga::Type>) -> bool {
    matches!(module.types[ty].inner, TypeInner::Matrix { .. })
}

impl Lowering<'_> {
    pub(super) fn scalar(&mut self, handle: Handle<Ex>) -> Res<Scalar> {
        self.expression(handle)?.scalar()
    }

    pub(super) fn expression(&mut self, handle: Handle<Ex>) -> Res<LoweredValue> {
        if let Some(value) = self.frame().cache.get(&handle) {
            return Ok(value.clone());
        }
        // only expressions that need no `Emit` come here: literals, constants, arguments, variables
        self.evaluate(handle)
    }

    pub(super) fn evaluate(&mut self, handle: Handle<Ex>) -> Res<LoweredValue> {
        self.spend(1)?;
        let function = self.frame().function;
        match function.expressions[handle] {
            Ex::FunctionArgument(k) => Ok(self.frame().arguments[k as usize].clone()),
            Ex::LocalVariable(local) => {
                let variable = self.frame().locals.get(&local).copied();
                let variable = variable.ok_or("a variable is used before it is declared")?;
                Ok(LoweredValue::Pointer(VariablePath { variable, path: Vec::new() }))
            }
            Ex::GlobalVariable(global) => {
                let value = self.globals.get(&global).cloned();
                value.ok_or_else(|| "a global variable".into())
            }
            Ex::ArrayLength(array) => self.array_length(array).map(LoweredValue::Scalar),
            Ex::Load { pointer } => match self.expression(pointer)? {
                LoweredValue::Pointer(place) => self.read(&place),
                LoweredValue::Memory(cell) => self.fetch(cell).map(LoweredValue::Scalar),
                _ => Err("a load from something that is not a variable".into()),
            },
            Ex::AccessIndex { base, index } => match self.member(base, index as usize) {
                Some(part) => Ok(part),
                None => match self.expression(base)? {
                    LoweredValue::Pointer(mut place) => {
                        place.path.push(ElementIndex::Static(index as usize));
                        Ok(LoweredValue::Pointer(place))
                    }
                    LoweredValue::Memory(cell) => self.fixed_element(cell, index),
                    value => value.part(index as usize),
                },
            },
            Ex::Access { base, index } => {
                let index = self.scalar(index)?;
                let index = self.dynamic(handle, index);
                match self.expression(base)? {
                    LoweredValue::Pointer(mut place) => {
                        place.path.push(ElementIndex::Dynamic(index));
                        Ok(LoweredValue::Pointer(place))
                    }
                    LoweredValue::Memory(cell) => self.element(cell, index),
                    value => self.pick(value, index),
                }
            }
            ref other => self.pure(other.clone(), &mut |s, h| s.expression(h)),
        }
    }

    /// A part of a value that is known already, without a copy of the whole.
    fn member(&mut self, base: Handle<Ex>, index: usize) -> Option<LoweredValue> {
        let frame = self.frame();
        let value = match frame.function.expressions[base] {
            Ex::FunctionArgument(k) => frame.arguments.get(k as usize)?,
            _ => frame.cache.get(&base)?,
        };
        match value {
            LoweredValue::Composite(parts) => parts.get(index).cloned(),
            _ => None,
        }
    }

    pub(super) fn global_expression(&mut self, handle: Handle<Ex>) -> Res<LoweredValue> {
        let module = self.module;
        let expression = module.global_expressions[handle].clone();
        self.pure(expression, &mut |s, h| s.global_expression(h))
    }

    /// Expressions that constants may consist of too. `get` evaluates an operand.
    fn pure(
        &mut self,
        expression: Ex,
        get: &mut dyn FnMut(&mut Self, Handle<Ex>) -> Res<LoweredValue>,
    ) -> Res<LoweredValue> {
        match expression {
            Ex::Literal(literal) => {
                let (bits, kind) = match literal {
                    Literal::F32(v) => (v.to_bits(), LaneKind::F),
                    Literal::I32(v) => (v as u32, LaneKind::I),
                    Literal::U32(v) => (v, LaneKind::U),
                    Literal::Bool(v) => (if v { u32::MAX } else { 0 }, LaneKind::B),
                    _ => return Err("a number that is not f32, i32, u32 or bool".into()),
                };
                Ok(LoweredValue::Scalar(self.constant(bits, kind)))
            }
            Ex::Constant(handle) => self.global_expression(self.module.constants[handle].init),
            Ex::ZeroValue(ty) => self.zero(ty),
            Ex::Compose { ty, .. } if is_matrix(self.module, ty) => Err("a matrix".into()),
            Ex::Compose { ty, components } => {
                let parts = components.iter().map(|&c| get(self, c)).collect::<Res<Vec<_>>>()?;
                let value = LoweredValue::Composite(parts);
                // vec4(v.xy, z, w): vectors inside a vector are joined
                if matches!(self.module.types[ty].inner, TypeInner::Vector { .. }) {
                    let scalars = value.scalars()?;
                    return Ok(LoweredValue::Composite(
                        scalars.into_iter().map(LoweredValue::Scalar).collect(),
                    ));
                }
                Ok(value)
            }
            Ex::AccessIndex { base, index } => get(self, base)?.part(index as usize),
            Ex::Access { base, index } => {
                let scalar = get(self, index)?.scalar()?;
                let base = get(self, base)?;
                // of a constant, whose indexes were checked when the text was parsed
                self.pick(base, Dynamic { scalar, site: None })
            }
            Ex::Splat { size, value } => {
                let value = get(self, value)?;
                Ok(LoweredValue::Composite(vec![value; size as usize]))
            }
            Ex::Swizzle { size, vector, pattern } => {
                let vector = get(self, vector)?;
                pattern[..size as usize]
                    .iter()
                    .map(|&c| vector.clone().part(c as usize))
                    .collect::<Res<_>>()
                    .map(LoweredValue::Composite)
            }
            Ex::Unary { op, expr } => {
                let value = get(self, expr)?;
                self.each(&[value], &mut |s, a| s.unary(op, a[0]))
            }
            Ex::Binary { op, left, right } => {
                let (left, right) = (get(self, left)?, get(self, right)?);
                self.each(&[left, right], &mut |s, a| s.binary(op, a[0], a[1]))
            }
            Ex::Select { condition, accept, reject } => {
                let (c, y, n) = (get(self, condition)?, get(self, accept)?, get(self, reject)?);
                match c {
                    LoweredValue::Scalar(mask) => self.select_value(mask, &y, &n),
                    c => self.each(&[c, y, n], &mut |s, a| Ok(s.select(a[0], a[1], a[2]))),
                }
            }
            Ex::Relational { fun, argument } => {
                let scalars = get(self, argument)?.scalars()?;
                let code = match fun {
                    naga::RelationalFunction::All => Code::And,
                    naga::RelationalFunction::Any => Code::Or,
                    _ => return Err("isnan and isinf; test the exponent bits instead".into()),
                };
                let first = scalars[0];
                let all =
                    scalars[1..].iter().fold(first, |a, &b| self.op(code, &[a, b], LaneKind::B));
                Ok(LoweredValue::Scalar(all))
            }
            Ex::Math { fun, arg, arg1, arg2, arg3 } => {
                let mut arguments = vec![get(self, arg)?];
                for argument in [arg1, arg2, arg3].into_iter().flatten() {
                    arguments.push(get(self, argument)?);
                }
                self.math(fun, arguments)
            }
            Ex::As { expr, kind, convert } => {
                let value = get(self, expr)?;
                let to = LaneKind::of(kind)?;
                self.each(&[value], &mut |s, a| Ok(s.cast(a[0], to, convert.is_some())))
            }
            _ => Err("an expression that model functions cannot have".into()),
        }
    }

    pub(super) fn zero(&mut self, ty: Handle<naga::Type>) -> Res<LoweredValue> {
        let module = self.module;
        let bytes =
            module.types[ty].inner.try_size(module.to_ctx()).map_or(usize::MAX, |n| n as usize);
        if bytes / 4 > limits::VALUE_WORDS {
            return Err(format!(
                "a value of more than {} numbers ({})",
                limits::VALUE_WORDS,
                type_name(module, ty)
            )
            .into());
        }
        self.spend(1)?;
        Ok(match &module.types[ty].inner {
            TypeInner::Scalar(s) => {
                let kind = LaneKind::of(s.kind)?;
                LoweredValue::Scalar(self.constant(0, kind))
            }
            TypeInner::Vector { size, scalar } => {
                let kind = LaneKind::of(scalar.kind)?;
                LoweredValue::Composite(vec![
                    LoweredValue::Scalar(self.constant(0, kind));
                    *size as usize
                ])
            }
            TypeInner::Array { base, size: naga::ArraySize::Constant(n), .. } => {
                LoweredValue::Composite(vec![self.zero(*base)?; n.get() as usize])
            }
            TypeInner::Struct { members, .. } => LoweredValue::Composite(
                members.iter().map(|m| self.zero(m.ty)).collect::<Res<_>>()?,
            ),
            TypeInner::Matrix { .. } => return Err("a matrix".into()),
            _ => {
                let name = type_name(module, ty);
                return Err(format!("{name} (only scalars, vectors, structures and arrays)").into());
            }
        })
    }

    /// Applies `f` to scalars, or to each component of vectors; scalars among the operands are repeated.
    pub(super) fn each(
        &mut self,
        operands: &[LoweredValue],
        f: &mut dyn FnMut(&mut Self, &[Scalar]) -> Res<Scalar>,
    ) -> Res<LoweredValue> {
        let width = operands.iter().find_map(|v| match v {
            LoweredValue::Composite(parts) => Some(parts.len()),
            _ => None,
        });
        let Some(width) = width else {
            let scalars =
                operands.iter().cloned().map(LoweredValue::scalar).collect::<Res<Vec<_>>>()?;
            return f(self, &scalars).map(LoweredValue::Scalar);
        };
        let mut parts = Vec::with_capacity(width);
        for k in 0..width {
            let scalars = operands
                .iter()
                .map(|v| match v {
                    LoweredValue::Composite(_) => v.clone().part(k)?.scalar(),
                    v => v.clone().scalar(),
                })
                .collect::<Res<Vec<_>>>()?;
            parts.push(LoweredValue::Scalar(f(self, &scalars)?));
        }
        Ok(LoweredValue::Composite(parts))
    }
}
