//! Hides from a device's compiler what it could take for something else.
//!
//! Compilers that know a zero make `x * 0.0` zero and `x + 0.0` x, whatever x is, and leave open what `x / 0.0` is: lavapipe does,
//! though it is told to keep arithmetic as it stands. They know more zeros than a text has, of loops that they unroll, of
//! arguments, of variables that nothing was written to. So an operand that they may know goes through `pinned_barrier`, which makes
//! it unknown, but for numbers other than zero.

use std::collections::HashMap;

use naga::valid::{FunctionInfo, ModuleInfo};
use naga::{
    BinaryOperator as Bin, Block, Constant, Expression as Ex, Function, Handle, Literal,
    LocalVariable, Module, Span, Statement as St, UnaryOperator,
};

use super::known::{Hidden, each, is_number};
use super::replace::{Names, Replacement, name_for, names, replace, width};

/// Puts optimisation barriers around sums, differences, products and quotients in a module that has the library in it: all of them, with their results, or
/// with `order`, where the compiler keeps the order of operations, those with such operands. `info` is of the module as it was
/// parsed.
pub(super) fn barrier(module: &mut Module, info: &ModuleInfo, order: bool) {
    let names = names(module);
    let hidden = Hidden::of(module, info);
    let mut found = Vec::new();
    for (handle, function) in module.functions.iter() {
        let hidden = hidden.functions.get(&handle).filter(|_| !is_barrier(function));
        found.push(hidden.map_or_else(Vec::new, |hidden| {
            Scope { module, function, info: &info[handle], hidden }.opaque(&names, order)
        }));
    }
    for (k, entry) in module.entry_points.iter().enumerate() {
        let (function, info) = (&entry.function, info.get_entry_point(k));
        let scope = Scope { module, function, info, hidden: &hidden.entries[k] };
        found.push(scope.opaque(&names, order));
    }
    let functions = module.functions.iter_mut().map(|(_, function)| function);
    let entries = module.entry_points.iter_mut().map(|entry| &mut entry.function);
    for (function, found) in functions.chain(entries).zip(found) {
        let calls: HashMap<Handle<Ex>, Vec<Replacement>> =
            found.into_iter().map(|arithmetic| arithmetic.calls(function)).collect();
        replace(function, &calls);
    }
    for (number, by) in [(-1.0, "pinned_minus_one"), (-0.0, "pinned_minus_zero")] {
        let Some(&by) = names.get(by) else { continue };
        let constants = module.constants.iter();
        let constants = constants
            .filter(|(_, constant)| is_literal(&module.global_expressions[constant.init], number));
        let constants: Vec<Handle<Constant>> = constants.map(|(handle, _)| handle).collect();
        let functions = module.functions.iter_mut().map(|(_, function)| function);
        let entries = module.entry_points.iter_mut().map(|entry| &mut entry.function);
        functions.chain(entries).for_each(|function| hide(function, number, &constants, by));
    }
}

fn is_literal(expression: &Ex, number: f32) -> bool {
    matches!(expression, Ex::Literal(Literal::F32(x)) if x.to_bits() == number.to_bits())
}

