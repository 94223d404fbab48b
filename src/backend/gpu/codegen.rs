//! The text of kernels that execute many steps in a dispatch.

use std::fmt::Write as _;

use super::agreed::HEADER;
use super::descriptors;
use super::kernels::{self, BindingKind, GeneratedKernel, KernelTarget};
use super::steps::{self, ElementBlock, KEYS, ManySteps, Strategy};
use crate::error::Result;
use crate::model::ProgramArgument;
use crate::plan::{Binding, InputOp, Plan, Source, Space};
use crate::scalar::{self, Access, cast, hoist_invariants, write};
use crate::terms::Kind;

const SHARED: &str = include_str!("../../../shaders/kernels/steps.wgsl");
const PER_ELEMENT: &str = include_str!("../../../shaders/kernels/per_element.wgsl");
const SINGLE_WORKGROUP: &str = include_str!("../../../shaders/kernels/single_workgroup.wgsl");

/// The program of a population in its generator.
pub(super) fn kernel(
    steps: &ManySteps,
    plan: &Plan,
    at: usize,
    target: KernelTarget,
) -> Result<GeneratedKernel> {
    let population = &plan.populations[at];
    let (declared, table) =
        kernels::table(descriptors::population_words(plan, at, false), "table", 3);
    let mut bindings = vec![
        BindingKind::Arena,
        BindingKind::Values,
        table,
        BindingKind::Recorded,
        BindingKind::Rows,
    ];
    let mut text = [&steps.clock(), &declared, kernels::MEMBER, kernels::APPLY, SHARED].concat();
    let _ = writeln!(
        text,
        "\n{}const RECORDED: u32 = {}u;\n\n{}\n",
        kernels::members(plan, at),
        steps.recorded[at].len() / 4,
        population.program.text
    );
    let constants = descriptors::constant_columns(plan, at);
    let mut program = KernelGenerator { plan, at, constants, parts: None };
    program.parts = program.split();
    program.words(&mut text);
    program.step(&mut text);
    program.spiked(&mut text, steps);
    let mut workgroup_size = target.workgroup_size;
    match steps.strategy {
        Strategy::PerElement => text.push_str(PER_ELEMENT),
        Strategy::SingleWorkgroup(own) => {
            workgroup_size = own;
            let (declared, table) =
                kernels::table(descriptors::delivery_block_words(plan, 0), "delivery_blocks", 8);
            let delivery_blocks = match table {
                BindingKind::UniformTable => BindingKind::UniformDeliveryBlocks,
                _ => BindingKind::DeliveryBlocks,
            };
            bindings.extend([
                BindingKind::Accumulators,
                BindingKind::Synapses,
                delivery_blocks,
                BindingKind::Events,
            ]);
            text.push_str(&declared);
            text.push_str(SINGLE_WORKGROUP);
            program.single_workgroup(&mut text, workgroup_size);
        }
    }
    kernels::parse(
        format!("steps {}", population.program.name),
        &text,
        &bindings,
        KernelTarget { workgroup_size, ..target },
    )
}

/// A value as a word.
fn untyped(kind: scalar::LaneKind, value: &str) -> String {
    match kind {
        scalar::LaneKind::B => format!("select(0u, 1u, {value})"),
        kind => cast(value.into(), kind, scalar::LaneKind::U),
    }
}

struct KernelGenerator<'a> {
    plan: &'a Plan,
    at: usize,
    /// Streams that are inputs which are constant.
    constants: Vec<usize>,
    /// The program in two parts, where it can be taken apart.
    parts: Option<Parts>,
}

/// What of a program stays the same from step to step is computed once.
struct Parts {
    /// Statements with the results that stay, and the rest with the results of the program.
    first: (String, Vec<(scalar::LaneKind, String)>),
    second: (String, Vec<(scalar::LaneKind, String)>),
}

