//! Built-in functions: those that are one operation, and those that consist of several.

use naga::{BinaryOperator as Bin, MathFunction as Math};

use super::code::Code;
use super::lowering::Lowering;
use super::value::{LaneKind, LoweredValue, Res, Scalar};

/// The operation that a built-in function is, where it is one.
fn operation(fun: Math, kind: LaneKind) -> Option<Code> {
    use LaneKind::{F, I, U};
    Some(match (fun, kind) {
        (Math::Abs, F) => Code::AbsF,
        (Math::Abs, I) => Code::AbsI,
        (Math::Sign, F) => Code::SignF,
        (Math::Sign, I) => Code::SignI,
        (Math::Min, F) => Code::MinF,
        (Math::Max, F) => Code::MaxF,
        (Math::Min, I) => Code::MinI,
        (Math::Max, I) => Code::MaxI,
        (Math::Min, U) => Code::MinU,
        (Math::Max, U) => Code::MaxU,
        (Math::Floor, F) => Code::FloorF,
        (Math::Ceil, F) => Code::CeilF,
        (Math::Round, F) => Code::RoundF,
        (Math::Trunc, F) => Code::TruncF,
        (Math::Fract, F) => Code::FractF,
        (Math::Sqrt, F) => Code::SqrtF,
        (Math::InverseSqrt, F) => Code::InverseSqrtF,
        (Math::Exp, F) => Code::ExpF,
        (Math::Exp2, F) => Code::Exp2F,
        (Math::Log, F) => Code::LogF,
        (Math::Log2, F) => Code::Log2F,
        (Math::Pow, F) => Code::PowF,
        (Math::Sin, F) => Code::SinF,
        (Math::Cos, F) => Code::CosF,
        (Math::Tan, F) => Code::TanF,
        (Math::Asin, F) => Code::AsinF,
        (Math::Acos, F) => Code::AcosF,
        (Math::Atan, F) => Code::AtanF,
        (Math::Atan2, F) => Code::Atan2F,
        (Math::Sinh, F) => Code::SinhF,
        (Math::Cosh, F) => Code::CoshF,
        (Math::Tanh, F) => Code::TanhF,
        (Math::Asinh, F) => Code::AsinhF,
        (Math::Acosh, F) => Code::AcoshF,
        (Math::Atanh, F) => Code::AtanhF,
        (Math::CountOneBits, I | U) => Code::CountOneBits,
        (Math::ReverseBits, I | U) => Code::ReverseBits,
        (Math::CountLeadingZeros, I | U) => Code::CountLeadingZeros,
        (Math::CountTrailingZeros, I | U) => Code::CountTrailingZeros,
        _ => return None,
    })
}

impl Lowering<'_> {
    fn float(&mut self, value: f32) -> Scalar {
        self.constant(value.to_bits(), LaneKind::F)
    }

    pub(super) fn math(&mut self, fun: Math, arguments: Vec<LoweredValue>) -> Res<LoweredValue> {
        if fun == Math::Dot {
            let products =
                self.each(&arguments, &mut |s, a| s.binary(Bin::Multiply, a[0], a[1]))?;
            let parts = products.scalars()?;
            let mut sum = parts[0];
            for &p in &parts[1..] {
                sum = self.binary(Bin::Add, sum, p)?;
            }
            return Ok(LoweredValue::Scalar(sum));
        }
        self.each(&arguments, &mut |s, a| s.scalar_math(fun, a))
    }

    fn scalar_math(&mut self, fun: Math, a: &[Scalar]) -> Res<Scalar> {
        use LaneKind::{F, U};
        let x = a[0];
        if let Some(code) = operation(fun, x.kind) {
            return Ok(self.op(code, a, x.kind));
        }
        match (fun, x.kind) {
            (Math::Abs, U) => Ok(x),
            (Math::Clamp, _) => {
                let low = self.scalar_math(Math::Max, &a[..2])?;
                self.scalar_math(Math::Min, &[low, a[2]])
            }
            (Math::Saturate, F) => {
                let (zero, unit) = (self.float(0.0), self.float(1.0));
                self.scalar_math(Math::Clamp, &[x, zero, unit])
            }
            (Math::Radians, F) => {
                let factor = self.float(1f32.to_radians());
                self.binary(Bin::Multiply, x, factor)
            }
            (Math::Degrees, F) => {
                let factor = self.float(1f32.to_degrees());
                self.binary(Bin::Multiply, x, factor)
            }
            (Math::Fma, F) => {
                let product = self.binary(Bin::Multiply, x, a[1])?;
                self.binary(Bin::Add, product, a[2])
            }
            (Math::Mix, F) => {
                // x * (1 - t) + y * t
                let unit = self.float(1.0);
                let rest = self.binary(Bin::Subtract, unit, a[2])?;
                let left = self.binary(Bin::Multiply, x, rest)?;
                let right = self.binary(Bin::Multiply, a[1], a[2])?;
                self.binary(Bin::Add, left, right)
            }
            (Math::Step, F) => {
                let above = self.binary(Bin::LessEqual, x, a[1])?;
                Ok(self.cast(above, F, true))
            }
            (Math::SmoothStep, F) => {
                let width = self.binary(Bin::Subtract, a[1], x)?;
                let from = self.binary(Bin::Subtract, a[2], x)?;
                let ratio = self.binary(Bin::Divide, from, width)?;
                let t = self.scalar_math(Math::Saturate, &[ratio])?;
                let (two, three) = (self.float(2.0), self.float(3.0));
                let double = self.binary(Bin::Multiply, two, t)?;
                let rest = self.binary(Bin::Subtract, three, double)?;
                let square = self.binary(Bin::Multiply, t, t)?;
                self.binary(Bin::Multiply, square, rest)
            }
            _ => {
                let name = format!("{fun:?}");
                let (first, rest) = name.split_at(1);
                Err(format!("the built-in function `{}{rest}`", first.to_lowercase()).into())
            }
        }
    }
}
