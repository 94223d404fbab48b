//! Functions of models that run on the host: programs of the model's own text, for which nothing is composed.

use super::definition::Model;
use super::inner::{Argument, Inner, ModelMember};
use super::program::{Program, ProgramArgument, ProgramResult, Unit};
use crate::terms::Kind;

/// The functions of the contract that run on the host, in the order in which they do.
const FUNCTIONS: [&str; 4] = ["defaults", "rules", "derive", "initial"];

impl Program {
    /// All such functions that a model has, as programs.
    pub(crate) fn all_on_host(model: &Model) -> impl Iterator<Item = Self> {
        let known = |function: &&str| model.inner().operations.iter().any(|(f, _)| f == function);
        FUNCTIONS.into_iter().filter(known).map(|function| Self::on_host(model, function))
    }

    /// One of them, which the model has. Its results are the members of its result, truths
    /// those of rules.
    pub(crate) fn on_host(model: &Model, function: &'static str) -> Self {
        let inner = model.inner();
        let kinds = |members: &[ModelMember]| members.iter().map(|m| m.kind).collect();
        let (arguments, result_kinds): (_, Vec<Kind>) = match function {
            "initial" => (&inner.functions.initial, kinds(&inner.state)),
            "derive" => (&inner.functions.derive, kinds(&inner.derived)),
            "rules" => (&inner.functions.rules, vec![Kind::Bool; inner.rules.len()]),
            _ => (&None, kinds(&inner.params)),
        };
        let arguments = arguments.iter().flatten();
        let (program_arguments, argument_kinds) =
            arguments.flat_map(|argument| members(inner, argument)).unzip();
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
            program_arguments,
            argument_kinds,
            program_results: (0..result_kinds.len()).map(ProgramResult::Value).collect(),
            result_kinds,
        }
    }
}

/// The scalars of an argument that the contract allows where nothing is stepped.
fn members(inner: &Inner, argument: &Argument) -> Vec<(ProgramArgument, Kind)> {
    let of = |members: &[ModelMember], program_argument: &dyn Fn(usize) -> ProgramArgument| {
        members.iter().enumerate().map(|(k, member)| (program_argument(k), member.kind)).collect()
    };
    match argument {
        Argument::Params => of(&inner.params, &|k| ProgramArgument::Param(Unit::Element, k)),
        Argument::Derived => of(&inner.derived, &|k| ProgramArgument::Derived(Unit::Element, k)),
        Argument::Shared => {
            let shared = ProgramArgument::SHARED.into_iter().chain([ProgramArgument::Stage]);
            shared
                .map(|program_argument| (program_argument, program_argument.clock_kind()))
                .collect()
        }
        _ => Vec::new(),
    }
}
