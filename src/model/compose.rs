//! Joins the models of an element and of the projections that end on it to one program.
//!
//! The result is a module with a pure function `advance(in: In) -> Out`. Each member of `In` has a [`Feed`] that says
//! what it is, each member of `Out` a [`Sink`]. The GPU engine puts an entry point around the function, the CPU engine
//! plays it on columns.

use std::fmt::Write as _;

use super::contract::Argument;
use super::{Kind, Member, Model, prefix, validate};
use crate::error::{Error, Result};
use crate::integrate::{Equations, Method};

/// What makes one program: groups with equal structures share it, and the dispatch.
#[derive(Debug, Clone)]
pub(crate) struct Structure {
    pub element: Model,
    pub method: Method,
    pub arms: Vec<Arm>,
    /// Whether the sums of the inputs are wanted after the step.
    pub observe_inputs: bool,
}

/// One projection onto the element: the synapse's dynamics and the current that it makes.
#[derive(Debug, Clone)]
pub(crate) struct Arm {
    pub synapse: Model,
    pub method: Method,
    pub output: Model,
}

impl PartialEq for Structure {
    fn eq(&self, other: &Self) -> bool {
        self.element.same(&other.element)
            && self.method == other.method
            && self.observe_inputs == other.observe_inputs
            && self.arms.len() == other.arms.len()
            && self.arms.iter().zip(&other.arms).all(|(a, b)| {
                a.synapse.same(&b.synapse) && a.method == b.method && a.output.same(&b.output)
            })
    }
}

/// A model's place in a structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Unit {
    Element,
    Synapse(usize),
    Output(usize),
}

/// What a member of the argument structure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Feed {
    State(Unit, usize),
    Param(Unit, usize),
    Derived(Unit, usize),
    Input(Unit, usize),
    /// The fixed-point sum of the events that arrive on an arm, i32.
    Arrivals(usize),
    /// What one count of that sum is worth.
    Quantum(usize),
    Time,
    Dt,
    Step,
    StepHigh,
    Seed,
    SeedHigh,
    /// Number of the node, which keys its random numbers.
    Node(Unit),
    /// Number of the element in its group.
    Element,
}

impl Feed {
    /// Type of the member.
    fn kind(self, structure: &Structure) -> Kind {
        match self {
            Self::State(unit, k) => structure.model(unit).inner().state[k].kind,
            Self::Param(unit, k) => structure.model(unit).inner().params[k].kind,
            Self::Derived(unit, k) => structure.model(unit).inner().derived[k].kind,
            Self::Input(..) | Self::Quantum(_) | Self::Time | Self::Dt => Kind::F32,
            Self::Arrivals(_) => Kind::I32,
            Self::Step
            | Self::StepHigh
            | Self::Seed
            | Self::SeedHigh
            | Self::Node(_)
            | Self::Element => Kind::U32,
        }
    }
}

/// Where a member of the result goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sink {
    State(Unit, usize),
    Input(Unit, usize),
    /// 1 where the element spikes, else 0.
    Spike,
    /// Zero: the sum has been used.
    Arrivals(usize),
    /// Results of the functions that run on the host.
    Value(usize),
}

/// A composed and validated program.
#[derive(Debug)]
pub(crate) struct Program {
    /// Names of the models, for people.
    pub name: String,
    pub text: String,
    pub module: naga::Module,
    pub feeds: Vec<Feed>,
    pub feed_kinds: Vec<Kind>,
    pub sinks: Vec<Sink>,
    pub sink_kinds: Vec<Kind>,
}

impl Structure {
    pub(crate) fn model(&self, unit: Unit) -> &Model {
        match unit {
            Unit::Element => &self.element,
            Unit::Synapse(arm) => &self.arms[arm].synapse,
            Unit::Output(arm) => &self.arms[arm].output,
        }
    }

    /// All units, the element first.
    pub(crate) fn units(&self) -> Vec<Unit> {
        let arms = (0..self.arms.len()).flat_map(|a| [Unit::Synapse(a), Unit::Output(a)]);
        std::iter::once(Unit::Element).chain(arms).collect()
    }
}

/// A model as it stands in a composed text.
struct Written {
    model: Model,
    prefix: String,
    text: String,
    /// The text read back: the writer may change the names of members.
    module: naga::Module,
}

impl Written {
    fn new(model: &Model, prefix: String) -> Result<Self> {
        let inner = model.inner();
        let broken = |reason: String| Error::Unsupported {
            model: inner.name.clone(),
            construct: format!("something that naga cannot write back ({reason})"),
            help: "write it in plainer WGSL".into(),
        };
        let text = prefix::prefixed(&inner.module, &prefix).map_err(broken)?;
        let module = naga::front::wgsl::parse_str(&text).map_err(|e| broken(e.message().into()))?;
        Ok(Self { model: model.clone(), prefix, text, module })
    }

