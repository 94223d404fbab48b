//! The kernels of a plan as WGSL: the structural ones, and a generator around each composed program.

use std::fmt::Write as _;

use super::adapters::DeviceLimits;
use super::agreed::{CLOCK, HEADER, UNIFORM_BYTES};
use super::bit_exact::{self, ExactOperations};
use super::descriptors;
use super::limits;
use super::loops::Loops;
use crate::error::{Error, Result};
use crate::model::{Invocation, ProgramArgument, ProgramResult, validate};
use crate::plan::{Binding, DerivedLoad, DerivedWork, KernelGive, Plan, Space};
use crate::terms::Kind;

const UPDATE: &str = include_str!("../../../shaders/kernels/update.wgsl");
const DELIVER: &str = include_str!("../../../shaders/kernels/deliver.wgsl");
pub(super) const MEMBER: &str = include_str!("../../../shaders/kernels/member.wgsl");
const EACH: &str = include_str!("../../../shaders/kernels/each.wgsl");
const RECORD: &str = include_str!("../../../shaders/kernels/record.wgsl");
pub(super) const APPLY: &str = include_str!("../../../shaders/kernels/apply.wgsl");
const INPUT_KERNEL: &str = include_str!("../../../shaders/kernels/input.wgsl");
const REDUCTION: &str = include_str!("../../../shaders/kernels/reduction.wgsl");
const COPY: &str = include_str!("../../../shaders/kernels/copy.wgsl");
const REDUCE: &str = include_str!("../../../shaders/kernels/reduce.wgsl");
const ACCUMULATE: &str = include_str!("../../../shaders/kernels/accumulate.wgsl");
const DELAY_LINE_WRITE: &str = include_str!("../../../shaders/kernels/delay_line_write.wgsl");
const DELAY_LINE_READ: &str = include_str!("../../../shaders/kernels/delay_line_read.wgsl");
const MOVE: &str = include_str!("../../../shaders/kernels/move.wgsl");
const SUM: &str = include_str!("../../../shaders/kernels/sum.wgsl");

/// What kernels are written for.
#[derive(Debug, Clone, Copy)]
pub(super) struct KernelTarget {
    /// Operations that are exact on the device.
    pub exact: ExactOperations,
    /// Invocations of a workgroup, a power of two. Members of populations start at multiples of it.
    pub workgroup_size: usize,
    /// How often loops may go round.
    pub device_limits: DeviceLimits,
}

impl KernelTarget {
    /// Workgroups for so many invocations.
    pub(super) fn groups(self, invocations: usize) -> [u32; 3] {
        limits::groups(invocations, self.workgroup_size)
    }
}

/// A kernel: its name, its module, its bindings after the clock in their order.
#[derive(Debug)]
pub(super) struct GeneratedKernel {
    pub name: String,
    pub module: naga::Module,
    pub bindings: Vec<BindingKind>,
    /// Whether it computes addresses that the plan does not know, so that each access has to be checked.
    pub checked: bool,
}

/// What is bound to a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BindingKind {
    Arena,
    ArenaRead,
    Accumulators,
    Table,
    /// The same in the address space `uniform`, where all lanes read a word at once.
    UniformTable,
    /// The delivery blocks of the first stage, in a kernel that has another table.
    DeliveryBlocks,
    UniformDeliveryBlocks,
    Values,
    Events,
    Synapses,
    Gathers,
    /// What is recorded of a population that is executed many steps at a time.
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

impl BindingKind {
    pub(super) fn is_read_only(self) -> bool {
        match self {
            Self::Array { writable, .. } => !writable,
            Self::Arena | Self::Accumulators | Self::Events | Self::Rows | Self::Endless => false,
            _ => true,
        }
    }
}

/// The delivery of a stage.
pub(super) fn deliver(plan: &Plan, stage: usize, target: KernelTarget) -> Result<GeneratedKernel> {
    let (space, delivery_blocks) =
        table(descriptors::delivery_block_words(plan, stage), "delivery_blocks", 4);
    let bindings =
        &[BindingKind::Accumulators, BindingKind::Events, BindingKind::Synapses, delivery_blocks];
    parse("deliver".into(), &format!("{CLOCK}{space}{DELIVER}"), bindings, target)
}

/// The declaration of a table of so many words: where it is not too large, all lanes read a word of it at once.
pub(super) fn table(words: usize, name: &str, binding: usize) -> (String, BindingKind) {
    let (space, bound) = match 4 * words <= UNIFORM_BYTES {
        true => ("uniform", BindingKind::UniformTable),
        false => ("storage, read", BindingKind::Table),
    };
    let vectors = words / 4;
    let declared = format!(
        "\n@group(0) @binding({binding}) var<{space}> {name}: array<vec4<u32>, {vectors}>;\n"
    );
    (declared, bound)
}

pub(super) fn record(plan: &Plan, target: KernelTarget) -> Result<GeneratedKernel> {
    let bindings =
        &[BindingKind::ArenaRead, BindingKind::Gathers, BindingKind::Schedule, BindingKind::Rows];
    let text = format!("{CLOCK}{}{EACH}{RECORD}", samplings(plan));
    parse("record".into(), &text, bindings, target)
}

