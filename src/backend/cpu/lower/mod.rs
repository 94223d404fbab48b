//! From a function in naga's IR to operations on columns.
//!
//! Calls are inlined, structures and vectors are taken apart into scalars, branches become masks, and what depends on
//! uniforms alone goes to the prologue. Values are in single-assignment form but for the *cells* that carry variables
//! around a loop.

mod expressions;
mod loops;
mod math;
mod operators;
mod places;
mod statements;
mod value;

use std::collections::HashMap;

use naga::{Expression as Ex, Function, Handle, LocalVariable, Module, TypeInner};

use super::tape::{Access, Code, Op};
use value::{Kind, Res, Scalar, Value};

/// A value number.
pub(super) type Id = u32;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Read from the numbered stream.
    Stream(usize),
    /// Member of the argument structure, the same for all elements.
    UniformInput(usize),
    /// These bits.
    Constant(u32),
    /// Made by an operation of the prologue.
    Prologue,
    /// Made by an operation of the body.
    Body,
    /// A variable of a loop, written more than once.
    Cell,
}

impl Origin {
    pub(super) fn is_uniform(self) -> bool {
        matches!(self, Self::UniformInput(_) | Self::Constant(_) | Self::Prologue)
    }
}

/// The function as operations on numbered values.
#[derive(Debug, Default)]
pub(super) struct Lowered {
    pub values: Vec<Origin>,
    pub prologue: Vec<Op<Id>>,
    pub body: Vec<Op<Id>>,
    /// The members of the returned structure.
    pub outputs: Vec<Id>,
}

/// The lanes that execute the statement at hand.
#[derive(Debug, Clone, Copy)]
enum Active {
    All,
    Some(Scalar),
    None,
}

struct Frame<'m> {
    function: &'m Function,
    arguments: Vec<Value>,
    cache: HashMap<Handle<Ex>, Value>,
    locals: HashMap<Handle<LocalVariable>, usize>,
    /// Variable that holds the result.
    result: Option<usize>,
    /// Variable that tells which lanes have returned; there where a loop needs it.
    returned: Option<usize>,
}

/// Lowers the function `name`, whose one argument and whose result are structures of scalars.
pub(super) fn lower(module: &Module, name: &str, inputs: &[Access]) -> Res<Lowered> {
    let function = module
        .functions
        .iter()
        .map(|(_, f)| f)
        .find(|f| f.name.as_deref() == Some(name))
        .ok_or_else(|| format!("there is no function `{name}`"))?;
    let mut lowering = Lowering::new(module);
    let members = match function.arguments.first().map(|a| &module.types[a.ty].inner) {
        Some(TypeInner::Struct { members, .. }) if members.len() == inputs.len() => members,
        _ => {
            return Err(format!(
                "`{name}` does not take one structure of {} members",
                inputs.len()
            ));
        }
    };
    let mut argument = Vec::with_capacity(inputs.len());
    for (k, (member, access)) in members.iter().zip(inputs).enumerate() {
        let origin = match *access {
            Access::Stream(stream) => Origin::Stream(stream),
            Access::Uniform => Origin::UniformInput(k),
        };
        let kind = Kind::of_type(module, member.ty)?;
        argument.push(Value::Scalar(lowering.value(origin, kind)));
    }
    let result = lowering
        .call(function, vec![Value::Composite(argument)])?
        .ok_or_else(|| format!("`{name}` returns nothing"))?;
    lowering.out.outputs = result.scalars()?.iter().map(|s| s.id).collect();
    Ok(lowering.out)
}

struct Lowering<'m> {
    module: &'m Module,
    out: Lowered,
    variables: Vec<Value>,
    frames: Vec<Frame<'m>>,
    active: Active,
    /// For each loop around the statement at hand: the lanes that went on to its continuing part.
    continued: Vec<Active>,
    /// For each loop (none) and switch (the lanes that left it) around the statement at hand.
    breaks: Vec<Option<Active>>,
    known: HashMap<(Code, [Id; 3]), Scalar>,
    constants: HashMap<u32, Id>,
}

