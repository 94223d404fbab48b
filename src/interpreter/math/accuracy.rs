//! The elementary functions against f64: errors in units of the last place, special values, all bit patterns.

use std::f32::consts::{FRAC_PI_2, FRAC_PI_4, PI};

use super::pinned::*;

const MAX: f32 = f32::MAX;
const TINY: f32 = f32::MIN_POSITIVE;

/// One function of one argument: what it is compared with, where, and the worst error allowed there.
struct Case {
    name: &'static str,
    function: fn(f32) -> f32,
    reference: fn(f64) -> f64,
    /// Ends of the ranges that are sampled.
    ranges: &'static [(f32, f32)],
    /// Results smaller than this are measured in units of this number's last place.
    floor: f64,
    /// In units of the last place of the correct result.
    bound: f64,
}

fn exprel(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { x.exp_m1() / x }
}

/// These three stay accurate near 0 (asinh, atanh) and 1 (acosh).
fn asinh(x: f64) -> f64 {
    let a = x.abs();
    (a + a * a / (1.0 + (1.0 + a * a).sqrt())).ln_1p().copysign(x)
}

fn acosh(x: f64) -> f64 {
    let d = x - 1.0;
    (d + (d * (d + 2.0)).sqrt()).ln_1p()
}

fn atanh(x: f64) -> f64 {
    let a = x.abs();
    (0.5 * (2.0 * a / (1.0 - a)).ln_1p()).copysign(x)
}

const WHOLE: &[(f32, f32)] = &[(-MAX, MAX), (-100.0, 100.0), (-2.0, 2.0)];
const TURNS: &[(f32, f32)] = &[(-1.0e4, 1.0e4), (-100.0, 100.0), (-4.0, 4.0)];
const POSITIVE: &[(f32, f32)] = &[(TINY, MAX), (0.5, 2.0), (0.99, 1.01)];
const ABOVE: &[(f32, f32)] = &[(1.0, MAX), (1.0, 3.0), (1.0, 1.01)];
const UNIT: &[(f32, f32)] = &[(-1.0, 1.0), (0.99, 1.0), (-0.51, -0.49)];

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { name: "exp", function: pinned_exp, reference: f64::exp, ranges: WHOLE, floor: 0.0, bound: 1.05 },
    Case { name: "exp2", function: pinned_exp2, reference: f64::exp2, ranges: WHOLE, floor: 0.0, bound: 1.1 },
    Case { name: "exprel", function: pinned_exprel, reference: exprel, ranges: WHOLE, floor: 0.0, bound: 2.0 },
    Case { name: "log", function: pinned_log, reference: f64::ln, ranges: POSITIVE, floor: 0.0, bound: 1.0 },
    Case { name: "log2", function: pinned_log2, reference: f64::log2, ranges: POSITIVE, floor: 0.0, bound: 1.55 },
    Case { name: "sin", function: pinned_sin, reference: f64::sin, ranges: TURNS, floor: 6.0e-8, bound: 2.1 },
    Case { name: "cos", function: pinned_cos, reference: f64::cos, ranges: TURNS, floor: 6.0e-8, bound: 2.1 },
    Case { name: "tan", function: pinned_tan, reference: f64::tan, ranges: TURNS, floor: 6.0e-8, bound: 3.5 },
    Case { name: "asin", function: pinned_asin, reference: f64::asin, ranges: UNIT, floor: 0.0, bound: 2.5 },
    Case { name: "acos", function: pinned_acos, reference: f64::acos, ranges: UNIT, floor: 0.0, bound: 1.2 },
    Case { name: "atan", function: pinned_atan, reference: f64::atan, ranges: WHOLE, floor: 0.0, bound: 2.2 },
    Case { name: "sinh", function: pinned_sinh, reference: f64::sinh, ranges: WHOLE, floor: 0.0, bound: 2.5 },
    Case { name: "cosh", function: pinned_cosh, reference: f64::cosh, ranges: WHOLE, floor: 0.0, bound: 1.5 },
    Case { name: "tanh", function: pinned_tanh, reference: f64::tanh, ranges: WHOLE, floor: 0.0, bound: 3.0 },
    Case { name: "asinh", function: pinned_asinh, reference: asinh, ranges: WHOLE, floor: 0.0, bound: 1.9 },
    Case { name: "acosh", function: pinned_acosh, reference: acosh, ranges: ABOVE, floor: 0.0, bound: 2.2 },
    Case { name: "atanh", function: pinned_atanh, reference: atanh, ranges: UNIT, floor: 0.0, bound: 2.3 },
];

