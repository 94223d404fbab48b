//! The instructions of each operation.

use super::encode::{self, Instruction, Width};
use super::x64::{Emitter, Location, MASKS};
use crate::scalar::{Code, ScalarOp, ValueId};

/// Kinds of comparisons, as the immediate bytes of the instructions name them.
#[derive(Debug, Clone, Copy)]
enum Relation {
    F(u8),
    I(u8),
    U(u8),
}

/// Of floats: equal; not (which a NaN is to everything); less, and less or equal, without an exception.
const EQUAL: Relation = Relation::F(0);
const NOT_EQUAL: Relation = Relation::F(4);
const LESS: Relation = Relation::F(0x11);
const LESS_OR_EQUAL: Relation = Relation::F(0x12);
/// Both are numbers.
const ORDERED: u8 = 7;

/// The relation that an operation tests.
fn relation(code: Code) -> Option<Relation> {
    Some(match code {
        Code::EqF => EQUAL,
        Code::NeF | Code::FtoB => NOT_EQUAL,
        Code::LtF => LESS,
        Code::LeF => LESS_OR_EQUAL,
        Code::EqI => Relation::I(0),
        Code::LtI => Relation::I(1),
        Code::LeI => Relation::I(2),
        Code::NeI | Code::ItoB => Relation::I(4),
        Code::LtU => Relation::U(1),
        Code::LeU => Relation::U(2),
        _ => return None,
    })
}

