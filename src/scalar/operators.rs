//! Operators and conversions of scalars.

use naga::{BinaryOperator as Bin, UnaryOperator};

use super::code::Code;
use super::lowering::Lowering;
use super::value::{LaneKind, Res, Scalar};

impl Lowering<'_> {
    pub(super) fn unary(&mut self, op: UnaryOperator, x: Scalar) -> Res<Scalar> {
        let code = match (op, x.kind) {
            (UnaryOperator::Negate, LaneKind::F) => Code::NegF,
            (UnaryOperator::Negate, _) => Code::NegI,
            (UnaryOperator::LogicalNot | UnaryOperator::BitwiseNot, _) => Code::Not,
        };
        Ok(self.op(code, &[x], x.kind))
    }

    pub(super) fn binary(&mut self, op: Bin, a: Scalar, b: Scalar) -> Res<Scalar> {
        use LaneKind::{B, F, I, U};
        let kind = a.kind;
        // a > b is b < a, which saves half of the comparisons
        let (order, args) = match op {
            Bin::Greater => (Bin::Less, [b, a]),
            Bin::GreaterEqual => (Bin::LessEqual, [b, a]),
            op => (op, [a, b]),
        };
        let code = match (order, kind) {
            (Bin::Add, F) => Code::AddF,
            (Bin::Subtract, F) => Code::SubF,
            (Bin::Multiply, F) => Code::MulF,
            (Bin::Divide, F) => Code::DivF,
            (Bin::Modulo, F) => Code::RemF,
            (Bin::Add, I | U) => Code::AddI,
            (Bin::Subtract, I | U) => Code::SubI,
            (Bin::Multiply, I | U) => Code::MulI,
            (Bin::Divide, I) => Code::DivI,
            (Bin::Divide, U) => Code::DivU,
            (Bin::Modulo, I) => Code::RemI,
            (Bin::Modulo, U) => Code::RemU,
            (Bin::And | Bin::LogicalAnd, _) => Code::And,
            (Bin::InclusiveOr | Bin::LogicalOr, _) => Code::Or,
            (Bin::ExclusiveOr, _) => Code::Xor,
            (Bin::ShiftLeft, I | U) => Code::Shl,
            (Bin::ShiftRight, I) => Code::ShrI,
            (Bin::ShiftRight, U) => Code::ShrU,
            (Bin::Equal, F) => Code::EqF,
            (Bin::NotEqual, F) => Code::NeF,
            (Bin::Less, F) => Code::LtF,
            (Bin::LessEqual, F) => Code::LeF,
            (Bin::Equal, I | U | B) => Code::EqI,
            (Bin::NotEqual, I | U | B) => Code::NeI,
            (Bin::Less, I) => Code::LtI,
            (Bin::LessEqual, I) => Code::LeI,
            (Bin::Less, U) => Code::LtU,
            (Bin::LessEqual, U) => Code::LeU,
            _ => return Err(format!("the operator {op:?} on booleans").into()),
        };
        let compares = matches!(order, Bin::Equal | Bin::NotEqual | Bin::Less | Bin::LessEqual);
        Ok(self.op(code, &args, if compares { B } else { kind }))
    }

    pub(super) fn cast(&mut self, x: Scalar, to: LaneKind, convert: bool) -> Scalar {
        use LaneKind::{B, F, I, U};
        if !convert {
            return Scalar { kind: to, ..x };
        }
        let code = match (x.kind, to) {
            (F, I) => Code::FtoI,
            (F, U) => Code::FtoU,
            (I, F) => Code::ItoF,
            (U, F) => Code::UtoF,
            (B, F) => Code::BtoF,
            (B, I | U) => Code::BtoI,
            (F, B) => Code::FtoB,
            (I | U, B) => Code::ItoB,
            (F, F) | (B, B) | (I | U, I | U) => return Scalar { kind: to, ..x },
        };
        self.op(code, &[x], to)
    }
}
