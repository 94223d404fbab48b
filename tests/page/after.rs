//! What a run leaves behind that does not come to its end, and other corners.

use std::panic::{AssertUnwindSafe, catch_unwind};

use dsrunner::{
    Compatible, Connect, DSRunner, DynamicalSystem, Group, Input, Model, Monitor, Network,
    Operation, Predict, Projection, Shared, Sink, StepBuilder, Steps, neurons, stream, synapses,
};
use ndarray::Array2;

use crate::common::{comb, count, error, keep, now, on, rows};
use crate::engines::{gpu, on_every_engine};

/// A group that feels in its next step what one in a later stage fires.
struct Backward {
    first: Group,
    arrow: Projection,
    second: Group,
}

impl DynamicalSystem for Backward {
    fn name(&self) -> &str {
        "backward"
    }

    fn update(&self, step: &mut StepBuilder) -> dsrunner::Result<()> {
        step.child("first", &self.first)?;
        step.then();
        step.child("arrow", &self.arrow)?;
        step.child("second", &self.second)
    }
}

fn backward(delay: f64) -> Backward {
    let (first, second) = (count(5), comb(5));
    let arrow = Projection::new(&second, &first)
        .connect(Connect::one_to_one())
        .delay(delay)
        .synapse(synapses::expon().param("tau", 3.0));
    Backward { first, arrow, second }
}

fn a3_10_what_waits_for_an_earlier_stage_is_state(device: &str) {
    for delay in [0.0, 1.5] {
        let build = |device: &str| on(device, backward(delay)).monitor("arrow.g").build().unwrap();
        let run = |way: usize| {
            let mut runner = build(device);
            let mut seen = Vec::new();
            for _ in 0..8 {
                runner.run(Steps(3)).unwrap();
                seen.extend(rows::<f32>(&runner, "arrow.g"));
                if way == 1 {
                    if let Some(other) = gpu() {
                        runner.to(other.as_str()).unwrap();
                    }
                    runner.to("cpu").unwrap();
                } else if way == 2 {
                    let state = runner.state_dict().unwrap();
                    runner = build(device);
                    runner.load_state_dict(&state, false, Compatible::V2).unwrap();
                }
            }
            runner.reset_state().unwrap();
            runner.run(Steps(3)).unwrap();
            seen.extend(rows::<f32>(&runner, "arrow.g"));
            seen
        };
        let plain = run(0);
        assert!(plain.iter().any(|&g| g > 1.0));
        assert_eq!(plain[120..], plain[..15], "a reset repeats");
        assert_eq!(run(1), plain, "moved");
        assert_eq!(run(2), plain, "loaded");
    }
}

fn a1_jit_a_reset_after_a_fault_starts_anew(device: &str) {
    let blow = Model::from_wgsl(
        "Burst",
        "struct State { x: f32 } fn update(s: State) -> State { return State(s.x * 10.0); }",
    );
    let (source, cells) = (comb(4), neurons::lif(2));
    let arrow = Projection::new(&source, &cells).synapse(synapses::expon());
    let net = Network::new()
        .with("blow", Group::new(&blow.unwrap(), 1))
        .with("source", source)
        .with("arrow", arrow)
        .with("cells", cells);
    let mut runner = on(device, net).monitor("arrow.g").jit(false).build().unwrap();
    runner.run(Steps(4)).unwrap();
    let wanted = rows::<f32>(&runner, "arrow.g");
    runner.set("blow.x", 3e38).unwrap();
    assert!(error(runner.run(Steps(4))).contains("node `blow`"));
    runner.reset_state().unwrap();
    runner.run(Steps(4)).unwrap();
    assert_eq!(rows::<f32>(&runner, "arrow.g"), wanted);
}

/// A callable that fails once, in that step.
fn fails_in(step: u64) -> Input {
    let mut failed = false;
    Input::call(move |shared, handle| {
        if shared.i == step && !failed {
            failed = true;
            return handle.apply("nothing", Operation::Add, 1.0);
        }
        Ok(())
    })
}

