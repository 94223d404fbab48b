//! Sinks that fail: what they took and what waits are the rows of all steps that were executed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use dsrunner::{DSRunner, Error, Monitor, RunnerBuilder, Sink, Steps, neurons};

use crate::engines::on_every_engine;

/// Takes rows until it has so many chunks, then fails; the steps that it took.
fn failing(chunks: &Arc<AtomicUsize>) -> (Sink, Arc<Mutex<Vec<i64>>>) {
    let (left, taken) = (chunks.clone(), Arc::new(Mutex::new(Vec::new())));
    let keep = taken.clone();
    let sink = Sink::callback(move |rows| {
        if left.load(Ordering::Relaxed) == 0 {
            return Err(Error::Monitor { key: rows.key().into(), reason: "full".into() });
        }
        left.fetch_sub(1, Ordering::Relaxed);
        keep.lock().unwrap().extend(rows.steps());
        Ok(())
    });
    (sink, taken)
}

fn builder(device: &str) -> RunnerBuilder {
    DSRunner::builder(neurons::lif(3))
        .input(("input", 30.0))
        .memory_efficient(true)
        .chunk(5)
        .progress_bar(false)
        .device(device)
}

fn clock_and_rows_agree(device: &str) {
    // chunk by chunk, and step by step
    for stepwise in [false, true] {
        let chunks = Arc::new(AtomicUsize::new(2));
        let (sink, taken) = failing(&chunks);
        let (other, all) = failing(&Arc::new(AtomicUsize::new(usize::MAX)));
        let mut runner = builder(device)
            .monitor(Monitor::of("V").sink(sink.clone()))
            .monitor(Monitor::of("V").named("kept"))
            .monitor(Monitor::of("spike").sink(other))
            .monitor(Monitor::func(|s| s.i as f64).named("i"))
            .jit(!stepwise)
            .build()
            .unwrap();
        let error = runner.run(Steps(100)).unwrap_err().to_string();
        assert_eq!(error, "monitor `V`: full");
        let (executed, took) = (runner.i(), if stepwise { 2 } else { 10 });
        assert!(executed > took && executed < 100, "{executed}");
        let agree = |runner: &DSRunner, first: u64| {
            let (executed, steps) = (runner.i(), runner.i() - first);
            assert_eq!(taken.lock().unwrap().len() + sink.waiting(), executed as usize);
            assert_eq!(*all.lock().unwrap(), (0..executed as i64).collect::<Vec<_>>());
            assert_eq!(runner.mon().ts().len() as u64, steps);
            for key in ["kept", "i"] {
                let steps: Vec<i64> = (first as i64..executed as i64).collect();
                assert_eq!(runner.mon().steps(key).unwrap(), steps, "{key}");
            }
        };
        assert_eq!(taken.lock().unwrap().len() as u64, took);
        agree(&runner, 0);
        // as long as it is full no step is executed
        for _ in 0..3 {
            assert_eq!(runner.run(Steps(1)).unwrap_err().to_string(), "monitor `V`: full");
            assert_eq!(runner.i(), executed);
            agree(&runner, 0);
        }
        chunks.store(usize::MAX, Ordering::Relaxed);
        let before = runner.i();
        runner.run(Steps(20)).unwrap();
        agree(&runner, before);
        // each step once
        assert_eq!(*taken.lock().unwrap(), (0..before as i64 + 20).collect::<Vec<_>>());
        // and nothing was lost of the state
        let mut whole = builder(device).monitor("V").build().unwrap();
        whole.run(Steps(before + 20)).unwrap();
        assert_eq!(runner.get::<f32>("V").unwrap(), whole.get::<f32>("V").unwrap());
    }
}

fn closures_that_fail_leave_the_clock_behind_the_step(device: &str) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let read = move |_: &dsrunner::Shared, now: &mut dsrunner::ReadHandle<'_>| match counted
        .fetch_add(1, Ordering::Relaxed)
    {
        3 => Err(Error::Monitor { key: "most".into(), reason: "too much".into() }),
        _ => now.get::<f32>("V"),
    };
    let shapes = |s: &dsrunner::Shared| vec![0.0; if s.i < 7 { 1 } else { 2 }];
    for read in [Some(read), None] {
        let steps = if read.is_some() { 4 } else { 10 };
        let monitor = match read {
            Some(read) => Monitor::read(read),
            None => Monitor::func(shapes),
        };
        let mut runner =
            builder(device).monitor("V").monitor(monitor.named("most")).build().unwrap();
        assert!(runner.run(Steps(100)).is_err());
        assert!(runner.i() >= steps && runner.i() < 100);
        let mut whole = builder(device).monitor("V").build().unwrap();
        whole.run(Steps(runner.i())).unwrap();
        // the state is that after the last step, and so are the rows of the others
        assert_eq!(runner.get::<f32>("V").unwrap(), whole.get::<f32>("V").unwrap());
        assert_eq!(runner.mon().get::<f32>("V").unwrap(), whole.mon().get::<f32>("V").unwrap());
        let rows = runner.mon().steps("most").unwrap();
        assert_eq!(rows, (0..if steps == 4 { 3 } else { 7 }).collect::<Vec<_>>());
    }
}

fn a_run_that_was_none_leaves_no_rows(device: &str) {
    let chunks = Arc::new(AtomicUsize::new(0));
    let (sink, taken) = failing(&chunks);
    let mut runner = builder(device)
        .monitor(Monitor::of("V").include_initial().sink(sink.clone()))
        .build()
        .unwrap();
    assert!(runner.run(Steps(5)).is_err());
    assert_eq!((runner.i(), sink.waiting()), (0, 0));
    chunks.store(usize::MAX, Ordering::Relaxed);
    runner.run(Steps(3)).unwrap();
    assert_eq!(*taken.lock().unwrap(), [-1, 0, 1, 2]);
}

#[cfg(target_os = "linux")]
fn a_full_disk_that_has_room_again(device: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.npy");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let mut runner =
        builder(device).monitor(Monitor::of("V").sink(Sink::npy(&path))).build().unwrap();
    let error = runner.run(Steps(50)).unwrap_err();
    assert!(matches!(error, Error::File { .. }), "{error}");
    assert!(error.to_string().contains("rows of monitor `V` cannot be written"), "{error}");
    let executed = runner.i();
    assert!(executed >= 5);
    std::fs::remove_file(&path).unwrap();
    runner.run(Steps(50)).unwrap();
    let mut whole = builder(device).monitor("V").build().unwrap();
    whole.run(Steps(executed + 50)).unwrap();
    let written: ndarray::ArrayD<f32> = ndarray_npy::read_npy(&path).unwrap();
    assert_eq!(written, whole.mon().get::<f32>("V").unwrap());
}

#[cfg(not(target_os = "linux"))]
fn a_full_disk_that_has_room_again(_: &str) {}

on_every_engine!(
    a_full_disk_that_has_room_again,
    a_run_that_was_none_leaves_no_rows,
    clock_and_rows_agree,
    closures_that_fail_leave_the_clock_behind_the_step,
);
