//! The runner: durations, get and set, cancelling, values that are not finite.

use dsrunner::{
    Connect, DSRunner, Group, Input, Model, Network, Projection, Shared, Steps, neurons,
};

use crate::compare::{equal_bits, near};
use crate::engines::on_every_engine;

fn lif(device: &str, count: usize) -> DSRunner {
    DSRunner::builder(neurons::lif_ref(count).param("tau_ref", 2.0))
        .input(("input", 25.0))
        .monitors(["V", "spike"])
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap()
}

fn durations_become_steps(device: &str) {
    let mut runner = lif(device, 1);
    for (duration, steps) in [(0.3, 3), (0.6, 6), (100.3, 1003), (0.25, 2), (0.1999, 1), (1e-1, 1)]
    {
        assert_eq!(runner.run(duration).unwrap().steps, steps, "{duration}");
    }
    assert_eq!(runner.predict(Steps(5)).unwrap().steps, 5);
    assert_eq!(runner.i(), 3 + 6 + 1003 + 2 + 1 + 1 + 5);
    assert!((runner.time() - 102.1).abs() < 1e-9);
    for duration in [0.0, -1.0, 0.05, f64::NAN, f64::INFINITY] {
        let error = runner.run(duration).unwrap_err().to_string();
        assert!(
            error.starts_with("`duration` is ") && error.contains("at least one step of 0.1"),
            "{error}"
        );
    }
    assert!(runner.run(Steps(0)).is_err());
    assert_eq!(runner.i(), 1021, "a refused run changes nothing");
}

fn set_and_get_between_runs(device: &str) {
    let mut runner = lif(device, 3);
    runner.set("V", vec![1.0, 2.0, 3.0]).unwrap();
    assert_eq!(runner.get::<f32>("V").unwrap().as_slice().unwrap(), [1.0, 2.0, 3.0]);
    runner.set("V", -4.0).unwrap();
    assert_eq!(runner.get::<f32>("V").unwrap().as_slice().unwrap(), [-4.0; 3]);
    // parameters: V_th above what the input reaches, and a new time constant, from which the decay is derived
    runner.set("V_th", 1e6).unwrap();
    runner.set("tau", 40.0).unwrap();
    assert_eq!(runner.get::<f32>("tau").unwrap().shape(), &[] as &[usize]);
    runner.run(10.0).unwrap();
    let wanted = 25.0 + (-4.0 - 25.0) * (-10.0f64 / 40.0).exp();
    // 100 steps round by 2^-24 of 25 each
    let v: Vec<f32> = runner.get::<f32>("V").unwrap().iter().copied().collect();
    near("V", &v, &[wanted; 3], 100.0 * 25.0 * 2f64.powi(-24)).must();
    for (path, value, message) in [
        ("V", vec![1.0, 2.0], "a value of shape [2] does not broadcast to shape [3]"),
        ("tau", vec![1.0, 2.0, 3.0], "does not broadcast to shape []"),
        ("refractory", vec![0.5], "0.5 is not a value of type i32"),
        ("W", vec![0.0], "no variable or parameter `W`"),
    ] {
        let error = runner.set(path, value).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

fn spikes_that_are_set_are_delivered(device: &str) {
    let (pre, post) = (neurons::lif(300), neurons::lif(300));
    let one = Projection::new(&pre, &post).connect(Connect::one_to_one()).weight(0.5);
    let net = Network::new().with("pre", pre).with("post", post).with("one", one);
    let mut runner = DSRunner::builder(net).progress_bar(false).device(device).build().unwrap();
    runner.run(Steps(3)).unwrap();
    let fires: Vec<bool> = (0..300).map(|k| k % 7 == 3).collect();
    runner.set("pre.spike", fires.clone()).unwrap();
    runner.run(Steps(1)).unwrap();
    let wanted: Vec<f32> = fires.iter().map(|&f| if f { 0.5 } else { 0.0 }).collect();
    equal_bits("g", runner.get::<f32>("one.g").unwrap().as_slice().unwrap(), &wanted).must();
    assert!(runner.get::<bool>("pre.spike").unwrap().iter().all(|s| !s));
}

/// Parameters from which others are derived are there too, though no step reads them.
fn a_synapse_gets_another_time_constant(device: &str) {
    let (pre, post) = (neurons::lif(2), neurons::lif(2));
    let line = Projection::new(&pre, &post).connect(Connect::one_to_one());
    let net = Network::new().with("pre", pre).with("post", post).with("line", line);
    let mut runner = DSRunner::builder(net).progress_bar(false).device(device).build().unwrap();
    assert_eq!(runner.get::<f32>("line.tau").unwrap()[[]], 8.0);
    for tau in [8.0, 2.0] {
        runner.set("line.tau", tau).unwrap();
        runner.set("line.g", 1.0).unwrap();
        runner.run(Steps(10)).unwrap();
        let g: Vec<f32> = runner.get::<f32>("line.g").unwrap().iter().copied().collect();
        near("g", &g, &[(-1.0f64 / tau).exp(); 2], 1e-6).must();
    }
}

fn a_run_without_a_step_changes_nothing(device: &str) {
    let mut runner = lif(device, 2);
    runner.set("input", 4.0).unwrap();
    runner.cancel_handle().cancel();
    let run = runner.run(Steps(5)).unwrap();
    assert_eq!((run.steps, run.cancelled), (0, true));
    assert_eq!(runner.get::<f32>("input").unwrap().as_slice().unwrap(), [4.0; 2]);
}

/// What was under way when a closure panicked does not show up in the next run.
fn a_panic_in_a_closure_leaves_nothing_behind(device: &str) {
    let fuse = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let inner = fuse.clone();
    let mut runner = DSRunner::builder(neurons::lif(1))
        .input(Input::func("input", move |s: &Shared| {
            let blow = s.i == 600 && inner.swap(false, std::sync::atomic::Ordering::Relaxed);
            assert!(!blow, "the closure's own panic");
            10.0
        }))
        .monitor("V")
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runner.run(Steps(5000))));
    assert!(result.is_err());
    runner.reset_state().unwrap();
    runner.run(Steps(5)).unwrap();
    let v = runner.mon().get::<f32>("V").unwrap();
    assert_eq!(v.shape(), &[5, 1]);
    near("V", &[v[[0, 0]]], &[10.0 * (1.0 - (-0.01f64).exp())], 1e-6).must();
    assert_eq!(runner.i(), 5);
}

