// Counter-based random numbers: Philox 4x32-10 (Salmon et al., 2011). A draw is a function of the seed, the node, the
// step, the element, the copy of the system and the number of the draw alone, whatever the engine and the order of
// evaluation.
struct Random {
    seed: u32,
    seed_high: u32,
    node: u32,
    element: u32,
    copy: u32,
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

// Four random words of this element and step; `draw` tells several apart.
fn random_words(r: Random, draw: u32) -> vec4<u32> {
    var c0 = r.element;
    var c1 = r.i;
    var c2 = r.i_high ^ (draw << 16u);
    var c3 = r.node;
    var k0 = r.seed;
    // an odd factor: no two copies share a key, and copy 0 has the seed's own
    var k1 = r.seed_high ^ (r.copy * 0x85ebca6bu);
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

// Uniform in [0, 1), a multiple of 2^-24.
fn random_uniform(r: Random, draw: u32) -> f32 {
    return f32(random_words(r, draw).x >> 8u) * 5.9604645e-8;
}

// Normal with mean 0 and standard deviation 1 (Box and Muller).
fn random_normal(r: Random, draw: u32) -> f32 {
    let words = random_words(r, draw);
    let u = (f32(words.x >> 8u) + 0.5) * 5.9604645e-8;
    let v = f32(words.y >> 8u) * 5.9604645e-8;
    return sqrt(-2.0 * log(u)) * cos(6.2831853 * v);
}
