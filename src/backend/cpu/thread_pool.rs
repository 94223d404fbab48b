//! Threads that execute a step together. A step takes microseconds, and waking a thread takes longer, so they wait for the next
//! one awake, for a short while.
//!
//! Where other programs want the processors, a thread may lose its own in the midst of a step, for a time in which one thread
//! alone would have executed a hundred. So a part that nobody has begun is anybody's, and what waiting costs is measured
//! ([`Pace`]): as long as helpers do not pay, the owner does without them.

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use super::pace::Pace;

/// How long a thread waits awake: some steps, but not long enough to be in anybody's way.
const AWAKE: Duration = Duration::from_micros(50);

/// Turns of waiting before the first look at the clock, and between two: parts that end almost together cost none.
const TURNS: usize = 16;

/// What all do, by the number of the part.
type Task = *const (dyn Fn(usize) + Sync);

struct PoolState {
    /// Counts tasks; changes when there is a new one.
    task: AtomicUsize,
    work: UnsafeCell<Option<Task>>,
    /// For each helper the last task whose part somebody has begun: the helper, or the owner in its place.
    begun: Vec<AtomicUsize>,
    /// Parts beside the owner's that are not done.
    left: AtomicUsize,
    asleep: Vec<AtomicBool>,
    ends: AtomicBool,
    /// What a helper panicked with.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: `work` is written by the owner alone, while no part is left, and read by helpers that have begun a part of the task.
unsafe impl Sync for PoolState {}
// SAFETY: as above; the task that the pointer names can be called from any thread.
unsafe impl Send for PoolState {}

/// The owner's thread and its helpers.
pub(super) struct ThreadPool {
    shared: Arc<PoolState>,
    helpers: Vec<JoinHandle<()>>,
    pace: Pace,
    /// When the step at hand began, and how long the owner has waited since.
    since: Instant,
    waited: Duration,
}

impl ThreadPool {
    /// So many threads, with the one that asks; fewer where the system gives fewer.
    pub(super) fn new(threads: usize) -> Self {
        let count = threads.saturating_sub(1);
        let shared = Arc::new(PoolState {
            task: AtomicUsize::new(0),
            work: UnsafeCell::new(None),
            begun: (0..count).map(|_| AtomicUsize::new(0)).collect(),
            left: AtomicUsize::new(0),
            asleep: (0..count).map(|_| AtomicBool::new(false)).collect(),
            ends: AtomicBool::new(false),
            panic: Mutex::default(),
        });
        let helpers = (0..count).map_while(|k| {
            let shared = shared.clone();
            let helper = std::thread::Builder::new().name("dsrunner".into());
            helper.spawn(move || shared.help(k)).ok()
        });
        let helpers = helpers.collect();
        let (pace, since, waited) = (Pace::default(), Instant::now(), Duration::ZERO);
        Self { shared, helpers, pace, since, waited }
    }

    pub(super) fn threads(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Does all parts of a task, one for each thread, and comes back when all are done. A part is done by one thread, and none of
    /// them needs another to go on.
    pub(super) fn run(&mut self, task: &(dyn Fn(usize) + Sync)) {
        if self.helpers.is_empty() {
            task(0);
            return;
        }
        if self.pace.is_alone() {
            (0..self.threads()).for_each(task);
        } else {
            self.run_together(task);
        }
    }

    /// Steps are executed from that moment on.
    pub(super) fn begins(&mut self, now: Instant) {
        (self.since, self.waited) = (now, Duration::ZERO);
    }

    /// So many steps were executed since the last call, or since they began. Steps cost much the same, whatever tasks they consist
    /// of, so that they are what is compared.
    pub(super) fn executed(&mut self, steps: usize) {
        if self.helpers.is_empty() {
            return;
        }
        let now = Instant::now();
        self.pace.ran(now.saturating_duration_since(self.since), self.waited);
        self.pace.executed(steps, now);
        self.begins(now);
    }

    fn run_together(&mut self, task: &(dyn Fn(usize) + Sync)) {
        let shared = &*self.shared;
        // SAFETY: no part is left, so no helper reads it. The lifetime is lost on the way, but this function does not end, not even
        // by a panic, before all parts are done.
        unsafe {
            let task: Task = std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), Task>(task);
            *shared.work.get() = Some(task);
        }
        shared.left.store(self.helpers.len(), Ordering::Relaxed);
        let number = shared.task.fetch_add(1, Ordering::SeqCst).wrapping_add(1);
        for (helper, asleep) in self.helpers.iter().zip(&shared.asleep) {
            if asleep.load(Ordering::SeqCst) {
                Thread::unpark(helper.thread());
            }
        }
        let wait = Wait { shared, number, waited: &mut self.waited };
        task(0);
        for k in 0..self.helpers.len() {
            if shared.begins(k, number) {
                let _done = Done(shared);
                task(k + 1);
            }
        }
        drop(wait);
        let panic = shared.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(panic) = panic {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Counts a part as done when it is dropped.
struct Done<'a>(&'a PoolState);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.left.fetch_sub(1, Ordering::Release);
    }
}

/// Waits for the parts that helpers have begun when it is dropped; the others, which are left by a panic alone, are given up.
struct Wait<'a> {
    shared: &'a PoolState,
    number: usize,
    waited: &'a mut Duration,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        for k in 0..self.shared.begun.len() {
            if self.shared.begins(k, self.number) {
                drop(Done(self.shared));
            }
        }
        let mut patience = Patience::default();
        while self.shared.left.load(Ordering::Acquire) > 0 {
            if !patience.goes_on() {
                // a helper may wait for this very processor
                std::thread::yield_now();
            }
        }
        *self.waited += patience.since.map_or(Duration::ZERO, |since| since.elapsed());
    }
}

