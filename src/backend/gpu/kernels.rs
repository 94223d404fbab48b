//! The kernels of a plan as WGSL: the structural ones, and a shell around each composed program.

use std::fmt::Write as _;

use super::adapters::Reach;
use super::agreed::{CLOCK, HEADER, UNIFORM_BYTES};
use super::limits;
use super::loops::Loops;
use super::pin::{self, Native};
use super::tables;
use crate::error::{Error, Result};
use crate::model::{Feed, Invocation, Sink, validate};
use crate::plan::{Binding, KernelGive, Load, Plan, Space, Work};
use crate::terms::Kind;

const UPDATE: &str = include_str!("../../../shaders/kernels/update.wgsl");
const DELIVER: &str = include_str!("../../../shaders/kernels/deliver.wgsl");
pub(super) const MEMBER: &str = include_str!("../../../shaders/kernels/member.wgsl");
const EACH: &str = include_str!("../../../shaders/kernels/each.wgsl");
const RECORD: &str = include_str!("../../../shaders/kernels/record.wgsl");
pub(super) const APPLY: &str = include_str!("../../../shaders/kernels/apply.wgsl");
const INPUT_KERNEL: &str = include_str!("../../../shaders/kernels/input.wgsl");
const FOLD: &str = include_str!("../../../shaders/kernels/fold.wgsl");
const COPY: &str = include_str!("../../../shaders/kernels/copy.wgsl");
const REDUCE: &str = include_str!("../../../shaders/kernels/reduce.wgsl");
const ACCUMULATE: &str = include_str!("../../../shaders/kernels/accumulate.wgsl");
const KEEP: &str = include_str!("../../../shaders/kernels/keep.wgsl");
const PAST: &str = include_str!("../../../shaders/kernels/past.wgsl");
const MOVE: &str = include_str!("../../../shaders/kernels/move.wgsl");
const SUM: &str = include_str!("../../../shaders/kernels/sum.wgsl");

/// What kernels are written for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    /// Operations that are exact on the device.
    pub native: Native,
    /// Invocations of a workgroup, a power of two. Members of populations start at multiples of it.
    pub lanes: usize,
    /// How often loops may go round.
    pub reach: Reach,
}

impl Target {
    /// Workgroups for so many invocations.
    pub(super) fn groups(self, invocations: usize) -> [u32; 3] {
        limits::groups(invocations, self.lanes)
    }
}

/// A kernel: its name, its module, its bindings after the clock in their order.
#[derive(Debug)]
pub(super) struct Kernel {
    pub name: String,
    pub module: naga::Module,
    pub bindings: Vec<Bound>,
    /// Whether it computes addresses that the plan does not know, so that each access has to be checked.
    pub checked: bool,
}

/// What is bound to a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    Arena,
    ArenaRead,
    Sums,
    Table,
    /// The same in the address space `uniform`, where all lanes read a word at once.
    UniformTable,
    /// The routes of the first stage, in a kernel that has another table.
    Routes,
    UniformRoutes,
    Values,
    Events,
    Synapses,
    Gathers,
    /// What is recorded of a population that is played many steps at a time.
    Recorded,
    Schedule,
    Rows,
    /// Where loops are told that did not end.
    Endless,
    /// An array of a user's kernel.
    Array {
        at: usize,
        writable: bool,
    },
}

impl Bound {
    pub(super) fn is_read_only(self) -> bool {
        match self {
            Self::Array { writable, .. } => !writable,
            Self::Arena | Self::Sums | Self::Events | Self::Rows | Self::Endless => false,
            _ => true,
        }
    }
}

/// The delivery of a stage.
pub(super) fn deliver(plan: &Plan, stage: usize, target: Target) -> Result<Kernel> {
    let (space, routes) = table(tables::routes_words(plan, stage), "routes", 4);
    let bindings = &[Bound::Sums, Bound::Events, Bound::Synapses, routes];
    parse("deliver".into(), &format!("{CLOCK}{space}{DELIVER}"), bindings, target)
}

/// The declaration of a table of so many words: where it is not too large, all lanes read a word of it at once.
pub(super) fn table(words: usize, name: &str, binding: usize) -> (String, Bound) {
    let (space, bound) = match 4 * words <= UNIFORM_BYTES {
        true => ("uniform", Bound::UniformTable),
        false => ("storage, read", Bound::Table),
    };
    let vectors = words / 4;
    let declared = format!(
        "\n@group(0) @binding({binding}) var<{space}> {name}: array<vec4<u32>, {vectors}>;\n"
    );
    (declared, bound)
}

