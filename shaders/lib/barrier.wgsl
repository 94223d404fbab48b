// Arithmetic for compilers that make something else of it: they do not see through bits that are combined with a zero that is known at
// run time only. Standing twice, this is the same as once.
fn pinned_barrier(x: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(x) | clock.zero);
}

// Another one, so that `x - x` and `x / x` are not taken for 0 and 1. It does not undo the first.
fn pinned_barrier_right(x: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(x) + clock.zero);
}

fn pinned_opaque_sum(a: f32, b: f32) -> f32 {
    return pinned_barrier(a + b);
}

fn pinned_opaque_difference(a: f32, b: f32) -> f32 {
    return pinned_barrier(a - pinned_barrier_right(b));
}

fn pinned_opaque_product(a: f32, b: f32) -> f32 {
    return pinned_barrier(a * b);
}

fn pinned_opaque_quotient(a: f32, b: f32) -> f32 {
    return pinned_barrier(a / pinned_barrier_right(b));
}

fn pinned_opaque_negative(x: f32) -> f32 {
    return pinned_barrier(-x);
}

fn pinned_opaque_root(x: f32) -> f32 {
    return pinned_barrier(sqrt(x));
}

fn pinned_unequal(a: f32, b: f32) -> bool {
    return !(a == b);
}

// Compilers take -0 for a number that is not negative, and leave it as it is.
fn pinned_abs(x: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(x) & 0x7fffffffu);
}

// A choice between -1 and 0, or 1 and -0, is not to be known as one; nor where the other of the two is opaque, by another operation.
fn pinned_minus_one() -> f32 {
    return bitcast<f32>(0xbf800000u + clock.zero);
}

fn pinned_minus_zero() -> f32 {
    return bitcast<f32>(0x80000000u + clock.zero);
}
