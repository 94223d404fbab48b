//! Loops that do not end, and such as take long.

use std::time::{Duration, Instant};

use dsrunner::{
    DSRunner, DynamicalSystem, Error, Group, Kernel, Method, Model, Network, Steps, neurons,
};

use crate::child::case;

const STATE: &str = "struct Params { p: f32 }\nstruct State { x: f32 }\nstruct Derivative { x: f32 }\nstruct Derived { d: f32 }\n";

/// A model in which all functions are plain but one, whose loop is on line 6.
fn model(function: &str) -> Model {
    let endless = "\nvar y = 1.0;\nwhile y > 0.0 { y += 1.0; }\n";
    let body = |name: &str| if name == function { endless } else { "" };
    let mut text = STATE.to_string();
    // the one with the loop first, so that its lines are known
    let mut functions = [
        ("defaults", "() -> Params", "return Params(1.0);"),
        ("initial", "() -> State", "return State(1.0);"),
        ("derive", "(p: Params) -> Derived", "return Derived(1.0);"),
        ("derivative", "(s: State) -> Derivative", "return Derivative(-s.x);"),
        ("update", "(s: State) -> State", "return s;"),
        ("threshold", "(s: State) -> bool", "return s.x > 0.0;"),
        ("reset", "(s: State) -> State", "return s;"),
    ];
    functions.sort_by_key(|(name, ..)| *name != function);
    for (name, arguments, result) in functions {
        text.push_str(&format!("fn {name}{arguments} {{{}{result} }}\n", body(name)));
    }
    Model::from_wgsl("Endless", &text).unwrap()
}

fn builder(target: impl DynamicalSystem + 'static) -> dsrunner::RunnerBuilder {
    DSRunner::builder(target).device("cpu").progress_bar(false).outputs(false)
}

fn endless<T>(what: &str, result: Result<T, Error>) -> (String, u32, Option<usize>) {
    match result {
        Ok(_) => panic!("{what}: it ended"),
        Err(Error::EndlessLoop { function, limit, location, .. }) => {
            (function, limit, location.map(|location| location.line))
        }
        Err(error) => panic!("{what}: an error of another kind: {error}"),
    }
}

/// The function and the line are told, before the first step has changed anything.
#[test]
fn in_each_function() {
    case(|| {
        for function in
            ["defaults", "initial", "derive", "derivative", "update", "threshold", "reset"]
        {
            let group = Group::new(&model(function), 3).method(Method::RK4);
            let outcome = builder(group).build().and_then(|mut runner| {
                let outcome = runner.run(1.0);
                assert_eq!((runner.i(), runner.get::<f32>("x")?.sum()), (0, 3.0));
                outcome
            });
            let found = endless(function, outcome);
            assert_eq!(found, (function.to_string(), 1 << 20, Some(7)));
        }
    });
}

/// A loop of a helper, one within another, one that only some elements do not leave.
#[test]
fn wherever_they_are() {
    case(|| {
        let update = |before: &str, body: &str| {
            let text = format!(
                "struct State {{ x: f32 }}\n{before}\nfn update(s: State) -> State {{ {body} }}"
            );
            Model::from_wgsl("Endless", &text).unwrap()
        };
        for (what, model, line) in [
            (
                "a helper's",
                update(
                    "fn f(x: f32) -> f32 { var y = x;\nloop { y += 1.0; if y < 0.0 { break; } } return y; }",
                    "return State(f(s.x));",
                ),
                3,
            ),
            (
                "the outer one",
                update(
                    "",
                    "var y = 0.0; loop {\nfor (var k = 0; k < 10; k++) { y += 1.0; }\nif y < 0.0 { break; } } return State(y);",
                ),
                0,
            ),
            (
                "one that counts for long",
                update(
                    "",
                    "var y = 0.0;\nfor (var k = 0u; k < 4000000000u; k++) { y += 1.0; } return State(y);",
                ),
                4,
            ),
            (
                "within others that count",
                update(
                    "",
                    "var y = 0.0; for (var k = 0u; k < 3000u; k++) {\nfor (var l = 0u; l < 3000u; l++) { y += 1.0; } } return State(y);",
                ),
                0,
            ),
            (
                "that of some",
                update("", "var y = s.x;\nwhile y < 0.0 { y -= 1.0; } return State(y);"),
                4,
            ),
        ] {
            for threads in [1, 2] {
                let mut start = vec![1.0; 20_000];
                start[4321] = -1.0;
                let group = Group::new(&model, 20_000).init("x", start);
                let mut runner = builder(group).threads(threads).build().unwrap();
                let (.., found) = endless(what, runner.run(1.0));
                assert!(line == 0 || found == Some(line), "{what}: {found:?}");
                // the same state as before, from which one may go on
                assert_eq!((runner.i(), runner.get::<f32>("x").unwrap().sum()), (0, 19_998.0));
                if what == "that of some" {
                    runner.set("x", 1.0).unwrap();
                    runner.run(1.0).unwrap();
                    assert_eq!(runner.i(), 10);
                }
            }
        }
    });
}