impl KernelGenerator<'_> {
    /// Takes the program apart.
    fn split(&self) -> Option<Parts> {
        let population = &self.plan.populations[self.at];
        let program = &population.program;
        let program_arguments = || population.program_arguments.iter().zip(&program.argument_kinds);
        let stays = |binding: Binding| match binding {
            Binding::Parameter(_) => true,
            Binding::Clock(program_argument) => program_argument == ProgramArgument::Dt,
            Binding::Column(_) => false,
        };
        let access: Vec<Access> = population
            .program_arguments
            .iter()
            .enumerate()
            .map(|(k, &binding)| if stays(binding) { Access::Uniform } else { Access::Column(k) })
            .collect();
        let [first, second] = hoist_invariants(&program.lower(&access), access.len())?;
        let prefix = program.prefixes.first()?;
        let at_first: Vec<String> = program_arguments()
            .map(|(&binding, &kind)| match binding {
                Binding::Parameter(place) if population.uniform_rank(place).is_none() => {
                    kernels::typed(kind, &kernels::place_of_element(place))
                }
                binding => self.program_argument(binding, kind),
            })
            .collect();
        let first = write(&first, &at_first, prefix);
        let mut columns: Vec<String> = program_arguments()
            .map(|(&binding, &kind)| self.program_argument(binding, kind))
            .collect();
        let kept = first.1.iter().enumerate();
        columns.extend(kept.map(|(k, (kind, _))| match kind {
            scalar::LaneKind::B => format!("((*words).u{k} != 0u)"),
            &kind => cast(format!("(*words).u{k}"), scalar::LaneKind::U, kind),
        }));
        let second = write(&second, &columns, prefix);
        Some(Parts { first, second })
    }

    /// A member of the program's argument, in a step.
    fn program_argument(&self, binding: Binding, kind: Kind) -> String {
        let population = &self.plan.populations[self.at];
        match binding {
            Binding::Column(column) => {
                let own = format!("(*words).s{column}");
                let constant = self.constants.iter().position(|&constant| constant == column);
                match (population.columns[column].space, constant) {
                    (Space::Accumulators, _) => format!("(sum{column}_ - bitcast<i32>({own}))"),
                    (Space::Arena, None) => kernels::typed(kind, &own),
                    (Space::Arena, Some(k)) => {
                        let known = kernels::word(HEADER + 2 * population.places.len() + k);
                        // what was set before a run counts in its first step
                        kernels::typed(kind, &format!("select({known}, {own}, starts)"))
                    }
                }
            }
            Binding::Parameter(place) if population.uniform_rank(place).is_none() => {
                kernels::typed(kind, &format!("(*words).p{place}"))
            }
            Binding::Parameter(place) => kernels::typed(kind, &kernels::word(HEADER + 2 * place)),
            Binding::Clock(program_argument) => {
                format!("clock.{}", kernels::clock_member(program_argument))
            }
        }
    }

    /// The variables of an element, and how they come from the arena and go back.
    fn words(&self, text: &mut String) {
        let Self { plan, at, .. } = *self;
        let population = &plan.populations[at];
        let columns = || population.columns.iter().enumerate();
        let places: Vec<usize> = self.places().collect();
        let first = self.parts.as_ref().map(|parts| &parts.first);
        let (statements, kept) = first.map_or(("", &[][..]), |(text, kept)| (text, kept));
        let members: Vec<String> = columns()
            .map(|(k, _)| format!("s{k}"))
            .chain(places.iter().map(|k| format!("p{k}")))
            .chain((0..kept.len()).map(|k| format!("u{k}")))
            .collect();
        let _ = writeln!(text, "struct Words {{");
        text.extend(members.iter().map(|name| format!("    {name}: u32,\n")));
        let _ = writeln!(text, "}}\n\nfn load(e: u32, element: u32, member: u32) -> Words {{");
        text.push_str(statements);
        let loads: Vec<String> = columns()
            .map(|(_, s)| match s.space {
                Space::Arena => format!("arena[{}u + e]", s.address),
                // what is new is told by the difference to this
                Space::Accumulators => "0u".into(),
            })
            .chain(places.iter().map(|&place| kernels::place_of_element(place)))
            // some are constants, which compilers are not to know, nor that what hides them is the same for all
            .chain(kept.iter().enumerate().map(|(k, (kind, value))| {
                format!("({} | (clock.zero << {}u))", untyped(*kind, value), k % 32)
            }))
            .collect();
        let _ = writeln!(text, "    return Words({});\n}}\n", loads.join(", "));
        let _ = writeln!(text, "fn store(words: ptr<function, Words>, e: u32) {{");
        let targets: Vec<usize> =
            self.inputs().filter_map(|input| steps::column_of_input(plan, input)).collect();
        for (k, column) in columns() {
            let (address, changes) = (column.address, population.program_results.contains(&k));
            let _ = match column.space {
                Space::Accumulators => {
                    let sum = format!("accumulators[{address}u + e]");
                    let left = format!("atomicLoad(&{sum}) - bitcast<i32>((*words).s{k})");
                    writeln!(text, "    atomicStore(&{sum}, {left});")
                }
                Space::Arena if changes || column.cleared || targets.contains(&k) => {
                    writeln!(text, "    arena[{address}u + e] = (*words).s{k};")
                }
                Space::Arena => Ok(()),
            };
        }
        let _ = writeln!(
            text,
            "}}\n\nfn word(words: ptr<function, Words>, column: u32) -> u32 {{\n    \
             switch column {{"
        );
        for (k, _) in columns() {
            let _ = writeln!(text, "        case {k}u: {{ return (*words).s{k}; }}");
        }
        let _ = writeln!(text, "        default: {{ return 0u; }}\n    }}\n}}\n");
    }

    /// Parameters that differ between elements.
    fn places(&self) -> impl Iterator<Item = usize> {
        let population = &self.plan.populations[self.at];
        (0..population.places.len()).filter(|&place| population.uniform_rank(place).is_none())
    }

    fn inputs(&self) -> impl Iterator<Item = &InputOp> {
        self.plan.inputs.iter().filter(|input| input.population == self.at)
    }

    /// A step of an element.
    fn step(&self, text: &mut String) {
        let population = &self.plan.populations[self.at];
        let program = &population.program;
        let _ = writeln!(
            text,
            "fn one_step(words: ptr<function, Words>, e: u32, element: u32, member: u32) -> bool {{\n    \
             let starts = clock.starts != 0u;"
        );
        let columns = || population.columns.iter().enumerate();
        for (k, _) in columns().filter(|(k, s)| s.cleared && !self.constants.contains(k)) {
            let _ = writeln!(text, "    if !starts {{\n        (*words).s{k} = 0u;\n    }}");
        }
        for (k, column) in columns().filter(|(_, s)| s.space == Space::Accumulators) {
            let address = format!("{}u + e", column.address);
            let _ = writeln!(text, "    let sum{k}_ = atomicLoad(&accumulators[{address}]);");
        }
        self.inputs().for_each(|input| self.input(text, input));
        let results: Vec<String> = match &self.parts {
            Some(Parts { second: (statements, results), .. }) => {
                text.push_str(statements);
                results.iter().map(|(kind, value)| untyped(*kind, value)).collect()
            }
            None => {
                let program_arguments =
                    population.program_arguments.iter().zip(&program.argument_kinds);
                let program_arguments: Vec<String> = program_arguments
                    .map(|(&binding, &kind)| self.program_argument(binding, kind))
                    .collect();
                let _ =
                    writeln!(text, "    let out = advance(In({}));", program_arguments.join(", "));
                let program_results = program.result_kinds.iter().enumerate();
                program_results
                    .map(|(k, &kind)| kernels::untyped(kind, &format!("out.out{k}")))
                    .collect()
            }
        };
        // all results before the first change
        for (k, value) in results.iter().enumerate() {
            let _ = writeln!(text, "    let result{k}_ = {value};");
        }
        for (k, &column) in population.program_results.iter().enumerate() {
            let value = match population.columns[column].space {
                Space::Arena => format!("result{k}_"),
                Space::Accumulators => format!("bitcast<u32>(sum{column}_) - result{k}_"),
            };
            let _ = writeln!(text, "    (*words).s{column} = {value};");
        }
        let spike = population.spikes();
        let spike = spike.map_or("false".into(), |column| format!("(*words).s{column} != 0u"));
        let _ = writeln!(text, "    return {spike};\n}}\n");
    }

    /// Applies an input to the words of an element that it has.
    fn input(&self, text: &mut String, input: &InputOp) {
        let Self { plan, constants, .. } = self;
        let Some(column) = steps::column_of_input(plan, input) else { return };
        let (offset, row, stride) = match input.source {
            Source::Constant { offset, stride } => (offset, 0, stride),
            Source::Row { offset, stride } => {
                (plan.constants.len() + offset, plan.input_row, stride)
            }
            // such plans are executed otherwise
            Source::Derived { .. } => return,
        };
        let (first, count) = (input.offsets.at(0), input.offsets.len());
        let member = descriptors::member_words(plan, input.population) / 4 * input.member;
        let first_step = if constants.contains(&column) { "starts && " } else { "" };
        let code = descriptors::code(input.kind, input.operation);
        let _ = writeln!(
            text,
            "    if {first_step}member == {member}u && element - {first}u < {count}u {{\n        \
             let k = element - {first}u;\n        \
             let value = values[{offset}u + clock.row * {row}u + k * {stride}u];\n        \
             (*words).s{column} = applied((*words).s{column}, value, {code}u);\n    }}"
        );
    }

    /// Sets the flags of an element that spiked, where they are recorded.
    fn spiked(&self, text: &mut String, steps: &ManySteps) {
        let _ = writeln!(text, "fn spiked(e: u32) {{");
        for flags in &steps.flags[self.at] {
            let (first, count, place) = (flags.first, flags.count, flags.place);
            let _ = writeln!(
                text,
                "    {{\n        let k = e - {first}u;\n        \
                 let row = row_of({}u);\n        \
                 if row != 0u && k < {count}u {{\n            \
                 atomicOr(&rows[row - 1u + {place}u + k / 32u], 1u << (k % 32u));\n        }}\n    }}",
                flags.sampling
            );
        }
        let _ = writeln!(text, "}}\n");
    }

    /// The entry point of a workgroup that has all elements.
    fn single_workgroup(&self, text: &mut String, workgroup_size: usize) {
        let row = descriptors::member_words(self.plan, self.at) / 4;
        let blocks: Vec<ElementBlock> =
            steps::blocks(&self.plan.populations[self.at], workgroup_size).collect();
        let delivery_blocks = self.plan.delivery_blocks.len();
        let mut line = |line: &str| {
            let _ = writeln!(text, "{line}");
        };
        line("\n@compute @workgroup_size(WORKGROUP_SIZE)");
        line("fn main(@builtin(local_invocation_index) lane: u32) {");
        line("    set_clock(0u);");
        line(&format!("    let begin = first_of(lane * {KEYS}u);"));
        line(&format!("    let end = first_of(lane * {KEYS}u + {KEYS}u);"));
        for (k, ElementBlock { member, first, elements }) in blocks.iter().enumerate() {
            // the last block of a member has fewer elements than there are invocations
            let (start, last, member) = (elements.start, elements.len() - 1, member * row);
            line(&format!("    let at{k} = min(lane, {last}u);"));
            line(&format!(
                "    var words{k} = load({start}u + at{k}, {first}u + at{k}, {member}u);"
            ));
        }
        line("    let steps = clocks[0].steps;");
        line("    for (var k = 0u; k < steps; k++) {");
        line("        set_clock(k);");
        line("        clear_counts(lane);");
        (0..delivery_blocks)
            .for_each(|r| line(&format!("        let spikes{r} = spikes_of({r}u);")));
        let all: Vec<String> = (0..delivery_blocks).map(|r| format!("spikes{r}")).collect();
        let all = if all.is_empty() { "0u".into() } else { all.join(" + ") };
        line(&format!("        let spikes = {all};"));
        line("        for (var n = lane / SHARE; n < spikes; n += WORKGROUP_SIZE / SHARE) {");
        line("            var delivery_block = 0u;\n            var spike = n;");
        for r in 1..delivery_blocks {
            let before = r - 1;
            line(&format!(
                "            if delivery_block == {before}u && spike >= spikes{before} {{\n                \
                 spike -= spikes{before};\n                delivery_block = {r}u;\n            }}"
            ));
        }
        line("            deliver(delivery_block, spike, lane);\n        }");
        line("        storageBarrier();");
        line("        var fired = 0u;");
        for (k, ElementBlock { member, first, elements }) in blocks.iter().enumerate() {
            let (start, member) = (elements.start, member * row);
            let there = match elements.len() < workgroup_size {
                true => format!("lane < {}u && ", elements.len()),
                false => String::new(),
            };
            line(&format!(
                "        if {there}one_step(&words{k}, {start}u + at{k}, {first}u + at{k}, {member}u) {{\n            \
                 fired |= {}u;\n        }}",
                1u32 << k
            ));
        }
        line("        for (; fired != 0u; fired &= fired - 1u) {");
        line(
            "            var e = lane;\n            var element = lane;\n            var member = 0u;",
        );
        line("            switch firstTrailingBit(fired) {");
        for (k, ElementBlock { member, first, elements }) in blocks.iter().enumerate() {
            let (start, member) = (elements.start, member * row);
            line(&format!(
                "                case {k}u: {{ e += {start}u; element += {first}u; member = {member}u; }}"
            ));
        }
        line("                default: {}\n            }");
        line("            list_spike(e, element, member);\n        }");
        line("        for (var r = begin; r < end; r++) {");
        line("            let what = recorded[r];");
        line("            let row = row_of(what.z);");
        line("            if row != 0u {\n                var value = 0u;");
        line(&format!("                switch what.x % {KEYS}u {{"));
        for k in 0..blocks.len() {
            line(&format!("                    case {k}u: {{ value = word(&words{k}, what.y); }}"));
        }
        line("                    default: {}\n                }");
        line(
            "                atomicStore(&rows[row - 1u + what.w], value);\n            }\n        }",
        );
        line("        storageBarrier();\n    }");
        for (k, ElementBlock { elements, .. }) in blocks.iter().enumerate() {
            // invocations of no element have the last one's
            line(&format!("    if lane < {}u {{", elements.len()));
            line(&format!("        store(&words{k}, {}u + lane);\n    }}", elements.start));
        }
        line("}");
    }
}
