//! Rows `predict`, `data_first_axis`, batches; outputs, shared arguments, reset.

use dsrunner::{
    Batch, Connect, DynamicalSystem, Group, Init, Input, Model, Network, Predict, Projection,
    Reduction, StepBuilder, Steps, neurons, outputs, sources, synapses, wgsl,
};
use ndarray::{Array2, Array3, Axis, arr2};

use crate::common::{comb, count, error, keep, now, on, pair, rows};
use crate::compare::equal_bits;
use crate::engines::on_every_engine;

/// Cells that fire at random and drive others through random synapses with delays.
fn network() -> Network {
    let cells = neurons::lif_ref(60).param("tau_ref", 2.0).init("V", Init::uniform(0.0, 19.0));
    let noise = sources::poisson(40).param("freqs", 400.0);
    let each: Vec<f64> = (0..120).map(|k| 0.5 * f64::from(k % 7)).collect();
    let (pre, post): (Vec<u32>, Vec<u32>) = (0..120).map(|k| (k % 40, k / 2)).unzip();
    let drive = Projection::new(&noise, &cells)
        .connect(Connect::coo(pre, post))
        .weight(4.0)
        .delay(each)
        .synapse(synapses::expon())
        .output(outputs::cuba());
    let back = Projection::new(&cells, &cells)
        .connect(Connect::fixed_prob(0.2))
        .weight(0.3)
        .synapse(synapses::expon())
        .output(outputs::coba().param("E", -10.0));
    Network::new().with("cells", cells).with("noise", noise).with("drive", drive).with("back", back)
}

/// Spikes and potentials of each replica.
fn replicas(device: &str, target: impl DynamicalSystem + 'static) -> Vec<(Vec<bool>, Vec<f32>)> {
    let mut runner = on(device, target)
        .input(("cells.input", 12.0))
        .input(("cells.input", wgsl("2.0 * random_normal(r, 0u)"), "func"))
        .monitors(["cells.spike", "cells.V"])
        .seed(3)
        .build()
        .unwrap();
    runner.run(Steps(300)).unwrap();
    let (spikes, v) = (
        runner.mon().get::<bool>("cells.spike").unwrap(),
        runner.mon().get::<f32>("cells.V").unwrap(),
    );
    assert!(spikes.iter().filter(|s| **s).count() > 100);
    if spikes.ndim() == 2 {
        return vec![(spikes.iter().copied().collect(), v.iter().copied().collect())];
    }
    let copy = |b: usize| {
        let (spikes, v) = (spikes.index_axis(Axis(0), b), v.index_axis(Axis(0), b));
        (spikes.iter().copied().collect(), v.iter().copied().collect())
    };
    (0..spikes.shape()[0]).map(copy).collect()
}

fn a1_batch_copies_are_what_they_are_alone(device: &str) {
    let alone = replicas(device, network());
    let four = replicas(device, Batch::new(network(), 4));
    let (first, last) = (
        replicas(device, Batch::new(network(), 2)),
        replicas(device, Batch::new(network(), 2).first_replica(2)),
    );
    let same = |what: &str, a: &(Vec<bool>, Vec<f32>), b: &(Vec<bool>, Vec<f32>)| {
        assert_eq!(a.0, b.0, "{what}");
        equal_bits(what, &a.1, &b.1).must();
    };
    same("replica 0", &four[0], &alone[0]);
    for (k, part) in first.iter().chain(&last).enumerate() {
        same(&format!("copy {k} of a part"), part, &four[k]);
    }
    // and they differ, in random numbers and initial values
    let mut start = on(device, Batch::new(network(), 2)).build().unwrap();
    let v = start.get::<f32>("cells.V").unwrap();
    assert_ne!(v.index_axis(Axis(0), 0), v.index_axis(Axis(0), 1));
    assert_ne!(four[0].1, four[1].1);
    assert_ne!(four[2].0, four[3].0);
}

