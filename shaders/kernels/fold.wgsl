// One of two values: 0 the sum, 1 the lesser, 2 the greater; of f32 (0), i32 (1) or u32 (2).
fn is_less(a: u32, b: u32, kind: u32) -> bool {
    switch kind {
        case 0u: { return bitcast<f32>(a) < bitcast<f32>(b); }
        case 1u: { return bitcast<i32>(a) < bitcast<i32>(b); }
        default: { return a < b; }
    }
}

fn folded(a: u32, b: u32, fold: u32, kind: u32) -> u32 {
    if fold == 0u {
        if kind == 0u {
            return bitcast<u32>(bitcast<f32>(a) + bitcast<f32>(b));
        }
        return a + b;
    }
    if fold == 1u {
        return select(a, b, is_less(b, a, kind));
    }
    return select(a, b, is_less(a, b, kind));
}
