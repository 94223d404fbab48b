//! Row `memory_efficient`: sinks.

use std::sync::{Arc, Mutex};

use dsrunner::{Monitor, Network, Reduction, Sink, Steps};
use ndarray::{Array1, Array2, ArrayD};
use ndarray_npy::read_npy;

use crate::common::{comb, count, error, on, rows};
use crate::engines::on_every_engine;

fn a1_memory_efficient_sinks_get_what_would_be_kept(device: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let got: Arc<Mutex<(Vec<i64>, Vec<f32>)>> = Arc::default();
    let keep = got.clone();
    let target = || Network::new().with("comb", comb(70)).with("c", count((2, 3)));
    let kept = [
        ("x", Monitor::of("c.x")),
        ("every", Monitor::of("c.x").every(7)),
        ("counts", Monitor::of("comb.spike").per(10, Reduction::Sum)),
        ("flags", Monitor::of("comb.spike")),
        ("events", Monitor::of("comb.spike").events()),
        ("n", Monitor::of("c.n").reduce(Reduction::Max)),
        ("closure", Monitor::func(|s| [s.t, 1.0])),
    ];
    let sunk = kept.clone().map(|(key, m)| (key, m.sink(Sink::npy(file(&format!("{key}.npy"))))));
    let mut whole = on(device, target()).monitor_map(kept).build().unwrap();
    let mut parts = on(device, target())
        .monitor_map(sunk)
        .monitor(Monitor::of("c.x").named("callback").sink(Sink::callback(move |rows| {
            assert_eq!(rows.key(), "callback");
            let mut keep = keep.lock().unwrap();
            keep.0.extend(rows.steps());
            keep.1.extend(rows.get::<f32>()?);
            Ok(())
        })))
        .memory_efficient(true)
        .chunk(13)
        .build()
        .unwrap();
    whole.run(Steps(100)).unwrap();
    // runs that follow each other append
    parts.run(Steps(40)).unwrap();
    parts.run(Steps(60)).unwrap();
    let x = whole.mon().get::<f32>("x").unwrap();
    assert_eq!(x.shape(), [100, 2, 3]);
    assert_eq!(read_npy::<_, ArrayD<f32>>(file("x.npy")).unwrap(), x);
    assert_eq!(got.lock().unwrap().0, (0..100).collect::<Vec<_>>());
    assert_eq!(got.lock().unwrap().1, rows::<f32>(&whole, "x"));
    assert_eq!(
        read_npy::<_, ArrayD<f32>>(file("every.npy")).unwrap(),
        whole.mon().get::<f32>("every").unwrap()
    );
    assert_eq!(
        read_npy::<_, ArrayD<u32>>(file("counts.npy")).unwrap(),
        whole.mon().get::<u32>("counts").unwrap()
    );
    assert_eq!(
        read_npy::<_, ArrayD<bool>>(file("flags.npy")).unwrap(),
        whole.mon().get::<bool>("flags").unwrap()
    );
    assert_eq!(read_npy::<_, Array1<i32>>(file("n.npy")).unwrap().len(), 100);
    assert_eq!(read_npy::<_, Array2<f32>>(file("closure.npy")).unwrap().shape(), [100, 2]);
    let events = whole.mon().events("events").unwrap();
    let written: Array2<u64> = read_npy(file("events.npy")).unwrap();
    assert_eq!(written.column(0).to_vec(), events.steps);
    assert_eq!(written.column(1).iter().map(|&i| i as u32).collect::<Vec<_>>(), events.indices);
    assert_eq!(error(parts.mon().get::<f32>("x")), "monitor `x`: its rows went to a sink");
    assert_eq!(error(parts.mon().events("events")), "monitor `events`: its rows went to a sink");
}

fn a1_memory_efficient_sinks_that_fail(device: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no").join("x.npy");
    let build = |sink: Sink| {
        let monitor = Monitor::of("x").sink(sink);
        on(device, count(1))
            .monitor(monitor)
            .monitor(Monitor::of("n"))
            .memory_efficient(true)
            .chunk(5)
            .build()
            .unwrap()
    };
    let text = error(build(Sink::npy(&path)).run(Steps(20)));
    let start = format!("{}: rows of monitor `x` cannot be written: ", path.display());
    assert!(text.starts_with(&start), "{text}");
    let mut full = build(Sink::callback(|rows| match rows.steps()[0] {
        0 => Ok(()),
        _ => Err(dsrunner::Error::Monitor { key: rows.key().into(), reason: "full".into() }),
    }));
    assert_eq!(error(full.run(Steps(20))), "monitor `x`: full");
    // the runner can go on
    assert!(full.i() >= 5 && full.i() < 20);
    let step = full.i();
    // where the rows before cannot be handed over, no step is executed
    assert!(full.run(Steps(1)).is_err());
    assert_eq!(full.i(), step);
}

on_every_engine!(
    a1_memory_efficient_sinks_get_what_would_be_kept,
    a1_memory_efficient_sinks_that_fail,
);
