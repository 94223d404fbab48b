// Counter-based random numbers: Philox 4x32-10 (Salmon et al., 2011). The host makes a key of the seed, the node and the replica of
// the system; the counter is the element, the step and the number of the draw. A draw is a function of these alone, whatever
// the engine and the order of evaluation.
struct Random {
    key: u32,
    key_high: u32,
    element: u32,
    i: u32,
    i_high: u32,
}

fn philox_product(a: u32, b: u32) -> vec2<u32> {
    let a_low = a & 0xffffu;
    let a_high = a >> 16u;
    let b_low = b & 0xffffu;
    let b_high = b >> 16u;
    let low = a_low * b_low;
    let middle = a_high * b_low + (low >> 16u);
    let cross = a_low * b_high + (middle & 0xffffu);
    return vec2<u32>(a * b, a_high * b_high + (middle >> 16u) + (cross >> 16u));
}

// Four words of a draw by one of the functions below. Its number is in bits of the step that no run reaches, so that each function
// has words of its own.
fn philox_words(r: Random, draw: u32, function: u32) -> vec4<u32> {
    var c0 = r.element;
    var c1 = r.i;
    var c2 = r.i_high ^ (function << 28u);
    var c3 = draw;
    var k0 = r.key;
    var k1 = r.key_high;
    for (var round = 0u; round < 10u; round++) {
        let p0 = philox_product(0xd2511f53u, c0);
        let p1 = philox_product(0xcd9e8d57u, c2);
        c0 = p1.y ^ c1 ^ k0;
        c1 = p1.x;
        c2 = p0.y ^ c3 ^ k1;
        c3 = p0.x;
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    return vec4<u32>(c0, c1, c2, c3);
}

// Four random words of this element and step; `draw` tells several apart.
fn random_words(r: Random, draw: u32) -> vec4<u32> {
    return philox_words(r, draw, 0u);
}

// Uniform in [0, 1): a multiple of 2^-24, and of 2^-32 below 2^-8.
fn random_uniform(r: Random, draw: u32) -> f32 {
    let word = philox_words(r, draw, 1u).x;
    // at most 24 bits, so that nothing is rounded
    return f32(select(word & 0xffffff00u, word, word < 0x1000000u)) * 2.3283064e-10;
}

// Normal with mean 0 and standard deviation 1 (Box and Muller), up to 6.7 standard deviations.
fn random_normal(r: Random, draw: u32) -> f32 {
    let words = philox_words(r, draw, 2u);
    let u = (f32(words.x) + 0.5) * 2.3283064e-10;
    let v = f32(words.y >> 8u) * 5.9604645e-8;
    return sqrt(-2.0 * log(u)) * cos(6.2831853 * v);
}

// True with probability p: where 64 random bits are less than p 2^64, rounded down. Always from 1 on, never where p is negative
// or no number.
fn random_bernoulli(r: Random, draw: u32, p: f32) -> bool {
    let words = philox_words(r, draw, 3u);
    // of numbers that are not negative, bits are in the order of the numbers
    let bits = bitcast<u32>(p);
    let certain = bits >= 0x3f800000u && bits <= 0x7f800000u;
    // products with a power of two, and what is left of them, are exact
    let scaled = select(0.0, p, bits < 0x3f800000u) * 4294967296.0;
    let high = u32(scaled);
    let low = u32((scaled - f32(high)) * 4294967296.0);
    return certain || words.x < high || (words.x == high && words.y < low);
}
