// naga leaves open which integer NaN becomes.
fn pinned_to_i32(x: f32) -> i32 {
    return select(i32(x), 0, pinned_is_nan(x));
}

fn pinned_to_u32(x: f32) -> u32 {
    return select(u32(x), 0u, pinned_is_nan(x));
}
