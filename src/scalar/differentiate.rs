//! Forward-mode differentiation of a function's operations.

use std::collections::HashMap;

use super::code::{Code, Op};
use super::lower::{Id, Lowered, Origin};
use super::value::{Kind, Refusal, Res};

/// The derivative of a value with respect to the variable at hand.
#[derive(Debug, Clone, Copy)]
enum Tangent {
    Zero,
    Value(Id),
    /// The value consists of the bits of a number that depends on the variable, in that statement.
    Bits(naga::Span),
}

/// The derivative of result `k` with respect to stream `with_respect_to[k]`, for each result, as a function of the same
/// streams. The function has no loop.
///
/// # Errors
/// Where a result depends on the variable by way of its bits.
pub(crate) fn differentiate(lowered: &Lowered, with_respect_to: &[usize]) -> Res<Lowered> {
    let mut out = lowered.clone();
    out.prologue.append(&mut out.body);
    out.body = std::mem::take(&mut out.prologue);
    let original = out.body.clone();
    let known = original.iter().map(|op| ((op.code, op.args), op.dst)).collect();
    let constants = out.values.iter().enumerate().filter_map(|(id, origin)| match *origin {
        Origin::Constant(bits) => Some((bits, id as Id)),
        _ => None,
    });
    let constants = constants.collect();
    let mut pass = Pass { out, known, constants };
    let mut outputs = Vec::with_capacity(lowered.outputs.len());
    for (&output, &stream) in lowered.outputs.iter().zip(with_respect_to) {
        outputs.push(match pass.tangents(&original, stream)[output as usize] {
            Tangent::Zero => pass.float(0.0),
            Tangent::Value(id) => id,
            Tangent::Bits(span) => {
                return Err(Refusal::at("the bits of a number that depends on the state", span));
            }
        });
    }
    pass.out.outputs = outputs;
    Ok(pass.out)
}

struct Pass {
    out: Lowered,
    known: HashMap<(Code, [Id; 3]), Id>,
    constants: HashMap<u32, Id>,
}

impl Pass {
    fn value(&mut self, origin: Origin) -> Id {
        self.out.values.push(origin);
        self.out.kinds.push(Kind::F);
        self.out.spans.push(naga::Span::UNDEFINED);
        self.out.values.len() as Id - 1
    }

    fn float(&mut self, value: f32) -> Id {
        if let Some(&id) = self.constants.get(&value.to_bits()) {
            return id;
        }
        let id = self.value(Origin::Constant(value.to_bits()));
        self.constants.insert(value.to_bits(), id);
        id
    }

    fn is(&self, id: Id, value: f32) -> bool {
        self.out.values[id as usize] == Origin::Constant(value.to_bits())
    }

    fn op(&mut self, code: Code, args: &[Id]) -> Id {
        let arg = |k: usize| args.get(k).copied().unwrap_or(args[0]);
        let args = [arg(0), arg(1), arg(2)];
        if let Some(&id) = self.known.get(&(code, args)) {
            return id;
        }
        let dst = self.value(Origin::Body);
        if matches!(code, Code::LtF | Code::EqF) {
            self.out.kinds[dst as usize] = Kind::B;
        }
        self.out.body.push(Op { code, dst, args, to: 0 });
        self.known.insert((code, args), dst);
        dst
    }

    fn mul(&mut self, a: Id, b: Id) -> Id {
        match (a, b) {
            (a, b) if self.is(a, 1.0) => b,
            (a, b) if self.is(b, 1.0) => a,
            (a, b) if self.is(a, -1.0) => self.neg(b),
            (a, b) if self.is(b, -1.0) => self.neg(a),
            _ => self.op(Code::MulF, &[a, b]),
        }
    }

    fn add(&mut self, a: Option<Id>, b: Option<Id>) -> Option<Id> {
        match (a, b) {
            (Some(a), Some(b)) => Some(self.op(Code::AddF, &[a, b])),
            (a, b) => a.or(b),
        }
    }

    fn sub(&mut self, a: Option<Id>, b: Option<Id>) -> Option<Id> {
        match (a, b) {
            (Some(a), Some(b)) => Some(self.op(Code::SubF, &[a, b])),
            (None, Some(b)) => Some(self.neg(b)),
            (a, None) => a,
        }
    }

    fn neg(&mut self, a: Id) -> Id {
        match self.out.values[a as usize] {
            Origin::Constant(bits) => self.float(-f32::from_bits(bits)),
            _ => self.op(Code::NegF, &[a]),
        }
    }

