//! The plan's numbers as the kernels read them.

use super::agreed::{HEADER, INPUT};
use crate::plan::{
    Column, DelayLine, DerivedColumn, DerivedWork, Fold, Gather, InputOp, KernelArray, Number,
    Offsets, Plan, PopulationMember, Source,
};
use crate::terms::{Kind, Operation};

/// Where the lists of spikes are in the buffer of events.
pub(super) struct Lists {
    /// For each population and member, where its spikes are listed.
    pub of_member: Vec<Vec<Option<List>>>,
    /// Words of the buffer: the counts of all lists, then the lists.
    pub words: usize,
}

/// The spikes of a member in its last steps. Step `i` has slot `i % slots`: a count, and a list with room for all elements.
/// There is a slot more than steps are kept, for the step at hand; and slots are a power of two, so that the low word of
/// the step tells the slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    pub counts: usize,
    pub slots: usize,
    pub start: usize,
    pub elements: usize,
}

impl List {
    fn slot(&self, step: u64) -> usize {
        step as usize & (self.slots - 1)
    }

    /// Addresses of the count and of the first event of a step.
    pub(super) fn of_step(&self, step: u64) -> (usize, usize) {
        let slot = self.slot(step);
        (self.counts + slot, self.start + slot * self.elements)
    }
}

impl Lists {
    pub(super) fn new(plan: &Plan) -> Self {
        let slots = |member: &PopulationMember| (member.spike_history + 1).next_power_of_two();
        let members = plan.populations.iter().flat_map(|p| &p.members);
        let (mut counts, mut start) = (0, 0);
        members.filter(|m| m.spike_history > 0).for_each(|m| start += slots(m));
        let of_member = plan
            .populations
            .iter()
            .map(|population| {
                let lists = population.members.iter().map(|member| {
                    (member.spike_history > 0).then(|| {
                        let (slots, elements) = (slots(member), member.elements);
                        let list = List { counts, slots, start, elements };
                        counts += slots;
                        start += slots * elements;
                        list
                    })
                });
                lists.collect()
            })
            .collect();
        Self { of_member, words: start }
    }

    fn all(&self) -> impl Iterator<Item = &List> {
        self.of_member.iter().flatten().flatten()
    }
}

/// Streams of a population that are inputs which are constant in every member.
pub(super) fn constant_columns(plan: &Plan, at: usize) -> Vec<usize> {
    let population = &plan.populations[at];
    let constant = |column: usize| {
        (0..population.members.len()).all(|member| plan.is_constant_input(at, member, column))
    };
    (0..population.columns.len()).filter(|&column| constant(column)).collect()
}

/// Words of a member's part of its population's table.
pub(super) fn member_words(plan: &Plan, at: usize) -> usize {
    let places = plan.populations[at].places.len();
    (HEADER + 2 * places + constant_columns(plan, at).len()).next_multiple_of(4)
}

/// Words of a population's table.
pub(super) fn population_words(plan: &Plan, at: usize, with_inputs: bool) -> usize {
    let inputs = plan.inputs.iter().filter(|i| with_inputs && i.population == at).count();
    member_words(plan, at) * plan.populations[at].members.len() + INPUT * inputs
}

/// Where a member's places are in the table of its population.
pub(super) fn place_word(plan: &Plan, at: usize, member: usize, place: usize) -> usize {
    member * member_words(plan, at) + HEADER + 2 * place
}

/// The sums of a member's constant inputs, with these values of them, and where they are in the table of its population.
pub(super) fn constant_sums(
    plan: &Plan,
    at: usize,
    member: usize,
    constants: &[u32],
) -> (usize, Vec<u32>) {
    let columns = constant_columns(plan, at).into_iter();
    let sum = |column| plan.constant_input(at, member, column, constants).unwrap_or(0);
    (place_word(plan, at, member, plan.populations[at].places.len()), columns.map(sum).collect())
}

/// The table of a population: its members, then the inputs that its kernel applies, if it does.
pub(super) fn population(plan: &Plan, at: usize, lists: &Lists, with_inputs: bool) -> Vec<u32> {
    let population = &plan.populations[at];
    let row = member_words(plan, at);
    let constants = constant_columns(plan, at);
    let mut table = vec![0u32; row * population.members.len()];
    for (k, member) in population.members.iter().enumerate() {
        let own = plan.inputs.iter().filter(|i| with_inputs && i.population == at && i.member == k);
        let first_step = |input: &&InputOp| {
            plan.cleared_stream(input).is_some_and(|column| constants.contains(&column))
        };
        let (starting, always): (Vec<&InputOp>, Vec<&InputOp>) = own.partition(first_step);
        let list = lists.of_member[at][k];
        let header = [
            member.start,
            member.elements,
            list.map_or(0, |l| l.counts + 1),
            list.map_or(0, |l| l.slots - 1),
            list.map_or(0, |l| l.start),
            always.len(),
            table.len() / 4,
            starting.len(),
        ];
        let places = member.places.iter().enumerate().flat_map(|(place, p)| {
            match population.uniform_rank(place) {
                Some(_) => [plan.initial_arena[p.address], 0],
                None => [p.address as u32, p.stride as u32],
            }
        });
        let (_, sums) = constant_sums(plan, at, k, &plan.constants);
        let words = header.into_iter().map(|word| word as u32).chain(places).chain(sums);
        table[k * row..].iter_mut().zip(words).for_each(|(word, value)| *word = value);
        for input in always.into_iter().chain(starting) {
            let (offset, row_words, stride) = match input.source {
                Source::Constant { offset, stride } => (offset, 0, stride),
                Source::Row { offset, stride } => {
                    (plan.constants.len() + offset, plan.input_row, stride)
                }
                // such inputs have dispatches of their own
                Source::Derived { address } => (address, 0, 1),
            };
            let code = code(input.kind, input.operation) as usize;
            let (first, count) = (input.offsets.at(0), input.offsets.len());
            let words: [usize; INPUT] =
                [input.address, code, offset, row_words, stride, first, count, 0];
            table.extend(words.map(|w| w as u32));
        }
    }
    table
}

