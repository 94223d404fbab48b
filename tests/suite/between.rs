//! Between runs: inputs that others take the place of, live values by path, parameters of each element, keys of handles, what
//! outputs take.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dsrunner::{
    Connect, Coupling, DSRunner, Error, Init, Input, Monitor, Network, Operation, Policy,
    Projection, RunnerBuilder, Shared, StateArray, StateData, StateDict, Steps, neurons, odes,
    sources, stream, synapses, wgsl,
};

use crate::engines::{all, on_every_engine};

/// Noisy cells with delays and a rate model beside them, so that all kinds of state are under way.
fn system(device: &str) -> RunnerBuilder {
    let cells = neurons::lif_ref(33).init("V", Init::uniform(0.0, 20.0));
    let noise = sources::poisson(17).param("freqs", 500.0);
    let drive = Projection::new(&noise, &cells)
        .connect(Connect::fixed_prob(0.5))
        .weight(1.5)
        .delay(4.0)
        .synapse(synapses::expon());
    let clocks = odes::van_der_pol(3).init("x", [1.0, 0.0, -1.0]);
    let pull = Coupling::diffusive(&clocks, &clocks, "x").delay(1.0).target("y");
    let net = Network::new().with("c", cells).with("n", noise).with("d", drive);
    DSRunner::builder(net.with("clocks", clocks).with("pull", pull))
        .dyn_vars([("level", 21.0)])
        .monitor("c.V")
        .seed(5)
        .progress_bar(false)
        .device(device)
}

/// The bits of the recorded potentials.
fn v(runner: &DSRunner) -> Vec<u32> {
    runner.mon().get::<f32>("c.V").unwrap().iter().map(|v| v.to_bits()).collect()
}

fn error<T>(result: dsrunner::Result<T>) -> String {
    result.map(drop).unwrap_err().to_string()
}

/// The current of cell `k` in step `i` of the sequence below.
fn current(i: u64, k: usize) -> f64 {
    match i / 20 {
        0 => 20.0,
        1 => 25.0,
        2 => 15.0 + k as f64,
        3 => 0.5 * i as f64,
        4 => 0.25 * i as f64 + k as f64,
        5 => i as f64 - 90.0,
        6 => 40.0 - k as f64,
        7 => 10.0 + 0.5 * k as f64,
        8 => 21.0,
        9 => 22.0,
        10 => 3.0 * (i % 7) as f64,
        11 => (i % 5) as f64,
        _ => 24.0,
    }
}

fn inputs_of_all_kinds_take_each_others_place(device: &str) {
    const CELLS: usize = 33;
    let cells = || (0..CELLS).map(|k| k as f64);
    let rows = |i: u64| (0..CELLS).map(|k| current(i, k)).collect::<Vec<f64>>();
    let table = |end: u64| {
        let all: Vec<f64> = (0..end).flat_map(rows).collect();
        ndarray::Array2::from_shape_vec((end as usize, CELLS), all).unwrap()
    };
    let call = |what: fn(&Shared) -> f64| {
        Input::call(move |s, step| step.apply("c.input", Operation::Add, what(s)))
    };
    let sequence: Vec<Input> = vec![
        ("c.input", 20.0).into(),
        ("c.input", 25.0).into(),
        ("c.input", cells().map(|k| 15.0 + k).collect::<Vec<_>>()).into(),
        ("c.input", (0..80).map(|i| 0.5 * f64::from(i)).collect::<Vec<_>>(), "iter").into(),
        ("c.input", table(100), "iter").into(),
        Input::iter("c.input", stream(|| (0..120).map(|i| f64::from(i) - 90.0))),
        Input::func("c.input", move |s: &Shared| rows(s.i)),
        ("c.input", wgsl("10.0 + 0.5 * f32(element)"), "func").into(),
        ("c.input", "level.value").into(),
        call(|_| 22.0),
        call(|s| 3.0 * (s.i % 7) as f64),
        Input::iter("c.input", [0.0, 1.0, 2.0, 3.0, 4.0]).policy(Policy::Cycle),
        ("c.input", 24.0).into(),
    ];
    let count = sequence.len() as u64;
    let mut sequence = sequence.into_iter();
    let other = |s: &Shared| -0.01 * s.i as f64;
    let mut runner = system(device)
        .input(sequence.next().unwrap().named("drive"))
        .input(("c.input", other, "func"))
        .build()
        .unwrap();
    // the same currents from one closure, in one run on the engine that needs no driver
    let mut whole = system("cpu")
        .input(Input::func("c.input", move |s: &Shared| {
            (0..CELLS).map(|k| current(s.i, k)).collect::<Vec<_>>()
        }))
        .input(("c.input", other, "func"))
        .build()
        .unwrap();
    whole.run(Steps(20 * count)).unwrap();
    let mut seen = Vec::new();
    runner.run(Steps(20)).unwrap();
    seen.extend(v(&runner));
    for input in sequence {
        runner.set_input("drive", input).unwrap();
        runner.run(Steps(20)).unwrap();
        seen.extend(v(&runner));
    }
    let differ = seen.iter().zip(v(&whole)).position(|(a, b)| *a != b);
    assert_eq!(differ.map(|at| at / CELLS), None, "the first step that differs");
    assert_eq!(runner.i(), whole.i());
    assert_eq!(runner.state_dict().unwrap(), whole.state_dict().unwrap());
}

