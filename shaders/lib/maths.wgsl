// The number of steps in a duration, to the nearest; half steps round up.
fn steps(duration: f32, dt: f32) -> i32 {
    return i32(floor(duration / dt + 0.5));
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

// (e^x - 1) / x, and 1 at 0.
fn exprel(x: f32) -> f32 {
    return pinned_exprel(x);
}