fn samplings(plan: &Plan) -> String {
    format!("\nconst SAMPLINGS: u32 = {}u;\n", plan.samplings.len())
}

/// An input in a dispatch of its own.
pub(super) fn input(target: KernelTarget) -> Result<GeneratedKernel> {
    let bindings = &[BindingKind::Arena, BindingKind::Table, BindingKind::Values];
    parse("input".into(), &format!("{CLOCK}{APPLY}{EACH}{INPUT_KERNEL}"), bindings, target)
}

/// What makes a column.
pub(super) fn derived_column(
    plan: &Plan,
    k: usize,
    target: KernelTarget,
) -> Result<GeneratedKernel> {
    let derived_column = &plan.derived_columns[k];
    let name = |kind: &str| format!("{kind} {}", derived_column.label);
    match &derived_column.work {
        DerivedWork::Evaluate { program, loads, .. } => {
            let mut text = format!("{CLOCK}{EACH}\n");
            text.push_str("@group(0) @binding(1) var<storage, read_write> arena: array<u32>;\n\n");
            let _ = writeln!(text, "{}", program.text);
            let members =
                loads.iter().zip(&program.argument_kinds).map(|(&load, &kind)| match load {
                    DerivedLoad::Column(address) => typed(kind, &format!("arena[{address}u + e]")),
                    DerivedLoad::Word(address) => typed(kind, &format!("arena[{address}u]")),
                    DerivedLoad::Clock(program_argument) => {
                        format!("clock.{}", clock_member(program_argument))
                    }
                    // programs are given what compilers do not know
                    DerivedLoad::Constant(bits) => typed(kind, &format!("({bits}u | clock.zero)")),
                });
            let members = members.collect::<Vec<_>>().join(", ");
            let value = untyped(program.result_kinds[0], "out.out0");
            let _ = write!(
                text,
                "fn things() -> u32 {{\n    return {}u;\n}}\n\n\
                 fn make(e: u32) {{\n\
                 \x20   let out = advance(In({members}));\n\
                 \x20   arena[{}u + e] = {value};\n}}\n",
                derived_column.words, derived_column.address
            );
            parse(name("evaluate"), &text, &[BindingKind::Arena], target)
        }
        DerivedWork::Copy { .. } => simple(name("replica"), COPY, target),
        DerivedWork::DelayLineWrite { .. } => simple(name("keep"), DELAY_LINE_WRITE, target),
        DerivedWork::DelayLineRead { .. } => simple(name("past"), DELAY_LINE_READ, target),
        DerivedWork::Sum { .. } => simple(name("sum"), SUM, target),
        DerivedWork::Reduce { .. } => {
            let bindings = &[BindingKind::Arena, BindingKind::Table];
            parse(name("reduce"), &format!("{CLOCK}{REDUCTION}{REDUCE}"), bindings, target)
        }
        DerivedWork::Accumulate { .. } => {
            let bindings = &[BindingKind::Arena, BindingKind::Table, BindingKind::Schedule];
            let text = format!("{CLOCK}{}{REDUCTION}{EACH}{ACCUMULATE}", samplings(plan));
            parse(name("accumulate"), &text, bindings, target)
        }
    }
}

/// What is made from the arena by a table, thing by thing.
fn simple(name: String, text: &str, target: KernelTarget) -> Result<GeneratedKernel> {
    let bindings = &[BindingKind::Arena, BindingKind::Table];
    parse(name, &format!("{CLOCK}{EACH}{text}"), bindings, target)
}

