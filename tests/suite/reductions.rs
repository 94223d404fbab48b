//! Reductions over elements and over steps: right, or refused; NaN where one is; replica by replica.

use std::sync::{Arc, Mutex};

use dsrunner::{
    Batch, DSRunner, DynamicalSystem, Error, Group, Init, Model, Monitor, Reduction, RunnerBuilder,
    Sink, Steps, wgsl,
};
use ndarray::{Axis, arr2};

use crate::compare::equal_bits;
use crate::engines::on_every_engine;

/// Integers that stay, and `flips`, whose sign is another one in each step; `x` is `base`, but NaN in step 3 where `base` is 5.
const VALUES: &str = "
    struct State { x: f32, base: f32, n: i32, m: u32, flips: i32 }
    fn update(s: State, h: Shared) -> State {
        let is_nan = s.base == 5.0 && h.i == 3u;
        return State(select(s.base, sqrt(-1.0 - s.base), is_nan), s.base, s.n, s.m, -s.flips);
    }
    fn threshold(s: State) -> bool { return s.m > 2u; }
";

fn values(shape: impl Into<dsrunner::Shape>) -> Group {
    Group::new(&Model::from_wgsl("Values", VALUES).unwrap(), shape)
}

fn on(device: &str, target: impl DynamicalSystem + 'static) -> RunnerBuilder {
    DSRunner::builder(target).dt(1.0).outputs(false).progress_bar(false).device(device)
}

fn reduced(of: &str, reduction: Reduction, key: &str) -> Monitor {
    Monitor::of(of).reduce(reduction).named(key)
}

fn flat<T: dsrunner::Element>(runner: &DSRunner, key: &str) -> Vec<T> {
    runner.mon().get::<T>(key).unwrap().iter().copied().collect()
}

#[track_caller]
fn refused<T: dsrunner::Element>(runner: &DSRunner, key: &str) -> String {
    match runner.mon().get::<T>(key) {
        Err(Error::Monitor { key: found, reason }) if found == key => reason,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("no error"),
    }
}

/// What is beyond 32 bits on the way does not count, only the sum itself.
fn sums_of_integers_over_elements(device: &str) {
    for size in [3, 255, 700] {
        // one half is far up, the other far down; the last element makes the sum
        let (up, down) = (i32::MAX, -i32::MAX);
        let mut n: Vec<i32> = (0..size).map(|k| if k % 2 == 0 { up } else { down }).collect();
        let m: Vec<u32> = (0..size as u32).map(|k| 4_000_000_000 + k).collect();
        let wanted = if size % 2 == 1 { up } else { 0 };
        let mean_m = m.iter().map(|&m| f64::from(m)).sum::<f64>() / size as f64;
        let monitors = |builder: RunnerBuilder| {
            builder
                .monitor(reduced("n", Reduction::Sum, "sum n"))
                .monitor(reduced("n", Reduction::Mean, "mean n"))
                .monitor(reduced("n", Reduction::Min, "least n"))
                .monitor(reduced("m", Reduction::Sum, "sum m"))
                .monitor(reduced("m", Reduction::Mean, "mean m"))
                .monitor(reduced("m", Reduction::Max, "most m"))
        };
        let group = values(size).init("n", n.clone()).init("m", m.clone());
        let mut runner = monitors(on(device, group)).build().unwrap();
        runner.run(Steps(2)).unwrap();
        assert_eq!(flat::<i32>(&runner, "sum n"), [wanted; 2]);
        assert_eq!(flat::<f32>(&runner, "mean n"), [(f64::from(wanted) / size as f64) as f32; 2]);
        assert_eq!(flat::<i32>(&runner, "least n"), [down; 2]);
        assert_eq!(flat::<f32>(&runner, "mean m"), [mean_m as f32; 2]);
        assert_eq!(flat::<u32>(&runner, "most m"), [4_000_000_000 + size as u32 - 1; 2]);
        let sum: u64 = m.iter().map(|&m| u64::from(m)).sum();
        assert_eq!(
            refused::<u32>(&runner, "sum m"),
            format!(
                "its sum in step 0 is {sum}, but it is recorded as u32; record the mean, or the sum of an expression of type f32"
            )
        );
        // below the range, and at its end
        n[1] = -5;
        n[0] = i32::MIN;
        n[2..].fill(0);
        let group =
            values(size).init("n", n.clone()).init("m", [vec![0; size - 1], vec![9]].concat());
        let mut runner = monitors(on(device, group)).build().unwrap();
        runner.run(Steps(1)).unwrap();
        let text = refused::<i32>(&runner, "sum n");
        assert!(
            text.starts_with("its sum in step 0 is -2147483653, but it is recorded as i32"),
            "{text}"
        );
        assert_eq!(flat::<u32>(&runner, "sum m"), [9]);
    }
}

