//! What random texts have found, by name, with the values that IEEE 754 and WGSL give.

use dsrunner::{DSRunner, Error, Group, Method, Model, Steps, wgsl};

use crate::engines::on_every_engine;
use crate::text::called;

const INF: f32 = f32::INFINITY;
const NAN: f32 = f32::NAN;

/// Numbers with what becomes of them.
type Cases<'a> = &'a [(f32, f32)];

/// The state after a step of a text, from each of these values on.
fn step(device: &str, text: &str, method: Option<Method>, from: &[f32]) -> Vec<f32> {
    let group = Group::new(&Model::from_wgsl("Kind", text).unwrap(), from.len());
    let group = group.init("x", from.iter().map(|&x| f64::from(x)).collect::<Vec<_>>());
    let group = method.into_iter().fold(group, Group::method);
    let mut runner =
        DSRunner::builder(group).dt(0.5).progress_bar(false).device(device).build().unwrap();
    runner.run(Steps(1)).unwrap();
    runner.get::<f32>("x").unwrap().iter().copied().collect()
}

#[track_caller]
fn compared(text: &str, cases: Cases<'_>, got: &[f32]) {
    for (&(x, wanted), got) in cases.iter().zip(got) {
        let same = wanted.to_bits() == got.to_bits() || wanted.is_nan() && got.is_nan();
        assert!(same, "{text} from x = {x:?}: {got:?}, expected {wanted:?}");
    }
}

/// What statements and a value make of x, where `x` is the variable.
#[track_caller]
fn becomes(device: &str, statements: &str, value: &str, cases: Cases<'_>) {
    let functions = [
        "fn own(a: f32, b: f32) -> f32 { return a * b + b; }",
        "fn zero() -> f32 { return -0.0; }",
    ];
    let text = format!(
        "struct State {{ x: f32 }} {}
         fn update(s: State) -> State {{ let x = s.x; {statements} return State({value}); }}",
        called(&functions, value)
    );
    let from: Vec<f32> = cases.iter().map(|(x, _)| *x).collect();
    compared(&format!("{statements} {value}"), cases, &step(device, &text, None, &from));
}

fn quotients_and_remainders_by_zero(device: &str) {
    let by_zero = [(1.0, INF), (-2.0, -INF), (INF, INF), (0.0, NAN), (-0.0, NAN), (NAN, NAN)];
    let negated = by_zero.map(|(x, y)| (x, -y));
    becomes(device, "", "x / 0.0", &by_zero);
    becomes(device, "", "x / (-0.0)", &negated);
    becomes(device, "let z = -0.0;", "x / z", &negated);
    becomes(device, "var z: f32;", "x / z", &by_zero);
    becomes(device, "", "(vec2<f32>(x, 1.0) / vec2<f32>(0.0, 3.0)).x", &by_zero);
    let nowhere = [(1.0, NAN), (-0.0, NAN), (INF, NAN)];
    becomes(device, "", "x % 0.0", &nowhere);
    becomes(device, "", "x % (-0.0)", &nowhere);
    becomes(device, "", "0.0 / x", &[(2.0, 0.0), (-2.0, -0.0), (0.0, NAN), (NAN, NAN)]);
    becomes(device, "", "(-0.0) / x", &[(2.0, -0.0), (-2.0, 0.0), (INF, -0.0), (-0.0, NAN)]);
}

fn sums_and_products_with_zeros(device: &str) {
    becomes(device, "", "x + 0.0", &[(-0.0, 0.0), (0.0, 0.0)]);
    becomes(device, "", "x + (-0.0)", &[(-0.0, -0.0), (0.0, 0.0)]);
    becomes(device, "", "x - 0.0", &[(-0.0, -0.0), (0.0, 0.0)]);
    becomes(device, "", "x - (-0.0)", &[(-0.0, 0.0), (0.0, 0.0), (1.0, 1.0)]);
    becomes(device, "", "0.0 - x", &[(0.0, 0.0), (-0.0, 0.0), (1.0, -1.0)]);
    becomes(device, "", "(-0.0) - x", &[(0.0, -0.0), (-0.0, 0.0), (1.0, -1.0)]);
    let times = [(1.0, 0.0), (-1.0, -0.0), (INF, NAN), (NAN, NAN), (-0.0, -0.0)];
    becomes(device, "", "x * 0.0", &times);
    becomes(device, "", "(-0.0) * x", &times.map(|(x, y)| (x, -y)));
    becomes(device, "", "(vec3<f32>(x) * -0.0).y", &times.map(|(x, y)| (x, -y)));
    becomes(device, "", "fma(x, 0.0, -0.0)", &[(1.0, 0.0), (-1.0, -0.0), (INF, NAN)]);
    becomes(device, "", "mix(x, 1.0, 0.0)", &[(-0.0, 0.0), (2.0, 2.0), (INF, INF)]);
}

