// Elementary functions with pinned results: this text is compiled both as WGSL and, after a textual step, as Rust.
// Every + - * / and sqrt rounds to f32 once, in the order written, so both sides give the same bits.
//
// The rules that keep it so: no fused multiply-add, no conversions between numbers and integers, no branches
// (select only). Whole numbers are found by adding 1.5 * 2^23 (plus an exponent bias, where the whole number becomes
// an exponent): the sum has an ulp of 1, so it rounds to a whole number that also stands in its low bits.
//
// Denormal inputs count as zero where it shows (log, log2, pow, atan2): some GPUs flush them. No normal result
// depends on a denormal intermediate. Polynomials without another note are minimax fits of the remainder that the
// comment names, relative to the function, with the coefficients rounded one after the other and the later ones
// refitted.

const PINNED_MAX: f32 = 3.40282347e38;
const PINNED_MIN_NORMAL: f32 = 1.17549435e-38;
const PINNED_LOG2_E: f32 = 1.44269502;
// ln 2 in two parts. The first has 15 bits, so that its product with an exponent is exact.
const PINNED_LN2_HI: f32 = 0.693145752;
const PINNED_LN2_LO: f32 = 1.42860677e-6;
// pi = 3.14159274 - 8.74227766e-8, and its half and quarter alike.
const PINNED_PI: f32 = 3.14159274;
const PINNED_PI_LO: f32 = -8.74227766e-8;
const PINNED_HALF_PI: f32 = 1.57079637;
const PINNED_HALF_PI_LO: f32 = -4.37113883e-8;
const PINNED_QUARTER_PI: f32 = 0.785398185;
const PINNED_QUARTER_PI_LO: f32 = -2.18556941e-8;
// pi in four parts of 8, 11, 11 and 24 bits: the first three have exact products with a whole or half number
// up to 2^12.
const PINNED_PI_1: f32 = 3.140625;
const PINNED_PI_2: f32 = 0.000967502594;
const PINNED_PI_3: f32 = 1.50990672e-7;
const PINNED_PI_4: f32 = 5.12668814e-12;
const PINNED_HALF_PI_1: f32 = 1.5703125;
const PINNED_HALF_PI_2: f32 = 0.000483751297;
const PINNED_HALF_PI_3: f32 = 7.54953362e-8;
const PINNED_HALF_PI_4: f32 = 2.56334407e-12;

fn pinned_is_nan(x: f32) -> bool {
    return (pinned_bits(x) & 0x7fffffff) > 0x7f800000;
}

// The size of one number with the sign of another, for a size that is not negative.
fn pinned_with_sign(size: f32, sign: f32) -> f32 {
    return pinned_float(pinned_bits(size) | (pinned_bits(sign) & 0x80000000));
}

// p * 2^n for the bits of 1.5 * 2^23 + 254 + n: in two halves, since 2^n alone may be out of range and since a
// denormal result must round only once. The shifts drop the bits above the exponent.
fn pinned_scale(p: f32, bits: u32) -> f32 {
    let half_bits = bits >> 1;
    return (p * pinned_float(half_bits << 23)) * pinned_float(pinned_difference(bits, half_bits) << 23);
}

// e^r - 1 for |r| <= ln(2) / 2: r + r^2 q(r), good relative to the result.
fn pinned_expm1_small(r: f32) -> f32 {
    let q = (((0.00138703175 * r + 0.00836625602) * r + 0.041667439) * r + 0.166665465) * r + 0.49999997;
    return r + (r * r) * q;
}

// x = n ln 2 + r; e^x = 2^n e^r. The limits lie just where the result is infinite and zero.
fn pinned_exp(x: f32) -> f32 {
    let below = select(x, 89.0, x > 89.0);
    let v = select(below, -104.0, below < -104.0);
    let t = v * PINNED_LOG2_E + 12583166.0;
    let n = t - 12583166.0;
    let r = (v - n * PINNED_LN2_HI) - n * PINNED_LN2_LO;
    return pinned_scale(1.0 + pinned_expm1_small(r), pinned_bits(t));
}

