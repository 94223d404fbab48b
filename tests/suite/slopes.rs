//! Exponential Euler where a slope is infinite, or is none; right values are closed forms or scipy's.

use dsrunner::{
    Component, DSRunner, DynamicalSystem, Group, Method, Model, Network, Projection, Steps, neurons,
};

use crate::compare::{equal_bits, near};
use crate::engines::on_every_engine;

const DT: f64 = 0.01;

fn runner(device: &str, target: impl DynamicalSystem + 'static) -> DSRunner {
    DSRunner::builder(target).dt(DT).progress_bar(false).device(device).build().unwrap()
}

fn get(runner: &mut DSRunner, path: &str) -> Vec<f32> {
    runner.get::<f32>(path).unwrap().iter().copied().collect()
}

/// A model of independent equations `x0' = ..`, `x1' = ..`, each of `x`, and of a zero `z` that
/// is known at run time only.
fn independent(equations: &[String]) -> Model {
    let members: Vec<String> = (0..equations.len()).map(|k| format!("x{k}: f32")).collect();
    let members = members.join(", ");
    let functions = equations.iter().enumerate();
    let functions = functions
        .map(|(k, text)| format!("fn right{k}(x: f32, z: f32) -> f32 {{ return {text}; }}\n"));
    let calls: Vec<String> =
        (0..equations.len()).map(|k| format!("right{k}(s.x{k}, p.zero)")).collect();
    let text = format!(
        "struct Params {{ zero: f32 }} struct State {{ {members} }} struct Derivative {{ {members} }}\n{}\
         fn defaults() -> Params {{ return Params(0.0); }}
         fn derivative(s: State, p: Params) -> Derivative {{ return Derivative({}); }}",
        functions.collect::<String>(),
        calls.join(", ")
    );
    Model::from_wgsl("TimeBlocked", &text).unwrap()
}

/// Right-hand side, start, value after 1 ms. The values are those of scipy 1.17.1, `solve_ivp` with LSODA, rtol 1e-10, atol
/// 1e-12, on the same equations in f64.
const WILD: [(&str, f64, f64); 20] = [
    // the exponential overflows, and what it divides is 0
    ("0.2 - x + 1.0 / (1.0 + exp(-100.0 * (x - 1.0)))", 0.0, 0.126_424_112),
    ("0.2 - x + 1.0 / cosh(100.0 * (x - 1.0))", 0.0, 0.126_424_112),
    ("0.5 - x + tanh(exp(200.0 * (1.0 - x)))", 0.0, 0.948_180_838),
    ("0.5 - x - atan(exp(200.0 * (1.0 - x)))", 0.0, -0.676_872_372),
    ("0.2 - x + exp(-exp(200.0 * (1.0 - x)))", 0.0, 0.126_424_112),
    // where without its slope the rest is too stiff for Euler's method
    ("1000.0 * (0.2 - x) + 1.0 / (1.0 + exp(-100.0 * (x - 1.0)))", 0.0, 0.2),
    ("1000.0 * (0.2 - atan2(1e20 * x, 1e20))", 0.0, 0.202_710_036),
    ("1000.0 * (atan2(1e20, 1e20 * x) - 0.2)", 1.0, 4.933_154_876),
    ("1000.0 * (46.0 - asinh(1e20 * x))", 0.4, 0.474_805_969),
    ("1000.0 * (46.0 - acosh(1e20 * x))", 0.4, 0.474_805_969),
    // the slope is infinite
    ("1.0 - pow(x, 0.25)", 0.0, 0.350_564_862),
    ("1.0 - sqrt(max(x, 0.0))", 0.0, 0.487_609_535),
    ("0.1 - x + pow(x, 0.5) / (0.5 + pow(x, 0.5))", 0.0, 0.345_006_206),
    ("0.1 - x + pow(x, 1.5) / (0.5 + pow(x, 1.5))", 0.0, 0.076_910_110),
    ("0.3 - x + exp(-1.0 / x)", 0.0, 0.190_566_127),
    ("0.5 + asin(max(x, -1.0))", -1.0, -2.070_796_327),
    ("-1.0 - x + asin(min(x, 1.0))", 1.0, 0.093_401_988),
    ("1.0 - acosh(max(x, 1.0))", 1.0, 1.362_709_216),
    // branches that are not taken
    ("0.2 - select(x, exp(1000.0 * (x + 1.0)), x > 1.0)", 0.0, 0.126_424_112),
    ("0.5 - select(0.0, x * log(x), x > 0.0)", 0.0, 0.782_683_514),
];

