//! Scalar functions that the inner loops inline into every lane. Multiply and add stay unfused and no order changes, so
//! that every instruction set gives the same bits.

/// e^x, at most 2 ulp from the exact value where that is a normal number; overflow gives infinity, underflow 0 by way of
/// the denormals. Cody and Waite's reduction to |r| <= ln(2)/2, then a polynomial of degree 6.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    // ln(2) as a sum of a number with few bits, whose multiples are exact, and a remainder
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // beyond these the result is 0 and infinity
    let clamped = if x < -104.0 { -104.0 } else { x };
    let clamped = if clamped > 89.0 { 89.0 } else { clamped };
    // adding and taking away 1.5 * 2^23 rounds to the nearest whole number
    const ROUND: f32 = 12_582_912.0;
    let n = (clamped * LOG2_E + ROUND) - ROUND;
    let r = (clamped - n * LN2_HIGH) - n * LN2_LOW;
    // minimax coefficients of (e^r - 1 - r) / r^2 on the reduced range (Cephes expf)
    let mut p = 1.987_569_1e-4_f32;
    p = p * r + 1.398_2e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_6e-1;
    p = p * r + 0.5;
    let e = p * (r * r) + r + 1.0;
    // 2^n in two factors, so that results among the denormals are reached and 2^128 does not overflow on the way
    let n = n as i32;
    let half = n >> 1;
    let scale = |k: i32| f32::from_bits(((k + 127) as u32) << 23);
    e * scale(half) * scale(n - half)
}

/// temporary
#[inline(always)]
pub(crate) fn exprel(x: f32) -> f32 {
    let near = 1.0 + x * (0.5 + x * (1.0 / 6.0));
    let far = (exp(x) - 1.0) / x;
    if x.abs() < 1e-3 { near } else { far }
}

/// Like WGSL's `sign`.
#[inline(always)]
pub(crate) fn sign(x: f32) -> f32 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        x
    }
}

/// The smaller of two numbers, in one instruction: `b` where either is NaN.
#[inline(always)]
pub(crate) fn min(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// The larger of two numbers, in one instruction: `b` where either is NaN.
#[inline(always)]
pub(crate) fn max(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Like WGSL's: `x / 0` and the one overflow give `x`.
#[inline(always)]
pub(crate) fn div_i32(x: i32, y: i32) -> i32 {
    x.checked_div(y).unwrap_or(x)
}

/// Like WGSL's: `x % 0` and the one overflow give 0.
#[inline(always)]
pub(crate) fn rem_i32(x: i32, y: i32) -> i32 {
    x.checked_rem(y).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::exp;

    /// Distance in units in the last place of the exact value.
    fn ulps(value: f32, exact: f64) -> f64 {
        let unit = f64::from(f32::EPSILON) * 2f64.powi((exact.log2().floor()) as i32);
        (f64::from(value) - exact).abs() / unit
    }

    #[test]
    fn exp_is_close_to_f64() {
        let worst = (0..2_000_000)
            .map(|k| -87.0 + f64::from(k) * 1.75e2 / 2e6)
            .map(|x| ulps(exp(x as f32), f64::from(x as f32).exp()))
            .fold(0.0, f64::max);
        assert!(worst <= 2.0, "{worst} ulp");
    }

    #[test]
    fn exp_at_the_edges() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(100.0), f32::INFINITY);
        assert_eq!(exp(-200.0), 0.0);
        assert!(exp(f32::NAN).is_nan());
        let denormal = exp(-100.0);
        assert!(denormal > 0.0 && denormal < f32::MIN_POSITIVE);
    }
}
