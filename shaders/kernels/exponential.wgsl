// What a step of exponential Euler multiplies the right-hand side by, `dt phi(dt J)`; and `dt`, as in Euler's method, where that
// is of no use.

// Where it is infinite, NaN or so small that nothing moves. This does not look at the right-hand side: what depends on parameters and
// the clock alone is computed once for all elements.
fn exponential_factor(dt: f32, factor: f32) -> f32 {
    // signed, since not every processor compares unsigned words: from 2^-126 on, below infinity
    let place = bitcast<i32>(bitcast<u32>(factor) + 0x7f800000u);
    return select(dt, factor, place < -0x1000000);
}

// The product with the right-hand side, and that of `dt` where it is infinite or NaN.
fn exponential_change(dt: f32, factor: f32, f: f32) -> f32 {
    let change = factor * f;
    let size = bitcast<i32>(bitcast<u32>(change) & 0x7fffffffu);
    return select(dt * f, change, size < 0x7f800000);
}