/// Hides a number wherever it is no operand: of a choice between -1 and 0 compilers make `-f32(c)`, which is -0 where c is false, of
/// one between 1 and -0 `f32(c)`.
fn hide(
    function: &mut Function,
    number: f32,
    constants: &[Handle<Constant>],
    by: Handle<Function>,
) {
    let expressions = &function.expressions;
    let is_it = |handle: &Handle<Ex>| match &expressions[*handle] {
        Ex::Constant(constant) => constants.contains(constant),
        expression => is_literal(expression, number),
    };
    let mut used: Vec<Handle<Ex>> = Vec::new();
    for (_, expression) in expressions.iter() {
        match expression {
            Ex::Select { accept, reject, .. } => used.extend([accept, reject]),
            Ex::Splat { value, .. } => used.push(*value),
            Ex::Compose { components, .. } => used.extend(components),
            _ => {}
        }
    }
    each(&function.body, &mut |statement| match statement {
        St::Store { value, .. } | St::Return { value: Some(value) } => used.push(*value),
        St::Call { arguments, .. } => used.extend(arguments),
        _ => {}
    });
    let begun = function
        .local_variables
        .iter()
        .filter_map(|(local, variable)| Some((local, variable.init?)));
    let begun: Vec<(Handle<LocalVariable>, Handle<Ex>)> = begun.collect();
    // what variables begin with is known, so they are written to instead
    let (begun, fixed): (Vec<_>, Vec<_>) = begun.into_iter().partition(|(_, init)| is_it(init));
    used.extend(begun.iter().map(|(_, init)| init));
    used.retain(is_it);
    used.sort_by_key(|handle| handle.index());
    used.dedup();
    for (_, init) in fixed {
        if let Ex::Compose { components, .. } = &expressions[init] {
            used.retain(|handle| !components.contains(handle));
        }
        if let Ex::Splat { value, .. } = expressions[init] {
            used.retain(|handle| *handle != value);
        }
    }
    if used.is_empty() {
        return;
    }
    let mut body = Block::new();
    for &handle in &used {
        function.expressions[handle] = Ex::CallResult(by);
        let call = St::Call { function: by, arguments: Vec::new(), result: Some(handle) };
        body.push(call, Span::UNDEFINED);
    }
    for (local, init) in begun {
        let pointer = function.expressions.append(Ex::LocalVariable(local), Span::UNDEFINED);
        function.local_variables[local].init = None;
        body.push(St::Store { pointer, value: init }, Span::UNDEFINED);
    }
    body.append(&mut function.body);
    function.body = body;
}

/// Whether it is one of the functions that are called for arithmetic, which stays as it is in them.
pub(super) fn is_barrier(function: &Function) -> bool {
    function.name.as_deref().is_some_and(|name| name.starts_with("pinned_opaque_"))
}

/// A function with what is known of it.
struct Scope<'a> {
    module: &'a Module,
    function: &'a Function,
    info: &'a FunctionInfo,
    hidden: &'a [bool],
}

impl Scope<'_> {
    fn opaque(&self, names: &Names, order: bool) -> Vec<Arithmetic> {
        let mut found = Vec::new();
        for (handle, expression) in self.function.expressions.iter() {
            if let Ex::Unary { op: UnaryOperator::Negate, expr } = *expression {
                found.extend(self.negative(names, handle, expr, order));
                continue;
            }
            let Ex::Binary { op, left, right } = *expression else { continue };
            let name = match op {
                Bin::Add => "opaque_sum",
                Bin::Subtract => "opaque_difference",
                Bin::Multiply => "opaque_product",
                Bin::Divide => "opaque_quotient",
                _ => continue,
            };
            let operand = |value: Handle<Ex>| {
                let width = width(self.module, self.info, value)?;
                let known =
                    !self.hidden[value.index()] && !is_number(self.module, self.function, value);
                let barrier = names.get(&name_for("barrier", &[width])).copied();
                Some((width, Operand { value, barrier: barrier.filter(|_| known) }))
            };
            let (Some((a, left)), Some((b, right))) = (operand(left), operand(right)) else {
                continue;
            };
            let known = left.barrier.is_some() || right.barrier.is_some();
            let numbers = is_number(self.module, self.function, left.value)
                && is_number(self.module, self.function, right.value);
            let function = names.get(&name_for(name, &[a, b])).copied();
            if let Some(function) = function.filter(|_| known || numbers || !order) {
                found.push(Arithmetic { handle, function, operands: vec![left, right] });
            }
        }
        found
    }

    /// The negative of what may be known, which would be known, too; and of all where sums are not kept, lest `x + -x` be 0.
    fn negative(
        &self,
        names: &Names,
        handle: Handle<Ex>,
        value: Handle<Ex>,
        order: bool,
    ) -> Option<Arithmetic> {
        let open = !order || !self.hidden[value.index()];
        let width = width(self.module, self.info, value).filter(|_| open)?;
        let function = *names.get(&name_for("opaque_negative", &[width]))?;
        Some(Arithmetic { handle, function, operands: vec![Operand { value, barrier: None }] })
    }
}

