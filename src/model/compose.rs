//! Joins the models of an element and of the projections that end on it to one program.
//!
//! The result is a module with a pure function `advance(in: In) -> Out`. Each member of `In` has a [`ProgramArgument`] that says
//! what it is, each member of `Out` a [`ProgramResult`]. The GPU engine puts an entry point around the function, the CPU engine
//! executes it on columns.

use std::fmt::Write as _;
use std::sync::Arc;

use super::definition::Model;
use super::emitted::{EmittedModule, broken, parsed};
use super::inner::Argument;
use super::jacobian::Field;
use super::prefix;
use super::primitives::{EXPREL, FLUSHED};
use super::program::{
    AfferentProjection, Archetype, Program, ProgramArgument, ProgramResult, Unit, member_name,
    prefixed_primitive,
};
use super::resolve::{Owner, owner};
use crate::error::Result;
use crate::integrate::{EXPONENTIAL, Equations, Method};
use crate::scalar::{self, LoweringError, cast, write};
use crate::terms::Kind;

/// Collects the members of the argument structure while the body is written.
struct Composer<'s> {
    archetype: &'s Archetype,
    written: Vec<EmittedModule>,
    program_arguments: Vec<ProgramArgument>,
    /// Functions beside `advance`.
    functions: String,
    body: String,
    program_results: Vec<(ProgramResult, Kind, String)>,
}

/// The current of an afferent: its call with the element's state left open.
struct Current {
    afferent: usize,
    prefix: String,
    arguments: Vec<Argument>,
}

/// The derivative of each equation of a unit with respect to its own variable.
#[derive(Default)]
struct Jacobian {
    /// Text of a function that gives it, where none of the model's does.
    function: String,
    call: String,
    /// Of each member, whether it depends on more than parameters and the clock.
    moving: Vec<bool>,
    /// Whether a function of the model's own gives it.
    own: bool,
}

/// What adds to an element's input.
#[derive(Default)]
struct Arriving {
    /// The input's place.
    input: usize,
    /// Held during the step.
    held: Option<String>,
    /// Functions of the state within the step.
    currents: Vec<Current>,
}

impl Archetype {
    /// Writes, parses and validates the program.
    pub(crate) fn compose(&self) -> Result<Program> {
        let mut composer = Composer::new(self)?;
        composer.advance()?;
        let name =
            self.units().iter().map(|&u| self.model(u).name()).collect::<Vec<_>>().join(" + ");
        composer.finish(name)?.with_operations(&[])
    }
}

impl<'s> Composer<'s> {
    fn new(archetype: &'s Archetype) -> Result<Self> {
        let mut written: Vec<EmittedModule> = Vec::new();
        for unit in archetype.units() {
            let model = archetype.model(unit);
            if written.iter().any(|w| w.model.same(model)) {
                continue;
            }
            written.push(EmittedModule::new(model, prefix::of(written.len(), model.name()))?);
        }
        let (program_arguments, functions, body, program_results) =
            (Vec::new(), String::new(), String::new(), Vec::new());
        Ok(Self { archetype, written, program_arguments, functions, body, program_results })
    }

    fn written(&self, model: &Model) -> &EmittedModule {
        // every model of the structure was written by `new`
        let at = self.written.iter().position(|w| w.model.same(model)).unwrap_or(0);
        &self.written[at]
    }

    /// The expression for a member of the argument structure.
    fn program_argument(&mut self, program_argument: ProgramArgument) -> String {
        let at = self.program_arguments.iter().position(|&f| f == program_argument).unwrap_or_else(
            || {
                self.program_arguments.push(program_argument);
                self.program_arguments.len() - 1
            },
        );
        format!("in.{}", member_name(self.archetype, self.program_arguments[at]))
    }

    fn line(&mut self, line: &str) {
        let _ = writeln!(self.body, "    {line}");
    }

