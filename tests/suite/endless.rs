//! Loops that do not end, or go round more often than is allowed: an error that names the loop, and the state of before.

use dsrunner::{
    Connect, DSRunner, DynamicalSystem, Error, Group, Kernel, Method, Model, Network, Projection,
    RunnerBuilder, Steps, neurons, synapses,
};

use crate::engines::on_every_engine;

fn builder(device: &str, target: impl DynamicalSystem + 'static) -> RunnerBuilder {
    DSRunner::builder(target).device(device).progress_bar(false).outputs(false)
}

/// Node, function, limit and line of the loop.
fn endless<T>(result: Result<T, Error>) -> (String, String, u32, usize) {
    match result {
        Err(Error::EndlessLoop { node, function, limit, location, .. }) => {
            (node, function, limit, location.map_or(0, |location| location.line))
        }
        Err(error) => panic!("an error of another kind: {error}"),
        Ok(_) => panic!("it ended"),
    }
}

/// The loop of a function of its own ends where x is positive.
fn waits() -> Model {
    let text = "struct State { x: f32 }
        fn down(x: f32) -> f32 {
            var y = x;
            loop {
                y -= 1.0;
                continuing { break if y > -1.0; }
            }
            return y;
        }
        fn update(s: State) -> State { if s.x > 0.0 { return s; } return State(down(s.x)); }";
    Model::from_wgsl("Waits", text).unwrap()
}

/// One element of the second of two members of a population.
fn one_element_of_many(device: &str) {
    let member = |count| Group::new(&waits(), count).init("x", 2.0);
    let network = Network::new().with("a", member(300)).with("b", member(777));
    let mut runner = builder(device, network).loop_limit(5000).build().unwrap();
    runner.run(Steps(10)).unwrap();
    let mut x = vec![2.0; 777];
    x[700] = -1.0;
    runner.set("b.x", x).unwrap();
    for _ in 0..2 {
        let found = endless(runner.run(Steps(10)));
        assert_eq!(found, ("b".into(), "down".into(), 5000, 4));
        let sum = runner.get::<f32>("b.x").unwrap().sum();
        assert_eq!((runner.i(), sum), (10, 2.0 * 776.0 - 1.0));
    }
    runner.set("b.x", 1.0).unwrap();
    runner.run(Steps(10)).unwrap();
    assert_eq!(runner.i(), 20);
}

/// The chunks before stay, with the spikes that are under way, and inputs are not added twice.
fn the_state_is_that_of_before(device: &str) {
    let late = Model::from_wgsl(
        "Late",
        "struct State { x: f32 }
         struct Params { last: f32 }
         fn update(s: State, p: Params) -> State {
             var x = s.x + 1.0;
             while x > p.last { x += 1.0; if x > 1e6 { x = p.last + 1.0; } }
             return State(x);
         }",
    )
    .unwrap();
    let state = |device: &str| {
        let cells = neurons::lif(50).init("V", 5.0);
        let all = Projection::new(&cells, &cells).connect(Connect::all_to_all()).delay(0.5);
        let all = all.weight(0.01).synapse(synapses::expon());
        let late = Group::new(&late, 1).param("last", 25.0);
        let network = Network::new().with("cells", cells).with("all", all).with("late", late);
        let inputs = ("cells.input", 30.0);
        let mut runner = builder(device, network).input(inputs).build().unwrap();
        // a chunk for each run
        let mut runs = (0..4).map(|_| runner.run(Steps(10)));
        let (node, function, ..) = endless(runs.find(Result::is_err).unwrap());
        assert_eq!((node.as_str(), function.as_str(), runner.i()), ("late", "update", 20));
        runner.set("late.last", 1e6).unwrap();
        runner.run(Steps(200)).unwrap();
        runner.get::<f32>("cells.V").unwrap().iter().copied().collect::<Vec<_>>()
    };
    assert_eq!(state(device), state("cpu"));
}

/// As many iterations as are allowed, all loops together; the check at the end of a loop counts.
fn the_limit_is_what_it_says(device: &str) {
    let text = "struct Params { n: u32 }\nstruct State { x: f32 }
        fn update(s: State, p: Params) -> State {
            var y = 0.0;
            for (var k = 0u; k < p.n; k++) { y += 1.0; }
            for (var k = 0u; k < 9u; k++) { y += 1.0; }
            return State(y);
        }";
    let model = Model::from_wgsl("Counts", text).unwrap();
    for jit in [true, false] {
        let group = Group::new(&model, 40).param("n", 989);
        let mut runner = builder(device, group).loop_limit(1000).jit(jit).build().unwrap();
        runner.run(Steps(3)).unwrap();
        assert_eq!(runner.get::<f32>("x").unwrap()[[39]], 998.0);
        runner.set("n", 990).unwrap();
        assert_eq!(endless(runner.run(Steps(1))).2, 1000);
        runner.set("n", 989).unwrap();
        runner.run(Steps(1)).unwrap();
        assert_eq!(runner.i(), 4);
    }
    // one that is known to end, but later
    let group = Group::new(&model, 40).param("n", 0);
    let mut runner = builder(device, group).loop_limit(8).build().unwrap();
    assert_eq!(endless(runner.run(Steps(1))).2, 8);
}

