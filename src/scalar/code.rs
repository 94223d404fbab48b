//! Operations on scalars.

/// A value number.
pub(crate) type ValueId = u32;

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
    /// `(e^x - 1) / x`
    ExprelF,
    /// A zero of its sign where the bits of the exponent are zero, else the value itself.
    FlushF,
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
    /// The word at `a` of the memory `to`.
    Gather,
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
    /// Writes `b` at `a` of the memory `to`, lane after lane; nothing where `a` is out of reach. The atomics too, which give
    /// what was there before.
    Scatter,
    AtomicAdd,
    AtomicSub,
    AtomicAnd,
    AtomicOr,
    AtomicXor,
    AtomicMinI,
    AtomicMinU,
    AtomicMaxI,
    AtomicMaxU,
    AtomicExchange,
    // three operands
    /// The same where `c` was there.
    CompareExchange,
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
            code if code as usize >= CompareExchange as usize => 3,
            code if code as usize >= AddF as usize => 2,
            _ => 1,
        }
    }

    /// Whether it says what comes next.
    pub(crate) fn is_control(self) -> bool {
        matches!(self, Code::ExitIfNone | Code::Jump)
    }

    /// Whether it writes to a memory.
    pub(crate) fn writes_memory(self) -> bool {
        (Code::Scatter as usize..=Code::CompareExchange as usize).contains(&(self as usize))
    }

    /// Whether it reads or writes a memory.
    pub(crate) fn on_memory(self) -> bool {
        self == Code::Gather || self.writes_memory()
    }

    /// Control operations have no result, nor has what only writes.
    pub(crate) fn has_result(self) -> bool {
        !self.is_control() && self != Code::Scatter
    }
}

/// One operation: `dst = code(args)`. `S` names a slot: a value number, or a place in a finished bytecode.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScalarOp<S> {
    pub code: Code,
    pub dst: S,
    pub args: [S; 3],
    /// Target of a control operation; number of a memory.
    pub to: u32,
}

/// How the program's argument structure is fed, member by member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Access {
    /// One value per element: the numbered column.
    Column(usize),
    /// One value for all elements.
    Uniform,
}
