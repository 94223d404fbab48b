// Built-in functions whose last bits WGSL leaves open, as the arithmetic that the engines agree on: this text is compiled
// both as WGSL and, after a textual step, as Rust, like `pinned.wgsl`.

// The smaller of two numbers; the second where either is NaN.
fn pinned_min(a: f32, b: f32) -> f32 {
    return select(b, a, a < b);
}

// The larger of two numbers; the second where either is NaN.
fn pinned_max(a: f32, b: f32) -> f32 {
    return select(b, a, a > b);
}

fn pinned_clamp(x: f32, low: f32, high: f32) -> f32 {
    return pinned_min(pinned_max(x, low), high);
}

fn pinned_saturate(x: f32) -> f32 {
    return pinned_clamp(x, 0.0, 1.0);
}

fn pinned_sign(x: f32) -> f32 {
    return select(select(x, -1.0, x < 0.0), 1.0, x > 0.0);
}

fn pinned_fract(x: f32) -> f32 {
    return x - floor(x);
}

fn pinned_rem(x: f32, y: f32) -> f32 {
    return x - y * trunc(x / y);
}

fn pinned_inverse_sqrt(x: f32) -> f32 {
    return 1.0 / sqrt(x);
}

fn pinned_fma(a: f32, b: f32, c: f32) -> f32 {
    return a * b + c;
}

fn pinned_mix(a: f32, b: f32, t: f32) -> f32 {
    return a * (1.0 - t) + b * t;
}

fn pinned_step(edge: f32, x: f32) -> f32 {
    return select(0.0, 1.0, edge <= x);
}

fn pinned_smoothstep(low: f32, high: f32, x: f32) -> f32 {
    let t = pinned_saturate((x - low) / (high - low));
    return (t * t) * (3.0 - 2.0 * t);
}

fn pinned_radians(x: f32) -> f32 {
    return x * 0.0174532924;
}

fn pinned_degrees(x: f32) -> f32 {
    return x * 57.2957802;
}