fn sums_of_integers_over_steps(device: &str) {
    let group = values(2)
        .init("n", [1_000_000_000, -7])
        .init("m", [4_000_000_000u32, 3])
        .init("flips", [i32::MAX, 2]);
    let mut runner = on(device, group)
        .monitor(Monitor::of("n").per(2, Reduction::Sum).named("two"))
        .monitor(Monitor::of("n").per(3, Reduction::Sum).named("three"))
        .monitor(Monitor::of("n").per(3, Reduction::Mean).named("mean"))
        .monitor(Monitor::of("n").index([1]).per(3, Reduction::Sum).named("small"))
        .monitor(Monitor::of("m").per(2, Reduction::Sum).named("m"))
        .monitor(Monitor::of("m").per(5, Reduction::Max).named("most"))
        .monitor(Monitor::of("flips").per(6, Reduction::Sum).named("flips"))
        .monitor(reduced("m", Reduction::Sum, "both").per(6, Reduction::Sum))
        .monitor(reduced("m", Reduction::Sum, "both mean").per(6, Reduction::Mean))
        .monitor(reduced("n", Reduction::Sum, "least").per(6, Reduction::Min))
        .monitor(reduced("spike", Reduction::Sum, "spikes").per(4, Reduction::Sum))
        .chunk(4)
        .build()
        .unwrap();
    runner.run(Steps(6)).unwrap();
    assert_eq!(flat::<i32>(&runner, "two"), [2_000_000_000, -14].repeat(3));
    assert!(refused::<i32>(&runner, "three").starts_with("its sum in step 2 is 3000000000, "));
    assert_eq!(flat::<f32>(&runner, "mean"), [1e9, -7.0].repeat(2));
    assert_eq!(flat::<i32>(&runner, "small"), [-21; 2]);
    assert!(refused::<u32>(&runner, "m").starts_with("its sum in step 1 is 8000000000, "));
    assert_eq!(flat::<u32>(&runner, "most"), [4_000_000_000, 3].repeat(2));
    assert_eq!(flat::<i32>(&runner, "flips"), [0, 0]);
    assert!(refused::<u32>(&runner, "both").starts_with("its sum in step 5 is 24000000018, "));
    assert_eq!(flat::<f32>(&runner, "both mean"), [4_000_000_003f64 as f32]);
    assert_eq!(flat::<i32>(&runner, "least"), [999_999_993]);
    assert_eq!(flat::<u32>(&runner, "spikes"), [8, 4]);
}

/// A sink is not given what is wrong.
fn a_sink_of_sums(device: &str) {
    let seen = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = seen.clone();
    let sink = Sink::callback(move |rows| {
        count.fetch_add(rows.steps().len(), std::sync::atomic::Ordering::Relaxed);
        Ok(())
    });
    let mut runner = on(device, values(2).init("m", 3_000_000_000u32))
        .monitor(reduced("m", Reduction::Sum, "sum").sink(sink))
        .memory_efficient(true)
        .build()
        .unwrap();
    let error = runner.run(Steps(3)).unwrap_err().to_string();
    assert!(error.starts_with("monitor `sum`: its sum in step 0 is 6000000000, "), "{error}");
    assert_eq!(seen.load(std::sync::atomic::Ordering::Relaxed), 0);
}

