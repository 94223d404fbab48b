//! A model taken apart.

use std::sync::{Arc, OnceLock};

use crate::scalar::{Lowered, LoweringError};
use crate::terms::Kind;

/// A named member of one of a model's structures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelMember {
    pub name: String,
    pub kind: Kind,
}

/// The functions of the contract that a model may have, with what each one takes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Functions {
    pub defaults: bool,
    pub initial: Option<Vec<Argument>>,
    pub derive: Option<Vec<Argument>>,
    pub rules: Option<Vec<Argument>>,
    pub derivative: Option<Vec<Argument>>,
    pub jacobian: Option<Vec<Argument>>,
    pub exact: Option<Vec<Argument>>,
    pub update: Option<Vec<Argument>>,
    pub threshold: Option<Vec<Argument>>,
    pub reset: Option<Vec<Argument>>,
    pub current: Option<Vec<Argument>>,
}

pub(crate) struct Inner {
    pub name: String,
    /// The file that the text came from, or the name.
    pub file: String,
    /// The user's own text.
    pub source: String,
    pub module: Arc<naga::Module>,
    /// What the validator found out about it.
    pub info: naga::valid::ModuleInfo,
    /// The operations of the functions that are executed or differentiated on their own, by name, where each scalar of their
    /// arguments is a stream of its number.
    pub operations: Vec<(&'static str, Arc<Lowered>)>,
    /// What `derivative` has for a derivative, found when it is needed first.
    pub slopes: OnceLock<Result<Lowered, LoweringError>>,
    pub params: Vec<ModelMember>,
    pub derived: Vec<ModelMember>,
    pub rules: Vec<Rule>,
    pub state: Vec<ModelMember>,
    pub inputs: Vec<ModelMember>,
    /// Members of the structure `Derivative`, as indices into the state.
    pub derivative: Vec<usize>,
    pub functions: Functions,
}

/// What a function of the contract takes at one place of its argument list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Argument {
    /// The state at the start of the step.
    Old,
    /// The state so far.
    State,
    Params,
    Derived,
    Input,
    Shared,
    Random,
    /// Of output models: a variable of the synapse or of the target.
    Named(String),
}

/// A rule that a model's parameters keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub name: String,
    /// Its expression; none where the text has no single one for it.
    pub text: Option<String>,
    /// Where the model's text has it, or else its name.
    pub start: usize,
    /// The parameters that it reads, as indices.
    pub params: Vec<usize>,
    /// Whether it reads `dt`.
    pub dt: bool,
}
