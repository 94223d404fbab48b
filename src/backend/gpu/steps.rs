//! Many steps in one dispatch, where elements do not look at each other: an invocation keeps the variables of its element.

use std::fmt::Write as _;

use super::kernels::{self, Bound, HEADER, Kernel};
use super::pin::Native;
use super::tables;
use crate::backend::Chunk;
use crate::error::Result;
use crate::plan::{Binding, Gather, InputOp, Plan, Source, Space};

const STEPS: &str = include_str!("../../../shaders/kernels/steps.wgsl");

/// Steps of a dispatch at most.
pub(super) const MOST: usize = 64;

/// Words of a clock's record before the rows of the step, as [`Steps::clock`] declares them.
const CLOCK: usize = 12;

/// Marks a flag, as in `steps.wgsl`.
const FLAG: u32 = 1 << 31;

/// How a plan is played many steps at a time.
pub(super) struct Steps {
    /// For each population what is recorded of it, four words a thing, as `steps.wgsl` reads them.
    pub recorded: Vec<Vec<u32>>,
    /// Whether flags are among them, whose words have to be zero before.
    pub flags: bool,
    cadences: usize,
}

impl Steps {
    /// None where elements, or the host, look at each other within a step.
    pub(super) fn of(plan: &Plan) -> Option<Self> {
        let own = |stream: &crate::plan::Stream| stream.space == Space::Arena;
        let apart = plan.populations.iter().all(|p| p.streams.iter().all(own));
        if !plan.independent() || !apart {
            return None;
        }
        let mut steps = Self { recorded: Vec::new(), flags: false, cadences: plan.cadences.len() };
        let mut recorded = vec![Vec::new(); plan.populations.len()];
        for record in &plan.records {
            let mut add = |place: usize, address: usize, bit: Option<usize>| {
                let (at, stream, e) = stream_of(plan, address)?;
                let stream = bit.map_or(stream as u32, |bit| FLAG | (bit as u32) << 8);
                let place = (record.offset + place) as u32;
                recorded[at].push([e as u32, stream, record.cadence as u32, place]);
                Some(())
            };
            match &record.gather {
                &Gather::Range { address, count } => {
                    (0..count).try_for_each(|k| add(k, address + k, None))?;
                }
                &Gather::Flags { address, count } => {
                    (0..count).try_for_each(|k| add(k / 32, address + k, Some(k % 32)))?;
                    steps.flags |= count > 0;
                }
                Gather::List(list) => {
                    let mut words = list.iter().enumerate();
                    words.try_for_each(|(k, &address)| add(k, address as usize, None))?;
                }
                Gather::Host(_) => {}
            }
        }
        recorded.iter_mut().for_each(|things| things.sort_unstable());
        steps.recorded = recorded.into_iter().map(|things| things.concat()).collect();
        (4 * MOST * steps.record() <= kernels::UNIFORM_BYTES).then_some(steps)
    }

    /// Words of a clock's record.
    fn record(&self) -> usize {
        CLOCK + self.cadences.div_ceil(4).max(1) * 4
    }

    /// Words of the clocks of a dispatch.
    pub(super) fn clock_words(&self) -> usize {
        MOST * self.record()
    }

    /// The clocks of a chunk, for one dispatch after the other, made of what the records of a single step have.
    pub(super) fn clocks(&self, chunk: &Chunk, single: &[u32], width: usize) -> Vec<u32> {
        let mut words = vec![0; chunk.steps.div_ceil(MOST) * self.clock_words()];
        for (k, record) in words.chunks_exact_mut(self.record()).take(chunk.steps).enumerate() {
            record[..CLOCK - 1].copy_from_slice(&single[k * width..][..CLOCK - 1]);
            record[CLOCK - 1] = (chunk.steps - k).min(MOST) as u32;
            let rows = &chunk.schedule.entries[k * self.cadences..][..self.cadences];
            for (word, entry) in record[CLOCK..].iter_mut().zip(rows) {
                *word = entry.row.map_or(0, |row| row as u32 + 1);
            }
        }
        words
    }

    fn clock(&self) -> String {
        kernels::CLOCK.replace(
            "\n}\n\n@group(0) @binding(0) var<uniform> clock: Clock;",
            &format!(
                "\n    // steps of the dispatch from here on\n    steps: u32,\n    \
                 // for each cadence where its row starts + 1 (0: none)\n    \
                 rows: array<vec4<u32>, {}>,\n}}\n\n\
                 @group(0) @binding(0) var<uniform> clocks: array<Clock, {MOST}>;",
                (self.record() - CLOCK) / 4
            ),
        )
    }

