//! Puts calls in the place of expressions.

use std::collections::HashMap;

use naga::valid::FunctionInfo;
use naga::{Block, Expression, Function, Handle, Module, Range, ScalarKind, Statement, TypeInner};

/// The functions of a module by their names.
pub(super) type Names = HashMap<String, Handle<Function>>;

pub(super) fn names(module: &Module) -> Names {
    let functions = module.functions.iter();
    functions.filter_map(|(handle, function)| Some((function.name.clone()?, handle))).collect()
}

/// The name of the function for arguments of these widths.
pub(super) fn name_for(name: &str, widths: &[usize]) -> String {
    if widths.iter().all(|&w| w == 1) {
        return format!("pinned_{name}");
    }
    let widths: Vec<String> = widths.iter().map(ToString::to_string).collect();
    format!("pinned_{name}_of_{}_wide", widths.join("_"))
}

/// A call that takes an expression's place.
pub(super) struct Replacement {
    pub function: Handle<Function>,
    pub arguments: Vec<Handle<Expression>>,
    pub result: Handle<Expression>,
}

/// Calls where expressions were: for each the last call gives its value, those before are arguments.
pub(super) fn replace(
    function: &mut Function,
    calls: &HashMap<Handle<Expression>, Vec<Replacement>>,
) {
    for (&handle, calls) in calls {
        if let Some(last) = calls.last() {
            function.expressions[handle] = Expression::CallResult(last.function);
        }
    }
    if !calls.is_empty() {
        let body = std::mem::take(&mut function.body);
        function.body = rewritten(body, calls);
    }
}

/// The block with a call statement where each replaced expression was evaluated.
fn rewritten(block: Block, calls: &HashMap<Handle<Expression>, Vec<Replacement>>) -> Block {
    let mut out = Block::with_capacity(block.len());
    for (statement, &span) in block.span_iter() {
        match statement {
            Statement::Emit(range) => {
                let mut kept: Option<(Handle<Expression>, Handle<Expression>)> = None;
                let flush = |out: &mut Block, kept: &mut Option<_>| {
                    if let Some((first, last)) = kept.take() {
                        out.push(Statement::Emit(Range::new_from_bounds(first, last)), span);
                    }
                };
                for handle in range.clone() {
                    let Some(calls) = calls.get(&handle) else {
                        kept = Some((kept.map_or(handle, |(first, _)| first), handle));
                        continue;
                    };
                    flush(&mut out, &mut kept);
                    for call in calls {
                        let (function, arguments) = (call.function, call.arguments.clone());
                        let result = Some(call.result);
                        out.push(Statement::Call { function, arguments, result }, span);
                    }
                }
                flush(&mut out, &mut kept);
            }
            Statement::Block(inner) => {
                out.push(Statement::Block(rewritten(inner.clone(), calls)), span);
            }
            Statement::If { condition, accept, reject } => {
                let accept = rewritten(accept.clone(), calls);
                let reject = rewritten(reject.clone(), calls);
                out.push(Statement::If { condition: *condition, accept, reject }, span);
            }
            Statement::Switch { selector, cases } => {
                let cases = cases.iter().map(|case| naga::SwitchCase {
                    body: rewritten(case.body.clone(), calls),
                    ..*case
                });
                let cases = cases.collect();
                out.push(Statement::Switch { selector: *selector, cases }, span);
            }
            Statement::Loop { body, continuing, break_if } => {
                let body = rewritten(body.clone(), calls);
                let continuing = rewritten(continuing.clone(), calls);
                out.push(Statement::Loop { body, continuing, break_if: *break_if }, span);
            }
            other => out.push(other.clone(), span),
        }
    }
    out
}

/// The width of a vector of f32, 1 for a scalar.
pub(super) fn width(
    module: &Module,
    info: &FunctionInfo,
    handle: Handle<Expression>,
) -> Option<usize> {
    match info[handle].ty.inner_with(&module.types) {
        TypeInner::Scalar(s) if s.kind == ScalarKind::Float => Some(1),
        TypeInner::Vector { size, scalar } if scalar.kind == ScalarKind::Float => {
            Some(*size as usize)
        }
        _ => None,
    }
}
