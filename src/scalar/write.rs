//! Operations as WGSL.

use std::fmt::Write as _;

use super::code::{Code, ScalarOp, ValueId};
use super::lowered::{Lowered, Origin};
use super::value::LaneKind;

/// Name of a zero that the front end does not know.
const HIDDEN: &str = "hidden_zero";

/// The statements that compute a function's results, and for each result its type and an expression. `columns[k]` is the
/// expression for column `k`, `prefix` what names of the library begin with. The function has no loop.
pub(crate) fn write(
    lowered: &Lowered,
    columns: &[String],
    prefix: &str,
) -> (String, Vec<(LaneKind, String)>) {
    let ops = || lowered.prologue.iter().chain(&lowered.body);
    let mut used = vec![false; lowered.values.len()];
    for &output in &lowered.outputs {
        used[output as usize] = true;
    }
    for op in lowered.prologue.iter().chain(&lowered.body).rev() {
        if used[op.dst as usize] {
            op.args[..op.code.arity()].iter().for_each(|&arg| used[arg as usize] = true);
        }
    }
    let writer = Writer { lowered, columns, prefix };
    let mut text = String::new();
    for op in ops().filter(|op| used[op.dst as usize]) {
        let _ = writeln!(text, "    let v{} = {};", op.dst, writer.expression(op));
    }
    if text.contains(HIDDEN) {
        text = format!("    var {HIDDEN} = 0u;\n{text}");
    }
    let outputs = lowered.outputs.iter().map(|&id| {
        let kind = lowered.kinds[id as usize];
        (kind, writer.operand(id, kind))
    });
    (text, outputs.collect())
}

struct Writer<'a> {
    lowered: &'a Lowered,
    columns: &'a [String],
    prefix: &'a str,
}

impl Writer<'_> {
    /// The value as one of that kind; the bits stay.
    fn operand(&self, id: ValueId, kind: LaneKind) -> String {
        let text = match self.lowered.values[id as usize] {
            Origin::Constant(bits) => return literal(bits, kind),
            Origin::Column(column) => self.columns[column].clone(),
            _ => format!("v{id}"),
        };
        cast(text, self.lowered.kinds[id as usize], kind)
    }

    fn expression(&self, op: &ScalarOp<ValueId>) -> String {
        let kind = self.lowered.kinds[op.dst as usize];
        // constants of equal bits are one value, whatever their kinds
        let is_constant =
            |id: ValueId| matches!(self.lowered.values[id as usize], Origin::Constant(_));
        let args = &op.args[..op.code.arity()];
        let from = args.iter().find(|&&id| !is_constant(id)).unwrap_or(&op.args[0]);
        let (of, result) = kinds(op.code, kind, self.lowered.kinds[*from as usize]);
        // what is constant alone would be computed by the front end, which refuses results that are not finite, sums of integers
        // that wrap around, and any division of integers by zero
        let hidden = args.iter().all(|&id| is_constant(id)) && of != LaneKind::B;
        let divides = matches!(op.code, Code::DivI | Code::DivU | Code::RemI | Code::RemU);
        let arg = |k: usize| match self.lowered.values[op.args[k] as usize] {
            Origin::Constant(bits) if hidden || (divides && k == 1 && bits == 0) => {
                cast(format!("({bits}u | {HIDDEN})"), LaneKind::U, of)
            }
            _ => self.operand(op.args[k], of),
        };
        let text = match symbol(op.code, of) {
            Symbol::Library(name) => format!("{}_{name}({})", self.prefix, arg(0)),
            Symbol::Function(name) if op.code.arity() == 1 => format!("{name}({})", arg(0)),
            Symbol::Function(name) => format!("{name}({}, {})", arg(0), arg(1)),
            Symbol::Prefix(sign) => format!("{sign}({})", arg(0)),
            Symbol::Infix(sign) => format!("({} {sign} {})", arg(0), arg(1)),
            Symbol::Shift(sign) => {
                // which takes the lower five bits, where the front end refuses others
                let by = match self.lowered.values[op.args[1] as usize] {
                    Origin::Constant(bits) => format!("{}u", bits & 31),
                    _ => self.operand(op.args[1], LaneKind::U),
                };
                format!("({} {sign} {by})", arg(0))
            }
            Symbol::Select => {
                let mask = self.operand(op.args[0], LaneKind::B);
                let [yes, no] = [1, 2].map(|k| self.operand(op.args[k], kind));
                format!("select({no}, {yes}, {mask})")
            }
        };
        cast(text, result, kind)
    }
}

