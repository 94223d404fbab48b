//! From a function in naga's IR to operations on columns.
//!
//! Calls are inlined, structures and vectors are taken apart into scalars, branches become masks, and what depends on
//! uniforms alone goes to the prologue. Values are in single-assignment form but for the *cells* that carry variables
//! around a loop.

use std::collections::HashMap;

use naga::{
    BinaryOperator as Bin, Block, Expression as Ex, Function, Handle, Literal, LocalVariable,
    MathFunction as Math, Module, ScalarKind, Statement as St, TypeInner, UnaryOperator,
};

use super::tape::{Access, Code, Op};

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

/// Type of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    F,
    I,
    U,
    B,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Scalar {
    id: Id,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Value {
    Scalar(Scalar),
    Composite(Vec<Value>),
    Pointer(Place),
}

/// Part of a local variable.
#[derive(Debug, Clone)]
struct Place {
    variable: usize,
    path: Vec<Index>,
}

#[derive(Debug, Clone, Copy)]
enum Index {
    Static(usize),
    Dynamic(Scalar),
}

/// The lanes that execute the statement at hand.
#[derive(Debug, Clone, Copy)]
enum Active {
    All,
    Some(Scalar),
    None,
}

/// What cannot be lowered, in a few words.
pub(super) type Refusal = String;
type Res<T> = Result<T, Refusal>;

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
        let kind = kind_of(module, member.ty)?;
        argument.push(Value::Scalar(lowering.value(origin, kind)));
    }
    let result = lowering
        .call(function, vec![Value::Composite(argument)])?
        .ok_or_else(|| format!("`{name}` returns nothing"))?;
    let mut outputs = Vec::new();
    flatten(&result, &mut outputs)?;
    lowering.out.outputs = outputs.iter().map(|s| s.id).collect();
    Ok(lowering.out)
}

fn flatten(value: &Value, out: &mut Vec<Scalar>) -> Res<()> {
    match value {
        Value::Scalar(s) => out.push(*s),
        Value::Composite(parts) => {
            for part in parts {
                flatten(part, out)?;
            }
        }
        Value::Pointer(_) => return Err("a pointer is used as a value".into()),
    }
    Ok(())
}

fn kind_of(module: &Module, ty: Handle<naga::Type>) -> Res<Kind> {
    match module.types[ty].inner {
        TypeInner::Scalar(s) => scalar_kind(s.kind),
        _ => Err(format!("{} is not a scalar", type_name(module, ty))),
    }
}

fn scalar_kind(kind: ScalarKind) -> Res<Kind> {
    Ok(match kind {
        ScalarKind::Float => Kind::F,
        ScalarKind::Sint => Kind::I,
        ScalarKind::Uint => Kind::U,
        ScalarKind::Bool => Kind::B,
        _ => return Err("an abstract number is left without a type".into()),
    })
}

