//! Many steps in one dispatch. Where elements do not look at each other an invocation plays them for its element; a small network
//! is played by one workgroup, which delivers spikes between the updates.

use std::ops::Range;

use super::adapters::Reach;
use super::agreed::{self, CLOCK_USED, UNIFORM_BYTES};
use super::loops;
use crate::backend::Chunk;
use crate::plan::{Gather, InputOp, Op, Plan, Population, Route, Space, Stream};

/// Steps of a dispatch at most.
pub(crate) const MOST: usize = 64;

/// Words of a clock's record before the rows of the step, as [`Steps::clock`] declares them: vectors start at multiples of four.
const CLOCK: usize = (CLOCK_USED + 1).next_multiple_of(4);

/// Invocations that the workgroup of a network can have.
const LANES: [usize; 5] = [32, 64, 128, 256, 512];

/// Invocations that share the synapses of a spike, as in `together.wgsl`.
const SHARE: usize = 16;

/// Elements that each has at most, and routes that it can tell apart: each element takes registers, and the program's instructions
/// once more, which takes time to compile.
const BLOCKS: usize = 16;
const ROUTES: usize = 16;
const EXPRESSIONS: usize = 8000;

/// Distance of the keys of an invocation's elements to those of the next.
pub(super) const KEYS: usize = 64;

/// Who plays the elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Each population a dispatch, each element an invocation.
    Apart,
    /// The only population one workgroup of so many invocations.
    Together(usize),
}

/// How a plan is played many steps at a time.
pub(super) struct Steps {
    pub way: Way,
    /// Steps of a dispatch at most.
    pub most: usize,
    /// For each population what is recorded of it, four words a thing, as `steps.wgsl` reads them.
    pub recorded: Vec<Vec<u32>>,
    /// For each population the flags that are recorded of it, whose words have to be zero before.
    pub flags: Vec<Vec<Flags>>,
    cadences: usize,
}

/// Flags that are recorded, 32 to a word.
pub(super) struct Flags {
    /// The first, by its number in the population, and how many.
    pub first: usize,
    pub count: usize,
    pub cadence: usize,
    pub place: usize,
}

impl Steps {
    /// Of one of the plan's [`ways`]; none where what is recorded cannot be told from the variables of the elements, or where the
    /// device could not go round all loops, or these are not known to end.
    pub(super) fn of(plan: &Plan, way: Way, reach: Reach) -> Option<Self> {
        let ends = |at| loops::Loops::of_population(plan, at, reach).limit.is_none();
        if !(0..plan.populations.len()).all(ends) {
            return None;
        }
        let populations = plan.populations.len();
        let mut recorded = vec![Vec::new(); populations];
        let mut flags: Vec<Vec<Flags>> = (0..populations).map(|_| Vec::new()).collect();
        for record in &plan.records {
            let mut add = |place: usize, address: usize| {
                let (at, stream, e) = stream_of(plan, address)?;
                let key = match way {
                    Way::Apart => e,
                    Way::Together(lanes) => blocks(&plan.populations[at], lanes)
                        .enumerate()
                        .find(|(_, block)| block.elements.contains(&e))
                        .map(|(k, block)| (e - block.elements.start) * KEYS + k)?,
                };
                let what = [key, stream, record.cadence, record.offset + place];
                recorded[at].push(what.map(|word| word as u32));
                Some(())
            };
            match &record.gather {
                &Gather::Range { address, count } => {
                    (0..count).try_for_each(|k| add(k, address + k))?;
                }
                &Gather::Flags { count: 0, .. } | Gather::Host(_) => {}
                &Gather::Flags { address, count } => {
                    let (at, stream, first) = stream_of(plan, address)?;
                    // what spikes records
                    plan.populations[at].spikes().filter(|&spikes| spikes == stream)?;
                    let (cadence, place) = (record.cadence, record.offset);
                    flags[at].push(Flags { first, count, cadence, place });
                }
                Gather::List(list) => {
                    let mut words = list.iter().enumerate();
                    words.try_for_each(|(k, &address)| add(k, address as usize))?;
                }
            }
        }
        recorded.iter_mut().for_each(|things: &mut Vec<[u32; 4]>| things.sort_unstable());
        let most = match reach.iterations {
            usize::MAX => MOST,
            iterations => MOST.min(iterations.checked_div(iterations_of(plan, way, &recorded)?)?),
        };
        let recorded = recorded.into_iter().map(|things| things.concat()).collect();
        let steps = Self { way, most, recorded, flags, cadences: plan.cadences.len() };
        (most > 0 && 4 * steps.clock_words() <= UNIFORM_BYTES).then_some(steps)
    }

    /// Words of a clock's record.
    fn record(&self) -> usize {
        CLOCK + self.cadences.div_ceil(4).max(1) * 4
    }

    /// Words of the clocks of a dispatch.
    pub(super) fn clock_words(&self) -> usize {
        MOST * self.record()
    }

