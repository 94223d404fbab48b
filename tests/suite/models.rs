//! Models of users: whatever names they use and whatever WGSL they are written in.

use dsrunner::{
    Connect, DSRunner, Group, Input, Model, Network, Projection, Shared, Steps, outputs,
};

use crate::compare::near;
use crate::engines::on_every_engine;

fn runner(device: &str, target: impl dsrunner::DynamicalSystem + 'static) -> DSRunner {
    DSRunner::builder(target).dt(0.5).progress_bar(false).device(device).build().unwrap()
}

/// Names that end in digits, that generated code uses itself, and that WGSL has for functions.
const NAMES: &str = "
    struct Params { dt: f32, k1: f32, exp: f32, arena: i32 }
    struct State { x1: f32, x_2: f32, e: f32, out0: i32 }
    struct Input { input1: f32 }
    struct Derivative { e: f32, x_2: f32, x1: f32 }
    struct In { clock: f32 }
    struct Out { table: f32 }
    const LANES = 3.0;
    fn load(a: In) -> Out { return Out(a.clock * LANES); }
    fn advance(x: f32) -> f32 { return load(In(x)).table; }
    fn main(x: f32) -> f32 { return advance(x) / LANES; }
    fn defaults() -> Params { return Params(1.0, 2.0, 3.0, 4); }
    fn derivative(s: State, p: Params, x: Input) -> Derivative {
        return Derivative(p.exp, main(p.k1), p.dt + x.input1);
    }
    fn update(s: State, p: Params) -> State { return State(s.x1, s.x_2, s.e, s.out0 + p.arena); }
";

fn any_names(device: &str) {
    let group = Group::new(&Model::from_wgsl("Names2", NAMES).unwrap(), 2);
    let mut runner = runner(device, group);
    runner.set("input1", vec![0.0, 10.0]).unwrap();
    runner.run(Steps(1)).unwrap();
    for (path, wanted) in [("x1", [0.5, 5.5]), ("x_2", [1.0, 1.0]), ("e", [1.5, 1.5])] {
        let got: Vec<f32> = runner.get::<f32>(path).unwrap().iter().copied().collect();
        near(path, &got, &wanted, 1e-6).must();
    }
    assert_eq!(runner.get::<i32>("out0").unwrap().as_slice().unwrap(), [4, 4]);
    runner.set("k1", 8.0).unwrap();
    assert_eq!(runner.get::<f32>("k1").unwrap()[[]], 8.0);
}

/// Loops, switches, arrays, vectors, pointers, structures and constants.
const LANGUAGE: &str = "
    struct State { a: f32, b: f32, c: i32 }
    struct Pair { low: f32, high: f32 }
    const WEIGHTS = array<f32, 4>(0.5, -0.25, 0.125, 2.0);
    fn spread(values: array<f32, 4>) -> Pair {
        var result = Pair(values[0], values[0]);
        for (var k = 1; k < 4; k++) {
            result.low = min(result.low, values[k]);
            result.high = max(result.high, values[k]);
        }
        return result;
    }
    fn add_to(target_value: ptr<function, f32>, amount: f32) { *target_value += amount; }
    fn collatz(start: i32) -> i32 {
        var n = start;
        var count = 0;
        while n > 1 {
            switch n % 2 { case 0: { n = n / 2; } default: { n = 3 * n + 1; } }
            count++;
            if count > 100 { return -1; }
        }
        return count;
    }
    fn initial() -> State { return State(1.0, 0.0, 0); }
    fn update(s: State, r: Shared) -> State {
        var values = array<f32, 4>(s.a, s.a * 2.0, -s.a, 0.0);
        for (var k = 0u; k < 4u; k++) { values[k] = values[k] * WEIGHTS[k]; }
        let range = spread(values);
        let v = vec3<f32>(range.low, range.high, 1.0);
        var total = dot(v.xyz, vec3<f32>(1.0, 2.0, 3.0));
        add_to(&total, f32(r.i));
        return State(s.a + 1.0, total, collatz(i32(s.a) + 5));
    }
";

fn the_language(device: &str) {
    let group = Group::new(&Model::from_wgsl("Language", LANGUAGE).unwrap(), 130);
    let mut runner = DSRunner::builder(group)
        .monitors([("b", 129), ("c", 129)])
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    runner.run(Steps(8)).unwrap();
    let collatz = |start: i32| {
        let (mut n, mut count) = (start, 0);
        while n > 1 {
            n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
            count += 1;
        }
        count
    };
    let wanted: Vec<f64> = (0..8)
        .map(|i| {
            // the smallest of a/2, -a/2, -a/8, 0 is -a/2, the largest a/2
            let a = f64::from(i) + 1.0;
            -a / 2.0 + 2.0 * a / 2.0 + 3.0 + f64::from(i)
        })
        .collect();
    let b: Vec<f32> = runner.mon().get::<f32>("b").unwrap().iter().copied().collect();
    near("b", &b, &wanted, 1e-5).must();
    let c: Vec<i32> = runner.mon().get::<i32>("c").unwrap().iter().copied().collect();
    assert_eq!(c, (0..8).map(|i| collatz(i + 6)).collect::<Vec<_>>());
}

