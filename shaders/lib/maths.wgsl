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
// f32 and the rest is exact, however many steps there were. Within a Runge-Kutta step it is that of the stage.
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
    let stage = abs(cycles) * h.stage;
    let part = u32((stage - floor(stage)) * 4294967296.0);
    let turns = philox_product(low, h.i).y + low * h.i_high + high * h.i + part;
    // a negative frequency turns the other way
    let forward = select(turns, 0u - turns, cycles < 0.0);
    return f32(forward >> 8u) * 5.9604645e-8;
}

// The binary fraction of 1 / (2 pi): the bits from 32 k on, and those from 32 k + up on.
fn turn_bits(k: i32) -> u32 {
    switch k {
        case 0: { return 0x28be60dbu; }
        case 1: { return 0x9391054au; }
        case 2: { return 0x7f09d5f4u; }
        case 3: { return 0x7d4d3770u; }
        case 4: { return 0x36d8a566u; }
        default: { return 0u; }
    }
}

fn turn_word(k: i32, up: u32) -> u32 {
    return (turn_bits(k) << up) | ((turn_bits(k + 1) >> 1u) >> (31u - up));
}

// `omega t / (2 pi)` modulo 1, in units of 2^-32; 0 where `omega t` has more than 79 bits before the point.
fn turns_of(omega: f32, t: f32) -> u32 {
    let a = bitcast<u32>(omega);
    let b = bitcast<u32>(t);
    let a_exponent = i32((a >> 23u) & 0xffu);
    let b_exponent = i32((b >> 23u) & 0xffu);
    // omega t = mantissas 2^(shift - 32)
    let shift = a_exponent + b_exponent - 268;
    if a_exponent == 0 || b_exponent == 0 || shift < -96 || shift >= 64 {
        return 0u;
    }
    let mantissas = philox_product((a & 0x7fffffu) | 0x800000u, (b & 0x7fffffu) | 0x800000u);
    // 2^shift / (2 pi) modulo 2^32: a word before the point, and two behind
    let word = shift >> 5u;
    let up = u32(shift & 31);
    let middle = turn_word(word, up);
    let turns = mantissas.x * turn_word(word - 1, up) + philox_product(mantissas.x, middle).y
        + mantissas.y * middle + philox_product(mantissas.y, turn_word(word + 1, up)).y;
    return select(turns, 0u - turns, ((a ^ b) >> 31u) == 1u);
}

// The angle `omega t`, from -pi to pi, however late it is: `sin(time_angle(h, omega))` is `sin(omega t)`, by the time of
// 48 bits. Within a Runge-Kutta step it is that of the stage.
fn time_angle(h: Shared, omega: f32) -> f32 {
    let turns = turns_of(omega, h.t_hi) + turns_of(omega, h.t_lo);
    return f32(bitcast<i32>(turns)) * 1.46291808e-9;
}
