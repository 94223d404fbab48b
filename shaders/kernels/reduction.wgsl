// Values that are reduced: f32 (0), i32 (1), u32 (2), or an integer of two words, the low one first (3). Here each has two words; the
// second one of an f32 is 0, and that of an integer its sign or more.

fn value_at(address: u32, kind: u32) -> vec2<u32> {
    let low = arena[address];
    switch kind {
        case 1u: { return vec2<u32>(low, bitcast<u32>(bitcast<i32>(low) >> 31u)); }
        case 3u: { return vec2<u32>(low, arena[address + 1u]); }
        default: { return vec2<u32>(low, 0u); }
    }
}

// Of so many words.
fn keep_value(address: u32, value: vec2<u32>, words: u32) {
    arena[address] = value.x;
    if words == 2u {
        arena[address + 1u] = value.y;
    }
}

fn is_nan_bits(bits: u32) -> bool {
    return (bits & 0x7fffffffu) > 0x7f800000u;
}

// A number that grows with the f32 of these bits, for -0 less than for 0. Drivers may flush denormal numbers before they compare.
fn ordered(bits: u32) -> u32 {
    return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

// Whether integers, or f32 by their bits, come in this order or are equal.
fn is_ascending(a: vec2<u32>, b: vec2<u32>, kind: u32) -> bool {
    if kind == 0u {
        return ordered(a.x) <= ordered(b.x);
    }
    if a.y == b.y {
        return a.x <= b.x;
    }
    return bitcast<i32>(a.y) < bitcast<i32>(b.y);
}

// What is beyond 64 bits, or was before.
const BEYOND = vec2<u32>(0u, 0x80000000u);

fn integer_sum(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = a.x + b.x;
    let high = a.y + b.y + select(0u, 1u, low < a.x);
    // two of one sign have a sum of that sign
    let is_beyond = ((~(a.y ^ b.y) & (a.y ^ high)) >> 31u) == 1u;
    if is_beyond || all(a == BEYOND) || all(b == BEYOND) {
        return BEYOND;
    }
    return vec2<u32>(low, high);
}

// One of two values: 0 the sum, 1 the lesser, 2 the greater; a NaN where one is.
fn folded(a: vec2<u32>, b: vec2<u32>, fold: u32, kind: u32) -> vec2<u32> {
    if fold == 0u {
        if kind == 0u {
            return vec2<u32>(bitcast<u32>(bitcast<f32>(a.x) + bitcast<f32>(b.x)), 0u);
        }
        return integer_sum(a, b);
    }
    if kind == 0u && is_nan_bits(a.x) {
        return a;
    }
    if kind == 0u && is_nan_bits(b.x) {
        return b;
    }
    if is_ascending(a, b, kind) == (fold == 1u) {
        return a;
    }
    return b;
}
