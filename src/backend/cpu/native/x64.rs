//! Machine code for x86-64 with AVX2.
#![allow(clippy::useless_conversion, reason = "what the assembler's macro writes")]

use std::collections::HashMap;

use dynasmrt::x64::Assembler;
use dynasmrt::{AssemblyOffset, DynamicLabel, DynasmApi, DynasmLabelApi, ExecutableBuffer, dynasm};

use super::registers::{Home, Registers, Spill, targets};
use crate::backend::cpu::words::{Line, Words};
use crate::scalar::{Code, Id, Lowered, Op};

/// Lanes of a register, and its bytes.
const LANES: usize = 8;
const WIDTH: i32 = 32;

/// Bytes from uniform to uniform, which are a chunk each.
const UNIFORM: i32 = size_of::<Line>() as i32;

// General registers: rdi has the table of streams, rsi the uniforms, rdx the constants, rcx the scratch memory, r8 the lanes
// of all chunks, r9 the lanes, r11 the first lane at hand; rax and r10 are free.
const RAX: u8 = 0;
const RCX: u8 = 1;
const RDX: u8 = 2;
const RSI: u8 = 6;

/// What an operation makes on its way.
const T0: u8 = 14;
const T1: u8 = 15;

/// Machine code with its constants.
pub(super) struct Machine {
    code: ExecutableBuffer,
    start: AssemblyOffset,
    constants: Words,
    /// Words of the scratch memory.
    pub scratch: usize,
    /// Streams that it uses, in the table.
    streams: usize,
}

impl Machine {
    /// # Safety
    /// As of [`super::Native::play`].
    pub(super) unsafe fn run(
        &self,
        streams: &[*mut u32],
        uniforms: *const u32,
        scratch: *mut u32,
        lanes: usize,
    ) {
        type Entry = unsafe extern "sysv64" fn(
            *const *mut u32,
            *const u32,
            *const u32,
            *mut u32,
            usize,
            usize,
        );
        debug_assert!(streams.len() >= self.streams);
        // SAFETY: `start` is where `assemble` began a function that keeps this convention: it changes registers that a call may
        // change, and memory as promised.
        unsafe {
            let entry: Entry = std::mem::transmute(self.code.ptr(self.start));
            let padded = lanes.next_multiple_of(super::super::tape::CHUNK);
            let constants = self.constants.get().as_ptr();
            entry(streams.as_ptr(), uniforms, constants, scratch, padded, lanes);
        }
    }
}

/// A body that is to be compiled.
pub(super) struct Body<'a> {
    pub lowered: &'a Lowered,
    /// Which uniform each value is, if it is one of the caller's.
    pub uniforms: &'a [Option<usize>],
    /// Values and the streams that they go to, at the end.
    pub stores: &'a [(Id, usize)],
    pub streams: usize,
}

impl Body<'_> {
    /// None where an operation has no instructions here.
    pub(super) fn assemble(&self) -> Option<Machine> {
        let mut emitter = Emitter {
            asm: Assembler::new().ok()?,
            registers: Registers::new(self.lowered, self.uniforms, self.stores),
            constants: Constants::default(),
        };
        let start = emitter.asm.offset();
        self.emit(&mut emitter)?;
        let scratch = emitter.registers.slots as usize * LANES;
        let Emitter { asm, constants, .. } = emitter;
        let code = asm.finalize().ok()?;
        Some(Machine { code, start, constants: constants.words(), scratch, streams: self.streams })
    }

    fn emit(&self, e: &mut Emitter<'_>) -> Option<()> {
        let lowered = self.lowered;
        let targets = targets(lowered);
        let labels: Vec<DynamicLabel> = targets.iter().map(|_| e.asm.new_dynamic_label()).collect();
        let looping = lowered.body.iter().any(|op| op.code.is_control());
        let again = e.asm.new_dynamic_label();
        dynasm!(e.asm ; .arch x64 ; xor r11d, r11d ; =>again);
        if looping {
            e.living();
        }
        for (at, op) in lowered.body.iter().enumerate() {
            e.registers.at = at as u32;
            if targets[at] {
                e.registers.flush();
                dynasm!(e.asm ; .arch x64 ; =>labels[at]);
            }
            match op.code {
                Code::ExitIfNone => {
                    let mask = e.load(op.args[0], &[]);
                    dynasm!(e.asm
                        ; .arch x64
                        ; vtestps Ry(mask), [rcx]
                        ; jz =>labels[op.to as usize]
                    );
                    e.registers.flush();
                }
                Code::Jump => {
                    dynasm!(e.asm ; .arch x64 ; jmp =>labels[op.to as usize]);
                    e.registers.flush();
                }
                _ => {
                    e.operation(op)?;
                    e.registers.release_slots(&op.args[..op.code.arity()]);
                }
            }
        }
        let end = lowered.body.len();
        e.registers.at = end as u32;
        if targets[end] {
            e.registers.flush();
            dynasm!(e.asm ; .arch x64 ; =>labels[end]);
        }
        for &(value, stream) in self.stores {
            let register = e.load(value, &[]);
            e.stream(stream);
            dynasm!(e.asm ; .arch x64 ; vmovups [rax], Ry(register));
        }
        dynasm!(e.asm
            ; .arch x64
            ; add r11, LANES as i32
            ; cmp r11, r8
            ; jb =>again
            ; vzeroupper
            ; ret
        );
        Some(())
    }
}

