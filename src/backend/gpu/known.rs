//! Which values of a kernel its compiler may know.

use std::collections::HashMap;

use naga::valid::{FunctionInfo, ModuleInfo};
use naga::{
    AddressSpace, BinaryOperator as StepOp, Block, Expression as Ex, Function, Handle, Literal,
    LocalVariable, Module, ScalarKind, Statement as St, TypeInner,
};

/// Of each function's expressions, by the numbers of their handles: whether a compiler cannot know the floats of it. That is what
/// comes out of a buffer, and what is made of it; results of arithmetic are, since all of it that a compiler might know is opaque.
/// Of integers that are members of something it does not matter.
pub(super) struct Hidden {
    /// Of those that are called.
    pub functions: HashMap<Handle<Function>, Vec<bool>>,
    pub entries: Vec<Vec<bool>>,
}

impl Hidden {
    pub(super) fn of(module: &Module, info: &ModuleInfo) -> Self {
        let mut scopes = Scopes { module, results: HashMap::new() };
        // those that are called come first
        for (handle, function) in module.functions.iter() {
            let returned = |known| {
                let arguments = vec![known; function.arguments.len()];
                let hidden = scopes.hidden(function, &info[handle], &arguments);
                let mut all = true;
                each(&function.body, &mut |statement| {
                    if let St::Return { value: Some(value) } = statement {
                        all &= hidden[value.index()];
                    }
                });
                all
            };
            let results = [returned(false), returned(true)];
            scopes.results.insert(handle, results);
        }
        // and those that call last: their arguments are known to be hidden in all calls
        let mut given = GivenArguments::new();
        let mut entries = Vec::new();
        for (k, entry) in module.entry_points.iter().enumerate() {
            let built_in = vec![true; entry.function.arguments.len()];
            let hidden = scopes.hidden(&entry.function, info.get_entry_point(k), &built_in);
            pass(&entry.function, &hidden, &mut given);
            entries.push(hidden);
        }
        let mut functions = HashMap::new();
        for (handle, function) in module.functions.iter().rev() {
            // what nothing calls is left out later
            let Some(arguments) = given.get(&handle) else { continue };
            let hidden = scopes.hidden(function, &info[handle], arguments);
            pass(function, &hidden, &mut given);
            functions.insert(handle, hidden);
        }
        Self { functions, entries }
    }
}

/// Whether each argument of a function is hidden in all calls of it.
type GivenArguments = HashMap<Handle<Function>, Vec<bool>>;

fn pass(function: &Function, hidden: &[bool], given: &mut GivenArguments) {
    each(&function.body, &mut |statement| {
        if let St::Call { function, arguments, .. } = statement {
            let all = given.entry(*function).or_insert_with(|| vec![true; arguments.len()]);
            all.iter_mut().zip(arguments).for_each(|(all, arg)| *all &= hidden[arg.index()]);
        }
    });
}

struct Scopes<'a> {
    module: &'a Module,
    /// Whether what each function returns is hidden: where its arguments are not, and where they are.
    results: HashMap<Handle<Function>, [bool; 2]>,
}

impl Scopes<'_> {
    fn hidden(&self, function: &Function, info: &FunctionInfo, arguments: &[bool]) -> Vec<bool> {
        let mut calls = HashMap::new();
        each(&function.body, &mut |statement| {
            if let St::Call { function, arguments, result: Some(result) } = statement {
                calls.insert(*result, (*function, arguments.clone()));
            }
        });
        let mut locals = vec![true; function.local_variables.len()];
        Unwritten { function, written: vec![false; locals.len()], found: &mut locals }
            .block(&function.body);
        // what is written to variables depends on what is read from them
        loop {
            let mut hidden = Vec::with_capacity(function.expressions.len());
            for (handle, expression) in function.expressions.iter() {
                let is = |h: Handle<Ex>| hidden.get(h.index()).copied().unwrap_or(false);
                // of two, one at most is a number
                let both = |a: Handle<Ex>, b: Handle<Ex>| {
                    let number = |h| is_number(self.module, function, h);
                    is(a) && (is(b) || number(b)) || is(b) && number(a)
                };
                let one = match expression {
                    _ if self.is_from_buffer(function, handle) => true,
                    Ex::FunctionArgument(k) => arguments[*k as usize],
                    Ex::LocalVariable(local) => locals[local.index()],
                    Ex::Load { pointer: of }
                    | Ex::Access { base: of, .. }
                    | Ex::AccessIndex { base: of, .. }
                    | Ex::Swizzle { vector: of, .. }
                    | Ex::Splat { value: of, .. }
                    | Ex::As { expr: of, convert: None, .. } => is(*of),
                    Ex::Compose { components, .. } => {
                        components.iter().all(|&c| is(c) || is_whole(self.module, info, c))
                    }
                    Ex::Select { accept, reject, .. } => both(*accept, *reject),
                    Ex::Binary { op, left, right } if is_whole(self.module, info, handle) => {
                        match op {
                            StepOp::Add | StepOp::InclusiveOr => is(*left) || is(*right),
                            StepOp::Multiply | StepOp::And => both(*left, *right),
                            StepOp::ShiftLeft | StepOp::ShiftRight => is(*left),
                            _ => false,
                        }
                    }
                    // those that a compiler might know are opaque
                    Ex::Unary { expr, .. } => !is_whole(self.module, info, handle) || is(*expr),
                    Ex::Binary { .. } => true,
                    Ex::Math { arg, arg1, arg2, .. } => {
                        [Some(*arg), *arg1, *arg2].into_iter().flatten().all(is)
                    }
                    Ex::CallResult(_) => calls.get(&handle).is_some_and(|(function, given)| {
                        let all = given.iter().all(|&g| is(g));
                        self.results.get(function).is_some_and(|r| r[usize::from(all)])
                    }),
                    _ => false,
                };
                hidden.push(one);
            }
            let mut changed = false;
            let mut tell = |pointer: Handle<Ex>, value: bool| {
                if let Some(local) = root(function, pointer)
                    && !value
                {
                    changed |= std::mem::replace(&mut locals[local.index()], false);
                }
            };
            each(&function.body, &mut |statement| match statement {
                St::Store { pointer, value } => {
                    let of_all = matches!(function.expressions[*pointer], Ex::LocalVariable(_));
                    let of_none = !of_all && is_whole(self.module, info, *value);
                    tell(*pointer, of_none || hidden[value.index()]);
                }
                // who has a pointer may write
                St::Call { arguments, .. } => arguments.iter().for_each(|&arg| tell(arg, false)),
                _ => {}
            });
            if !changed {
                return hidden;
            }
        }
    }
}

