//! What naga finds wrong with a text, as its author is to read it: at the offending expression, in the text's words, and
//! without what the library has behind the text.

use std::ops::Range;

use naga::front::wgsl::ParseError;
use naga::valid::{CallError, ComposeError, ExpressionError, FunctionError, ValidationError};
use naga::{Block, Expression as Ex, Function, Handle, Module, Span, Statement as St, TypeInner};

use super::validity::Invalid;

/// What is wrong, where in the text, and what would be right, where that is known.
pub(super) struct Diagnosis {
    pub message: String,
    pub offset: usize,
    pub help: String,
}

/// Of a text that cannot be parsed; `own` bytes of it are the user's.
pub(super) fn of_syntax(error: &ParseError, text: &str, own: usize) -> Diagnosis {
    let labels = || error.labels().filter_map(|(span, label)| Some((span.to_range()?, label)));
    let owned = || labels().filter(|(range, _)| range.start < own);
    // the expression of another type, before what asks for its type; then what is said, before what it is about
    let chosen = owned()
        .find(|(_, label)| label.starts_with("this expression"))
        .or_else(|| owned().find(|(_, label)| !label.is_empty()))
        .or_else(|| owned().next());
    let (mut message, mut help) = (error.message().to_string(), notes(error));
    // whether the message says all that there is to say
    let mut whole = false;
    for (range, _) in labels().filter(|(range, _)| range.end > own) {
        // what was found instead of something goes on behind the user's text, or begins there
        let found = text.get(range.clone()).unwrap_or_default();
        let left = text.get(range.start..own.max(range.start)).unwrap_or_default();
        let left = match left.lines().next().unwrap_or_default().trim() {
            "" => "the end of the text".to_string(),
            left => format!("\"{left}\""),
        };
        message =
            message.replace(&format!("{found:?}"), &left).replace(&format!("\"{found}\""), &left);
        if message.starts_with("redefinition of") {
            message.push_str(", which the library has");
            (help, whole) = ("give yours another name".into(), true);
        }
    }
    if message == "internal WGSL front end error" {
        // its parser says no more where it has gone down too deep, such as into types
        (message, whole) = ("it is nested too deep for the parser".into(), true);
    } else if message.contains("f16") {
        (message, help, whole) = ("`f16` values are not supported".into(), NUMBERS.into(), true);
    } else if let Some((_, reason)) = help.split_once("scalar type: ") {
        // a number that its type does not have
        (message, help, whole) = (reason.to_string(), String::new(), true);
    }
    let operator = operator(&message);
    if let Some((sign, types)) = &operator {
        message = format!("`{sign}` does not go with operands of type {types}");
    }
    match chosen {
        Some((range, label)) => {
            let said = whole || matches!(label, "" | "see msg") || message.contains(label);
            let label = if said { String::new() } else { format!(" ({label})") };
            Diagnosis { message: message + &label, offset: range.start, help }
        }
        None => {
            let beyond = labels().next().map(|_| own);
            let sign = || text[..own].find(operator?.0);
            Diagnosis { message, offset: beyond.or_else(sign).unwrap_or(0), help }
        }
    }
}

/// The notes, without types that no variable has.
fn notes(error: &ParseError) -> String {
    let (types, notes): (Vec<&str>, Vec<&str>) =
        error.notes().partition(|note| note.starts_with("allowed type: "));
    let foreign = ["Abstract", "16", "64"];
    let types: Vec<&str> = types
        .into_iter()
        .filter_map(|note| note.strip_prefix("allowed type: "))
        .filter(|ty| !foreign.iter().any(|word| ty.contains(word)))
        .collect();
    [notes.join(" "), types.join(", ")].join(" ").trim().to_string()
}

/// The operator whose operands do not fit, and those of their types that are known; naga has no place for it.
fn operator(message: &str) -> Option<(&'static str, String)> {
    let (name, types) = message.strip_prefix("Incompatible operands: ")?.split_once('(')?;
    let (_, sign) = OPERATORS.into_iter().find(|(known, _)| *known == name)?;
    let types = types.trim_end_matches(')').split(", ").filter(|ty| *ty != "_");
    Some((sign, types.collect::<Vec<_>>().join(" and ")))
}

const NUMBERS: &str = "numbers are f32, i32, u32 or bool";

const OPERATORS: [(&str, &str); 18] = [
    ("Add", "+"),
    ("Subtract", "-"),
    ("Multiply", "*"),
    ("Divide", "/"),
    ("Modulo", "%"),
    ("Equal", "=="),
    ("NotEqual", "!="),
    ("Less", "<"),
    ("LessEqual", "<="),
    ("Greater", ">"),
    ("GreaterEqual", ">="),
    ("And", "&"),
    ("ExclusiveOr", "^"),
    ("InclusiveOr", "|"),
    ("LogicalAnd", "&&"),
    ("LogicalOr", "||"),
    ("ShiftLeft", "<<"),
    ("ShiftRight", ">>"),
];