/// Models of one name but other texts, one of them also a synapse, in one network.
fn models_of_one_name(device: &str) {
    let model = |gain: f64| {
        let text = format!(
            "struct State {{ g: f32 }} struct Input {{ input: f32 }}
             fn update(s: State, x: Input) -> State {{ return State({gain:?} * x.input); }}
             fn threshold(s: State) -> bool {{ return s.g > 0.0; }}"
        );
        Model::from_wgsl("Gain", &text).unwrap()
    };
    let (pre, post) = (Group::new(&model(1.0), 3), Group::new(&model(10.0), 3));
    let line = Projection::new(&pre, &post)
        .connect(Connect::one_to_one())
        .weight(vec![1.0, 2.0, 3.0])
        .synapse(dsrunner::Component::new(&model(0.5)))
        .output(outputs::cuba());
    let net = Network::new().with("pre", pre).with("post", post).with("line", line);
    let mut runner = DSRunner::builder(net)
        .input(Input::func("pre.input", |s: &Shared| if s.i == 0 { 1.0 } else { 0.0 }))
        .monitors(["post.g", "line.g"])
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    runner.run(Steps(3)).unwrap();
    let history =
        |key: &str| -> Vec<f32> { runner.mon().get::<f32>(key).unwrap().iter().copied().collect() };
    assert_eq!(history("line.g"), [0.0, 0.0, 0.0, 0.5, 1.0, 1.5, 0.0, 0.0, 0.0]);
    assert_eq!(history("post.g"), [0.0, 0.0, 0.0, 5.0, 10.0, 15.0, 0.0, 0.0, 0.0]);
}

/// A right-hand side with a loop, x' = -4 x, which the engines do not differentiate.
const LOOPED: &str = "
    struct State { x: f32 }
    struct Derivative { x: f32 }
    fn derivative(s: State) -> Derivative {
        var sum = 0.0;
        for (var k = 0; k < 4; k++) { sum -= s.x; }
        return Derivative(sum);
    }
";

fn a_given_jacobian_is_used(device: &str) {
    let text =
        format!("{LOOPED} fn jacobian(s: State) -> Derivative {{ return Derivative(-4.0); }}");
    let group = Group::new(&Model::from_wgsl("Looped", &text).unwrap(), 1).init("x", 1.0);
    let mut runner = runner(device, group);
    runner.run(Steps(1)).unwrap();
    // exponential Euler is exact here, at any step: e^(-4 / 2)
    near("x", runner.get::<f32>("x").unwrap().as_slice().unwrap(), &[(-2.0f64).exp()], 1e-7).must();
}

/// Functions that the engines take over from a model's text in turns, so that each has its own surroundings.
fn a_jacobian_of_its_own_arguments(device: &str) {
    let text = "
        struct Params { tau: f32 } struct Derived { rate: f32 } struct State { x: f32 } struct Derivative { x: f32 }
        fn derive(p: Params) -> Derived { return Derived(1.0 / p.tau); }
        fn derivative(s: State, d: Derived) -> Derivative { return Derivative(-s.x * d.rate); }
        fn jacobian(p: Params) -> Derivative { return Derivative(-1.0 / p.tau); }";
    let group = Group::new(&Model::from_wgsl("Own", text).unwrap(), 1).param("tau", 0.25);
    let mut runner = runner(device, group.init("x", 1.0));
    runner.run(Steps(1)).unwrap();
    near("x", runner.get::<f32>("x").unwrap().as_slice().unwrap(), &[(-2.0f64).exp()], 1e-7).must();
}

/// What stands still where its slope is infinite, a comparison of constants, and a constant that is not finite.
fn derivatives_at_the_ends_of_functions(device: &str) {
    let text = "
        struct State { x: f32, y: f32, z: f32 } struct Derivative { x: f32, y: f32, z: f32 }
        fn derivative(s: State) -> Derivative {
            var truth = true;
            var step = 0.0;
            if truth { if 3 == i32(s.y) { step = 1.0; } }
            var h = 0.0;
            let z = min(s.z, 1.0 / h);
            return Derivative(1.0 - sqrt(max(s.x, 0.0)), pow(max(s.y - 9.0, 0.0), 0.5) - s.y + step, -z);
        }";
    let group = Group::new(&Model::from_wgsl("Ends", text).unwrap(), 1);
    let mut runner = runner(device, group.init("x", -1.0).init("y", 1.0).init("z", 1.0));
    runner.run(Steps(1)).unwrap();
    // x has the slope 1 and no Jacobian, y and z decay
    let decayed = (-0.5f64).exp();
    for (path, wanted) in [("x", -0.5), ("y", decayed), ("z", decayed)] {
        near(path, runner.get::<f32>(path).unwrap().as_slice().unwrap(), &[wanted], 1e-6).must();
    }
}