/// What of a group is executed in the shortest ways, where constants are known to programs.
fn constants_take_each_others_place(device: &str) {
    for (cells, slice) in [(300, false), (300, true), (5, false)] {
        let group = || neurons::lif(cells).init("V", Init::uniform(0.0, 20.0));
        let target = |group: &dsrunner::Group| match slice {
            true => group.slice(3..5).variable("input"),
            false => group.variable("input"),
        };
        let build = |device: &str, of: &dyn Fn(&dsrunner::Group) -> Input| {
            let group = group();
            let input = of(&group);
            let builder = DSRunner::builder(group.clone()).input((group.variable("input"), 2.0));
            let runner = builder.input(input).monitor("V").progress_bar(false).device(device);
            (group, runner.build().unwrap())
        };
        let (group, mut runner) =
            build(device, &|group| Input::fix(target(group), 18.5).named("drive"));
        let (_, mut whole) = build("cpu", &|group| {
            Input::func(target(group), |s: &Shared| [18.5, 23.0, 0.0, 31.0][(s.i / 300) as usize])
        });
        let mut seen = Vec::new();
        for value in [18.5, 23.0, 0.0, 31.0] {
            runner.set_input("drive", (target(&group), value)).unwrap();
            // a move takes the value along
            for device in all() {
                runner.to(device.as_str()).unwrap();
            }
            runner.to(device).unwrap().run(Steps(300)).unwrap();
            seen.extend(runner.mon().get::<f32>("V").unwrap());
        }
        whole.run(Steps(1200)).unwrap();
        let wanted: Vec<f32> = whole.mon().get::<f32>("V").unwrap().into_iter().collect();
        assert!(seen == wanted, "{cells} cells, a slice: {slice}");
    }
}

fn rows_of_other_inputs_go_on(device: &str) {
    let (made, rows) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (factories, counted) = (made.clone(), rows.clone());
    let counting = stream(move || {
        factories.fetch_add(1, Ordering::Relaxed);
        let counted = counted.clone();
        (0..).map(move |i| {
            counted.fetch_add(1, Ordering::Relaxed);
            f64::from(i)
        })
    });
    let mut runner = DSRunner::builder(neurons::lif(2))
        .dyn_vars([("x", 0.0), ("y", 0.0)])
        .input(("y.value", counting, "iter", "="))
        .input(Input::fix("x.value", 1.0).named("step"))
        .monitors(["x.value", "y.value"])
        .chunk(1)
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    runner.run(Steps(3)).unwrap();
    // another target, and another operation, by which the plan is another
    runner.set_input("step", ("x.value", "y.value")).unwrap();
    runner.run(Steps(3)).unwrap();
    runner.set_input("step", ("x.value", 2.0, "fix", "*")).unwrap();
    runner.run(Steps(2)).unwrap();
    let seen = |key: &str| runner.mon().get::<f32>(key).unwrap().into_raw_vec_and_offset().0;
    assert_eq!(seen("y.value"), [6.0, 7.0]);
    // 3 + 3 + 4 + 5, twice doubled
    assert_eq!(seen("x.value"), [30.0, 60.0]);
    assert_eq!((made.load(Ordering::Relaxed), rows.load(Ordering::Relaxed)), (1, 8));
}