fn resetting_restores_the_start(device: &str) {
    let mut runner = lif(device, 3);
    runner.run(50.0).unwrap();
    runner.reset_state().unwrap();
    assert_eq!(runner.get::<f32>("V").unwrap().as_slice().unwrap(), [0.0; 3]);
    assert_eq!(runner.get::<i32>("refractory").unwrap().as_slice().unwrap(), [0; 3]);
    assert!(runner.get::<bool>("spike").unwrap().iter().all(|s| !s));
    assert_eq!((runner.i(), runner.time()), (0, 0.0));
}

fn cancelling_keeps_the_results(device: &str) {
    // cancelled from inside: the closure of step 500 does it
    let model = "struct State { x: f32 } struct Input { input: f32 }
        fn update(s: State, x: Input) -> State { return State(x.input); }";
    let group = Group::new(&Model::from_wgsl("Copy", model).unwrap(), 1);
    let handle: std::sync::Arc<std::sync::OnceLock<dsrunner::CancelHandle>> = Default::default();
    let inner = handle.clone();
    let mut runner = DSRunner::builder(group)
        .input(Input::func("input", move |s: &Shared| {
            if let (500, Some(handle)) = (s.i, inner.get()) {
                handle.cancel();
            }
            s.i as f64
        }))
        .monitor("x")
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    handle.set(runner.cancel_handle()).unwrap();
    let run = runner.run(Steps(1_000_000)).unwrap();
    assert!(run.cancelled);
    assert!((501..100_000).contains(&run.steps), "{}", run.steps);
    let x: Vec<f32> = runner.mon().get::<f32>("x").unwrap().iter().copied().collect();
    equal_bits("x", &x, &(0..run.steps).map(|i| i as f32).collect::<Vec<_>>()).must();
    assert_eq!(runner.mon().ts().len() as u64, run.steps);
    // and goes on
    let run = runner.run(Steps(10)).unwrap();
    assert_eq!((run.steps, run.cancelled), (10, false));
}

fn injected_values_that_are_not_finite_are_found(device: &str) {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut runner = lif(device, 300);
        assert_eq!(runner.non_finite().unwrap(), []);
        let mut v = vec![0.0; 300];
        v[299] = bad;
        runner.set("V", v).unwrap();
        let found = runner.non_finite().unwrap();
        assert_eq!((found.len(), found[0].element, found[0].path.as_str()), (1, 299, "V"));
        assert_eq!(found[0].value.to_bits() & 0x7fff_ffff, (bad as f32).to_bits() & 0x7fff_ffff);
        // a step from infinity takes infinity from infinity, and what is NaN does not spike
        runner.run(Steps(3)).unwrap();
        let v = runner.mon().get::<f32>("V").unwrap();
        assert!(v[[0, 299]].is_nan(), "{bad}");
        assert!(v[[2, 298]].is_finite());
    }
}

/// The library's functions tell them in a model, by the bits.
fn models_can_test_for_them(device: &str) {
    let text = "struct State { x: f32, nan: i32, inf: i32, finite: i32 }
        fn update(s: State) -> State {
            return State(s.x, select(0, 1, is_nan(s.x)), select(0, 1, is_inf(s.x)), select(0, 1, is_finite(s.x)));
        }";
    let group = Group::new(&Model::from_wgsl("Tests", text).unwrap(), 4);
    let mut runner = DSRunner::builder(group).progress_bar(false).device(device).build().unwrap();
    runner.set("x", vec![1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]).unwrap();
    runner.run(Steps(1)).unwrap();
    for (path, wanted) in [("nan", [0, 1, 0, 0]), ("inf", [0, 0, 1, 1]), ("finite", [1, 0, 0, 0])] {
        assert_eq!(runner.get::<i32>(path).unwrap().as_slice().unwrap(), wanted, "{path}");
    }
}

on_every_engine!(
    a_panic_in_a_closure_leaves_nothing_behind,
    a_run_without_a_step_changes_nothing,
    a_synapse_gets_another_time_constant,
    cancelling_keeps_the_results,
    durations_become_steps,
    injected_values_that_are_not_finite_are_found,
    models_can_test_for_them,
    set_and_get_between_runs,
    spikes_that_are_set_are_delivered,
    resetting_restores_the_start,
);

#[test]
fn a_runner_can_be_sent() {
    fn send<T: Send>(_: &T) {}
    send(&lif("cpu", 1));
}