    /// Tangents of all values of the original function.
    fn tangents(&mut self, ops: &[Op<Id>], stream: usize) -> Vec<Tangent> {
        let mut tangents: Vec<Tangent> = Vec::with_capacity(self.out.values.len());
        for id in 0..self.out.values.len() {
            tangents.push(match self.out.values[id] {
                Origin::Stream(s) if s == stream => Tangent::Value(self.float(1.0)),
                _ => Tangent::Zero,
            });
        }
        for op in ops {
            let used = &op.args[..op.code.arity()];
            let bits = used.iter().find_map(|&arg| match tangents[arg as usize] {
                Tangent::Bits(span) => Some(span),
                _ => None,
            });
            let moving = used.iter().any(|&arg| !matches!(tangents[arg as usize], Tangent::Zero));
            let value = |k: usize| match tangents[op.args[k] as usize] {
                Tangent::Value(id) if k < used.len() => Some(id),
                _ => None,
            };
            tangents[op.dst as usize] = match self.out.kinds[op.dst as usize] {
                // comparisons, and whole numbers, are constant between their jumps
                _ if !moving => Tangent::Zero,
                Kind::B => Tangent::Zero,
                _ if is_step(op.code) => Tangent::Zero,
                _ if bits.is_some() || is_of_bits(op.code) => {
                    Tangent::Bits(bits.unwrap_or(self.out.spans[op.dst as usize]))
                }
                _ => self
                    .rule(op, [value(0), value(1), value(2)])
                    .map_or(Tangent::Zero, Tangent::Value),
            };
        }
        tangents
    }

    /// The tangent of an operation's result from those of its operands.
    fn rule(&mut self, op: &Op<Id>, [da, db, dc]: [Option<Id>; 3]) -> Option<Id> {
        let [a, b, _] = op.args;
        match op.code {
            Code::Copy | Code::FractF | Code::FlushF => da,
            Code::NegF => da.map(|da| self.neg(da)),
            Code::AddF => self.add(da, db),
            Code::SubF => self.sub(da, db),
            Code::MulF => {
                let left = da.map(|da| self.mul(da, b));
                let right = db.map(|db| self.mul(a, db));
                self.add(left, right)
            }
            Code::DivF => {
                // (da - y db) / b with y = a / b
                let right = db.map(|db| self.mul(op.dst, db));
                self.sub(da, right).map(|top| self.op(Code::DivF, &[top, b]))
            }
            Code::RemF => {
                // a - b trunc(a / b)
                let right = db.map(|db| {
                    let ratio = self.op(Code::DivF, &[a, b]);
                    let whole = self.op(Code::TruncF, &[ratio]);
                    self.mul(db, whole)
                });
                self.sub(da, right)
            }
            Code::MinF | Code::MaxF => {
                let first = if op.code == Code::MinF { [a, b] } else { [b, a] };
                let takes_a = self.op(Code::LtF, &first);
                Some(self.choice(takes_a, da, db))
            }
            Code::Select => Some(self.choice(a, db, dc)),
            Code::PowF => {
                let left = da.map(|da| {
                    let unit = self.float(1.0);
                    let less = self.op(Code::SubF, &[b, unit]);
                    let power = self.op(Code::PowF, &[a, less]);
                    let slope = self.mul(b, power);
                    self.steep(da, slope)
                });
                let right = db.map(|db| {
                    let log = self.op(Code::LogF, &[a]);
                    let slope = self.mul(op.dst, log);
                    self.steep(db, slope)
                });
                self.add(left, right)
            }
            Code::Atan2F => {
                // (x dy - y dx) / (x^2 + y^2)
                let (left, right) = (da.map(|da| self.mul(da, b)), db.map(|db| self.mul(db, a)));
                let (aa, bb) = (self.mul(a, a), self.mul(b, b));
                let below = self.op(Code::AddF, &[aa, bb]);
                self.sub(left, right).map(|top| self.op(Code::DivF, &[top, below]))
            }
            code => da.map(|da| {
                let slope = self.slope(code, a, op.dst);
                if has_infinite_slope(code) { self.steep(da, slope) } else { self.mul(da, slope) }
            }),
        }
    }

    /// The product with a slope that may be infinite, where a function has an end: what does not move there stays, such as
    /// `sqrt(max(x, 0))` below 0.
    fn steep(&mut self, tangent: Id, slope: Id) -> Id {
        if self.is(tangent, 1.0) {
            return slope;
        }
        let zero = self.float(0.0);
        let product = self.op(Code::MulF, &[tangent, slope]);
        let stays = self.op(Code::EqF, &[tangent, zero]);
        self.op(Code::Select, &[stays, zero, product])
    }

    fn choice(&mut self, mask: Id, yes: Option<Id>, no: Option<Id>) -> Id {
        let zero = self.float(0.0);
        let (yes, no) = (yes.unwrap_or(zero), no.unwrap_or(zero));
        if yes == no { yes } else { self.op(Code::Select, &[mask, yes, no]) }
    }

