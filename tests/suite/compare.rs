//! The comparisons that the tests use, and proofs that each of them goes red.

/// What a comparison found; `must` makes it a failure of the test.
#[must_use]
#[derive(Debug, PartialEq)]
pub struct Verdict(pub Result<(), String>);

impl Verdict {
    #[track_caller]
    pub fn must(self) {
        if let Err(difference) = self.0 {
            panic!("{difference}");
        }
    }
}

/// All values lie within `tolerance` of the expected ones. NaN and infinity are differences.
pub fn near(what: &str, got: &[f32], wanted: &[f64], tolerance: f64) -> Verdict {
    if got.len() != wanted.len() || got.is_empty() {
        return Verdict(Err(format!("{what}: {} values, expected {}", got.len(), wanted.len())));
    }
    let worst = got
        .iter()
        .zip(wanted)
        .map(|(&g, &w)| (f64::from(g) - w).abs())
        .enumerate()
        // a difference that is not a number is the worst of all
        .max_by(|a, b| key(a.1).total_cmp(&key(b.1)));
    match worst {
        Some((at, difference)) if key(difference) > tolerance => Verdict(Err(format!(
            "{what}[{at}] is {}, expected {}: off by {difference:e}, tolerance {tolerance:e}",
            got[at], wanted[at]
        ))),
        _ => Verdict(Ok(())),
    }
}

fn key(difference: f64) -> f64 {
    if difference.is_nan() { f64::INFINITY } else { difference }
}

/// The same sequence, such as the steps of spikes.
pub fn equal<T: PartialEq + std::fmt::Debug>(what: &str, got: &[T], wanted: &[T]) -> Verdict {
    let first = got.iter().zip(wanted).position(|(g, w)| g != w);
    Verdict(match first {
        Some(at) => Err(format!("{what}[{at}] is {:?}, expected {:?}", got[at], wanted[at])),
        None if got.len() != wanted.len() => {
            Err(format!("{what}: {} values, expected {}", got.len(), wanted.len()))
        }
        None => Ok(()),
    })
}

/// The same bits; NaN equals the same NaN, and 0 differs from -0.
pub fn equal_bits(what: &str, got: &[f32], wanted: &[f32]) -> Verdict {
    let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    equal(what, &bits(got), &bits(wanted))
}

/// The values are not all the same: a test that compares constants proves nothing.
pub fn alive(what: &str, values: &[f32]) -> Verdict {
    let moving = values.windows(2).any(|w| w[0] != w[1]);
    Verdict(if moving { Ok(()) } else { Err(format!("{what} does not change")) })
}

mod go_red {
    use super::*;

    fn red(verdict: Verdict, message: &str) {
        let text = verdict.0.expect_err("it should have gone red");
        assert!(text.contains(message), "{text}");
    }

    #[test]
    fn near_sees_one_wrong_value() {
        let wanted = [1.0, 2.0, 3.0];
        assert_eq!(near("x", &[1.0, 2.0, 3.0], &wanted, 1e-6), Verdict(Ok(())));
        red(near("x", &[1.0, 2.00001, 3.0], &wanted, 1e-6), "x[1]");
        red(near("x", &[1.0, f32::NAN, 3.0], &wanted, 1e-6), "x[1] is NaN");
        red(near("x", &[1.0, 2.0, f32::INFINITY], &wanted, 1e-6), "x[2] is inf");
        red(near("x", &[1.0, 2.0], &wanted, 1e-6), "2 values, expected 3");
        red(near("x", &[], &[], 1e-6), "0 values");
        red(near("x", &[1.0], &[f64::NAN], 1e-6), "x[0]");
    }

    #[test]
    fn equal_sees_one_wrong_value() {
        assert_eq!(equal("s", &[1, 2], &[1, 2]), Verdict(Ok(())));
        red(equal("s", &[1, 3], &[1, 2]), "s[1] is 3, expected 2");
        red(equal("s", &[1], &[1, 2]), "1 values, expected 2");
        red(equal("s", &[1, 2, 3], &[1, 2]), "3 values, expected 2");
        red(equal("s", &[], &[1]), "0 values");
    }

    #[test]
    fn equal_bits_sees_the_last_bit() {
        assert_eq!(equal_bits("v", &[0.1, f32::NAN], &[0.1, f32::NAN]), Verdict(Ok(())));
        red(equal_bits("v", &[f32::from_bits(0.1f32.to_bits() + 1)], &[0.1]), "v[0]");
        red(equal_bits("v", &[-0.0], &[0.0]), "v[0]");
    }

    #[test]
    fn alive_sees_constants() {
        assert_eq!(alive("v", &[1.0, 2.0]), Verdict(Ok(())));
        red(alive("v", &[1.0, 1.0]), "does not change");
        red(alive("v", &[]), "does not change");
    }
}
