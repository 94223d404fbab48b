//! Bad input: each a typed error before anything runs, with a text that helps.

use dsrunner::{
    Connect, DSRunner, Error, Group, Init, Input, Method, Model, Monitor, Network, Projection,
    neurons, odes, outputs, synapses,
};

fn model(text: &str) -> Error {
    Model::from_file("Mine", "mine.wgsl", text).unwrap_err()
}

fn build(target: impl dsrunner::DynamicalSystem + 'static) -> Error {
    DSRunner::builder(target).device("cpu").build().unwrap_err()
}

#[track_caller]
fn says(error: &Error, text: &str) {
    assert_eq!(error.to_string(), text);
}

#[track_caller]
fn mentions(error: &Error, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{text}\n\ndoes not contain\n{part}");
    }
}

#[test]
fn a_syntax_error_in_a_model() {
    let error = model(
        "struct State { x: f32 }\n\nfn update(s: State) -> State {\n    return State(s.x +);\n}\n",
    );
    assert!(matches!(error, Error::ModelSyntax { .. }));
    says(
        &error,
        "model `Mine`: expected expression, found \")\"
 --> mine.wgsl:4:23
4 |     return State(s.x +);
  |                       ^",
    );
}

#[test]
fn a_type_error_in_a_model() {
    let error = model(
        "struct State { x: f32 }\nfn update(s: State) -> State {\n    let n: i32 = s.x;\n    return s;\n}\n",
    );
    assert!(matches!(error, Error::ModelSyntax { .. }));
    mentions(
        &error,
        &[
            "model `Mine`: ",
            "i32",
            "f32",
            "--> mine.wgsl:3:9\n3 |     let n: i32 = s.x;\n  |         ^",
        ],
    );
}

#[test]
fn errors_stay_in_the_users_text() {
    // the text ends too early, so naga stumbles over the library behind it
    let error = model("struct State { x: f32 }\nfn update(s: State) -> State {\n    return s;\n");
    mentions(&error, &["model `Mine`: ", "--> mine.wgsl:4:1"]);
    // a name that the library has
    let error = model(
        "struct State { x: f32 }\nfn steps(x: f32) -> f32 { return x; }\nfn update(s: State) -> State { return s; }\n",
    );
    mentions(&error, &["redefinition of `steps`", "--> mine.wgsl:2:4\n2 | fn steps"]);
    // a name of a built-in function, which the library calls
    let error = model(
        "struct State { x: f32 }\nfn abs(x: f32) -> f32 { return x; }\nfn update(s: State) -> State { return s; }\n",
    );
    mentions(
        &error,
        &[
            "model `Mine`: `abs` is a built-in function\n",
            "--> mine.wgsl:2:",
            "help: give your function another name: the library calls the built-in one",
        ],
    );
}

#[test]
fn an_error_that_only_the_validator_finds() {
    let error = model(
        "struct State { x: f32 }\nfn update(s: State) -> State {\n    if s.x > 0.0 { return s; }\n}\n",
    );
    mentions(&error, &["model `Mine`: ", "--> mine.wgsl:2:"]);
}

#[test]
fn a_state_member_without_a_derivative() {
    let error = model(
        "struct State {\n    V: f32,\n    w: f32,\n}\nstruct Derivative { V: f32 }\n\
         fn derivative(s: State) -> Derivative { return Derivative(-s.V); }\n",
    );
    assert!(matches!(error, Error::ModelContract { .. }));
    says(
        &error,
        "model `Mine`: state member `w` has no derivative
 --> mine.wgsl:3:5
3 |     w: f32,
  |     ^
help: add `w: f32` to `Derivative` (0 where only `update` or `reset` changes it)",
    );
}

