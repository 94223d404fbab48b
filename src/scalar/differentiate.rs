//! Forward-mode differentiation of a function's operations.
//!
//! A function may be finite where a part of its derivative is not: at the end of a square root, or where an exponential that
//! something divides by overflows. Such a *wild* term counts as 0, so that it does not take others with it.

use std::collections::{HashMap, HashSet};

use super::code::{Code, ScalarOp, ValueId};
use super::lowered::{Lowered, Origin};
use super::value::{LaneKind, LoweringError, Res};

/// The derivative of a value with respect to the variable at hand.
#[derive(Debug, Clone, Copy)]
enum Tangent {
    Zero,
    Value(ValueId),
    /// The value consists of the bits of a number that depends on the variable, in that statement.
    Bits(naga::Span),
}

/// The derivative of result `k` with respect to column `with_respect_to[k]`, for each result, as a function of the same
/// columns. The function has no loop. A term that is infinite or NaN where the result is not counts as 0.
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
        // truths are no numbers
        Origin::Constant(bits) if out.kinds[id] != LaneKind::B => Some((bits, id as ValueId)),
        _ => None,
    });
    let constants = constants.collect();
    let mut pass = Pass { out, known, constants, wild: HashSet::new() };
    let mut outputs = Vec::with_capacity(lowered.outputs.len());
    for (&output, &column) in lowered.outputs.iter().zip(with_respect_to) {
        outputs.push(match pass.tangents(&original, column)[output as usize] {
            Tangent::Zero => pass.float(0.0),
            Tangent::Value(id) => pass.finite(id),
            Tangent::Bits(span) => {
                return Err(LoweringError::at(
                    "the bits of a number that depends on the state",
                    span,
                ));
            }
        });
    }
    pass.out.outputs = outputs;
    Ok(pass.out)
}

struct Pass {
    out: Lowered,
    known: HashMap<(Code, [ValueId; 3]), ValueId>,
    constants: HashMap<u32, ValueId>,
    /// Values that may not be finite although those of the function are.
    wild: HashSet<ValueId>,
}

impl Pass {
    fn value(&mut self, origin: Origin) -> ValueId {
        self.out.values.push(origin);
        self.out.kinds.push(LaneKind::F);
        self.out.spans.push(naga::Span::UNDEFINED);
        self.out.values.len() as ValueId - 1
    }

    fn float(&mut self, value: f32) -> ValueId {
        if let Some(&id) = self.constants.get(&value.to_bits()) {
            return id;
        }
        let id = self.value(Origin::Constant(value.to_bits()));
        self.constants.insert(value.to_bits(), id);
        id
    }

    fn is(&self, id: ValueId, value: f32) -> bool {
        self.out.values[id as usize] == Origin::Constant(value.to_bits())
    }

    fn op(&mut self, code: Code, args: &[ValueId]) -> ValueId {
        let arg = |k: usize| args.get(k).copied().unwrap_or(args[0]);
        let args = [arg(0), arg(1), arg(2)];
        let dst = match self.known.get(&(code, args)) {
            Some(&known) => known,
            None => {
                let dst = self.value(Origin::Body);
                self.out.kinds[dst as usize] = match code {
                    Code::LtF | Code::EqI => LaneKind::B,
                    Code::And => LaneKind::U,
                    _ => LaneKind::F,
                };
                self.out.body.push(ScalarOp { code, dst, args, to: 0 });
                self.known.insert((code, args), dst);
                dst
            }
        };
        if args.iter().any(|arg| self.wild.contains(arg)) { self.wild(dst) } else { dst }
    }

    fn wild(&mut self, id: ValueId) -> ValueId {
        self.wild.insert(id);
        id
    }

    /// The number where it is finite, else 0.
    fn finite(&mut self, id: ValueId) -> ValueId {
        if !self.wild.contains(&id) {
            return id;
        }
        let (zero, mask) = (self.float(0.0), self.float(f32::INFINITY));
        let exponent = self.op(Code::And, &[id, mask]);
        let ends = self.op(Code::EqI, &[exponent, mask]);
        let number = self.op(Code::Select, &[ends, zero, id]);
        self.wild.remove(&number);
        number
    }

    fn mul(&mut self, a: ValueId, b: ValueId) -> ValueId {
        match (a, b) {
            (a, b) if self.is(a, 1.0) => b,
            (a, b) if self.is(b, 1.0) => a,
            (a, b) if self.is(a, -1.0) => self.neg(b),
            (a, b) if self.is(b, -1.0) => self.neg(a),
            _ => self.op(Code::MulF, &[a, b]),
        }
    }

    /// The sum or the difference of two terms, as far as they are there.
    fn sum(
        &mut self,
        code: Code,
        left: Option<ValueId>,
        right: Option<ValueId>,
    ) -> Option<ValueId> {
        match (left, right) {
            (Some(left), Some(right)) => {
                let terms = [self.finite(left), self.finite(right)];
                Some(self.op(code, &terms))
            }
            (None, Some(right)) if code == Code::SubF => Some(self.neg(right)),
            (left, right) => left.or(right),
        }
    }

    fn neg(&mut self, a: ValueId) -> ValueId {
        match self.out.values[a as usize] {
            Origin::Constant(bits) => self.float(-f32::from_bits(bits)),
            _ => self.op(Code::NegF, &[a]),
        }
    }