/// Each equation has an element too that stands where nothing is wild, and nothing changes for it by what happens beside it.
fn wild_slopes(device: &str) {
    let equations: Vec<String> = WILD.iter().map(|(text, ..)| text.to_string()).collect();
    let mut group = Group::new(&independent(&equations), 2);
    for (k, (_, start, _)) in WILD.iter().enumerate() {
        group = group.init(&format!("x{k}"), vec![*start, 0.7]);
    }
    let mut all = runner(device, group);
    all.run(1.0).unwrap();
    for (k, (text, start, wanted)) in WILD.iter().enumerate() {
        // the method is of the first order: it comes within 0.003 of all of them
        let x = get(&mut all, &format!("x{k}"));
        near(text, &x[..1], &[*wanted], 3e-3).must();
        let alone = Group::new(&independent(&equations[k..=k]), 2);
        let mut alone = runner(device, alone.init("x0", vec![*start, 0.7]));
        alone.run(1.0).unwrap();
        equal_bits(text, &get(&mut alone, "x0"), &x).must();
    }
}

/// The same in a batch, whose replicas start elsewhere.
fn wild_slopes_of_a_batch(device: &str) {
    let equations: Vec<String> = WILD.iter().map(|(text, ..)| text.to_string()).collect();
    let build = |start: Vec<f64>| {
        let group = Group::new(&independent(&equations[..1]), start.len());
        runner(device, group.init("x0", start))
    };
    let starts: Vec<f64> = (0..300).map(|k| f64::from(k) * 0.01).collect();
    let mut together = build(starts.clone());
    together.run(1.0).unwrap();
    let together = get(&mut together, "x0");
    for (k, start) in starts.into_iter().enumerate().step_by(40) {
        let mut one = build(vec![start]);
        one.run(1.0).unwrap();
        equal_bits("x0", &get(&mut one, "x0"), &together[k..=k]).must();
    }
    assert!(together.iter().all(|x| x.is_finite()), "{together:?}");
}

/// A Jacobian of the model's own that is no number, or beyond f32 with the step: that variable takes Euler's step, the one
/// beside it its own. `from` says what the function takes, and so whether it may be hoisted out of the step.
fn jacobians_that_are_no_numbers(device: &str) {
    for (from, argument) in [("p.none", "p: Params"), ("(s.x - 0.25)", "s: State")] {
        for (slope, scale) in [
            ("ZERO / ZERO", 1.0),
            ("1.0 / ZERO", 1.0),
            ("-1.0 / ZERO", 1.0),
            ("-2e38 + ZERO", 100.0),
            ("2e38 + ZERO", 100.0),
        ] {
            let text = format!(
                "struct Params {{ none: f32 }} struct State {{ x: f32, y: f32 }}
                 struct Derivative {{ x: f32, y: f32 }}
                 fn derivative(s: State) -> Derivative {{ return Derivative(1.0 - s.x, 1.0 - s.y); }}
                 fn jacobian({argument}) -> Derivative {{ return Derivative({}, -1.0); }}",
                slope.replace("ZERO", from)
            );
            let group = Group::new(&Model::from_wgsl("Given", &text).unwrap(), 1);
            let group = group.param("none", 0.0).init("x", 0.25).init("y", 0.25);
            let mut runner = DSRunner::builder(group).dt(scale * DT).progress_bar(false);
            runner = runner.device(device);
            let mut runner = runner.build().unwrap();
            runner.run(Steps(1)).unwrap();
            let dt = scale * DT;
            let what = format!("{slope} of {argument}");
            // three roundings
            near(&what, &get(&mut runner, "x"), &[0.25 + dt * 0.75], 2e-7).must();
            let decayed = 1.0 - 0.75 * (-dt).exp();
            near(&what, &get(&mut runner, "y"), &[decayed], 2e-7).must();
        }
    }
}

/// Growth: exact where the equation is linear; where it is not, Euler's step takes the place of one beyond f32.
fn growth_beyond_f32(device: &str) {
    let equations = ["8000.0 * x", "1e5 * x", "exp(x)", "x * x * x * x"].map(String::from);
    let group = Group::new(&independent(&equations), 1);
    let group = group.init("x0", 1.0).init("x1", 1.0).init("x2", 9.1).init("x3", 30.0);
    let mut runner = runner(device, group);
    runner.run(Steps(1)).unwrap();
    let euler = |x: f64, f: f64| x + DT * f;
    for (k, wanted) in [
        80f64.exp(),
        euler(1.0, 1e5),
        euler(f64::from(9.1f32), f64::from(9.1f32).exp()),
        euler(30.0, 810_000.0),
    ]
    .into_iter()
    .enumerate()
    {
        // of exprel and its argument 80, whose rounding counts 80 times: some 2^-17
        let x = get(&mut runner, &format!("x{k}"));
        near(&equations[k], &x, &[wanted], wanted * 2e-5).must();
    }
}

