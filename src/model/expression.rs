//! A WGSL expression of a node's variables as a program of its own.

use super::members::Members;
use super::program::{Feed, Program, Sink, Unit};
use super::{Kind, library, parse, prefix, written};
use crate::error::{Error, Location, Result, quoted};
use crate::scalar::Access;

/// A variable that an expression may name.
pub(crate) struct Named {
    pub name: String,
    pub kind: Kind,
}

/// Lines of the function's text before the expression.
const LINES_BEFORE: usize = 2;

const PREFIX: &str = "x0";

/// What the clock and the element give, by name.
const SURROUNDINGS: [(&str, Kind, Feed); 4] = [
    ("t", Kind::F32, Feed::Time),
    ("dt", Kind::F32, Feed::Dt),
    ("i", Kind::U32, Feed::Step),
    ("element", Kind::U32, Feed::Element),
];

/// The program of an expression, of the first of the kinds that its type allows. In its feeds `State(Element, k)` is the
/// variable `k`; its only sink is the value, 0 or 1 where it is bool. `what` says what the expression is for.
pub(crate) fn expression(
    what: &str,
    text: &str,
    variables: &[Named],
    kinds: &[Kind],
) -> Result<Program> {
    // the text is to stay within its parentheses
    if let Some(at) = text.find([';', '{', '}']) {
        return Err(Error::ModelSyntax {
            model: what.into(),
            message: "a statement where an expression should be".into(),
            location: Box::new(Location::of("expression", text, at)),
            help: "leave `;`, `{` and `}` out".into(),
        });
    }
    let mut first = None;
    for &kind in kinds {
        match of_kind(what, text, variables, kind) {
            Ok(program) => return Ok(program),
            Err(error) => {
                first.get_or_insert(error);
            }
        }
    }
    Err(first.unwrap_or_else(|| written::broken(what, "no type is allowed for it")))
}

fn of_kind(what: &str, text: &str, variables: &[Named], kind: Kind) -> Result<Program> {
    let used: Vec<&str> = library::words(text).collect();
    let mut arguments: Vec<(&str, Kind, Feed)> = Vec::new();
    let own = variables.iter().enumerate();
    let own = own.map(|(k, v)| (v.name.as_str(), v.kind, Feed::State(Unit::Element, k)));
    for (name, kind, feed) in own.chain(SURROUNDINGS) {
        if used.contains(&name) && arguments.iter().all(|(n, ..)| *n != name) {
            arguments.push((name, kind, feed));
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
    let module = parse(what, "expression", &source).map_err(|error| placed(error, variables))?;
    let written = prefix::prefixed(&module, PREFIX).map_err(|e| written::broken(what, &e))?;
    let mut members = Members::default();
    let mut values: Vec<String> =
        arguments.iter().map(|&(_, kind, feed)| members.word(feed, kind)).collect();
    if shared {
        values.push(members.shared(&format!("{PREFIX}_Shared")));
    }
    if random {
        values.push(members.structure(&format!("{PREFIX}_Random"), &Feed::RANDOM));
    }
    let call = format!("{PREFIX}_value({})", values.join(", "));
    let (result, result_kind) = match kind {
        Kind::Bool => (format!("select(0u, 1u, {call})"), Kind::U32),
        kind => (call, kind),
    };
    let (feeds, kinds, declaration) = members.finish();
    let text = format!(
        "{written}\n{declaration}\nstruct Out {{\n    out0: {},\n}}\n\n\
         fn advance(in: In) -> Out {{\n    return Out({result});\n}}\n",
        result_kind.name()
    );
    let module = written::parsed(what, &text)?;
    let program = Program {
        name: what.into(),
        text,
        module,
        prefixes: vec![PREFIX.into()],
        models: Vec::new(),
        feeds,
        feed_kinds: kinds,
        sinks: vec![Sink::Value(0)],
        sink_kinds: vec![kind],
    };
    // what one engine cannot run, no engine runs: systems move between them
    program.lower(&(0..program.feeds.len()).map(Access::Stream).collect::<Vec<_>>())?;
    Ok(program)
}

/// The error with its place in the user's expression, and with the names that there are.
fn placed(error: Error, variables: &[Named]) -> Error {
    let Error::ModelSyntax { model, message, mut location, help } = error else { return error };
    location.line = location.line.saturating_sub(LINES_BEFORE).max(1);
    let names: Vec<String> = variables.iter().map(|v| v.name.clone()).collect();
    let surroundings = SURROUNDINGS.map(|(name, ..)| name.to_string());
    let names = [names, surroundings.to_vec(), vec!["h".into(), "r".into()]].concat();
    let names = quoted(&names);
    let there = format!("an expression may name {names}");
    let help = if help.is_empty() { there } else { format!("{help}; {there}") };
    Error::ModelSyntax { model, message, location, help }
}