/// A sink has the rows before the first sum that does not fit, however long chunks are.
fn a_sink_has_the_sums_before(device: &str) {
    let text = "struct State { m: u32 }
        fn update(s: State) -> State { return State(s.m + 100000000u); }";
    let model = Model::from_wgsl("Grows", text).unwrap();
    for chunk in [1, 4, 30] {
        let steps = Arc::new(Mutex::new(Vec::new()));
        let seen = steps.clone();
        let sink = Sink::callback(move |rows| {
            assert_eq!(rows.get::<u32>()?.len(), rows.steps().len());
            seen.lock().unwrap().extend_from_slice(rows.steps());
            Ok(())
        });
        let mut runner = on(device, Group::new(&model, 2))
            .monitor(reduced("m", Reduction::Sum, "sum").sink(sink.clone()))
            .memory_efficient(true)
            .chunk(chunk)
            .build()
            .unwrap();
        let error = runner.run(Steps(30)).unwrap_err().to_string();
        assert!(error.starts_with("monitor `sum`: its sum in step 21 is 4400000000, "), "{error}");
        assert_eq!(*steps.lock().unwrap(), (0..21).collect::<Vec<i64>>(), "{chunk}");
        assert_eq!(sink.waiting(), 0);
    }
}

/// NaN where one is; -0 before 0.
fn nan_and_signs_of_zero(device: &str) {
    for (size, at) in [(7, 0), (300, 299), (1000, 513)] {
        let mut base: Vec<f64> = (0..size).map(|k| f64::from(k as u32 % 4) - 1.0).collect();
        base[at] = 5.0;
        let group = values(size).init("base", base.clone()).init("x", base.clone());
        let mut builder = on(device, group);
        for (reduction, key) in [
            (Reduction::Min, "min"),
            (Reduction::Max, "max"),
            (Reduction::Mean, "mean"),
            (Reduction::Sum, "sum"),
        ] {
            builder = builder.monitor(reduced("x", reduction, key)).monitor(
                Monitor::of("x")
                    .index([at as i64, 1])
                    .per(3, reduction)
                    .named(&format!("{key} of steps")),
            );
        }
        let zeros = |text: &str| Monitor::wgsl("", wgsl(text));
        // -0 where x is 0, else 0
        let signed = "select(0.0, -abs(x), x == 0.0)";
        let mut runner = builder
            .monitor(zeros(signed).reduce(Reduction::Min).named("least zero"))
            .monitor(zeros(signed).reduce(Reduction::Max).named("greatest zero"))
            .build()
            .unwrap();
        runner.run(Steps(9)).unwrap();
        let sum: f64 = base.iter().sum();
        for (key, wanted, of_steps) in [
            ("min", -1.0, 5.0),
            ("max", 5.0, 5.0),
            ("mean", (sum / size as f64) as f32, 5.0),
            ("sum", sum as f32, 15.0),
        ] {
            for (step, value) in flat::<f32>(&runner, key).into_iter().enumerate() {
                assert!(
                    if step == 3 { value.is_nan() } else { value == wanted },
                    "{key} {step} {value}"
                );
            }
            let windows = flat::<f32>(&runner, &format!("{key} of steps"));
            let other = of_steps as f64 / 5.0 * base[1];
            for window in 0..3 {
                let value = windows[2 * window];
                assert!(
                    if window == 1 { value.is_nan() } else { value == of_steps },
                    "{key} {value}"
                );
                assert_eq!(f64::from(windows[2 * window + 1]), other, "{key}");
            }
        }
        for (key, wanted) in [("least zero", -0.0), ("greatest zero", 0.0)] {
            equal_bits(key, &flat::<f32>(&runner, key), &[wanted; 9]).must();
        }
    }
}