pub(super) fn record(plan: &Plan, target: Target) -> Result<Kernel> {
    let bindings = &[Bound::ArenaRead, Bound::Gathers, Bound::Schedule, Bound::Rows];
    let text = format!("{CLOCK}{}{EACH}{RECORD}", cadences(plan));
    parse("record".into(), &text, bindings, target)
}

fn cadences(plan: &Plan) -> String {
    format!("\nconst CADENCES: u32 = {}u;\n", plan.cadences.len())
}

/// An input in a dispatch of its own.
pub(super) fn input(target: Target) -> Result<Kernel> {
    let bindings = &[Bound::Arena, Bound::Table, Bound::Values];
    parse("input".into(), &format!("{CLOCK}{APPLY}{EACH}{INPUT_KERNEL}"), bindings, target)
}

/// What makes a column.
pub(super) fn column(plan: &Plan, k: usize, target: Target) -> Result<Kernel> {
    let column = &plan.columns[k];
    let name = |kind: &str| format!("{kind} {}", column.label);
    match &column.work {
        Work::Evaluate { program, loads, .. } => {
            let mut text = format!("{CLOCK}{EACH}\n");
            text.push_str("@group(0) @binding(1) var<storage, read_write> arena: array<u32>;\n\n");
            let _ = writeln!(text, "{}", program.text);
            let members = loads.iter().zip(&program.feed_kinds).map(|(&load, &kind)| match load {
                Load::Stream(address) => typed(kind, &format!("arena[{address}u + e]")),
                Load::Word(address) => typed(kind, &format!("arena[{address}u]")),
                Load::Clock(feed) => format!("clock.{}", clock_member(feed)),
                // programs are given what compilers do not know
                Load::Constant(bits) => typed(kind, &format!("({bits}u | clock.zero)")),
            });
            let members = members.collect::<Vec<_>>().join(", ");
            let value = untyped(program.sink_kinds[0], "out.out0");
            let _ = write!(
                text,
                "fn things() -> u32 {{\n    return {}u;\n}}\n\n\
                 fn make(e: u32) {{\n\
                 \x20   let out = advance(In({members}));\n\
                 \x20   arena[{}u + e] = {value};\n}}\n",
                column.words, column.address
            );
            parse(name("evaluate"), &text, &[Bound::Arena], target)
        }
        Work::Copy { .. } => simple(name("copy"), COPY, target),
        Work::Keep { .. } => simple(name("keep"), KEEP, target),
        Work::Past { .. } => simple(name("past"), PAST, target),
        Work::Sum { .. } => simple(name("sum"), SUM, target),
        Work::Reduce { .. } => {
            let bindings = &[Bound::Arena, Bound::Table];
            parse(name("reduce"), &format!("{CLOCK}{FOLD}{REDUCE}"), bindings, target)
        }
        Work::Accumulate { .. } => {
            let bindings = &[Bound::Arena, Bound::Table, Bound::Schedule];
            let text = format!("{CLOCK}{}{FOLD}{EACH}{ACCUMULATE}", cadences(plan));
            parse(name("accumulate"), &text, bindings, target)
        }
    }
}

/// What is made from the arena by a table, thing by thing.
fn simple(name: String, text: &str, target: Target) -> Result<Kernel> {
    let bindings = &[Bound::Arena, Bound::Table];
    parse(name, &format!("{CLOCK}{EACH}{text}"), bindings, target)
}