/// What a device ends sooner than it should is an error, or right.
fn a_device_does_not_end_them_in_silence(device: &str) {
    let once = "for (var k = 0u; k < p.n; k++) { y += 1.0; }";
    let one_after_the_other = "
        if (r.element & 1u) == 0u { for (var k = 0u; k < p.n; k++) { y += 1.0; } }
        if (r.element & 1u) == 1u { for (var k = 0u; k < p.n; k++) { y += 1.0; } }";
    let known = "for (var k = 0u; k < 100000u; k++) { y += 1.0; }";
    for (what, body, n) in [
        ("once", once, 60_000),
        ("too long for some", once, 100_000),
        ("one after the other", one_after_the_other, 4_000),
        ("all too long", one_after_the_other, 40_000),
        ("known", known, 100_000),
    ] {
        let text = format!(
            "struct Params {{ n: u32 }}\nstruct State {{ x: f32 }}
             fn update(s: State, p: Params, r: Random) -> State {{ var y = 0.0; {body} return State(y); }}"
        );
        let model = Model::from_wgsl("Long", &text).unwrap();
        let mut runner = builder(device, Group::new(&model, 40).param("n", n)).build().unwrap();
        match runner.run(Steps(2)) {
            Ok(_) => assert_eq!(
                runner.get::<f32>("x").unwrap().as_slice(),
                Some(&[n as f32; 40][..]),
                "{what}"
            ),
            Err(error) => {
                let help = error.to_string();
                assert!(help.contains("use the CPU engine"), "{what}: {help}");
                assert!(what != "once" && what != "one after the other", "{what}: {help}");
                assert!(runner.device().contains("llvmpipe"), "{what}: {}", runner.device());
                assert_eq!(runner.get::<f32>("x").unwrap().sum(), 0.0, "{what}");
            }
        }
    }
}

/// In every function of a step, with whatever method.
fn in_each_function(device: &str) {
    let functions = [
        ("derivative", "(s: State) -> Derivative", "return Derivative(-s.x);"),
        ("threshold", "(s: State) -> bool", "return s.x > 0.0;"),
        ("reset", "(s: State) -> State", "return s;"),
    ];
    for (endless_one, ..) in functions {
        let mut text = "struct State { x: f32 }\nstruct Derivative { x: f32 }\n".to_string();
        for (name, arguments, result) in functions {
            let body = match name == endless_one {
                true => "var y = 1.0; while y > 0.0 { y += 1.0; }",
                false => "",
            };
            text += &format!("fn {name}{arguments} {{ {body} {result} }}\n");
        }
        let group = Group::new(&Model::from_wgsl("Endless", &text).unwrap(), 3).init("x", 1.0);
        let mut runner =
            builder(device, group.method(Method::RK4)).loop_limit(3000).build().unwrap();
        let (_, function, limit, _) = endless(runner.run(1.0));
        assert_eq!((function.as_str(), limit), (endless_one, 3000));
        assert_eq!((runner.i(), runner.get::<f32>("x").unwrap().sum()), (0, 3.0));
    }
}

/// In a kernel beside others, with as many arrays as one may have.
fn in_a_kernel(device: &str) {
    let plain = "@group(0) @binding(0) var<storage, read_write> x: array<f32>;
        @compute @workgroup_size(64) fn plain(@builtin(global_invocation_id) id: vec3<u32>) {
            if id.x < 10u { x[id.x] += 1.0; }
        }";
    let arrays: String = (0..7)
        .map(|k| format!("@group(0) @binding({k}) var<storage, read_write> x{k}: array<f32>;\n"))
        .collect();
    let text = format!(
        "{arrays}@group(0) @binding(7) var<uniform> random: Random;
        @compute @workgroup_size(64) fn k(@builtin(global_invocation_id) id: vec3<u32>) {{
            var r = random;
            r.element = id.x;
            if id.x < 10u {{
                while x0[id.x] > -1.0 && x3[id.x] < 1e9 {{
                    x0[id.x] += x1[id.x] + x2[id.x] + x4[id.x] + x5[id.x] + x6[id.x] + random_uniform(r, 0u);
                }}
            }}
        }}"
    );
    for jit in [true, false] {
        let plain = Kernel::from_wgsl("plain", plain).unwrap().bind("x", "cells0.V");
        let mut kernel = Kernel::from_wgsl("k", &text).unwrap();
        let mut network = Network::new();
        for k in 0..7 {
            network = network.with(&format!("cells{k}"), neurons::lif(10));
            kernel = kernel.bind(&format!("x{k}"), format!("cells{k}.V").as_str());
        }
        let network = network.with("plain", plain).with("kernel", kernel);
        let mut runner = builder(device, network).loop_limit(300).jit(jit).build().unwrap();
        let (node, function, limit, _) = endless(runner.run(1.0));
        assert_eq!((node.as_str(), function.as_str(), limit), ("kernel", "k", 300));
        assert_eq!((runner.i(), runner.get::<f32>("cells0.V").unwrap().sum()), (0, 0.0));
    }
}

on_every_engine!(
    one_element_of_many,
    the_state_is_that_of_before,
    the_limit_is_what_it_says,
    a_device_does_not_end_them_in_silence,
    in_each_function,
    in_a_kernel,
);