fn copies_are_reduced_each_for_itself(device: &str) {
    let group = || {
        values(300)
            .init("base", Init::uniform(-1.0, 1.0))
            .init("n", arr2(&[[2_000_000_000], [-5], [7_000_000]]))
            .init("m", arr2(&[[3], [0], [5]]))
    };
    let builder = || {
        on(device, Batch::new(group(), 3))
            .data_first_axis("T")
            .monitor("x")
            .monitor(reduced("x", Reduction::Sum, "sum"))
            .monitor(reduced("x", Reduction::Mean, "mean"))
            .monitor(reduced("x", Reduction::Min, "min"))
            .monitor(Monitor::of("x").index([2, 0]).reduce(Reduction::Max).named("max of two"))
            .monitor(reduced("n", Reduction::Mean, "mean n"))
            .monitor(reduced("m", Reduction::Sum, "m").per(2, Reduction::Sum))
            .monitor(reduced("spike", Reduction::Mean, "rate"))
            .monitor(reduced("spike", Reduction::Sum, "spikes"))
            .monitor(reduced("spike", Reduction::Max, "any"))
    };
    let mut runner = builder().build().unwrap();
    runner.run(Steps(2)).unwrap();
    let x = runner.mon().get::<f32>("x").unwrap();
    let replicas: Vec<Vec<f32>> =
        x.index_axis(Axis(0), 0).outer_iter().map(|copy| copy.iter().copied().collect()).collect();
    let each =
        |of: &dyn Fn(&[f32]) -> f32| -> Vec<f32> { replicas.iter().map(|c| of(c)).collect() };
    let wanted = |key: &str, wanted: Vec<f32>| {
        assert_eq!(runner.mon().get::<f32>(key).unwrap().shape(), [2, wanted.len()]);
        equal_bits(key, &flat::<f32>(&runner, key), &[&wanted[..]; 2].concat()).must();
    };
    wanted("sum", each(&in_parts));
    wanted("mean", each(&|copy| in_parts(copy) / 300.0));
    wanted("min", each(&|copy| copy.iter().copied().fold(f32::INFINITY, f32::min)));
    let most = each(&|copy| copy.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    wanted("max of two", vec![most[2], most[0]]);
    wanted("mean n", vec![2e9, -5.0, 7e6]);
    wanted("rate", vec![1.0, 0.0, 1.0]);
    assert_eq!(flat::<u32>(&runner, "spikes"), [300, 0, 300].repeat(2));
    assert_eq!(flat::<bool>(&runner, "any"), [true, false, true].repeat(2));
    // over steps, too: a row for both
    assert_eq!(runner.mon().get::<u32>("m").unwrap().shape(), [1, 3]);
    assert_eq!(flat::<u32>(&runner, "m"), [1800, 0, 3000]);
    // by default replicas come first
    let mut runner = builder().data_first_axis("B").build().unwrap();
    runner.run(Steps(4)).unwrap();
    assert_eq!(runner.mon().get::<u32>("m").unwrap().shape(), [3, 2]);
    assert_eq!(flat::<u32>(&runner, "m"), [1800, 1800, 0, 0, 3000, 3000]);
    let none = on(device, Batch::new(group(), 3))
        .monitor(Monitor::of("x").index(1..1).reduce(Reduction::Sum));
    let error = none.build().map(drop).unwrap_err().to_string();
    assert_eq!(error, "monitor `x`: there is nothing to reduce: the index chooses no element");
}

/// A sum of f32 in the documented order.
fn in_parts(values: &[f32]) -> f32 {
    let mut parts = vec![0f32; values.len().min(256)];
    for (k, value) in values.iter().enumerate() {
        parts[k % 256] += value;
    }
    let mut half = 128;
    while half > 0 {
        for p in 0..half.min(parts.len().saturating_sub(half)) {
            parts[p] += parts[p + half];
        }
        half /= 2;
    }
    parts[0]
}

/// A loop of more iterations than a driver executes, in the documented order.
fn a_sum_of_very_many(device: &str) {
    let (size, piece) = (17_000_000, 1 << 23);
    let text = "struct State { x: f32 } fn update(s: State) -> State { return s; }";
    let group = Group::new(&Model::from_wgsl("Keep", text).unwrap(), size)
        .init("x", Init::uniform(-1.0, 1.0));
    let mut runner =
        on(device, group).monitor(reduced("x", Reduction::Sum, "sum")).build().unwrap();
    runner.run(Steps(1)).unwrap();
    let x = runner.get::<f32>("x").unwrap();
    let x = x.as_slice().unwrap();
    let sums: Vec<f32> = x.chunks(piece).map(in_parts).collect();
    assert_eq!(sums.len(), 3);
    equal_bits("sum", &flat::<f32>(&runner, "sum"), &[in_parts(&sums)]).must();
    // and it is near: 17 million additions to sums below 2^10, each off by 2^-15 at most, in either direction: some 0.1 in all
    let exact: f64 = x.iter().map(|&x| f64::from(x)).sum();
    assert!((f64::from(flat::<f32>(&runner, "sum")[0]) - exact).abs() < 1.0);
}

on_every_engine!(
    a_sink_has_the_sums_before,
    a_sink_of_sums,
    a_sum_of_very_many,
    copies_are_reduced_each_for_itself,
    nan_and_signs_of_zero,
    sums_of_integers_over_elements,
    sums_of_integers_over_steps,
);