/// Constants, each for all lanes of a register.
#[derive(Default)]
struct Constants {
    places: HashMap<u32, i32>,
    all: Vec<u32>,
}

impl Constants {
    /// Bytes before a constant.
    fn place(&mut self, bits: u32) -> i32 {
        let next = self.all.len() as i32 * WIDTH;
        *self.places.entry(bits).or_insert_with(|| {
            self.all.push(bits);
            next
        })
    }

    fn words(&self) -> Words {
        let lanes: Vec<u32> = self.all.iter().flat_map(|&bits| [bits; LANES]).collect();
        Words::copy(&lanes)
    }
}

#[derive(Clone, Copy)]
enum Operand {
    Register(u8),
    /// A register that has an address, and bytes from there.
    Memory(u8, i32),
}

/// An instruction of two operands, the second in memory or a register.
macro_rules! binary {
    ($e:expr, $name:tt, $dst:expr, $a:expr, $b:expr) => {
        match $b {
            Operand::Register(b) => {
                dynasm!($e.asm ; .arch x64 ; $name Ry($dst), Ry($a), Ry(b))
            }
            Operand::Memory(base, offset) => {
                dynasm!($e.asm ; .arch x64 ; $name Ry($dst), Ry($a), YWORD [Rq(base) + offset])
            }
        }
    };
}

macro_rules! unary {
    ($e:expr, $name:tt, $dst:expr, $a:expr) => {
        match $a {
            Operand::Register(a) => {
                dynasm!($e.asm ; .arch x64 ; $name Ry($dst), Ry(a))
            }
            Operand::Memory(base, offset) => {
                dynasm!($e.asm ; .arch x64 ; $name Ry($dst), YWORD [Rq(base) + offset])
            }
        }
    };
}

struct Emitter<'a> {
    asm: Assembler,
    registers: Registers<'a>,
    constants: Constants,
}