#[test]
fn other_breaches_of_the_contract() {
    for (text, parts) in [
        ("fn f() -> f32 { return 1.0; }", &["there is no structure `State`"][..]),
        (
            "struct State { x: f32 }",
            &["nothing changes the state", "fn derivative(s: State, ..) -> Derivative"],
        ),
        (
            "struct State { v: vec2<f32> }\nfn update(s: State) -> State { return s; }",
            &[
                "member `v` of `State` is not a scalar",
                "mine.wgsl:1:16",
                "write a vector as several members",
            ],
        ),
        (
            "struct State { x: f32 }\nfn update(s: State) -> f32 { return s.x; }",
            &["function `update` returns `f32`", "mine.wgsl:2:1", "it must return `State`"],
        ),
        (
            "struct State { x: f32 }\nfn update(s: State, k: f32) -> State { return s; }",
            &["function `update` cannot be given its argument `k: f32`", "told apart by type"],
        ),
        (
            "struct State { x: f32 }\nfn update(s: State) -> State { return s; }\n\
             fn reset(s: State) -> State { return s; }",
            &["there is a function `reset`, but no `threshold`"],
        ),
        (
            "struct Params { x: f32 }\nstruct State { x: f32 }\nfn update(s: State) -> State { return s; }",
            &["`x` is a name twice", "mine.wgsl:2:16"],
        ),
        (
            "struct State { x: f32 }\nstruct Derivative { y: f32 }\n\
             fn derivative(s: State) -> Derivative { return Derivative(1.0); }",
            &["member `y` of `Derivative` is no f32 member of `State`", "mine.wgsl:2:21"],
        ),
        (
            "struct State { x: f32 }\nvar<private> counter: i32;\nfn update(s: State) -> State { return s; }",
            &["`counter` is a module-scope variable", "mine.wgsl:2:"],
        ),
        (
            "struct State { x: f32 }\nfn update(s: State) -> State { return s; }\n\
             @compute @workgroup_size(1) fn go() {}",
            &["`go` is an entry point"],
        ),
    ] {
        let error = model(text);
        assert!(matches!(error, Error::ModelContract { .. }), "{error}");
        mentions(&error, parts);
    }
    mentions(
        &Model::from_wgsl("2fast", "").unwrap_err(),
        &["the name `2fast` is not an identifier"],
    );
}

fn pair() -> Network {
    Network::new().with("E", neurons::lif(4)).with("I", neurons::lif(2))
}

#[test]
fn an_unknown_path() {
    let monitor = DSRunner::builder(pair()).monitor("E.v").device("cpu").build().unwrap_err();
    assert!(matches!(monitor, Error::UnknownPath { .. }));
    says(&monitor, "no variable `E.v`; did you mean `E.V`?");
    let input =
        DSRunner::builder(pair()).input(("E.inptu", 1.0)).device("cpu").build().unwrap_err();
    says(&input, "no variable `E.inptu`; did you mean `E.input`?");
    let mut runner = DSRunner::builder(pair()).device("cpu").build().unwrap();
    mentions(
        &runner.get::<f32>("zzz").unwrap_err(),
        &["no variable or parameter `zzz`; there are `E.V`, "],
    );
    says(&build(neurons::lif(3).param("taum", 5.0)), "no parameter `taum`; did you mean `tau`?");
    says(&build(neurons::lif(3).init("v", 5.0)), "no state variable `v`; did you mean `V`?");
}

#[test]
fn shapes_that_do_not_broadcast() {
    let error = build(neurons::lif(4).param("tau", vec![1.0, 2.0, 3.0]));
    assert!(matches!(error, Error::Shape { .. }));
    says(
        &error,
        "tau: a value of shape [3] does not broadcast to shape [4]; give a scalar or an array of shape [4]",
    );
    mentions(
        &build(neurons::lif(4).init("V", vec![0.0; 5])),
        &["V: a value of shape [5]", "shape [4]"],
    );
    let error = DSRunner::builder(pair())
        .input(("E.input", vec![0.0; 3]))
        .device("cpu")
        .build()
        .unwrap_err();
    mentions(&error, &["E.input: a value of shape [3] does not broadcast to shape [4]"]);
    let rows = ndarray::Array2::<f64>::zeros((10, 3));
    let error = DSRunner::builder(pair())
        .input(Input::iter("E.input", rows))
        .device("cpu")
        .build()
        .unwrap_err();
    mentions(&error, &["E.input: a value of shape [10, 3] does not broadcast to shape [10, 4]"]);
    let group = neurons::lif(4);
    let all = Projection::new(&group, &group).weight(vec![1.0; 15]);
    mentions(
        &build(Network::new().with("p", all).with("g", group)),
        &["p.weight: a value of shape [15]", "[16]"],
    );
}

