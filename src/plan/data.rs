//! What lies where, and what is done to it.

use std::ops::Range;
use std::sync::Arc;

use super::fixed::Precision;
use super::offsets::Offsets;
use super::packed::packed_words;
use super::step::{DelayLine, DerivedColumn, KernelOp, SamplingSchedule, StepOp};
use crate::error::{Error, Result};
use crate::model::{Archetype, Program, ProgramArgument, ProgramResult, Unit};
use crate::random::Keys;
use crate::system::Replicas;
use crate::terms::{Kind, Operation};

/// Ranges start at multiples of this many elements: the lanes of a block, and of several workgroups.
pub(crate) const PAD: usize = 256;

/// A compiled step.
#[derive(Debug)]
pub(crate) struct Plan {
    pub dt: f64,
    pub seed: u64,
    /// Iterations that the loops of an element, or of an invocation, may have in a step.
    pub loop_limit: u32,
    /// Words of the arena, and their initial values.
    pub initial_arena: Vec<u32>,
    /// Words of the accumulators, all zero at the start.
    pub accumulators: usize,
    pub variables: Vec<PlanVariable>,
    pub populations: Vec<Population>,
    pub delivery_blocks: Vec<DeliveryBlock>,
    pub inputs: Vec<InputOp>,
    /// Values of the inputs that do not change during a run, as they are at the start.
    pub constants: Vec<u32>,
    /// Words that the changing inputs need per step.
    pub input_row: usize,
    /// Variables whose past is kept.
    pub delay_lines: Vec<DelayLine>,
    pub kernels: Vec<KernelOp>,
    /// Columns that the step makes.
    pub derived_columns: Vec<DerivedColumn>,
    pub records: Vec<Record>,
    /// How many of them are monitors; the rest are the target's outputs.
    pub monitors: usize,
    /// In which steps the monitors record.
    pub samplings: Vec<SamplingSchedule>,
    /// All operations in their order.
    pub step: Vec<StepOp>,
    /// How many stages a step has, one after the other.
    pub stages: usize,
    pub replicas: Option<Replicas>,
}

/// What a variable is to its system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    State,
    Spike,
    Input,
    Param,
}

/// A variable or a parameter.
#[derive(Debug, Clone)]
pub(crate) struct PlanVariable {
    /// Path from the target, first, and all other names.
    pub names: Vec<String>,
    pub kind: Kind,
    pub role: Role,
    pub trainable: bool,
    pub shape: Vec<usize>,
    /// Whose variable: number of the population, of the member, and its unit in the structure.
    pub population: usize,
    pub member: usize,
    pub unit: Unit,
    pub address: usize,
    /// Words in the arena: one per element, or 1 for a parameter that is the same for all.
    pub words: usize,
}

impl PlanVariable {
    pub(crate) fn path(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// Path of its node; empty for the target itself.
    pub(crate) fn node(&self) -> &str {
        self.path().rsplit_once('.').map_or("", |(node, _)| node)
    }

    /// Its name in its node.
    pub(crate) fn variable(&self) -> &str {
        self.path().rsplit_once('.').map_or(self.path(), |(_, name)| name)
    }

    /// Name of its node and its own.
    pub(crate) fn absolute(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }

    pub(crate) fn range(&self) -> Range<usize> {
        self.address..self.address + self.words
    }

    /// What makes one value per element of a parameter that is the same for all.
    pub(crate) fn remedy(&self) -> Option<String> {
        let shared = self.role == Role::Param && self.shape.is_empty();
        shared.then(|| {
            let name = self.variable();
            format!(
                "build it with `.param_each(\"{name}\", ..)`, which makes `{name}` one value per element"
            )
        })
    }

    /// An error of a value's shape, with that remedy where there is one.
    pub(crate) fn explained(&self, error: Error) -> Error {
        match (error, self.remedy()) {
            (Error::Shape { what, given, wanted, .. }, Some(hint)) => {
                Error::Shape { what, given, wanted, hint: format!("a scalar or {hint}") }
            }
            (error, _) => error,
        }
    }
}

/// Groups of one structure, which one kernel updates.
#[derive(Debug)]
pub(crate) struct Population {
    pub archetype: Archetype,
    /// When in the step it is updated.
    pub stage: usize,
    pub program: Arc<Program>,
    /// Elements of all members, with padding.
    pub elements: usize,
    pub members: Vec<PopulationMember>,
    pub columns: Vec<Column>,
    /// What differs between members: parameters and the like.
    pub places: Vec<ProgramArgument>,
    /// For each argument of the program.
    pub program_arguments: Vec<Binding>,
    /// For each result of the program the column that it goes to.
    pub program_results: Vec<usize>,
}

impl Population {
    /// The column of the spike flags.
    pub(crate) fn spikes(&self) -> Option<usize> {
        let at = self.program.program_results.iter().position(|s| *s == ProgramResult::Spike)?;
        Some(self.program_results[at])
    }

