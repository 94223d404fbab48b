//! Compiled code for x86-64: the frame of a body, its memory, and what its operations are made of. Loops of labels and general
//! registers are the assembler's, vector instructions those of [`encode`].
#![allow(clippy::useless_conversion, reason = "what the assembler's macro writes")]

use std::collections::HashMap;

use dynasmrt::x64::Assembler;
use dynasmrt::{AssemblyOffset, DynamicLabel, DynasmApi, DynasmLabelApi, ExecutableBuffer, dynasm};

use super::encode::{self, Instruction, OperandPlace, Operands, Width, encode};
use super::registers::{Home, Registers, Spill, targets};
use super::status;
use crate::interpreter::math;
use crate::interpreter::words::{Line, Words};
use crate::scalar::{Code, Lowered, ScalarOp, ValueId};

/// Bytes from uniform to uniform, which are a chunk each.
const UNIFORM: i32 = size_of::<Line>() as i32;

// General registers: rdi has the table of columns, rsi the uniforms, rdx the constants, rcx the scratch memory, r8 the lanes
// of all chunks, r9 the lanes, r11 the first lane at hand; rax and r10 are free.
const RAX: u8 = 0;
const RCX: u8 = 1;
const RDX: u8 = 2;
const RSI: u8 = 6;

/// Compiled code with its constants.
pub(super) struct Compiled {
    code: ExecutableBuffer,
    start: AssemblyOffset,
    constants: Words,
    /// Words of the scratch memory.
    pub scratch: usize,
    /// Streams that it uses, in the table.
    columns: usize,
    /// Streams that get no denormal numbers.
    flushed: Vec<usize>,
}

impl Compiled {
    /// # Safety
    /// As of [`super::MachineCode::execute`].
    pub(super) unsafe fn run(
        &self,
        columns: &[*mut u32],
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
        ) -> u32;
        debug_assert!(columns.len() >= self.columns);
        // SAFETY: `start` is where `assemble` began a function that keeps this convention: it changes registers that a call may
        // change, and memory as promised.
        unsafe {
            let entry: Entry = std::mem::transmute(self.code.ptr(self.start));
            let padded = lanes.next_multiple_of(super::super::bytecode::TOGETHER);
            let constants = self.constants.get().as_ptr();
            let status = entry(columns.as_ptr(), uniforms, constants, scratch, padded, lanes);
            if status & status::DENORMAL != 0 || !status::is_noted() {
                for &column in &self.flushed {
                    let words = std::slice::from_raw_parts_mut(columns[column], padded);
                    words.iter_mut().for_each(|word| *word = math::flushed(*word));
                }
            }
        }
    }
}

/// A body that is to be compiled.
pub(super) struct Body<'a> {
    pub lowered: &'a Lowered,
    /// Which uniform each value is, if it is one of the caller's.
    pub uniforms: &'a [Option<usize>],
    /// Values and the columns that they go to, at the end.
    pub stores: &'a [(ValueId, usize)],
    pub columns: usize,
    /// Streams that get zeros of their sign in the place of denormal numbers.
    pub flushed: Vec<usize>,
}

impl Body<'_> {
    /// None where an operation has no instructions here.
    pub(super) fn assemble(self, width: Width) -> Option<Compiled> {
        let [free, _] = width.temporary();
        let registers = Registers::new(self.lowered, self.uniforms, self.stores, usize::from(free));
        let mut emitter = Emitter {
            asm: Assembler::new().ok()?,
            width,
            registers,
            constants: Constants { width, places: HashMap::new(), all: Vec::new() },
            masks: HashMap::new(),
            next_mask: 0,
            bounds: HashMap::new(),
        };
        let start = emitter.asm.offset();
        self.emit(&mut emitter)?;
        let scratch = emitter.registers.slots as usize * usize::from(GROUPS) * width.lanes();
        let Emitter { asm, constants, .. } = emitter;
        let code = asm.finalize().ok()?;
        let (constants, Self { columns, flushed, .. }) = (constants.words(), self);
        Some(Compiled { code, start, constants, scratch, columns, flushed })
    }

    fn emit(&self, e: &mut Emitter<'_>) -> Option<()> {
        let lowered = self.lowered;
        let targets = targets(lowered);
        let labels: Vec<DynamicLabel> = targets.iter().map(|_| e.asm.new_dynamic_label()).collect();
        let looping = lowered.body.iter().any(|op| op.code.is_control());
        let again = e.asm.new_dynamic_label();
        dynasm!(e.asm
            ; .arch x64
            ; push rax
            ; stmxcsr [rsp]
            ; and DWORD [rsp], !status::DENORMAL as i32
            ; ldmxcsr [rsp]
            ; xor r11d, r11d
            ; =>again
        );
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
                    e.test_any_living(op.args[0]);
                    dynasm!(e.asm ; .arch x64 ; jz =>labels[op.to as usize]);
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
        for (&(value, column), at) in self.stores.iter().zip(end as u32..) {
            e.registers.at = at;
            let register = e.load(value, &[]);
            if self.flushed.contains(&column) {
                e.look_for_denormals(register);
            }
            let to = e.column(column);
            e.vector(encode::STORE, register, None, to);
        }
        dynasm!(e.asm
            ; .arch x64
            ; add r11, i32::from(GROUPS) * e.width.lanes() as i32
            ; cmp r11, r8
            ; jb =>again
            ; vzeroupper
            ; stmxcsr [rsp]
            ; pop rax
            ; ret
        );
        Some(())
    }
}