/// The program of a population in the generator, for a device with these exact operations, with or without its inputs.
pub(super) fn update(
    plan: &Plan,
    at: usize,
    inputs: bool,
    target: KernelTarget,
) -> Result<GeneratedKernel> {
    let population = &plan.populations[at];
    let program = &population.program;
    let name = format!("update {}", program.name);
    let (declared, table) = table(descriptors::population_words(plan, at, inputs), "table", 3);
    let loops = Loops::of_population(plan, at, target.device_limits);
    let counts = loops.text(6);
    let mut text = format!("{CLOCK}{declared}{MEMBER}{APPLY}{counts}{UPDATE}\n");
    let constants = descriptors::constant_columns(plan, at);
    let _ = writeln!(text, "{}\n{}", members(plan, at), program.text);
    let _ = writeln!(text, "fn load(e: u32, element: u32, member: u32) -> In {{");
    let mut program_arguments = Vec::with_capacity(population.program_arguments.len());
    for (&binding, &kind) in population.program_arguments.iter().zip(&program.argument_kinds) {
        program_arguments.push(match binding {
            Binding::Column(column) => {
                let constant = constants.iter().position(|&constant| constant == column);
                let column = population.columns[column];
                let read = match column.space {
                    Space::Arena => typed(kind, &format!("arena[{}u + e]", column.address)),
                    Space::Accumulators => format!("accumulators[{}u + e]", column.address),
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
            Binding::Parameter(place) => typed(
                kind,
                &match population.uniform_rank(place) {
                    Some(_) => word(HEADER + 2 * place),
                    None => place_of_element(place),
                },
            ),
            Binding::Clock(program_argument) => format!("clock.{}", clock_member(program_argument)),
        });
    }
    let _ = writeln!(text, "    return In({});\n}}\n", program_arguments.join(", "));
    let _ = writeln!(text, "fn store(out: Out, e: u32) -> bool {{");
    for (k, (&column, &kind)) in
        population.program_results.iter().zip(&program.result_kinds).enumerate()
    {
        let column = population.columns[column];
        let value = format!("out.out{k}");
        let (name, value) = match column.space {
            Space::Accumulators => ("accumulators", value),
            Space::Arena => ("arena", untyped(kind, &value)),
        };
        let _ = writeln!(text, "    {name}[{}u + e] = {value};", column.address);
    }
    let spikes = program
        .program_results
        .iter()
        .position(|program_result| *program_result == ProgramResult::Spike);
    let spike = spikes.map_or("false".into(), |k| format!("out.out{k} != 0u"));
    let _ = writeln!(text, "    return {spike};\n}}\n");
    let _ = writeln!(text, "fn clear(e: u32) {{");
    let cleared = population.columns.iter().enumerate().filter(|(_, s)| s.cleared);
    for (_, column) in cleared.filter(|(k, _)| !constants.contains(k)) {
        let _ = writeln!(text, "    arena[{}u + e] = 0u;", column.address);
    }
    let _ = writeln!(text, "}}");
    let bindings = &[
        BindingKind::Arena,
        BindingKind::Accumulators,
        table,
        BindingKind::Values,
        BindingKind::Events,
        BindingKind::Endless,
    ];
    parse_counting(name, &text, bindings, target, &loops)
}

/// What brings the words of a variable into an array of a kernel, and back.
pub(super) fn exchange(target: KernelTarget) -> Result<GeneratedKernel> {
    let bindings =
        &[BindingKind::Arena, BindingKind::Table, BindingKind::Array { at: 0, writable: true }];
    parse("move".into(), &format!("{CLOCK}{EACH}{MOVE}"), bindings, target)
}

/// A user's kernel. Its arrays come first, then a table with the key of its random numbers.
pub(super) fn kernel(plan: &Plan, k: usize, target: KernelTarget) -> Result<GeneratedKernel> {
    let op = &plan.kernels[k];
    let loops = Loops::of_kernel(plan, k, target.device_limits);
    let program = &op.text.program;
    let arrays = op.arrays.iter().enumerate();
    let mut bindings: Vec<BindingKind> =
        arrays.map(|(at, array)| BindingKind::Array { at, writable: array.writable }).collect();
    bindings.extend([BindingKind::Table, BindingKind::Endless]);
    let members = op.gives.iter().map(|&give| match give {
        KernelGive::Clock(program_argument) => format!("clock.{}", clock_member(program_argument)),
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
    Ok(GeneratedKernel { checked: true, ..kernel })
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
        descriptors::member_words(plan, at) / 4
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

pub(super) fn clock_member(program_argument: ProgramArgument) -> &'static str {
    match program_argument {
        ProgramArgument::Dt => "dt",
        ProgramArgument::Step => "i",
        ProgramArgument::StepHigh => "i_high",
        ProgramArgument::TimeHigh => "t_hi",
        ProgramArgument::TimeLow => "t_lo",
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
    bindings: &[BindingKind],
    target: KernelTarget,
) -> Result<GeneratedKernel> {
    parsed(name, text, bindings, target, None)
}

/// The same of a kernel whose program has these loops.
fn parse_counting(
    name: String,
    text: &str,
    bindings: &[BindingKind],
    target: KernelTarget,
    loops: &Loops<'_>,
) -> Result<GeneratedKernel> {
    parsed(name, text, bindings, target, Some(loops))
}

fn parsed(
    name: String,
    text: &str,
    bindings: &[BindingKind],
    target: KernelTarget,
    loops: Option<&Loops<'_>>,
) -> Result<GeneratedKernel> {
    // before the rest: functions may only call those before them in the module
    let text = format!(
        "{}\nconst WORKGROUP_SIZE: u32 = {}u;\n{text}",
        bit_exact::library(),
        target.workgroup_size
    );
    let mut module =
        naga::front::wgsl::parse_str(&text).map_err(|e| broken(&name, &e.emit_to_string(&text)))?;
    if let Some(loops) = loops {
        loops.count(&mut module).map_err(|reason| broken(&name, &reason))?;
    }
    let info = validate(&module).map_err(|e| broken(&name, &e.emit_to_string(&text)))?;
    bit_exact::rewrite(&mut module, &info, target.exact);
    // what the entry point does not reach, of the library above all, is left out
    naga::compact::compact(&mut module, naga::compact::KeepUnused::No);
    validate(&module).map_err(|e| broken(&name, &e.emit_to_string(&text)))?;
    Ok(GeneratedKernel { name, module, bindings: bindings.to_vec(), checked: false })
}