    /// The rank of a place among those that are the same for all elements in every member.
    pub(crate) fn uniform_rank(&self, place: usize) -> Option<usize> {
        let uniform = |place: usize| self.members.iter().all(|m| m.places[place].stride == 0);
        uniform(place).then(|| (0..place).filter(|&p| uniform(p)).count())
    }
}

/// How a member of the program's argument is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binding {
    /// One word per element.
    Column(usize),
    /// By the member's table.
    Parameter(usize),
    /// From the clock: time, step.
    Clock(ProgramArgument),
}

/// One word per element of a population: element `e` is at `address + e`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    pub space: Space,
    pub address: usize,
    /// Cleared after a step: an input.
    pub cleared: bool,
}

/// Which arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    Arena,
    Accumulators,
}

/// A group in a population.
#[derive(Debug)]
pub(crate) struct PopulationMember {
    pub path: String,
    /// Its place among the groups of the description.
    pub order: usize,
    pub elements: usize,
    /// Its first element in the population, a multiple of [`PAD`].
    pub start: usize,
    /// Parallel to the population's `places`.
    pub places: Vec<ParameterRef>,
    /// Steps for which its spikes are kept: the longest delay of the projections that start here, 0 where there are none.
    pub spike_history: usize,
}

/// Where a member's parameter is: element `k` at `address + k * stride`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ParameterRef {
    pub address: usize,
    /// 0 or 1.
    pub stride: usize,
}

/// Delivery of the spikes of one member to the accumulators of another, over the synapses of one delay.
#[derive(Debug)]
pub(crate) struct DeliveryBlock {
    pub path: String,
    pub population: usize,
    pub member: usize,
    /// When in the step it delivers.
    pub stage: usize,
    /// Steps from a spike to its arrival; 0 only where the source is updated before.
    pub delay: usize,
    /// How many steps before the last one of the source that is.
    pub lag: usize,
    /// Address of the accumulator of target 0.
    pub target: usize,
    /// Elements of source and target in a replica of the system; those of replicas follow each other.
    pub sources: usize,
    pub targets: usize,
    /// Rows by source.
    pub indptr: Vec<u32>,
    pub indices: Vec<u32>,
    /// Their weights in quanta of their targets: one for all, or one per synapse.
    pub counts: Vec<i32>,
    pub precision: Precision,
}

impl DeliveryBlock {
    /// Synapses of its longest row.
    pub(crate) fn longest(&self) -> usize {
        longest(&self.indptr)
    }
}

/// The longest of the rows that start at these, and end where the next one starts.
pub(crate) fn longest(indptr: &[u32]) -> usize {
    indptr.windows(2).map(|row| row[1] - row[0]).max().unwrap_or(0) as usize
}

/// Application of one input to one variable.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct InputOp {
    pub path: String,
    pub population: usize,
    pub member: usize,
    /// Of the variable.
    pub address: usize,
    pub offsets: Offsets,
    pub kind: Kind,
    pub operation: Operation,
    pub source: Source,
}

/// Where the value of an input is; that for its target `k` at `offset + k * stride`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Constant {
        offset: usize,
        stride: usize,
    },
    /// In the row of the step.
    Row {
        offset: usize,
        stride: usize,
    },
    /// In the arena, one word for each target.
    Derived {
        address: usize,
    },
}

/// What a monitor records in each step.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub key: String,
    pub kind: Kind,
    /// Shape of one row.
    pub shape: Vec<usize>,
    pub sampling: usize,
    /// Where it starts in the row of its sampling.
    pub offset: usize,
    pub gather: Gather,
    /// Whether each value is a sum of two words, the low one first.
    pub is_wide: bool,
    pub scale: Scale,
    /// Whether its values are wanted as events, by a sink above all.
    pub events: bool,
    /// Whether the history keeps only those that are set.
    pub sparse: bool,
}

/// By what a recorded sum is divided to become a mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    None,
    Elements(u32),
    /// The steps of which the row is made.
    Steps,
}

/// Which words a monitor reads.
#[derive(Debug, Clone)]
pub(crate) enum Gather {
    /// Flags, 32 to a word.
    Flags { address: usize, count: usize },
    /// A range.
    Range { address: usize, count: usize },
    /// These words.
    List(Vec<u32>),
    /// None: a closure on the host.
    Host(usize),
}