fn a1_batch_values_per_copy(device: &str) {
    let group = count(3)
        .param("gain", arr2(&[[1.0], [10.0]]))
        .init("x", arr2(&[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]))
        .init("n", [7, 8, 9]);
    let slice = group.slice(1..).variable("x");
    let mut runner = on(device, Batch::new(group.clone(), 2))
        .input(("input", arr2(&[[100.0], [200.0]])))
        .input((&slice.clone(), 1000.0))
        .monitors(["x", "n"])
        .monitor(dsrunner::Monitor::from(("x", 1)).named("second copy"))
        .monitor(dsrunner::Monitor::of(&slice).named("slice"))
        .monitor(dsrunner::Monitor::of("x").reduce(Reduction::Max).named("max"))
        .monitor(dsrunner::Monitor::func(|s| [s.t, 1.0, 2.0]).named("closure"))
        .build()
        .unwrap();
    runner.run(Steps(2)).unwrap();
    let mon = runner.mon();
    let x = mon.get::<f32>("x").unwrap();
    assert_eq!(x.shape(), [2, 2, 3]);
    let wanted = [
        [101.0, 1102.0, 1103.0],
        [202.0, 2203.0, 2204.0],
        [213.0, 1214.0, 1215.0],
        [423.0, 2424.0, 2425.0],
    ];
    assert_eq!(x.iter().copied().collect::<Vec<_>>(), wanted.concat());
    assert_eq!(mon.get::<f32>("second copy").unwrap().shape(), [1, 2, 3]);
    assert_eq!(rows::<f32>(&runner, "second copy"), wanted[2..].concat());
    assert_eq!(mon.get::<f32>("slice").unwrap().shape(), [2, 2, 2]);
    // each replica for itself
    assert_eq!(mon.get::<f32>("max").unwrap().shape(), [2, 2]);
    assert_eq!(rows::<f32>(&runner, "max"), [1103.0, 2204.0, 1215.0, 2425.0]);
    assert_eq!(mon.get::<f32>("closure").unwrap().shape(), [2, 3]);
    assert_eq!(now::<i32>(&mut runner, "n"), [7, 8, 9, 7, 8, 9]);
    // set by a slice, for all replicas
    runner.set(&slice, 0.0).unwrap();
    assert_eq!(now::<f32>(&mut runner, "x"), [202.0, 0.0, 0.0, 423.0, 0.0, 0.0]);
    runner.set("gain", arr2(&[[0.0], [5.0]])).unwrap();
    assert_eq!(now::<f32>(&mut runner, "gain"), [0.0, 0.0, 0.0, 5.0, 5.0, 5.0]);
}

fn a1_data_first_axis(device: &str) {
    let wide = Array3::from_shape_fn((2, 4, 3), |(b, t, k)| (100 * b + 10 * t + k) as f64);
    let mut tall = wide.clone();
    tall.swap_axes(0, 1);
    let run = |axis: Option<&str>, data: Array3<f64>| {
        let builder = on(device, Batch::new(count(3), 2)).monitor("x").outputs(true);
        let builder = axis.into_iter().fold(builder, |b, axis| b.data_first_axis(axis));
        let mut runner = builder.build().unwrap();
        let run = runner.run(data).unwrap();
        let x = runner.mon().get::<f32>("x").unwrap();
        assert_eq!(run.outputs.get::<f32>("x").unwrap(), x);
        assert_eq!(run.steps, 4);
        x
    };
    let by_copy = run(None, wide.clone());
    assert_eq!(by_copy.shape(), [2, 4, 3]);
    assert_eq!(by_copy[[1, 3, 2]], 4.0 + 102.0 + 112.0 + 122.0 + 132.0);
    assert_eq!(run(Some("B"), wide), by_copy);
    let mut by_time = run(Some("T"), tall);
    assert_eq!(by_time.shape(), [4, 2, 3]);
    by_time.swap_axes(0, 1);
    assert_eq!(by_time, by_copy);
    let wrong = |axis: &str| error(on(device, count(1)).data_first_axis(axis).build());
    assert_eq!(
        wrong("B"),
        "`data_first_axis` is \"B\", but must be \"T\" for a target that is no `Batch`"
    );
    assert_eq!(wrong("X"), "`data_first_axis` is \"X\", but must be \"B\" or \"T\"");
}