    fn program_arguments(
        &mut self,
        count: usize,
        program_argument: impl Fn(usize) -> ProgramArgument,
    ) -> String {
        (0..count)
            .map(|k| self.program_argument(program_argument(k)))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Defines what the functions of a unit take besides state and input: `{v}_p`, `{v}_d`, `{v}_r` where they are used,
    /// and `{v}_h`.
    fn surroundings(&mut self, unit: Unit, v: &str, used: &[Argument]) {
        let model = self.archetype.model(unit).clone();
        let prefix = self.written(&model).prefix.clone();
        let inner = model.inner();
        if used.contains(&Argument::Params) {
            let values =
                self.program_arguments(inner.params.len(), |k| ProgramArgument::Param(unit, k));
            self.line(&format!("let {v}_p = {prefix}_Params({values});"));
        }
        if used.contains(&Argument::Derived) {
            let values =
                self.program_arguments(inner.derived.len(), |k| ProgramArgument::Derived(unit, k));
            self.line(&format!("let {v}_d = {prefix}_Derived({values});"));
        }
        let shared = self.shared(&prefix);
        self.line(&format!("let {v}_h = {shared};"));
        if used.contains(&Argument::Random) {
            let parts = ProgramArgument::random(unit).map(|f| self.program_argument(f)).join(", ");
            self.line(&format!("let {v}_r = {prefix}_Random({parts});"));
        }
    }

    /// The structure `Shared` at the start of the step.
    fn shared(&mut self, prefix: &str) -> String {
        let members = ProgramArgument::SHARED.map(|f| self.program_argument(f)).join(", ");
        format!("{prefix}_Shared({members}, 0.0)")
    }

    /// A call of a function of a unit.
    fn call(
        prefix: &str,
        name: &str,
        arguments: &[Argument],
        v: &str,
        states: [&str; 2],
        shared: &str,
    ) -> String {
        Self::call_with(prefix, name, arguments, v, states, shared, &format!("{v}_x"))
    }

    /// The same with another input structure.
    fn call_with(
        prefix: &str,
        name: &str,
        arguments: &[Argument],
        v: &str,
        states: [&str; 2],
        shared: &str,
        input: &str,
    ) -> String {
        let arguments = arguments.iter().map(|argument| match argument {
            Argument::Old => states[0].to_string(),
            Argument::State => states[1].to_string(),
            Argument::Params => format!("{v}_p"),
            Argument::Derived => format!("{v}_d"),
            Argument::Input => input.to_string(),
            Argument::Shared => shared.to_string(),
            Argument::Random => format!("{v}_r"),
            Argument::Named(name) => name.clone(),
        });
        format!("{prefix}_{name}({})", arguments.collect::<Vec<_>>().join(", "))
    }

    /// Defines `{v}_old`, the state of a unit at the start of the step.
    fn begin(&mut self, unit: Unit, v: &str) {
        let model = self.archetype.model(unit);
        let values =
            self.program_arguments(model.inner().state.len(), |k| ProgramArgument::State(unit, k));
        let prefix = self.written(model).prefix.clone();
        self.line(&format!("let {v}_old = {prefix}_State({values});"));
    }

    /// One step of a unit with a state from `{v}_old`: defines `{v}_end`, and `{v}_spike` where it has a threshold.
    fn step(&mut self, unit: Unit, v: &str, method: Method, arriving: &Arriving) -> Result<()> {
        let model = self.archetype.model(unit).clone();
        let inner = model.inner();
        let functions = &inner.functions;
        let written = self.written(&model);
        let (prefix, state_names) = (written.prefix.clone(), written.members("State"));
        let derivative: Vec<(String, usize)> = written
            .members("Derivative")
            .into_iter()
            .zip(inner.derivative.iter().copied())
            .collect();
        let integration =
            if method == Method::EXACT { &functions.exact } else { &functions.derivative };
        let given = method == Method::EXP_EULER && arriving.currents.is_empty();
        let jacobian = if given { &functions.jacobian } else { &None };
        let used: Vec<Argument> =
            [integration, jacobian, &functions.update, &functions.threshold, &functions.reset]
                .into_iter()
                .flatten()
                .flatten()
                .cloned()
                .collect();
        self.surroundings(unit, v, &used);
        if !inner.inputs.is_empty() {
            let sums: Vec<String> = (0..inner.inputs.len())
                .map(|k| {
                    let own = self.program_argument(ProgramArgument::Input(unit, k));
                    match &arriving.held {
                        Some(held) if k == arriving.input => format!("{own} + {held}"),
                        _ => own,
                    }
                })
                .collect();
            for (k, sum) in sums.iter().enumerate() {
                self.line(&format!("let {v}_sum{k} = {sum};"));
                if self.archetype.observe_inputs {
                    self.program_results.push((
                        ProgramResult::Input(unit, k),
                        Kind::F32,
                        format!("{v}_sum{k}"),
                    ));
                }
            }
            let sums =
                (0..sums.len()).map(|k| format!("{v}_sum{k}")).collect::<Vec<_>>().join(", ");
            self.line(&format!("let {v}_x = {prefix}_Input({sums});"));
        }
        let old = format!("{v}_old");
        let shared = format!("{v}_h");
        if functions.derivative.is_some() || functions.exact.is_some() {
            let arguments = functions.derivative.clone().unwrap_or_default();
            let call = |state: &str, shared: &str| {
                let input = self.input_at(v, &prefix, inner.inputs.len(), arriving, state);
                Self::call_with(&prefix, "derivative", &arguments, v, [&old, state], shared, &input)
            };
            let exact = functions
                .exact
                .as_ref()
                .map(|a| Self::call(&prefix, "exact", a, v, [&old, &old], &shared));
            let shared_at = |c: f64| {
                let at = |t: &str| {
                    if c == 0.0 { t.into() } else { format!("{t} + {:?} * in.dt", c as f32) }
                };
                let (t, t_lo, stage) = (at("in.t"), at("in.t_lo"), c as f32);
                format!("{prefix}_Shared({t}, in.dt, in.i, in.i_high, in.t_hi, {t_lo}, {stage:?})")
            };
            let jacobian = if method != Method::EXP_EULER {
                Jacobian::default()
            } else if let Some(arguments) = jacobian {
                let call = Self::call(&prefix, "jacobian", arguments, v, [&old, &old], &shared);
                let still = |a: &Argument| {
                    matches!(a, Argument::Params | Argument::Derived | Argument::Shared)
                };
                let moving = vec![!arguments.iter().all(still); derivative.len()];
                Jacobian { function: String::new(), call, moving, own: true }
            } else {
                self.jacobian(unit, v, &used, arriving, &call("s", "h"))?
            };
            let exprel = format!("{prefix}_{EXPREL}");
            let text = method.generate(&Equations {
                system: v,
                state_type: &format!("{prefix}_State"),
                state: &state_names,
                derivative: &derivative,
                call: &call,
                exact,
                jacobian: jacobian.call,
                moving: &jacobian.moving,
                own: jacobian.own,
                exprel: &exprel,
                shared_at: &shared_at,
            });
            if method == Method::EXP_EULER && !self.functions.contains(EXPONENTIAL) {
                self.functions.push_str(EXPONENTIAL);
            }
            self.functions.push_str(&jacobian.function);
            self.body.push_str(&text);
        } else {
            self.line(&format!("let {v}_new = {old};"));
        }
        let mut now = format!("{v}_new");
        if let Some(arguments) = &functions.update {
            let call = Self::call(&prefix, "update", arguments, v, [&old, &now], &shared);
            self.line(&format!("let {v}_updated = {call};"));
            now = format!("{v}_updated");
        }
        if let Some(arguments) = &functions.threshold {
            let call = Self::call(&prefix, "threshold", arguments, v, [&old, &now], &shared);
            self.line(&format!("let {v}_spike = {call};"));
        }
        let end = match &functions.reset {
            None => now,
            Some(arguments) => {
                let call = Self::call(&prefix, "reset", arguments, v, [&old, &now], &shared);
                self.line(&format!("var {v}_after = {now};"));
                self.line(&format!("if {v}_spike {{ {v}_after = {call}; }}"));
                format!("{v}_after")
            }
        };
        self.line(&format!("let {v}_end = {end};"));
        for (k, name) in state_names.iter().enumerate() {
            let kind = inner.state[k].kind;
            let end = match kind {
                Kind::F32 => format!("{prefix}_{FLUSHED}({v}_end.{name})"),
                _ => format!("{v}_end.{name}"),
            };
            self.program_results.push((ProgramResult::State(unit, k), kind, end));
        }
        Ok(())
    }

    /// The input structure of unit `v` while its state is `state`.
    fn input_at(
        &self,
        v: &str,
        prefix: &str,
        count: usize,
        arriving: &Arriving,
        state: &str,
    ) -> String {
        if arriving.currents.is_empty() {
            return format!("{v}_x");
        }
        let sums = (0..count).map(|k| {
            let mut terms = vec![format!("{v}_sum{k}")];
            if k == arriving.input {
                terms.extend(arriving.currents.iter().map(|c| self.current(c, state)));
            }
            terms.join(" + ")
        });
        format!("{prefix}_Input({})", sums.collect::<Vec<_>>().join(", "))
    }

    /// The current of an afferent while the element's state is `state`.
    fn current(&self, current: &Current, state: &str) -> String {
        let Current { afferent, prefix, arguments } = current;
        let resolved: Vec<Argument> =
            arguments.iter().map(|a| self.resolved(*afferent, a, state)).collect();
        let o = format!("o{afferent}");
        Self::call(prefix, "current", &resolved, &o, ["", ""], &format!("{o}_h"))
    }

    /// The derivatives of the equations of unit `v`, found by differentiating `call`, the right-hand side in state `s` with the
    /// shared values `h`.
    fn jacobian(
        &self,
        unit: Unit,
        v: &str,
        used: &[Argument],
        arriving: &Arriving,
        call: &str,
    ) -> Result<Jacobian> {
        let model = self.archetype.model(unit);
        let prefix = &self.written(model).prefix;
        // what the right-hand side reads: name, type, and what is given for it
        let mut reads = vec![
            ("s".into(), format!("{prefix}_State"), format!("{v}_old")),
            ("h".into(), format!("{prefix}_Shared"), format!("{v}_h")),
        ];
        let mut read = |name: String, ty: String| reads.push((name.clone(), ty, name));
        for (argument, letter, ty) in [
            (Argument::Params, "p", "Params"),
            (Argument::Derived, "d", "Derived"),
            (Argument::Random, "r", "Random"),
        ] {
            if used.contains(&argument) {
                read(format!("{v}_{letter}"), format!("{prefix}_{ty}"));
            }
        }
        match arriving.currents.is_empty() {
            true if !model.inner().inputs.is_empty() => {
                read(format!("{v}_x"), format!("{prefix}_Input"));
            }
            true => {}
            false => {
                let sums = 0..model.inner().inputs.len();
                sums.for_each(|k| read(format!("{v}_sum{k}"), "f32".into()));
            }
        }
        for Current { afferent, prefix, arguments } in &arriving.currents {
            let synapse = &self.written(&self.archetype.afferents[*afferent].synapse).prefix;
            read(format!("a{afferent}_end"), format!("{synapse}_State"));
            if arguments.contains(&Argument::Params) {
                read(format!("o{afferent}_p"), format!("{prefix}_Params"));
            }
            if arguments.contains(&Argument::Derived) {
                read(format!("o{afferent}_d"), format!("{prefix}_Derived"));
            }
        }
        let list = |f: &dyn Fn(&(String, String, String)) -> String| {
            reads.iter().map(f).collect::<Vec<_>>().join(", ")
        };
        let parameters = list(&|(name, ty, _)| format!("{name}: {ty}"));
        let given = list(&|(.., given)| given.clone());
        let name = format!("{}.jacobian", model.name());
        // each model alone was found to be differentiable before
        let refused = |lowering_error: &LoweringError| {
            broken(&name, &format!("its derivative: {}", lowering_error.what))
        };
        let with_currents;
        let (derivative, columns) = if arriving.currents.is_empty() {
            (model.inner().slopes().map_err(refused)?, self.own_streams(model, v))
        } else {
            // what several models make together stands in no text that was parsed before
            let mut text = self.models_text();
            let function = format!("{v}_field");
            let _ = write!(
                text,
                "fn {function}({parameters}) -> {prefix}_Derivative {{ return {call}; }}"
            );
            let module = parsed(&name, &text)?;
            let variables: Vec<(usize, usize)> =
                model.inner().derivative.iter().map(|&member| (0, member)).collect();
            let prefixes = || self.written.iter().map(|w| &w.prefix);
            let primitive = |name: &str| prefixed_primitive(prefixes(), name);
            let field = Field {
                module: &module,
                function: &function,
                primitive: &primitive,
                variables: &variables,
            };
            with_currents =
                field.differentiated().map_err(|lowering_error| refused(&lowering_error))?;
            (&with_currents.0, with_currents.1)
        };
        let (body, results) = write(derivative, &columns, prefix);
        // by the names above: `h`, and what ends in `_p` and `_d`
        let still = |column: usize| {
            let name = columns[column].split('.').next().unwrap_or_default();
            name == "h" || name.ends_with("_p") || name.ends_with("_d")
        };
        let outputs = derivative.outputs.iter();
        let moving = outputs.map(|&output| !derivative.columns_of(output).into_iter().all(still));
        let moving = moving.collect();
        let results = results.into_iter().map(|(kind, text)| cast(text, kind, scalar::LaneKind::F));
        let results = results.collect::<Vec<_>>().join(", ");
        let function = format!(
            "\nfn {v}_jacobian({parameters}) -> {prefix}_Derivative {{\n{body}    return {prefix}_Derivative({results});\n}}\n"
        );
        Ok(Jacobian { function, call: format!("{v}_jacobian({given})"), moving, own: false })
    }

    /// What a function of the state `s` and the shared values `h` has for the scalars that a model's `derivative` takes.
    fn own_streams(&self, model: &Model, v: &str) -> Vec<String> {
        let arguments = model.inner().functions.derivative.iter().flatten();
        let columns = arguments.flat_map(|argument| {
            let (name, archetype) = match argument {
                Argument::Old | Argument::State => ("s".into(), "State"),
                Argument::Shared => ("h".into(), "Shared"),
                Argument::Params => (format!("{v}_p"), "Params"),
                Argument::Derived => (format!("{v}_d"), "Derived"),
                Argument::Input => (format!("{v}_x"), "Input"),
                Argument::Random => (format!("{v}_r"), "Random"),
                Argument::Named(name) => (name.clone(), ""),
            };
            let members = self.written(model).members(archetype).into_iter();
            members.map(move |member| format!("{name}.{member}"))
        });
        columns.collect()
    }

    fn models_text(&self) -> String {
        self.written.iter().map(EmittedModule::text).collect::<Vec<_>>().join("\n")
    }

    /// The whole step: synapses decay and take what arrives, their currents go to the element's input, the element steps.
    fn advance(&mut self) -> Result<()> {
        let archetype = self.archetype;
        let element = archetype.element.inner();
        let input = element.inputs.iter().position(|m| m.name == "input").unwrap_or(0);
        let mut currents = Vec::new();
        for (afferent, AfferentProjection { method, output, .. }) in
            archetype.afferents.iter().enumerate()
        {
            let v = format!("a{afferent}");
            let (accumulator, quantum) = (
                self.program_argument(ProgramArgument::Accumulator(afferent)),
                self.program_argument(ProgramArgument::Quantum(afferent)),
            );
            let held = Some(format!("f32({accumulator}) * {quantum}"));
            let arriving = Arriving { held, ..Arriving::default() };
            self.begin(Unit::Synapse(afferent), &v);
            self.step(Unit::Synapse(afferent), &v, *method, &arriving)?;
            self.program_results.push((
                ProgramResult::Accumulator(afferent),
                Kind::I32,
                "0i".into(),
            ));
            let arguments = output.inner().functions.current.clone().unwrap_or_default();
            self.surroundings(Unit::Output(afferent), &format!("o{afferent}"), &arguments);
            let prefix = self.written(output).prefix.clone();
            currents.push(Current { afferent, prefix, arguments });
        }
        self.begin(Unit::Element, "e");
        let mut arriving = Arriving { input, ..Arriving::default() };
        if archetype.ltc {
            arriving.currents = currents;
        } else if !currents.is_empty() {
            for current in &currents {
                let call = self.current(current, "e_old");
                self.line(&format!("let o{}_current = {call};", current.afferent));
            }
            let names = currents.iter().map(|c| format!("o{}_current", c.afferent));
            arriving.held = Some(names.collect::<Vec<_>>().join(" + "));
        }
        self.step(Unit::Element, "e", archetype.method, &arriving)?;
        if element.functions.threshold.is_some() {
            self.program_results.push((
                ProgramResult::Spike,
                Kind::U32,
                "select(0u, 1u, e_spike)".into(),
            ));
        }
        Ok(())
    }

    /// A named argument of an output: a state member of the synapse after its step, or of the element in `state`.
    fn resolved(&self, afferent: usize, argument: &Argument, state: &str) -> Argument {
        let Argument::Named(name) = argument else { return argument.clone() };
        let (synapse, target) =
            (&self.archetype.afferents[afferent].synapse, &self.archetype.element);
        // that there is one was checked with the projection
        let (model, state, at) = match owner(name, synapse.inner(), target.inner()) {
            Ok(Owner::Target(at)) => (target, state.into(), at),
            Ok(Owner::Synapse(at)) => (synapse, format!("a{afferent}_end"), at),
            Err(_) => return argument.clone(),
        };
        Argument::Named(format!("{state}.{}", self.written(model).members("State")[at]))
    }

    fn finish(self, name: String) -> Result<Program> {
        let mut text = self.models_text();
        let Self { archetype, written, program_arguments, functions, body, program_results } = self;
        text.push_str("\nstruct In {\n");
        for &program_argument in &program_arguments {
            let (member, kind) =
                (member_name(archetype, program_argument), program_argument.kind(archetype).name());
            let _ = writeln!(text, "    {member}: {kind},");
        }
        text.push_str("}\n\nstruct Out {\n");
        for (k, (_, kind, _)) in program_results.iter().enumerate() {
            let _ = writeln!(text, "    out{k}: {},", kind.name());
        }
        let results =
            program_results.iter().map(|(.., e)| e.as_str()).collect::<Vec<_>>().join(", ");
        let _ = write!(
            text,
            "}}\n{functions}\nfn advance(in: In) -> Out {{\n{body}    return Out({results});\n}}\n"
        );
        let module = parsed(&name, &text)?;
        let argument_kinds = program_arguments.iter().map(|f| f.kind(archetype)).collect();
        let (program_results, result_kinds) = program_results
            .into_iter()
            .map(|(program_result, kind, _)| (program_result, kind))
            .unzip();
        let (prefixes, models) = written.into_iter().map(|w| (w.prefix, w.model)).unzip();
        Ok(Program {
            name,
            given: None,
            text,
            module,
            entry: "advance",
            operations: Arc::default(),
            prefixes,
            models,
            program_arguments,
            argument_kinds,
            program_results,
            result_kinds,
        })
    }
}