#[test]
fn monitors_that_clash() {
    let builder = || DSRunner::builder(pair()).device("cpu");
    let error = builder().monitors(["E.V", "E.V"]).build().unwrap_err();
    assert!(matches!(error, Error::Monitor { .. }));
    says(
        &error,
        "monitor `E.V`: there are two monitors of this key; give one of them another by `.named(..)`",
    );
    let error = builder().monitor(Monitor::of("E.V").named("ts")).build().unwrap_err();
    mentions(&error, &["monitor `ts`: the key `ts` is reserved"]);
    let error = builder().monitor(("E.V", 4)).build().unwrap_err();
    mentions(&error, &["monitor `E.V`: index 4 is out of range for 4 elements; give -4 to 3"]);
    let error = builder().monitor("E.tau").build().unwrap_err();
    mentions(&error, &["monitor `E.tau`: it is a parameter"]);
}

#[test]
fn a_bad_dt() {
    for (dt, given) in [
        (0.0, "0"),
        (-0.1, "-0.1"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "inf"),
        (1e-50, "1e-50"),
        (1e60, "1e60"),
    ] {
        let error = DSRunner::builder(pair()).dt(dt).device("cpu").build().unwrap_err();
        assert!(matches!(error, Error::Setting { setting: "dt", .. }));
        says(&error, &format!("`dt` is {given}, but must be above 0 and within the range of f32"));
    }
    let error = DSRunner::builder(pair()).t0(f64::NAN).device("cpu").build().unwrap_err();
    says(&error, "`t0` is NaN, but must be finite");
}

#[test]
fn an_empty_group() {
    let error = build(Network::new().with("E", neurons::lif(0)));
    assert!(matches!(error, Error::Node { .. }));
    says(&error, "node `E`: it has no elements (shape [0]); a group needs at least one");
    mentions(&build(Network::new()), &["it contains no group"]);
}

#[test]
fn inputs_that_make_no_sense() {
    let builder = || DSRunner::builder(pair()).device("cpu");
    for (input, message) in [
        (
            Input::from(("E.V", 1.0, "fixed")),
            "`fixed` is no type of input; there are `fix`, `iter` and `func`",
        ),
        (
            Input::from(("E.V", 1.0, "fix", "^")),
            "`^` is no operation; there are `+`, `-`, `*`, `/` and `=`",
        ),
        (Input::from(("E.V", 1.0, "iter")), "type `iter` needs an array whose first axis is time"),
        (Input::from(("E.V", 1.0, "func")), "type `func` needs a closure"),
        (
            Input::from(("E.V", |s: &dsrunner::Shared| s.t)),
            "the value is a closure; give the type `func`",
        ),
        (Input::fix("E.spike", 1.0), "`spike` is a result and cannot be an input's target"),
        (Input::fix("E.tau", 1.0), "it is a parameter, which inputs cannot change"),
    ] {
        let error = builder().input(input).build().unwrap_err();
        assert!(matches!(error, Error::Input { .. }));
        mentions(&error, &["input to `E.", message]);
    }
}

#[test]
fn numbers_and_shapes_beyond_what_a_device_holds() {
    let group = neurons::lif(2);
    let all = |weight: f64| Projection::new(&group, &group).weight(weight);
    for weight in [1e39, 1e300, 1e308] {
        let net = Network::new().with("p", all(weight)).with("g", group.clone());
        mentions(
            &build(net),
            &["node `p`: weights whose sum at one target is ", "an f32 holds at most"],
        );
    }
    mentions(
        &build(neurons::lif(2).param("tau", 1e300)),
        &["tau", "1e300 is beyond the range of f32"],
    );
    mentions(&build(neurons::lif(2).init("V", -1e39)), &["V", "-1e39 is beyond the range of f32"]);
    for shape in [vec![1 << 40, 1 << 30], vec![1 << 42], vec![usize::MAX, 2]] {
        let error = build(neurons::lif(shape));
        assert!(matches!(error, Error::Limit { .. }), "{error}");
        mentions(&error, &["group `LIF", "use fewer elements"]);
    }
    let rows = ndarray::Array2::<f64>::zeros((5, 0));
    let error = DSRunner::builder(pair())
        .input(Input::iter("E.input", rows))
        .device("cpu")
        .build()
        .unwrap_err();
    mentions(&error, &["E.input: a value of shape [5, 0] does not broadcast to shape [5, 4]"]);
    let given =
        Projection::new(&group, &group).connect(Connect::coo([0, 0], [0, 1]).without_self());
    mentions(
        &build(Network::new().with("p", given).with("g", group)),
        &["node `p`: `without_self` with pairs that are given"],
    );
}

