//! Delivery of spikes: the weights of their rows of synapses are added to the accumulators of their targets. Accumulators are integers, so the
//! order does not matter, and threads take a range of targets each.

use super::member::{Arenas, MemberRun};
use super::thread_pool::ThreadPool;
use crate::plan::{DeliveryBlock, Plan};

/// The delivery blocks of a plan as this engine executes them.
pub(super) struct Delivery {
    delivery_blocks: Vec<RouteRun>,
}

struct RouteRun {
    /// Which of the members it starts from.
    source: usize,
    /// Targets in half the space, where they fit.
    narrow: Vec<u16>,
    /// Targets of a thread.
    share: usize,
    /// Where the parts of the rows begin that threads but the first take, thread after thread.
    splits: Vec<Vec<u32>>,
    /// Synapses of a row in the mean.
    mean: usize,
}

/// Spikes ahead whose rows are asked for: a row is in memory far away, and takes as long to come as some others to be added.
const AHEAD: usize = 4;

/// Synapses that are worth a thread.
const WORTH: usize = 4000;

impl Delivery {
    /// How many threads are worth having for it.
    pub(super) fn threads(plan: &Plan, most: usize) -> usize {
        // where one in a hundred sources fires in a step
        if plan.synapses() / 100 >= WORTH { most } else { 1 }
    }

    pub(super) fn new(plan: &Plan, threads: usize) -> Self {
        let start_of = |population: usize| -> usize {
            plan.populations[..population].iter().map(|p| p.members.len()).sum()
        };
        let delivery_blocks = plan.delivery_blocks.iter().map(|delivery_block| {
            let fits = delivery_block.targets <= 1 << 16;
            let narrow = if fits { &delivery_block.indices[..] } else { &[] };
            let share = delivery_block.targets.div_ceil(threads);
            let splits = (1..threads).map(|k| {
                let bound = (k * share) as u32;
                let rows = delivery_block.indptr.windows(2).map(|row| {
                    let targets = &delivery_block.indices[row[0] as usize..row[1] as usize];
                    row[0] + targets.partition_point(|&target| target < bound) as u32
                });
                rows.collect()
            });
            RouteRun {
                source: start_of(delivery_block.population) + delivery_block.member,
                narrow: narrow.iter().map(|&target| target as u16).collect(),
                share,
                splits: splits.collect(),
                mean: delivery_block.indices.len() / delivery_block.sources.max(1),
            }
        });
        Self { delivery_blocks: delivery_blocks.collect() }
    }

    /// Delivers what arrives in a stage.
    pub(super) fn execute(
        &self,
        plan: &Plan,
        stage: usize,
        members: &[MemberRun],
        accumulators: &mut [u32],
        pool: &mut ThreadPool,
    ) {
        let due = || {
            let delivery_blocks = plan.delivery_blocks.iter().zip(&self.delivery_blocks);
            let due = delivery_blocks.filter(|(delivery_block, _)| delivery_block.stage == stage);
            due.map(|(delivery_block, run)| {
                (delivery_block, run, &members[run.source].events[delivery_block.lag][..])
            })
        };
        let synapses: usize = due().map(|(_, run, spikes)| run.mean * spikes.len()).sum();
        let arenas = Arenas::new(&mut [], accumulators);
        let alone = pool.threads() == 1 || synapses < WORTH * pool.threads();
        let work = |k: usize| {
            for (delivery_block, run, spikes) in due() {
                let part = (!alone).then_some(k);
                // SAFETY: each thread has a number of its own, and a range of targets with it; the accumulators are borrowed mutably for
                // the call.
                unsafe { run.deliver(delivery_block, spikes, part, &arenas) };
            }
        };
        if alone { work(0) } else { pool.run(&work) }
    }
}

impl RouteRun {
    /// Adds the weights of spikes: of all targets, or of those of a thread.
    ///
    /// # Safety
    /// No other thread uses the accumulators of these targets meanwhile.
    unsafe fn deliver(
        &self,
        delivery_block: &DeliveryBlock,
        spikes: &[u32],
        part: Option<usize>,
        arenas: &Arenas,
    ) {
        let counts = &delivery_block.counts[..];
        let row_of = |source: usize| {
            let begins = match part {
                Some(k) if k > 0 => self.splits[k - 1][source],
                _ => delivery_block.indptr[source],
            };
            let ends = match part.and_then(|k| self.splits.get(k)) {
                Some(split) => split[source],
                None => delivery_block.indptr[source + 1],
            };
            begins as usize..ends as usize
        };
        let own = match part {
            Some(k) => {
                let bound = |k: usize| (k * self.share).min(delivery_block.targets);
                bound(k)..bound(k + 1)
            }
            None => 0..delivery_block.targets,
        };
        for (at, &spike) in spikes.iter().enumerate() {
            let spike = spike as usize;
            let (replica, source) = match spike < delivery_block.sources {
                true => (0, spike),
                false => (spike / delivery_block.sources, spike % delivery_block.sources),
            };
            if let Some(&next) = spikes.get(at + AHEAD) {
                self.prefetch(delivery_block, row_of(next as usize % delivery_block.sources).start);
            }
            let first = delivery_block.target + replica * delivery_block.targets;
            // SAFETY: the plan reserves a sum for each target of each replica; these are this thread's.
            let accumulators = unsafe { arenas.accumulators(first + own.start..first + own.end) };
            let row = row_of(source);
            match (counts, self.narrow.is_empty()) {
                (&[count], true) => {
                    same(accumulators, own.start, &delivery_block.indices[row], count)
                }
                (&[count], false) => same(accumulators, own.start, &self.narrow[row], count),
                (each, true) => each_its(
                    accumulators,
                    own.start,
                    &delivery_block.indices[row.clone()],
                    &each[row],
                ),
                (each, false) => {
                    each_its(accumulators, own.start, &self.narrow[row.clone()], &each[row])
                }
            }
        }
    }

    /// Asks for the beginning of a row, which is somewhere in memory.
    fn prefetch(&self, delivery_block: &DeliveryBlock, at: usize) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let (pointer, bytes) = match self.narrow.is_empty() {
                true => (delivery_block.indices.as_ptr().cast::<i8>(), 4 * at),
                false => (self.narrow.as_ptr().cast::<i8>(), 2 * at),
            };
            for line in 0..2 {
                // SAFETY: a prefetch reads nothing, wherever it points.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(pointer.wrapping_add(bytes + 64 * line)) };
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (delivery_block, at);
    }
}

/// Adds one count to all targets; the accumulators are those of targets from `first` on.
fn same<T: Copy + Into<u32>>(accumulators: &mut [u32], first: usize, targets: &[T], count: i32) {
    for &target in targets {
        let sum = &mut accumulators[target.into() as usize - first];
        *sum = sum.wrapping_add(count as u32);
    }
}

/// Adds to each target its count.
fn each_its<T: Copy + Into<u32>>(
    accumulators: &mut [u32],
    first: usize,
    targets: &[T],
    counts: &[i32],
) {
    for (&target, &count) in targets.iter().zip(counts) {
        let sum = &mut accumulators[target.into() as usize - first];
        *sum = sum.wrapping_add(count as u32);
    }
}
