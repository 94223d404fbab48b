//! Which values of a kernel its compiler may know.

use std::collections::HashMap;

use naga::valid::{FunctionInfo, ModuleInfo};
use naga::{
    AddressSpace, Block, Expression as Ex, Function, Handle, LocalVariable, Module, Statement as St,
};

use super::pin::width;

/// Of each function's expressions, by the numbers of their handles: whether a compiler cannot know it. That is what comes out of a
/// buffer, and what is made of it; results of arithmetic are, since all of it that a compiler might know is fenced.
pub(super) struct Hidden {
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
        let mut arguments: HashMap<Handle<Function>, Vec<bool>> = HashMap::new();
        let mut pass = |function: &Function, hidden: &[bool]| {
            each(&function.body, &mut |statement| {
                if let St::Call { function, arguments: given, .. } = statement {
                    let all = arguments.entry(*function).or_insert_with(|| vec![true; given.len()]);
                    all.iter_mut().zip(given).for_each(|(all, arg)| *all &= hidden[arg.index()]);
                }
            });
        };
        let entries = module.entry_points.iter().enumerate();
        let entries = entries.map(|(k, entry)| {
            let built_in = vec![true; entry.function.arguments.len()];
            let hidden = scopes.hidden(&entry.function, info.get_entry_point(k), &built_in);
            pass(&entry.function, &hidden);
            hidden
        });
        let entries = entries.collect();
        let mut functions = HashMap::new();
        for (handle, function) in module.functions.iter().rev() {
            let known = vec![false; function.arguments.len()];
            let given = arguments.get(&handle).unwrap_or(&known);
            let hidden = scopes.hidden(function, &info[handle], given);
            functions.insert(handle, hidden);
        }
        Self { functions, entries }
    }
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
                let float = |h: Handle<Ex>| width(self.module, info, h).is_some();
                let one = match expression {
                    Ex::FunctionArgument(k) => arguments[*k as usize],
                    Ex::LocalVariable(local) => locals[local.index()],
                    Ex::GlobalVariable(global) => {
                        self.module.global_variables[*global].space != AddressSpace::Private
                    }
                    Ex::Load { pointer: of }
                    | Ex::Access { base: of, .. }
                    | Ex::AccessIndex { base: of, .. }
                    | Ex::Swizzle { vector: of, .. }
                    | Ex::Splat { value: of, .. }
                    | Ex::As { expr: of, convert: None, .. } => is(*of),
                    Ex::Compose { components, .. } => components.iter().all(|&c| is(c)),
                    Ex::Select { accept, reject, .. } => is(*accept) && is(*reject),
                    Ex::Unary { expr, .. } => float(handle) && is(*expr),
                    Ex::Binary { .. } => float(handle),
                    Ex::Math { arg, arg1, arg2, .. } => {
                        let all = [Some(*arg), *arg1, *arg2];
                        float(handle) && all.into_iter().flatten().all(is)
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
                St::Store { pointer, value } => tell(*pointer, hidden[value.index()]),
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

/// Blocks that may be played, or not.
fn inner(statement: &St) -> Vec<&Block> {
    match statement {
        St::If { accept, reject, .. } => vec![accept, reject],
        St::Switch { cases, .. } => cases.iter().map(|case| &case.body).collect(),
        St::Loop { body, continuing, .. } => vec![body, continuing],
        _ => Vec::new(),
    }
}

/// Every statement at any depth.
fn each<'a>(block: &'a Block, visit: &mut dyn FnMut(&'a St)) {
    for statement in block.iter() {
        visit(statement);
        match statement {
            St::Block(block) => each(block, visit),
            statement => inner(statement).into_iter().for_each(|block| each(block, visit)),
        }
    }
}