/// The distance from the correct result in units of its last place as an f32 (of the smallest denormal below the
/// normal numbers). The wrong kind of result (NaN, an infinity out of place) is infinitely far.
fn error(got: f32, want: f64, floor: f64) -> f64 {
    if got.is_nan() || want.is_nan() {
        return if got.is_nan() && want.is_nan() { 0.0 } else { f64::INFINITY };
    }
    // One place above the largest number stands for infinity.
    let limit = 2f64.powi(128);
    let (got, want) = (f64::from(got).clamp(-limit, limit), want.clamp(-limit, limit));
    let size = want.abs().max(floor).max(f64::from(TINY)).min(f64::from(MAX));
    let exponent = (size.to_bits() >> 52) as i32 - 1023;
    (got - want).abs() / 2f64.powi(exponent - 23)
}

/// Calls `visit` with about `count` numbers evenly spread over the range, with as many spread over its bit
/// patterns (that is, logarithmically), and with its ends.
fn sample(range: (f32, f32), count: u32, mut visit: impl FnMut(f32)) {
    let (low, high) = (f64::from(range.0), f64::from(range.1));
    for i in 0..=count {
        visit((low + (high - low) * f64::from(i) / f64::from(count)) as f32);
    }
    let order = |x: f32| if x < 0.0 { -i64::from((-x).to_bits()) } else { i64::from(x.to_bits()) };
    let (first, last) = (order(range.0), order(range.1));
    let step = ((last - first) / i64::from(count)).max(1) as usize;
    for i in (first..=last).step_by(step) {
        let size = f32::from_bits(i.unsigned_abs() as u32);
        visit(if i < 0 { -size } else { size });
    }
}

fn worst(case: &Case, count: u32) -> (f64, f32) {
    let mut worst = (0.0, 0.0);
    for &range in case.ranges {
        sample(range, count, |x| {
            let e = error((case.function)(x), (case.reference)(f64::from(x)), case.floor);
            if e > worst.0 {
                worst = (e, x);
            }
        });
    }
    worst
}

