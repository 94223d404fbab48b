//! Many steps in one dispatch. Where elements do not look at each other an invocation executes them for its element; a small network
//! is executed by one workgroup, which delivers spikes between the updates.

use std::ops::Range;

use super::adapters::DeviceLimits;
use super::agreed::{self, CLOCK_USED, UNIFORM_BYTES};
use super::loops;
use crate::backend::Chunk;
use crate::plan::{Column, DeliveryBlock, Gather, InputOp, Plan, Population, Space, StepOp};

/// Steps of a dispatch at most.
pub(crate) const MOST: usize = 64;

/// Words of a clock's record before the rows of the step, as [`ManySteps::clock`] declares them: vectors start at multiples of four.
const CLOCK: usize = (CLOCK_USED + 1).next_multiple_of(4);

/// Invocations that the workgroup of a network can have.
const WORKGROUP_SIZE: [usize; 5] = [32, 64, 128, 256, 512];

/// Invocations that share the synapses of a spike, as in `single_workgroup.wgsl`.
const SHARE: usize = 16;

/// Elements that each has at most, and delivery blocks that it can tell apart: each element takes registers, and the program's instructions
/// once more, which takes time to compile.
const BLOCKS: usize = 16;
const DELIVERY_BLOCKS: usize = 16;
const EXPRESSIONS: usize = 8000;

/// Distance of the keys of an invocation's elements to those of the next.
pub(super) const KEYS: usize = 64;

/// Who executes the elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// Each population a dispatch, each element an invocation.
    PerElement,
    /// The only population one workgroup of so many invocations.
    SingleWorkgroup(usize),
}

/// How a plan is executed many steps at a time.
pub(super) struct ManySteps {
    pub strategy: Strategy,
    /// Steps of a dispatch at most.
    pub most: usize,
    /// For each population what is recorded of it, four words a thing, as `steps.wgsl` reads them.
    pub recorded: Vec<Vec<u32>>,
    /// For each population the flags that are recorded of it, whose words have to be zero before.
    pub flags: Vec<Vec<Flags>>,
    samplings: usize,
}

/// Flags that are recorded, 32 to a word.
pub(super) struct Flags {
    /// The first, by its number in the population, and how many.
    pub first: usize,
    pub count: usize,
    pub sampling: usize,
    pub place: usize,
}

impl ManySteps {
    /// Of one of the plan's [`strategies`]; none where what is recorded cannot be told from the variables of the elements, or where the
    /// device could not go round all loops, or these are not known to end.
    pub(super) fn of(plan: &Plan, strategy: Strategy, device_limits: DeviceLimits) -> Option<Self> {
        let ends = |at| loops::Loops::of_population(plan, at, device_limits).limit.is_none();
        if !(0..plan.populations.len()).all(ends) {
            return None;
        }
        let populations = plan.populations.len();
        let mut recorded = vec![Vec::new(); populations];
        let mut flags: Vec<Vec<Flags>> = (0..populations).map(|_| Vec::new()).collect();
        for record in &plan.records {
            let mut add = |place: usize, address: usize| {
                let (at, column, e) = column_of(plan, address)?;
                let key = match strategy {
                    Strategy::PerElement => e,
                    Strategy::SingleWorkgroup(workgroup_size) => {
                        blocks(&plan.populations[at], workgroup_size)
                            .enumerate()
                            .find(|(_, block)| block.elements.contains(&e))
                            .map(|(k, block)| (e - block.elements.start) * KEYS + k)?
                    }
                };
                let what = [key, column, record.sampling, record.offset + place];
                recorded[at].push(what.map(|word| word as u32));
                Some(())
            };
            match &record.gather {
                &Gather::Range { address, count } => {
                    (0..count).try_for_each(|k| add(k, address + k))?;
                }
                &Gather::Flags { count: 0, .. } | Gather::Host(_) => {}
                &Gather::Flags { address, count } => {
                    let (at, column, first) = column_of(plan, address)?;
                    // what spikes records
                    plan.populations[at].spikes().filter(|&spikes| spikes == column)?;
                    let (sampling, place) = (record.sampling, record.offset);
                    flags[at].push(Flags { first, count, sampling, place });
                }
                Gather::List(list) => {
                    let mut words = list.iter().enumerate();
                    words.try_for_each(|(k, &address)| add(k, address as usize))?;
                }
            }
        }
        recorded.iter_mut().for_each(|things: &mut Vec<[u32; 4]>| things.sort_unstable());
        let most = match device_limits.iterations {
            usize::MAX => MOST,
            iterations => {
                MOST.min(iterations.checked_div(iterations_of(plan, strategy, &recorded)?)?)
            }
        };
        let recorded = recorded.into_iter().map(|things| things.concat()).collect();
        let steps = Self { strategy, most, recorded, flags, samplings: plan.samplings.len() };
        (most > 0 && 4 * steps.clock_words() <= UNIFORM_BYTES).then_some(steps)
    }