/// The table of an input with a dispatch of its own.
pub(super) fn input(plan: &Plan, input: &InputOp) -> Vec<u32> {
    let source = match input.source {
        Source::Constant { offset, stride } => [0, offset, 0, stride],
        Source::Row { offset, stride } => {
            [0, plan.constants.len() + offset, plan.input_row, stride]
        }
        Source::Derived { address } => [1, address, 0, 1],
    };
    input_table(input, source)
}

/// The source is: where the values are, their start, words per row, stride.
fn input_table(input: &InputOp, [space, start, row_words, stride]: [usize; 4]) -> Vec<u32> {
    let code = code(input.kind, input.operation) as usize;
    let (first, list) = match &input.offsets {
        Offsets::Range { start, .. } => (*start, &[][..]),
        Offsets::List(list) => (0, &list[..]),
    };
    let header =
        [input.offsets.len(), code, space, start, row_words, stride, input.address + first];
    header.iter().chain(list).map(|&word| word as u32).collect()
}

/// The same for an input that a run brings, with rows of so many words.
pub(super) fn data(input: &InputOp, row: usize) -> Vec<u32> {
    let (start, stride) = match input.source {
        Source::Constant { offset, stride } | Source::Row { offset, stride } => (offset, stride),
        Source::Derived { address } => (address, 1),
    };
    input_table(input, [0, start, row, stride])
}

/// The table of a dispatch of the same kernel that clears a column.
pub(super) fn clear(column: &Column, elements: usize) -> Vec<u32> {
    let set = code(Kind::F32, Operation::Set);
    vec![elements as u32, set, 2, 0, 0, 0, column.address as u32]
}

/// The table of the words of a kernel's array that go to the array, or back.
pub(super) fn exchange(array: &KernelArray, replica: usize, back: bool) -> Vec<u32> {
    let address = array.address + replica * array.stride;
    [array.words, address, usize::from(back)].map(|word| word as u32).to_vec()
}

/// The table of a column, and the invocations that make it; a column made by a program needs none.
pub(super) fn derived_column(derived_column: &DerivedColumn) -> Vec<u32> {
    let (address, words) = (derived_column.address as u32, derived_column.words as u32);
    let (header, from) = match &derived_column.work {
        DerivedWork::Evaluate { .. } => return Vec::new(),
        DerivedWork::Copy { from, as_f32 } => {
            let conversion = match as_f32 {
                None => 0,
                Some(Kind::I32) => 1,
                Some(_) => 2,
            };
            (vec![address, conversion], from)
        }
        DerivedWork::Reduce { fold, of, indptr, from } => {
            let [fold, of, words] = codes(*fold, *of);
            let header = [indptr.len() as u32 - 1, address, fold, of, words];
            return header.iter().chain(indptr).chain(from).copied().collect();
        }
        DerivedWork::Accumulate { fold, of, from, sampling } => {
            let [fold, of, words] = codes(*fold, *of);
            (vec![address, fold, of, words, *sampling as u32], from)
        }
        DerivedWork::DelayLineWrite { delay_line, ahead } => {
            let header = [words, delay_line.from as u32].into_iter().chain(rows(delay_line));
            return header.chain([u32::from(*ahead)]).collect();
        }
        DerivedWork::DelayLineRead { delay_line, elements, from, delays, ahead } => {
            // the kernel counts from the row of the step, modulo 2^32
            let delays: Vec<u32> =
                delays.iter().map(|delay| delay.wrapping_sub(u32::from(*ahead))).collect();
            let counts = [from.len(), *elements, delays.len()].map(|count| count as u32);
            let header = [words, address].into_iter().chain(rows(delay_line)).chain(counts);
            return header.chain(delays).chain(from.iter().copied()).collect();
        }
        DerivedWork::Sum { from, connections, indptr } => {
            let header = [*from, indptr.len() - 1, *connections].map(|word| word as u32);
            let header = [words, address].into_iter().chain(header);
            return header.chain(indptr.iter().copied()).collect();
        }
    };
    std::iter::once(from.len() as u32).chain(header).chain(from.iter().copied()).collect()
}

