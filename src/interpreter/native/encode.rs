//! The bytes of vector instructions: one table for AVX2 and AVX-512, which differ in the prefix alone. The assembler does not
//! know AVX-512.
//!
//! Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, chapter 2.3 (VEX) and 2.7 (EVEX).

/// Instructions, and the width of their registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::interpreter) enum Width {
    /// AVX2: 8 lanes, 16 registers.
    Y,
    /// AVX-512 F and DQ: 16 lanes, 32 registers, and registers for masks.
    Z,
}

impl Width {
    pub(super) fn lanes(self) -> usize {
        match self {
            Self::Y => 8,
            Self::Z => 16,
        }
    }

    pub(super) fn bytes(self) -> i32 {
        4 * self.lanes() as i32
    }
}

/// An instruction: its map of opcodes (1: 0F, 2: 0F38, 3: 0F3A), its prefix (0: none, 1: 66, 2: F3, 3: F2), its opcode.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instruction(u8, u8, u8);

macro_rules! instructions {
    ($($name:ident = $map:literal, $prefix:literal, $opcode:literal;)*) => {
        $(pub(super) const $name: Instruction = Instruction($map, $prefix, $opcode);)*
    };
}

instructions! {
    MOVE = 1, 0, 0x10;
    STORE = 1, 0, 0x11;
    SQRT_F = 1, 0, 0x51;
    AND = 1, 0, 0x54;
    OR = 1, 0, 0x56;
    XOR = 1, 0, 0x57;
    ADD_F = 1, 0, 0x58;
    MUL_F = 1, 0, 0x59;
    I_TO_F = 1, 0, 0x5b;
    SUB_F = 1, 0, 0x5c;
    MIN_F = 1, 0, 0x5d;
    DIV_F = 1, 0, 0x5e;
    MAX_F = 1, 0, 0x5f;
    COMPARE_F = 1, 0, 0xc2;
    F_TO_I = 1, 2, 0x5b;
    F_TO_U_Z = 1, 0, 0x78;
    U_TO_F_Z = 1, 3, 0x7a;
    GREATER_I = 1, 1, 0x66;
    SHIFT_BY = 1, 1, 0x72;
    EQUAL_I = 1, 1, 0x76;
    SUB_I = 1, 1, 0xfa;
    ADD_I = 1, 1, 0xfe;
    TEST = 2, 1, 0x0e;
    ABS_I = 2, 1, 0x1e;
    TEST_Z = 2, 1, 0x27;
    FROM_MASK_Z = 2, 2, 0x38;
    MIN_I = 2, 1, 0x39;
    MIN_U = 2, 1, 0x3b;
    MAX_I = 2, 1, 0x3d;
    MAX_U = 2, 1, 0x3f;
    MUL_I = 2, 1, 0x40;
    SHIFT_RIGHT_U = 2, 1, 0x45;
    SHIFT_RIGHT_I = 2, 1, 0x46;
    SHIFT_LEFT = 2, 1, 0x47;
    BLEND_Z = 2, 1, 0x65;
    ROUND = 3, 1, 0x08;
    COMPARE_U_Z = 3, 1, 0x1e;
    COMPARE_I_Z = 3, 1, 0x1f;
    TERNARY_Z = 3, 1, 0x25;
    BLEND_Y = 3, 1, 0x4a;
}

/// Numbers of [`SHIFT_BY`].
pub(super) const RIGHT_U: u8 = 2;
pub(super) const LEFT: u8 = 6;

/// The last operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OperandPlace {
    Register(u8),
    /// So many bytes from the address in a general register, which is none of rsp, rbp, r12 and r13.
    Memory(u8, i32),
    /// The words at the address in that general register, from the word on whose number is in r11.
    Lanes(u8, i32),
}

/// The operands of an instruction: what it makes, a register that it reads, what else it reads. `mask` is the register of a
/// mask, 0 for none. Where the instruction stores, `dst` is what it reads and `from` where that goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operands {
    pub dst: u8,
    pub a: Option<u8>,
    pub from: OperandPlace,
    pub mask: u8,
    pub immediate: Option<u8>,
}

/// The bytes of an instruction.
pub(super) fn encode(width: Width, instruction: Instruction, operands: &Operands) -> Vec<u8> {
    let Instruction(map, prefix, opcode) = instruction;
    let Operands { dst, a, from, mask, immediate } = *operands;
    let (base, index) = match from {
        OperandPlace::Register(register) => (register, register >> 1),
        OperandPlace::Memory(base, _) => (base, 0),
        OperandPlace::Lanes(base, _) => (base, 11),
    };
    // bits of registers are stored as their opposites
    let not = |register: u8, bit: u8| !(register >> bit) & 1;
    // no register is all ones
    let a = a.map_or(31, |a| !a & 31);
    let head = not(dst, 3) << 7 | not(index, 3) << 6 | not(base, 3) << 5;
    let mut bytes = match width {
        Width::Y => vec![0xc4, head | map, (a & 15) << 3 | 1 << 2 | prefix],
        Width::Z => vec![
            0x62,
            head | not(dst, 4) << 4 | map,
            (a & 15) << 3 | 1 << 2 | prefix,
            2 << 5 | (a >> 4) << 3 | mask,
        ],
    };
    bytes.push(opcode);
    let register = (dst & 7) << 3;
    match from {
        OperandPlace::Register(from) => bytes.push(3 << 6 | register | (from & 7)),
        OperandPlace::Memory(base, offset) => {
            address(width, &mut bytes, register | (base & 7), None, offset);
        }
        OperandPlace::Lanes(base, offset) => {
            let scaled = 2 << 6 | (11 & 7) << 3 | (base & 7);
            address(width, &mut bytes, register | 4, Some(scaled), offset);
        }
    }
    bytes.extend(immediate);
    bytes
}

