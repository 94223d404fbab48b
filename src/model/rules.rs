//! What a model wants of its parameters: the members of what its function `rules` returns, each with the expression that the
//! model's text has for it.

use naga::{Block, Expression, Function, Handle, Scalar, Span, Statement, StructMember, TypeInner};

use super::contract::Checker;
use super::inner::{Argument, ModelMember, Rule};
use crate::error::Result;

impl Checker<'_> {
    /// The rules of a model with these parameters, whose function `rules` takes these arguments.
    pub(super) fn rules(
        &self,
        params: &[ModelMember],
        arguments: Option<&[Argument]>,
    ) -> Result<Vec<Rule>> {
        let Some(handle) = self.structure_handle("Rules") else { return Ok(Vec::new()) };
        let arguments = arguments.unwrap_or_default();
        let functions = self.module.functions.iter().map(|(_, function)| function);
        let function = functions.into_iter().find(|f| f.name.as_deref() == Some("rules"));
        let Some(function) = function.filter(|_| !arguments.is_empty()) else {
            return Err(self.error(
                "there is a structure `Rules`, but no function `rules` of parameters".into(),
                self.word_span("Rules"),
                "add `fn rules(p: Params, sh: Shared) -> Rules`, which tells what rules they keep",
            ));
        };
        let TypeInner::Struct { members, .. } = &self.module.types[handle].inner else {
            return Ok(Vec::new());
        };
        let spans = returned(function);
        // how the text calls what the function takes
        let called = |wanted: Argument| {
            let at = arguments.iter().position(|argument| *argument == wanted)?;
            function.arguments[at].name.as_deref()
        };
        let rule = |(k, member): (usize, &StructMember)| {
            let name = member.name.clone().unwrap_or_default();
            if self.module.types[member.ty].inner != TypeInner::Scalar(Scalar::BOOL) {
                return Err(self.error(
                    format!("member `{name}` of `Rules` is no bool"),
                    self.member_span("Rules", &name),
                    "each member tells whether the parameters keep a rule",
                ));
            }
            let range = spans.get(k).and_then(|span| span.to_range());
            let text = range.clone().and_then(|range| self.source.get(range));
            let reads = |argument: Option<&str>, member: &str| {
                argument.is_some_and(|a| names(text.unwrap_or_default(), &format!("{a}.{member}")))
            };
            let own = called(Argument::Params);
            let mut read: Vec<usize> =
                (0..params.len()).filter(|&k| reads(own, &params[k].name)).collect();
            let mut dt = reads(called(Argument::Shared), "dt");
            if read.is_empty() && !dt {
                // it may be any of them
                read = (0..if own.is_some() { params.len() } else { 0 }).collect();
                dt = called(Argument::Shared).is_some();
            }
            let start = match (range, text) {
                (Some(range), Some(_)) => range.start,
                _ => self.member_span("Rules", &name).to_range().map_or(0, |range| range.start),
            };
            let text = text.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
            Ok(Rule { name, text, start, params: read, dt })
        };
        members.iter().enumerate().map(rule).collect()
    }
}

/// Places of the members of the structure that a function returns, where there is one such place in it.
fn returned(function: &Function) -> Vec<Span> {
    let mut values = Vec::new();
    returns(&function.body, &mut values);
    match values[..] {
        [value] => match &function.expressions[value] {
            Expression::Compose { components, .. } => {
                components.iter().map(|&c| function.expressions.get_span(c)).collect()
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// What all return statements of a block return.
fn returns(block: &Block, values: &mut Vec<Handle<Expression>>) {
    for statement in block {
        match statement {
            Statement::Return { value } => values.extend(value),
            Statement::Block(block) => returns(block, values),
            Statement::If { accept, reject, .. } => {
                returns(accept, values);
                returns(reject, values);
            }
            Statement::Switch { cases, .. } => {
                cases.iter().for_each(|case| returns(&case.body, values));
            }
            Statement::Loop { body, continuing, .. } => {
                returns(body, values);
                returns(continuing, values);
            }
            _ => {}
        }
    }
}

/// Whether a path such as `p.tau` stands in a text, not as a part of a longer one.
fn names(text: &str, path: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let whole =
        |at: usize| !text[..at].ends_with(word) && !text[at + path.len()..].starts_with(word);
    text.match_indices(path).any(|(at, _)| whole(at))
}