impl Record {
    /// Words of one row.
    pub(crate) fn words(&self) -> usize {
        match &self.gather {
            Gather::Flags { count, .. } => packed_words(*count),
            Gather::Range { count, .. } => *count,
            Gather::List(list) => list.len(),
            Gather::Host(_) => 0,
        }
    }

    pub(crate) fn packed(&self) -> bool {
        matches!(self.gather, Gather::Flags { .. })
    }
}

impl Plan {
    /// Whether all inputs may be applied by the kernels that update: each of the element's own, from constants and rows.
    pub(crate) fn fused(&self) -> bool {
        let mut before = self.step.iter().take_while(|op| **op != StepOp::Deliver(0));
        let plain = before.clone().count() == self.inputs.len()
            && before.all(|op| matches!(op, StepOp::Input(_)));
        let ranges = self.inputs.iter().all(|i| matches!(i.offsets, Offsets::Range { .. }));
        // what a kernel leaves in an input is not to be cleared by the update that uses it
        plain && ranges && self.kernels.is_empty()
    }

    /// Words of the largest of the buffers that an engine needs.
    pub(crate) fn most_words(&self) -> u64 {
        let synapses = self.delivery_blocks.iter().map(|delivery_block| {
            let counts = delivery_block.counts.len();
            delivery_block.indptr.len()
                + delivery_block.indices.len()
                + if counts > 1 { counts } else { 0 }
        });
        self.initial_arena.len().max(self.accumulators).max(synapses.sum()) as u64
    }

    /// Whether no element, and nothing on the host, looks at another element within a step: each may be executed many steps on
    /// its own.
    pub(crate) fn time_blocked(&self) -> bool {
        let alone =
            |op: &StepOp| !matches!(op, StepOp::Call(_) | StepOp::Derive(_) | StepOp::Kernel(_));
        self.fused() && self.delivery_blocks.is_empty() && self.step.iter().all(alone)
    }

    /// Words that the monitors record in a step at most.
    pub(crate) fn record_row(&self) -> usize {
        self.samplings.iter().map(|c| c.row).sum()
    }

    /// The numbers of the replicas of the system.
    pub(crate) fn replica_numbers(&self) -> impl Iterator<Item = u32> {
        self.replicas.unwrap_or(Replicas { count: 1, first: 0 }).numbers()
    }

    /// Axes of a variable before those of its group.
    pub(crate) fn copy_axes(&self) -> usize {
        usize::from(self.replicas.is_some())
    }

    /// One half of the keys, for each of so many elements of all replicas; a word where all have the same.
    pub(super) fn key_words(&self, keys: &Keys<'_>, half: usize, elements: usize) -> Vec<u32> {
        let words = self.replica_numbers().map(|replica| keys.of_copy(replica)[half]);
        let words: Vec<u32> = words.collect();
        let each = if words.len() == 1 { 1 } else { elements / words.len() };
        words.into_iter().flat_map(|word| std::iter::repeat_n(word, each)).collect()
    }

    /// A variable of a node, given by its path or name.
    pub(crate) fn slot_of_node(&self, node: &str) -> Result<&PlanVariable> {
        let of = |variable: &&PlanVariable| {
            let prefix = |name: &String| name.rsplit_once('.').map_or("", |(node, _)| node) == node;
            variable.role != Role::Param && variable.names.iter().any(prefix)
        };
        self.variables.iter().find(of).ok_or_else(|| {
            let nodes = self.variables.iter().map(|s| s.node().to_string());
            let mut nodes: Vec<String> = nodes.filter(|n| !n.is_empty()).collect();
            nodes.dedup();
            Error::unknown("node", node, nodes)
        })
    }

    /// The variable or parameter of that path or name.
    pub(crate) fn variable(&self, what: &'static str, path: &str) -> Result<&PlanVariable> {
        self.find(what, path).map(|at| &self.variables[at])
    }

    /// Its place among the slots. Paths from the target come before names of nodes.
    pub(crate) fn find(&self, what: &'static str, path: &str) -> Result<usize> {
        let variables = &self.variables;
        let by_path = variables.iter().position(|s| s.path() == path);
        by_path
            .or_else(|| variables.iter().position(|s| s.names.iter().any(|n| n == path)))
            .ok_or_else(|| {
                Error::unknown(what, path, variables.iter().map(|s| s.path().to_string()))
            })
    }

    /// Elements, without padding.
    pub(crate) fn elements(&self) -> usize {
        self.populations.iter().flat_map(|p| &p.members).map(|m| m.elements).sum()
    }

    /// Synapses.
    pub(crate) fn synapses(&self) -> usize {
        self.delivery_blocks.iter().map(|r| r.indices.len()).sum()
    }
}
