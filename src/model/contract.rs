//! The contract of a model file, checked by reflection on naga's IR.

use std::sync::{Arc, OnceLock};

use naga::valid::ModuleInfo;
use naga::{Handle, Module, ScalarKind, Type, TypeInner};

use super::inner::{Argument, Functions, Inner, ModelMember, Rule};
use super::supported::CheckedText;
use super::{calls, library, text};
use crate::error::{Error, Location, Result, nearest, quoted};
use crate::terms::Kind;

/// Structures and functions that the contract knows.
const STRUCTURES: [&str; 7] =
    ["Params", "State", "Input", "Derivative", "Derived", "Shared", "Random"];
const FUNCTIONS: [&str; 11] = [
    "defaults",
    "initial",
    "derive",
    "rules",
    "derivative",
    "jacobian",
    "exact",
    "update",
    "threshold",
    "reset",
    "current",
];

/// Those that no program calls that is composed, and those that are differentiated.
const ALONE: [&str; 6] = ["defaults", "initial", "derive", "rules", "derivative", "current"];

/// Words in the names of arguments that say which state is meant.
const OLD: [&str; 5] = ["old", "prev", "previous", "before", "last"];
const NEW: [&str; 4] = ["new", "now", "next", "after"];

fn says(name: &str, words: &[&str]) -> bool {
    name.to_lowercase().split('_').any(|word| words.contains(&word))
}

pub(super) struct Checker<'a> {
    name: &'a str,
    file: &'a str,
    pub(super) source: &'a str,
    pub(super) module: &'a Module,
}

/// Checks a parsed module and takes it apart.
pub(super) fn check(
    name: &str,
    file: &str,
    source: &str,
    module: Module,
    info: ModuleInfo,
) -> Result<Inner> {
    let checker = Checker { name, file, source, module: &module };
    if let Some((handle, global)) = module.global_variables.iter().next() {
        let what = global.name.as_deref().unwrap_or("a variable");
        return Err(checker.error(
            format!("`{what}` is a module-scope variable"),
            module.global_variables.get_span(handle),
            "a model has no bindings and no globals: its functions get all they need as arguments",
        ));
    }
    if let Some(entry) = module.entry_points.first() {
        return Err(checker.error(
            format!("`{}` is an entry point", entry.name),
            checker.word_span(&entry.name),
            "a model has pure functions only; the engines make the entry points",
        ));
    }
    checker.shadows()?;
    checker.strangers(true)?;
    let parts = checker.parts()?;
    checker.strangers(false)?;
    let text = CheckedText { name, file, text: source };
    let mut operations = Vec::new();
    for function in FUNCTIONS {
        let lowered = text.supported(&module, function, &[])?;
        let kept = lowered.filter(|_| ALONE.contains(&function));
        operations.extend(kept.map(|lowered| (function, Arc::new(lowered))));
    }
    let Parts { params, derived, rules, state, inputs, derivative, functions } = parts;
    Ok(Inner {
        name: name.into(),
        file: file.into(),
        source: source.into(),
        module: Arc::new(module),
        info,
        operations,
        slopes: OnceLock::new(),
        params,
        derived,
        rules,
        state,
        inputs,
        derivative,
        functions,
    })
}

/// What the text declares.
struct Parts {
    params: Vec<ModelMember>,
    derived: Vec<ModelMember>,
    rules: Vec<Rule>,
    state: Vec<ModelMember>,
    inputs: Vec<ModelMember>,
    derivative: Vec<usize>,
    functions: Functions,
}