fn type_name(module: &Module, ty: Handle<naga::Type>) -> String {
    module.types[ty].name.clone().unwrap_or_else(|| "the type of an expression".into())
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

    // ---- functions and statements

    fn call(&mut self, function: &'m Function, arguments: Vec<Value>) -> Res<Option<Value>> {
        if self.frames.len() > 64 {
            return Err("functions call each other too deeply".into());
        }
        let mut frame = Frame {
            function,
            arguments,
            cache: HashMap::new(),
            locals: HashMap::new(),
            result: None,
            returned: None,
        };
        if let Some(result) = &function.result {
            let zero = self.zero(result.ty)?;
            frame.result = Some(self.new_variable(zero));
        }
        if has_loop(&function.body) {
            let none = self.truth(false);
            frame.returned = Some(self.new_variable(Value::Scalar(none)));
        }
        self.frames.push(frame);
        for (handle, local) in function.local_variables.iter() {
            let init = match local.init {
                Some(init) => self.expression(init)?,
                None => self.zero(local.ty)?,
            };
            let variable = self.new_variable(init);
            self.frame().locals.insert(handle, variable);
        }
        let caller = self.active;
        self.block(&function.body)?;
        self.active = caller;
        let result = self.frames.pop().and_then(|frame| frame.result);
        Ok(result.map(|variable| self.variables[variable].clone()))
    }

    fn new_variable(&mut self, value: Value) -> usize {
        self.variables.push(value);
        self.variables.len() - 1
    }

    fn frame(&mut self) -> &mut Frame<'m> {
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn block(&mut self, block: &'m Block) -> Res<()> {
        for statement in block.iter() {
            if matches!(self.active, Active::None) {
                break;
            }
            self.statement(statement)?;
        }
        Ok(())
    }

    fn statement(&mut self, statement: &'m St) -> Res<()> {
        match statement {
            St::Emit(range) => {
                for handle in range.clone() {
                    let value = self.evaluate(handle)?;
                    self.frame().cache.insert(handle, value);
                }
            }
            St::Block(block) => self.block(block)?,
            St::If { condition, accept, reject } => {
                let condition = self.scalar(*condition)?;
                self.branch(condition, accept, reject)?;
            }
            St::Switch { selector, cases } => {
                let selector = self.scalar(*selector)?;
                self.switch(selector, cases)?;
            }
            St::Loop { body, continuing, break_if } => self.repeat(body, continuing, *break_if)?,
            St::Break => {
                if let Some(Some(left)) = self.breaks.last().copied() {
                    let innermost = self.breaks.len() - 1;
                    self.breaks[innermost] = Some(self.or(left, self.active));
                }
                self.active = Active::None;
            }
            St::Continue => {
                let innermost =
                    self.continued.len().checked_sub(1).ok_or("`continue` outside a loop")?;
                self.continued[innermost] = self.or(self.continued[innermost], self.active);
                self.active = Active::None;
            }
            St::Return { value } => {
                if let (Some(value), Some(result)) = (value, self.frame().result) {
                    let value = self.expression(*value)?;
                    self.assign(&Place { variable: result, path: Vec::new() }, value)?;
                }
                if let Some(returned) = self.frame().returned {
                    let yes = self.truth(true);
                    self.assign(
                        &Place { variable: returned, path: Vec::new() },
                        Value::Scalar(yes),
                    )?;
                }
                self.active = Active::None;
            }
            St::Store { pointer, value } => {
                let value = self.expression(*value)?;
                match self.expression(*pointer)? {
                    Value::Pointer(place) => self.assign(&place, value)?,
                    _ => return Err("a store to something that is not a variable".into()),
                }
            }
            St::Call { function, arguments, result } => {
                let arguments =
                    arguments.iter().map(|&a| self.expression(a)).collect::<Res<Vec<_>>>()?;
                let value = self.call(&self.module.functions[*function], arguments)?;
                if let (Some(handle), Some(value)) = (result, value) {
                    self.frame().cache.insert(*handle, value);
                }
            }
            _ => {
                return Err(
                    "a statement that model functions cannot have (barrier, atomic, image)".into(),
                );
            }
        }
        Ok(())
    }

    fn branch(&mut self, condition: Scalar, accept: &'m Block, reject: &'m Block) -> Res<()> {
        let before = self.active;
        self.active = self.and(before, condition);
        self.block(accept)?;
        let after_accept = self.active;
        let not = self.not(condition);
        self.active = self.and(before, not);
        self.block(reject)?;
        // where no lane leaves early, the lanes of both branches are those before: no mask to compute
        self.active = if any_statement(accept, &leaves) || any_statement(reject, &leaves) {
            self.or(after_accept, self.active)
        } else {
            before
        };
        Ok(())
    }

    fn not(&mut self, condition: Scalar) -> Scalar {
        match self.bits(condition) {
            Some(bits) => self.truth(bits == 0),
            None => self.op(Code::Not, &[condition], Kind::B),
        }
    }

    fn switch(&mut self, selector: Scalar, cases: &'m [naga::SwitchCase]) -> Res<()> {
        let before = self.active;
        let mut matched_any = self.truth(false);
        let mut default_mask = None;
        // masks of all cases first: `default` takes what no other case matches
        let mut masks = Vec::with_capacity(cases.len());
        for case in cases {
            let bits = match case.value {
                naga::SwitchValue::I32(v) => v as u32,
                naga::SwitchValue::U32(v) => v,
                naga::SwitchValue::Default => {
                    masks.push(None);
                    continue;
                }
            };
            let value = self.constant(bits, selector.kind);
            let mask = self.op(Code::EqI, &[selector, value], Kind::B);
            matched_any = self.op(Code::Or, &[matched_any, mask], Kind::B);
            masks.push(Some(mask));
        }
        let mut after = Active::None;
        let mut falling = Active::None;
        for (case, mask) in cases.iter().zip(masks) {
            let mask = match mask {
                Some(mask) => mask,
                None => match default_mask {
                    Some(mask) => mask,
                    None => {
                        let mask = self.not(matched_any);
                        default_mask = Some(mask);
                        mask
                    }
                },
            };
            let entering = self.and(before, mask);
            self.active = self.or(entering, falling);
            self.breaks.push(Some(Active::None));
            self.block(&case.body)?;
            if let Some(Some(left)) = self.breaks.pop() {
                after = self.or(after, left);
            }
            if case.fall_through {
                falling = self.active;
            } else {
                after = self.or(after, self.active);
                falling = Active::None;
            }
        }
        if default_mask.is_none() {
            let none = self.not(matched_any);
            let passing = self.and(before, none);
            after = self.or(after, passing);
        }
        self.active = after;
        Ok(())
    }

    fn repeat(
        &mut self,
        body: &'m Block,
        continuing: &'m Block,
        break_if: Option<Handle<Ex>>,
    ) -> Res<()> {
        let before = self.active;
        // every variable becomes cells, which the loop's end writes back
        let mut cells: Vec<(usize, Vec<Scalar>)> = Vec::new();
        for variable in 0..self.variables.len() {
            let value = self.variables[variable].clone();
            if matches!(value, Value::Pointer(_)) {
                continue;
            }
            let mut scalars = Vec::new();
            let value = self.to_cells(&value, &mut scalars);
            self.variables[variable] = value;
            cells.push((variable, scalars));
        }
        let mask = self.mask(before);
        let running = self.cell(mask);
        let known = self.known.clone();
        let head = self.out.body.len() as u32;
        let exit = self.out.body.len();
        self.control(Code::ExitIfNone, running);
        self.active = Active::Some(running);
        self.continued.push(Active::None);
        self.breaks.push(None);
        self.block(body)?;
        self.breaks.pop();
        let continued = self.continued.pop().unwrap_or(Active::None);
        self.active = self.or(self.active, continued);
        self.block(continuing)?;
        if let Some(condition) = break_if {
            let condition = self.scalar(condition)?;
            let not = self.not(condition);
            self.active = self.and(self.active, not);
        }
        // write back what changed; first copy what is itself a cell, since writes happen one after the other
        let mut writes = Vec::new();
        for (variable, cells) in &cells {
            let mut now = Vec::new();
            flatten(&self.variables[*variable], &mut now)?;
            for (&cell, &value) in cells.iter().zip(&now) {
                if cell.id != value.id {
                    writes.push((cell, value));
                }
            }
        }
        let still = self.mask(self.active);
        writes.push((running, still));
        let mut sources = Vec::new();
        for &(_, value) in &writes {
            let is_cell = self.out.values[value.id as usize] == Origin::Cell;
            sources.push(if is_cell { self.copy(value, Origin::Body) } else { value });
        }
        for ((cell, _), source) in writes.iter().zip(sources) {
            self.out.body.push(Op { code: Code::Copy, dst: cell.id, args: [source.id; 3], to: 0 });
        }
        let jump = self.out.body.len();
        self.control(Code::Jump, running);
        self.out.body[jump].to = head;
        self.out.body[exit].to = self.out.body.len() as u32;
        // what the loop computed may not have been computed at all
        self.known = known;
        for (variable, scalars) in cells {
            let mut scalars = scalars.into_iter();
            let value = self.variables[variable].clone();
            self.variables[variable] = rebuild(&value, &mut scalars);
        }
        self.active = before;
        if let Some(returned) = self.frame().returned
            && has_return(body)
            && let Value::Scalar(returned) = self.variables[returned]
        {
            let not = self.not(returned);
            self.active = self.and(before, not);
        }
        Ok(())
    }

    fn to_cells(&mut self, value: &Value, cells: &mut Vec<Scalar>) -> Value {
        match value {
            Value::Scalar(s) => {
                let cell = self.cell(*s);
                cells.push(cell);
                Value::Scalar(cell)
            }
            Value::Composite(parts) => {
                Value::Composite(parts.iter().map(|p| self.to_cells(p, cells)).collect())
            }
            Value::Pointer(place) => Value::Pointer(place.clone()),
        }
    }

    fn cell(&mut self, initial: Scalar) -> Scalar {
        self.copy(initial, Origin::Cell)
    }

    fn copy(&mut self, value: Scalar, origin: Origin) -> Scalar {
        let copy = self.value(origin, value.kind);
        self.out.body.push(Op { code: Code::Copy, dst: copy.id, args: [value.id; 3], to: 0 });
        copy
    }

    fn control(&mut self, code: Code, mask: Scalar) {
        self.out.body.push(Op { code, dst: mask.id, args: [mask.id; 3], to: 0 });
    }

    // ---- variables

    fn assign(&mut self, place: &Place, value: Value) -> Res<()> {
        let root = self.variables[place.variable].clone();
        let active = self.active;
        let root = self.written(root, &place.path, &value, active)?;
        self.variables[place.variable] = root;
        Ok(())
    }

    fn written(&mut self, old: Value, path: &[Index], new: &Value, active: Active) -> Res<Value> {
        let Some((first, rest)) = path.split_first() else {
            return match active {
                Active::All => Ok(new.clone()),
                Active::None => Ok(old),
                Active::Some(mask) => self.select_value(mask, new, &old),
            };
        };
        let Value::Composite(mut parts) = old else {
            return Err("an index into a scalar".into());
        };
        match *first {
            Index::Static(k) => {
                let part = parts.get(k).cloned().ok_or("an index out of range")?;
                parts[k] = self.written(part, rest, new, active)?;
            }
            Index::Dynamic(index) => {
                let index = self.clamped(index, parts.len());
                for k in 0..parts.len() {
                    let here = self.constant(k as u32, index.kind);
                    let hit = self.op(Code::EqI, &[index, here], Kind::B);
                    let active = self.and(active, hit);
                    parts[k] = self.written(parts[k].clone(), rest, new, active)?;
                }
            }
        }
        Ok(Value::Composite(parts))
    }

    fn read(&mut self, place: &Place) -> Res<Value> {
        let mut value = self.variables[place.variable].clone();
        for index in &place.path {
            value = match *index {
                Index::Static(k) => part(value, k)?,
                Index::Dynamic(index) => self.pick(value, index)?,
            };
        }
        Ok(value)
    }

    /// The part of a composite that a run-time index names; the nearest one where it is out of range.
    fn pick(&mut self, value: Value, index: Scalar) -> Res<Value> {
        let Value::Composite(parts) = value else {
            return Err("an index into a scalar".into());
        };
        let index = self.clamped(index, parts.len());
        let mut picked = parts[0].clone();
        for (k, part) in parts.iter().enumerate().skip(1) {
            let here = self.constant(k as u32, index.kind);
            let hit = self.op(Code::EqI, &[index, here], Kind::B);
            picked = self.select_value(hit, part, &picked)?;
        }
        Ok(picked)
    }

    fn clamped(&mut self, index: Scalar, len: usize) -> Scalar {
        let last = self.constant(len as u32 - 1, index.kind);
        self.op(Code::MinU, &[index, last], index.kind)
    }

    // ---- expressions

    fn scalar(&mut self, handle: Handle<Ex>) -> Res<Scalar> {
        match self.expression(handle)? {
            Value::Scalar(s) => Ok(s),
            _ => Err("a vector where a scalar is wanted".into()),
        }
    }

    fn expression(&mut self, handle: Handle<Ex>) -> Res<Value> {
        if let Some(value) = self.frame().cache.get(&handle) {
            return Ok(value.clone());
        }
        // only expressions that need no `Emit` come here: literals, constants, arguments, variables
        self.evaluate(handle)
    }

    fn evaluate(&mut self, handle: Handle<Ex>) -> Res<Value> {
        let function = self.frame().function;
        match function.expressions[handle] {
            Ex::FunctionArgument(k) => Ok(self.frame().arguments[k as usize].clone()),
            Ex::LocalVariable(local) => {
                let variable = self.frame().locals.get(&local).copied();
                let variable = variable.ok_or("a variable is used before it is declared")?;
                Ok(Value::Pointer(Place { variable, path: Vec::new() }))
            }
            Ex::Load { pointer } => match self.expression(pointer)? {
                Value::Pointer(place) => self.read(&place),
                _ => Err("a load from something that is not a variable".into()),
            },
            Ex::AccessIndex { base, index } => match self.expression(base)? {
                Value::Pointer(mut place) => {
                    place.path.push(Index::Static(index as usize));
                    Ok(Value::Pointer(place))
                }
                value => part(value, index as usize),
            },
            Ex::Access { base, index } => {
                let index = self.scalar(index)?;
                match self.expression(base)? {
                    Value::Pointer(mut place) => {
                        place.path.push(Index::Dynamic(index));
                        Ok(Value::Pointer(place))
                    }
                    value => self.pick(value, index),
                }
            }
            ref other => self.pure(other.clone(), &mut |s, h| s.expression(h)),
        }
    }

    fn global_expression(&mut self, handle: Handle<Ex>) -> Res<Value> {
        let module = self.module;
        let expression = module.global_expressions[handle].clone();
        self.pure(expression, &mut |s, h| s.global_expression(h))
    }

    /// Expressions that constants may consist of too. `get` evaluates an operand.
    fn pure(
        &mut self,
        expression: Ex,
        get: &mut dyn FnMut(&mut Self, Handle<Ex>) -> Res<Value>,
    ) -> Res<Value> {
        match expression {
            Ex::Literal(literal) => {
                let (bits, kind) = match literal {
                    Literal::F32(v) => (v.to_bits(), Kind::F),
                    Literal::I32(v) => (v as u32, Kind::I),
                    Literal::U32(v) => (v, Kind::U),
                    Literal::Bool(v) => (if v { u32::MAX } else { 0 }, Kind::B),
                    _ => return Err("a number that is not f32, i32, u32 or bool".into()),
                };
                Ok(Value::Scalar(self.constant(bits, kind)))
            }
            Ex::Constant(handle) => self.global_expression(self.module.constants[handle].init),
            Ex::ZeroValue(ty) => self.zero(ty),
            Ex::Compose { ty, components } => {
                let parts = components.iter().map(|&c| get(self, c)).collect::<Res<Vec<_>>>()?;
                // vec4(v.xy, z, w): vectors inside a vector are joined
                if matches!(self.module.types[ty].inner, TypeInner::Vector { .. }) {
                    let mut scalars = Vec::new();
                    for p in &parts {
                        flatten(p, &mut scalars)?;
                    }
                    return Ok(Value::Composite(scalars.into_iter().map(Value::Scalar).collect()));
                }
                Ok(Value::Composite(parts))
            }
            Ex::AccessIndex { base, index } => part(get(self, base)?, index as usize),
            Ex::Access { base, index } => {
                let index = as_scalar(get(self, index)?)?;
                let base = get(self, base)?;
                self.pick(base, index)
            }
            Ex::Splat { size, value } => {
                let value = get(self, value)?;
                Ok(Value::Composite(vec![value; size as usize]))
            }
            Ex::Swizzle { size, vector, pattern } => {
                let vector = get(self, vector)?;
                pattern[..size as usize]
                    .iter()
                    .map(|&c| part(vector.clone(), c as usize))
                    .collect::<Res<_>>()
                    .map(Value::Composite)
            }
            Ex::Unary { op, expr } => {
                let value = get(self, expr)?;
                self.each(&[value], &mut |s, a| s.unary(op, a[0]))
            }
            Ex::Binary { op, left, right } => {
                let (left, right) = (get(self, left)?, get(self, right)?);
                self.each(&[left, right], &mut |s, a| s.binary(op, a[0], a[1]))
            }
            Ex::Select { condition, accept, reject } => {
                let (c, y, n) = (get(self, condition)?, get(self, accept)?, get(self, reject)?);
                match c {
                    Value::Scalar(mask) => self.select_value(mask, &y, &n),
                    c => self.each(&[c, y, n], &mut |s, a| Ok(s.select(a[0], a[1], a[2]))),
                }
            }
            Ex::Relational { fun, argument } => {
                let value = get(self, argument)?;
                let mut scalars = Vec::new();
                flatten(&value, &mut scalars)?;
                let code = match fun {
                    naga::RelationalFunction::All => Code::And,
                    naga::RelationalFunction::Any => Code::Or,
                    _ => return Err("isnan and isinf; test the exponent bits instead".into()),
                };
                let first = scalars[0];
                let all = scalars[1..].iter().fold(first, |a, &b| self.op(code, &[a, b], Kind::B));
                Ok(Value::Scalar(all))
            }
            Ex::Math { fun, arg, arg1, arg2, arg3 } => {
                let mut arguments = vec![get(self, arg)?];
                for argument in [arg1, arg2, arg3].into_iter().flatten() {
                    arguments.push(get(self, argument)?);
                }
                self.math(fun, arguments)
            }
            Ex::As { expr, kind, convert } => {
                let value = get(self, expr)?;
                let to = scalar_kind(kind)?;
                self.each(&[value], &mut |s, a| Ok(s.cast(a[0], to, convert.is_some())))
            }
            _ => Err("an expression that model functions cannot have".into()),
        }
    }

    fn zero(&mut self, ty: Handle<naga::Type>) -> Res<Value> {
        let module = self.module;
        Ok(match &module.types[ty].inner {
            TypeInner::Scalar(s) => {
                let kind = scalar_kind(s.kind)?;
                Value::Scalar(self.constant(0, kind))
            }
            TypeInner::Vector { size, scalar } => {
                let kind = scalar_kind(scalar.kind)?;
                Value::Composite(vec![Value::Scalar(self.constant(0, kind)); *size as usize])
            }
            TypeInner::Array { base, size: naga::ArraySize::Constant(n), .. } => {
                Value::Composite(vec![self.zero(*base)?; n.get() as usize])
            }
            TypeInner::Struct { members, .. } => {
                Value::Composite(members.iter().map(|m| self.zero(m.ty)).collect::<Res<_>>()?)
            }
            _ => {
                return Err(format!(
                    "{} (only scalars, vectors, structures and arrays)",
                    type_name(module, ty)
                ));
            }
        })
    }

    /// Applies `f` to scalars, or to each component of vectors; scalars among the operands are repeated.
    fn each(
        &mut self,
        operands: &[Value],
        f: &mut dyn FnMut(&mut Self, &[Scalar]) -> Res<Scalar>,
    ) -> Res<Value> {
        let width = operands.iter().find_map(|v| match v {
            Value::Composite(parts) => Some(parts.len()),
            _ => None,
        });
        let Some(width) = width else {
            let scalars = operands.iter().cloned().map(as_scalar).collect::<Res<Vec<_>>>()?;
            return f(self, &scalars).map(Value::Scalar);
        };
        let mut parts = Vec::with_capacity(width);
        for k in 0..width {
            let scalars = operands
                .iter()
                .map(|v| match v {
                    Value::Composite(_) => as_scalar(part(v.clone(), k)?),
                    v => as_scalar(v.clone()),
                })
                .collect::<Res<Vec<_>>>()?;
            parts.push(Value::Scalar(f(self, &scalars)?));
        }
        Ok(Value::Composite(parts))
    }

    fn unary(&mut self, op: UnaryOperator, x: Scalar) -> Res<Scalar> {
        let code = match (op, x.kind) {
            (UnaryOperator::Negate, Kind::F) => Code::NegF,
            (UnaryOperator::Negate, _) => Code::NegI,
            (UnaryOperator::LogicalNot | UnaryOperator::BitwiseNot, _) => Code::Not,
        };
        Ok(self.op(code, &[x], x.kind))
    }

    fn binary(&mut self, op: Bin, a: Scalar, b: Scalar) -> Res<Scalar> {
        use Kind::{B, F, I, U};
        let kind = a.kind;
        let (code, swap) = match (op, kind) {
            (Bin::Add, F) => (Code::AddF, false),
            (Bin::Subtract, F) => (Code::SubF, false),
            (Bin::Multiply, F) => (Code::MulF, false),
            (Bin::Divide, F) => (Code::DivF, false),
            (Bin::Modulo, F) => (Code::RemF, false),
            (Bin::Add, I | U) => (Code::AddI, false),
            (Bin::Subtract, I | U) => (Code::SubI, false),
            (Bin::Multiply, I | U) => (Code::MulI, false),
            (Bin::Divide, I) => (Code::DivI, false),
            (Bin::Divide, U) => (Code::DivU, false),
            (Bin::Modulo, I) => (Code::RemI, false),
            (Bin::Modulo, U) => (Code::RemU, false),
            (Bin::And | Bin::LogicalAnd, _) => (Code::And, false),
            (Bin::InclusiveOr | Bin::LogicalOr, _) => (Code::Or, false),
            (Bin::ExclusiveOr, _) => (Code::Xor, false),
            (Bin::ShiftLeft, I | U) => (Code::Shl, false),
            (Bin::ShiftRight, I) => (Code::ShrI, false),
            (Bin::ShiftRight, U) => (Code::ShrU, false),
            (Bin::Equal, F) => (Code::EqF, false),
            (Bin::NotEqual, F) => (Code::NeF, false),
            (Bin::Less, F) => (Code::LtF, false),
            (Bin::LessEqual, F) => (Code::LeF, false),
            (Bin::Greater, F) => (Code::LtF, true),
            (Bin::GreaterEqual, F) => (Code::LeF, true),
            (Bin::Equal, I | U | B) => (Code::EqI, false),
            (Bin::NotEqual, I | U | B) => (Code::NeI, false),
            (Bin::Less, I) => (Code::LtI, false),
            (Bin::LessEqual, I) => (Code::LeI, false),
            (Bin::Greater, I) => (Code::LtI, true),
            (Bin::GreaterEqual, I) => (Code::LeI, true),
            (Bin::Less, U) => (Code::LtU, false),
            (Bin::LessEqual, U) => (Code::LeU, false),
            (Bin::Greater, U) => (Code::LtU, true),
            (Bin::GreaterEqual, U) => (Code::LeU, true),
            _ => return Err(format!("the operator {op:?} on booleans")),
        };
        let compares = matches!(
            op,
            Bin::Equal
                | Bin::NotEqual
                | Bin::Less
                | Bin::LessEqual
                | Bin::Greater
                | Bin::GreaterEqual
        );
        let args = if swap { [b, a] } else { [a, b] };
        Ok(self.op(code, &args, if compares { B } else { kind }))
    }

    fn cast(&mut self, x: Scalar, to: Kind, convert: bool) -> Scalar {
        use Kind::{B, F, I, U};
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

    fn float(&mut self, value: f32) -> Scalar {
        self.constant(value.to_bits(), Kind::F)
    }

    fn math(&mut self, fun: Math, arguments: Vec<Value>) -> Res<Value> {
        if fun == Math::Dot {
            let products =
                self.each(&arguments, &mut |s, a| s.binary(Bin::Multiply, a[0], a[1]))?;
            let mut parts = Vec::new();
            flatten(&products, &mut parts)?;
            let mut sum = parts[0];
            for &p in &parts[1..] {
                sum = self.binary(Bin::Add, sum, p)?;
            }
            return Ok(Value::Scalar(sum));
        }
        self.each(&arguments, &mut |s, a| s.scalar_math(fun, a))
    }

    fn scalar_math(&mut self, fun: Math, a: &[Scalar]) -> Res<Scalar> {
        use Kind::{F, I, U};
        let x = a[0];
        let one = |code| Ok((code, x.kind));
        let (code, kind) = match (fun, x.kind) {
            (Math::Abs, F) => one(Code::AbsF),
            (Math::Abs, I) => one(Code::AbsI),
            (Math::Abs, U) => return Ok(x),
            (Math::Sign, F) => one(Code::SignF),
            (Math::Sign, I) => one(Code::SignI),
            (Math::Min, F) => one(Code::MinF),
            (Math::Max, F) => one(Code::MaxF),
            (Math::Min, I) => one(Code::MinI),
            (Math::Max, I) => one(Code::MaxI),
            (Math::Min, U) => one(Code::MinU),
            (Math::Max, U) => one(Code::MaxU),
            (Math::Clamp, _) => {
                let low = self.scalar_math(Math::Max, &a[..2])?;
                return self.scalar_math(Math::Min, &[low, a[2]]);
            }
            (Math::Saturate, F) => {
                let (zero, unit) = (self.float(0.0), self.float(1.0));
                return self.scalar_math(Math::Clamp, &[x, zero, unit]);
            }
            (Math::Floor, F) => one(Code::FloorF),
            (Math::Ceil, F) => one(Code::CeilF),
            (Math::Round, F) => one(Code::RoundF),
            (Math::Trunc, F) => one(Code::TruncF),
            (Math::Fract, F) => one(Code::FractF),
            (Math::Sqrt, F) => one(Code::SqrtF),
            (Math::InverseSqrt, F) => one(Code::InverseSqrtF),
            (Math::Exp, F) => one(Code::ExpF),
            (Math::Exp2, F) => one(Code::Exp2F),
            (Math::Log, F) => one(Code::LogF),
            (Math::Log2, F) => one(Code::Log2F),
            (Math::Pow, F) => one(Code::PowF),
            (Math::Sin, F) => one(Code::SinF),
            (Math::Cos, F) => one(Code::CosF),
            (Math::Tan, F) => one(Code::TanF),
            (Math::Asin, F) => one(Code::AsinF),
            (Math::Acos, F) => one(Code::AcosF),
            (Math::Atan, F) => one(Code::AtanF),
            (Math::Atan2, F) => one(Code::Atan2F),
            (Math::Sinh, F) => one(Code::SinhF),
            (Math::Cosh, F) => one(Code::CoshF),
            (Math::Tanh, F) => one(Code::TanhF),
            (Math::Asinh, F) => one(Code::AsinhF),
            (Math::Acosh, F) => one(Code::AcoshF),
            (Math::Atanh, F) => one(Code::AtanhF),
            (Math::Radians, F) => {
                let factor = self.float(std::f32::consts::PI / 180.0);
                return self.binary(Bin::Multiply, x, factor);
            }
            (Math::Degrees, F) => {
                let factor = self.float(180.0 / std::f32::consts::PI);
                return self.binary(Bin::Multiply, x, factor);
            }
            (Math::Fma, F) => {
                let product = self.binary(Bin::Multiply, x, a[1])?;
                return self.binary(Bin::Add, product, a[2]);
            }
            (Math::Mix, F) => {
                // x * (1 - t) + y * t
                let unit = self.float(1.0);
                let rest = self.binary(Bin::Subtract, unit, a[2])?;
                let left = self.binary(Bin::Multiply, x, rest)?;
                let right = self.binary(Bin::Multiply, a[1], a[2])?;
                return self.binary(Bin::Add, left, right);
            }
            (Math::Step, F) => {
                let above = self.binary(Bin::LessEqual, x, a[1])?;
                return Ok(self.cast(above, F, true));
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
                return self.binary(Bin::Multiply, square, rest);
            }
            (Math::CountOneBits, I | U) => one(Code::CountOneBits),
            (Math::ReverseBits, I | U) => one(Code::ReverseBits),
            (Math::CountLeadingZeros, I | U) => one(Code::CountLeadingZeros),
            (Math::CountTrailingZeros, I | U) => one(Code::CountTrailingZeros),
            _ => Err(format!("the built-in function {fun:?}")),
        }?;
        Ok(self.op(code, a, kind))
    }
}

fn same(a: Active, b: Active) -> bool {
    match (a, b) {
        (Active::All, Active::All) | (Active::None, Active::None) => true,
        (Active::Some(a), Active::Some(b)) => a.id == b.id,
        _ => false,
    }
}

fn as_scalar(value: Value) -> Res<Scalar> {
    match value {
        Value::Scalar(s) => Ok(s),
        _ => Err("a vector where a scalar is wanted".into()),
    }
}

fn part(value: Value, k: usize) -> Res<Value> {
    match value {
        Value::Composite(parts) => {
            parts.into_iter().nth(k).ok_or_else(|| "an index out of range".into())
        }
        _ => Err("an index into a scalar".into()),
    }
}

/// The same shape with other scalars.
fn rebuild(shape: &Value, scalars: &mut impl Iterator<Item = Scalar>) -> Value {
    match shape {
        Value::Scalar(old) => Value::Scalar(scalars.next().unwrap_or(*old)),
        Value::Composite(parts) => {
            Value::Composite(parts.iter().map(|p| rebuild(p, scalars)).collect())
        }
        Value::Pointer(place) => Value::Pointer(place.clone()),
    }
}

/// Whether any statement, at any depth, satisfies `test`.
fn any_statement(block: &Block, test: &dyn Fn(&St) -> bool) -> bool {
    let inside = |b: &Block| any_statement(b, test);
    block.iter().any(|s| {
        test(s)
            || match s {
                St::Block(b) => inside(b),
                St::If { accept, reject, .. } => inside(accept) || inside(reject),
                St::Switch { cases, .. } => cases.iter().any(|c| inside(&c.body)),
                St::Loop { body, continuing, .. } => inside(body) || inside(continuing),
                _ => false,
            }
    })
}

fn has_loop(block: &Block) -> bool {
    any_statement(block, &|s| matches!(s, St::Loop { .. }))
}

fn has_return(block: &Block) -> bool {
    any_statement(block, &|s| matches!(s, St::Return { .. }))
}

/// Statements after which a lane does not go on with the next one.
fn leaves(statement: &St) -> bool {
    matches!(statement, St::Return { .. } | St::Break | St::Continue)
}