/// Zeros that no text has, but that a compiler finds.
fn zeros_that_compilers_find(device: &str) {
    let times = [(1.0, 0.0), (-1.0, -0.0), (INF, NAN), (NAN, NAN)];
    becomes(device, "let z = 0.0;", "x * z", &times);
    becomes(device, "var z: f32;", "z * x", &times);
    becomes(device, "var z = 1.0; z = 0.0;", "x * z", &times);
    becomes(device, "var z = array<f32, 3>();", "x * z[1]", &times);
    becomes(device, "let a = 1.5; var b = 1.5;", "x * (a - b)", &times);
    becomes(device, "var y = x; for (var k = 0; k < 1; k++) { y = y * f32(k); }", "y", &times);
    becomes(device, "var z = vec2<f32>(1.0); z.x = 0.0;", "(z * x).x", &times);
    becomes(device, "let k = i32(x);", "x * bitcast<f32>(3 * (k - k))", &times);
    becomes(device, "", "own(0.0, x)", &[(1.0, 1.0), (INF, NAN), (-0.0, -0.0)]);
    becomes(device, "", "own(x, 0.0)", &[(1.0, 0.0), (-1.0, 0.0), (INF, NAN)]);
    becomes(device, "", "x - zero()", &[(-0.0, 0.0), (1.0, 1.0)]);
    // what does not change from step to step is computed once
    becomes(device, "", "x * sqrt(vec2<f32>(0.0, x)).x", &times);
    becomes(device, "var z: f32;", "x * sinh(z)", &times);
    becomes(device, "", "x + pow(x, 0.0) - 1.0 + (-0.0)", &[(-0.0, 0.0)]);
}

fn one_over_tan_of_minus_zero(device: &str) {
    becomes(device, "", "1.0 / tan(x)", &[(-0.0, -INF), (0.0, INF)]);
    becomes(device, "let z = -0.0;", "x / tan(z)", &[(1.0, -INF), (-1.0, INF)]);
    becomes(device, "", "x / tan(-0.0)", &[(1.0, -INF), (-1.0, INF)]);
    becomes(device, "", "1.0 / sin(x) + 1.0 / asin(x)", &[(-0.0, -INF), (0.0, INF)]);
}

/// What is zero is not negative for a compiler, but has a sign.
fn sizes_of_minus_zero(device: &str) {
    becomes(device, "let z = -0.0;", "abs(z) + x * 0.0", &[(-1.0, 0.0)]);
    becomes(device, "", "abs(sqrt(x))", &[(-0.0, 0.0), (4.0, 2.0)]);
    becomes(device, "", "abs(select(x * x, -0.0, x > 1.0))", &[(2.0, 0.0), (0.5, 0.25)]);
}

fn numbers_against_themselves(device: &str) {
    becomes(device, "", "x - x", &[(1.0, 0.0), (INF, NAN), (NAN, NAN), (-0.0, 0.0)]);
    becomes(device, "", "x + (-x)", &[(1.0, 0.0), (INF, NAN), (-0.0, 0.0)]);
    becomes(device, "", "x / x", &[(3.0, 1.0), (INF, NAN), (0.0, NAN)]);
    becomes(device, "", "select(1.0, 2.0, x == x)", &[(3.0, 2.0), (NAN, 1.0)]);
}