impl Checker<'_> {
    /// A function named like a built-in one would take its place in the library too.
    fn shadows(&self) -> Result<()> {
        for (handle, function) in self.module.functions.iter() {
            let span = self.module.functions.get_span(handle);
            let own = span.to_range().is_some_and(|range| range.start < self.source.len());
            let name = function.name.as_deref().unwrap_or_default();
            if own && library::BUILT_IN.contains(&name) {
                return Err(self.error(
                    format!("`{name}` is a built-in function"),
                    span,
                    "give your function another name: the library calls the built-in one",
                ));
            }
        }
        Ok(())
    }

    /// Functions that nothing calls, neither the library nor the text; `near` alone those that are nearly of the contract, and
    /// such structures.
    fn strangers(&self, near: bool) -> Result<()> {
        let known = FUNCTIONS.map(String::from);
        for handle in calls::uncalled(self.module, self.source.len()) {
            let name = self.module.functions[handle].name.clone().unwrap_or_default();
            let meant = nearest(&name, &known).into_iter().next().filter(|_| near);
            if known.contains(&name) || meant.is_none() && near {
                continue;
            }
            let help = match meant {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("call it, or leave it out; the library calls {}", quoted(&known)),
            };
            let span = self.module.functions.get_span(handle);
            return Err(self.error(format!("nothing calls the function `{name}`"), span, &help));
        }
        let known: Vec<String> =
            STRUCTURES.iter().chain(&["Rules"]).map(|s| s.to_string()).collect();
        for (handle, ty) in self.module.types.iter() {
            let TypeInner::Struct { .. } = ty.inner else { continue };
            let name = ty.name.clone().unwrap_or_default();
            let meant = nearest(&name, &known).into_iter().next();
            if let Some(meant) = meant.filter(|meant| *meant != name)
                && text::count(self.source, &name) == 1
            {
                let span = self.module.types.get_span(handle);
                let message = format!("nothing uses the structure `{name}`");
                return Err(self.error(message, span, &format!("did you mean `{meant}`?")));
            }
        }
        Ok(())
    }

    pub(super) fn error(&self, message: String, span: naga::Span, help: &str) -> Error {
        let offset = span.to_range().map_or(0, |range| range.start);
        Error::ModelContract {
            model: self.name.into(),
            message,
            location: Box::new(Location::of(self.file, self.source, offset.min(self.source.len()))),
            help: help.into(),
        }
    }

    /// Where a word first stands in the text. naga keeps no place for the members of a structure.
    pub(super) fn word_span(&self, word: &str) -> naga::Span {
        self.word_span_in(word, 0..self.source.len())
    }

    fn word_span_in(&self, word: &str, range: std::ops::Range<usize>) -> naga::Span {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let text = self.source.get(range.clone()).unwrap_or("");
        let at = text.match_indices(word).map(|(at, _)| at).find(|&at| {
            !text[..at].ends_with(is_word) && !text[at + word.len()..].starts_with(is_word)
        });
        let start = (range.start + at.unwrap_or(0)) as u32;
        naga::Span::new(start, start + word.len() as u32)
    }

    /// Where member `member` of structure `name` stands.
    pub(super) fn member_span(&self, name: &str, member: &str) -> naga::Span {
        let range = self
            .structure_handle(name)
            .and_then(|handle| self.module.types.get_span(handle).to_range())
            .unwrap_or(0..self.source.len());
        self.word_span_in(member, range.start..range.end.min(self.source.len()))
    }

    pub(super) fn structure_handle(&self, name: &str) -> Option<Handle<Type>> {
        self.module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some(name)).map(|(h, _)| h)
    }

    fn members(&self, name: &str) -> Result<Option<Vec<ModelMember>>> {
        let Some(handle) = self.structure_handle(name) else { return Ok(None) };
        let TypeInner::Struct { members, .. } = &self.module.types[handle].inner else {
            return Err(self.error(
                format!("`{name}` is not a structure"),
                self.module.types.get_span(handle),
                "declare it as `struct`",
            ));
        };
        members
            .iter()
            .map(|member| {
                let member_name = member.name.clone().unwrap_or_default();
                let kind = match self.module.types[member.ty].inner {
                    TypeInner::Scalar(s) if s.width == 4 => match s.kind {
                        ScalarKind::Float => Some(Kind::F32),
                        ScalarKind::Sint => Some(Kind::I32),
                        ScalarKind::Uint => Some(Kind::U32),
                        _ => None,
                    },
                    _ => None,
                };
                kind.map(|kind| ModelMember { name: member_name.clone(), kind }).ok_or_else(|| {
                    self.error(
                        format!("member `{member_name}` of `{name}` is not a scalar"),
                        self.member_span(name, &member_name),
                        "members are f32, i32 or u32; write a vector as several members",
                    )
                })
            })
            .collect::<Result<_>>()
            .map(Some)
    }

    fn parts(&self) -> Result<Parts> {
        let params = self.members("Params")?.unwrap_or_default();
        let state = self.members("State")?.unwrap_or_default();
        let inputs = self.members("Input")?.unwrap_or_default();
        let derived = self.members("Derived")?.unwrap_or_default();
        let derivative = self.members("Derivative")?.unwrap_or_default();
        let has_state = self.structure_handle("State").is_some();
        let functions = Functions {
            defaults: self.function("defaults", "Params", false)?.is_some(),
            initial: self.function("initial", "State", false)?,
            derive: self.function("derive", "Derived", false)?,
            rules: self.function("rules", "Rules", false)?,
            derivative: self.function("derivative", "Derivative", false)?,
            jacobian: self.function("jacobian", "Derivative", false)?,
            exact: self.function("exact", "State", false)?,
            update: self.function("update", "State", false)?,
            threshold: self.function("threshold", "bool", false)?,
            reset: self.function("reset", "State", false)?,
            current: self.function("current", "f32", true)?,
        };
        self.purposes(has_state, &functions)?;
        self.input_kinds(&inputs)?;
        self.names_clash(&[("Params", &params), ("State", &state), ("Input", &inputs)])?;
        let derivative = self.derivatives(&state, &derivative, &functions)?;
        if self.structure_handle("Derivative").is_some() && functions.derivative.is_none() {
            return Err(self.error(
                "there is a structure `Derivative`, but no function `derivative`".into(),
                self.word_span("Derivative"),
                "add `fn derivative(s: State, ..) -> Derivative`",
            ));
        }
        if !derived.is_empty() && functions.derive.is_none() {
            return Err(self.error(
                "there is a structure `Derived`, but no function `derive`".into(),
                self.word_span("Derived"),
                "add `fn derive(p: Params, sh: Shared) -> Derived`",
            ));
        }
        let rules = self.rules(&params, functions.rules.as_deref())?;
        Ok(Parts { params, derived, rules, state, inputs, derivative, functions })
    }

    /// A model is either a system with a state or an output with a current.
    fn purposes(&self, has_state: bool, functions: &Functions) -> Result<()> {
        let start = naga::Span::new(0, 0);
        match (has_state, functions.current.is_some()) {
            (false, true) => {
                let others = ["Input", "threshold"].into_iter().find(|name| match *name {
                    "Input" => self.structure_handle(name).is_some(),
                    _ => functions.threshold.is_some(),
                });
                others.map_or(Ok(()), |name| {
                    Err(self.error(
                        format!("there are both `current` and `{name}`"),
                        self.word_span(name),
                        "an output model has parameters and a function `current`; make the rest a model of its own",
                    ))
                })
            }
            (true, true) => Err(self.error(
                "there are both `State` and `current`".into(),
                self.word_span("current"),
                "an output model has a function `current` and no state; make the rest a model of its own",
            )),
            (false, false) => Err(self.error(
                "there is no structure `State`".into(),
                start,
                "declare `struct State { .. }` with the variables of the system",
            )),
            (true, false) => {
                if functions.derivative.is_none() && functions.update.is_none() && functions.exact.is_none() {
                    return Err(self.error(
                        "nothing changes the state".into(),
                        self.word_span("State"),
                        "add `fn derivative(s: State, ..) -> Derivative`, or `fn update(s: State, ..) -> State` for a map",
                    ));
                }
                if functions.jacobian.is_some() && functions.derivative.is_none() {
                    return Err(self.error(
                        "there is a function `jacobian`, but no `derivative`".into(),
                        self.word_span("jacobian"),
                        "add `fn derivative(s: State, ..) -> Derivative`",
                    ));
                }
                if functions.reset.is_some() && functions.threshold.is_none() {
                    return Err(self.error(
                        "there is a function `reset`, but no `threshold`".into(),
                        self.word_span("reset"),
                        "add `fn threshold(s: State, ..) -> bool`, which tells when the element spikes",
                    ));
                }
                Ok(())
            }
        }
    }

    fn input_kinds(&self, inputs: &[ModelMember]) -> Result<()> {
        match inputs.iter().find(|m| m.kind != Kind::F32) {
            None => Ok(()),
            Some(member) => Err(self.error(
                format!("member `{}` of `Input` is {}", member.name, member.kind.name()),
                self.member_span("Input", &member.name),
                "inputs are sums, of type f32",
            )),
        }
    }

    /// Variables and parameters of a node share one name space; `spike` is the library's.
    fn names_clash(&self, structures: &[(&str, &[ModelMember])]) -> Result<()> {
        let mut seen: Vec<&str> = vec!["spike"];
        for (structure, members) in structures {
            for member in *members {
                if seen.contains(&member.name.as_str()) {
                    return Err(self.error(
                        format!("`{}` is a name twice", member.name),
                        self.member_span(structure, &member.name),
                        "parameters, state and inputs of a model need names of their own (`spike` is taken)",
                    ));
                }
                seen.push(&member.name);
            }
        }
        Ok(())
    }

    fn derivatives(
        &self,
        state: &[ModelMember],
        derivative: &[ModelMember],
        functions: &Functions,
    ) -> Result<Vec<usize>> {
        let mut indices = Vec::with_capacity(derivative.len());
        for member in derivative {
            let at = state.iter().position(|s| s.name == member.name);
            let Some(at) = at.filter(|_| member.kind == Kind::F32) else {
                return Err(self.error(
                    format!("member `{}` of `Derivative` is no f32 member of `State`", member.name),
                    self.member_span("Derivative", &member.name),
                    "name each derivative like the state variable that it belongs to",
                ));
            };
            if state[at].kind != Kind::F32 {
                return Err(self.error(
                    format!(
                        "state member `{}` is {} and cannot have a derivative",
                        member.name,
                        state[at].kind.name()
                    ),
                    self.member_span("State", &member.name),
                    "make it f32, or change it in `update`",
                ));
            }
            indices.push(at);
        }
        if functions.derivative.is_none() {
            return Ok(indices);
        }
        for (k, member) in state.iter().enumerate() {
            let changed = indices.contains(&k)
                || (member.kind != Kind::F32
                    && (functions.update.is_some() || functions.reset.is_some()));
            if !changed {
                let help = if member.kind == Kind::F32 {
                    format!(
                        "add `{}: f32` to `Derivative` (0 where only `update` or `reset` changes it)",
                        member.name
                    )
                } else {
                    "change it in `update` or `reset`, or make it a parameter".into()
                };
                return Err(self.error(
                    format!("state member `{}` has no derivative", member.name),
                    self.member_span("State", &member.name),
                    &help,
                ));
            }
        }
        Ok(indices)
    }

    /// The arguments of a function of the contract, if the model has it.
    fn function(&self, name: &str, result: &str, named: bool) -> Result<Option<Vec<Argument>>> {
        let found = self.module.functions.iter().find(|(_, f)| f.name.as_deref() == Some(name));
        let Some((handle, function)) = found else { return Ok(None) };
        let span = self.module.functions.get_span(handle);
        let returned = function.result.as_ref().map(|r| self.type_name(r.ty)).unwrap_or_default();
        if returned != result {
            let got = if returned.is_empty() { "nothing".into() } else { format!("`{returned}`") };
            return Err(self.error(
                format!("function `{name}` returns {got}"),
                span,
                &format!("it must return `{result}`"),
            ));
        }
        self.order_of_states(name, handle)?;
        let states = function.arguments.iter().filter(|a| self.type_name(a.ty) == "State").count();
        let mut first_state = true;
        let mut arguments = Vec::with_capacity(function.arguments.len());
        for argument in &function.arguments {
            let own = argument.name.clone().unwrap_or_default();
            arguments.push(match self.type_name(argument.ty).as_str() {
                "State" if states == 2 && first_state => {
                    first_state = false;
                    Argument::Old
                }
                "State" if states <= 2 => Argument::State,
                "Params" => Argument::Params,
                "Derived" => Argument::Derived,
                "Input" => Argument::Input,
                "Shared" => Argument::Shared,
                "Random" => Argument::Random,
                "f32" if named => Argument::Named(own),
                other => {
                    return Err(self.error(
                        format!("function `{name}` cannot be given its argument `{own}: {other}`"),
                        self.argument_span(handle, &own),
                        &format!(
                            "arguments are told apart by type: {}",
                            STRUCTURES.join(", ").replace("Derivative, ", "")
                        ),
                    ));
                }
            });
        }
        self.allowed(name, handle, &arguments)?;
        Ok(Some(arguments))
    }

    /// Fails where the names of `State` arguments say another order than theirs.
    fn order_of_states(&self, name: &str, handle: Handle<naga::Function>) -> Result<()> {
        let arguments = self.module.functions[handle].arguments.iter();
        let states = arguments.filter(|argument| self.type_name(argument.ty) == "State");
        let states: Vec<&str> = states.map(|a| a.name.as_deref().unwrap_or_default()).collect();
        let has =
            |name: &str| self.module.functions.iter().any(|(_, f)| f.name.as_deref() == Some(name));
        let after = match name {
            "update" => has("derivative") || has("exact"),
            name => matches!(name, "threshold" | "reset"),
        };
        let (message, wrong) = match states[..] {
            [first, second] if says(second, &OLD) || says(first, &NEW) => (
                format!(
                    "function `{name}` takes the old state as `{first}` and the new one as `{second}`"
                ),
                if says(second, &OLD) { second } else { first },
            ),
            [only] if after && says(only, &OLD) => {
                (format!("function `{name}` takes the new state as `{only}`"), only)
            }
            _ => return Ok(()),
        };
        Err(self.error(
            message,
            self.argument_span(handle, wrong),
            "of two `State` arguments the first is the state at the start of the step, a single one is the new state: \
             `(old: State, s: State, ..)`",
        ))
    }

    /// Not everything is known where each function is called.
    fn allowed(
        &self,
        name: &str,
        handle: Handle<naga::Function>,
        arguments: &[Argument],
    ) -> Result<()> {
        use Argument::{Derived, Input, Named, Old, Params, Random, Shared, State};
        let ok = |argument: &Argument| match name {
            "defaults" => false,
            "initial" => matches!(argument, Params | Derived),
            "derive" | "rules" => matches!(argument, Params | Shared),
            "derivative" | "jacobian" | "exact" => !matches!(argument, Old | Named(_)),
            "current" => matches!(argument, Params | Derived | Named(_)),
            _ => matches!(argument, Old | State | Params | Derived | Input | Shared | Random),
        };
        let Some(at) = arguments.iter().position(|a| !ok(a)) else { return Ok(()) };
        let argument = &self.module.functions[handle].arguments[at];
        let own = argument.name.clone().unwrap_or_default();
        let what = match arguments[at] {
            Old => "a second state".into(),
            _ => self.type_name(argument.ty),
        };
        Err(self.error(
            format!("function `{name}` takes {what}, which is not known where it is called"),
            self.argument_span(handle, &own),
            "see the table of functions in the documentation of `Model`",
        ))
    }

    /// Where an argument of a function is declared.
    fn argument_span(&self, handle: Handle<naga::Function>, argument: &str) -> naga::Span {
        let range = self.module.functions.get_span(handle).to_range().unwrap_or_default();
        let text = self.source.get(range.clone()).unwrap_or("");
        let start = range.start + text.find('(').unwrap_or(0);
        self.word_span_in(argument, start..range.end)
    }

    fn type_name(&self, ty: Handle<Type>) -> String {
        let ty = &self.module.types[ty];
        match (&ty.name, &ty.inner) {
            (Some(name), _) => name.clone(),
            (None, TypeInner::Scalar(s)) => match s.kind {
                ScalarKind::Float => "f32".into(),
                ScalarKind::Sint => "i32".into(),
                ScalarKind::Uint => "u32".into(),
                _ => "bool".into(),
            },
            (None, TypeInner::Vector { size, .. }) => format!("vec{}", *size as u8),
            _ => "another type".into(),
        }
    }
}