struct Operand {
    value: Handle<Ex>,
    /// The function that hides it, where that is to be.
    barrier: Option<Handle<Function>>,
}

/// A sum, difference, product, quotient or negative, and the function that takes its place.
struct Arithmetic {
    handle: Handle<Ex>,
    function: Handle<Function>,
    operands: Vec<Operand>,
}

impl Arithmetic {
    /// Its calls in the function that it is in, the last of which gives its result.
    fn calls(self, function: &mut Function) -> (Handle<Ex>, Vec<Replacement>) {
        let mut calls = Vec::new();
        let span = function.expressions.get_span(self.handle);
        let arguments = self.operands.into_iter().map(|Operand { value, barrier }| {
            let Some(barrier) = barrier else { return value };
            let result = function.expressions.append(Ex::CallResult(barrier), span);
            calls.push(Replacement { function: barrier, arguments: vec![value], result });
            result
        });
        let (result, arguments) = (self.handle, arguments.collect());
        calls.push(Replacement { function: self.function, arguments, result });
        (result, calls)
    }
}

#[cfg(test)]
mod tests {
    use super::super::adapters::DeviceLimits;
    use super::super::agreed::CLOCK;
    use super::super::bit_exact::ExactOperations;
    use super::super::kernels::{KernelTarget, parse};

    /// Calls of barriers in `advance`, whose body this is.
    fn barriers(body: &str, order: bool) -> usize {
        let text = format!(
            "{CLOCK}
            @group(0) @binding(1) var<storage, read_write> arena: array<u32>;
            struct In {{ x: f32, y: f32, k: i32 }}
            fn scaled(a: f32, b: f32) -> f32 {{ return a * b; }}
            fn advance(in: In) -> f32 {{ {body} }}
            @compute @workgroup_size(1) fn main() {{
                let in = In(bitcast<f32>(arena[0]), bitcast<f32>(arena[1]), i32(arena[2]));
                arena[0] = bitcast<u32>(advance(in));
            }}"
        );
        let exact = ExactOperations { order, ..ExactOperations::EXACT };
        let target =
            KernelTarget { exact, workgroup_size: 1, device_limits: DeviceLimits::unlimited(1) };
        let kernel = parse("test".into(), &text, &[], target).unwrap();
        let text = naga::back::wgsl::write_string(
            &kernel.module,
            &crate::model::validate(&kernel.module).unwrap(),
            naga::back::wgsl::WriterFlags::empty(),
        );
        let text = text.unwrap();
        let calls = text.lines().filter(|line| line.contains("= pinned_barrier(")).count();
        calls + text.lines().filter(|line| line.contains("= pinned_opaque_")).count()
    }

    #[test]
    fn only_what_is_known_is_fenced() {
        for body in [
            "return in.x * 2.0 + in.y / in.x - clock.dt;",
            "return scaled(in.x, in.y + 1.0);",
            "var y = in.x; for (var k = 0; k < 3; k++) { y = y * 0.5 + in.y; } return y;",
            "if in.k > 3 { return -in.x * in.y; } return abs(in.x) * in.y;",
            "let v = vec2<f32>(in.x, in.y) * 0.1; return v.x + v.y;",
        ] {
            assert_eq!(barriers(body, true), 0, "{body}");
            assert!(barriers(body, false) > 1, "{body}");
        }
        for body in [
            "return in.x * 0.0;",
            "return in.x - (-0.0);",
            "return scaled(in.x, 0.0);",
            "var y: f32; return in.x * y;",
            "var y: f32; if in.k > 3 { y = in.y; } return in.x * y;",
            "var y = in.x; y = 0.0; return in.x * y;",
            "return in.x * f32(in.k);",
            "return in.x * select(0.0, 1.0, in.k > 3);",
            "return in.x * bitcast<f32>(in.k - in.k);",
            "let a = 1.5; let b = 1.5; return a - b;",
            "let v = array<f32, 2>(in.x, 0.0); return in.x * v[1];",
        ] {
            assert!(barriers(body, true) > 0, "{body}");
        }
    }
}