/// Currents of the state inside the derivative, and a synapse's own equation.
fn wild_slopes_of_synapses(device: &str) {
    let synapse =
        "struct Input { arriving: f32 } struct State { g: f32 } struct Derivative { g: f32 }
        fn derivative(s: State) -> Derivative { return Derivative(1.0 - pow(s.g, 0.25)); }";
    let synapse = Component::new(&Model::from_wgsl("Quartic", synapse).unwrap());
    let output = "fn current(g: f32, V: f32) -> f32 { return 100.0 - g - sqrt(max(V, 0.0)); }";
    let output = Component::new(&Model::from_wgsl("Root", output).unwrap());
    let pre = neurons::lif(1);
    let post = neurons::lif(1).ltc();
    let line = Projection::new(&pre, &post).synapse(synapse).output(output);
    let net = Network::new().with("pre", pre).with("post", post).with("line", line);
    let mut runner = runner(device, net);
    runner.run(1.0).unwrap();
    // Euler's method in f64, in steps so short that its error is below 1e-4
    let (mut g, mut v) = (0f64, 0f64);
    for _ in 0..1_000_000 {
        (g, v) = (g + 1e-6 * (1.0 - g.powf(0.25)), v + 1e-7 * (100.0 - g - v.sqrt() - v));
    }
    near("g", &get(&mut runner, "line.g"), &[g], 3e-3).must();
    // V grows by 10 in 10 ms, so that a step of order 1 is off by some 0.01 of 0.01
    near("V", &get(&mut runner, "post.V"), &[v], 5e-3).must();
}

/// Closed by a strong current, where rates leave the range of f32: scipy 1.17.1, `solve_ivp` with Radau, rtol 1e-8, gives
/// -1637.9073 after 100 ms; in the end the leak alone is left, -54.387 - 50 / 0.03.
fn a_neuron_far_below_rest(device: &str) {
    let builder = DSRunner::builder(neurons::hh(1)).input(("input", -50.0)).device(device);
    let mut runner = builder.progress_bar(false).build().unwrap();
    runner.run(100.0).unwrap();
    // the first milliseconds are of the first order, at dt 0.1: some 0.3 of 50 mV, which the leak halves twice
    near("V", &get(&mut runner, "V"), &[-1637.907], 0.3).must();
    near("m", &get(&mut runner, "m"), &[0.0], 1e-12).must();
    near("h", &get(&mut runner, "h"), &[1.0], 1e-6).must();
    runner.run(900.0).unwrap();
    // steps end where they are half a unit in the last place of V, 6e-5 = 0.1 * 0.03 * 0.02
    near("V", &get(&mut runner, "V"), &[-54.387 - 50.0 / 0.03], 0.03).must();
    // and beyond all sense
    runner.set("V", -1e7).unwrap();
    runner.run(10.0).unwrap();
    assert!(["V", "m", "h", "n"].iter().all(|name| get(&mut runner, name)[0].is_finite()));
}

on_every_engine!(
    a_neuron_far_below_rest,
    growth_beyond_f32,
    jacobians_that_are_no_numbers,
    wild_slopes,
    wild_slopes_of_a_batch,
    wild_slopes_of_synapses,
);

/// Right-hand sides at random: texts, and the same in f64.
mod at_random {
    use super::*;
    use crate::engines::all;

    type Function = Box<dyn Fn(f64) -> f64>;

    struct Tree {
        text: String,
        value: Function,
    }

    fn tree(text: String, value: impl Fn(f64) -> f64 + 'static) -> Tree {
        Tree { text, value: Box::new(value) }
    }

    fn random(rng: &mut fastrand::Rng, depth: usize) -> Tree {
        if depth == 0 {
            let c = [0.25, 1.5, -3.0, 100.0, -100.0][rng.usize(..5)];
            return match rng.bool() {
                true => tree("x".into(), |x| x),
                false => tree(format!("({c:?} + z)"), move |_| c),
            };
        }
        let kind = rng.usize(..18);
        let Tree { text: a, value: f } = random(rng, depth - 1);
        if kind < 11 {
            return match kind {
                0 => tree(format!("exp({a})"), move |x| f(x).exp()),
                1 => tree(format!("sqrt(max({a}, 0.0))"), move |x| f(x).max(0.0).sqrt()),
                2 => tree(format!("(1.0 / (1.0 + exp({a})))"), move |x| 1.0 / (1.0 + f(x).exp())),
                3 => tree(format!("tanh({a})"), move |x| f(x).tanh()),
                4 => tree(format!("atan({a})"), move |x| f(x).atan()),
                5 => tree(format!("log(1.0 + abs({a}))"), move |x| (1.0 + f(x).abs()).ln()),
                6 => tree(format!("sin({a})"), move |x| f(x).sin()),
                7 => tree(format!("(1.0 / cosh({a}))"), move |x| 1.0 / f(x).cosh()),
                8 => tree(format!("asin(clamp({a}, -1.0, 1.0))"), move |x| {
                    f(x).clamp(-1.0, 1.0).asin()
                }),
                9 => tree(format!("pow(abs({a}), 0.25)"), move |x| f(x).abs().powf(0.25)),
                _ => tree(format!("pow(abs({a}), 1.5)"), move |x| f(x).abs().powf(1.5)),
            };
        }
        let Tree { text: b, value: g } = random(rng, depth - 1);
        match kind {
            11 => tree(format!("({a} + {b})"), move |x| f(x) + g(x)),
            12 => tree(format!("({a} - {b})"), move |x| f(x) - g(x)),
            13 => tree(format!("({a} * {b})"), move |x| f(x) * g(x)),
            14 => tree(format!("({a} / {b})"), move |x| f(x) / g(x)),
            15 => tree(format!("max({a}, {b})"), move |x| f(x).max(g(x))),
            16 => tree(format!("atan2({a}, {b})"), move |x| f(x).atan2(g(x))),
            _ => tree(
                format!("select({a}, {b}, x > 0.5)"),
                move |x| if x > 0.5 { g(x) } else { f(x) },
            ),
        }
    }