/// The program of a population in the shell, for a device with these exact operations, with or without its inputs.
pub(super) fn update(plan: &Plan, at: usize, inputs: bool, target: Target) -> Result<Kernel> {
    let population = &plan.populations[at];
    let program = &population.program;
    let name = format!("update {}", program.name);
    let (declared, table) = table(tables::population_words(plan, at, inputs), "table", 3);
    let loops = Loops::of_population(plan, at, target.reach);
    let counts = loops.text(6);
    let mut text = format!("{CLOCK}{declared}{MEMBER}{APPLY}{counts}{UPDATE}\n");
    let constants = tables::constant_streams(plan, at);
    let _ = writeln!(text, "{}\n{}", members(plan, at), program.text);
    let _ = writeln!(text, "fn load(e: u32, element: u32, member: u32) -> In {{");
    let mut feeds = Vec::with_capacity(population.feeds.len());
    for (&binding, &kind) in population.feeds.iter().zip(&program.feed_kinds) {
        feeds.push(match binding {
            Binding::Stream(stream) => {
                let constant = constants.iter().position(|&constant| constant == stream);
                let stream = population.streams[stream];
                let read = match stream.space {
                    Space::Arena => typed(kind, &format!("arena[{}u + e]", stream.address)),
                    Space::Accumulators => format!("sums[{}u + e]", stream.address),
                };
                match constant {
                    None => read,
                    Some(k) => {
                        // what was set before a run counts in its first step
                        let known = word(HEADER + 2 * population.places.len() + k);
                        let _ = writeln!(
                            text,
                            "    var constant{k}_ = bitcast<f32>({known});\n    \
                             if clock.starts != 0u {{\n        constant{k}_ = {read};\n    }}"
                        );
                        format!("constant{k}_")
                    }
                }
            }
            Binding::Place(place) => typed(
                kind,
                &match population.uniform_rank(place) {
                    Some(_) => word(HEADER + 2 * place),
                    None => place_of_element(place),
                },
            ),
            Binding::Clock(feed) => format!("clock.{}", clock_member(feed)),
        });
    }
    let _ = writeln!(text, "    return In({});\n}}\n", feeds.join(", "));
    let _ = writeln!(text, "fn store(out: Out, e: u32) -> bool {{");
    for (k, (&stream, &kind)) in population.sinks.iter().zip(&program.sink_kinds).enumerate() {
        let stream = population.streams[stream];
        let value = format!("out.out{k}");
        let (name, value) = match stream.space {
            Space::Accumulators => ("sums", value),
            Space::Arena => ("arena", untyped(kind, &value)),
        };
        let _ = writeln!(text, "    {name}[{}u + e] = {value};", stream.address);
    }
    let spikes = program.sinks.iter().position(|sink| *sink == Sink::Spike);
    let spike = spikes.map_or("false".into(), |k| format!("out.out{k} != 0u"));
    let _ = writeln!(text, "    return {spike};\n}}\n");
    let _ = writeln!(text, "fn clear(e: u32) {{");
    let cleared = population.streams.iter().enumerate().filter(|(_, s)| s.cleared);
    for (_, stream) in cleared.filter(|(k, _)| !constants.contains(k)) {
        let _ = writeln!(text, "    arena[{}u + e] = 0u;", stream.address);
    }
    let _ = writeln!(text, "}}");
    let bindings =
        &[Bound::Arena, Bound::Sums, table, Bound::Values, Bound::Events, Bound::Endless];
    parse_counting(name, &text, bindings, target, &loops)
}

/// What brings the words of a variable into an array of a kernel, and back.
pub(super) fn exchange(target: Target) -> Result<Kernel> {
    let bindings = &[Bound::Arena, Bound::Table, Bound::Array { at: 0, writable: true }];
    parse("move".into(), &format!("{CLOCK}{EACH}{MOVE}"), bindings, target)
}

/// A user's kernel. Its arrays come first, then a table with the key of its random numbers.
pub(super) fn kernel(plan: &Plan, k: usize, target: Target) -> Result<Kernel> {
    let op = &plan.kernels[k];
    let loops = Loops::of_kernel(plan, k, target.reach);
    let program = &op.text.program;
    let arrays = op.arrays.iter().enumerate();
    let mut bindings: Vec<Bound> =
        arrays.map(|(at, array)| Bound::Array { at, writable: array.writable }).collect();
    bindings.extend([Bound::Table, Bound::Endless]);
    let members = op.gives.iter().map(|&give| match give {
        KernelGive::Clock(feed) => format!("clock.{}", clock_member(feed)),
        KernelGive::Constant(bits) => format!("{bits}u"),
        KernelGive::Key(half) => format!("table[{half}]"),
        KernelGive::Invocation(invocation) => match invocation {
            Invocation::Global(axis) => format!("global[{axis}]"),
            Invocation::Local(axis) => format!("local[{axis}]"),
            Invocation::Index => "index".into(),
            Invocation::Workgroup(axis) => format!("group[{axis}]"),
            Invocation::Workgroups(axis) => format!("groups[{axis}]"),
            // a workgroup has its memory for itself
            Invocation::Slot => "0u".into(),
        },
    });
    let [x, y, z] = op.text.workgroup;
    let text = format!(
        "{CLOCK}\n@group(0) @binding({}) var<storage, read> table: array<u32>;\n\n{}{}\n\
         @compute @workgroup_size({x}, {y}, {z})\n\
         fn main(\n\
         \x20   @builtin(global_invocation_id) global: vec3<u32>,\n\
         \x20   @builtin(local_invocation_id) local: vec3<u32>,\n\
         \x20   @builtin(local_invocation_index) index: u32,\n\
         \x20   @builtin(workgroup_id) group: vec3<u32>,\n\
         \x20   @builtin(num_workgroups) groups: vec3<u32>,\n\
         ) {{\n    advance(In({}));\n    tell_endless(0u);\n}}\n",
        bindings.len() - 1,
        loops.text(bindings.len()),
        program.text,
        members.collect::<Vec<_>>().join(", ")
    );
    let name = format!("kernel {}", op.path);
    let kernel = parse_counting(name, &text, &bindings, target, &loops)?;
    Ok(Kernel { checked: true, ..kernel })
}