/// Of a module whose types do not fit; `own` bytes of its text are the user's.
pub(super) fn of_types(error: &Invalid, module: &Module, text: &str, own: usize) -> Diagnosis {
    let inner = error.as_inner();
    let found = match inner {
        ValidationError::Function { handle, source, .. } => {
            let span = module.functions.get_span(*handle);
            Some((&module.functions[*handle], span, source))
        }
        ValidationError::EntryPoint {
            name,
            source: naga::valid::EntryPointError::Function(source),
            ..
        } => {
            let entry = module.entry_points.iter().find(|entry| entry.name == *name);
            entry.map(|entry| (&entry.function, Span::UNDEFINED, source))
        }
        _ => None,
    };
    let message =
        found.and_then(|(function, _, source)| OwnWords { module, function, text }.of(source));
    let message = message.unwrap_or_else(|| innermost(inner));
    let help = if message.contains("f64") { NUMBERS } else { "" };
    // an argument's own place is where it is declared
    let body = found.map_or(0, |(_, span, _)| {
        let start = span.to_range().map_or(0, |range| range.start);
        text[start..].find('{').map_or(start, |at| start + at)
    });
    let spans = error.spans().filter_map(|(span, _)| span.to_range()).filter(|r| r.start < own);
    let spans: Vec<Range<usize>> = spans.collect();
    let smallest =
        |from: usize| spans.iter().filter(|r| r.start >= from).min_by_key(|r| r.len()).cloned();
    let statement = || {
        let (function, _, source) = found?;
        statement_of(&function.body, source)?.to_range()
    };
    let part = found.and_then(|(function, _, source)| part(function, source)?.to_range());
    let place = part.or_else(|| smallest(body)).or_else(statement).or_else(|| smallest(0));
    Diagnosis { message, offset: place.map_or(0, |range| range.start), help: help.into() }
}

/// The part of a value that is of another type.
fn part(function: &Function, error: &FunctionError) -> Option<Span> {
    let FunctionError::Expression { handle, source } = error else { return None };
    let ExpressionError::Compose(ComposeError::ComponentType { index }) = source else {
        return None;
    };
    let Ex::Compose { components, .. } = &function.expressions[*handle] else { return None };
    let part = *components.get(*index as usize)?;
    // an argument's own place is where it is declared
    let declared = matches!(function.expressions[part], Ex::FunctionArgument(_));
    (!declared).then(|| function.expressions.get_span(part))
}

/// What the innermost of its causes says, without naga's numbers and flags.
fn innermost(error: &ValidationError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let text = cause.to_string();
    if let Some((kind, _)) = text.split_once(" values requires the `naga::") {
        return format!("{kind} values are not supported").replace("Using ", "");
    }
    let words = text.split(' ').filter(|word| !word.trim_matches(['(', ')', ',']).starts_with('['));
    words.collect::<Vec<_>>().join(" ")
}

/// A function in the words of its text.
struct OwnWords<'a> {
    module: &'a Module,
    function: &'a Function,
    text: &'a str,
}

