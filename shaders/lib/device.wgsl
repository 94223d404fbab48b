// What a device's compiler would do otherwise: lavapipe makes `x * 0.0` zero and `x + 0.0` x, whatever x is, and naga leaves
// open which integer NaN becomes.

// A zero that no compiler knows.
fn pinned_zero() -> f32 {
    return bitcast<f32>(clock.zero);
}

fn pinned_times_zero(x: f32) -> f32 {
    return x * pinned_zero();
}

fn pinned_plus_zero(x: f32) -> f32 {
    return x + pinned_zero();
}

fn pinned_zero_minus(x: f32) -> f32 {
    return pinned_zero() - x;
}

fn pinned_zero_over(x: f32) -> f32 {
    return pinned_zero() / x;
}

fn pinned_to_i32(x: f32) -> i32 {
    return select(i32(x), 0, pinned_is_nan(x));
}

fn pinned_to_u32(x: f32) -> u32 {
    return select(u32(x), 0u, pinned_is_nan(x));
}