// 2^r for |r| <= 1/2, exact at 0.
fn pinned_exp2_small(r: f32) -> f32 {
    let g = ((0.000153264715 * r + 0.00133908063) * r + 0.00961850584) * r + 0.0555035993;
    return 1.0 + r * ((g * r + 0.240226477) * r + 0.693147182);
}

fn pinned_exp2(x: f32) -> f32 {
    let below = select(x, 129.0, x > 129.0);
    let v = select(below, -151.0, below < -151.0);
    let t = v + 12583166.0;
    return pinned_scale(pinned_exp2_small(v - (t - 12583166.0)), pinned_bits(t));
}

// (e^x - 1) / x = ((s (e^r - 1) + (s - 2^-12)) / (2^-12 x) with s = 2^(n - 12), so that s stays in range up to the
// x where the quotient overflows. For n = 0 nothing cancels, for other n the difference s - 2^-12 is exact or
// large. Up to 2^-25 both are equal, and at 0 the result is 1. Below x = -30 the numerator is -2^-12.
fn pinned_exprel(x: f32) -> f32 {
    let below = select(x, 96.0, x > 96.0);
    let v = select(below, -30.0, below < -30.0);
    let t = v * PINNED_LOG2_E + 12583027.0;
    let n = t - 12583027.0;
    let r = (v - n * PINNED_LN2_HI) - n * PINNED_LN2_LO;
    let s = pinned_float(pinned_bits(t) << 23);
    let numerator = s * pinned_expm1_small(r) + (s - 0.000244140625);
    let denominator = below * 0.000244140625;
    return select(numerator / denominator, 1.0, denominator == 0.0);
}

// With a = |x|, s = 2^(n - 3), m = (e^a - 1) / 8 and h = e^a / 8: sinh a = 4 m + m / (2 h), without cancellation
// near 0. Below 2^-12 the result is x.
fn pinned_sinh(x: f32) -> f32 {
    let a = abs(x);
    let v = select(a, 90.0, a > 90.0);
    let t = v * PINNED_LOG2_E + 12583036.0;
    let n = t - 12583036.0;
    let r = (v - n * PINNED_LN2_HI) - n * PINNED_LN2_LO;
    let s = pinned_float(pinned_bits(t) << 23);
    let p = s * pinned_expm1_small(r);
    let m = p + (s - 0.125);
    let size = 4.0 * m + (0.5 * m) / (p + s);
    return pinned_with_sign(select(size, a, a < 0.000244140625), x);
}

// With h = e^|x| / 2, which the bias of 253 halves: cosh x = h + 1 / (4 h).
fn pinned_cosh(x: f32) -> f32 {
    let a = abs(x);
    let v = select(a, 90.0, a > 90.0);
    let t = v * PINNED_LOG2_E + 12583165.0;
    let n = t - 12583165.0;
    let r = (v - n * PINNED_LN2_HI) - n * PINNED_LN2_LO;
    let h = pinned_scale(1.0 + pinned_expm1_small(r), pinned_bits(t));
    return h + 0.25 / h;
}

// With m = e^(2 |x|) - 1: tanh |x| = m / (m + 2). From |x| = 10 on the result is 1.
fn pinned_tanh(x: f32) -> f32 {
    let a = abs(x);
    let v = select(a + a, 20.0, a > 10.0);
    let t = v * PINNED_LOG2_E + 12583039.0;
    let n = t - 12583039.0;
    let r = (v - n * PINNED_LN2_HI) - n * PINNED_LN2_LO;
    let s = pinned_float(pinned_bits(t) << 23);
    let p = s * pinned_expm1_small(r);
    return pinned_with_sign((p + (s - 1.0)) / (p + (s + 1.0)), x);
}

// The logarithms split x = 2^e m with m in [sqrt(1/2), sqrt(2)): adding 1 - sqrt(1/2) in units of the last place
// carries into the exponent exactly where m would be too large. This is e with a bias of 127 added (at most 9 bits).
fn pinned_exponent_bits(x: f32) -> u32 {
    return pinned_sum(pinned_bits(x), 0x004afb0d) >> 23;
}

fn pinned_mantissa(x: f32) -> f32 {
    return pinned_float((pinned_sum(pinned_bits(x), 0x004afb0d) & 0x007fffff) + 0x3f3504f3);
}