    /// Tangents of all values of the original function.
    fn tangents(&mut self, ops: &[ScalarOp<ValueId>], column: usize) -> Vec<Tangent> {
        let mut tangents: Vec<Tangent> = Vec::with_capacity(self.out.values.len());
        for id in 0..self.out.values.len() {
            tangents.push(match self.out.values[id] {
                Origin::Column(s) if s == column => Tangent::Value(self.float(1.0)),
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
                LaneKind::B => Tangent::Zero,
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
    fn rule(
        &mut self,
        op: &ScalarOp<ValueId>,
        [da, db, dc]: [Option<ValueId>; 3],
    ) -> Option<ValueId> {
        let [a, b, _] = op.args;
        match op.code {
            Code::Copy | Code::FractF | Code::FlushF => da,
            Code::NegF => da.map(|da| self.neg(da)),
            Code::AddF | Code::SubF => self.sum(op.code, da, db),
            Code::MulF => {
                let left = da.map(|da| self.mul(da, b));
                let right = db.map(|db| self.mul(a, db));
                self.sum(Code::AddF, left, right)
            }
            Code::DivF => {
                // (da - y db) / b with y = a / b
                let Some(db) = db else { return da.map(|da| self.op(Code::DivF, &[da, b])) };
                let right = self.wild_product(op.dst, db);
                let top = self.sum(Code::SubF, da, Some(right))?;
                let slope = self.op(Code::DivF, &[top, b]);
                Some(self.wild(slope))
            }
            Code::RemF => {
                // a - b trunc(a / b)
                let right = db.map(|db| {
                    let ratio = self.op(Code::DivF, &[a, b]);
                    let whole = self.op(Code::TruncF, &[ratio]);
                    self.wild_product(db, whole)
                });
                self.sum(Code::SubF, da, right)
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
                    self.wild_product(da, slope)
                });
                let right = db.map(|db| {
                    let log = self.op(Code::LogF, &[a]);
                    let slope = self.mul(op.dst, log);
                    self.wild_product(db, slope)
                });
                self.sum(Code::AddF, left, right)
            }
            Code::Atan2F => self.atan2_rule([a, b], [da, db]),
            code => da.map(|da| {
                let slope = self.slope(code, a, op.dst);
                if is_wild(code) { self.wild_product(da, slope) } else { self.mul(da, slope) }
            }),
        }
    }

    /// A product with a factor that may be infinite, or with 0 where the other is.
    fn wild_product(&mut self, a: ValueId, b: ValueId) -> ValueId {
        let product = self.mul(a, b);
        self.wild(product)
    }

    /// (x dy - y dx) / (x^2 + y^2), with the smaller of the two over the larger, so that no square leaves the range.
    fn atan2_rule(
        &mut self,
        [y, x]: [ValueId; 2],
        [dy, dx]: [Option<ValueId>; 2],
    ) -> Option<ValueId> {
        let unit = self.float(1.0);
        let (height, width) = (self.op(Code::AbsF, &[y]), self.op(Code::AbsF, &[x]));
        let flat = self.op(Code::LtF, &[height, width]);
        let larger = self.op(Code::Select, &[flat, x, y]);
        let smaller = self.op(Code::Select, &[flat, y, x]);
        let ratio = self.op(Code::DivF, &[smaller, larger]);
        // x and y over the larger
        let across = self.op(Code::Select, &[flat, unit, ratio]);
        let up = self.op(Code::Select, &[flat, ratio, unit]);
        let (left, right) = (dy.map(|dy| self.mul(dy, across)), dx.map(|dx| self.mul(dx, up)));
        let top = self.sum(Code::SubF, left, right)?;
        let square = self.mul(ratio, ratio);
        let rest = self.op(Code::AddF, &[unit, square]);
        let slope = self.op(Code::DivF, &[top, larger]);
        let slope = self.op(Code::DivF, &[slope, rest]);
        Some(self.wild(slope))
    }

    fn choice(&mut self, mask: ValueId, yes: Option<ValueId>, no: Option<ValueId>) -> ValueId {
        let zero = self.float(0.0);
        let (yes, no) = (yes.unwrap_or(zero), no.unwrap_or(zero));
        if yes == no { yes } else { self.op(Code::Select, &[mask, yes, no]) }
    }

    /// The derivative of a function of one number `x`, whose result is `y`.
    fn slope(&mut self, code: Code, x: ValueId, y: ValueId) -> ValueId {
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
                let inside = self.one_less_square(x);
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
            // 1 / sqrt(x^2 +- 1) without the square
            Code::AsinhF => {
                let below = self.op(Code::CoshF, &[y]);
                self.op(Code::DivF, &[unit, below])
            }
            Code::AcoshF => {
                let below = self.op(Code::SinhF, &[y]);
                self.op(Code::DivF, &[unit, below])
            }
            Code::AtanhF => {
                let below = self.one_less_square(x);
                self.op(Code::DivF, &[unit, below])
            }
            // the codes that are left
            _ => self.exprel_slope(x, y),
        }
    }

    /// 1 - x^2, exact near its ends.
    fn one_less_square(&mut self, x: ValueId) -> ValueId {
        let unit = self.float(1.0);
        let (low, high) = (self.op(Code::SubF, &[unit, x]), self.op(Code::AddF, &[unit, x]));
        self.op(Code::MulF, &[low, high])
    }

    /// d/dx (e^x - 1) / x = (e^x - exprel(x)) / x; near 0, where both are almost equal, its series
    /// sum x^k / (k! (k + 2)), whose first term left out is below 2^-26 of the sum for |x| < 1.
    fn exprel_slope(&mut self, x: ValueId, y: ValueId) -> ValueId {
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

/// Whether the function is finite where its slope is not, or where its argument is not.
fn is_wild(code: Code) -> bool {
    use Code::*;
    matches!(
        code,
        SqrtF
            | InverseSqrtF
            | ExpF
            | Exp2F
            | LogF
            | Log2F
            | TanF
            | AsinF
            | AcosF
            | AtanF
            | TanhF
            | AcoshF
            | AtanhF
            | ExprelF
    )
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
