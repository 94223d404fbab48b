//! Hides from a device's compiler what it could take for something else.
//!
//! Compilers that know a zero make `x * 0.0` zero and `x + 0.0` x, whatever x is, and leave open what `x / 0.0` is: lavapipe does,
//! though it is told to keep arithmetic as it stands. They know more zeros than a text has, of loops that they unroll, of
//! arguments, of variables that nothing was written to. So an operand that they may know goes through `pinned_fence`, which makes
//! it unknown, but for numbers other than zero.

use std::collections::HashMap;

use naga::valid::{FunctionInfo, ModuleInfo};
use naga::{BinaryOperator as Bin, Expression as Ex, Function, Handle, Literal, Module};

use super::known::Hidden;
use super::pin::{Names, Replacement, name_for, names, replace, width};

/// Fences sums, differences, products and quotients in a module that has the library in it: all of them, with their results, or
/// with `order`, where the compiler keeps the order of operations, those with such operands. `info` is of the module as it was
/// parsed.
pub(super) fn fence(module: &mut Module, info: &ModuleInfo, order: bool) {
    let names = names(module);
    let hidden = Hidden::of(module, info);
    let mut found = Vec::new();
    for (handle, function) in module.functions.iter() {
        let scope =
            Scope { module, function, info: &info[handle], hidden: &hidden.functions[&handle] };
        // those that are called for it are what they stand for
        let own = function.name.as_deref().is_some_and(|name| name.starts_with("pinned_fenced_"));
        found.push(if own { Vec::new() } else { scope.fenced(&names, order) });
    }
    for (k, entry) in module.entry_points.iter().enumerate() {
        let (function, info) = (&entry.function, info.get_entry_point(k));
        let scope = Scope { module, function, info, hidden: &hidden.entries[k] };
        found.push(scope.fenced(&names, order));
    }
    let functions = module.functions.iter_mut().map(|(_, function)| function);
    let entries = module.entry_points.iter_mut().map(|entry| &mut entry.function);
    for (function, found) in functions.chain(entries).zip(found) {
        let calls: HashMap<Handle<Ex>, Vec<Replacement>> =
            found.into_iter().map(|arithmetic| arithmetic.calls(function)).collect();
        replace(function, &calls);
    }
}

/// A function with what is known of it.
struct Scope<'a> {
    module: &'a Module,
    function: &'a Function,
    info: &'a FunctionInfo,
    hidden: &'a [bool],
}

impl Scope<'_> {
    fn fenced(&self, names: &Names, order: bool) -> Vec<Arithmetic> {
        let mut found = Vec::new();
        for (handle, expression) in self.function.expressions.iter() {
            let Ex::Binary { op, left, right } = *expression else { continue };
            let name = match op {
                Bin::Add => "fenced_sum",
                Bin::Subtract => "fenced_difference",
                Bin::Multiply => "fenced_product",
                Bin::Divide => "fenced_quotient",
                _ => continue,
            };
            let operand = |value: Handle<Ex>| {
                let width = width(self.module, self.info, value)?;
                let known = !self.hidden[value.index()] && !self.is_number(value);
                let fence = names.get(&name_for("fence", &[width])).copied();
                Some((width, Operand { value, fence: fence.filter(|_| known) }))
            };
            let (Some((a, left)), Some((b, right))) = (operand(left), operand(right)) else {
                continue;
            };
            let known = left.fence.is_some() || right.fence.is_some();
            let numbers = self.is_number(left.value) && self.is_number(right.value);
            let function = names.get(&name_for(name, &[a, b])).copied();
            if let Some(function) = function.filter(|_| known || numbers || !order) {
                found.push(Arithmetic { handle, function, operands: [left, right] });
            }
        }
        found
    }

    /// A number that is not zero, or a vector of such.
    fn is_number(&self, handle: Handle<Ex>) -> bool {
        let number = |literal: &Literal| matches!(literal, Literal::F32(x) if *x != 0.0);
        match &self.function.expressions[handle] {
            Ex::Literal(literal) => number(literal),
            Ex::Constant(constant) => {
                let value = &self.module.global_expressions[self.module.constants[*constant].init];
                matches!(value, Ex::Literal(literal) if number(literal))
            }
            Ex::Splat { value, .. } => self.is_number(*value),
            Ex::Compose { components, .. } => components.iter().all(|&c| self.is_number(c)),
            _ => false,
        }
    }
}

struct Operand {
    value: Handle<Ex>,
    /// The function that hides it, where that is to be.
    fence: Option<Handle<Function>>,
}

/// A sum, difference, product or quotient, and the function that takes its place.
struct Arithmetic {
    handle: Handle<Ex>,
    function: Handle<Function>,
    operands: [Operand; 2],
}

impl Arithmetic {
    /// Its calls in the function that it is in, the last of which gives its result.
    fn calls(self, function: &mut Function) -> (Handle<Ex>, Vec<Replacement>) {
        let mut calls = Vec::new();
        let span = function.expressions.get_span(self.handle);
        let arguments = self.operands.map(|Operand { value, fence }| {
            let Some(fence) = fence else { return value };
            let result = function.expressions.append(Ex::CallResult(fence), span);
            calls.push(Replacement { function: fence, arguments: vec![value], result });
            result
        });
        let (result, arguments) = (self.handle, arguments.to_vec());
        calls.push(Replacement { function: self.function, arguments, result });
        (result, calls)
    }
}