enum Symbol {
    Function(&'static str),
    /// A function of the models' library, of one operand.
    Library(&'static str),
    Prefix(&'static str),
    Infix(&'static str),
    Shift(&'static str),
    Select,
}

/// Kinds of an operation's operands and of its result. `to` is the kind of the value that it makes, `from` that of its
/// first operand, where the code leaves it open.
fn kinds(code: Code, to: LaneKind, from: LaneKind) -> (LaneKind, LaneKind) {
    use Code::*;
    match code {
        Copy | Not | Select | And | Or | Xor | Shl => (to, to),
        NegI | AbsI | SignI | DivI | RemI | MinI | MaxI | ShrI => (LaneKind::I, LaneKind::I),
        DivU | RemU | MinU | MaxU | ShrU => (LaneKind::U, LaneKind::U),
        AddI | SubI | MulI | CountOneBits | ReverseBits | CountLeadingZeros
        | CountTrailingZeros => {
            let kind = if to == LaneKind::F { LaneKind::U } else { to };
            (kind, kind)
        }
        FtoI => (LaneKind::F, LaneKind::I),
        FtoU => (LaneKind::F, LaneKind::U),
        ItoF => (LaneKind::I, LaneKind::F),
        UtoF => (LaneKind::U, LaneKind::F),
        BtoF => (LaneKind::B, LaneKind::F),
        BtoI => (LaneKind::B, LaneKind::U),
        FtoB | EqF | NeF | LtF | LeF => (LaneKind::F, LaneKind::B),
        ItoB => (LaneKind::U, LaneKind::B),
        EqI | NeI => (if from == LaneKind::F { LaneKind::U } else { from }, LaneKind::B),
        LtI | LeI => (LaneKind::I, LaneKind::B),
        LtU | LeU => (LaneKind::U, LaneKind::B),
        _ => (LaneKind::F, LaneKind::F),
    }
}

fn symbol(code: Code, of: LaneKind) -> Symbol {
    use Code::*;
    use Symbol::{Function, Infix, Library, Prefix, Shift};
    match code {
        Copy => Prefix(""),
        Not => Prefix(if of == LaneKind::B { "!" } else { "~" }),
        NegF | NegI => Prefix("-"),
        AbsF | AbsI => Function("abs"),
        SignF | SignI => Function("sign"),
        FloorF => Function("floor"),
        CeilF => Function("ceil"),
        RoundF => Function("round"),
        TruncF => Function("trunc"),
        FractF => Function("fract"),
        SqrtF => Function("sqrt"),
        InverseSqrtF => Function("inverseSqrt"),
        ExpF => Function("exp"),
        Exp2F => Function("exp2"),
        LogF => Function("log"),
        Log2F => Function("log2"),
        SinF => Function("sin"),
        CosF => Function("cos"),
        TanF => Function("tan"),
        AsinF => Function("asin"),
        AcosF => Function("acos"),
        AtanF => Function("atan"),
        SinhF => Function("sinh"),
        CoshF => Function("cosh"),
        TanhF => Function("tanh"),
        AsinhF => Function("asinh"),
        AcoshF => Function("acosh"),
        AtanhF => Function("atanh"),
        ExprelF => Library("exprel"),
        FlushF => Library("flushed"),
        FtoI | ItoF | UtoF | BtoF | FtoU | BtoI | FtoB | ItoB => Function(match code {
            FtoI => "i32",
            FtoU => "u32",
            FtoB | ItoB => "bool",
            BtoI => "u32",
            _ => "f32",
        }),
        CountOneBits => Function("countOneBits"),
        ReverseBits => Function("reverseBits"),
        CountLeadingZeros => Function("countLeadingZeros"),
        CountTrailingZeros => Function("countTrailingZeros"),
        // what is differentiated has no memories
        Gather | Scatter | AtomicAdd | AtomicSub | AtomicAnd | AtomicOr | AtomicXor
        | AtomicMinI | AtomicMinU | AtomicMaxI | AtomicMaxU | AtomicExchange | CompareExchange => {
            Function("memory")
        }
        AddF | AddI => Infix("+"),
        SubF | SubI => Infix("-"),
        MulF | MulI => Infix("*"),
        DivF | DivI | DivU => Infix("/"),
        RemF | RemI | RemU => Infix("%"),
        MinF | MinI | MinU => Function("min"),
        MaxF | MaxI | MaxU => Function("max"),
        PowF => Function("pow"),
        Atan2F => Function("atan2"),
        And => Infix("&"),
        Or => Infix("|"),
        Xor if of == LaneKind::B => Infix("!="),
        Xor => Infix("^"),
        Shl => Shift("<<"),
        ShrI | ShrU => Shift(">>"),
        EqF | EqI => Infix("=="),
        NeF | NeI => Infix("!="),
        LtF | LtI | LtU => Infix("<"),
        LeF | LeI | LeU => Infix("<="),
        // joined operations and jumps are made later, from what is written here
        Select | MulAddF | MulSubF | SubMulF | AddMulF | DiffMulF | ExitIfNone | Jump => {
            Symbol::Select
        }
    }
}

/// A value of one type as one of another, with the same bits.
pub(crate) fn cast(text: String, from: LaneKind, to: LaneKind) -> String {
    match to {
        _ if from == to => text,
        LaneKind::F => format!("bitcast<f32>({text})"),
        LaneKind::I => format!("bitcast<i32>({text})"),
        LaneKind::U => format!("bitcast<u32>({text})"),
        LaneKind::B => text,
    }
}

fn literal(bits: u32, kind: LaneKind) -> String {
    match kind {
        LaneKind::F if f32::from_bits(bits).is_finite() => format!("({:?}f)", f32::from_bits(bits)),
        LaneKind::F => format!("bitcast<f32>({bits}u)"),
        LaneKind::I => format!("bitcast<i32>({bits}u)"),
        LaneKind::U => format!("{bits}u"),
        LaneKind::B => (bits != 0).to_string(),
    }
}