impl Emitter<'_> {
    /// None where it has no instructions.
    pub(super) fn operation(&mut self, op: &ScalarOp<ValueId>) -> Option<()> {
        use Code::*;
        if let Some(relation) = relation(op.code) {
            if let Some(instruction) = self.bound(op) {
                self.bounds.insert(op.dst, instruction);
                return Some(());
            }
            match self.width {
                Width::Y => self.compare(op, relation),
                Width::Z => self.compare_to_mask(op, relation),
            }
            return Some(());
        }
        match op.code {
            Copy => self.one(op, |e, d, a| e.vector(encode::MOVE, d, None, a)),
            AddF => self.plain(op, encode::ADD_F),
            SubF => self.plain(op, encode::SUB_F),
            MulF => self.plain(op, encode::MUL_F),
            DivF => match self.reciprocal(op.args[1]) {
                Some(bits) => self.with_constant(op, encode::MUL_F, bits),
                None => self.plain(op, encode::DIV_F),
            },
            AddI => self.plain(op, encode::ADD_I),
            SubI => self.plain(op, encode::SUB_I),
            MulI => self.plain(op, encode::MUL_I),
            MinI => self.plain(op, encode::MIN_I),
            MaxI => self.plain(op, encode::MAX_I),
            MinU => self.plain(op, encode::MIN_U),
            MaxU => self.plain(op, encode::MAX_U),
            And => self.plain(op, encode::AND),
            Or => self.plain(op, encode::OR),
            Xor => self.plain(op, encode::XOR),
            Shl | ShrI | ShrU => self.several(op, |e, d, a, b| {
                let instruction = match op.code {
                    Shl => encode::SHIFT_LEFT,
                    ShrI => encode::SHIFT_RIGHT_I,
                    _ => encode::SHIFT_RIGHT_U,
                };
                let [by, _] = e.width.temporary();
                let most = e.constant(31);
                e.vector(encode::MOVE, by, None, most);
                e.vector(encode::AND, by, Some(by), b);
                e.vector(instruction, d, Some(a), Location::Register(by));
            }),
            Not => self.with_constant(op, encode::XOR, u32::MAX),
            NegF => self.with_constant(op, encode::XOR, 1 << 31),
            AbsF => self.with_constant(op, encode::AND, !(1 << 31)),
            BtoF => self.with_constant(op, encode::AND, 1f32.to_bits()),
            BtoI => self.with_constant(op, encode::AND, 1),
            NegI => self.several(op, |e, d, a, _| {
                let [zero, _] = e.width.temporary();
                e.vector(encode::XOR, zero, Some(zero), Location::Register(zero));
                e.vector(encode::SUB_I, d, Some(zero), Location::Register(a));
            }),
            SignI => self.several(op, |e, d, a, _| {
                let (one, minus_one) = (e.constant(1), e.constant(u32::MAX));
                e.vector(encode::MIN_I, d, Some(a), one);
                e.vector(encode::MAX_I, d, Some(d), minus_one);
            }),
            AbsI => self.one(op, |e, d, a| e.vector(encode::ABS_I, d, None, a)),
            SqrtF => self.one(op, |e, d, a| e.vector(encode::SQRT_F, d, None, a)),
            // to the nearest, ties to even; down; up; to zero; without the exception of an inexact result
            RoundF => self.rounded(op, 8),
            FloorF => self.rounded(op, 9),
            CeilF => self.rounded(op, 10),
            TruncF => self.rounded(op, 11),
            ItoF => self.one(op, |e, d, a| e.vector(encode::I_TO_F, d, None, a)),
            UtoF => self.u_to_f(op),
            FtoI => self.several(op, |e, d, a, _| {
                let [kept, number] = e.width.temporary();
                e.at_most(kept, a, 2_147_483_520f32);
                e.vector(encode::F_TO_I, kept, None, Location::Register(kept));
                e.floats(number, a, Location::Register(a), ORDERED);
                e.vector(encode::AND, d, Some(kept), Location::Register(number));
            }),
            FtoU => self.f_to_u(op),
            Select => self.select(op),
            _ => return None,
        }
        Some(())
    }

    /// The instruction that a comparison and a selection by it are, where these choose the lesser or the greater of two values:
    /// of which the second comes out where one is a NaN.
    fn bound(&self, op: &ScalarOp<ValueId>) -> Option<Instruction> {
        let [a, b, _] = op.args;
        let select = self.registers.only_selection(op.dst).filter(|_| op.code == Code::LtF)?;
        match select.args {
            [_, yes, no] if (yes, no) == (a, b) => Some(encode::MIN_F),
            [_, yes, no] if (yes, no) == (b, a) => Some(encode::MAX_F),
            _ => None,
        }
    }

    /// The reciprocal of a constant that is a power of two, by which a product is the quotient, to the last bit.
    fn reciprocal(&self, value: ValueId) -> Option<u32> {
        let bits = self.registers.constant(value)?;
        let (fraction, exponent) = (bits & 0x007f_ffff, bits >> 23 & 0xff);
        (fraction == 0 && (1..254).contains(&exponent))
            .then(|| f32::from_bits(bits).recip().to_bits())
    }

    /// An operation that is an instruction.
    fn plain(&mut self, op: &ScalarOp<ValueId>, instruction: Instruction) {
        self.simple(op, |e, d, a, b| e.vector(instruction, d, Some(a), b));
    }

    fn rounded(&mut self, op: &ScalarOp<ValueId>, mode: u8) {
        self.one(op, |e, d, a| e.with_immediate(encode::ROUND, d, None, a, Some(mode)));
    }

    /// The lesser of a value and a bound; a NaN stays one.
    fn at_most(&mut self, dst: u8, a: u8, bound: f32) {
        // the second operand comes out where one is a NaN
        let bound = self.constant(bound.to_bits());
        self.vector(encode::MOVE, dst, None, bound);
        self.vector(encode::MIN_F, dst, Some(dst), Location::Register(a));
    }

    /// A comparison of floats, as lanes.
    fn floats(&mut self, dst: u8, a: u8, b: Location, kind: u8) {
        match self.width {
            Width::Y => self.with_immediate(encode::COMPARE_F, dst, Some(a), b, Some(kind)),
            Width::Z => {
                self.make_mask(encode::COMPARE_F, MASKS, a, b, Some(kind));
                self.lanes_of_mask(dst, MASKS);
            }
        }
    }

    /// What a comparison compares: where there is one operand, with zero.
    fn compared(&mut self, op: &ScalarOp<ValueId>) -> (u8, Location) {
        match op.code {
            Code::FtoB | Code::ItoB => (self.load(op.args[0], &[]), self.constant(0)),
            _ => self.pair(op.args[0], op.args[1]),
        }
    }

    fn compare(&mut self, op: &ScalarOp<ValueId>, relation: Relation) {
        let (a, b) = self.compared(op);
        let mut pinned = vec![a];
        if let Location::Register(b) = b {
            pinned.push(b);
        }
        let d = self.take(&pinned);
        // what of a and b is equal to a tells their order
        let extreme = |e: &mut Self, instruction| {
            let [extreme, _] = e.width.temporary();
            e.vector(instruction, extreme, Some(a), b);
            e.vector(encode::EQUAL_I, d, Some(extreme), Location::Register(a));
        };
        let inverted = match relation {
            Relation::F(kind) => {
                self.floats(d, a, b, kind);
                false
            }
            Relation::I(0 | 4) => {
                self.vector(encode::EQUAL_I, d, Some(a), b);
                matches!(relation, Relation::I(4))
            }
            Relation::I(2) => {
                self.vector(encode::GREATER_I, d, Some(a), b);
                true
            }
            Relation::I(_) => {
                let [other, _] = self.width.temporary();
                self.vector(encode::MOVE, other, None, b);
                self.vector(encode::GREATER_I, d, Some(other), Location::Register(a));
                false
            }
            Relation::U(2) => {
                extreme(self, encode::MIN_U);
                false
            }
            Relation::U(_) => {
                extreme(self, encode::MAX_U);
                true
            }
        };
        if inverted {
            let ones = self.constant(u32::MAX);
            self.vector(encode::XOR, d, Some(d), ones);
        }
        self.registers.release(&op.args[..op.code.arity()]);
        self.made(op.dst, d);
    }

    /// The same with a register of a mask, where it stays if selections alone read it.
    fn compare_to_mask(&mut self, op: &ScalarOp<ValueId>, by: Relation) {
        let (a, b) = self.compared(op);
        let (instruction, kind) = match by {
            Relation::F(kind) => (encode::COMPARE_F, kind),
            Relation::I(kind) => (encode::COMPARE_I_Z, kind),
            Relation::U(kind) => (encode::COMPARE_U_Z, kind),
        };
        let last = self.registers.last_selection(op.dst);
        let others = |last| {
            self.registers.until(last).iter().filter(|op| relation(op.code).is_some()).count()
        };
        let stays = last.is_some_and(|last| others(last) < usize::from(MASKS));
        let k = if stays { self.next_mask } else { MASKS };
        self.make_mask(instruction, k, a, b, Some(kind));
        self.registers.release(&op.args[..op.code.arity()]);
        if stays {
            self.next_mask = (k + 1) % MASKS;
            self.masks.insert(op.dst, k);
        } else {
            let d = self.take(&[]);
            self.lanes_of_mask(d, k);
            self.made(op.dst, d);
        }
    }

    fn select(&mut self, op: &ScalarOp<ValueId>) {
        if let Some(&instruction) = self.bounds.get(&op.args[0]) {
            let (first, second) = self.pair(op.args[1], op.args[2]);
            self.registers.release(&op.args[1..]);
            let dst = self.take(&[]);
            self.vector(instruction, dst, Some(first), second);
            self.made(op.dst, dst);
            return;
        }
        if let Some(&k) = self.masks.get(&op.args[0]) {
            let (no, yes) = self.pair(op.args[2], op.args[1]);
            self.registers.release(&op.args[1..]);
            let dst = self.take(&[]);
            self.blend_by_mask(dst, no, yes, k);
            self.made(op.dst, dst);
            return;
        }
        self.three(op, |e, d, [mask, yes, no]| {
            if e.width == Width::Y {
                e.blend(d, no, yes, mask);
                return;
            }
            // one instruction knows all functions of three bits; the first of them is what it changes
            let (second, third, function) = if d == yes {
                (mask, no, 0xe2)
            } else if d == no {
                (mask, yes, 0xb8)
            } else {
                if d != mask {
                    e.vector(encode::MOVE, d, None, Location::Register(mask));
                }
                (yes, no, 0xca)
            };
            let third = Location::Register(third);
            e.with_immediate(encode::TERNARY_Z, d, Some(second), third, Some(function));
        });
    }

    fn u_to_f(&mut self, op: &ScalarOp<ValueId>) {
        if self.width == Width::Z {
            return self.one(op, |e, d, a| e.vector(encode::U_TO_F_Z, d, None, a));
        }
        self.several(op, |e, d, a, _| {
            // the upper half is a multiple of 2^16, exact; the sum rounds once
            let (scale, half) = (e.constant(65536f32.to_bits()), e.constant(0xffff));
            let [low, _] = e.width.temporary();
            e.shift(encode::RIGHT_U, d, a, 16);
            e.vector(encode::I_TO_F, d, None, Location::Register(d));
            e.vector(encode::MUL_F, d, Some(d), scale);
            e.vector(encode::AND, low, Some(a), half);
            e.vector(encode::I_TO_F, low, None, Location::Register(low));
            e.vector(encode::ADD_F, d, Some(d), Location::Register(low));
        });
    }

    fn f_to_u(&mut self, op: &ScalarOp<ValueId>) {
        self.several(op, |e, d, a, _| {
            let [kept, large] = e.width.temporary();
            let zero = e.constant(0);
            e.at_most(kept, a, 4_294_967_040f32);
            // zero comes out for a NaN
            e.vector(encode::MAX_F, kept, Some(kept), zero);
            if e.width == Width::Z {
                return e.vector(encode::F_TO_U_Z, d, None, Location::Register(kept));
            }
            // what does not fit into an i32 loses its upper bit on the way
            let half = e.constant(2_147_483_648f32.to_bits());
            e.floats(large, kept, half, 0x1d);
            e.vector(encode::SUB_F, d, Some(kept), half);
            e.blend(d, kept, d, large);
            e.vector(encode::F_TO_I, d, None, Location::Register(d));
            e.shift(encode::LEFT, large, large, 31);
            e.vector(encode::XOR, d, Some(d), Location::Register(large));
        });
    }
}