/// As many iterations as are allowed; a loop that ends by its condition counts that too.
#[test]
fn the_limit_is_what_it_says() {
    case(|| {
        let text = "struct Params { n: u32 }\nstruct State { x: f32 }\nfn update(s: State, p: Params) -> State {
            var y = 0.0; for (var k = 0u; k < p.n; k++) { y += 1.0; } return State(y); }";
        let model = Model::from_wgsl("Counts", text).unwrap();
        for jit in [true, false] {
            let group = Group::new(&model, 40).param("n", 999);
            let mut runner = builder(group).loop_limit(1000).jit(jit).build().unwrap();
            runner.run(Steps(3)).unwrap();
            assert_eq!(runner.get::<f32>("x").unwrap()[[39]], 999.0);
            runner.set("n", 1000).unwrap();
            assert_eq!(endless("one more", runner.run(Steps(1))).1, 1000);
            runner.set("n", 999).unwrap();
            runner.run(Steps(1)).unwrap();
            assert_eq!(runner.i(), 4);
        }
    });
}

#[test]
fn in_a_kernel() {
    case(|| {
        let text = "@group(0) @binding(0) var<storage, read_write> x: array<f32>;
            @compute @workgroup_size(64) fn k(@builtin(global_invocation_id) id: vec3<u32>) {
                if id.x < 10u { while x[id.x] > -1.0 { x[id.x] += 1.0; } }
            }";
        for jit in [true, false] {
            let cells = neurons::lif(10);
            let kernel = Kernel::from_wgsl("k", text).unwrap().bind("x", "cells.V");
            let net = Network::new().with("cells", cells).with("kernel", kernel);
            let mut runner = builder(net).loop_limit(10_000).jit(jit).build().unwrap();
            let (function, limit, _) = endless("a kernel's", runner.run(1.0));
            assert_eq!((function.as_str(), limit, runner.i()), ("k", 10_000, 0));
            assert_eq!(runner.get::<f32>("cells.V").unwrap().sum(), 0.0);
        }
    });
}

/// A run is cancelled while a step takes long, and leaves the state as it was.
#[test]
fn cancelled_in_the_midst() {
    case(|| {
        let text = "struct Params { n: u32 }\nstruct State { x: f32 }\nfn update(s: State, p: Params) -> State {
            var y = 0.0; for (var k = 0u; k < p.n; k++) { y += 1.0; } return State(y); }";
        let model = Model::from_wgsl("Long", text).unwrap();
        // some minutes a step
        let group = Group::new(&model, 1_000_000).param("n", 1_000_000).init("x", 7.0);
        let mut runner = builder(group).threads(1).build().unwrap();
        let handle = runner.cancel_handle();
        let timer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(200));
            handle.cancel();
        });
        let started = Instant::now();
        let run = runner.run(Steps(1000)).unwrap();
        timer.join().unwrap();
        assert!(run.cancelled && started.elapsed() < Duration::from_secs(20), "{run:?}");
        let x = runner.get::<f32>("x").unwrap();
        assert!(run.steps == 0 && x.iter().all(|&x| x == 7.0));
        // and goes on
        runner.set("n", 3).unwrap();
        runner.run(Steps(1)).unwrap();
        assert_eq!(runner.get::<f32>("x").unwrap()[[999_999]], 3.0);
    });
}
