//! Makes a kernel compute what the CPU engine computes, to the last bit: built-in functions whose results WGSL leaves open
//! become calls of `shaders/lib/pinned.wgsl` and `builtins.wgsl`.

use std::fmt::Write as _;

use naga::valid::{FunctionInfo, ModuleInfo};
use naga::{
    BinaryOperator, Expression, Function, Handle, MathFunction as Math, Module, ScalarKind,
};

use super::barrier::{barrier, is_barrier};
use super::replace::{Names, Replacement, name_for, names, replace, width};

/// The texts that calls go to. In a kernel they stand before the rest.
const TEXTS: [&str; 6] = [
    include_str!("../../../shaders/lib/barrier.wgsl"),
    include_str!("../../../shaders/lib/bits.wgsl"),
    include_str!("../../../shaders/lib/divide.wgsl"),
    include_str!("../../../shaders/lib/builtins.wgsl"),
    include_str!("../../../shaders/lib/pinned.wgsl"),
    include_str!("../../../shaders/lib/device.wgsl"),
];

/// Built-in functions, with the names of those that replace them and their numbers of arguments.
const FUNCTIONS: [(Math, &str, usize); 32] = [
    (Math::Abs, "abs", 1),
    (Math::Min, "min", 2),
    (Math::Max, "max", 2),
    (Math::Clamp, "clamp", 3),
    (Math::Saturate, "saturate", 1),
    (Math::Cos, "cos", 1),
    (Math::Cosh, "cosh", 1),
    (Math::Sin, "sin", 1),
    (Math::Sinh, "sinh", 1),
    (Math::Tan, "tan", 1),
    (Math::Tanh, "tanh", 1),
    (Math::Acos, "acos", 1),
    (Math::Asin, "asin", 1),
    (Math::Atan, "atan", 1),
    (Math::Atan2, "atan2", 2),
    (Math::Asinh, "asinh", 1),
    (Math::Acosh, "acosh", 1),
    (Math::Atanh, "atanh", 1),
    (Math::Radians, "radians", 1),
    (Math::Degrees, "degrees", 1),
    (Math::Fract, "fract", 1),
    (Math::Exp, "exp", 1),
    (Math::Exp2, "exp2", 1),
    (Math::Log, "log", 1),
    (Math::Log2, "log2", 1),
    (Math::Pow, "pow", 2),
    (Math::Sign, "sign", 1),
    (Math::Fma, "fma", 3),
    (Math::Mix, "mix", 3),
    (Math::Step, "step", 2),
    (Math::SmoothStep, "smoothstep", 3),
    (Math::InverseSqrt, "inverse_sqrt", 1),
];

/// The operator `%` of f32.
const REMAINDER: (&str, usize) = ("rem", 2);
const DOT: &str = "dot";
/// Conversions of f32.
const TO_I32: &str = "to_i32";
const TO_U32: &str = "to_u32";
/// Division and square root, where a device needs help with them.
const QUOTIENT: (&str, usize) = ("divide", 2);
const ROOT: (&str, usize) = ("sqrt", 1);
/// Arithmetic, where a device's compiler may reorder it.
const SUM: (&str, usize) = ("opaque_sum", 2);
const DIFFERENCE: (&str, usize) = ("opaque_difference", 2);
const PRODUCT: (&str, usize) = ("opaque_product", 2);
const OPAQUE_QUOTIENT: (&str, usize) = ("opaque_quotient", 2);
const OPAQUE_ROOT: (&str, usize) = ("opaque_root", 1);
/// `!=`, which naga takes for false where either is NaN.
const UNEQUAL: (&str, usize) = ("unequal", 2);
const BARRIER: (&str, usize) = ("barrier", 1);
const NEGATIVE: (&str, usize) = ("opaque_negative", 1);
const OPAQUE: [(&str, usize); 7] =
    [SUM, DIFFERENCE, PRODUCT, OPAQUE_QUOTIENT, OPAQUE_ROOT, NEGATIVE, BARRIER];

/// Operations of integers that SPIR-V leaves open at some operands, or compilers: shifts by more than there are bits, a range whose
/// bounds are in the wrong order, the size of the least number, which is itself. Names, numbers of arguments, and what WGSL says.
const WHOLE: [(&str, usize, &str); 4] = [
    ("abs", 1, "(a ^ (a >> T(31u))) - (a >> T(31u))"),
    ("shift_left", 2, "a << (b & T(31u))"),
    ("shift_right", 2, "a >> (b & T(31u))"),
    ("clamp", 3, "min(max(a, b), c)"),
];

