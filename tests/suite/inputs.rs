//! Inputs: types, operations, forms, order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use dsrunner::{
    DSRunner, Error, Group, Input, Model, Monitor, Operation, Predict, Shared, Steps, inputs,
    stream, wgsl,
};

use crate::compare::near;
use crate::engines::on_every_engine;

/// A variable that keeps what inputs make of it, an integer one, and an accumulator that is cleared.
const KEEP: &str = "
    struct State { x: f32, n: i32, m: u32 }
    struct Input { input: f32 }
    fn initial() -> State { return State(10.0, 10, 10u); }
    fn update(s: State) -> State { return s; }
";

fn keep(count: usize) -> Group {
    Group::new(&Model::from_wgsl("Keep", KEEP).unwrap(), count)
}

fn run<const N: usize>(device: &str, count: usize, steps: u64, list: [Input; N]) -> DSRunner {
    let mut runner = DSRunner::builder(keep(count))
        .inputs(list)
        .monitors(["x", "input", "n", "m"])
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    runner.run(Steps(steps)).unwrap();
    runner
}

fn history(runner: &DSRunner, key: &str) -> Vec<f32> {
    runner.mon().get::<f32>(key).unwrap().iter().copied().collect()
}

fn five_operations(device: &str) {
    for (operation, wanted) in [
        (Operation::Add, [13.0, 16.0]),
        (Operation::Sub, [7.0, 4.0]),
        (Operation::Mul, [30.0, 90.0]),
        (Operation::Div, [10.0 / 3.0, 10.0 / 3.0 / 3.0]),
        (Operation::Set, [3.0, 3.0]),
    ] {
        let runner = run(device, 1, 2, [Input::fix("x", 3.0).operation(operation)]);
        // a GPU's division is exact to 2.5 units in the last place
        near(&format!("{operation:?}"), &history(&runner, "x"), &wanted, 1e-6).must();
    }
}

fn operations_on_integers(device: &str) {
    for (sign, wanted) in [("+", 13), ("-", 7), ("*", 30), ("/", 3), ("=", 3)] {
        let list = inputs![("n", 3, "fix", sign), ("m", 3, "fix", sign)];
        let mut runner = DSRunner::builder(keep(2))
            .inputs(list)
            .progress_bar(false)
            .device(device)
            .build()
            .unwrap();
        runner.run(Steps(1)).unwrap();
        assert_eq!(runner.get::<i32>("n").unwrap()[1], wanted, "{sign}");
        assert_eq!(runner.get::<u32>("m").unwrap()[1], wanted as u32, "{sign}");
    }
    let list = inputs![("n", -7, "fix", "+"), ("n", -2, "fix", "/")];
    let mut runner =
        DSRunner::builder(keep(1)).inputs(list).progress_bar(false).device(device).build().unwrap();
    runner.run(Steps(1)).unwrap();
    // (10 - 7) / -2, towards zero
    assert_eq!(runner.get::<i32>("n").unwrap()[0], -1);
}

fn inputs_apply_in_their_order(device: &str) {
    let list = [
        Input::fix("x", 2.0).operation(Operation::Mul),
        Input::fix("x", 3.0),
        Input::from(("x", 4.0, "fix", "*")),
    ];
    assert_eq!(history(&run(device, 1, 1, list), "x"), [(10.0 * 2.0 + 3.0) * 4.0]);
}

fn accumulators_are_cleared(device: &str) {
    let mut runner =
        run(device, 2, 3, [Input::from(("input", 20.0)), Input::from(("input", vec![1.0, 2.0]))]);
    // the monitor sees the total of the step
    assert_eq!(history(&runner, "input"), [21.0, 22.0, 21.0, 22.0, 21.0, 22.0]);
    assert_eq!(runner.get::<f32>("input").unwrap().iter().copied().collect::<Vec<_>>(), [0.0, 0.0]);
    // what is set between runs counts in the first step of the next
    runner.set("input", 100.0).unwrap();
    runner.run(Steps(2)).unwrap();
    assert_eq!(history(&runner, "input"), [121.0, 122.0, 21.0, 22.0]);
}

fn iter_rows_of_every_shape(device: &str) {
    let rows = ndarray::Array2::from_shape_fn((4, 3), |(t, n)| (10 * t + n) as f64);
    let one = ndarray::Array2::from_shape_fn((4, 1), |(t, _)| t as f64);
    let runner = run(device, 3, 4, [Input::iter("input", rows)]);
    let wanted: Vec<f32> = (0..4).flat_map(|t| (0..3).map(move |n| (10 * t + n) as f32)).collect();
    assert_eq!(history(&runner, "input"), wanted);
    let columns: Vec<f32> = (0..4).flat_map(|t| [t as f32; 3]).collect();
    assert_eq!(history(&run(device, 3, 4, [Input::iter("input", one)]), "input"), columns);
    let flat = vec![0.0, 1.0, 2.0, 3.0];
    assert_eq!(
        history(&run(device, 3, 4, [Input::from(("input", flat, "iter"))]), "input"),
        columns
    );
}