impl Scopes<'_> {
    /// Whether it is read out of a buffer as it stands, or out of what the shells around programs fill from buffers: the variables
    /// of an element, the clock, and the argument of a program.
    fn is_from_buffer(&self, function: &Function, handle: Handle<Ex>) -> bool {
        let is_words = |ty: Handle<naga::Type>| {
            let ty = match self.module.types[ty].inner {
                TypeInner::Pointer { base, .. } => base,
                _ => ty,
            };
            self.module.types[ty].name.as_deref() == Some("Words")
        };
        match function.expressions[handle] {
            Ex::Load { pointer: of }
            | Ex::Access { base: of, .. }
            | Ex::AccessIndex { base: of, .. } => self.is_from_buffer(function, of),
            Ex::GlobalVariable(global) => {
                let global = &self.module.global_variables[global];
                global.space != AddressSpace::Private || global.name.as_deref() == Some("clock")
            }
            Ex::FunctionArgument(k) => {
                is_words(function.arguments[k as usize].ty)
                    || function.name.as_deref() == Some("advance")
            }
            Ex::LocalVariable(local) => is_words(function.local_variables[local].ty),
            _ => false,
        }
    }
}

/// Whether it is a number that is not zero, or a vector of such: that may be known.
pub(super) fn is_number(module: &Module, function: &Function, handle: Handle<Ex>) -> bool {
    let number = |literal: &Literal| match literal {
        Literal::F32(x) => *x != 0.0,
        Literal::U32(x) => *x != 0,
        _ => false,
    };
    match &function.expressions[handle] {
        Ex::Literal(literal) => number(literal),
        Ex::Constant(constant) => {
            let value = &module.global_expressions[module.constants[*constant].init];
            matches!(value, Ex::Literal(literal) if number(literal))
        }
        Ex::Splat { value, .. } => is_number(module, function, *value),
        Ex::Compose { components, .. } => {
            components.iter().all(|&c| is_number(module, function, c))
        }
        _ => false,
    }
}

/// Whether it consists of integers or truths.
fn is_whole(module: &Module, info: &FunctionInfo, handle: Handle<Ex>) -> bool {
    let scalar = info[handle].ty.inner_with(&module.types).scalar();
    scalar.is_some_and(|scalar| scalar.kind != ScalarKind::Float)
}

/// The variable that a pointer is into.
fn root(function: &Function, pointer: Handle<Ex>) -> Option<Handle<LocalVariable>> {
    match function.expressions[pointer] {
        Ex::LocalVariable(local) => Some(local),
        Ex::Access { base, .. } | Ex::AccessIndex { base, .. } => root(function, base),
        _ => None,
    }
}

/// Finds the variables that may be read before they are written, which are zero or a constant then.
struct Unwritten<'a> {
    function: &'a Function,
    /// Those that are written where the walk is.
    written: Vec<bool>,
    /// Becomes false for those that are found.
    found: &'a mut [bool],
}

impl Unwritten<'_> {
    fn block(&mut self, block: &Block) {
        for statement in block.iter() {
            match statement {
                St::Emit(range) => {
                    for handle in range.clone() {
                        if let Ex::Load { pointer } = self.function.expressions[handle]
                            && let Some(local) = root(self.function, pointer)
                        {
                            self.found[local.index()] &= self.written[local.index()];
                        }
                    }
                }
                St::Store { pointer, .. } => {
                    if let Ex::LocalVariable(local) = self.function.expressions[*pointer] {
                        self.written[local.index()] = true;
                    }
                }
                St::Block(block) => self.block(block),
                statement => {
                    for block in inner(statement) {
                        let before = self.written.clone();
                        self.block(block);
                        self.written = before;
                    }
                }
            }
        }
    }
}

/// Blocks that may be executed, or not.
fn inner(statement: &St) -> Vec<&Block> {
    match statement {
        St::If { accept, reject, .. } => vec![accept, reject],
        St::Switch { cases, .. } => cases.iter().map(|case| &case.body).collect(),
        St::Loop { body, continuing, .. } => vec![body, continuing],
        _ => Vec::new(),
    }
}

/// Every statement at any depth.
pub(super) fn each<'a>(block: &'a Block, visit: &mut dyn FnMut(&'a St)) {
    for statement in block.iter() {
        visit(statement);
        match statement {
            St::Block(block) => each(block, visit),
            statement => inner(statement).into_iter().for_each(|block| each(block, visit)),
        }
    }
}