pub(super) fn typed(kind: Kind, word: &str) -> String {
    match kind {
        Kind::F32 => format!("bitcast<f32>({word})"),
        Kind::I32 => format!("bitcast<i32>({word})"),
        Kind::U32 | Kind::Bool => word.into(),
    }
}

/// A value as a word.
pub(super) fn untyped(kind: Kind, value: &str) -> String {
    match kind {
        Kind::F32 | Kind::I32 => format!("bitcast<u32>({value})"),
        Kind::U32 | Kind::Bool => value.into(),
    }
}

/// How many members there are, and vectors of words of each in the table.
pub(super) fn members(plan: &Plan, at: usize) -> String {
    format!(
        "const MEMBERS: u32 = {}u;\nconst MEMBER: u32 = {}u;\n",
        plan.populations[at].members.len(),
        tables::member_words(plan, at) / 4
    )
}

/// A word of the member's part of the table.
pub(super) fn word(k: usize) -> String {
    format!("table[member + {}u][{}]", k / 4, k % 4)
}

/// A parameter that may differ between elements.
pub(super) fn place_of_element(place: usize) -> String {
    let at = HEADER + 2 * place;
    format!("arena[{} + element * {}]", word(at), word(at + 1))
}

pub(super) fn clock_member(feed: Feed) -> &'static str {
    match feed {
        Feed::Dt => "dt",
        Feed::Step => "i",
        Feed::StepHigh => "i_high",
        Feed::TimeHigh => "t_hi",
        Feed::TimeLow => "t_lo",
        _ => "t",
    }
}

pub(super) fn broken(name: &str, reason: &str) -> Error {
    Error::Unsupported {
        model: name.into(),
        construct: format!("the generated kernel ({reason})"),
        location: None,
        help: "write the model in plainer WGSL".into(),
    }
}

pub(super) fn parse(
    name: String,
    text: &str,
    bindings: &[Bound],
    target: Target,
) -> Result<Kernel> {
    parsed(name, text, bindings, target, None)
}

/// The same of a kernel whose program has these loops.
fn parse_counting(
    name: String,
    text: &str,
    bindings: &[Bound],
    target: Target,
    loops: &Loops<'_>,
) -> Result<Kernel> {
    parsed(name, text, bindings, target, Some(loops))
}

fn parsed(
    name: String,
    text: &str,
    bindings: &[Bound],
    target: Target,
    loops: Option<&Loops<'_>>,
) -> Result<Kernel> {
    // before the rest: functions may only call those before them in the module
    let text = format!("{}\nconst LANES: u32 = {}u;\n{text}", pin::library(), target.lanes);
    let mut module =
        naga::front::wgsl::parse_str(&text).map_err(|e| broken(&name, &e.emit_to_string(&text)))?;
    if let Some(loops) = loops {
        loops.count(&mut module);
    }
    let info = validate(&module).map_err(|e| broken(&name, &e.emit_to_string(&text)))?;
    pin::pin(&mut module, &info, target.native);
    // what the entry point does not reach, of the library above all, is left out
    naga::compact::compact(&mut module, naga::compact::KeepUnused::No);
    validate(&module).map_err(|e| broken(&name, &e.emit_to_string(&text)))?;
    Ok(Kernel { name, module, bindings: bindings.to_vec(), checked: false })
}