/// What others draw does not depend on what comes in the place of an expression, and an expression draws again what it drew.
fn random_numbers_of_others_go_on(device: &str) {
    let draw = || wgsl("random_uniform(r, 0u)");
    let first = || Input::func("x.value", draw()).operation(Operation::Set).named("first");
    let zero = || Input::fix("x.value", 0.0).operation(Operation::Set).named("first");
    let build = |device: &str, inputs: Vec<Input>| {
        DSRunner::builder(sources::poisson(50).param("freqs", 900.0))
            .dyn_vars([("x", vec![0.0; 4])])
            .inputs(inputs)
            .monitor_map([
                ("x", Monitor::of("x.value")),
                ("noise", Monitor::wgsl("x", wgsl("random_normal(r, 7u)"))),
                ("fires", Monitor::wgsl("", wgsl("f32(spike)"))),
            ])
            .seed(9)
            .progress_bar(false)
            .device(device)
            .build()
            .unwrap()
    };
    let seen = |runner: &mut DSRunner| {
        runner.run(Steps(10)).unwrap();
        ["x", "noise", "fires"].map(|key| runner.mon().get::<f32>(key).unwrap())
    };
    let second = || Input::from(("x.value", draw(), "func"));
    let mut runner = build(device, vec![first(), second()]);
    let mut both = build("cpu", vec![first(), second()]);
    let mut alone = [build("cpu", vec![first()]), build("cpu", vec![zero(), second()])];
    for has_first in [true, false, true, false] {
        runner.set_input("first", if has_first { first() } else { zero() }).unwrap();
        let (now, both) = (seen(&mut runner), seen(&mut both));
        let [first, second] = alone.each_mut().map(seen);
        assert_eq!(now, if has_first { both.clone() } else { second.clone() });
        assert_eq!(both[0], &first[0] + &second[0]);
        assert_eq!([&both[1..], &both[1..]], [&first[1..], &second[1..]]);
    }
}

fn inputs_that_cannot_take_a_place(device: &str) {
    let input = |value: f64, key: &str| Input::fix("c.input", value).named(key);
    let builder = || system(device).input(input(20.0, "drive")).input(("c.input", 1.0));
    assert_eq!(
        error(builder().input(input(1.0, "drive")).build()),
        "the name `drive` is the key of two inputs; give one of them another"
    );
    assert_eq!(
        error(builder().input(input(1.0, "")).build()),
        "the name `` is no key of an input: it must not be empty"
    );
    let (mut runner, mut other) = (builder().build().unwrap(), builder().build().unwrap());
    runner.run(Steps(30)).unwrap();
    other.run(Steps(30)).unwrap();
    for (key, input, text) in [
        ("drvie", ("c.input", 1.0).into(), "no input named `drvie`; did you mean `drive`?"),
        (
            "drive",
            input(1.0, "pull"),
            "the name `pull` is not `drive`, the key of the input in whose place it comes",
        ),
        ("drive", ("c.inptu", 1.0).into(), "no variable `c.inptu`; did you mean `c.input`?"),
        (
            "drive",
            ("c.input", "level.valeu").into(),
            "no variable or parameter `level.valeu`; did you mean `level.value`?",
        ),
        (
            "drive",
            ("c.input", "level.value", "func").into(),
            "input to `c.input`: the value is a variable; give the type `fix`",
        ),
        (
            "drive",
            ("c.input", vec![1.0; 3]).into(),
            "c.input: a value of shape [3] does not broadcast to shape [33]; give a scalar or an array of shape [33]",
        ),
        (
            "drive",
            ("c.tau", 1.0).into(),
            "input to `c.tau`: it is a parameter, which inputs cannot change; set it between runs",
        ),
    ] {
        assert_eq!(error(runner.set_input(key, input)), text);
    }
    assert!(matches!(
        runner.set_input("drive", ("c.input", wgsl("nonsense"), "func")),
        Err(Error::ModelSyntax { .. })
    ));
    // nothing has changed
    runner.run(Steps(30)).unwrap();
    other.run(Steps(30)).unwrap();
    assert_eq!(v(&runner), v(&other));
    let mut without = system(device).input(("c.input", 1.0)).build().unwrap();
    assert_eq!(
        error(without.set_input("drive", ("c.input", 1.0))),
        "no input named `drive`; there is none at all"
    );
}

