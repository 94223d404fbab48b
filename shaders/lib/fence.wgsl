// Arithmetic for compilers that reorder it and cannot be told not to: they do not see through an exclusive or with a number that is
// known at run time only.
fn pinned_fence(x: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(x) ^ clock.zero);
}

fn pinned_fenced_sum(a: f32, b: f32) -> f32 {
    return pinned_fence(a + b);
}

fn pinned_fenced_difference(a: f32, b: f32) -> f32 {
    return pinned_fence(a - b);
}

fn pinned_fenced_product(a: f32, b: f32) -> f32 {
    return pinned_fence(a * b);
}

fn pinned_fenced_quotient(a: f32, b: f32) -> f32 {
    return pinned_fence(a / b);
}

fn pinned_fenced_root(x: f32) -> f32 {
    return pinned_fence(sqrt(x));
}

fn pinned_unequal(a: f32, b: f32) -> bool {
    return !(a == b);
}