    /// Words of a clock's record.
    fn record(&self) -> usize {
        CLOCK + self.samplings.div_ceil(4).max(1) * 4
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
            let rows = &chunk.schedule.entries[k * self.samplings..][..self.samplings];
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
                 // for each sampling where its row starts + 1 (0: none)\n    \
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

/// The strategies to execute a plan many steps at a time in workgroups of at most so many invocations, as far as its records allow it. There
/// are none where the host looks at elements within a step.
pub(crate) fn strategies(plan: &Plan, invocations: usize) -> Vec<Strategy> {
    if per_element(plan) {
        return vec![Strategy::PerElement];
    }
    let workgroup_size = WORKGROUP_SIZE.into_iter().filter(|&workgroup_size| {
        workgroup_size <= invocations && single_workgroup(plan, workgroup_size)
    });
    workgroup_size.map(Strategy::SingleWorkgroup).collect()
}

/// Iterations of all loops that an invocation may make in a step, all sources spiking; none where that is not known.
fn iterations_of(plan: &Plan, strategy: Strategy, recorded: &[Vec<[u32; 4]>]) -> Option<usize> {
    let lane = |key: u32| match strategy {
        Strategy::PerElement => key,
        Strategy::SingleWorkgroup(_) => key / KEYS as u32,
    };
    // what is recorded is sorted by its key
    let records = |things: &Vec<[u32; 4]>| {
        things.chunk_by(|a, b| lane(a[0]) == lane(b[0])).map(<[_]>::len).max().unwrap_or(0)
    };
    let records = recorded.iter().map(records).max().unwrap_or(0);
    let mut programs = plan.populations.iter().map(|population| population.program.iterations());
    let program = programs.try_fold(0, |most: usize, own| Some(most.max(own?)))?;
    let (elements, deliveries) = match strategy {
        Strategy::PerElement => (1, 0),
        Strategy::SingleWorkgroup(workgroup_size) => {
            let blocks = plan.populations.iter().map(|p| blocks(p, workgroup_size).count()).sum();
            let replicas = plan.replicas.map_or(1, |replicas| replicas.count);
            let delivery_block = |delivery_block: &DeliveryBlock| {
                let sources = (delivery_block.sources * replicas).div_ceil(workgroup_size / SHARE);
                sources * (1 + delivery_block.longest().div_ceil(SHARE)) + 1
            };
            (blocks, plan.delivery_blocks.iter().map(delivery_block).sum())
        }
    };
    // the step itself, and an element that spiked
    Some(1 + records + elements * (1 + program) + deliveries)
}

fn per_element(plan: &Plan) -> bool {
    let own = |column: &Column| column.space == Space::Arena;
    plan.time_blocked() && plan.populations.iter().all(|p| p.columns.iter().all(own))
}

fn single_workgroup(plan: &Plan, workgroup_size: usize) -> bool {
    let [population] = &plan.populations[..] else { return false };
    let inner =
        |op: &StepOp| !matches!(op, StepOp::Call(_) | StepOp::Derive(_) | StepOp::Kernel(_));
    let blocks = blocks(population, workgroup_size).count();
    plan.fused()
        && plan.step.iter().all(inner)
        && plan.delivery_blocks.len() <= DELIVERY_BLOCKS
        && population.members.len() <= workgroup_size
        && blocks <= BLOCKS
        && blocks * population.program.expressions() <= EXPRESSIONS
}

/// Elements of one member, one for each invocation of the workgroup.
pub(crate) struct ElementBlock {
    pub member: usize,
    /// The first, by its number in the member.
    pub first: usize,
    /// By their numbers in the population.
    pub elements: Range<usize>,
}

pub(crate) fn blocks(
    population: &Population,
    workgroup_size: usize,
) -> impl Iterator<Item = ElementBlock> {
    population.members.iter().enumerate().flat_map(move |(k, member)| {
        (0..member.elements).step_by(workgroup_size).map(move |first| {
            let end = (first + workgroup_size).min(member.elements);
            ElementBlock { member: k, first, elements: member.start + first..member.start + end }
        })
    })
}

/// The population, the column and the element of a word of the arena that is in a column.
fn column_of(plan: &Plan, address: usize) -> Option<(usize, usize, usize)> {
    plan.populations.iter().enumerate().find_map(|(at, population)| {
        let holds = |s: &Column| {
            let words = s.address..s.address + population.elements;
            s.space == Space::Arena && words.contains(&address)
        };
        let column = population.columns.iter().position(holds)?;
        Some((at, column, address - population.columns[column].address))
    })
}

/// The column of its population that an input's target is in.
pub(super) fn column_of_input(plan: &Plan, input: &InputOp) -> Option<usize> {
    column_of(plan, input.address).map(|(_, column, _)| column)
}
