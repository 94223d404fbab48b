//! The program that the column interpreter plays: a flat list of operations on columns of lanes.
//!
//! A *column* is a block of lanes, one lane an element. Every operand is a *slot*: a stream (an element variable in the
//! arena), a register (scratch that stays in the first-level cache) or a uniform. A uniform is the same for all elements;
//! it is kept as one chunk of equal lanes and read with a step of zero, so that one loop serves every mixture of operands.
//! Operations on uniforms alone run once a step in the prologue.

/// Lanes that one iteration of an inner loop handles: one AVX-512 register, two AVX2 ones, four SSE ones.
pub(crate) const CHUNK: usize = 16;

/// Bytes of the first-level cache that the columns of a block may take.
const CACHE: usize = 32 * 1024;

/// What an operation does. The suffix is the type of its operands: `F` f32, `I` i32, `U` u32; none where only bits count.
/// Booleans are lanes of all zeros or all ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Code {
    // one operand
    Copy,
    Not,
    NegF,
    NegI,
    AbsF,
    AbsI,
    SignF,
    SignI,
    FloorF,
    CeilF,
    RoundF,
    TruncF,
    FractF,
    SqrtF,
    InverseSqrtF,
    ExpF,
    Exp2F,
    LogF,
    Log2F,
    SinF,
    CosF,
    TanF,
    AsinF,
    AcosF,
    AtanF,
    SinhF,
    CoshF,
    TanhF,
    AsinhF,
    AcoshF,
    AtanhF,
    FtoI,
    FtoU,
    ItoF,
    UtoF,
    BtoF,
    BtoI,
    FtoB,
    ItoB,
    CountOneBits,
    ReverseBits,
    CountLeadingZeros,
    CountTrailingZeros,
    // two operands
    AddF,
    SubF,
    MulF,
    DivF,
    RemF,
    MinF,
    MaxF,
    PowF,
    Atan2F,
    AddI,
    SubI,
    MulI,
    DivI,
    DivU,
    RemI,
    RemU,
    MinI,
    MaxI,
    MinU,
    MaxU,
    And,
    Or,
    Xor,
    Shl,
    ShrI,
    ShrU,
    EqF,
    NeF,
    LtF,
    LeF,
    EqI,
    NeI,
    LtI,
    LeI,
    LtU,
    LeU,
    // three operands
    /// `a ? b : c`
    Select,
    /// `a * b + c`, rounded twice as all of these.
    MulAddF,
    /// `a * b - c`
    MulSubF,
    /// `c - a * b`
    SubMulF,
    /// `(a + b) * c`
    AddMulF,
    /// `(a - b) * c`
    DiffMulF,
    // control; `to` is an index into the body
    /// Leave the loop when no lane of `a` is set.
    ExitIfNone,
    Jump,
}

impl Code {
    /// How many of the operands `a`, `b`, `c` the operation reads.
    pub(crate) fn arity(self) -> usize {
        use Code::*;
        match self {
            Jump => 0,
            ExitIfNone => 1,
            code if code as usize >= Select as usize => 3,
            code if code as usize >= AddF as usize => 2,
            _ => 1,
        }
    }

    /// Control operations have no result.
    pub(crate) fn has_result(self) -> bool {
        !matches!(self, Code::ExitIfNone | Code::Jump)
    }
}

/// One operation: `dst = code(args)`. `S` names a slot: a value number while lowering, a [`Slot`] in the finished tape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Op<S> {
    pub code: Code,
    pub dst: S,
    pub args: [S; 3],
    /// Target of a control operation.
    pub to: u32,
}

/// Where a column is: an index into the interpreter's table of pointers, and how far to move from chunk to chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub index: u16,
    /// [`CHUNK`] for columns, 0 for uniforms.
    pub step: u16,
}

/// How the program's argument structure is fed, member by member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Access {
    /// One value per element: the numbered stream.
    Stream(usize),
    /// One value for all elements.
    Uniform,
}

/// A finished program. The table of pointers is laid out as streams, registers, uniforms.
#[derive(Debug, Clone)]
pub(crate) struct Tape {
    /// Runs once a step, on one chunk.
    pub prologue: Vec<Op<Slot>>,
    /// Runs for each block.
    pub body: Vec<Op<Slot>>,
    pub streams: usize,
    pub registers: usize,
    /// Initial bits of every uniform; those of `uniform_inputs` are overwritten before a step.
    pub uniforms: Vec<u32>,
    /// For each member of the argument structure that is uniform: its index in `uniforms`.
    pub uniform_inputs: Vec<Option<usize>>,
}

impl Tape {
    /// Chunks of a block: as many as keep all columns in the first-level cache. With fewer than 16 chunks the start of an
    /// operation would cost more than its loop, with more than 64 it is cheap already.
    pub(crate) fn block(&self) -> usize {
        let columns = (self.streams + self.registers).max(1);
        (CACHE / (columns * CHUNK * size_of::<u32>())).clamp(16, 64)
    }
}