// An exponent as a number: its bits below those of 2^23, and 2^23 and the bias taken away.
fn pinned_exponent(bits: u32) -> f32 {
    return pinned_float(0x4b000000 | bits) - 8388735.0;
}

// ln(1 + f) - f for 1 + f in [sqrt(1/2), sqrt(2)): -f^2 / 2 + f^3 q(f).
fn pinned_log1p_tail(f: f32) -> f32 {
    let z = f * f;
    let g = ((-0.0763589889 * f + 0.127619758) * f - 0.131596923) * f + 0.142016187;
    let q = (((g * f - 0.166234061) * f + 0.200012401) * f - 0.250008196) * f + 0.333333313;
    return (z * f) * q - 0.5 * z;
}

// The special values of a logarithm: zeros and denormals, negatives, infinity and NaN.
fn pinned_log_special(x: f32, result: f32) -> f32 {
    let low = select(pinned_float(0x7fc00000), pinned_float(0xff800000), x > -PINNED_MIN_NORMAL);
    let known = select(result, low, x < PINNED_MIN_NORMAL);
    return select(known, x + x, (x > PINNED_MAX) | pinned_is_nan(x));
}

fn pinned_log(x: f32) -> f32 {
    let e = pinned_exponent(pinned_exponent_bits(x));
    let f = pinned_mantissa(x) - 1.0;
    let y = e * PINNED_LN2_HI + (f + (pinned_log1p_tail(f) + e * PINNED_LN2_LO));
    return pinned_log_special(x, y);
}

// log2(e) = 1 + 0.442695041: the two products with the small part keep more than one product with the whole.
fn pinned_log2(x: f32) -> f32 {
    let e = pinned_exponent(pinned_exponent_bits(x));
    let f = pinned_mantissa(x) - 1.0;
    let tail = pinned_log1p_tail(f);
    let y = e + (f + (tail + (f * 0.442695051 + tail * 0.442695051)));
    return pinned_log_special(x, y);
}

// ln(w + c) + more ln 2 for a w of at least 1/2 and its correction c, which enters the mantissa scaled.
fn pinned_log_sum(w: f32, c: f32, more: f32) -> f32 {
    let bits = pinned_exponent_bits(w);
    let e = pinned_exponent(bits) + more;
    let f = (pinned_mantissa(w) - 1.0) + c * pinned_float(pinned_difference(254, bits) << 23);
    return e * PINNED_LN2_HI + (f + (pinned_log1p_tail(f) + e * PINNED_LN2_LO));
}

// The rounding error of w = 1 + u.
fn pinned_one_plus_error(u: f32, w: f32) -> f32 {
    let d = w - 1.0;
    return (1.0 - (w - d)) + (u - d);
}

// asinh a = ln(1 + u), u = a + a^2 / (1 + sqrt(1 + a^2)). From 4096 on it is ln(a / 4) + 3 ln 2:
// the square may overflow there, and the quarter keeps the exponent of the correction in range.
fn pinned_asinh(x: f32) -> f32 {
    let a = abs(x);
    let big = a > 4096.0;
    let b = select(a, 1.0, big);
    let z = b * b;
    let u = b + z / (1.0 + sqrt(1.0 + z));
    let w = 1.0 + u;
    let c = select(pinned_one_plus_error(u, w), 0.0, big);
    let y = pinned_log_sum(select(w, 0.25 * a, big), c, select(0.0, 3.0, big));
    return pinned_with_sign(select(y, a + a, (a > PINNED_MAX) | pinned_is_nan(a)), x);
}

// acosh x = ln(1 + u), u = d + sqrt(2 d + d^2) with d = x - 1. From 4096 on it is ln(x / 4) + 3 ln 2.
fn pinned_acosh(x: f32) -> f32 {
    let big = x > 4096.0;
    let d = select(x, 2.0, big) - 1.0;
    let u = d + sqrt((d + d) + d * d);
    let w = 1.0 + u;
    let c = select(pinned_one_plus_error(u, w), 0.0, big);
    let y = pinned_log_sum(select(w, 0.25 * x, big), c, select(0.0, 3.0, big));
    let known = select(y, pinned_float(0x7fc00000), x < 1.0);
    return select(known, x + x, (x > PINNED_MAX) | pinned_is_nan(x));
}