    /// The clocks of a chunk, for one dispatch after the other, made of what each step knows.
    pub(super) fn clocks(
        &self,
        chunk: &Chunk,
        clock: impl Iterator<Item = [u32; CLOCK_USED]>,
    ) -> Vec<u32> {
        let mut words = vec![0; chunk.steps.div_ceil(self.most) * self.clock_words()];
        let dispatches = words.chunks_exact_mut(self.clock_words());
        let records = dispatches.flat_map(|of| of.chunks_exact_mut(self.record()).take(self.most));
        for (k, (record, used)) in records.zip(clock).enumerate() {
            record[..CLOCK_USED].copy_from_slice(&used);
            record[CLOCK_USED] = (chunk.steps - k).min(self.most) as u32;
            let rows = &chunk.schedule.entries[k * self.cadences..][..self.cadences];
            for (word, entry) in record[CLOCK..].iter_mut().zip(rows) {
                *word = entry.row.map_or(0, |row| row as u32 + 1);
            }
        }
        words
    }

    /// The declaration of the clocks of a dispatch, from that of a single one.
    pub(super) fn clock(&self) -> String {
        agreed::CLOCK.replace(
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

    /// Whether there are words of flags, which have to be zero before.
    pub(super) fn has_flags(&self) -> bool {
        self.flags.iter().any(|flags| !flags.is_empty())
    }
}

/// The ways to play a plan many steps at a time in workgroups of at most so many invocations, as far as its records allow it. There
/// are none where the host looks at elements within a step.
pub(crate) fn ways(plan: &Plan, invocations: usize) -> Vec<Way> {
    if apart(plan) {
        return vec![Way::Apart];
    }
    let lanes = LANES.into_iter().filter(|&lanes| lanes <= invocations && together(plan, lanes));
    lanes.map(Way::Together).collect()
}

/// Iterations of all loops that an invocation may make in a step, all sources spiking; none where that is not known.
fn iterations_of(plan: &Plan, way: Way, recorded: &[Vec<[u32; 4]>]) -> Option<usize> {
    let lane = |key: u32| match way {
        Way::Apart => key,
        Way::Together(_) => key / KEYS as u32,
    };
    // what is recorded is sorted by its key
    let records = |things: &Vec<[u32; 4]>| {
        things.chunk_by(|a, b| lane(a[0]) == lane(b[0])).map(<[_]>::len).max().unwrap_or(0)
    };
    let records = recorded.iter().map(records).max().unwrap_or(0);
    let mut programs = plan.populations.iter().map(|population| population.program.iterations());
    let program = programs.try_fold(0, |most: usize, own| Some(most.max(own?)))?;
    let (elements, deliveries) = match way {
        Way::Apart => (1, 0),
        Way::Together(lanes) => {
            let blocks = plan.populations.iter().map(|p| blocks(p, lanes).count()).sum();
            let copies = plan.copies.map_or(1, |copies| copies.count);
            let route = |route: &Route| {
                let sources = (route.sources * copies).div_ceil(lanes / SHARE);
                sources * (1 + route.longest().div_ceil(SHARE)) + 1
            };
            (blocks, plan.routes.iter().map(route).sum())
        }
    };
    // the step itself, and an element that spiked
    Some(1 + records + elements * (1 + program) + deliveries)
}

fn apart(plan: &Plan) -> bool {
    let own = |stream: &Stream| stream.space == Space::Arena;
    plan.independent() && plan.populations.iter().all(|p| p.streams.iter().all(own))
}

fn together(plan: &Plan, lanes: usize) -> bool {
    let [population] = &plan.populations[..] else { return false };
    let inner = |op: &Op| !matches!(op, Op::Call(_) | Op::Column(_) | Op::Kernel(_));
    let blocks = blocks(population, lanes).count();
    plan.fused()
        && plan.step.iter().all(inner)
        && plan.routes.len() <= ROUTES
        && population.members.len() <= lanes
        && blocks <= BLOCKS
        && blocks * population.program.expressions() <= EXPRESSIONS
}

/// Elements of one member, one for each invocation of the workgroup.
pub(crate) struct Block {
    pub member: usize,
    /// The first, by its number in the member.
    pub first: usize,
    /// By their numbers in the population.
    pub elements: Range<usize>,
}

pub(crate) fn blocks(population: &Population, lanes: usize) -> impl Iterator<Item = Block> {
    population.members.iter().enumerate().flat_map(move |(k, member)| {
        (0..member.elements).step_by(lanes).map(move |first| {
            let end = (first + lanes).min(member.elements);
            Block { member: k, first, elements: member.start + first..member.start + end }
        })
    })
}

/// The population, the stream and the element of a word of the arena that is in a stream.
fn stream_of(plan: &Plan, address: usize) -> Option<(usize, usize, usize)> {
    plan.populations.iter().enumerate().find_map(|(at, population)| {
        let holds = |s: &Stream| {
            let words = s.address..s.address + population.elements;
            s.space == Space::Arena && words.contains(&address)
        };
        let stream = population.streams.iter().position(holds)?;
        Some((at, stream, address - population.streams[stream].address))
    })
}

/// The stream of its population that an input's target is in.
pub(super) fn stream_of_input(plan: &Plan, input: &InputOp) -> Option<usize> {
    stream_of(plan, input.address).map(|(_, stream, _)| stream)
}