/// An iteration has the lanes of two registers: each instruction stands twice, for two groups of lanes with half of the registers
/// each. What one group waits for, the other fills.
const GROUPS: u8 = 2;

/// Masks that selections may read: of seven registers, one of each group is for what is used at once.
pub(super) const MASKS: u8 = 6 / GROUPS - 1;

impl Width {
    /// Those that this processor has, the best last.
    pub(in crate::interpreter) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        if is_x86_feature_detected!("avx2") {
            all.push(Self::Y);
        }
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
            all.push(Self::Z);
        }
        all
    }

    /// Registers of a group.
    fn registers(self) -> u8 {
        match self {
            Self::Y => 16 / GROUPS,
            Self::Z => 32 / GROUPS,
        }
    }

    /// Those that are for what an operation makes on its way.
    pub(super) fn temporary(self) -> [u8; 2] {
        [self.registers() - 2, self.registers() - 1]
    }
}

/// Constants, each for all lanes of a register.
pub(super) struct Constants {
    width: Width,
    places: HashMap<u32, i32>,
    all: Vec<u32>,
}

impl Constants {
    /// Bytes before a constant.
    fn place(&mut self, bits: u32) -> i32 {
        let next = self.all.len() as i32 * self.width.bytes();
        *self.places.entry(bits).or_insert_with(|| {
            self.all.push(bits);
            next
        })
    }

    fn words(&self) -> Words {
        let lanes = self.all.iter().flat_map(|&bits| std::iter::repeat_n(bits, self.width.lanes()));
        Words::copy(&lanes.collect::<Vec<u32>>())
    }
}

/// What an instruction reads.
#[derive(Debug, Clone, Copy)]
pub(super) enum Location {
    Register(u8),
    /// A register that has an address, and bytes from there: the same for each group.
    Same(u8, i32),
    Operand(u32),
    /// The column whose address is in rax.
    Column,
}

pub(super) struct Emitter<'a> {
    asm: Assembler,
    pub width: Width,
    pub registers: Registers<'a>,
    constants: Constants,
    /// Values that are in registers of masks alone.
    pub masks: HashMap<ValueId, u8>,
    pub next_mask: u8,
    /// Comparisons that are part of a selection, and what both are.
    pub bounds: HashMap<ValueId, Instruction>,
}

