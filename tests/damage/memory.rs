//! An allocator that knows how much a thread has asked for.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Write;

#[global_allocator]
static COUNTED: Counted = Counted;

struct Counted;

/// Counters of a thread. They have no destructor and take no memory, so that an allocator may use them.
struct Counters {
    live: Cell<usize>,
    peak: Cell<usize>,
    cap: Cell<usize>,
    over: Cell<usize>,
}

thread_local! {
    static COUNTERS: Counters = const {
        Counters {
            live: Cell::new(0),
            peak: Cell::new(0),
            cap: Cell::new(usize::MAX),
            over: Cell::new(0),
        }
    };
}

/// What is beyond all sense is refused at once, since the system might promise it.
const SENSE: usize = 4 << 30;

/// Counts a request; says whether to serve it.
fn ask(size: usize) -> bool {
    COUNTERS
        .try_with(|counters| {
            let live = counters.live.get().saturating_add(size);
            if live > counters.cap.get() {
                counters.over.set(counters.over.get().max(live));
                if size > SENSE {
                    // whoever asks may abort, so this is said first, by what needs no memory
                    let _ = writeln!(
                        std::io::stderr(),
                        "{size} bytes at once; the seed is in the file"
                    );
                    return false;
                }
            }
            counters.live.set(live);
            counters.peak.set(counters.peak.get().max(live));
            true
        })
        .unwrap_or(true)
}

fn give_back(size: usize) {
    // what another thread asked for may be given back here
    let _ =
        COUNTERS.try_with(|counters| counters.live.set(counters.live.get().saturating_sub(size)));
}

// SAFETY: all requests go to the system's allocator as they are, or are refused by a null pointer, which the contract
// allows
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !ask(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller keeps the contract
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !ask(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller keeps the contract
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        give_back(layout.size());
        // SAFETY: the caller keeps the contract
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // both are there while the bytes move
        if !ask(size) {
            return std::ptr::null_mut();
        }
        give_back(layout.size());
        // SAFETY: the caller keeps the contract
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Runs something, and gives the most that this thread had asked for at once; an error where that is more than `cap`.
pub fn within<T>(cap: usize, run: impl FnOnce() -> T) -> (T, Result<usize, usize>) {
    let before = COUNTERS.with(|counters| {
        let live = counters.live.get();
        counters.peak.set(live);
        counters.cap.set(live.saturating_add(cap));
        counters.over.set(0);
        live
    });
    let result = run();
    let most = COUNTERS.with(|counters| {
        counters.cap.set(usize::MAX);
        match counters.over.get() {
            0 => Ok(counters.peak.get() - before),
            over => Err(over - before),
        }
    });
    (result, most)
}

#[test]
fn what_is_asked_for_is_seen() {
    let (length, most) = within(1 << 20, || vec![1u8; 1 << 19].len());
    assert_eq!(length, 1 << 19);
    assert!(most.is_ok_and(|most| (1 << 19..1 << 20).contains(&most)), "{most:?}");
    let (_, most) = within(1 << 20, || vec![1u8; 1 << 21].len());
    assert!(most.is_err_and(|most| most >= 1 << 21), "{most:?}");
    // nothing that could be served, and nothing that aborts
    let (refused, most) = within(1 << 20, || Vec::<u8>::new().try_reserve(1 << 50).is_err());
    assert!(refused && most.is_err_and(|most| most >= 1 << 50), "{most:?}");
}