fn a1_inputs_callable_a_step_that_failed_is_played_again(device: &str) {
    let network = || {
        let (source, target) = (comb(3), count(3));
        let arrow = Projection::new(&source, &target)
            .connect(Connect::one_to_one())
            .delay(2.5)
            .synapse(synapses::expon());
        Network::new().with("s", source).with("t", target).with("arrow", arrow)
    };
    let build = |device: &str, fail: u64| {
        on(device, network())
            .input(("t.input", 10.0))
            .input(fails_in(fail))
            .monitors(["t.x", "arrow.g"])
            .build()
            .unwrap()
    };
    let mut whole = build("cpu", u64::MAX);
    whole.run(Steps(30)).unwrap();
    let wanted = (now::<f32>(&mut whole, "t.x"), now::<f32>(&mut whole, "arrow.g"));
    for fail in [0, 13] {
        let mut runner = build(device, fail);
        assert!(runner.run(Steps(20)).is_err());
        assert_eq!(runner.i(), fail);
        // nor does a move in between take the step for executed
        if let Some(other) = gpu() {
            runner.to(if device == "cpu" { other.as_str() } else { "cpu" }).unwrap();
        }
        runner.run(Steps(30 - fail)).unwrap();
        let found = (now::<f32>(&mut runner, "t.x"), now::<f32>(&mut runner, "arrow.g"));
        assert_eq!(found, wanted, "failed in step {fail}");
    }
}

fn a2_results_of_the_last_run_stay_where_nothing_was_played(device: &str) {
    let mut runner = on(device, count(1)).input(fails_in(4)).monitor("x").build().unwrap();
    runner.run(Steps(4)).unwrap();
    assert!(runner.run(Steps(4)).is_err());
    assert_eq!(rows::<f32>(&runner, "x"), [1.0, 2.0, 3.0, 4.0]);
}

fn a2_shared_args_are_taken_back(device: &str) {
    let mut runner = on(device, count(1))
        .input(Input::func("input", |s: &Shared| {
            assert!(s.i != 6, "a closure that panics");
            0.0
        }))
        .monitor("x")
        .build()
        .unwrap();
    runner.run(Predict::steps(2).shared_arg("gain", 7.0)).unwrap();
    assert_eq!(rows::<f32>(&runner, "x"), [7.0, 14.0]);
    assert_eq!(runner.get::<f32>("gain").unwrap()[[]], 1.0);
    let panicking = Predict::steps(9).shared_arg("gain", 3.0);
    assert!(catch_unwind(AssertUnwindSafe(|| runner.run(panicking))).is_err());
    assert_eq!(runner.get::<f32>("gain").unwrap()[[]], 1.0);
}

fn a1_inputs_are_cleared_after_a_panic(device: &str) {
    let mut runner = on(device, count(1))
        .input(("input", 10.0))
        .monitor(
            Monitor::func(|s: &Shared| {
                assert!(s.i != 3, "a closure that panics");
                s.t
            })
            .named("f"),
        )
        .chunk(4)
        .build()
        .unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| runner.run(Steps(4)))).is_err());
    assert_eq!((runner.i(), now::<f32>(&mut runner, "x")), (4, vec![44.0]));
    runner.run(Steps(1)).unwrap();
    assert_eq!(now::<f32>(&mut runner, "x"), [55.0]);
}

fn a1_sinks_that_fail_leave_the_clock_right(device: &str) {
    let sink = Sink::callback(|rows| match rows.steps()[0] {
        0 => Ok(()),
        _ => Err(dsrunner::Error::Monitor { key: rows.key().into(), reason: "full".into() }),
    });
    let mut runner = on(device, count(1))
        .monitor(Monitor::of("x").sink(sink))
        .monitor(Monitor::of("x").named("kept"))
        .memory_efficient(true)
        .chunk(5)
        .build()
        .unwrap();
    assert!(runner.run(Steps(50)).is_err());
    let i = runner.i();
    assert!((10..50).contains(&i));
    assert_eq!(now::<f32>(&mut runner, "x"), [i as f32]);
}