impl OwnWords<'_> {
    fn of(&self, error: &FunctionError) -> Option<String> {
        Some(match error {
            FunctionError::InvalidReturnType { expression: None, .. } => {
                "not every way through the function returns a value".into()
            }
            FunctionError::InvalidReturnType { expression: Some(value), .. } => {
                let wanted = self.function.result.as_ref().map(|result| self.name(result.ty));
                format!(
                    "{} is returned, which is not of type `{}`",
                    self.quote(*value),
                    wanted.unwrap_or_default()
                )
            }
            FunctionError::InvalidStoreTypes { pointer, value } => {
                format!("{} is not of the type of {}", self.quote(*value), self.quote(*pointer))
            }
            FunctionError::InvalidStorePointer(pointer) => {
                format!("{} cannot be written", self.quote(*pointer))
            }
            FunctionError::InvalidIfType(value) => format!("{} is not a bool", self.quote(*value)),
            FunctionError::ConflictingSwitchCase(naga::SwitchValue::I32(value)) => {
                format!("a `switch` has the case {value} twice")
            }
            FunctionError::ConflictingSwitchCase(naga::SwitchValue::U32(value)) => {
                format!("a `switch` has the case {value} twice")
            }
            FunctionError::InvalidCall { function, error } => {
                let callee = &self.module.functions[*function];
                let name = callee.name.as_deref().unwrap_or_default();
                match error {
                    CallError::ArgumentCount { required, seen } => {
                        format!("`{name}` takes {required} values, not {seen}")
                    }
                    CallError::ArgumentType { index, required, seen_expression } => format!(
                        "{} is not of type `{}`, which argument {} of `{name}` is",
                        self.quote(*seen_expression),
                        self.name(*required),
                        index + 1
                    ),
                    _ => return None,
                }
            }
            FunctionError::Expression { handle, source } => {
                return self.expression(*handle, source);
            }
            _ => return None,
        })
    }

    fn expression(&self, handle: Handle<Ex>, error: &ExpressionError) -> Option<String> {
        let whole = self.quote(handle);
        Some(match error {
            ExpressionError::InvalidBinaryOperandTypes {
                lhs_expr,
                lhs_type,
                rhs_expr,
                rhs_type,
                ..
            } => {
                format!(
                    "{whole} of different types: {} is {}, {} is {}",
                    self.quote(*lhs_expr),
                    self.kind(lhs_type),
                    self.quote(*rhs_expr),
                    self.kind(rhs_type)
                )
            }
            ExpressionError::InvalidUnaryOperandType(_, operand) => {
                format!("{whole} of a type that it does not go with: {}", self.quote(*operand))
            }
            ExpressionError::Compose(ComposeError::ComponentCount { given, expected }) => {
                format!("{whole} has {given} values, not {expected}")
            }
            ExpressionError::Compose(ComposeError::ComponentType { index }) => {
                format!("value {} of {whole} is of another type", index + 1)
            }
            ExpressionError::IndexOutOfBounds(base, index) => {
                format!("index {index} is beyond the end of {}", self.quote(*base))
            }
            ExpressionError::ShiftAmountTooLarge { .. } => {
                format!("{whole} shifts by all bits and more")
            }
            ExpressionError::DivideByZero => format!("{whole} is a division by zero"),
            _ => return None,
        })
    }

    /// An expression as the text has it.
    fn quote(&self, handle: Handle<Ex>) -> String {
        let name = match self.function.expressions[handle] {
            Ex::FunctionArgument(k) => {
                self.function.arguments.get(k as usize).and_then(|argument| argument.name.clone())
            }
            Ex::LocalVariable(local) => self.function.local_variables[local].name.clone(),
            Ex::Load { pointer } => return self.quote(pointer),
            _ => None,
        };
        let span = self.function.expressions.get_span(handle).to_range();
        let text = span.and_then(|range| self.text.get(range)).unwrap_or("this");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("`{}`", name.unwrap_or(text))
    }

    fn name(&self, ty: Handle<naga::Type>) -> String {
        let ty = &self.module.types[ty];
        ty.name.clone().unwrap_or_else(|| self.kind(&ty.inner))
    }

    fn kind(&self, ty: &TypeInner) -> String {
        let scalar = |scalar: &naga::Scalar| match scalar.kind {
            naga::ScalarKind::Float => "f32",
            naga::ScalarKind::Sint => "i32",
            naga::ScalarKind::Uint => "u32",
            naga::ScalarKind::Bool => "bool",
            _ => "a number",
        };
        match ty {
            TypeInner::Scalar(s) => scalar(s).into(),
            TypeInner::Vector { size, scalar: s } => format!("vec{}<{}>", *size as u8, scalar(s)),
            TypeInner::Array { .. } => "an array".into(),
            TypeInner::Matrix { .. } => "a matrix".into(),
            TypeInner::Struct { .. } => "a structure".into(),
            _ => "another".into(),
        }
    }
}

/// The statement that an error is about, where its expressions have no place of their own.
fn statement_of(block: &Block, error: &FunctionError) -> Option<Span> {
    let about = |statement: &St| match (statement, error) {
        (
            St::Store { pointer, value },
            FunctionError::InvalidStoreTypes { pointer: p, value: v },
        ) => (pointer, value) == (p, v),
        (St::Return { value }, FunctionError::InvalidReturnType { expression, .. }) => {
            value.is_some() && value == expression
        }
        (St::If { condition, .. }, FunctionError::InvalidIfType(value)) => condition == value,
        (St::Switch { cases, .. }, FunctionError::ConflictingSwitchCase(value)) => {
            cases.iter().filter(|case| case.value == *value).count() > 1
        }
        _ => false,
    };
    block.span_iter().find_map(|(statement, span)| {
        if about(statement) {
            return Some(*span);
        }
        let inside = |block: &Block| statement_of(block, error);
        match statement {
            St::Block(block) => inside(block),
            St::If { accept, reject, .. } => inside(accept).or_else(|| inside(reject)),
            St::Switch { cases, .. } => cases.iter().find_map(|case| inside(&case.body)),
            St::Loop { body, continuing, .. } => inside(body).or_else(|| inside(continuing)),
            _ => None,
        }
    })
}