/// Names that our own texts use too, and that the writer of WGSL changes.
fn names_of_models(device: &str) {
    for name in ["Pinned", "Apply", "E", "A0", "A__B", "X_", "_", "Main", "M0_E"] {
        let text = "
            struct State { x: f32 } struct Input { input: f32 } struct Derivative { x: f32 }
            fn input(x: f32) -> f32 { return exprel(x); }
            fn field(x: f32) -> f32 { return input(x) * 0.0; }
            fn initial() -> State { return State(1.0); }
            fn jacobian(s: State) -> Derivative { return Derivative(-1.0 + field(s.x)); }
            fn derivative(s: State, x: Input) -> Derivative { return Derivative(x.input - s.x); }
            fn threshold(s: State) -> bool { return s.x < 0.0; }";
        let group = Group::new(&Model::from_wgsl(name, text).unwrap(), 1);
        let line = Projection::new(&group, &group);
        let mut runner = runner(device, Network::new().with("group", group).with("line", line));
        runner.run(Steps(1)).unwrap();
        let x = runner.get::<f32>("group.x").unwrap();
        near(name, x.as_slice().unwrap(), &[(-0.5f64).exp()], 1e-6).must();
    }
}

/// In the liquid-time-constant form a synapse may bring its own Jacobian; the element's is not enough.
#[test]
fn jacobians_in_the_ltc_form() {
    let given =
        format!("{LOOPED} fn jacobian(s: State) -> Derivative {{ return Derivative(-4.0); }}");
    let element = format!("{given} struct Input {{ input: f32 }}");
    let element = Group::new(&Model::from_wgsl("Looped", &element).unwrap(), 1).ltc();
    // without a synapse there is nothing but its own right-hand side
    assert!(DSRunner::builder(element.clone()).device("cpu").build().is_ok());
    let pre = dsrunner::neurons::lif(1);
    let net = |post: &Group, synapse: dsrunner::Component| {
        let line = Projection::new(&pre, post).synapse(synapse);
        Network::new().with("pre", pre.clone()).with("post", post.clone()).with("line", line)
    };
    let error = DSRunner::builder(net(&element, dsrunner::synapses::expon())).device("cpu").build();
    let text = error.unwrap_err().to_string();
    assert!(text.contains("because of a loop\n --> Looped:6:9\n"), "{text}");
    assert!(
        text.ends_with(
            "help: use another method, such as `Method::RK4`, or the plain form instead of `ltc`"
        ),
        "{text}"
    );
    let synapse = given
        .replace("s.x", "s.g")
        .replace("{ x: f32 }", "{ g: f32 }")
        .replace("struct State", "struct Input { arriving: f32 } struct State");
    let synapse = dsrunner::Component::new(&Model::from_wgsl("Loopy", &synapse).unwrap());
    let post = dsrunner::neurons::lif(1).ltc();
    assert!(DSRunner::builder(net(&post, synapse)).device("cpu").build().is_ok());
}

/// A closed form holds the current, so it cannot have it inside.
#[test]
fn a_closed_form_is_no_ltc_form() {
    let text = "struct State { x: f32 } fn exact(s: State) -> State { return State(0.5 * s.x); }";
    let group = Group::new(&Model::from_wgsl("Closed", text).unwrap(), 1).named("closed").unwrap();
    assert!(DSRunner::builder(group.clone()).device("cpu").build().is_ok());
    assert_eq!(
        DSRunner::builder(group.ltc()).device("cpu").build().unwrap_err().to_string(),
        "node `closed`: the form `ltc` with the method `exact`: model `Closed` needs a function `derivative`, and another method"
    );
}

#[test]
fn without_it_the_loop_is_told() {
    let group = Group::new(&Model::from_wgsl("Looped", LOOPED).unwrap(), 1);
    let error = DSRunner::builder(group.clone()).device("cpu").build().unwrap_err();
    assert!(matches!(error, dsrunner::Error::NotDifferentiable { .. }));
    let text = error.to_string();
    assert!(text.contains("because of a loop\n --> Looped:6:9\n"), "{text}");
    assert!(text.contains("give `fn jacobian(..) -> Derivative`"), "{text}");
    assert!(DSRunner::builder(group.method(dsrunner::Method::RK4)).device("cpu").build().is_ok());
}

on_every_engine!(
    a_given_jacobian_is_used,
    a_jacobian_of_its_own_arguments,
    any_names,
    derivatives_at_the_ends_of_functions,
    models_of_one_name,
    names_of_models,
    the_language,
);