fn iter_goes_on_with_the_counter(device: &str) {
    let rows: Vec<f64> = (0..700).map(f64::from).collect();
    let mut runner = DSRunner::builder(keep(1))
        .input(Input::iter("input", rows))
        .monitor("input")
        .t0(5.0)
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    let mut seen = Vec::new();
    // more steps than a chunk has at first, and not a multiple of one
    for steps in [1, 7, 600, 92] {
        runner.run(Steps(steps)).unwrap();
        seen.extend(history(&runner, "input"));
    }
    assert_eq!(seen, (0..700).map(|k| k as f32).collect::<Vec<_>>());
    let error = runner.run(Steps(1)).unwrap_err().to_string();
    assert_eq!(
        error,
        "input to `input`: there are 700 rows, but the run goes on to step 701 and needs one per step; give more, or another `policy`"
    );
    assert_eq!(runner.i(), 700);
    runner.reset_state().unwrap();
    runner.run(Steps(2)).unwrap();
    assert_eq!(history(&runner, "input"), [0.0, 1.0]);
}

fn func_sees_the_clock(device: &str) {
    let mut runner = DSRunner::builder(keep(2))
        .input(Input::func("input", |s: &Shared| s.t + s.dt))
        .input(("input", |s: &Shared| vec![s.i as f64, 1000.0], "func"))
        .monitor("input")
        .t0(2.0)
        .dt(0.5)
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    runner.run(Steps(2)).unwrap();
    runner.run(Steps(1)).unwrap();
    assert_eq!(history(&runner, "input"), [2.0 + 1.0 + 0.5 + 2.0, 2.0 + 1.0 + 0.5 + 1000.0]);
    assert_eq!(runner.mon().ts(), [3.0]);
}

fn a_closure_that_goes_wrong_keeps_what_was_recorded(device: &str) {
    let mut runner = DSRunner::builder(keep(2))
        .input(Input::func("input", |s: &Shared| vec![1.0; if s.i < 1000 { 2 } else { 3 }]))
        .monitor("input")
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    let error = runner.run(Steps(2000)).unwrap_err().to_string();
    assert!(error.contains("shape [3] does not broadcast to shape [2]"), "{error}");
    let steps = runner.i();
    assert!(steps > 0 && steps <= 1000, "{steps}");
    assert_eq!(history(&runner, "input").len() as u64, 2 * steps);
}

/// The factory of a stream is called again after each reset, however short the run was.
fn a_reset_begins_a_stream_anew(device: &str) {
    for steps in [1, 2, 5] {
        let made = Arc::new(AtomicUsize::new(0));
        let rows = stream(move || {
            let first = 100 * made.fetch_add(1, Ordering::Relaxed) as u32;
            first..first + 5
        });
        let mut runner = DSRunner::builder(keep(1))
            .input(("x", rows, "iter", "="))
            .monitor("x")
            .progress_bar(false)
            .device(device)
            .build()
            .unwrap();
        for run in 0..3 {
            runner.run(Predict::steps(steps).reset_state(true)).unwrap();
            let wanted: Vec<f32> = (0..steps).map(|k| (100 * run + k) as f32).collect();
            assert_eq!(history(&runner, "x"), wanted);
        }
    }
}

/// What was set before a run that came to no step is there for the next.
fn a_run_without_a_step_takes_no_input(device: &str) {
    let fails = Arc::new(AtomicBool::new(true));
    let wrong = fails.clone();
    let mut runner = DSRunner::builder(keep(1))
        .input(Input::func("x", move |_: &Shared| {
            vec![0.0; if wrong.load(Ordering::Relaxed) { 2 } else { 1 }]
        }))
        .monitor("input")
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    runner.set("input", 5.0).unwrap();
    assert!(matches!(runner.run(Steps(3)), Err(Error::Shape { .. })));
    assert_eq!((runner.i(), runner.get::<f32>("input").unwrap()[[0]]), (0, 5.0));
    fails.store(false, Ordering::Relaxed);
    runner.run(Steps(3)).unwrap();
    assert_eq!(history(&runner, "input"), [5.0, 0.0, 0.0]);
}

/// A slice that chooses nothing takes what has its shape, and changes nothing.
fn no_element_takes_no_value(device: &str) {
    let group = keep(4);
    let none = || group.slice(vec![false; 4]).variable("x");
    let rows = || ndarray::Array2::<f64>::zeros((3, 0));
    let mut runner = DSRunner::builder(group.clone())
        .inputs(inputs![
            (none(), 1.0),
            (none(), Vec::<f64>::new(), "fix", "="),
            (none(), rows(), "iter"),
            (none(), wgsl("x"), "func"),
            (none(), |_: &Shared| 2.0, "func"),
        ])
        .monitor(Monitor::of(none()).named("none"))
        .monitor("x")
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    runner.run(Predict::default().input(none(), rows())).unwrap();
    assert_eq!(runner.mon().get::<f32>("none").unwrap().shape(), [3, 0]);
    assert_eq!(history(&runner, "x"), [10.0; 12]);
    let wrong = Predict::default().input(none(), ndarray::Array2::<f64>::zeros((3, 2)));
    assert!(matches!(runner.run(wrong), Err(Error::Shape { .. })));
    let first = DSRunner::builder(group.clone()).monitor(Monitor::of(none()).index(0)).build();
    let error = first.map(drop).unwrap_err().to_string();
    assert!(error.ends_with("index 0 is out of range: there is no element"), "{error}");
}

on_every_engine!(
    a_closure_that_goes_wrong_keeps_what_was_recorded,
    a_reset_begins_a_stream_anew,
    a_run_without_a_step_takes_no_input,
    accumulators_are_cleared,
    five_operations,
    func_sees_the_clock,
    inputs_apply_in_their_order,
    iter_goes_on_with_the_counter,
    iter_rows_of_every_shape,
    no_element_takes_no_value,
    operations_on_integers,
);