// atanh a = ln(1 + u) / 2, u = 2 a / (1 - a).
fn pinned_atanh(x: f32) -> f32 {
    let a = abs(x);
    let inside = select(0.0, a, a < 1.0);
    let u = (inside + inside) / (1.0 - inside);
    let w = 1.0 + u;
    let y = 0.5 * pinned_log_sum(w, pinned_one_plus_error(u, w), 0.0);
    let end = select(pinned_float(0x7fc00000), pinned_float(0x7f800000), a == 1.0);
    return pinned_with_sign(select(end, y, a < 1.0), x);
}

// sin r for |r| <= 1.58: r + r^3 q(r^2). Wider arguments, from x beyond the documented range, are brought to it.
fn pinned_sin_reduced(r: f32) -> f32 {
    let below = select(r, 1.58, r > 1.58);
    let v = select(below, -1.58, below < -1.58);
    let z = v * v;
    let q = ((2.60604702e-6 * z - 0.000198097667) * z + 0.00833306927) * z - 0.166666597;
    return v + (v * z) * q;
}

// a - n pi. The first two steps are exact; the rounding error of the third joins the fourth.
fn pinned_less_pi_multiple(a: f32, n: f32) -> f32 {
    let d = (a - n * PINNED_PI_1) - n * PINNED_PI_2;
    let part = n * PINNED_PI_3;
    let r = d - part;
    return r + (((d - r) - part) - n * PINNED_PI_4);
}

// |x| = n pi + r, sin x = (-1)^n sin r, with the sign of x put in as bits (it keeps -0). To |x| = 10^4
// the error is within 2 units in the last place of the result or of 2^-24. Up to 10^5 it is below 2e-6, from there on
// of the order of |x| 2^-24 (half the spacing of such numbers or more). The result never leaves [-1, 1].
fn pinned_sin(x: f32) -> f32 {
    let a = abs(x);
    let t = a * 0.318309873 + 12582912.0;
    let n = t - 12582912.0;
    let r = pinned_less_pi_multiple(a, n);
    let sign = (pinned_bits(t) << 31) ^ (pinned_bits(x) & 0x80000000);
    return pinned_float(pinned_bits(pinned_sin_reduced(r)) ^ sign);
}

// |x| = (n + 1/2) pi + r, cos x = -(-1)^n sin r.
fn pinned_cos(x: f32) -> f32 {
    let a = abs(x);
    let t = (a * 0.318309873 - 0.5) + 12582912.0;
    let n = (t - 12582912.0) + 0.5;
    let r = pinned_less_pi_multiple(a, n);
    let sign = (pinned_bits(t) << 31) ^ 0x80000000;
    return pinned_float(pinned_bits(pinned_sin_reduced(r)) ^ sign);
}

// |x| = n pi / 2 + r: tan r for even n, -1 / tan r for odd n.
fn pinned_tan(x: f32) -> f32 {
    let a = abs(x);
    let t = a * 0.636619747 + 12582912.0;
    let n = t - 12582912.0;
    let r = (((a - n * PINNED_HALF_PI_1) - n * PINNED_HALF_PI_2) - n * PINNED_HALF_PI_3) - n * PINNED_HALF_PI_4;
    let below = select(r, 0.79, r > 0.79);
    let v = select(below, -0.79, below < -0.79);
    let z = v * v;
    let g = ((0.00942030922 * z + 0.00306192576) * z + 0.024465641) * z + 0.0534015298;
    let tangent = v + (v * z) * ((g * z + 0.133389145) * z + 0.333331525);
    let odd = (pinned_bits(t) & 1) == 1;
    let y = select(tangent, -1.0, odd) / select(1.0, tangent, odd);
    return pinned_float(pinned_bits(y) ^ (pinned_bits(x) & 0x80000000));
}