/// Address of row 0 of a delay line, words from row to row, number of rows - 1.
fn rows(delay_line: &DelayLine) -> [u32; 3] {
    [delay_line.address, delay_line.stride, delay_line.rows - 1].map(|word| word as u32)
}

/// A fold of such values as the kernel tells them apart, and the words of a result.
fn codes(fold: Fold, of: Number) -> [u32; 3] {
    let code = match fold {
        Fold::Sum | Fold::WideSum => 0,
        Fold::Min => 1,
        Fold::Max => 2,
    };
    let kind = match of {
        Number::F32 => 0,
        Number::I32 => 1,
        Number::U32 => 2,
        Number::I64 => 3,
    };
    [code, kind, fold.result(of).words() as u32]
}

/// Kind and operation as the kernel tells them apart.
pub(super) fn code(kind: Kind, operation: Operation) -> u32 {
    let kind = match kind {
        Kind::F32 => 0,
        Kind::I32 => 5,
        Kind::U32 | Kind::Bool => 10,
    };
    let operation = match operation {
        Operation::Add => 0,
        Operation::Sub => 1,
        Operation::Mul => 2,
        Operation::Div => 3,
        Operation::Set => 4,
    };
    // adding, taking away and multiplying are the same for both kinds of integers
    if kind == 10 && operation < 3 { 5 + operation } else { kind + operation }
}

/// Synapses of all delivery blocks as one buffer, and for each stage the table that says where each delivery block's part is. The counts of a
/// step are cleared by the first.
pub(super) fn delivery_blocks(plan: &Plan, lists: &Lists) -> (Vec<u32>, Vec<Vec<u32>>) {
    // address 0 means none
    let mut synapses = vec![0u32];
    let mut tables: Vec<Vec<u32>> = (0..plan.stages)
        .map(|stage| {
            let delivery_blocks = plan
                .delivery_blocks
                .iter()
                .filter(|delivery_block| delivery_block.stage == stage)
                .count();
            let cleared = lists.all().filter(|_| stage == 0);
            let counts: Vec<[u32; 4]> =
                cleared.map(|l| [l.counts as u32, l.slots as u32 - 1, 0, 0]).collect();
            let header = [delivery_blocks as u32, counts.len() as u32, 0, 0];
            [&[header], &counts[..]].concat().concat()
        })
        .collect();
    for delivery_block in &plan.delivery_blocks {
        let list = lists.of_member[delivery_block.population][delivery_block.member];
        let of_list = |f: &dyn Fn(List) -> usize| list.map_or(0, |l| f(l) as u32);
        let indptr = synapses.len();
        synapses.extend(&delivery_block.indptr);
        let indices = synapses.len();
        synapses.extend(&delivery_block.indices);
        let (counts, count) = match delivery_block.counts[..] {
            [count] => (0, count as u32),
            ref each => {
                let counts = synapses.len();
                synapses.extend(each.iter().map(|&c| c as u32));
                (counts as u32, 0)
            }
        };
        tables[delivery_block.stage].extend([
            of_list(&|l| l.counts),
            of_list(&|l| l.slots - 1),
            of_list(&|l| l.start),
            of_list(&|l| l.elements),
            delivery_block.delay as u32,
            indptr as u32,
            indices as u32,
            counts,
            count,
            delivery_block.target as u32,
            delivery_block.sources as u32,
            delivery_block.targets as u32,
        ]);
    }
    (synapses, tables)
}

/// Words of the table of a stage.
pub(super) fn delivery_block_words(plan: &Plan, stage: usize) -> usize {
    let delivery_blocks =
        plan.delivery_blocks.iter().filter(|delivery_block| delivery_block.stage == stage).count();
    let members = plan.populations.iter().flat_map(|p| &p.members);
    let cleared = members.filter(|m| stage == 0 && m.spike_history > 0).count();
    4 * (1 + cleared + 3 * delivery_blocks)
}

/// For each word of all recorded rows its address, the number of flags that it packs, its sampling, its place in the row.
pub(super) fn gathers(plan: &Plan) -> Vec<u32> {
    let mut gathers = Vec::with_capacity(4 * plan.record_row());
    for record in &plan.records {
        let mut word = |k: usize, address: usize, flags: usize| {
            let place = record.offset + k;
            gathers.extend([address, flags, record.sampling, place].map(|w| w as u32));
        };
        match &record.gather {
            &Gather::Range { address, count } => (0..count).for_each(|k| word(k, address + k, 0)),
            &Gather::Flags { address, count } => {
                let words = (0..count).step_by(32).enumerate();
                words.for_each(|(k, flag)| word(k, address + flag, (count - flag).min(32)));
            }
            Gather::List(list) => {
                list.iter().enumerate().for_each(|(k, &address)| word(k, address as usize, 0));
            }
            Gather::Host(_) => {}
        }
    }
    gathers
}
