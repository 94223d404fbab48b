//! Texts of models.

use dsrunner::{Error, Model};

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

const WORDS: [&str; 40] = [
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
    // a text takes some hundred bytes a byte, the library behind it half a megabyte
    let target = Target {
        name: "texts",
        inputs,
        words: &WORDS,
        count: 4000,
        cap: |bytes| (4 << 20) + 1024 * bytes.len(),
    };
    target.run(|bytes| match Model::from_wgsl("Damaged", &String::from_utf8_lossy(bytes)) {
        Ok(_) => true,
        Err(
            Error::ModelSyntax { .. }
            | Error::ModelContract { .. }
            | Error::Unsupported { .. }
            | Error::NotDifferentiable { .. },
        ) => false,
        Err(error) => panic!("an error of another kind: {error}"),
    });
}
