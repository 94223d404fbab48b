//! Texts of models, and the values that they begin with.

use dsrunner::{Group, Method, Model, Result};
use fastrand::Rng;

use crate::forms::VALUES;
use crate::node::Node;

pub const ELEMENTS: usize = 96;

/// The variables of every text.
pub const FLOATS: [&str; 8] = ["f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7"];
pub const INTEGERS: [&str; 3] = ["i0", "i1", "i2"];
pub const NATURALS: [&str; 3] = ["u0", "u1", "u2"];

/// How a text says what a step does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    Update,
    Derivative(Method),
}

/// A text in pieces.
#[derive(Debug, Clone)]
pub struct Text {
    pub step: Step,
    pub statements: Vec<Node>,
    /// New values, or slopes, of the variables in their order; of those that keep their value, none.
    pub results: Vec<Option<Node>>,
}

/// The variables of a text in their order.
pub fn variables(step: Step) -> Vec<&'static str> {
    match step {
        Step::Update => [&FLOATS[..], &INTEGERS, &NATURALS].concat(),
        Step::Derivative(_) => FLOATS.to_vec(),
    }
}

/// What texts may call beside the built-in functions.
const FUNCTIONS: [&str; 6] = [
    "fn bits_of(x: f32) -> u32 { return select(bitcast<u32>(x), 0x7fc00000u, is_nan(x)); }",
    "fn twice(x: f32, y: f32) -> f32 {
    var sum = y;
    for (var k = 0; k < 2; k++) { sum = sum * f32(k) + x; }
    return sum;
}",
    "fn less_itself(x: f32) -> f32 { return x - x; }",
    "fn over_itself(x: f32) -> f32 { return x / x; }",
    "fn fourth(x: f32) -> f32 { return (x * x) * (x * x); }",
    "fn chosen(x: f32, y: f32, k: i32) -> f32 {
    if k < 0 { return y; }
    let all = array<f32, 4>(x, y, 0.0, -0.0);
    return all[k & 3];
}",
];

/// Those of some functions that a text calls.
pub fn called(functions: &[&str], text: &str) -> String {
    let name = |function: &str| function["fn ".len()..=function.find('(').unwrap()].to_string();
    let called = functions.iter().filter(|function| text.contains(&name(function)));
    called.map(|function| format!("{function}\n")).collect()
}

impl Text {
    /// The text; with `interpreted`, one that machine code has no instructions for, so that it is interpreted.
    pub fn source(&self, interpreted: bool) -> String {
        let declared = |names: &[&str], kind: &str| {
            names.iter().map(|name| format!("{name}: {kind}, ")).collect::<String>()
        };
        let names = variables(self.step);
        let mut state = declared(&FLOATS, "f32");
        if self.step == Step::Update {
            state += &declared(&INTEGERS, "i32");
            state += &declared(&NATURALS, "u32");
        }
        let (head, kept) = match self.step {
            Step::Update => ("fn update(s: State, p: Params, h: Shared) -> State {", true),
            Step::Derivative(_) => {
                ("fn derivative(s: State, p: Params, h: Shared) -> Derivative {", false)
            }
        };
        let mut results: Vec<String> = self
            .results
            .iter()
            .zip(&names)
            .map(|(result, name)| match result {
                Some(node) => node.text(),
                None if kept => format!("s.{name}"),
                None => "0.0".into(),
            })
            .collect();
        if let (true, Some(first)) = (interpreted, results.first_mut()) {
            // a division of integers by 1
            *first = format!("select({first}, 0.0, (p.n - p.n) / p.one != 0)");
        }
        let slopes = match self.step {
            Step::Update => String::new(),
            Step::Derivative(_) => {
                format!("struct Derivative {{ {} }}\n", declared(&FLOATS, "f32"))
            }
        };
        let ends = if kept { "State" } else { "Derivative" };
        let statements: String =
            self.statements.iter().map(|s| format!("    {}\n", s.text())).collect();
        let results = results.join(",\n        ");
        let body =
            format!("{head}\n{statements}    return {ends}(\n        {results},\n    );\n}}\n");
        format!(
            "struct Params {{ a: f32, b: f32, n: i32, m: u32, one: i32 }}\nstruct State {{ {state} }}\n{slopes}{}{body}",
            called(&FUNCTIONS, &body)
        )
    }

    /// A group of it, with values by that seed.
    pub fn group(&self, seed: u64, interpreted: bool) -> Result<Group> {
        let model = Model::from_wgsl("Bits", &self.source(interpreted))?;
        let mut rng = Rng::with_seed(seed);
        let float = |rng: &mut Rng| match rng.usize(..4) {
            0 => (f64::from(rng.f32()) - 0.5) * 2f64.powi(rng.i32(-4..8)),
            _ => VALUES[rng.usize(..VALUES.len())],
        };
        let number = |rng: &mut Rng| loop {
            let x = float(rng);
            if x.is_finite() {
                return x;
            }
        };
        // 32 bits, of which the edges are frequent
        let word = |rng: &mut Rng| match rng.usize(..4) {
            0 => rng.u32(..),
            1 => rng.u32(..40),
            2 => rng.u32(..40).wrapping_neg(),
            _ => [0, 1, u32::MAX, 1 << 31, (1 << 31) - 1, 31, 32, 1 << 24][rng.usize(..8)],
        };
        let mut group = Group::new(&model, ELEMENTS)
            .param("a", (0..ELEMENTS).map(|_| number(&mut rng)).collect::<Vec<_>>())
            .param("b", number(&mut rng))
            .param("n", word(&mut rng) as i32)
            .param("m", (0..ELEMENTS).map(|_| word(&mut rng)).collect::<Vec<_>>())
            .param("one", 1);
        for name in variables(self.step) {
            let mut column = |one: &dyn Fn(&mut Rng) -> f64| -> Vec<f64> {
                (0..ELEMENTS).map(|_| one(&mut rng)).collect()
            };
            group = group.init(
                name,
                match name.as_bytes()[0] {
                    b'f' => column(&float),
                    b'i' => column(&|rng| f64::from(word(rng) as i32)),
                    _ => column(&|rng| f64::from(word(rng))),
                },
            );
        }
        Ok(match self.step {
            Step::Update => group,
            Step::Derivative(method) => group.method(method),
        })
    }
}
