//! The kernels of the device report count what they do. Only counts are tested, never times.

#[path = "../../examples/device_report/counted.rs"]
mod counted;
#[path = "../../examples/device_report/gpu.rs"]
mod gpu;

use std::io::Write;

use counted::{Cost, Counted};
use gpu::{Gpu, adapters};

/// The first adapter. Without any, tests are skipped loudly, or fail where `DSRUNNER_REQUIRE_GPU` is set.
fn open() -> Option<Gpu> {
    match adapters().first() {
        Some(adapter) => Some(Gpu::open(adapter).unwrap()),
        None if std::env::var_os("DSRUNNER_REQUIRE_GPU").is_some() => {
            panic!("DSRUNNER_REQUIRE_GPU is set, but wgpu finds no adapter")
        }
        None => {
            // past the capture of the test harness
            let _ = writeln!(std::io::stderr(), "device report: SKIPPED, wgpu finds no adapter");
            None
        }
    }
}

/// Every cost that the first adapter has.
fn for_each_cost(test: impl Fn(&Gpu, Cost, Counted)) {
    let Some(gpu) = open() else { return };
    let limit = gpu.device.limits().max_compute_invocations_per_workgroup;
    for cost in Cost::ALL.into_iter().filter(|cost| cost.lanes() <= limit) {
        let counted = cost.prepare(&gpu).unwrap_or_else(|e| panic!("{}: {e}", cost.name()));
        test(&gpu, cost, counted);
    }
}

#[test]
fn twice_the_dispatches_count_twice() {
    for_each_cost(|gpu, cost, mut counted| {
        let name = cost.name();
        let mut after = |n: u32| {
            counted.execute(gpu, n).unwrap();
            counted.check(gpu).unwrap_or_else(|e| panic!("{name}: {e}"));
            counted.counted(gpu).unwrap()
        };
        let (three, nine) = (after(3), after(6));
        let per_dispatch = match cost {
            Cost::Dispatch { groups, .. } => groups,
            // whatever is moved often is the same
            Cost::Copy | Cost::Gather => {
                assert_eq!(three, nine, "{name}");
                return;
            }
            // rates are taken from what is counted
            Cost::Barrier { .. } | Cost::Add { .. } | Cost::AddInWorkgroup => {
                cost.operations().0 as u32
            }
        };
        assert_eq!([three, nine], [3 * per_dispatch, 9 * per_dispatch], "{name}");
    });
}

#[test]
fn a_dispatch_that_did_not_happen_is_seen() {
    for_each_cost(|gpu, cost, mut counted| {
        counted.dispatches += 1;
        assert!(counted.check(gpu).is_err(), "{}", cost.name());
    });
}
