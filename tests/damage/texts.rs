//! Texts of models.

use dsrunner::{Error, Kernel, Model, Result};

use crate::target::Target;

const TEXTS: [&str; 11] = [
    include_str!("../../shaders/neurons/hh.wgsl"),
    include_str!("../../shaders/neurons/izhikevich.wgsl"),
    include_str!("../../shaders/neurons/lif.wgsl"),
    include_str!("../../shaders/neurons/lif_ref.wgsl"),
    include_str!("../../shaders/odes/forced.wgsl"),
    include_str!("../../shaders/odes/lorenz.wgsl"),
    include_str!("../../shaders/odes/van_der_pol.wgsl"),
    include_str!("../../shaders/outputs/coba.wgsl"),
    include_str!("../../shaders/outputs/cuba.wgsl"),
    include_str!("../../shaders/sources/poisson.wgsl"),
    include_str!("../../shaders/synapses/expon.wgsl"),
];

const WORDS: [&str; 44] = [
    "struct State { x: f32 }\n",
    "struct Params { p: f32 }\n",
    "struct Derivative { x: f32 }\n",
    "fn derivative(s: State) -> Derivative { return Derivative(-s.x); }\n",
    "fn f() -> f32 { return f(); }\n",
    "array<f32, 4294967295>",
    "array<f32>",
    "array<array<f32, 65536>, 65536>",
    "vec4<f32>",
    "mat4x4<f32>",
    "atomic<u32>",
    "ptr<function, f32>",
    "f16",
    "i32",
    "u32",
    "bool",
    "var x = ",
    "let y = ",
    "const z = ",
    "override o: f32;",
    "@group(0) @binding(0) var<storage> b: array<f32>;",
    "var<workgroup> w: array<u32, 4096>;",
    "workgroupBarrier();",
    "atomicAdd(&counts[0], 1u)",
    "@builtin(global_invocation_id)",
    "if (true) {",
    "loop {",
    "for (var i = 0; i < 1000000000; i++) {",
    "while (true) {",
    "break;",
    "return",
    "discard;",
    "switch (1) {",
    "select(1.0, 2.0, true)",
    "exp(1e38)",
    "1.0 / 0.0",
    "1 / 0",
    "-2147483648",
    "1e400",
    "0x1p-200f",
    "const_assert false;",
    "enable f16;",
    "/*",
    "é",
];

#[test]
fn damaged_texts_of_models() {
    let inputs = TEXTS.map(|text| text.as_bytes().to_vec()).into();
    try_texts("texts", inputs, |text| Model::from_wgsl("Damaged", text).map(drop));
}

const KERNELS: [&str; 2] = [
    "@group(0) @binding(0) var<storage, read> old: array<f32>;
    @group(0) @binding(1) var<storage, read_write> x: array<f32>;
    @group(0) @binding(2) var<uniform> sh: Shared;
    @group(0) @binding(3) var<uniform> random: Random;
    var<private> count: u32 = 3u;

    fn at(p: vec2<u32>) -> f32 { return old[p.x % 40u + 40u * (p.y % 23u)]; }

    @compute @workgroup_size(8, 4)
    fn diffuse(@builtin(global_invocation_id) id: vec3<u32>) {
        var r = random;
        r.element = id.x;
        for (var k = 0u; k < 4u; k++) {
            x[id.x] += sh.dt * (at(id.xy + vec2(k, 1u)) - old[id.x]) + random_normal(r, k);
        }
        count += u32(x[3]);
    }",
    "@group(0) @binding(0) var<storage, read> value: array<u32>;
    @group(0) @binding(1) var<storage, read_write> counts: array<atomic<u32>>;
    @group(0) @binding(2) var<storage, read_write> most: array<atomic<i32>, 2>;
    var<workgroup> own: array<atomic<u32>, 8>;

    @compute @workgroup_size(50)
    fn count(
        @builtin(local_invocation_index) k: u32,
        @builtin(workgroup_id) group: vec3<u32>,
        @builtin(num_workgroups) groups: vec3<u32>,
    ) {
        if group.x * 50u + k < arrayLength(&value) { atomicAdd(&own[value[k] & 7u], 1u); }
        workgroupBarrier();
        if k < 8u { atomicAdd(&counts[k], atomicLoad(&own[k])); }
        let was = atomicCompareExchangeWeak(&most[0], 3, i32(groups.x));
        if was.exchanged { atomicMax(&most[1], was.old_value); }
    }",
];

#[test]
fn damaged_texts_of_kernels() {
    let inputs = KERNELS.map(|text| text.as_bytes().to_vec()).into();
    try_texts("kernels", inputs, |text| Kernel::from_wgsl("Damaged", text).map(drop));
}

fn try_texts(name: &str, inputs: Vec<Vec<u8>>, parse: impl Fn(&str) -> Result<()>) {
    // a text takes some hundred bytes a byte, the library behind it half a megabyte
    let cap = |bytes: &[u8]| (4 << 20) + 1024 * bytes.len();
    let target = Target { name, inputs, words: &WORDS, count: 4000, cap };
    target.run(|bytes| match parse(&String::from_utf8_lossy(bytes)) {
        Ok(()) => true,
        Err(
            Error::ModelSyntax { .. }
            | Error::ModelContract { .. }
            | Error::Unsupported { .. }
            | Error::NotDifferentiable { .. },
        ) => false,
        Err(error) => panic!("an error of another kind: {error}"),
    });
}
