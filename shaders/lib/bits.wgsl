// What `pinned.wgsl` needs beyond the built-ins: bits, and whole numbers that wrap around at 2^32.
// `src/interpreter/math.rs` has the same in Rust.

fn pinned_float(bits: u32) -> f32 { return bitcast<f32>(bits); }
fn pinned_bits(x: f32) -> u32 { return bitcast<u32>(x); }
fn pinned_select(if_false: u32, if_true: u32, condition: bool) -> u32 { return select(if_false, if_true, condition); }
fn pinned_sum(a: u32, b: u32) -> u32 { return a + b; }
fn pinned_difference(a: u32, b: u32) -> u32 { return a - b; }
fn pinned_product(a: u32, b: u32) -> u32 { return a * b; }