    /// Names of the members of one of the model's structures, as written.
    fn members(&self, structure: &str) -> Vec<String> {
        let name = format!("{}_{structure}", self.prefix);
        self.module
            .types
            .iter()
            .filter(|(_, ty)| ty.name.as_deref() == Some(&name))
            .find_map(|(_, ty)| match &ty.inner {
                naga::TypeInner::Struct { members, .. } => {
                    Some(members.iter().map(|m| m.name.clone().unwrap_or_default()).collect())
                }
                _ => None,
            })
            .unwrap_or_default()
    }
}

/// Collects the members of the argument structure while the body is written.
struct Composer<'s> {
    structure: &'s Structure,
    written: Vec<Written>,
    feeds: Vec<Feed>,
    body: String,
    sinks: Vec<(Sink, Kind, String)>,
}

impl Structure {
    /// Writes, parses and validates the program.
    pub(crate) fn compose(&self) -> Result<Program> {
        let mut composer = Composer::new(self)?;
        composer.advance();
        let name =
            self.units().iter().map(|&u| self.model(u).name()).collect::<Vec<_>>().join(" + ");
        composer.finish(name)
    }

    /// A program that calls one of the functions that run on the host: `defaults`, `initial` or `derive`.
    pub(crate) fn compose_host(model: &Model, function: &str) -> Result<Program> {
        let structure = Self {
            element: model.clone(),
            method: Method::EXACT,
            arms: Vec::new(),
            observe_inputs: false,
        };
        let inner = model.inner();
        let (arguments, members) = match function {
            "initial" => (inner.functions.initial.clone(), &inner.state),
            "derive" => (inner.functions.derive.clone(), &inner.derived),
            _ => (Some(Vec::new()), &inner.params),
        };
        let mut composer = Composer::new(&structure)?;
        composer.host_call(function, &arguments.unwrap_or_default(), members);
        composer.finish(format!("{}.{function}", model.name()))
    }
}

impl<'s> Composer<'s> {
    fn new(structure: &'s Structure) -> Result<Self> {
        let mut written: Vec<Written> = Vec::new();
        for unit in structure.units() {
            let model = structure.model(unit);
            if written.iter().any(|w| w.model.same(model)) {
                continue;
            }
            // a prefix of its own for each model, whatever the names
            let base = model.name().to_lowercase();
            let mut prefix = base.clone();
            let mut number = 1;
            while written.iter().any(|w| w.prefix == prefix) {
                number += 1;
                prefix = format!("{base}_{number}");
            }
            written.push(Written::new(model, prefix)?);
        }
        let (feeds, body, sinks) = (Vec::new(), String::new(), Vec::new());
        Ok(Self { structure, written, feeds, body, sinks })
    }

    fn written(&self, model: &Model) -> &Written {
        // every model of the structure was written by `new`
        let at = self.written.iter().position(|w| w.model.same(model)).unwrap_or(0);
        &self.written[at]
    }

    /// The expression for a member of the argument structure.
    fn feed(&mut self, feed: Feed) -> String {
        let at = self.feeds.iter().position(|&f| f == feed).unwrap_or_else(|| {
            self.feeds.push(feed);
            self.feeds.len() - 1
        });
        format!("in.{}", member_name(self.structure, self.feeds[at]))
    }

    fn line(&mut self, line: &str) {
        let _ = writeln!(self.body, "    {line}");
    }

    fn feeds(&mut self, count: usize, feed: impl Fn(usize) -> Feed) -> String {
        (0..count).map(|k| self.feed(feed(k))).collect::<Vec<_>>().join(", ")
    }

    /// Defines what the functions of a unit take besides state and input: `{v}_p`, `{v}_d`, `{v}_r` where they are used,
    /// and `{v}_h`.
    fn surroundings(&mut self, unit: Unit, v: &str, used: &[Argument]) {
        let model = self.structure.model(unit).clone();
        let prefix = self.written(&model).prefix.clone();
        let inner = model.inner();
        if used.contains(&Argument::Params) {
            let values = self.feeds(inner.params.len(), |k| Feed::Param(unit, k));
            self.line(&format!("let {v}_p = {prefix}_Params({values});"));
        }
        if used.contains(&Argument::Derived) {
            let values = self.feeds(inner.derived.len(), |k| Feed::Derived(unit, k));
            self.line(&format!("let {v}_d = {prefix}_Derived({values});"));
        }
        let shared = self.shared(&prefix, 0.0);
        self.line(&format!("let {v}_h = {shared};"));
        if used.contains(&Argument::Random) {
            let clock = [
                Feed::Seed,
                Feed::SeedHigh,
                Feed::Node(unit),
                Feed::Element,
                Feed::Step,
                Feed::StepHigh,
            ];
            let values = clock.map(|f| self.feed(f)).join(", ");
            self.line(&format!("let {v}_r = {prefix}_Random({values});"));
        }
    }