/// What a kernel's text needs before it: the functions for scalars, and for vectors by components.
pub(super) fn library() -> String {
    let mut text = TEXTS.join("\n");
    for (name, count, value) in WHOLE {
        for kind in ["i32", "u32"] {
            for width in 1..=4usize {
                let of = |kind: &str| match width {
                    1 => kind.to_string(),
                    width => format!("vec{width}<{kind}>"),
                };
                let other = if count == 2 { "u32" } else { kind };
                let parameters = ["a", "b", "c"][..count].iter().enumerate();
                let parameters = parameters.map(|(k, letter)| {
                    format!("{letter}: {}", of(if k == 0 { kind } else { other }))
                });
                let parameters = parameters.collect::<Vec<_>>().join(", ");
                let name = name_for(&format!("{name}_{kind}"), &vec![width; count]);
                let value = value.replace('T', &of("u32"));
                let _ =
                    writeln!(text, "fn {name}({parameters}) -> {} {{ return {value}; }}", of(kind));
            }
        }
    }
    let functions = FUNCTIONS.iter().map(|&(_, name, count)| (name, count));
    for width in 2..=4usize {
        let components = &["x", "y", "z", "w"][..width];
        let others = [REMAINDER, QUOTIENT, ROOT].into_iter().chain(OPAQUE);
        for (name, count) in functions.clone().chain(others) {
            vectors(&mut text, name, components, &vec![true; count], "f32");
        }
        vectors(&mut text, UNEQUAL.0, components, &[true; 2], "bool");
        vectors(&mut text, TO_I32, components, &[true], "i32");
        vectors(&mut text, TO_U32, components, &[true], "u32");
        vectors(&mut text, "mix", components, &[true, true, false], "f32");
        for is_vector in [[true, false], [false, true]] {
            vectors(&mut text, PRODUCT.0, components, &is_vector, "f32");
        }
        let products = components.iter().map(|c| format!("a.{c} * b.{c}"));
        let sum = products.reduce(|sum, product| format!("({sum}) + {product}"));
        let _ = writeln!(
            text,
            "fn {}(a: vec{width}<f32>, b: vec{width}<f32>) -> f32 {{ return {}; }}",
            name_for(DOT, &[width; 2]),
            sum.unwrap_or_default()
        );
    }
    text
}

/// A function of vectors, component by component; those arguments that are no vectors are the same for all.
fn vectors(text: &mut String, name: &str, components: &[&str], is_vector: &[bool], result: &str) {
    let width = components.len();
    let letters = ["a", "b", "c"];
    let arguments = || letters.into_iter().zip(is_vector);
    let parameters = arguments().map(|(letter, &vector)| {
        if vector { format!("{letter}: vec{width}<f32>") } else { format!("{letter}: f32") }
    });
    let parameters = parameters.collect::<Vec<_>>().join(", ");
    let calls =
        components.iter().map(|component| {
            let parts = arguments().map(|(letter, &vector)| {
                if vector { format!("{letter}.{component}") } else { letter.into() }
            });
            format!("pinned_{name}({})", parts.collect::<Vec<_>>().join(", "))
        });
    let calls = calls.collect::<Vec<_>>().join(", ");
    let widths: Vec<usize> = is_vector.iter().map(|&v| if v { width } else { 1 }).collect();
    let full = name_for(name, &widths);
    let _ = writeln!(
        text,
        "fn {full}({parameters}) -> vec{width}<{result}> {{ return vec{width}<{result}>({calls}); }}"
    );
}

/// What a device does as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ExactOperations {
    /// Whether it rounds quotients exactly.
    pub division: bool,
    /// Whether it rounds square roots exactly.
    pub root: bool,
    /// Whether its compiler is told to keep the order of operations.
    pub order: bool,
}

impl ExactOperations {
    /// Those of a device that needs no help.
    pub(super) const EXACT: Self = Self { division: true, root: true, order: true };
}