fn a2_predict_with_data(device: &str) {
    let (_, b, net) = pair(3, 2);
    let mut runner =
        on(device, net).input(("a.input", 1.0)).monitors(["a.x", "b.x"]).build().unwrap();
    let data = Array2::from_shape_fn((5, 3), |(t, k)| (10 * t + k) as f64);
    let both = || {
        Predict::default().input("a.input", data.clone()).input(b.variable("input"), vec![2.0; 5])
    };
    // rows count from the start of the run, not from step 0
    for first in [0.0, 1.0] {
        let before = now::<f32>(&mut runner, "a.x")[2];
        assert_eq!(runner.run(both()).unwrap().steps, 5);
        let x = runner.mon().get::<f32>("a.x").unwrap();
        assert_eq!(x[[0, 2]] - before, 2.0 + 2.0, "run {first}");
        assert_eq!(x[[4, 2]] - before, 10.0 + 110.0);
    }
    assert_eq!(now::<f32>(&mut runner, "b.x"), [30.0, 30.0]);
    // a run without data goes on without
    runner.run(Steps(1)).unwrap();
    assert_eq!(now::<f32>(&mut runner, "b.x"), [31.0, 31.0]);
    assert_eq!(runner.run(both().input("a.x", vec![0.0; 5])).unwrap().steps, 5);
    for (predict, text) in [
        (Predict::default(), "`duration` is missing, but must be given, or else data"),
        (
            both().input("b.input", [1.0]),
            "input to `b.input`: its data have 1 rows, but those before have 5; all data of a run have the same number",
        ),
        (
            Predict::data([1.0]),
            "data without a name are for a target that is a group with one input; name the variable by `Predict::input`",
        ),
        (Predict::default().input("a.y", [1.0]), "no variable `a.y`; did you mean `a.x`?"),
        (
            Predict::default().input("a.input", 1.0),
            "input to `a.input`: type `iter` needs an array whose first axis is time, but the value is a number",
        ),
        (
            Predict::default().input("a.input", Array2::<f64>::zeros((5, 2))),
            "a.input: a value of shape [5, 2] does not broadcast to shape [5, 3]; give a scalar or an array of shape [5, 3]",
        ),
    ] {
        let (step, error) = (runner.i(), error(runner.run(predict)));
        assert!(error.ends_with(text), "{error}");
        assert_eq!(runner.i(), step);
    }
}

#[test]
fn b10_no_duration_two_durations_and_data_of_another_length() {
    let mut runner = on("cpu", count(1)).build().unwrap();
    let both = |steps: u64| {
        let predict = Predict::steps(steps);
        predict.input("input", [1.0, 2.0])
    };
    assert_eq!(
        error(runner.run(both(3))),
        "`duration` is 3 steps, but must be as long as the data, which are 2 steps"
    );
    assert_eq!(runner.run(both(2)).unwrap().steps, 2);
    for (duration, given) in
        [(0.0, "0"), (-1.0, "-1"), (f64::NAN, "NaN"), (f64::INFINITY, "inf"), (0.4, "0.4")]
    {
        assert_eq!(
            error(runner.run(duration)),
            format!("`duration` is {given}, but must be finite and at least one step of 0.5")
        );
    }
    assert_eq!(runner.i(), 2);
}

/// A pair whose output is one group's state and another's spikes.
struct Pair {
    counter: Group,
    comb: Group,
    arrow: Projection,
    fail: bool,
}

impl DynamicalSystem for Pair {
    fn name(&self) -> &str {
        "pair_of_outputs"
    }

    fn update(&self, step: &mut StepBuilder) -> dsrunner::Result<()> {
        step.child("counter", &self.counter)?;
        step.child("comb", &self.comb)?;
        step.output("number", "counter.x")?;
        step.output("current", "counter.input")?;
        step.child("arrow", &self.arrow)?;
        step.output(if self.fail { "number" } else { "teeth" }, "comb.spike")
    }
}

fn a2_predict_returns_the_outputs(device: &str) {
    let spiking = on(device, comb(3)).build().unwrap().run(Steps(4)).unwrap();
    assert_eq!(spiking.outputs.keys().collect::<Vec<_>>(), ["spike"]);
    assert_eq!(spiking.outputs.get::<bool>("spike").unwrap().shape(), [4, 3]);
    let rate = on(device, count(2)).build().unwrap().run(Steps(4)).unwrap();
    assert_eq!(rate.outputs.keys().collect::<Vec<_>>(), ["x", "n", "m"]);
    assert_eq!(rate.outputs.get::<f32>("x").unwrap()[[3, 1]], 4.0);
    assert_eq!(rate.outputs.ts(), [0.0, 0.5, 1.0, 1.5]);
    let network = on(device, pair(1, 1).2).build().unwrap().run(Steps(1)).unwrap();
    assert_eq!(network.outputs.keys().count(), 0);
    let off = on(device, comb(3)).outputs(false).build().unwrap().predict(Steps(1)).unwrap();
    assert_eq!(off.outputs.keys().count(), 0);
    let own = |fail| {
        let (counter, comb) = (count(2), comb(1));
        let arrow = Projection::new(&comb, &counter)
            .weight(3.0)
            .synapse(synapses::expon().param("tau", 1e9));
        Pair { counter, comb, arrow, fail }
    };
    let declared = on(device, own(false)).build().unwrap().run(Steps(2)).unwrap();
    assert_eq!(declared.outputs.keys().collect::<Vec<_>>(), ["number", "current", "teeth"]);
    // with what comes through synapses
    assert_eq!(declared.outputs.get::<f32>("current").unwrap()[[1, 0]], 3.0);
    assert_eq!(declared.outputs.get::<bool>("teeth").unwrap().shape(), [2, 1]);
    assert_eq!(
        error(on(device, own(true)).build()),
        "the name `number` is the key of two outputs; give one of them another"
    );
}