    /// The derivative of a function of one number `x`, whose result is `y`.
    fn slope(&mut self, code: Code, x: Id, y: Id) -> Id {
        let unit = self.float(1.0);
        match code {
            Code::AbsF => self.op(Code::SignF, &[x]),
            Code::SqrtF => {
                let half = self.float(0.5);
                self.op(Code::DivF, &[half, y])
            }
            Code::InverseSqrtF => {
                let half = self.float(-0.5);
                let top = self.mul(half, y);
                self.op(Code::DivF, &[top, x])
            }
            Code::ExpF => y,
            Code::Exp2F => {
                let factor = self.float(std::f32::consts::LN_2);
                self.mul(y, factor)
            }
            Code::LogF => self.op(Code::DivF, &[unit, x]),
            Code::Log2F => {
                let factor = self.float(std::f32::consts::LOG2_E);
                self.op(Code::DivF, &[factor, x])
            }
            Code::SinF => self.op(Code::CosF, &[x]),
            Code::CosF => {
                let sin = self.op(Code::SinF, &[x]);
                self.neg(sin)
            }
            Code::TanF => {
                let square = self.mul(y, y);
                self.op(Code::AddF, &[unit, square])
            }
            Code::AsinF | Code::AcosF => {
                let square = self.mul(x, x);
                let inside = self.op(Code::SubF, &[unit, square]);
                let root = self.op(Code::SqrtF, &[inside]);
                let sign = self.float(if code == Code::AsinF { 1.0 } else { -1.0 });
                self.op(Code::DivF, &[sign, root])
            }
            Code::AtanF => {
                let square = self.mul(x, x);
                let below = self.op(Code::AddF, &[unit, square]);
                self.op(Code::DivF, &[unit, below])
            }
            Code::SinhF => self.op(Code::CoshF, &[x]),
            Code::CoshF => self.op(Code::SinhF, &[x]),
            Code::TanhF => {
                let square = self.mul(y, y);
                self.op(Code::SubF, &[unit, square])
            }
            Code::AsinhF | Code::AcoshF => {
                let square = self.mul(x, x);
                let code = if code == Code::AsinhF { Code::AddF } else { Code::SubF };
                let inside = self.op(code, &[square, unit]);
                let root = self.op(Code::SqrtF, &[inside]);
                self.op(Code::DivF, &[unit, root])
            }
            Code::AtanhF => {
                let square = self.mul(x, x);
                let below = self.op(Code::SubF, &[unit, square]);
                self.op(Code::DivF, &[unit, below])
            }
            // the codes that are left
            _ => self.exprel_slope(x, y),
        }
    }

    /// d/dx (e^x - 1) / x = (e^x - exprel(x)) / x; near 0, where both are almost equal, its series
    /// sum x^k / (k! (k + 2)), whose first term left out is below 2^-26 of the sum for |x| < 1.
    fn exprel_slope(&mut self, x: Id, y: Id) -> Id {
        let exp = self.op(Code::ExpF, &[x]);
        let top = self.op(Code::SubF, &[exp, y]);
        let far = self.op(Code::DivF, &[top, x]);
        let mut near = self.float(0.0);
        for k in (0..11u32).rev() {
            let factorial: f64 = (1..=k).map(f64::from).product();
            let coefficient = self.float((1.0 / (factorial * f64::from(k + 2))) as f32);
            near = if k == 10 {
                coefficient
            } else {
                let product = self.mul(near, x);
                self.op(Code::AddF, &[product, coefficient])
            };
        }
        let (size, unit) = (self.op(Code::AbsF, &[x]), self.float(1.0));
        let is_near = self.op(Code::LtF, &[size, unit]);
        self.op(Code::Select, &[is_near, near, far])
    }
}

/// Whether the slope is infinite somewhere.
fn has_infinite_slope(code: Code) -> bool {
    use Code::*;
    matches!(code, SqrtF | InverseSqrtF | LogF | Log2F | AsinF | AcosF | AcoshF | AtanhF)
}

/// Whether the result is constant between jumps.
fn is_step(code: Code) -> bool {
    use Code::*;
    matches!(code, SignF | FloorF | CeilF | RoundF | TruncF | FtoI | FtoU | FtoB)
}

/// Whether the operation is one on bits or whole numbers.
fn is_of_bits(code: Code) -> bool {
    use Code::*;
    matches!(
        code,
        Not | NegI
            | AbsI
            | SignI
            | ItoF
            | UtoF
            | CountOneBits
            | ReverseBits
            | CountLeadingZeros
            | CountTrailingZeros
            | AddI
            | SubI
            | MulI
            | DivI
            | DivU
            | RemI
            | RemU
            | MinI
            | MaxI
            | MinU
            | MaxU
            | And
            | Or
            | Xor
            | Shl
            | ShrI
            | ShrU
    )
}