fn a2_predict_with_data_for_many_cells(device: &str) {
    let mut runner = on(device, count(70_000)).outputs(false).build().unwrap();
    let data = Array2::<f64>::ones((3, 70_000));
    runner.run(data).unwrap();
    assert!(now::<f32>(&mut runner, "x").iter().all(|&x| x == 6.0));
}

fn a1_monitors_steps_of_a_long_run_that_was_cancelled(device: &str) {
    let mut runner = on(device, keep(1))
        .monitor(Monitor::of("x").window(0.0..2.0))
        .memory_efficient(true)
        .outputs(false)
        .chunk(8)
        .input(Input::func("input", |_: &Shared| 0.0))
        .build()
        .unwrap();
    let handle = runner.cancel_handle();
    let timer = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(50));
        handle.cancel();
    });
    assert!(runner.run(Steps(1 << 50)).unwrap().cancelled);
    timer.join().unwrap();
    assert_eq!(runner.mon().steps("x").unwrap(), [0, 1, 2, 3]);
    assert_eq!(rows::<f32>(&runner, "x"), [0.0; 4]);
}

fn a1_inputs_of_no_element(device: &str) {
    let group = keep(3);
    let none = group.slice(1..1).variable("x");
    let mut runner = on(device, group)
        .input((&none.clone(), Vec::<f64>::new()))
        .input((&none.clone(), |_: &Shared| 1.0, "func"))
        .input((&none, stream(|| (0..).map(f64::from)), "iter"))
        .monitor(&none)
        .build()
        .unwrap();
    runner.run(Steps(2)).unwrap();
    assert_eq!(now::<f32>(&mut runner, "x"), [0.0; 3]);
}

#[test]
fn a1_inputs_that_name_an_element_twice() {
    let group = keep(3);
    let twice = group.slice([0, 2, 0]).variable("x");
    let name = group.name().to_string();
    let text = format!("input to `{name}.x`: its slice has element 0 twice; give each once");
    assert_eq!(error(on("cpu", group.clone()).input((&twice.clone(), 1.0)).build()), text);
    let mut runner = on("cpu", group).build().unwrap();
    assert_eq!(error(runner.run(Predict::default().input(&twice, [1.0]))), text);
}

#[test]
fn a1_sinks_of_another_shape() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.npy");
    let closure = Monitor::func(|s: &Shared| vec![0.0; if s.i < 3 { 1 } else { 2 }]).named("f");
    let mut runner = on("cpu", keep(1))
        .monitor(closure.sink(Sink::npy(&path)))
        .memory_efficient(true)
        .build()
        .unwrap();
    runner.run(Steps(3)).unwrap();
    assert_eq!(
        error(runner.run(Steps(1))),
        format!(
            "monitor `f`: its rows are <f4 of shape [2], but `{}` has <f4 of shape [1]; give each monitor a sink of its own",
            path.display()
        )
    );
    assert_eq!(ndarray_npy::read_npy::<_, Array2<f32>>(&path).unwrap().shape(), [3, 1]);
}

#[test]
fn a1_monitors_of_a_closure_that_failed() {
    let mut runner: DSRunner = on("cpu", keep(1))
        .monitor(
            Monitor::read(|s, now| {
                let key = if s.i == 7 { "y" } else { "x" };
                Ok(f64::from(now.get::<f32>(key)?.sum()))
            })
            .named("f"),
        )
        .build()
        .unwrap();
    assert!(runner.run(Steps(10)).is_err());
    assert_eq!(rows::<f32>(&runner, "f").len(), 7);
    assert_eq!(runner.mon().steps("f").unwrap(), (0..7).collect::<Vec<_>>());
}

on_every_engine!(
    a1_inputs_are_cleared_after_a_panic,
    a1_inputs_callable_a_step_that_failed_is_played_again,
    a1_inputs_of_no_element,
    a1_jit_a_reset_after_a_fault_starts_anew,
    a1_monitors_steps_of_a_long_run_that_was_cancelled,
    a1_sinks_that_fail_leave_the_clock_right,
    a2_predict_with_data_for_many_cells,
    a2_results_of_the_last_run_stay_where_nothing_was_played,
    a2_shared_args_are_taken_back,
    a3_10_what_waits_for_an_earlier_stage_is_state,
);