fn check(count: u32) {
    let mut wrong = Vec::new();
    for case in CASES {
        let (e, x) = worst(case, count);
        println!("{:8} {e:.3} at {x:e} ({:#x}), bound {}", case.name, x.to_bits(), case.bound);
        if e.is_nan() || e > case.bound {
            wrong.push(format!("{}: {e} at {x:e}, bound {}", case.name, case.bound));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn errors_stay_within_their_bounds() {
    check(150_001);
}

/// Functions of two arguments: grids in bit patterns, so that all sizes meet all sizes.
fn worst_of_pairs(
    xs: &[(f32, f32)],
    ys: &[(f32, f32)],
    count: u32,
    measure: fn(f32, f32) -> f64,
) -> (f64, f32, f32) {
    let collect = |ranges: &[(f32, f32)]| {
        let mut all = Vec::new();
        ranges.iter().for_each(|&range| sample(range, count, |x| all.push(x)));
        all
    };
    let ys = collect(ys);
    let mut worst = (0.0, 0.0, 0.0);
    for x in collect(xs) {
        for &y in &ys {
            let e = measure(x, y);
            if e > worst.0 {
                worst = (e, x, y);
            }
        }
    }
    worst
}

const POW_BOUND: f64 = 1.4;
const ATAN2_BOUND: f64 = 2.4;

fn check_pairs(count: u32) {
    let bases = [(TINY, MAX), (0.5, 2.0), (0.99, 1.01)];
    let powers = [(-MAX, MAX), (-300.0, 300.0), (-2.0, 2.0)];
    let pow = worst_of_pairs(&bases, &powers, count, |x, y| {
        error(pinned_pow(x, y), f64::from(x).powf(f64::from(y)), 0.0)
    });
    println!("pow      {:.3} at ({:e}, {:e})", pow.0, pow.1, pow.2);
    let sides = [(-MAX, MAX), (-2.0, 2.0)];
    let atan2 = worst_of_pairs(&sides, &sides, count, |x, y| {
        // A denormal side counts as such or as zero.
        if (x != 0.0 && x.abs() < TINY) || (y != 0.0 && y.abs() < TINY) {
            return 0.0;
        }
        error(pinned_atan2(y, x), f64::from(y).atan2(f64::from(x)), 0.0)
    });
    println!("atan2    {:.3} at y = {:e}, x = {:e}", atan2.0, atan2.2, atan2.1);
    assert!(pow.0 <= POW_BOUND, "{pow:?}");
    assert!(atan2.0 <= ATAN2_BOUND, "{atan2:?}");
}

#[test]
fn errors_of_pairs_stay_within_their_bounds() {
    check_pairs(301);
}

#[test]
fn sine_and_cosine_stay_within_one() {
    for function in [pinned_sin, pinned_cos] {
        for range in [(-MAX, MAX), (-1.0e6, 1.0e6), (-1.0e4, 1.0e4)] {
            sample(range, 300_001, |x| assert!(function(x).abs() <= 1.0, "at {x:e}"));
        }
    }
    // The reduced sine where it is near 1: every number there.
    for bits in 1.4f32.to_bits()..=1.6f32.to_bits() {
        assert!(pinned_sin_reduced(f32::from_bits(bits)) <= 1.0);
    }
    // Beyond the documented range the error grows slowly.
    sample((1.0e4, 1.0e5), 300_001, |x| {
        assert!((pinned_sin(x) - f64::from(x).sin() as f32).abs() < 2.0e-6)
    });
    sample((1.0e4, 1.0e5), 300_001, |x| {
        assert!((pinned_cos(x) - f64::from(x).cos() as f32).abs() < 2.0e-6)
    });
}

/// In a debug build this also shows that no integer step overflows.
#[test]
fn every_kind_of_bit_pattern_is_accepted() {
    for bits in (0..=u32::MAX).step_by(19_997) {
        let x = f32::from_bits(bits);
        for case in CASES {
            assert!((case.function)(x).is_nan() || !x.is_nan(), "{} of {bits:#x}", case.name);
        }
        for other in
            [0, 0x3f800000, 0x4b7fffff, 0x7f800000, 0x80000001, 0xff800000, bits.rotate_left(7)]
        {
            let y = f32::from_bits(other);
            assert!(pinned_atan2(x, y).is_nan() || !(x.is_nan() || y.is_nan()));
            assert!(
                pinned_pow(x, y).is_nan()
                    || !(x.is_nan() || y.is_nan())
                    || x == 1.0
                    || y.abs() < TINY
            );
        }
    }
}

#[test]
fn powers_of_two_are_exact() {
    for n in -126..=127 {
        let power = f32::from_bits(((n + 127) as u32) << 23);
        assert_eq!(pinned_exp2(n as f32), power);
        assert_eq!(pinned_log2(power), n as f32);
        assert_eq!(pinned_pow(2.0, n as f32), power);
    }
}

#[test]
fn special_values_follow_the_conventions() {
    const INF: f32 = f32::INFINITY;
    const NAN: f32 = f32::NAN;
    type F = fn(f32) -> f32;
    type Row = (&'static str, F, &'static [(f32, f32)]);
    let odd: &[F] = &[
        pinned_sin,
        pinned_tan,
        pinned_asin,
        pinned_atan,
        pinned_sinh,
        pinned_tanh,
        pinned_asinh,
        pinned_atanh,
    ];
    for (i, f) in odd.iter().enumerate() {
        assert_eq!(f(0.0).to_bits(), 0.0f32.to_bits(), "odd function {i}");
        assert_eq!(f(-0.0).to_bits(), (-0.0f32).to_bits(), "odd function {i}");
    }
    for case in CASES {
        assert!((case.function)(NAN).is_nan() && (case.function)(-NAN).is_nan(), "{}", case.name);
    }
    let table: &[Row] = &[
        (
            "exp",
            pinned_exp,
            &[(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (89.0, INF), (-104.0, 0.0)],
        ),
        (
            "exp2",
            pinned_exp2,
            &[(INF, INF), (-INF, 0.0), (128.0, INF), (-149.0, 1.0e-45), (-151.0, 0.0)],
        ),
        (
            "exprel",
            pinned_exprel,
            &[(0.0, 1.0), (-0.0, 1.0), (1.0e-45, 1.0), (INF, INF), (-INF, 0.0)],
        ),
        (
            "log",
            pinned_log,
            &[(1.0, 0.0), (0.0, -INF), (-0.0, -INF), (1.0e-45, -INF), (-1.0e-45, -INF)],
        ),
        ("log", pinned_log, &[(INF, INF), (-1.0, NAN), (-INF, NAN)]),
        (
            "log2",
            pinned_log2,
            &[(1.0, 0.0), (0.0, -INF), (-0.0, -INF), (INF, INF), (-1.0, NAN), (-INF, NAN)],
        ),
        ("sin", pinned_sin, &[(INF, NAN), (-INF, NAN)]),
        ("cos", pinned_cos, &[(0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN)]),
        ("tan", pinned_tan, &[(INF, NAN), (-INF, NAN)]),
        (
            "asin",
            pinned_asin,
            &[(1.0, FRAC_PI_2), (-1.0, -FRAC_PI_2), (1.0000001, NAN), (-INF, NAN)],
        ),
        ("acos", pinned_acos, &[(1.0, 0.0), (-1.0, PI), (0.0, FRAC_PI_2), (INF, NAN), (-INF, NAN)]),
        ("atan", pinned_atan, &[(INF, FRAC_PI_2), (-INF, -FRAC_PI_2), (1.0, FRAC_PI_4)]),
        ("sinh", pinned_sinh, &[(INF, INF), (-INF, -INF), (89.5, INF), (1.0e-45, 1.0e-45)]),
        ("cosh", pinned_cosh, &[(0.0, 1.0), (INF, INF), (-INF, INF), (89.5, INF)]),
        ("tanh", pinned_tanh, &[(INF, 1.0), (-INF, -1.0), (1.0e-45, 1.0e-45)]),
        ("asinh", pinned_asinh, &[(INF, INF), (-INF, -INF), (1.0e-45, 1.0e-45)]),
        (
            "acosh",
            pinned_acosh,
            &[(1.0, 0.0), (INF, INF), (0.99999994, NAN), (-3.0, NAN), (-INF, NAN)],
        ),
        (
            "atanh",
            pinned_atanh,
            &[(1.0, INF), (-1.0, -INF), (1.0000001, NAN), (INF, NAN), (-INF, NAN)],
        ),
    ];
    let same = |a: f32, b: f32| (a.is_nan() && b.is_nan()) || a.to_bits() == b.to_bits();
    for (name, f, values) in table {
        for &(x, want) in *values {
            assert!(same(f(x), want), "{name}({x:e}) is {:e}, not {want:e}", f(x));
        }
    }
    // The standard library's pow and atan2 follow the conventions.
    let values = [
        0.0, TINY, 1.0e-3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 1.0e3, 1001.5, 4194303.5, 8388607.0,
        8388609.0, 16777215.0, 16777216.0, 1.0e30, MAX, INF, NAN,
    ];
    let signed: Vec<f32> = values.iter().flat_map(|&v| [v, -v]).collect();
    for &x in &signed {
        for &y in &signed {
            let (got, want) = (pinned_pow(x, y), f64::from(x).powf(f64::from(y)));
            assert!(
                got.is_nan() || got.is_sign_negative() == want.is_sign_negative(),
                "pow({x:e}, {y:e})"
            );
            assert!(
                error(got, want, 0.0) <= POW_BOUND,
                "pow({x:e}, {y:e}) is {got:e}, not {want:e}"
            );
            let (got, want) = (pinned_atan2(y, x), f64::from(y).atan2(f64::from(x)));
            assert!(
                got.is_nan() || got.is_sign_negative() == want.is_sign_negative(),
                "atan2({y:e}, {x:e})"
            );
            assert!(
                error(got, want, 0.0) <= ATAN2_BOUND,
                "atan2({y:e}, {x:e}) is {got:e}, not {want:e}"
            );
        }
    }
}