#[test]
fn nodes_that_do_not_fit() {
    let (e, i) = (neurons::lif(4), neurons::lif(2));
    let outside = Projection::new(&e, &i);
    mentions(
        &build(Network::new().with("P", outside).with("I", i.clone())),
        &["node `P`: its source `LIF", "is not part of the system"],
    );
    let changed = Projection::new(&e, &i);
    mentions(
        &build(
            Network::new()
                .with("P", changed)
                .with("E", e.clone().param("tau", 1.0))
                .with("I", i.clone()),
        ),
        &["was changed after the projection was made"],
    );
    let one = Projection::new(&e, &i).connect(Connect::one_to_one());
    mentions(
        &build(Network::new().with("P", one).with("E", e.clone()).with("I", i.clone())),
        &["node `P`: one-to-one connectivity from 4 elements to 2"],
    );
    let lorenz = odes::lorenz(2);
    let silent = Projection::new(&lorenz, &i);
    mentions(
        &build(Network::new().with("P", silent).with("L", lorenz).with("I", i.clone())),
        &["its source `L` does not spike; model `Lorenz` needs a function `threshold`"],
    );
    let wrong = Projection::new(&e, &i).output(synapses::expon());
    mentions(
        &build(Network::new().with("P", wrong).with("E", e.clone()).with("I", i.clone())),
        &["model `Expon` cannot be an output: it has no function `current`"],
    );
    let no_synapse = Projection::new(&e, &i).synapse(outputs::cuba());
    mentions(
        &build(Network::new().with("P", no_synapse).with("E", e.clone()).with("I", i.clone())),
        &["model `CUBA` cannot be a synapse"],
    );
    let heavy = Projection::new(&e, &i).weight(f64::NAN);
    mentions(
        &build(Network::new().with("P", heavy).with("E", e.clone()).with("I", i.clone())),
        &["node `P`: weight NaN; weights must be finite"],
    );
    mentions(
        &build(Network::new().with("a", e.clone()).with("a", i)),
        &["the name `a` is the path of two children"],
    );
    let inner = Network::new().with("a", e.clone()).with("a", e.clone());
    mentions(
        &build(Network::new().with("n", inner)),
        &["the name `n.a` is the path of two children"],
    );
    mentions(&build(Network::new().with("a.b", e)), &["the name `a.b` cannot be a child's name"]);
}

#[test]
fn settings_that_a_model_does_not_have() {
    mentions(
        &build(odes::lorenz(3).method(Method::EXACT)),
        &["model `Lorenz` has no function `exact`, which the method `exact` needs"],
    );
    let map = Model::from_wgsl(
        "Map",
        "struct Params { r: f32 } struct State { x: f32 }
         fn update(s: State, p: Params) -> State { return State(p.r * s.x * (1.0 - s.x)); }",
    )
    .unwrap();
    mentions(
        &build(Group::new(&map, 2).param("r", 3.5).method(Method::RK4)),
        &["model `Map` has no function `derivative`, which the method `rk4` needs"],
    );
    mentions(&build(Group::new(&map, 2)), &["parameter `r` has no value", "`.param(\"r\", ..)`"]);
    mentions(
        &build(neurons::lif(2).init("V", Init::normal(0.0, -1.0))),
        &["normal(0, -1)", "at least 0"],
    );
    mentions(&build(neurons::lif(2).init("V", Init::uniform(1.0, 0.0))), &["low before high"]);
    let taken = neurons::lif(1).named("taken_name").unwrap();
    mentions(&neurons::lif(1).named("taken_name").unwrap_err(), &["belongs to another node"]);
    drop(taken);
}