/// An address: a byte of distance, which AVX-512 counts in widths, or four.
fn address(width: Width, bytes: &mut Vec<u8>, operands: u8, scaled: Option<u8>, offset: i32) {
    let unit = match width {
        Width::Y => 1,
        Width::Z => width.bytes(),
    };
    let short = i8::try_from(offset / unit).ok().filter(|_| offset % unit == 0);
    bytes.push(if short.is_some() { 1 << 6 } else { 2 << 6 } | operands);
    bytes.extend(scaled);
    match short {
        Some(short) => bytes.push(short.to_le_bytes()[0]),
        None => bytes.extend(offset.to_le_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the bytes that GNU as writes.
    #[test]
    fn bytes_are_those_of_an_assembler() {
        use OperandPlace::{Lanes, Memory, Register};
        let check = |width, instruction, (dst, a, from), (mask, immediate), wanted: &[u8]| {
            let operands = Operands { dst, a, from, mask, immediate };
            assert_eq!(encode(width, instruction, &operands), wanted, "{operands:?}");
        };
        let low = (1, Some(2), Register(3));
        let high = (9, Some(18), Register(27));
        let none = (0, None);
        // vaddps, in registers and memory
        check(Width::Y, ADD_F, low, none, &[0xc4, 0xe1, 0x6c, 0x58, 0xcb]);
        check(Width::Y, ADD_F, (9, Some(10), Register(11)), none, &[0xc4, 0x41, 0x2c, 0x58, 0xcb]);
        check(Width::Z, ADD_F, low, none, &[0x62, 0xf1, 0x6c, 0x48, 0x58, 0xcb]);
        check(Width::Z, ADD_F, high, none, &[0x62, 0x11, 0x6c, 0x40, 0x58, 0xcb]);
        let exchanged = (17, Some(26), Register(11));
        check(Width::Z, ADD_F, exchanged, none, &[0x62, 0xc1, 0x2c, 0x40, 0x58, 0xcb]);
        let at = |offset| (9, Some(18), Memory(2, offset));
        check(Width::Z, ADD_F, at(128), none, &[0x62, 0x71, 0x6c, 0x40, 0x58, 0x4a, 2]);
        let bytes = [0x62, 0x71, 0x6c, 0x40, 0x58, 0x8a, 100, 0, 0, 0];
        check(Width::Z, ADD_F, at(100), none, &bytes);
        let at = |offset| (1, Some(2), Memory(2, offset));
        check(Width::Y, ADD_F, at(100), none, &[0xc4, 0xe1, 0x6c, 0x58, 0x4a, 100]);
        check(Width::Y, ADD_F, at(1000), none, &[0xc4, 0xe1, 0x6c, 0x58, 0x8a, 0xe8, 3, 0, 0]);
        // vmovups, by the number of a lane
        let lanes = (20, None, Lanes(0, 64));
        check(Width::Z, MOVE, lanes, none, &[0x62, 0xa1, 0x7c, 0x48, 0x10, 0x64, 0x98, 1]);
        let lanes = (2, None, Lanes(0, 64));
        check(Width::Y, MOVE, lanes, none, &[0xc4, 0xa1, 0x7c, 0x10, 0x54, 0x98, 64]);
        let store = (20, None, Memory(1, 64));
        check(Width::Z, STORE, store, none, &[0x62, 0xe1, 0x7c, 0x48, 0x11, 0x61, 1]);
        // vcmpps, vpcmpud, vptestmd, vpmovm2d, vblendmps: registers of masks
        let mask = (3, Some(18), Register(27));
        let bytes = [0x62, 0x91, 0x6c, 0x40, 0xc2, 0xdb, 0x11];
        check(Width::Z, COMPARE_F, mask, (0, Some(0x11)), &bytes);
        let bytes = [0x62, 0x93, 0x6d, 0x40, 0x1e, 0xdb, 6];
        check(Width::Z, COMPARE_U_Z, mask, (0, Some(6)), &bytes);
        let memory = (3, Some(18), Memory(1, 0));
        check(Width::Z, TEST_Z, memory, none, &[0x62, 0xf2, 0x6d, 0x40, 0x27, 0x59, 0]);
        let from = (25, None, Register(3));
        check(Width::Z, FROM_MASK_Z, from, none, &[0x62, 0x62, 0x7e, 0x48, 0x38, 0xcb]);
        check(Width::Z, BLEND_Z, high, (5, None), &[0x62, 0x12, 0x6d, 0x45, 0x65, 0xcb]);
        // vpternlogd, vrndscaleps, vpslld, vblendvps, vtestps
        let bytes = [0x62, 0x13, 0x6d, 0x40, 0x25, 0xcb, 0xca];
        check(Width::Z, TERNARY_Z, high, (0, Some(0xca)), &bytes);
        let round = (19, None, Register(18));
        check(Width::Z, ROUND, round, (0, Some(9)), &[0x62, 0xa3, 0x7d, 0x48, 8, 0xda, 9]);
        let shift = (6, Some(19), Register(18));
        check(Width::Z, SHIFT_BY, shift, (0, Some(31)), &[0x62, 0xb1, 0x65, 0x40, 0x72, 0xf2, 31]);
        check(Width::Y, BLEND_Y, low, (0, Some(4 << 4)), &[0xc4, 0xe3, 0x6d, 0x4a, 0xcb, 0x40]);
        let test = (2, None, Memory(1, 0));
        check(Width::Y, TEST, test, none, &[0xc4, 0xe2, 0x7d, 0x0e, 0x51, 0]);
    }
}