// asin s for s in [0, 1/2] and z = s^2.
fn pinned_asin_small(s: f32, z: f32) -> f32 {
    let q = (((0.0421583876 * z + 0.0241847429) * z + 0.0454691537) * z + 0.0749530941) * z + 0.166667521;
    return s + (s * z) * q;
}

// Above 1/2: asin a = pi / 2 - 2 asin sqrt((1 - a) / 2).
fn pinned_asin(x: f32) -> f32 {
    let a = abs(x);
    let big = a > 0.5;
    let z = select(a * a, 0.5 - 0.5 * a, big);
    let y = pinned_asin_small(select(a, sqrt(z), big), z);
    return pinned_with_sign(select(y, PINNED_HALF_PI - ((y + y) - PINNED_HALF_PI_LO), big), x);
}

// As in asin: acos x = pi / 2 - asin x, 2 asin sqrt((1 - x) / 2) above 1/2, pi minus that of -x below -1/2.
fn pinned_acos(x: f32) -> f32 {
    let a = abs(x);
    let big = a > 0.5;
    let negative = x < 0.0;
    let z = select(a * a, 0.5 - 0.5 * a, big);
    let y = pinned_asin_small(select(a, sqrt(z), big), z);
    let away = select(select(0.0, PINNED_PI, negative), PINNED_HALF_PI, !big);
    let away_lo = select(select(0.0, PINNED_PI_LO, negative), PINNED_HALF_PI_LO, !big);
    let part = select(y, y + y, big);
    return away - (select(part, -part, negative != big) - away_lo);
}

// atan(low / high) for 0 <= low <= high, high > 0. Where `upper`, from a ratio of about tan(pi / 8) on, it is
// pi / 4 + atan((low - high) / (low + high)).
fn pinned_atan_ratio(low: f32, high: f32, upper: bool) -> f32 {
    let t = select(low, low - high, upper) / select(high, low + high, upper);
    let z = t * t;
    let q = ((0.0805418268 * z - 0.138778523) * z + 0.199777305) * z - 0.333329499;
    let tail = (t * z) * q;
    return select(t + tail, PINNED_QUARTER_PI + (t + (tail + PINNED_QUARTER_PI_LO)), upper);
}

// Above 1: atan a = pi / 2 - atan(1 / a).
fn pinned_atan(x: f32) -> f32 {
    let a = abs(x);
    let big = a > 1.0;
    let upper = (a > 0.414213568) & (a < 2.41421354);
    let y = pinned_atan_ratio(select(a, 1.0, big), select(1.0, a, big), upper);
    let away = select(0.0, PINNED_HALF_PI, big);
    let away_lo = select(0.0, PINNED_HALF_PI_LO, big);
    return pinned_with_sign(away + (select(y, -y, big) + away_lo), x);
}

// The smaller of |y|, |x| over the larger, then the octant. Very large and very small pairs are scaled first, so that
// their sums and differences neither overflow nor become denormal. Two infinities count as equal, two zeros as 0 / 1.
fn pinned_atan2(y: f32, x: f32) -> f32 {
    let ay = abs(y);
    let ax = abs(x);
    let steep = ay > ax;
    let lower = select(ay, ax, steep);
    let low = select(lower, 0.0, lower < PINNED_MIN_NORMAL);
    let high = select(ax, ay, steep);
    let infinite = (low > PINNED_MAX) & (high > PINNED_MAX);
    let scale = select(select(1.0, 1.09951163e12, high < 1.0e-24), 0.25, high > 8.0e37);
    let high_scaled = select(high * scale, 1.0, infinite | (high < PINNED_MIN_NORMAL));
    let upper = (low > 0.414213568 * high) | infinite;
    let angle = pinned_atan_ratio(select(low * scale, 1.0, infinite), high_scaled, upper);
    let negative = (pinned_bits(x) & 0x80000000) != 0;
    let away = select(select(0.0, PINNED_PI, negative), PINNED_HALF_PI, steep);
    let away_lo = select(select(0.0, PINNED_PI_LO, negative), PINNED_HALF_PI_LO, steep);
    return pinned_with_sign(away + (select(angle, -angle, steep != negative) + away_lo), y);
}

// A number with the lower half of its mantissa cleared: 12 bits stay, products of two such numbers are exact.
fn pinned_upper(x: f32) -> f32 {
    return pinned_float(pinned_bits(x) & 0xfffff000);
}