/// A choice between -1 and 0 is not the negative of one between 1 and 0.
fn choices_of_minus_one(device: &str) {
    let cases = [(2.0, -1.0), (0.5, 0.0)];
    becomes(device, "", "select(0.0, -1.0, x > 1.0)", &cases);
    becomes(device, "var y = 0.0; if x > 1.0 { y = -1.0; }", "y", &cases);
    becomes(device, "var y = -1.0; if x <= 1.0 { y = 0.0; }", "y", &cases);
    becomes(device, "", "select(1.0, -0.0, x > 1.0)", &[(2.0, -0.0), (0.5, 1.0)]);
    becomes(device, "let z = 0.0;", "select(1.0, -z, x > 1.0)", &[(2.0, -0.0), (0.5, 1.0)]);
    let value = "round(vec3<f32>(-1.0, 1e-20, x))[i32(x > 1.0)]";
    becomes(device, "", value, &[(2.0, 0.0), (0.5, -1.0)]);
    becomes(device, "", "sign(sqrt(vec2<f32>(x, 0.0))).y", &[(2.0, 0.0)]);
    becomes(device, "var z: f32;", "sign(z) + x * 0.0 + z", &[(1.0, 0.0), (-1.0, 0.0)]);
    becomes(device, "var z: f32; let y = sign(z);", "1.0 / y", &[(1.0, INF)]);
}

/// Each component as a number alone; NaN is 0.
fn conversions_of_vectors(device: &str) {
    let cases = [(NAN, 0.0), (INF, 2147483520.0), (-INF, -2147483648.0), (-2.9, -2.0)];
    becomes(device, "", "vec2<f32>(vec2<i32>(vec2<f32>(x, 4.0))).x", &cases);
    let cases = [(NAN, 0.0), (INF, 4294967040.0), (-3.0, 0.0), (2.9, 2.0)];
    becomes(device, "", "vec3<f32>(vec3<u32>(vec3<f32>(4.0, x, 1.0))).y", &cases);
}

/// By the lower five bits, and with bounds in any order.
fn shifts_and_ranges_of_integers(device: &str) {
    let cases = [(0.0, 3.0), (1.0, 6.0), (32.0, 3.0), (33.0, 6.0)];
    becomes(device, "let k = u32(x);", "f32(3 << k)", &cases);
    becomes(device, "let k = vec2<u32>(u32(x));", "f32((vec2<u32>(12u, 3u) << k).y)", &cases);
    becomes(device, "let k = u32(x);", "f32(-8 >> k)", &[(1.0, -4.0), (33.0, -4.0), (31.0, -1.0)]);
    becomes(device, "let k = u32(x);", "f32(k << bitcast<u32>(33))", &[(3.0, 6.0)]);
    let least = [(-3e9, 1073741824.0), (3.0, 1.0)];
    becomes(device, "let k = i32(x);", "f32(abs(abs(k) >> 1u))", &least);
    becomes(device, "let k = i32(x);", "f32(clamp(k, 5, k - 9))", &[(7.0, -2.0), (20.0, 11.0)]);
    becomes(device, "let k = u32(x);", "f32(clamp(7u, k, 3u))", &[(9.0, 3.0), (2.0, 3.0)]);
}

/// `x + dt 0` is 0 from -0 on.
fn a_slope_of_zero(device: &str) {
    let text = "struct State { x: f32 } struct Derivative { x: f32 }
        fn derivative(s: State) -> Derivative { return Derivative(0.0); }";
    let cases = [(-0.0, 0.0), (0.0, 0.0), (1.0, 1.0)];
    for method in [Method::EULER, Method::MIDPOINT, Method::HEUN2, Method::RK4] {
        let from = cases.map(|(x, _)| x);
        compared(&method.to_string(), &cases, &step(device, text, Some(method), &from));
    }
}

/// True has the bits of -1 where programs are executed on lanes.
fn truths_beside_numbers(device: &str) {
    let text = "
        struct State { x: f32, k: i32, m: u32 }
        fn update(s: State) -> State { return State(select(s.x, 2.0, true), -1, 4294967295u); }";
    let group = Group::new(&Model::from_wgsl("Truths", text).unwrap(), 1);
    let mut runner = DSRunner::builder(group).progress_bar(false).device(device).build().unwrap();
    runner.run(Steps(1)).unwrap();
    assert_eq!(runner.get::<f32>("x").unwrap()[[0]], 2.0);
    assert_eq!(runner.get::<i32>("k").unwrap()[[0]], -1);
    assert_eq!(runner.get::<u32>("m").unwrap()[[0]], u32::MAX);
}