    fn shared(&mut self, prefix: &str, c: f64) -> String {
        let [t, dt, i, i_high] =
            [Feed::Time, Feed::Dt, Feed::Step, Feed::StepHigh].map(|f| self.feed(f));
        let t = if c == 0.0 { t } else { format!("{t} + {:?} * {dt}", c as f32) };
        format!("{prefix}_Shared({t}, {dt}, {i}, {i_high})")
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
        let arguments = arguments.iter().map(|argument| match argument {
            Argument::Old => states[0].to_string(),
            Argument::State => states[1].to_string(),
            Argument::Params => format!("{v}_p"),
            Argument::Derived => format!("{v}_d"),
            Argument::Input => format!("{v}_x"),
            Argument::Shared => shared.to_string(),
            Argument::Random => format!("{v}_r"),
            Argument::Named(name) => name.clone(),
        });
        format!("{prefix}_{name}({})", arguments.collect::<Vec<_>>().join(", "))
    }

    /// One step of a unit with a state: defines `{v}_old` and `{v}_end`, and `{v}_spike` where it has a threshold.
    /// `extra[k]` is added to input `k`.
    fn step(&mut self, unit: Unit, v: &str, method: Method, extra: &[Option<String>]) {
        let model = self.structure.model(unit).clone();
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
        let used: Vec<Argument> =
            [integration, &functions.update, &functions.threshold, &functions.reset]
                .into_iter()
                .flatten()
                .flatten()
                .cloned()
                .collect();
        self.surroundings(unit, v, &used);
        let values = self.feeds(inner.state.len(), |k| Feed::State(unit, k));
        self.line(&format!("let {v}_old = {prefix}_State({values});"));
        if !inner.inputs.is_empty() {
            let sums: Vec<String> = (0..inner.inputs.len())
                .map(|k| {
                    let own = self.feed(Feed::Input(unit, k));
                    match extra.get(k).and_then(Option::as_ref) {
                        Some(extra) => format!("{own} + {extra}"),
                        None => own,
                    }
                })
                .collect();
            for (k, sum) in sums.iter().enumerate() {
                self.line(&format!("let {v}_sum{k} = {sum};"));
                if self.structure.observe_inputs {
                    self.sinks.push((Sink::Input(unit, k), Kind::F32, format!("{v}_sum{k}")));
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
                Self::call(&prefix, "derivative", &arguments, v, [&old, state], shared)
            };
            let exact = functions
                .exact
                .as_ref()
                .map(|a| Self::call(&prefix, "exact", a, v, [&old, &old], &shared));
            let shared_at = |c: f64| {
                let t =
                    if c == 0.0 { "in.t".into() } else { format!("in.t + {:?} * in.dt", c as f32) };
                format!("{prefix}_Shared({t}, in.dt, in.i, in.i_high)")
            };
            let text = method.generate(&Equations {
                system: v,
                state_type: &format!("{prefix}_State"),
                state: &state_names,
                derivative: &derivative,
                call: &call,
                exact,
                shared_at: &shared_at,
            });
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
            self.sinks.push((Sink::State(unit, k), inner.state[k].kind, format!("{v}_end.{name}")));
        }
    }

    /// The whole step: synapses decay and take what arrives, their currents go to the element's input, the element steps.
    fn advance(&mut self) {
        let structure = self.structure;
        let element = structure.element.inner();
        let target = element.inputs.iter().position(|m| m.name == "input").unwrap_or(0);
        let mut currents = Vec::new();
        for (arm, Arm { method, output, .. }) in structure.arms.iter().enumerate() {
            let v = format!("a{arm}");
            let (arrivals, quantum) =
                (self.feed(Feed::Arrivals(arm)), self.feed(Feed::Quantum(arm)));
            self.step(
                Unit::Synapse(arm),
                &v,
                *method,
                &[Some(format!("f32({arrivals}) * {quantum}"))],
            );
            self.sinks.push((Sink::Arrivals(arm), Kind::I32, "0i".into()));
            let o = format!("o{arm}");
            let arguments = output.inner().functions.current.clone().unwrap_or_default();
            self.surroundings(Unit::Output(arm), &o, &arguments);
            let arguments: Vec<Argument> =
                arguments.into_iter().map(|a| self.resolved(arm, a)).collect();
            let prefix = self.written(output).prefix.clone();
            let call = Self::call(&prefix, "current", &arguments, &o, ["", ""], &format!("{o}_h"));
            self.line(&format!("let {o}_current = {call};"));
            currents.push(format!("{o}_current"));
        }
        let mut extra = vec![None; element.inputs.len()];
        if !currents.is_empty() && target < extra.len() {
            extra[target] = Some(currents.join(" + "));
        }
        self.step(Unit::Element, "e", structure.method, &extra);
        if element.functions.threshold.is_some() {
            self.sinks.push((Sink::Spike, Kind::U32, "select(0u, 1u, e_spike)".into()));
        }
    }

    /// A named argument of an output: a state member of the synapse after its step, or of the element before its own.
    fn resolved(&mut self, arm: usize, argument: Argument) -> Argument {
        let Argument::Named(name) = argument else { return argument };
        let synapse = &self.structure.arms[arm].synapse;
        let own = synapse.inner().state.iter().position(|m| m.name == name);
        if let Some(k) = own {
            let member = self.written(synapse).members("State")[k].clone();
            return Argument::Named(format!("a{arm}_end.{member}"));
        }
        let element = self.structure.element.inner();
        let at = element.state.iter().position(|m| m.name == name).unwrap_or(0);
        Argument::Named(self.feed(Feed::State(Unit::Element, at)))
    }

    fn host_call(&mut self, function: &str, arguments: &[Argument], members: &[Member]) {
        if arguments.is_empty() {
            // a structure needs a member
            self.feed(Feed::Dt);
        }
        let model = self.structure.element.clone();
        let prefix = self.written(&model).prefix.clone();
        if !arguments.is_empty() {
            self.surroundings(Unit::Element, "e", arguments);
        }
        let call = Self::call(&prefix, function, arguments, "e", ["", ""], "e_h");
        self.line(&format!("let result = {call};"));
        let structure = match function {
            "initial" => "State",
            "derive" => "Derived",
            _ => "Params",
        };
        let names = self.written(&model).members(structure);
        for (k, (member, name)) in members.iter().zip(names).enumerate() {
            self.sinks.push((Sink::Value(k), member.kind, format!("result.{name}")));
        }
    }

    fn finish(self, name: String) -> Result<Program> {
        let Self { structure, written, feeds, body, sinks } = self;
        let mut text = written.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join("\n");
        text.push_str("\nstruct In {\n");
        for &feed in &feeds {
            let (member, kind) = (member_name(structure, feed), feed.kind(structure).name());
            let _ = writeln!(text, "    {member}: {kind},");
        }
        text.push_str("}\n\nstruct Out {\n");
        for (k, (_, kind, _)) in sinks.iter().enumerate() {
            let _ = writeln!(text, "    out{k}: {},", kind.name());
        }
        let results = sinks.iter().map(|(.., e)| e.as_str()).collect::<Vec<_>>().join(", ");
        let _ = write!(
            text,
            "}}\n\nfn advance(in: In) -> Out {{\n{body}    return Out({results});\n}}\n"
        );
        let broken = |reason: String| Error::Unsupported {
            model: name.clone(),
            construct: format!("the composed program ({reason})"),
            help: "write the model in plainer WGSL".into(),
        };
        let module =
            naga::front::wgsl::parse_str(&text).map_err(|e| broken(e.emit_to_string(&text)))?;
        validate(&module).map_err(|e| broken(e.emit_to_string(&text)))?;
        let feed_kinds = feeds.iter().map(|f| f.kind(structure)).collect();
        let (sinks, sink_kinds) = sinks.into_iter().map(|(sink, kind, _)| (sink, kind)).unzip();
        Ok(Program { name, text, module, feeds, feed_kinds, sinks, sink_kinds })
    }
}

fn member_name(structure: &Structure, feed: Feed) -> String {
    let unit_name = |unit: Unit| match unit {
        Unit::Element => "e".to_string(),
        Unit::Synapse(arm) => format!("a{arm}"),
        Unit::Output(arm) => format!("o{arm}"),
    };
    let name = |unit: Unit, role: &str, members: &[Member], k: usize| {
        format!("{}_{role}_{}", unit_name(unit), members[k].name)
    };
    match feed {
        Feed::State(u, k) => name(u, "state", &structure.model(u).inner().state, k),
        Feed::Param(u, k) => name(u, "param", &structure.model(u).inner().params, k),
        Feed::Derived(u, k) => name(u, "derived", &structure.model(u).inner().derived, k),
        Feed::Input(u, k) => name(u, "input", &structure.model(u).inner().inputs, k),
        Feed::Arrivals(arm) => format!("a{arm}_arrivals"),
        Feed::Quantum(arm) => format!("a{arm}_quantum"),
        Feed::Time => "t".into(),
        Feed::Dt => "dt".into(),
        Feed::Step => "i".into(),
        Feed::StepHigh => "i_high".into(),
        Feed::Seed => "seed".into(),
        Feed::SeedHigh => "seed_high".into(),
        Feed::Node(u) => format!("{}_node", unit_name(u)),
        Feed::Element => "element".into(),
    }
}
