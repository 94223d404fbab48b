// Quotients and roots rounded as IEEE 754 says, for devices that are off by a few units in the last place, as Vulkan lets
// them be. This text is compiled both as WGSL and, after a textual step, as Rust, like `pinned.wgsl`.
//
// A device's own result is an estimate; its remainder, which is small, is exact in 32-bit integers that wrap around.

// a / b from an estimate within 4 units in the last place. What is zero, infinite, NaN or not normal stays the estimate.
fn pinned_quotient(a: f32, b: f32, estimate: f32) -> f32 {
    let a_bits = pinned_bits(a) & 0x7fffffff;
    let b_bits = pinned_bits(b) & 0x7fffffff;
    let a_exponent = a_bits >> 23;
    let b_exponent = b_bits >> 23;
    let a_mantissa = (a_bits & 0x007fffff) | 0x00800000;
    let b_mantissa = (b_bits & 0x007fffff) | 0x00800000;
    let smaller = a_mantissa < b_mantissa;
    // the quotient has 25 bits: those of the result, and one to round by
    let dividend = pinned_select(a_mantissa << 24, a_mantissa << 25, smaller);
    let exponent = pinned_difference(a_exponent + 127, b_exponent + pinned_select(0, 1, smaller));
    let e_bits = pinned_bits(estimate) & 0x7fffffff;
    let e_mantissa = (e_bits & 0x007fffff) | 0x00800000;
    let above = pinned_difference(e_bits >> 23, exponent);
    let guess = pinned_select(pinned_select(e_mantissa, e_mantissa << 1, above == 0), e_mantissa << 2, above == 1);
    // from 16 too few in steps of 16, 8, 4, 2 and 1 to the last quotient that leaves a remainder
    let q_0 = guess - 16;
    let r_0 = pinned_difference(dividend, pinned_product(q_0, b_mantissa));
    let is_16 = r_0 >= b_mantissa << 4;
    let r_1 = pinned_difference(r_0, pinned_select(0, b_mantissa << 4, is_16));
    let is_8 = r_1 >= b_mantissa << 3;
    let r_2 = pinned_difference(r_1, pinned_select(0, b_mantissa << 3, is_8));
    let is_4 = r_2 >= b_mantissa << 2;
    let r_3 = pinned_difference(r_2, pinned_select(0, b_mantissa << 2, is_4));
    let is_2 = r_3 >= b_mantissa << 1;
    let r_4 = pinned_difference(r_3, pinned_select(0, b_mantissa << 1, is_2));
    let is_1 = r_4 >= b_mantissa;
    let r_5 = pinned_difference(r_4, pinned_select(0, b_mantissa, is_1));
    let steps_high = pinned_select(0, 16, is_16) + pinned_select(0, 8, is_8) + pinned_select(0, 4, is_4);
    let q_5 = q_0 + steps_high + pinned_select(0, 2, is_2) + pinned_select(0, 1, is_1);
    // to nearest, half to even
    let kept = q_5 >> 1;
    let up = (q_5 & 1) & (kept | pinned_select(0, 1, r_5 != 0));
    let size = pinned_sum(exponent << 23, pinned_difference(kept + up, 0x00800000));
    let sign = (pinned_bits(a) ^ pinned_bits(b)) & 0x80000000;
    let a_normal = (a_exponent != 0) & (a_exponent != 255);
    let b_normal = (b_exponent != 0) & (b_exponent != 255);
    // an exponent below 1 has wrapped around
    let normal = (a_normal & b_normal) & ((exponent != 0) & (exponent < 255));
    return select(estimate, pinned_float(size | sign), normal);
}

// The square root of x from an estimate within 5 units in the last place. What is not positive and normal stays the
// estimate.
fn pinned_root(x: f32, estimate: f32) -> f32 {
    let bits = pinned_bits(x);
    let exponent = bits >> 23;
    let odd = exponent & 1;
    let mantissa = (bits & 0x007fffff) | 0x00800000;
    // the root of 47 or 48 bits has 24
    let square = pinned_select(mantissa << 24, mantissa << 23, odd == 1);
    let result = (exponent + 126 + odd) >> 1;
    let e_bits = pinned_bits(estimate) & 0x7fffffff;
    let e_mantissa = (e_bits & 0x007fffff) | 0x00800000;
    let above = pinned_difference(e_bits >> 23, result);
    let guess = pinned_select(pinned_select(e_mantissa >> 1, e_mantissa, above == 0), e_mantissa << 1, above == 1);
    // from 12 too few in steps of 16, 8, 4, 2 and 1: a step of k takes k (2 s + k) from the remainder
    let first = guess - 12;
    let rest = pinned_difference(square, pinned_product(first, first));
    let is_16 = rest >= (first << 5) + 256;
    let r_0 = pinned_difference(rest, pinned_select(0, (first << 5) + 256, is_16));
    let s_0 = first + pinned_select(0, 16, is_16);
    let is_8 = r_0 >= (s_0 << 4) + 64;
    let r_1 = pinned_difference(r_0, pinned_select(0, (s_0 << 4) + 64, is_8));
    let s_1 = s_0 + pinned_select(0, 8, is_8);
    let is_4 = r_1 >= (s_1 << 3) + 16;
    let r_2 = pinned_difference(r_1, pinned_select(0, (s_1 << 3) + 16, is_4));
    let s_2 = s_1 + pinned_select(0, 4, is_4);
    let is_2 = r_2 >= (s_2 << 2) + 4;
    let r_3 = pinned_difference(r_2, pinned_select(0, (s_2 << 2) + 4, is_2));
    let s_3 = s_2 + pinned_select(0, 2, is_2);
    let is_1 = r_3 >= (s_3 << 1) + 1;
    let r_4 = pinned_difference(r_3, pinned_select(0, (s_3 << 1) + 1, is_1));
    let s_4 = s_3 + pinned_select(0, 1, is_1);
    // (s + 1/2)^2 is s^2 + s + 1/4, so a root is never half way
    let rounded = s_4 + pinned_select(0, 1, r_4 > s_4);
    let size = pinned_sum(result << 23, pinned_difference(rounded, 0x00800000));
    return select(estimate, pinned_float(size), (exponent != 0) & (exponent < 255));
}

fn pinned_divide(a: f32, b: f32) -> f32 {
    return pinned_quotient(a, b, a / b);
}

fn pinned_sqrt(x: f32) -> f32 {
    return pinned_root(x, sqrt(x));
}