/// What constants give must be finite; that is an error in the text, wherever it stands.
#[test]
fn constants_that_are_not_finite_are_refused() {
    let wrong =
        ["1.0 / 0.0", "1.0 / (-0.0)", "1e38 * 10.0", "sqrt(-1.0)", "acosh(0.5)", "f32(1 / 0)"];
    for value in wrong.into_iter().chain(["f32(1 % 0)", "f32(1u % 0u)"]) {
        for function in [
            format!("fn defaults() -> Params {{ return Params({value}); }}"),
            format!("fn initial(p: Params) -> State {{ return State({value}); }}"),
            format!("fn derive(p: Params) -> Derived {{ return Derived({value}); }}"),
            format!("fn update(s: State) -> State {{ return State(s.x + {value}); }}"),
        ] {
            let text = format!(
                "struct Params {{ p: f32 }} struct State {{ x: f32 }} struct Derived {{ d: f32 }} {function}"
            );
            let refused = Model::from_wgsl("Wrong", &text).map(drop);
            assert!(matches!(refused, Err(Error::ModelSyntax { .. })), "{text}: {refused:?}");
        }
    }
}

/// Expressions of inputs are programs, too.
fn expressions_with_zeros(device: &str) {
    let text = "struct State { x: f32, y: f32 } fn update(s: State) -> State { return s; }";
    let group = Group::new(&Model::from_wgsl("Keep", text).unwrap(), 3);
    for (value, wanted) in [
        ("x / 0.0", [INF, NAN, -INF]),
        ("x * -0.0", [-0.0, -0.0, 0.0]),
        ("select(0.0, -1.0, x > 0.5)", [-1.0, 0.0, 0.0]),
    ] {
        let group = group.clone().init("x", [1.0, 0.0, -1.0]);
        let mut runner = DSRunner::builder(group)
            .input(("y", wgsl(value), "func", "="))
            .progress_bar(false)
            .device(device)
            .build()
            .unwrap();
        runner.run(Steps(1)).unwrap();
        let got: Vec<f32> = runner.get::<f32>("y").unwrap().iter().copied().collect();
        compared(value, &[(1.0, wanted[0]), (0.0, wanted[1]), (-1.0, wanted[2])], &got);
    }
}

/// As WGSL has it: a quotient by zero is the dividend, a remainder 0; the one overflow alike.
fn whole_quotients(device: &str) {
    let text = "
        struct Params { by: i32, seven: u32 }
        struct State { a: i32, b: i32, c: i32, d: i32, e: u32, f: u32 }
        fn update(s: State, p: Params) -> State {
            let zero = p.seven - p.seven;
            return State(s.a / p.by, s.b % p.by, s.c / -1, s.d % -1, s.e / zero, s.f % zero);
        }";
    for (by, wanted) in [(0, [i32::MIN, 0]), (-1, [i32::MIN, 0])] {
        let model = Model::from_wgsl("Whole", text).unwrap();
        let group = Group::new(&model, 1).param("by", by).param("seven", 7);
        let group = ["a", "b", "c", "d"].iter().fold(group, |g, name| g.init(name, i32::MIN));
        let group = group.init("e", 5).init("f", 5);
        let mut runner =
            DSRunner::builder(group).progress_bar(false).device(device).build().unwrap();
        runner.run(Steps(1)).unwrap();
        let mut whole = |name: &str| runner.get::<i32>(name).unwrap()[[0]];
        assert_eq!([whole("a"), whole("b")], wanted, "by {by}");
        assert_eq!([whole("c"), whole("d")], [i32::MIN, 0]);
        let mut natural = |name: &str| runner.get::<u32>(name).unwrap()[[0]];
        assert_eq!([natural("e"), natural("f")], [5, 0]);
    }
}

on_every_engine!(
    quotients_and_remainders_by_zero,
    sums_and_products_with_zeros,
    zeros_that_compilers_find,
    one_over_tan_of_minus_zero,
    sizes_of_minus_zero,
    numbers_against_themselves,
    choices_of_minus_one,
    conversions_of_vectors,
    shifts_and_ranges_of_integers,
    a_slope_of_zero,
    whole_quotients,
    truths_beside_numbers,
    expressions_with_zeros,
);