// |x|^y = 2^(y log2 |x|), with log2 |x| in two floats. m in [sqrt(1/2), sqrt(2)) is compared with the nearest of three
// short centres c, so that s = (m - c) / (m + c) is at most 1/16: log2 m = log2 c + 2 log2(e) (s + s^3 q(s^2)).
// s = s_1 + s_2 (s_1 of 12 bits) comes from a division and its remainder; the tail s^3 q is at most s / 700, so that
// one float is enough for it. log2 c = c_1 + c_2, c_1 of 13 bits after the point, so that e + c_1 is exact.
fn pinned_pow(x: f32, y: f32) -> f32 {
    let ax = abs(x);
    let ay = abs(y);
    let e = pinned_exponent(pinned_exponent_bits(ax));
    let m = pinned_mantissa(ax);
    let above = m > 1.12;
    let under = m < 0.9;
    let c = select(select(1.0, 1.25, above), 0.796875, under);
    let c_1 = select(select(0.0, 0.3218994140625, above), -0.32763671875, under);
    let c_2 = select(select(0.0, 2.86808245e-5, above), 6.20607243e-5, under);
    let over = m - c;
    let sum = m + c;
    let s = over / sum;
    let s_1 = pinned_upper(s);
    let sum_1 = pinned_upper(sum);
    let sum_2 = m - (sum_1 - c);
    let s_2 = ((over - s_1 * sum_1) - s_1 * sum_2) / sum;
    let z = s * s;
    let tail = (s * z) * ((0.145124838 * z + 0.199990585) * z + 0.333333343);
    let l_1 = s_1 * 2.884765625;
    let l_2 = c_2 + (s_1 * 0.000624456778 + (s_2 + tail) * 2.88539004);
    let e_1 = e + c_1;
    // log2 |x| = log_1 + log_2, log_1 of 12 bits.
    let log_sum = e_1 + l_1;
    let log_rest = (l_1 - (log_sum - e_1)) + l_2;
    let log_1 = pinned_upper(log_sum + log_rest);
    let log_2 = log_rest - (log_1 - log_sum);
    // The product with y, again in two floats. Beyond 2^40 the result does not change, save at |x| = 1.
    let y_below = select(y, 1.09951163e12, y > 1.09951163e12);
    let v = select(y_below, -1.09951163e12, y_below < -1.09951163e12);
    let v_1 = pinned_upper(v);
    let p_1 = v_1 * log_1;
    let p_2 = (v - v_1) * log_1 + v * log_2;
    let p = p_1 + p_2;
    let high = p > 130.0;
    let low = p < -152.0;
    let power = select(select(p, 130.0, high), -152.0, low);
    let t = power + 12583166.0;
    let n = t - 12583166.0;
    let r = select((p_1 - n) + p_2, 0.0, high | low);
    let size = pinned_scale(pinned_exp2_small(r), pinned_bits(t));
    // Zeros and infinities.
    let outside = (ax < PINNED_MIN_NORMAL) | (ax > PINNED_MAX);
    let end = select(0.0, pinned_float(0x7f800000), (ax > 1.0) == (y > 0.0));
    let known = select(size, end, outside);
    // Is y whole, and is it odd? From 2^23 on every number is whole, from 2^24 on even.
    let coarse = ay >= 8388608.0;
    let shifted = ay + 8388608.0;
    let whole = coarse | ((shifted - 8388608.0) == ay);
    let odd_bits = pinned_select(pinned_select(pinned_bits(shifted), pinned_bits(ay), coarse), 0, ay >= 16777216.0);
    let odd = whole & ((odd_bits & 1) == 1);
    let negative = (pinned_bits(x) & 0x80000000) != 0;
    let signed = select(known, -known, negative & odd);
    let real = select(signed, pinned_float(0x7fc00000), (negative & !outside) & !whole);
    let result = select(real, pinned_float(0x7fc00000), pinned_is_nan(x) | pinned_is_nan(y));
    return select(result, 1.0, (x == 1.0) | (ay < PINNED_MIN_NORMAL));
}