impl Emitter<'_> {
    /// A register of a group.
    fn of_group(&self, register: u8, group: u8) -> u8 {
        register + group * self.width.registers()
    }

    fn place(&self, operand: Location, group: u8) -> OperandPlace {
        let width = self.width.bytes();
        match operand {
            Location::Register(register) => OperandPlace::Register(self.of_group(register, group)),
            Location::Same(base, offset) => OperandPlace::Memory(base, offset),
            Location::Operand(slot) => {
                let at = slot as i32 * i32::from(GROUPS) + i32::from(group);
                OperandPlace::Memory(RCX, at * width)
            }
            Location::Column => OperandPlace::Lanes(RAX, i32::from(group) * width),
        }
    }

    fn write(&mut self, instruction: Instruction, operands: &Operands) {
        self.asm.extend(&encode(self.width, instruction, operands));
    }

    /// An instruction, for each group.
    pub(super) fn vector(
        &mut self,
        instruction: Instruction,
        dst: u8,
        a: Option<u8>,
        from: Location,
    ) {
        self.with_immediate(instruction, dst, a, from, None);
    }

    pub(super) fn with_immediate(
        &mut self,
        instruction: Instruction,
        dst: u8,
        a: Option<u8>,
        from: Location,
        immediate: Option<u8>,
    ) {
        for group in 0..GROUPS {
            let operands = Operands {
                dst: self.of_group(dst, group),
                a: a.map(|a| self.of_group(a, group)),
                from: self.place(from, group),
                mask: 0,
                immediate,
            };
            self.write(instruction, &operands);
        }
    }

    /// The three registers and the mask that the AVX2 instruction names in its immediate byte.
    pub(super) fn blend(&mut self, dst: u8, no: u8, yes: u8, mask: u8) {
        for group in 0..GROUPS {
            let [dst, no, yes, mask] = [dst, no, yes, mask].map(|r| self.of_group(r, group));
            let (from, immediate) = (OperandPlace::Register(yes), Some(mask << 4));
            let operands = Operands { dst, a: Some(no), from, mask: 0, immediate };
            self.write(encode::BLEND_Y, &operands);
        }
    }

    /// Shifts by a constant, where the instruction's number stands in the place of its first operand.
    pub(super) fn shift(&mut self, number: u8, dst: u8, a: u8, by: u8) {
        for group in 0..GROUPS {
            let [to, from] = [dst, a].map(|r| self.of_group(r, group));
            let from = OperandPlace::Register(from);
            let operands =
                Operands { dst: number, a: Some(to), from, mask: 0, immediate: Some(by) };
            self.write(encode::SHIFT_BY, &operands);
        }
    }

    /// The register of mask `k` of a group.
    fn mask_of(&self, k: u8, group: u8) -> u8 {
        1 + k * GROUPS + group
    }

    /// Makes mask `k`.
    pub(super) fn make_mask(
        &mut self,
        instruction: Instruction,
        k: u8,
        a: u8,
        from: Location,
        immediate: Option<u8>,
    ) {
        for group in 0..GROUPS {
            let operands = Operands {
                dst: self.mask_of(k, group),
                a: Some(self.of_group(a, group)),
                from: self.place(from, group),
                mask: 0,
                immediate,
            };
            self.write(instruction, &operands);
        }
    }

    /// All bits of each lane that mask `k` has.
    pub(super) fn lanes_of_mask(&mut self, dst: u8, k: u8) {
        for group in 0..GROUPS {
            let dst = self.of_group(dst, group);
            let from = OperandPlace::Register(self.mask_of(k, group));
            let operands = Operands { dst, a: None, from, mask: 0, immediate: None };
            self.write(encode::FROM_MASK_Z, &operands);
        }
    }

    /// Chooses by mask `k`.
    pub(super) fn blend_by_mask(&mut self, dst: u8, no: u8, yes: Location, k: u8) {
        for group in 0..GROUPS {
            let operands = Operands {
                dst: self.of_group(dst, group),
                a: Some(self.of_group(no, group)),
                from: self.place(yes, group),
                mask: self.mask_of(k, group),
                immediate: None,
            };
            self.write(encode::BLEND_Z, &operands);
        }
    }

    /// Puts a mask of the lanes that there are into the first slot: all, but at the end.
    fn living(&mut self) {
        let (lanes, width) = (self.width.lanes() as i32, self.width.bytes());
        // a row of set lanes with unset ones behind, of which as many are read as are left
        if self.constants.all.is_empty() {
            self.constants.all.extend([u32::MAX, 0]);
        }
        let [temporary, _] = self.width.temporary();
        for group in 0..GROUPS {
            dynasm!(self.asm
                ; .arch x64
                ; mov rax, r9
                ; sub rax, r11
                ; sub rax, i32::from(group) * lanes
                ; xor r10d, r10d
                ; test rax, rax
                ; cmovs rax, r10
                ; mov r10d, lanes
                ; cmp rax, r10
                ; cmova rax, r10
                ; neg rax
                ; lea rax, [rdx + rax * 4]
            );
            let row = OperandPlace::Memory(RAX, width);
            let operands =
                Operands { dst: temporary, a: None, from: row, mask: 0, immediate: None };
            self.write(encode::MOVE, &operands);
            let slot = self.place(Location::Operand(0), group);
            self.write(encode::STORE, &Operands { from: slot, ..operands });
        }
    }

    /// Sets the zero flag where no living lane has the mask.
    fn test_any_living(&mut self, mask: ValueId) {
        let register = self.load(mask, &[]);
        match self.width {
            Width::Y => {
                let [any, _] = self.width.temporary();
                self.vector(encode::AND, any, Some(register), Location::Operand(0));
                let from = OperandPlace::Register(any);
                let first = Operands { dst: any, a: None, from, mask: 0, immediate: None };
                for group in 1..GROUPS {
                    let from = OperandPlace::Register(self.of_group(any, group));
                    self.write(encode::OR, &Operands { a: Some(any), from, ..first });
                }
                self.write(encode::TEST, &first);
            }
            Width::Z => {
                let k = MASKS;
                self.make_mask(encode::TEST_Z, k, register, Location::Operand(0), None);
                let (first, last) = (self.mask_of(k, 0), self.mask_of(k, GROUPS - 1));
                // kortestw
                self.asm.extend(&[0xc5, 0xf8, 0x98, 3 << 6 | first << 3 | last]);
            }
        }
    }

    /// Has a status register note whether there are denormal numbers in a register: the sum is not used.
    fn look_for_denormals(&mut self, register: u8) {
        let [sum, _] = self.width.temporary();
        self.vector(encode::ADD_F, sum, Some(register), Location::Register(register));
    }

    /// Puts the address of a column into rax.
    fn column(&mut self, column: usize) -> Location {
        dynasm!(self.asm ; .arch x64 ; mov rax, [rdi + 8 * column as i32]);
        Location::Column
    }

    pub(super) fn constant(&mut self, bits: u32) -> Location {
        Location::Same(RDX, self.constants.place(bits))
    }

    /// Where a value is. Only one that is used at a time may be a column in memory.
    pub(super) fn operand(&mut self, value: ValueId) -> Location {
        if let Some(register) = self.registers.register(value) {
            return Location::Register(register);
        }
        match self.registers.home(value) {
            Some(Home::Constant(bits)) => self.constant(bits),
            Some(Home::Uniform(rank)) => Location::Same(RSI, rank as i32 * UNIFORM),
            Some(Home::Operand(slot)) => Location::Operand(slot),
            Some(Home::Column(column)) => self.column(column),
            // every value is made before it is read
            None => self.constant(0),
        }
    }

    pub(super) fn take(&mut self, pinned: &[u8]) -> u8 {
        let (register, spill) = self.registers.take(pinned);
        if let Some(Spill { register, slot }) = spill {
            self.vector(encode::STORE, register, None, Location::Operand(slot));
        }
        register
    }

    /// Puts a value into a register, where it stays.
    pub(super) fn load(&mut self, value: ValueId, pinned: &[u8]) -> u8 {
        if let Some(register) = self.registers.register(value) {
            return register;
        }
        let register = self.take(pinned);
        let from = self.operand(value);
        self.vector(encode::MOVE, register, None, from);
        self.registers.put(value, register);
        register
    }

    pub(super) fn made(&mut self, value: ValueId, register: u8) {
        if let Some(slot) = self.registers.made(value, register) {
            self.vector(encode::STORE, register, None, Location::Operand(slot));
        }
    }

    /// The first operand in a register, the second anywhere.
    pub(super) fn pair(&mut self, a: ValueId, b: ValueId) -> (u8, Location) {
        let pinned: Vec<u8> = self.registers.register(b).into_iter().collect();
        let first = self.load(a, &pinned);
        (first, self.operand(b))
    }

    /// Emits an operation that is one instruction: its result may have the register of an operand that it is the last to read.
    pub(super) fn simple(
        &mut self,
        op: &ScalarOp<ValueId>,
        emit: impl FnOnce(&mut Self, u8, u8, Location),
    ) {
        let (a, b) = self.pair(op.args[0], op.args[1]);
        self.registers.release(&op.args[..op.code.arity()]);
        let dst = self.take(&[]);
        emit(self, dst, a, b);
        self.made(op.dst, dst);
    }

    /// Emits an operation that is several: its result has a register of its own.
    pub(super) fn several(
        &mut self,
        op: &ScalarOp<ValueId>,
        emit: impl FnOnce(&mut Self, u8, u8, Location),
    ) {
        let (a, b) = self.pair(op.args[0], op.args[1]);
        let mut pinned = vec![a];
        if let Location::Register(b) = b {
            pinned.push(b);
        }
        let dst = self.take(&pinned);
        emit(self, dst, a, b);
        self.registers.release(&op.args[..op.code.arity()]);
        self.made(op.dst, dst);
    }

    /// The same for three operands in registers.
    pub(super) fn three(
        &mut self,
        op: &ScalarOp<ValueId>,
        emit: impl FnOnce(&mut Self, u8, [u8; 3]),
    ) {
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

    /// Emits an operation of one operand.
    pub(super) fn one(
        &mut self,
        op: &ScalarOp<ValueId>,
        emit: impl FnOnce(&mut Self, u8, Location),
    ) {
        let a = self.operand(op.args[0]);
        self.registers.release(&op.args[..1]);
        let dst = self.take(&[]);
        emit(self, dst, a);
        self.made(op.dst, dst);
    }

    /// An instruction whose second operand is a constant.
    pub(super) fn with_constant(
        &mut self,
        op: &ScalarOp<ValueId>,
        instruction: Instruction,
        bits: u32,
    ) {
        let a = self.load(op.args[0], &[]);
        self.registers.release(&op.args[..1]);
        let dst = self.take(&[]);
        let constant = self.constant(bits);
        self.vector(instruction, dst, Some(a), constant);
        self.made(op.dst, dst);
    }
}