/// The order is that in which they were given, or the original's, which a new type may change.
fn the_order_of_inputs_stays(device: &str) {
    for (compat, wanted) in [(false, [142.0, 132.0, 109.0]), (true, [442.0, 336.0, 109.0])] {
        let mut runner = DSRunner::builder(neurons::lif(1))
            .dyn_vars([("x", 0.0)])
            .input(Input::fix("x.value", 10.0).operation(Operation::Set))
            .input(Input::iter("x.value", [1.0]).named("some"))
            .input(Input::func("x.value", |_: &Shared| 2.0))
            .input(("x.value", 100.0))
            .compat_input_order(compat)
            .progress_bar(false)
            .device(device)
            .build()
            .unwrap();
        let others: [Input; 3] = [
            Input::iter("x.value", [4.0]).operation(Operation::Mul),
            Input::func("x.value", |_: &Shared| 3.0).operation(Operation::Mul),
            Input::fix("x.value", 7.0).operation(Operation::Set),
        ];
        let seen = others.map(|input| {
            runner.set_input("some", input).unwrap();
            runner.reset_clock().unwrap();
            runner.step().unwrap();
            runner.get::<f32>("x.value").unwrap()[[0]]
        });
        assert_eq!(seen, wanted, "{compat}");
    }
}

fn a_path_is_a_live_value(device: &str) {
    let cells = neurons::lif(3).param("tau", 8.0);
    let mut runner = DSRunner::builder(Network::new().with("c", cells))
        .dyn_vars([("drive", vec![1.0, 2.0, 3.0])])
        .input(("drive.value", 0.5))
        .input(("c.input", "drive.value"))
        .input(("c.input", String::from("c.tau"), "fix", "+"))
        .monitor("c.input")
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    let mut rows = |steps: u64, before: &mut dyn FnMut(&mut DSRunner)| {
        before(&mut runner);
        runner.run(Steps(steps)).unwrap();
        runner.mon().get::<f32>("c.input").unwrap().into_raw_vec_and_offset().0
    };
    assert_eq!(rows(2, &mut |_| ()), [9.5, 10.5, 11.5, 10.0, 11.0, 12.0]);
    let second = rows(1, &mut |runner| {
        runner.set("drive.value", [0.0, 10.0, 20.0]).unwrap();
        runner.set("c.tau", 16.0).unwrap();
    });
    assert_eq!(second, [16.5, 26.5, 36.5]);
}

fn parameters_of_each_element(device: &str) {
    let net = |cells: dsrunner::Group| {
        let noise = sources::poisson(10).param("freqs", 800.0);
        let synapse = |each: bool| match each {
            true => synapses::expon().param_each("tau", 4.0),
            false => synapses::expon().param("tau", 4.0),
        };
        let drive = Projection::new(&noise, &cells).weight(0.4).synapse(synapse(true));
        Network::new().with("c", cells).with("n", noise).with("d", drive)
    };
    let build = |device: &str, cells: dsrunner::Group| {
        let builder = DSRunner::builder(net(cells)).input(("c.input", 15.0)).monitor("c.V");
        builder.progress_bar(false).device(device).build().unwrap()
    };
    let taus: Vec<f64> = (0..40).map(|k| 5.0 + f64::from(k)).collect();
    let refs: Vec<f64> = (0..40).map(|k| 0.1 * f64::from(k % 4)).collect();
    // one number each is what one number for all is
    let each = || neurons::lif_ref(40).param_each("tau", 9.0).param_each("tau_ref", 0.0);
    let mut shared = build("cpu", neurons::lif_ref(40).param("tau", 9.0).param("tau_ref", 0.0));
    let mut runner = build(device, each());
    assert_eq!(runner.get::<f32>("c.tau").unwrap().shape(), [40]);
    assert_eq!(shared.get::<f32>("c.tau").unwrap().shape(), [0usize; 0]);
    shared.run(Steps(200)).unwrap();
    runner.run(Steps(200)).unwrap();
    assert_eq!(v(&runner), v(&shared));
    // and later ones are those that a group starts with, with what follows from them
    let start = neurons::lif_ref(40).param("tau", taus.clone()).param("tau_ref", refs.clone());
    let mut array = build("cpu", start);
    let mut fresh = build(device, each());
    fresh.set("c.tau", taus.clone()).unwrap();
    fresh.set("c.tau_ref", refs).unwrap();
    fresh.set("d.tau", vec![4.0; 40]).unwrap();
    fresh.run(Steps(300)).unwrap();
    array.run(Steps(300)).unwrap();
    assert_eq!(v(&fresh), v(&array));
    // a group of one
    let mut one = build(device, neurons::lif_ref(1).param_each("tau", 9.0));
    assert_eq!(one.get::<f32>("c.tau").unwrap().shape(), [1]);
    one.set("c.tau", [4.0]).unwrap();
    // what is one number says how it becomes one each, wherever an array is given to it
    let remedy =
        "build it with `.param_each(\"tau\", ..)`, which makes `tau` one value per element";
    let text = "c.tau: a value of shape [40] does not broadcast to shape []; give a scalar or";
    assert_eq!(error(shared.set("c.tau", taus.clone())), format!("{text} {remedy}"));
    let predict = dsrunner::Predict::steps(1).shared_arg("tau", taus);
    assert!(error(shared.run(predict)).ends_with(remedy));
    let state: StateDict = fresh.state_dict().unwrap();
    assert!(error(shared.load_state_dict(&state, false, Default::default())).ends_with(remedy));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.npz");
    fresh.save_states(&file, None).unwrap();
    assert!(error(shared.load_states(&file, false)).contains("param_each(\"tau"));
    // of a name that there is not
    let unknown = DSRunner::builder(neurons::lif(2).param_each("tua", 1.0)).build();
    assert!(error(unknown).starts_with("no parameter `tua`; "));
}