impl<'m> Lowering<'m> {
    fn new(module: &'m Module) -> Self {
        Self {
            module,
            out: Lowered::default(),
            variables: Vec::new(),
            frames: Vec::new(),
            active: Active::All,
            continued: Vec::new(),
            breaks: Vec::new(),
            known: HashMap::new(),
            constants: HashMap::new(),
        }
    }

    fn value(&mut self, origin: Origin, kind: Kind) -> Scalar {
        self.out.values.push(origin);
        Scalar { id: self.out.values.len() as Id - 1, kind }
    }

    fn constant(&mut self, bits: u32, kind: Kind) -> Scalar {
        if let Some(&id) = self.constants.get(&bits) {
            return Scalar { id, kind };
        }
        let scalar = self.value(Origin::Constant(bits), kind);
        self.constants.insert(bits, scalar.id);
        scalar
    }

    fn is_uniform(&self, scalar: Scalar) -> bool {
        self.out.values[scalar.id as usize].is_uniform()
    }

    fn bits(&self, scalar: Scalar) -> Option<u32> {
        match self.out.values[scalar.id as usize] {
            Origin::Constant(bits) => Some(bits),
            _ => None,
        }
    }

    /// Adds an operation, or finds the value that an equal one gave.
    fn op(&mut self, code: Code, args: &[Scalar], kind: Kind) -> Scalar {
        let first = args[0].id;
        let id = |k: usize| args.get(k).map_or(first, |s| s.id);
        let ids = [id(0), id(1), id(2)];
        if let Some(&known) = self.known.get(&(code, ids)) {
            return Scalar { kind, ..known };
        }
        let uniform = args.iter().all(|&s| self.is_uniform(s));
        let origin = if uniform { Origin::Prologue } else { Origin::Body };
        let dst = self.value(origin, kind);
        let op = Op { code, dst: dst.id, args: ids, to: 0 };
        if uniform {
            self.out.prologue.push(op);
        } else {
            self.out.body.push(op);
        }
        // what was read from a cell is old after the next write to it
        if !args.iter().any(|s| self.out.values[s.id as usize] == Origin::Cell) {
            self.known.insert((code, ids), dst);
        }
        dst
    }

    fn select(&mut self, mask: Scalar, yes: Scalar, no: Scalar) -> Scalar {
        if yes.id == no.id {
            return yes;
        }
        match self.bits(mask) {
            Some(0) => no,
            Some(_) => yes,
            None => self.op(Code::Select, &[mask, yes, no], yes.kind),
        }
    }

    fn select_value(&mut self, mask: Scalar, yes: &Value, no: &Value) -> Res<Value> {
        Ok(match (yes, no) {
            (Value::Scalar(yes), Value::Scalar(no)) => Value::Scalar(self.select(mask, *yes, *no)),
            (Value::Composite(yes), Value::Composite(no)) => Value::Composite(
                yes.iter()
                    .zip(no)
                    .map(|(y, n)| self.select_value(mask, y, n))
                    .collect::<Res<_>>()?,
            ),
            _ => return Err("a pointer is selected".into()),
        })
    }

    fn truth(&mut self, value: bool) -> Scalar {
        self.constant(if value { u32::MAX } else { 0 }, Kind::B)
    }

    fn and(&mut self, active: Active, mask: Scalar) -> Active {
        match (active, self.bits(mask)) {
            (Active::None, _) | (_, Some(0)) => Active::None,
            (active, Some(_)) => active,
            (Active::All, None) => Active::Some(mask),
            (Active::Some(a), None) => Active::Some(self.op(Code::And, &[a, mask], Kind::B)),
        }
    }

    fn or(&mut self, a: Active, b: Active) -> Active {
        match (a, b) {
            (Active::All, _) | (_, Active::All) => Active::All,
            (Active::None, x) | (x, Active::None) => x,
            (Active::Some(a), Active::Some(b)) => Active::Some(self.op(Code::Or, &[a, b], Kind::B)),
        }
    }

    fn mask(&mut self, active: Active) -> Scalar {
        match active {
            Active::All => self.truth(true),
            Active::None => self.truth(false),
            Active::Some(mask) => mask,
        }
    }

    fn not(&mut self, condition: Scalar) -> Scalar {
        match self.bits(condition) {
            Some(bits) => self.truth(bits == 0),
            None => self.op(Code::Not, &[condition], Kind::B),
        }
    }
}
