//! Functions of models that run on the host: programs of the model's own text, for which nothing is composed.

use super::definition::Model;
use super::inner::{Argument, Inner, Member};
use super::program::{Feed, Program, Sink, Unit};
use crate::terms::Kind;

/// The functions of the contract that run on the host, in the order in which they do.
const FUNCTIONS: [&str; 4] = ["defaults", "rules", "derive", "initial"];

impl Program {
    /// All such functions that a model has, as programs.
    pub(crate) fn all_on_host(model: &Model) -> impl Iterator<Item = Self> {
        let known = |function: &&str| model.inner().operations.iter().any(|(f, _)| f == function);
        FUNCTIONS.into_iter().filter(known).map(|function| Self::on_host(model, function))
    }

    /// One of them, which the model has. Its sinks are the members of its result, truths
    /// those of rules.
    pub(crate) fn on_host(model: &Model, function: &'static str) -> Self {
        let inner = model.inner();
        let kinds = |members: &[Member]| members.iter().map(|m| m.kind).collect();
        let (arguments, sink_kinds): (_, Vec<Kind>) = match function {
            "initial" => (&inner.functions.initial, kinds(&inner.state)),
            "derive" => (&inner.functions.derive, kinds(&inner.derived)),
            "rules" => (&inner.functions.rules, vec![Kind::Bool; inner.rules.len()]),
            _ => (&None, kinds(&inner.params)),
        };
        let arguments = arguments.iter().flatten();
        let (feeds, feed_kinds) = arguments.flat_map(|argument| members(inner, argument)).unzip();
        let own = inner.operations.iter().find(|(name, _)| *name == function);
        Self {
            name: format!("{}.{function}", model.name()),
            given: None,
            text: String::new(),
            module: inner.module.clone(),
            entry: function,
            operations: own.map(|(_, operations)| operations.clone()).unwrap_or_default(),
            prefixes: vec![String::new()],
            models: vec![model.clone()],
            feeds,
            feed_kinds,
            sinks: (0..sink_kinds.len()).map(Sink::Value).collect(),
            sink_kinds,
        }
    }
}

/// The scalars of an argument that the contract allows where nothing is stepped.
fn members(inner: &Inner, argument: &Argument) -> Vec<(Feed, Kind)> {
    let of = |members: &[Member], feed: &dyn Fn(usize) -> Feed| {
        members.iter().enumerate().map(|(k, member)| (feed(k), member.kind)).collect()
    };
    match argument {
        Argument::Params => of(&inner.params, &|k| Feed::Param(Unit::Element, k)),
        Argument::Derived => of(&inner.derived, &|k| Feed::Derived(Unit::Element, k)),
        Argument::Shared => {
            let shared = Feed::SHARED.into_iter().chain([Feed::Stage]);
            shared.map(|feed| (feed, feed.clock_kind())).collect()
        }
        _ => Vec::new(),
    }
}