/// Waiting awake.
#[derive(Default)]
struct Patience {
    turns: usize,
    since: Option<Instant>,
}

impl Patience {
    /// A turn of waiting; false where it has been long enough.
    fn goes_on(&mut self) -> bool {
        self.turns += 1;
        if !self.turns.is_multiple_of(TURNS) {
            std::hint::spin_loop();
            return true;
        }
        self.since.get_or_insert_with(Instant::now).elapsed() < AWAKE
    }
}

impl PoolState {
    /// Begins helper `k`'s part of a task, unless somebody has.
    fn begins(&self, k: usize, task: usize) -> bool {
        let before = task.wrapping_sub(1);
        let begun = &self.begun[k];
        begun.compare_exchange(before, task, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// The life of a helper.
    fn help(&self, k: usize) {
        let mut seen = 0;
        loop {
            let mut patience = Patience::default();
            while self.task.load(Ordering::Acquire) == seen {
                if self.ends.load(Ordering::Relaxed) {
                    return;
                }
                if patience.goes_on() {
                    continue;
                }
                // who brings a task looks here after the count of tasks, and this looks at the count once more after it
                self.asleep[k].store(true, Ordering::SeqCst);
                if self.task.load(Ordering::SeqCst) == seen && !self.ends.load(Ordering::SeqCst) {
                    std::thread::park();
                }
                self.asleep[k].store(false, Ordering::SeqCst);
                patience = Patience::default();
            }
            seen = self.task.load(Ordering::Acquire);
            // the owner may have done it, and gone on to others
            if !self.begins(k, seen) {
                continue;
            }
            let _done = Done(self);
            // SAFETY: the owner wrote it before it counted the task, and keeps it until all parts are done, of which this is one.
            if let Some(task) = unsafe { *self.work.get() } {
                // SAFETY: as above.
                let work = AssertUnwindSafe(|| unsafe { (*task)(k + 1) });
                if let Err(panic) = std::panic::catch_unwind(work) {
                    *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
                }
            }
        }
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::SeqCst);
        for helper in self.helpers.drain(..) {
            helper.thread().unpark();
            // it has no more to tell
            let _ = helper.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_of_all_tasks_are_done_once() {
        for threads in [1, 2, 5] {
            let mut pool = ThreadPool::new(threads);
            let counts: Vec<AtomicUsize> =
                (0..pool.threads()).map(|_| AtomicUsize::new(0)).collect();
            for task in 0..3000 {
                pool.run(&|k| {
                    counts[k].fetch_add(task, Ordering::Relaxed);
                });
                pool.executed(1);
                if task % 1000 == 0 {
                    // long enough to fall asleep
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
            }
            assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 3000 * 2999 / 2));
        }
    }

    /// With more threads than processors helpers come late to most tasks, or in the midst of a later one.
    #[test]
    fn parts_that_nobody_has_begun_are_the_owners() {
        let mut pool = ThreadPool::new(64);
        let counts: Vec<AtomicUsize> = (0..64).map(|_| AtomicUsize::new(0)).collect();
        let owner = std::thread::current().id();
        let taken = AtomicUsize::new(0);
        for task in 1..=500 {
            pool.run(&|k| {
                counts[k].fetch_add(1, Ordering::Relaxed);
                if k > 0 && std::thread::current().id() == owner {
                    taken.fetch_add(1, Ordering::Relaxed);
                }
            });
            assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == task));
        }
        assert!(taken.load(Ordering::Relaxed) > 0);
    }

    /// A helper takes longer than the owner.
    #[test]
    fn what_the_owner_waits_counts_until_the_step_is_over() {
        let mut pool = ThreadPool::new(2);
        let begun = AtomicBool::new(false);
        pool.run(&|k| {
            if k > 0 {
                begun.store(true, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(20));
            }
            while !begun.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
        });
        assert!(pool.waited > Duration::from_millis(5), "{:?}", pool.waited);
        pool.executed(1);
        assert_eq!(pool.waited, Duration::ZERO);
    }

    #[test]
    fn a_task_that_panics_ends_for_all() {
        let mut pool = ThreadPool::new(3);
        for who in 0..3 {
            let quiet = std::panic::catch_unwind(AssertUnwindSafe(|| {
                pool.run(&|k| assert!(k != who, "on purpose"));
            }));
            assert!(quiet.is_err());
        }
        let count = AtomicUsize::new(0);
        pool.run(&|_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(count.load(Ordering::Relaxed), 3);
    }
}
