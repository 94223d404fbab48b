//! Stages of a step: couplings read what earlier stages left, kernels write inputs in time, a node has one stage.

use dsrunner::{
    Connect, Coupling, DSRunner, DynamicalSystem, Group, Kernel, Model, Network, Projection,
    Result, RunnerBuilder, StepBuilder, Steps, neurons, synapses, wgsl,
};

use crate::engines::{all, on_every_engine};

/// `x` grows by 1 and by its input in each step.
fn count(elements: usize) -> Group {
    let text = "
        struct State { x: f32 }
        struct Input { input: f32 }
        fn update(s: State, i: Input) -> State { return State(s.x + 1.0 + i.input); }
    ";
    Group::new(&Model::from_wgsl("Count", text).unwrap(), elements)
}

/// Children with the stage that each is recorded in.
struct Staged(Vec<(&'static str, usize, Box<dyn DynamicalSystem>)>);

impl DynamicalSystem for Staged {
    fn name(&self) -> &str {
        "staged"
    }

    fn update(&self, step: &mut StepBuilder) -> Result<()> {
        for stage in 0..3 {
            for (key, _, child) in self.0.iter().filter(|(_, own, _)| *own == stage) {
                step.child(key, child.as_ref())?;
            }
            step.then();
        }
        Ok(())
    }
}

fn on(device: &str, target: impl DynamicalSystem + 'static) -> RunnerBuilder {
    DSRunner::builder(target).device(device).dt(0.5).progress_bar(false)
}

/// Steps of a run: few enough that all numbers below are exact in f32.
const STEPS: usize = 6;

/// Delays in steps, one for each target.
const DELAYS: [i64; 4] = [0, 1, 2, 3];

/// What comes to the source in each step.
fn drive() -> Vec<f64> {
    (0..STEPS).map(|k| (k * k) as f64).collect()
}

fn chain(device: &str, [source, target, arrow]: [usize; 3]) -> RunnerBuilder {
    let (s, t) = (count(1), count(DELAYS.len()));
    let coupling = Coupling::new(&s, &t, wgsl("0.5 * w * x_pre - 0.25 * x_post"))
        .weight(2.0)
        .delay(DELAYS.map(|d| 0.5 * d as f64));
    let children: Vec<(_, _, Box<dyn DynamicalSystem>)> = vec![
        ("arrow", arrow, Box::new(coupling)),
        ("s", source, Box::new(s)),
        ("t", target, Box::new(t)),
    ];
    on(device, Staged(children)).input(("s.input", drive(), "iter")).monitors(["t.input", "t.x"])
}

/// The same by hand: inputs and values of the targets after each step.
fn by_hand([source, target, arrow]: [usize; 3]) -> (Vec<f32>, Vec<f32>) {
    let mut x = vec![0.0];
    drive().iter().for_each(|drive| x.push(x[x.len() - 1] + 1.0 + drive));
    // after a step, and before the start
    let x = |step: i64| x[(step + 1).max(0) as usize];
    let (mut inputs, mut values) = (Vec::new(), Vec::new());
    let mut y = [0.0; DELAYS.len()];
    for step in 0..STEPS as i64 {
        // a coupling after its target waits for the next step
        let made = if arrow > target { step - 1 } else { step };
        let newest = if source < arrow { made } else { made - 1 };
        for (y, delay) in y.iter_mut().zip(DELAYS) {
            let input = x(newest - delay) - 0.25 * *y;
            *y += 1.0 + input;
            inputs.push(input as f32);
            values.push(*y as f32);
        }
    }
    (inputs, values)
}

fn recorded(runner: &DSRunner) -> (Vec<f32>, Vec<f32>) {
    let rows = |key| runner.mon().get::<f32>(key).unwrap().iter().copied().collect();
    (rows("t.input"), rows("t.x"))
}

fn couplings_read_what_earlier_stages_left(device: &str) {
    let stages = (0..8).map(|k| [k & 1, k >> 1 & 1, k >> 2 & 1]);
    for stages in stages.chain([[0, 2, 1], [2, 0, 1], [0, 1, 2], [1, 0, 2]]) {
        for jit in [true, false] {
            let mut runner = chain(device, stages).jit(jit).build().unwrap();
            runner.run(Steps(STEPS as u64)).unwrap();
            assert_eq!(recorded(&runner), by_hand(stages), "{stages:?}, jit {jit}");
        }
    }
}

/// A run that is divided, moved and executed in other chunks is the same run.
fn staged_couplings_go_on(device: &str) {
    for stages in [[0, 1, 1], [1, 0, 1], [0, 2, 1]] {
        let (inputs, values) = by_hand(stages);
        for other in all() {
            let mut first = chain(device, stages).chunk(1).build().unwrap();
            first.run(Steps(2)).unwrap();
            let state = first.state_dict().unwrap();
            let mut second = chain(&other, stages).build().unwrap();
            second.load_state_dict(&state, false, Default::default()).unwrap();
            second.run(Steps(STEPS as u64 - 2)).unwrap();
            let rest = 2 * DELAYS.len()..;
            assert_eq!(recorded(&second), (inputs[rest.clone()].to_vec(), values[rest].to_vec()));
        }
    }
}

/// What is added to a state variable is there at once, also after the update of its group.
fn couplings_add_to_states_in_their_stage(device: &str) {
    let (s, t) = (count(1), count(1));
    let arrow = Coupling::additive(&s, &t, "x").target("x");
    let children: Vec<(_, _, Box<dyn DynamicalSystem>)> =
        vec![("s", 0, Box::new(s)), ("t", 0, Box::new(t)), ("arrow", 1, Box::new(arrow))];
    let mut runner = on(device, Staged(children)).monitor("t.x").build().unwrap();
    runner.run(Steps(4)).unwrap();
    let x: Vec<f32> = runner.mon().get::<f32>("t.x").unwrap().iter().copied().collect();
    // 1 each step, and the source's 1, 2, 3, 4
    assert_eq!(x, [2.0, 5.0, 9.0, 14.0]);
}

/// A group that is coupled with itself by what its update made.
fn couplings_of_a_group_with_itself(device: &str) {
    let group = count(3);
    let ring = Coupling::new(&group, &group, wgsl("x_pre + 10.0 * x_post"))
        .connect(Connect::coo(vec![0, 1, 2], vec![1, 2, 0]));
    let children: Vec<(_, _, Box<dyn DynamicalSystem>)> =
        vec![("g", 0, Box::new(group)), ("ring", 1, Box::new(ring))];
    let mut staged = on(device, Staged(children)).monitor("g.x").build().unwrap();
    staged.set("g.x", [1.0, 2.0, 3.0]).unwrap();
    staged.run(Steps(4)).unwrap();
    let mut wanted = [1.0f32, 2.0, 3.0];
    let got: Vec<f32> = staged.mon().get::<f32>("g.x").unwrap().iter().copied().collect();
    for row in got.chunks(3) {
        let before = wanted;
        (0..3).for_each(|k| wanted[k] += 1.0 + before[(k + 2) % 3] + 10.0 * before[k]);
        assert_eq!(row, wanted);
    }
}

/// Writes 10 to the input of each element.
fn push(group: &Group) -> Kernel {
    let text = "
        @group(0) @binding(0) var<storage, read_write> input: array<f32>;
        @compute @workgroup_size(1)
        fn push(@builtin(global_invocation_id) id: vec3<u32>) { input[id.x] += 10.0; }
    ";
    Kernel::from_wgsl("Push", text).unwrap().bind("input", group.variable("input"))
}

fn kernels_write_inputs_before_they_are_used(device: &str) {
    let build = |kernel: usize, own: usize| {
        let group = count(2);
        let children: Vec<(_, _, Box<dyn DynamicalSystem>)> =
            vec![("push", kernel, Box::new(push(&group))), ("g", own, Box::new(group))];
        on(device, Staged(children)).monitor("g.x").build()
    };
    for (kernel, own) in [(0, 1), (0, 2), (1, 2)] {
        let mut runner = build(kernel, own).unwrap();
        runner.run(Steps(2)).unwrap();
        let x: Vec<f32> = runner.get::<f32>("g.x").unwrap().iter().copied().collect();
        assert_eq!(x, [22.0, 22.0]);
    }
    for (kernel, own) in [(0, 0), (1, 1), (1, 0), (2, 1)] {
        assert_eq!(
            build(kernel, own).unwrap_err().to_string(),
            "node `push`: it runs after the update that uses `g.input`, so what its array `input` writes there would be \
             lost; record it in an earlier stage: the kernel, `step.then()`, then the group of `g.input`"
        );
    }
    let group = count(2);
    let net = Network::new().with("push", push(&group)).with("g", group);
    assert!(on(device, net).build().is_err());
}

#[test]
fn a_node_has_one_stage() {
    let group = count(1);
    let twice: Vec<(_, _, Box<dyn DynamicalSystem>)> =
        vec![("a", 0, Box::new(group.clone())), ("b", 1, Box::new(group.named("twice").unwrap()))];
    // a name makes it another node, so that it is not the same one twice
    assert!(on("cpu", Staged(twice)).build().is_ok());
    let group = count(1).named("once").unwrap();
    let twice: Vec<(_, _, Box<dyn DynamicalSystem>)> =
        vec![("a", 0, Box::new(group.clone())), ("b", 1, Box::new(group))];
    assert_eq!(
        on("cpu", Staged(twice)).build().unwrap_err().to_string(),
        "node `once`: it stands at `a` and at `b` in different stages, but has its turn once a step; record it in one of them"
    );
}

/// What a kernel reads of an input does not depend on what is recorded: all that the update used.
fn kernels_read_all_of_an_input(device: &str) {
    let text = "
        @group(0) @binding(0) var<storage, read> input: array<f32>;
        @group(0) @binding(1) var<storage, read_write> seen: array<f32>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            if id.x < arrayLength(&seen) { seen[id.x] = input[id.x]; }
        }";
    for by_name in [false, true] {
        let run = |monitored: bool| {
            let (source, cells, seen) =
                (neurons::lif(3).init("V", 30.0), neurons::lif(3), count(3));
            let arrow = Projection::new(&source, &cells).connect(Connect::one_to_one());
            let arrow = arrow.weight(3.0).synapse(synapses::expon());
            let kernel = Kernel::from_wgsl("Look", text).unwrap().bind("seen", "seen.x");
            let kernel = match by_name {
                true => kernel.bind("input", cells.variable("input")),
                false => kernel.bind("input", "cells.input"),
            };
            let net = Network::new().with("source", source).with("cells", cells);
            let net = net.with("arrow", arrow).with("seen", seen).with("kernel", kernel);
            let mut builder = on(device, net).input(("cells.input", 0.25)).monitor("seen.x");
            if monitored {
                builder = builder.monitor("cells.input");
            }
            let mut runner = builder.build().unwrap();
            runner.run(Steps(4)).unwrap();
            runner
        };
        let runner = run(true);
        let wanted = runner.mon().get::<f32>("cells.input").unwrap();
        assert_eq!(wanted[[1, 0]], 3.25);
        for runner in [runner, run(false)] {
            assert_eq!(runner.mon().get::<f32>("seen.x").unwrap(), wanted);
        }
    }
}

on_every_engine!(
    couplings_add_to_states_in_their_stage,
    couplings_of_a_group_with_itself,
    couplings_read_what_earlier_stages_left,
    kernels_read_all_of_an_input,
    kernels_write_inputs_before_they_are_used,
    staged_couplings_go_on,
);
