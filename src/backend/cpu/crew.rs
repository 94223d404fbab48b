//! Threads that play a step together. A step takes microseconds, and waking a thread takes longer, so they wait for the next
//! one awake, for a while.

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, Thread};

/// Turns of waiting before a thread goes to sleep, some 100 us.
const PATIENCE: usize = 20_000;

/// What all do, each with its number.
type Task = *const (dyn Fn(usize) + Sync);

struct Shared {
    /// Counts tasks; changes when there is a new one.
    task: AtomicUsize,
    work: UnsafeCell<Option<Task>>,
    /// Helpers that are not done with it.
    busy: AtomicUsize,
    asleep: Vec<AtomicBool>,
    ends: AtomicBool,
    /// What a helper panicked with.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: `work` is written by the owner alone, while no helper is busy, and read by helpers after the count of tasks has told
// them of it.
unsafe impl Sync for Shared {}
// SAFETY: as above; the task that the pointer names can be called from any thread.
unsafe impl Send for Shared {}

/// The owner's thread and its helpers.
pub(super) struct Crew {
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
}

impl Crew {
    /// So many threads, with the one that asks; fewer where the system gives fewer.
    pub(super) fn new(threads: usize) -> Self {
        let count = threads.saturating_sub(1);
        let shared = Arc::new(Shared {
            task: AtomicUsize::new(0),
            work: UnsafeCell::new(None),
            busy: AtomicUsize::new(0),
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
        Self { shared, helpers }
    }

    pub(super) fn threads(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Runs the task on all threads, this one with number 0, and comes back when all are done.
    pub(super) fn run(&mut self, task: &(dyn Fn(usize) + Sync)) {
        if self.helpers.is_empty() {
            task(0);
            return;
        }
        let shared = &*self.shared;
        // SAFETY: no helper is busy, so none reads it. The lifetime is lost on the way, but this function does not end, not even
        // by a panic, before all helpers are done with the task.
        unsafe {
            let task: Task = std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), Task>(task);
            *shared.work.get() = Some(task);
        }
        shared.busy.store(self.helpers.len(), Ordering::Relaxed);
        shared.task.fetch_add(1, Ordering::SeqCst);
        for (helper, asleep) in self.helpers.iter().zip(&shared.asleep) {
            if asleep.load(Ordering::SeqCst) {
                Thread::unpark(helper.thread());
            }
        }
        let wait = Wait(shared);
        task(0);
        drop(wait);
        let panic = shared.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(panic) = panic {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Waits for the helpers when it is dropped.
struct Wait<'a>(&'a Shared);

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let mut turns = 0;
        while self.0.busy.load(Ordering::Acquire) > 0 {
            turns += 1;
            // a helper may have lost its processor to another program
            if turns % PATIENCE == 0 {
                std::thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
    }
}

impl Shared {
    /// The life of a helper.
    fn help(&self, k: usize) {
        let mut seen = 0;
        loop {
            let mut turns = 0;
            while self.task.load(Ordering::Acquire) == seen {
                if self.ends.load(Ordering::Relaxed) {
                    return;
                }
                turns += 1;
                if turns < PATIENCE {
                    std::hint::spin_loop();
                    continue;
                }
                // who brings a task looks here after the count of tasks, and this looks at the count once more after it
                self.asleep[k].store(true, Ordering::SeqCst);
                if self.task.load(Ordering::SeqCst) == seen && !self.ends.load(Ordering::SeqCst) {
                    std::thread::park();
                }
                self.asleep[k].store(false, Ordering::SeqCst);
                turns = 0;
            }
            seen += 1;
            // SAFETY: the owner wrote it before it counted the task, and keeps it until all are done.
            if let Some(task) = unsafe { *self.work.get() } {
                // SAFETY: as above.
                let work = AssertUnwindSafe(|| unsafe { (*task)(k + 1) });
                if let Err(panic) = std::panic::catch_unwind(work) {
                    *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
                }
            }
            self.busy.fetch_sub(1, Ordering::Release);
        }
    }
}

impl Drop for Crew {
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
    fn all_do_all_tasks() {
        for threads in [1, 2, 5] {
            let mut crew = Crew::new(threads);
            let counts: Vec<AtomicUsize> =
                (0..crew.threads()).map(|_| AtomicUsize::new(0)).collect();
            for task in 0..3000 {
                crew.run(&|k| {
                    counts[k].fetch_add(task, Ordering::Relaxed);
                });
                if task % 1000 == 0 {
                    // long enough to fall asleep
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
            }
            assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 3000 * 2999 / 2));
        }
    }

    #[test]
    fn a_task_that_panics_ends_for_all() {
        let mut crew = Crew::new(3);
        for who in 0..3 {
            let quiet = std::panic::catch_unwind(AssertUnwindSafe(|| {
                crew.run(&|k| assert!(k != who, "on purpose"));
            }));
            assert!(quiet.is_err());
        }
        let count = AtomicUsize::new(0);
        crew.run(&|_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(count.load(Ordering::Relaxed), 3);
    }
}