/// Replaces the built-in functions in all functions and entry points, and what is not exact on the device. The module has
/// the library in it.
pub(super) fn rewrite(module: &mut Module, info: &ModuleInfo, exact: ExactOperations) {
    let names = names(module);
    let targets: Vec<Vec<Replacement>> = module
        .functions
        .iter()
        .map(|(handle, function)| {
            if is_barrier(function) {
                return Vec::new();
            }
            let mut found = replacements(module, &names, function, &info[handle], exact);
            // some use what they stand for
            found.retain(|call| call.function != handle);
            found
        })
        .chain(module.entry_points.iter().enumerate().map(|(k, entry)| {
            replacements(module, &names, &entry.function, info.get_entry_point(k), exact)
        }))
        .collect();
    let functions = module.functions.iter_mut().map(|(_, function)| function);
    let entries = module.entry_points.iter_mut().map(|entry| &mut entry.function);
    for (function, targets) in functions.chain(entries).zip(targets) {
        let calls = targets.into_iter().map(|call| (call.result, vec![call])).collect();
        replace(function, &calls);
    }
    barrier(module, info, exact.order);
}

fn replacements(
    module: &Module,
    names: &Names,
    function: &Function,
    info: &FunctionInfo,
    exact: ExactOperations,
) -> Vec<Replacement> {
    let whole = |name: &str, result: Handle<Expression>, arguments: Vec<Handle<Expression>>| {
        let inner = info[result].ty.inner_with(&module.types);
        let kind = if inner.scalar()?.kind == ScalarKind::Sint { "i32" } else { "u32" };
        let width = inner.vector_size_and_scalar()?.0.map_or(1, |size| size as usize);
        let name = name_for(&format!("{name}_{kind}"), &vec![width; arguments.len()]);
        Some(Replacement { function: *names.get(&name)?, arguments, result })
    };
    let mut found = Vec::new();
    for (handle, expression) in function.expressions.iter() {
        let (name, arguments) = match *expression {
            Expression::As { expr, kind: ScalarKind::Sint, convert: Some(4) } => {
                (TO_I32, vec![expr])
            }
            Expression::As { expr, kind: ScalarKind::Uint, convert: Some(4) } => {
                (TO_U32, vec![expr])
            }
            Expression::Binary {
                op: op @ (BinaryOperator::ShiftLeft | BinaryOperator::ShiftRight),
                left,
                right,
            } if !matches!(function.expressions[right], Expression::Literal(_)) => {
                let name = match op {
                    BinaryOperator::ShiftLeft => "shift_left",
                    _ => "shift_right",
                };
                found.extend(whole(name, handle, vec![left, right]));
                continue;
            }
            Expression::Math { fun: Math::Abs, arg, .. }
                if info[arg].ty.inner_with(&module.types).scalar_kind()
                    == Some(ScalarKind::Sint) =>
            {
                found.extend(whole("abs", handle, vec![arg]));
                continue;
            }
            Expression::Math {
                fun: Math::Clamp, arg, arg1: Some(low), arg2: Some(high), ..
            } if width(module, info, arg).is_none() => {
                found.extend(whole("clamp", handle, vec![arg, low, high]));
                continue;
            }
            Expression::Math { fun, arg, arg1, arg2, .. } => {
                let name = match fun {
                    Math::Dot => Some(DOT),
                    Math::Sqrt if !exact.root => Some(ROOT.0),
                    Math::Sqrt => (!exact.order).then_some(OPAQUE_ROOT.0),
                    fun => FUNCTIONS.iter().find(|(f, ..)| *f == fun).map(|&(_, name, _)| name),
                };
                let arguments = [Some(arg), arg1, arg2].into_iter().flatten().collect();
                let Some(name) = name else { continue };
                (name, arguments)
            }
            Expression::Binary { op: BinaryOperator::Modulo, left, right } => {
                (REMAINDER.0, vec![left, right])
            }
            Expression::Binary { op: BinaryOperator::Divide, left, right } if !exact.division => {
                (QUOTIENT.0, vec![left, right])
            }
            Expression::Binary { op: BinaryOperator::NotEqual, left, right } if !exact.order => {
                (UNEQUAL.0, vec![left, right])
            }
            _ => continue,
        };
        let arguments: Vec<Handle<Expression>> = arguments;
        let widths: Option<Vec<usize>> =
            arguments.iter().map(|&a| width(module, info, a)).collect();
        let target = widths.and_then(|widths| names.get(&name_for(name, &widths)));
        if let Some(&function) = target {
            found.push(Replacement { function, arguments, result: handle });
        }
    }
    found
}