impl Emitter<'_> {
    /// Puts a mask of the lanes that there are into the first slot: all, but at the end.
    fn living(&mut self) {
        // a row of set lanes with unset ones behind, of which as many are read as are left
        let place = self.constants.all.len() as i32 * WIDTH;
        if place == 0 {
            self.constants.all.extend([u32::MAX, 0]);
        }
        dynasm!(self.asm
            ; .arch x64
            ; mov rax, r9
            ; sub rax, r11
            ; xor r10d, r10d
            ; test rax, rax
            ; cmovs rax, r10
            ; mov r10d, LANES as i32
            ; cmp rax, r10
            ; cmova rax, r10
            ; neg rax
            ; vmovups Ry(T0), [rdx + rax * 4 + WIDTH]
            ; vmovups [rcx], Ry(T0)
        );
    }

    /// Puts the address of a stream's lanes into rax.
    fn stream(&mut self, stream: usize) {
        dynasm!(self.asm
            ; .arch x64
            ; mov rax, [rdi + 8 * stream as i32]
            ; lea rax, [rax + r11 * 4]
        );
    }

    fn constant(&mut self, bits: u32) -> Operand {
        Operand::Memory(RDX, self.constants.place(bits))
    }

    fn slot(slot: u32) -> Operand {
        Operand::Memory(RCX, slot as i32 * WIDTH)
    }

    /// Where a value is. Only one that is used at a time may be a stream in memory.
    fn operand(&mut self, value: Id) -> Operand {
        if let Some(register) = self.registers.register(value) {
            return Operand::Register(register);
        }
        match self.registers.home(value) {
            Some(Home::Constant(bits)) => self.constant(bits),
            Some(Home::Uniform(rank)) => Operand::Memory(RSI, rank as i32 * UNIFORM),
            Some(Home::Slot(slot)) => Self::slot(slot),
            Some(Home::Stream(stream)) => {
                self.stream(stream);
                Operand::Memory(RAX, 0)
            }
            // every value is made before it is read
            None => self.constant(0),
        }
    }

    fn take(&mut self, pinned: &[u8]) -> u8 {
        let (register, spill) = self.registers.take(pinned);
        if let Some(Spill { register, slot }) = spill {
            dynasm!(self.asm ; .arch x64 ; vmovups [rcx + slot as i32 * WIDTH], Ry(register));
        }
        register
    }

    /// Puts a value into a register, where it stays.
    fn load(&mut self, value: Id, pinned: &[u8]) -> u8 {
        if let Some(register) = self.registers.register(value) {
            return register;
        }
        let register = self.take(pinned);
        let from = self.operand(value);
        unary!(self, vmovups, register, from);
        self.registers.put(value, register);
        register
    }

    fn made(&mut self, value: Id, register: u8) {
        if let Some(slot) = self.registers.made(value, register) {
            dynasm!(self.asm ; .arch x64 ; vmovups [rcx + slot as i32 * WIDTH], Ry(register));
        }
    }

    /// The first operand in a register, the second anywhere.
    fn pair(&mut self, a: Id, b: Id) -> (u8, Operand) {
        let pinned: Vec<u8> = self.registers.register(b).into_iter().collect();
        let first = self.load(a, &pinned);
        (first, self.operand(b))
    }

    /// Emits an operation that is one instruction: its result may have the register of an operand that it is the last to read.
    fn simple(&mut self, op: &Op<Id>, emit: impl FnOnce(&mut Self, u8, u8, Operand)) {
        let (a, b) = self.pair(op.args[0], op.args[1]);
        self.registers.release(&op.args[..op.code.arity()]);
        let dst = self.take(&[]);
        emit(self, dst, a, b);
        self.made(op.dst, dst);
    }

    /// Emits an operation that is several: its result has a register of its own.
    fn several(&mut self, op: &Op<Id>, emit: impl FnOnce(&mut Self, u8, u8, Operand)) {
        let (a, b) = self.pair(op.args[0], op.args[1]);
        let mut pinned = vec![a];
        if let Operand::Register(b) = b {
            pinned.push(b);
        }
        let dst = self.take(&pinned);
        emit(self, dst, a, b);
        self.registers.release(&op.args[..op.code.arity()]);
        self.made(op.dst, dst);
    }

    /// The same for three operands in registers.
    fn three(&mut self, op: &Op<Id>, emit: impl FnOnce(&mut Self, u8, [u8; 3])) {
        let mut registers = [0; 3];
        for k in 0..3 {
            let others = op.args.iter().filter_map(|&arg| self.registers.register(arg));
            let pinned: Vec<u8> = others.chain(registers[..k].iter().copied()).collect();
            registers[k] = self.load(op.args[k], &pinned);
        }
        self.registers.release(&op.args);
        let dst = self.take(&[]);
        emit(self, dst, registers);
        self.made(op.dst, dst);
    }

    fn operation(&mut self, op: &Op<Id>) -> Option<()> {
        use Code::*;
        match op.code {
            Copy => {
                let from = self.operand(op.args[0]);
                self.registers.release(&op.args[..1]);
                let dst = self.take(&[]);
                unary!(self, vmovups, dst, from);
                self.made(op.dst, dst);
            }
            AddF => self.simple(op, |e, d, a, b| binary!(e, vaddps, d, a, b)),
            SubF => self.simple(op, |e, d, a, b| binary!(e, vsubps, d, a, b)),
            MulF => self.simple(op, |e, d, a, b| binary!(e, vmulps, d, a, b)),
            DivF => self.simple(op, |e, d, a, b| binary!(e, vdivps, d, a, b)),
            AddI => self.simple(op, |e, d, a, b| binary!(e, vpaddd, d, a, b)),
            SubI => self.simple(op, |e, d, a, b| binary!(e, vpsubd, d, a, b)),
            MulI => self.simple(op, |e, d, a, b| binary!(e, vpmulld, d, a, b)),
            MinI => self.simple(op, |e, d, a, b| binary!(e, vpminsd, d, a, b)),
            MaxI => self.simple(op, |e, d, a, b| binary!(e, vpmaxsd, d, a, b)),
            MinU => self.simple(op, |e, d, a, b| binary!(e, vpminud, d, a, b)),
            MaxU => self.simple(op, |e, d, a, b| binary!(e, vpmaxud, d, a, b)),
            And => self.simple(op, |e, d, a, b| binary!(e, vandps, d, a, b)),
            Or => self.simple(op, |e, d, a, b| binary!(e, vorps, d, a, b)),
            Xor => self.simple(op, |e, d, a, b| binary!(e, vxorps, d, a, b)),
            EqF => self.compare(op, 0),
            // unordered: a NaN differs from everything
            NeF => self.compare(op, 4),
            LtF => self.compare(op, 0x11),
            LeF => self.compare(op, 0x12),
            EqI => self.simple(op, |e, d, a, b| binary!(e, vpcmpeqd, d, a, b)),
            NeI => self.several(op, |e, d, a, b| {
                binary!(e, vpcmpeqd, d, a, b);
                e.inverted(d);
            }),
            LeI => self.several(op, |e, d, a, b| {
                binary!(e, vpcmpgtd, d, a, b);
                e.inverted(d);
            }),
            LtI => self.several(op, |e, d, a, b| {
                // b > a: not (a >= b), which is not (max(a, b) = a)
                binary!(e, vpmaxsd, T0, a, b);
                dynasm!(e.asm ; .arch x64 ; vpcmpeqd Ry(d), Ry(T0), Ry(a));
                e.inverted(d);
            }),
            LtU => self.several(op, |e, d, a, b| {
                binary!(e, vpmaxud, T0, a, b);
                dynasm!(e.asm ; .arch x64 ; vpcmpeqd Ry(d), Ry(T0), Ry(a));
                e.inverted(d);
            }),
            LeU => self.several(op, |e, d, a, b| {
                binary!(e, vpminud, T0, a, b);
                dynasm!(e.asm ; .arch x64 ; vpcmpeqd Ry(d), Ry(T0), Ry(a));
            }),
            Shl | ShrI | ShrU => self.several(op, |e, d, a, b| {
                unary!(e, vmovups, T0, b);
                let most = e.constant(31);
                binary!(e, vpand, T0, T0, most);
                let by = Operand::Register(T0);
                match op.code {
                    Shl => binary!(e, vpsllvd, d, a, by),
                    ShrI => binary!(e, vpsravd, d, a, by),
                    _ => binary!(e, vpsrlvd, d, a, by),
                }
            }),
            Not => self.with_constant(op, u32::MAX, |e, d, a, b| binary!(e, vxorps, d, a, b)),
            NegF => self.with_constant(op, 1 << 31, |e, d, a, b| binary!(e, vxorps, d, a, b)),
            AbsF => self.with_constant(op, !(1 << 31), |e, d, a, b| binary!(e, vandps, d, a, b)),
            BtoF => self.with_constant(op, 1f32.to_bits(), |e, d, a, b| {
                binary!(e, vandps, d, a, b)
            }),
            BtoI => self.with_constant(op, 1, |e, d, a, b| binary!(e, vandps, d, a, b)),
            FtoB => self.several(op, |e, d, a, _| {
                dynasm!(e.asm ; .arch x64 ; vxorps Ry(T0), Ry(T0), Ry(T0));
                e.vcmpps(d, a, T0, 4);
            }),
            ItoB => self.several(op, |e, d, a, _| {
                let zero = e.constant(0);
                binary!(e, vpcmpeqd, d, a, zero);
                e.inverted(d);
            }),
            NegI => self.several(op, |e, d, a, _| {
                dynasm!(e.asm ; .arch x64 ; vpxor Ry(T0), Ry(T0), Ry(T0) ; vpsubd Ry(d), Ry(T0), Ry(a));
            }),
            SignI => self.several(op, |e, d, a, _| {
                let one = e.constant(1);
                unary!(e, vmovups, T0, one);
                dynasm!(e.asm ; .arch x64 ; vpsignd Ry(d), Ry(T0), Ry(a));
            }),
            AbsI => self.one(op, |e, d, a| unary!(e, vpabsd, d, a)),
            SqrtF => self.one(op, |e, d, a| unary!(e, vsqrtps, d, a)),
            // to the nearest, ties to even; down; up; to zero; without the exception of an inexact result
            RoundF => self.rounded(op, 8),
            FloorF => self.rounded(op, 9),
            CeilF => self.rounded(op, 10),
            TruncF => self.rounded(op, 11),
            ItoF => self.one(op, |e, d, a| unary!(e, vcvtdq2ps, d, a)),
            UtoF => self.several(op, |e, d, a, _| {
                // the upper half is a multiple of 2^16, exact; the sum rounds once
                let (scale, low) = (e.constant(65536f32.to_bits()), e.constant(0xffff));
                dynasm!(e.asm ; .arch x64 ; vpsrld Ry(d), Ry(a), 16 ; vcvtdq2ps Ry(d), Ry(d));
                binary!(e, vmulps, d, d, scale);
                binary!(e, vpand, T0, a, low);
                dynasm!(e.asm ; .arch x64 ; vcvtdq2ps Ry(T0), Ry(T0) ; vaddps Ry(d), Ry(d), Ry(T0));
            }),
            FtoI => self.several(op, |e, d, a, _| {
                // the second operand comes out where one is a NaN
                let most = e.constant(2_147_483_520f32.to_bits());
                unary!(e, vmovups, T0, most);
                dynasm!(e.asm
                    ; .arch x64
                    ; vminps Ry(T0), Ry(T0), Ry(a)
                    ; vcvttps2dq Ry(T0), Ry(T0)
                );
                e.vcmpps(T1, a, a, 7);
                dynasm!(e.asm ; .arch x64 ; vandps Ry(d), Ry(T0), Ry(T1));
            }),
            FtoU => self.several(op, |e, d, a, _| {
                let most = e.constant(4_294_967_040f32.to_bits());
                let half = e.constant(2_147_483_648f32.to_bits());
                unary!(e, vmovups, T0, most);
                dynasm!(e.asm
                    ; .arch x64
                    ; vminps Ry(T0), Ry(T0), Ry(a)
                    ; vxorps Ry(T1), Ry(T1), Ry(T1)
                    ; vmaxps Ry(T0), Ry(T0), Ry(T1)
                );
                // what does not fit into an i32 loses its upper bit on the way
                unary!(e, vmovups, d, half);
                e.vcmpps(T1, T0, d, 0x1d);
                dynasm!(e.asm
                    ; .arch x64
                    ; vsubps Ry(d), Ry(T0), Ry(d)
                    ; vblendvps Ry(d), Ry(T0), Ry(d), Ry(T1)
                    ; vcvttps2dq Ry(d), Ry(d)
                    ; vpslld Ry(T1), Ry(T1), 31
                    ; vpxor Ry(d), Ry(d), Ry(T1)
                );
            }),
            Select => self.three(op, |e, d, [mask, yes, no]| {
                dynasm!(e.asm ; .arch x64 ; vblendvps Ry(d), Ry(no), Ry(yes), Ry(mask));
            }),
            _ => return None,
        }
        Some(())
    }

    /// A comparison of floats, of that kind.
    fn compare(&mut self, op: &Op<Id>, kind: u8) {
        let (a, b) = self.in_registers(op);
        let dst = self.take(&[]);
        self.vcmpps(dst, a, b, kind);
        self.made(op.dst, dst);
    }

    /// Written out, since the assembler (5.1) takes the operands of this instruction for each other.
    fn vcmpps(&mut self, dst: u8, a: u8, b: u8, kind: u8) {
        let upper = |register: u8| if register < 8 { 1 } else { 0 };
        self.asm.extend(&[
            0xc4,
            upper(dst) << 7 | 1 << 6 | upper(b) << 5 | 1,
            (!a & 15) << 3 | 1 << 2,
            0xc2,
            0xc0 | (dst & 7) << 3 | (b & 7),
            kind,
        ]);
    }

    fn rounded(&mut self, op: &Op<Id>, mode: i8) {
        let (a, _) = self.in_registers(op);
        let dst = self.take(&[]);
        dynasm!(self.asm ; .arch x64 ; vroundps Ry(dst), Ry(a), mode);
        self.made(op.dst, dst);
    }

    /// Both operands in registers, for instructions with a byte of their own: the assembler does not know them with memory.
    fn in_registers(&mut self, op: &Op<Id>) -> (u8, u8) {
        let pinned: Vec<u8> = self.registers.register(op.args[1]).into_iter().collect();
        let a = self.load(op.args[0], &pinned);
        let b = self.load(op.args[1], &[a]);
        self.registers.release(&op.args[..op.code.arity()]);
        (a, b)
    }

    /// Makes each bit its opposite.
    fn inverted(&mut self, register: u8) {
        let ones = self.constant(u32::MAX);
        binary!(self, vpxor, register, register, ones);
    }

    /// An instruction of one operand.
    fn one(&mut self, op: &Op<Id>, emit: impl FnOnce(&mut Self, u8, Operand)) {
        let a = self.operand(op.args[0]);
        self.registers.release(&op.args[..1]);
        let dst = self.take(&[]);
        emit(self, dst, a);
        self.made(op.dst, dst);
    }

    /// An instruction whose second operand is a constant.
    fn with_constant(
        &mut self,
        op: &Op<Id>,
        bits: u32,
        emit: impl FnOnce(&mut Self, u8, u8, Operand),
    ) {
        let a = self.load(op.args[0], &[]);
        self.registers.release(&op.args[..1]);
        let dst = self.take(&[]);
        let constant = self.constant(bits);
        emit(self, dst, a, constant);
        self.made(op.dst, dst);
    }
}