fn a2_predict_reset_state(device: &str) {
    let mut runner = on(device, count(1))
        .input(("input", [1.0, 2.0, 3.0], "iter"))
        .monitor("x")
        .build()
        .unwrap();
    runner.run(Steps(3)).unwrap();
    let first = rows::<f32>(&runner, "x");
    // the rows of the input are at their end, but the run starts anew
    let run = runner.run(Predict::steps(3).reset_state(true)).unwrap();
    assert_eq!(rows::<f32>(&runner, "x"), first);
    assert_eq!((run.steps, runner.i()), (3, 3));
    // what cannot run changes nothing
    assert!(runner.run(Predict::steps(4).reset_state(true)).is_err());
    assert_eq!((runner.i(), now::<f32>(&mut runner, "x")), (3, vec![9.0]));
}

fn a2_predict_shared_args(device: &str) {
    let mut runner = on(device, count(2))
        .input(Input::func("input", |s: &dsrunner::Shared| {
            s.arg("push").map_or(0.0, |push| 100.0 * push.data()[0])
        }))
        .monitor("x")
        .build()
        .unwrap();
    runner.run(Predict::steps(3).shared_arg("gain", 2.0)).unwrap();
    assert_eq!(rows::<f32>(&runner, "x"), [2.0, 2.0, 4.0, 4.0, 6.0, 6.0]);
    runner.run(Predict::steps(1).shared_arg("push", 1.0)).unwrap();
    assert_eq!(rows::<f32>(&runner, "x"), [107.0, 107.0]);
    runner.run(Steps(1)).unwrap();
    assert_eq!(rows::<f32>(&runner, "x"), [108.0, 108.0]);
    let mut deaf = on(device, count(2)).build().unwrap();
    assert_eq!(
        error(deaf.run(Predict::steps(1).shared_arg("gian", 2.0))),
        "no shared argument or parameter `gian`; did you mean `gain`?"
    );
    assert_eq!(deaf.i(), 0);
}

fn a2_eval_time_ends_with_the_device(device: &str) {
    let mut runner = on(device, keep(10)).build().unwrap();
    let before = std::time::Instant::now();
    let run = runner.run(Steps(50)).unwrap();
    assert!(run.elapsed <= before.elapsed() && run.elapsed.as_nanos() > 0);
}

#[test]
fn batches_that_cannot_be() {
    let inner = count(1);
    let name = inner.name().to_string();
    assert_eq!(
        error(on("cpu", Network::new().with("b", Batch::new(inner.clone(), 2))).build()),
        format!(
            "node `{name}`: it is a batch within another system; make the runner's target the batch"
        )
    );
    assert_eq!(
        error(on("cpu", Batch::new(inner.clone(), 2).first_replica(u32::MAX)).build()),
        format!(
            "node `{name}`: its last replica has number 4294967296, but the largest is 4294967295; give `first_replica` a smaller \
             number"
        )
    );
    assert!(on("cpu", Batch::new(inner.clone(), 2).first_replica(u32::MAX - 1)).build().is_ok());
    // data are told by the shape in which they are given
    let mut batch = on("cpu", Batch::new(neurons::lif(6), 2)).build().unwrap();
    assert_eq!(
        error(batch.run(Predict::data(arr2(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])))),
        "input: a value of shape [2, 3] does not broadcast to shape [2, 3, 6]; give a scalar or an array of shape [2, 3, 6]"
    );
    assert_eq!(
        error(on("cpu", Batch::new(inner, 0)).build()),
        format!("node `{name}`: it is a batch of 0 replicas; a batch needs at least one")
    );
    let model = Model::from_wgsl(
        "One",
        "struct State { x: f32 } fn update(s: State) -> State { return s; }",
    );
    let group = Group::new(&model.unwrap(), 3).init("x", arr2(&[[1.0], [2.0]]));
    assert_eq!(
        error(on("cpu", Batch::new(group, 3)).build()),
        "x: a value of shape [2, 1] does not broadcast to shape [3, 3]; give a scalar or an array of shape [3, 3]"
    );
}

on_every_engine!(
    a1_batch_copies_are_what_they_are_alone,
    a1_batch_values_per_copy,
    a1_data_first_axis,
    a2_eval_time_ends_with_the_device,
    a2_predict_reset_state,
    a2_predict_returns_the_outputs,
    a2_predict_shared_args,
    a2_predict_with_data,
);