    /// The program of a population in the shell.
    pub(super) fn kernel(&self, plan: &Plan, at: usize, native: Native) -> Result<Kernel> {
        let population = &plan.populations[at];
        let program = &population.program;
        let constants = tables::constant_streams(plan, at);
        let (declared, table) =
            kernels::table(tables::population_words(plan, at, false), "table", 3);
        let mut text =
            format!("{}{declared}{}{}{STEPS}\n", self.clock(), kernels::MEMBER, kernels::APPLY);
        let flags = population.spikes().unwrap_or(0);
        let _ = writeln!(
            text,
            "{}const RECORDED: u32 = {}u;\nconst FLAGS: u32 = {flags}u;\n\n{}\n",
            kernels::members(plan, at),
            self.recorded[at].len() / 4,
            program.text
        );
        let streams = || population.streams.iter().enumerate();
        // parameters that differ between elements do not change
        let own = |place: &usize| population.uniform_rank(*place).is_none();
        let places: Vec<usize> = (0..population.places.len()).filter(own).collect();
        let _ = writeln!(text, "struct Words {{");
        let words = streams().map(|(k, _)| format!("    s{k}: u32,\n"));
        text.extend(words.chain(places.iter().map(|k| format!("    p{k}: u32,\n"))));
        let _ = writeln!(text, "}}\n\nfn load(e: u32, element: u32, member: u32) -> Words {{");
        let mut loads: Vec<String> =
            streams().map(|(_, s)| format!("arena[{}u + e]", s.address)).collect();
        loads.extend(places.iter().map(|&place| kernels::place_of_element(place)));
        let _ = writeln!(text, "    return Words({});\n}}\n", loads.join(", "));

        let _ = writeln!(
            text,
            "fn one_step(words: ptr<function, Words>, e: u32, element: u32, member: u32) {{\n    \
             let starts = clock.starts != 0u;"
        );
        for (k, _) in streams().filter(|(k, s)| s.cleared && !constants.contains(k)) {
            let _ = writeln!(text, "    if !starts {{\n        (*words).s{k} = 0u;\n    }}");
        }
        for input in plan.inputs.iter().filter(|input| input.population == at) {
            self.input(&mut text, plan, input, &constants);
        }
        let mut members = Vec::with_capacity(population.feeds.len());
        for (&binding, &kind) in population.feeds.iter().zip(&program.feed_kinds) {
            members.push(match binding {
                Binding::Stream(stream) => {
                    let own = format!("(*words).s{stream}");
                    match constants.iter().position(|&constant| constant == stream) {
                        None => kernels::typed(kind, &own),
                        Some(k) => {
                            let known = kernels::word(HEADER + 2 * population.places.len() + k);
                            // what was set before a run counts in its first step
                            kernels::typed(kind, &format!("select({known}, {own}, starts)"))
                        }
                    }
                }
                Binding::Place(place) if own(&place) => {
                    kernels::typed(kind, &format!("(*words).p{place}"))
                }
                Binding::Place(place) => kernels::typed(kind, &kernels::word(HEADER + 2 * place)),
                Binding::Clock(feed) => format!("clock.{}", kernels::clock_member(feed)),
            });
        }
        let _ = writeln!(text, "    let out = advance(In({}));", members.join(", "));
        for (k, (&stream, &kind)) in population.sinks.iter().zip(&program.sink_kinds).enumerate() {
            let value = kernels::untyped(kind, &format!("out.out{k}"));
            let _ = writeln!(text, "    (*words).s{stream} = {value};");
        }
        let _ = writeln!(text, "}}\n\nfn store(words: ptr<function, Words>, e: u32) {{");
        let inputs = plan.inputs.iter().filter(|input| input.population == at);
        let targets: Vec<usize> = inputs.filter_map(|input| stream_of_input(plan, input)).collect();
        for (k, stream) in streams() {
            if population.sinks.contains(&k) || stream.cleared || targets.contains(&k) {
                let _ = writeln!(text, "    arena[{}u + e] = (*words).s{k};", stream.address);
            }
        }
        let _ = writeln!(
            text,
            "}}\n\nfn word(words: ptr<function, Words>, stream: u32) -> u32 {{\n    \
             switch stream {{"
        );
        for (k, _) in streams() {
            let _ = writeln!(text, "        case {k}u: {{ return (*words).s{k}; }}");
        }
        let _ = writeln!(text, "        default: {{ return 0u; }}\n    }}\n}}");
        let name = format!("steps {}", program.name);
        let bindings = &[Bound::Arena, Bound::Values, table, Bound::Recorded, Bound::Rows];
        kernels::parse(name, &text, bindings, native)
    }

    /// Applies an input to the words of an element that it has.
    fn input(&self, text: &mut String, plan: &Plan, input: &InputOp, constants: &[usize]) {
        let Some(stream) = stream_of_input(plan, input) else { return };
        let (offset, row, stride) = match input.source {
            Source::Constant { offset, stride } => (offset, 0, stride),
            Source::Row { offset, stride } => {
                (plan.constants.len() + offset, plan.input_row, stride)
            }
            // the elements of such plans are not independent
            Source::Column { .. } => return,
        };
        let (first, count) = (input.offsets.at(0), input.offsets.len());
        let member = tables::member_words(plan, input.population) / 4 * input.member;
        let first_step = if constants.contains(&stream) { "starts && " } else { "" };
        let code = tables::code(input.kind, input.operation);
        let _ = writeln!(
            text,
            "    if {first_step}member == {member}u && element - {first}u < {count}u {{\n        \
             let place = {offset}u + clock.row * {row}u + (element - {first}u) * {stride}u;\n        \
             (*words).s{stream} = applied((*words).s{stream}, values[place], {code}u);\n    }}"
        );
    }
}

/// The population, the stream and the element of a word of the arena that is in a stream.
fn stream_of(plan: &Plan, address: usize) -> Option<(usize, usize, usize)> {
    plan.populations.iter().enumerate().find_map(|(at, population)| {
        let holds = |s: &crate::plan::Stream| {
            (s.address..s.address + population.elements).contains(&address)
        };
        let stream = population.streams.iter().position(holds)?;
        Some((at, stream, address - population.streams[stream].address))
    })
}

fn stream_of_input(plan: &Plan, input: &InputOp) -> Option<usize> {
    stream_of(plan, input.address).map(|(_, stream, _)| stream)
}
