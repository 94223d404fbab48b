//! Delivery of spikes: the weights of their rows of synapses are added to the sums of their targets. Sums are integers, so the
//! order does not matter, and threads take a range of targets each.

use super::crew::Crew;
use super::member::{Arenas, MemberRun};
use crate::plan::{Plan, Route};

/// The routes of a plan as this engine plays them.
pub(super) struct Delivery {
    routes: Vec<RouteRun>,
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
        let routes = plan.routes.iter().map(|route| {
            let fits = route.targets <= 1 << 16;
            let narrow = if fits { &route.indices[..] } else { &[] };
            let share = route.targets.div_ceil(threads);
            let splits = (1..threads).map(|k| {
                let bound = (k * share) as u32;
                let rows = route.indptr.windows(2).map(|row| {
                    let targets = &route.indices[row[0] as usize..row[1] as usize];
                    row[0] + targets.partition_point(|&target| target < bound) as u32
                });
                rows.collect()
            });
            RouteRun {
                source: start_of(route.population) + route.member,
                narrow: narrow.iter().map(|&target| target as u16).collect(),
                share,
                splits: splits.collect(),
                mean: route.indices.len() / route.sources.max(1),
            }
        });
        Self { routes: routes.collect() }
    }

    /// Delivers what arrives in a stage.
    pub(super) fn play(
        &self,
        plan: &Plan,
        stage: usize,
        members: &[MemberRun],
        sums: &mut [u32],
        crew: &mut Crew,
    ) {
        let due = || {
            let routes = plan.routes.iter().zip(&self.routes);
            let due = routes.filter(|(route, _)| route.stage == stage);
            due.map(|(route, run)| (route, run, &members[run.source].events[route.age][..]))
        };
        let synapses: usize = due().map(|(_, run, spikes)| run.mean * spikes.len()).sum();
        let arenas = Arenas::new(&mut [], sums);
        let alone = crew.threads() == 1 || synapses < WORTH * crew.threads();
        let work = |k: usize| {
            for (route, run, spikes) in due() {
                let part = (!alone).then_some(k);
                // SAFETY: each thread has a number of its own, and a range of targets with it; the sums are borrowed mutably for
                // the call.
                unsafe { run.deliver(route, spikes, part, &arenas) };
            }
        };
        if alone { work(0) } else { crew.run(&work) }
    }
}

impl RouteRun {
    /// Adds the weights of spikes: of all targets, or of those of a thread.
    ///
    /// # Safety
    /// No other thread uses the sums of these targets meanwhile.
    unsafe fn deliver(&self, route: &Route, spikes: &[u32], part: Option<usize>, arenas: &Arenas) {
        let counts = &route.counts[..];
        let row_of = |source: usize| {
            let begins = match part {
                Some(k) if k > 0 => self.splits[k - 1][source],
                _ => route.indptr[source],
            };
            let ends = match part.and_then(|k| self.splits.get(k)) {
                Some(split) => split[source],
                None => route.indptr[source + 1],
            };
            begins as usize..ends as usize
        };
        let own = match part {
            Some(k) => {
                let bound = |k: usize| (k * self.share).min(route.targets);
                bound(k)..bound(k + 1)
            }
            None => 0..route.targets,
        };
        for (at, &spike) in spikes.iter().enumerate() {
            let spike = spike as usize;
            let (copy, source) = match spike < route.sources {
                true => (0, spike),
                false => (spike / route.sources, spike % route.sources),
            };
            if let Some(&next) = spikes.get(at + AHEAD) {
                self.prefetch(route, row_of(next as usize % route.sources).start);
            }
            let first = route.target + copy * route.targets;
            // SAFETY: the plan reserves a sum for each target of each copy; these are this thread's.
            let sums = unsafe { arenas.sums(first + own.start..first + own.end) };
            let row = row_of(source);
            match (counts, self.narrow.is_empty()) {
                (&[count], true) => same(sums, own.start, &route.indices[row], count),
                (&[count], false) => same(sums, own.start, &self.narrow[row], count),
                (each, true) => each_its(sums, own.start, &route.indices[row.clone()], &each[row]),
                (each, false) => each_its(sums, own.start, &self.narrow[row.clone()], &each[row]),
            }
        }
    }

    /// Asks for the beginning of a row, which is somewhere in memory.
    fn prefetch(&self, route: &Route, at: usize) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let (pointer, bytes) = match self.narrow.is_empty() {
                true => (route.indices.as_ptr().cast::<i8>(), 4 * at),
                false => (self.narrow.as_ptr().cast::<i8>(), 2 * at),
            };
            for line in 0..2 {
                // SAFETY: a prefetch reads nothing, wherever it points.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(pointer.wrapping_add(bytes + 64 * line)) };
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (route, at);
    }
}

/// Adds one count to all targets; the sums are those of targets from `first` on.
fn same<T: Copy + Into<u32>>(sums: &mut [u32], first: usize, targets: &[T], count: i32) {
    for &target in targets {
        let sum = &mut sums[target.into() as usize - first];
        *sum = sum.wrapping_add(count as u32);
    }
}

/// Adds to each target its count.
fn each_its<T: Copy + Into<u32>>(sums: &mut [u32], first: usize, targets: &[T], counts: &[i32]) {
    for (&target, &count) in targets.iter().zip(counts) {
        let sum = &mut sums[target.into() as usize - first];
        *sum = sum.wrapping_add(count as u32);
    }
}