    /// Where Euler's step is a number, so is that of exponential Euler, and it moves. Where the right-hand side is smooth, it is
    /// what the method says, and both engines say the same.
    #[test]
    fn steps_are_numbers_and_move() {
        let starts = [0.0, 1.0, -1.0, 0.5, 0.7, 1e-6, -1e-6, 3.0, 30.0, 100.0, -100.0];
        let mut rng = fastrand::Rng::with_seed(5);
        let (mut finite, mut exact) = (0, 0);
        for _ in 0..4 {
            let trees: Vec<Tree> = (0..40).map(|_| random(&mut rng, 3)).collect();
            let equations: Vec<String> =
                trees.iter().map(|tree| format!("0.3 - x + {}", tree.text)).collect();
            let model = independent(&equations);
            let step = |device: &str, method| {
                let mut group = Group::new(&model, starts.len()).method(method);
                for k in 0..equations.len() {
                    group = group.init(&format!("x{k}"), starts.to_vec());
                }
                let mut runner = runner(device, group);
                runner.run(Steps(1)).unwrap();
                (0..equations.len()).map(|k| get(&mut runner, &format!("x{k}"))).collect::<Vec<_>>()
            };
            let euler = step("cpu", Method::EULER);
            let steps: Vec<_> = all().iter().map(|d| step(d, Method::EXP_EULER)).collect();
            for (k, &start) in (0..equations.len()).flat_map(|k| starts.iter().map(move |s| (k, s)))
            {
                let at = starts.iter().position(|s| *s == start).unwrap();
                let x = f64::from(start as f32);
                let what = format!("{} at {start}", equations[k]);
                let (to, by_euler) = (steps[0][k][at], euler[k][at]);
                if !by_euler.is_finite() {
                    continue;
                }
                finite += 1;
                assert!(to.is_finite(), "{what}: {to}, and {by_euler} by Euler's method");
                for other in &steps[1..] {
                    equal_bits(&what, &[other[k][at]], &[to]).must();
                }
                let f = |x: f64| 0.3 - x + (trees[k].value)(x);
                // to both sides, from afar and from near
                let slope = |h: f64| (f(x + h) - f(x)) / h;
                let h = 1e-6 * (1.0 + x.abs());
                let slopes = [h, -h, 1e-3 * h, -1e-3 * h].map(slope);
                let moves = f64::from(by_euler) - x;
                if slopes.iter().all(|j| (DT * j).abs() < 1e3)
                    && moves.abs() > 1e-4 * (1.0 + x.abs())
                {
                    assert_ne!(
                        f64::from(to),
                        x,
                        "{what} stays, and Euler's method gives {by_euler}"
                    );
                }
                let z = DT * slopes[0];
                let smooth = (slopes[0] - slopes[1]).abs() < 1e-3 * (1.0 + slopes[0].abs());
                // an overflow on the way makes another function of it in f32
                let same = (moves - DT * f(x)).abs() < 1e-3 * moves.abs() + 1e-5 * (1.0 + x.abs());
                if smooth && same && z.abs() < 20.0 && moves.abs() > 1e-4 * (1.0 + x.abs()) {
                    exact += 1;
                    let phi = if z.abs() < 1e-9 { 1.0 } else { z.exp_m1() / z };
                    let wanted = x + DT * phi * f(x);
                    // of f in f32, and of the slope by differences, times z
                    let tolerance = 0.02 * (wanted - x).abs() + 1e-5 * (1.0 + x.abs());
                    near(&what, &[to], &[wanted], tolerance).must();
                }
            }
        }
        assert!(finite > 1000 && exact > 500, "only {finite} and {exact} cases");
    }
}
