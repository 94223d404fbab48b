//! Quotients and roots from bad estimates, as devices may give them, against those of the processor, which are exact.

use super::pinned::{pinned_quotient, pinned_root};
use crate::random::RandomStream;

/// The number so many units in the last place away.
fn beside(x: f32, units: i32) -> f32 {
    f32::from_bits(x.to_bits().wrapping_add_signed(units))
}

/// A number of any size and sign, or of a size at which the next power of two is near.
fn number(draws: &mut RandomStream, sign: bool) -> f32 {
    let mantissa = match (draws.uniform() * 4.0) as u32 {
        0 => (draws.uniform() * 16.0) as u32,
        1 => 0x007f_ffff - (draws.uniform() * 16.0) as u32,
        _ => (draws.uniform() * f64::from(1 << 23)) as u32,
    };
    let exponent = 1 + (draws.uniform() * 253.0) as u32;
    let negative = sign && draws.uniform() < 0.5;
    f32::from_bits(u32::from(negative) << 31 | exponent << 23 | mantissa)
}

#[test]
fn quotients() {
    let mut checked = 0;
    for case in 0..400_000 {
        let mut draws = RandomStream::new([7, 0], case);
        let (a, b) = (number(&mut draws, true), number(&mut draws, true));
        let exact = a / b;
        // estimates stay normal: around the ends of the range they would not be of the result's kind
        if !(exact.abs() > 1e-37 && exact.abs() < 1e38) {
            continue;
        }
        checked += 1;
        for units in -4..=4 {
            let got = pinned_quotient(a, b, beside(exact, units));
            assert_eq!(got.to_bits(), exact.to_bits(), "{a:e} / {b:e} from {units} units away");
        }
    }
    assert!(checked > 200_000);
}

#[test]
fn roots() {
    for case in 0..400_000 {
        let x = number(&mut RandomStream::new([8, 0], case), false);
        let exact = x.sqrt();
        for units in -5..=5 {
            let got = pinned_root(x, beside(exact, units));
            assert_eq!(got.to_bits(), exact.to_bits(), "sqrt({x:e}) from {units} units away");
        }
    }
}

#[test]
fn what_is_not_normal_stays() {
    let odd = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1e-40, f32::MAX, 3.0];
    for a in odd {
        let root = pinned_root(a, a.sqrt());
        assert!(root.to_bits() == a.sqrt().to_bits() || root.is_nan() && a.sqrt().is_nan(), "{a}");
        for b in odd {
            let (got, wanted) = (pinned_quotient(a, b, a / b), a / b);
            assert!(
                got.to_bits() == wanted.to_bits() || got.is_nan() && wanted.is_nan(),
                "{a} / {b}"
            );
        }
    }
}
