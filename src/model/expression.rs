//! A WGSL expression of a node's variables as a program of its own.

use std::sync::Arc;

use naga::Module;
use naga::valid::ModuleInfo;

use super::members::Members;
use super::parse::parse;
use super::prefix::Prefixed;
use super::program::{Program, ProgramArgument, ProgramResult, Unit};
use super::source::SourceText;
use super::supported::CheckedText;
use super::{emitted, library, text};
use crate::error::{Error, Location, Result, quoted};
use crate::terms::Kind;

/// A variable that an expression may name.
pub(crate) struct Named {
    pub name: String,
    pub kind: Kind,
}

/// Lines of the function's text before the expression.
const LINES_BEFORE: usize = 2;

const PREFIX: &str = "x0";

/// What the clock and the element give, by name.
const SURROUNDINGS: [(&str, Kind, ProgramArgument); 4] = [
    ("t", Kind::F32, ProgramArgument::Time),
    ("dt", Kind::F32, ProgramArgument::Dt),
    ("i", Kind::U32, ProgramArgument::Step),
    ("element", Kind::U32, ProgramArgument::Element),
];

/// The program of an expression, of the first of the kinds that its type allows. In its arguments `State(Element, k)` is the
/// variable `k`; its only result is the value, 0 or 1 where it is bool. `what` says what the expression is for.
pub(crate) fn expression(
    what: &str,
    source: &str,
    variables: &[Named],
    kinds: &[Kind],
) -> Result<Program> {
    // the text is to stay within its parentheses
    let wrong = |at: usize, message: &str, help: &str| Error::ModelSyntax {
        model: what.into(),
        message: message.into(),
        location: Box::new(Location::of("expression", source, at)),
        help: help.into(),
    };
    if let Some(at) = source.find([';', '{', '}']) {
        let message = "a statement where an expression should be";
        return Err(wrong(at, message, "leave `;`, `{` and `}` out"));
    }
    if let Some(at) = text::swallowing(source) {
        let help = "a comment ends, or has a line of its own; a whole quotient is `floor(a / b)`";
        return Err(wrong(at, "a comment takes the rest of the expression", help));
    }
    if let Some(at) = text::unopened(source) {
        return Err(wrong(at, "a `)` without its `(`", ""));
    }
    let mut first = None;
    for &kind in kinds {
        match of_kind(what, source, variables, kind) {
            Ok(program) => return Ok(program),
            Err(error) => {
                first.get_or_insert(error);
            }
        }
    }
    Err(first.unwrap_or_else(|| emitted::broken(what, "no type is allowed for it")))
}

fn of_kind(what: &str, text: &str, variables: &[Named], kind: Kind) -> Result<Program> {
    let used: Vec<&str> = library::words(text).collect();
    let mut arguments: Vec<(&str, Kind, ProgramArgument)> = Vec::new();
    let own = variables.iter().enumerate();
    let own = own.map(|(k, v)| (v.name.as_str(), v.kind, ProgramArgument::State(Unit::Element, k)));
    for (name, kind, program_argument) in own.chain(SURROUNDINGS) {
        if used.contains(&name) && arguments.iter().all(|(n, ..)| *n != name) {
            arguments.push((name, kind, program_argument));
        }
    }
    let shared = used.contains(&"h") && arguments.iter().all(|(n, ..)| *n != "h");
    let random = used.contains(&"r") && arguments.iter().all(|(n, ..)| *n != "r");
    let mut list: Vec<String> =
        arguments.iter().map(|(name, kind, _)| format!("{name}: {}", kind.name())).collect();
    if shared {
        list.push("h: Shared".into());
    }
    if random {
        list.push("r: Random".into());
    }
    let source =
        format!("fn value({}) -> {} {{\nreturn (\n{text}\n);\n}}\n", list.join(", "), kind.name());
    let own = |error| placed(error, text, variables);
    let (module, info) = parse(what, "expression", &source).map_err(own)?;
    let program = composed(what, text, kind, (&module, &info), &arguments, [shared, random]);
    program.or_else(|error| {
        // the place is in the text before it was composed
        let source = CheckedText { name: what, file: "expression", text: &source };
        source.supported(&module, "value", &[]).map_err(own)?;
        Err(error)
    })
}

/// The program around the function `value` of a module, which takes these arguments, and `Shared` and `Random` where it wants them.
fn composed(
    what: &str,
    given: &str,
    kind: Kind,
    (module, info): (&Module, &ModuleInfo),
    arguments: &[(&str, Kind, ProgramArgument)],
    [shared, random]: [bool; 2],
) -> Result<Program> {
    let written = Prefixed::new(module, info, PREFIX).map_err(|e| emitted::broken(what, &e))?.text;
    let mut members = Members::default();
    let mut values: Vec<String> = arguments
        .iter()
        .map(|&(_, kind, program_argument)| members.word(program_argument, kind))
        .collect();
    if shared {
        values.push(members.shared(&format!("{PREFIX}_Shared")));
    }
    if random {
        values.push(
            members.structure(&format!("{PREFIX}_Random"), &ProgramArgument::random(Unit::Element)),
        );
    }
    let call = format!("{PREFIX}_value({})", values.join(", "));
    let (result, result_kind) = match kind {
        Kind::Bool => (format!("select(0u, 1u, {call})"), Kind::U32),
        kind => (call, kind),
    };
    let (program_arguments, kinds, declaration) = members.finish();
    let text = format!(
        "{written}\n{declaration}\nstruct Out {{\n    out0: {},\n}}\n\n\
         fn advance(in: In) -> Out {{\n    return Out({result});\n}}\n",
        result_kind.name()
    );
    let (name, file) = (what.into(), "expression".into());
    let program = Program {
        name: what.into(),
        given: Some(SourceText { name, file, text: given.into() }),
        module: emitted::parsed(what, &text)?,
        text,
        entry: "advance",
        operations: Arc::default(),
        prefixes: vec![PREFIX.into()],
        models: Vec::new(),
        program_arguments,
        argument_kinds: kinds,
        program_results: vec![ProgramResult::Value(0)],
        result_kinds: vec![kind],
    };
    program.with_operations(&[])
}

/// The error with its place in the user's expression, and with the names that there are.
fn placed(mut error: Error, source: &str, variables: &[Named]) -> Error {
    let (Error::ModelSyntax { location: ref mut place, .. }
    | Error::ModelContract { location: ref mut place, .. }
    | Error::Unsupported { location: Some(ref mut place), .. }) = error
    else {
        return error;
    };
    place.line = place.line.saturating_sub(LINES_BEFORE).max(1);
    let beyond = place.line > source.lines().count();
    if beyond {
        **place = Location::of("expression", source, source.trim_end().len());
    }
    if let Error::ModelSyntax { message, help, .. } = &mut error {
        if beyond {
            // what closes the parentheses around it
            *message = message.replace("\")\"", "the end of the expression");
        }
        if message.contains("no definition in scope") {
            let names = variables.iter().map(|v| v.name.clone());
            let surroundings = SURROUNDINGS.map(|(name, ..)| name).into_iter().chain(["h", "r"]);
            let names: Vec<String> = names.chain(surroundings.map(String::from)).collect();
            *help = format!("an expression may name {}", quoted(&names));
        }
    }
    error
}