/// A node has a path and a name, and a state each of its arrays once.
#[test]
fn a_state_has_an_array_once() {
    let cells = neurons::lif(3).named("the_cells").unwrap();
    let mut runner = DSRunner::builder(Network::new().with("cells", cells))
        .progress_bar(false)
        .device("cpu")
        .build()
        .unwrap();
    let before = runner.state_dict().unwrap();
    let other = StateArray::new(vec![3], StateData::F32(vec![7.0; 3])).unwrap();
    let mut twice = before.clone();
    twice.insert("the_cells", "V", other.clone());
    assert_eq!(
        error(runner.load_state_dict(&twice, false, Default::default())),
        "the name `the_cells.V` is another one of `cells.V`, which the state has twice; give it once"
    );
    assert!(runner.state_dict().unwrap() == before);
    twice.remove("cells", "V");
    runner.load_state_dict(&twice, false, Default::default()).unwrap();
    assert!(runner.state_dict().unwrap().get("cells", "V") == Some(&other));
}

#[test]
fn handles_know_the_keys_of_their_monitors() {
    let (first, second) = (neurons::lif(3), neurons::lif(2).named("between_second").unwrap());
    let [v, w] = [first.variable("V"), second.slice(1..).variable("V")];
    let net = Network::new().with("first", first).with("second", second);
    let mut runner = DSRunner::builder(net)
        .input(("first.input", 30.0))
        .monitor(&v)
        .monitor(&w)
        .progress_bar(false)
        .device("cpu")
        .build()
        .unwrap();
    runner.run(Steps(10)).unwrap();
    assert_eq!(w.path(), "between_second.V");
    assert_eq!(runner.mon().keys().collect::<Vec<_>>(), [v.path(), w.path()]);
    assert_eq!(runner.mon().get::<f32>(v.path()).unwrap().shape(), [10, 3]);
    assert_eq!(runner.mon().get::<f32>(w.path()).unwrap().shape(), [10, 1]);
    assert_eq!(runner.get::<f32>(w.path()).unwrap().shape(), [2]);
}

#[test]
fn the_plan_says_what_outputs_take() {
    let says = |runner: &DSRunner, line: &str| {
        let plan = runner.plan();
        assert!(plan.contains(&format!("\n  {line}\n")), "{plan}");
    };
    let build = |group: dsrunner::Group, outputs: bool| {
        let builder = DSRunner::builder(group).outputs(outputs).progress_bar(false);
        builder.device("cpu").build().unwrap()
    };
    let lorenz = build(odes::lorenz(100), true);
    for variable in ["x", "y", "z"] {
        let line = format!(
            "output   {variable}: 100 values, 400 bytes a row; `outputs(false)` leaves it out"
        );
        says(&lorenz, &line);
    }
    let mut cells = build(neurons::lif(1000), true);
    says(
        &cells,
        "output   spike: 1000 flags, kept as events of 12 bytes; `outputs(false)` leaves it out",
    );
    // 10 spikes do not take more room than they need
    cells.set("V", (0..1000).map(|k| if k < 10 { 30.0 } else { 0.0 }).collect::<Vec<_>>()).unwrap();
    let spikes = cells.run(Steps(1000)).unwrap().outputs;
    assert_eq!(spikes.events("spike").unwrap().steps, [0; 10]);
    assert!(!build(neurons::lif(1000), false).plan().contains("output"));
}

on_every_engine!(
    a_path_is_a_live_value,
    constants_take_each_others_place,
    inputs_of_all_kinds_take_each_others_place,
    inputs_that_cannot_take_a_place,
    parameters_of_each_element,
    random_numbers_of_others_go_on,
    rows_of_other_inputs_go_on,
    the_order_of_inputs_stays,
);
