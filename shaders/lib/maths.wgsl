// The number of steps in a duration, to the nearest; half steps round up, those among them that f32 has a unit or two in the last
// place below.
fn steps(duration: f32, dt: f32) -> i32 {
    let quotient = duration / dt;
    return i32(floor(quotient + 0.5 + quotient * 2.4e-7));
}

// True for NaN. A comparison `x != x` may be optimised away, the bits may not.
fn is_nan(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

// True for both infinities.
fn is_inf(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) == 0x7f800000u;
}

// True for all that is neither NaN nor infinite.
fn is_finite(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

// x, but a zero of its sign for denormal numbers, which GPUs may take for zero and on which processors compute slowly. What is
// stored in a state variable goes through it.
fn flushed(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    return bitcast<f32>(select(bits & 0x80000000u, bits, (bits & 0x7f800000u) != 0u));
}

// (e^x - 1) / x, and 1 at 0.
fn exprel(x: f32) -> f32 {
    return pinned_exprel(x);
}

// The phase of an oscillation of `f` cycles per unit of time, from 0 to below 1: `f dt i` modulo 1, where f dt is rounded to
// f32 and the rest is exact, however many steps there were.
fn phase(h: Shared, f: f32) -> f32 {
    let cycles = f * h.dt;
    let bits = bitcast<u32>(cycles);
    let exponent = i32((bits >> 23u) & 0xffu);
    if exponent == 0 || exponent == 255 {
        return 0.0;
    }
    // the cycles of a step in units of 2^-64, modulo 2^64
    let mantissa = (bits & 0x7fffffu) | 0x800000u;
    let shift = exponent - 86;
    var low = 0u;
    var high = 0u;
    if shift < 0 && shift > -24 {
        low = mantissa >> u32(-shift);
    } else if shift >= 0 && shift < 32 {
        low = mantissa << u32(shift);
        high = (mantissa >> 1u) >> u32(31 - shift);
    } else if shift >= 32 && shift < 64 {
        high = mantissa << u32(shift - 32);
    }
    let turns = philox_product(low, h.i).y + low * h.i_high + high * h.i;
    // a negative frequency turns the other way
    let forward = select(turns, 0u - turns, cycles < 0.0);
    return f32(forward >> 8u) * 5.9604645e-8;
}
