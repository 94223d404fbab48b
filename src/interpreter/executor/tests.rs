//! Programs against plain Rust, and every way of executing one against the others.

use super::*;
use crate::integrate::Method;
use crate::interpreter::native::Width;
use crate::model::{Archetype, Model};

/// Executes `update` of a model with one f32 parameter `a` per element on x, and returns x.
fn update(body: &str, x: &[f32], a: &[f32]) -> Vec<f32> {
    let text = format!(
        "struct Params {{ a: f32 }} struct State {{ x: f32 }}
         fn update(s: State, p: Params) -> State {{ {body} }}"
    );
    let model = Model::from_wgsl("Test", &text).unwrap();
    let archetype = Archetype {
        element: model,
        method: Method::RK4,
        afferents: Vec::new(),
        ltc: false,
        observe_inputs: false,
    };
    let program = archetype.compose().unwrap();
    let columns: Vec<Vec<u32>> = program
        .program_arguments
        .iter()
        .map(|program_argument| match program_argument {
            crate::model::ProgramArgument::State(..) => x.iter().map(|v| v.to_bits()).collect(),
            crate::model::ProgramArgument::Param(..) => a.iter().map(|v| v.to_bits()).collect(),
            _ => vec![0],
        })
        .collect();
    let out = evaluate(&program, &columns, x.len(), u32::MAX).unwrap();
    // the division of integers has no instruction
    let whole = ["i32", "u32", "3u"].iter().any(|kind| body.contains(kind));
    let expected = !(whole && (body.contains('/') || body.contains('%')));
    // which NaN a NaN is, is not promised
    let bits = |&word: &u32| if f32::from_bits(word).is_nan() { 0x7fc0_0000 } else { word };
    for (width, compiled) in native(&program, &columns, x.len(), expected) {
        let pairs = out[0].iter().map(bits).zip(compiled[0].iter().map(bits));
        for (k, (wanted, got)) in pairs.enumerate() {
            assert_eq!(got, wanted, "{width:?}: {body} for {} and {}", x[k], a[k]);
        }
    }
    out[0].iter().map(|&b| f32::from_bits(b)).collect()
}

fn interpreted(program: &Program, access: &[Access], outputs: &[usize]) -> Result<Executor> {
    Executor::of(program, program.lower(access), access, outputs, 1)
}

fn evaluate_by(
    executor: impl FnOnce(&Program, &[Access], &[usize]) -> Result<Executor>,
    program: &Program,
    inputs: &[Vec<u32>],
    elements: usize,
) -> Result<Vec<Vec<u32>>> {
    let (access, outputs) = given(inputs.iter().map(Vec::len), program.program_results.len());
    let inputs: Vec<&[u32]> = inputs.iter().map(Vec::as_slice).collect();
    Ok(executor(program, &access, &outputs)?.step_on(&inputs, outputs.len(), elements))
}

/// The same as machine code of each width that the processor has.
fn native(
    program: &Program,
    columns: &[Vec<u32>],
    count: usize,
    expected: bool,
) -> Vec<(Width, Vec<Vec<u32>>)> {
    let by = |width| {
        let executor = |program: &Program, access: &[Access], outputs: &[usize]| {
            let lowered = program.lower(access);
            let native = MachineCode::compile_for(width, &lowered, access, outputs);
            assert_eq!(native.is_some(), expected, "{}", program.text);
            Executor::with_code(native, program, lowered, access, outputs)
        };
        (width, evaluate_by(executor, program, columns, count).unwrap())
    };
    Width::all().into_iter().map(by).collect()
}

fn check(body: &str, expected: impl Fn(f32, f32) -> f32) {
    let x: Vec<f32> = (0..37).map(|k| k as f32 * 0.75 - 11.0).collect();
    let a: Vec<f32> = (0..37).map(|k| (k % 7) as f32 - 2.0).collect();
    let got = update(body, &x, &a);
    let wanted: Vec<f32> = x.iter().zip(&a).map(|(&x, &a)| expected(x, a)).collect();
    assert_eq!(got, wanted, "{body}");
}

#[test]
fn branches_become_masks() {
    check(
        "var y = s.x; if y > 0.0 { y += p.a; } else if y < -5.0 { y = -y; } return State(y);",
        |x, a| {
            if x > 0.0 {
                x + a
            } else if x < -5.0 {
                -x
            } else {
                x
            }
        },
    );
}

/// Every instruction set that this processor has gives the same bits.
#[test]
fn instruction_sets_agree() {
    let element = crate::neurons::hh(1).inner().component.model.clone().unwrap();
    let (afferents, ltc, observe_inputs) = (Vec::new(), false, false);
    let method = Method::EXP_EULER;
    let program = Archetype { element, method, afferents, ltc, observe_inputs }.compose().unwrap();
    let count = 1757;
    let columns: Vec<Vec<u32>> = (0..program.program_arguments.len())
        .map(|program_argument| {
            let value = |k: usize| match program.program_arguments[program_argument] {
                crate::model::ProgramArgument::State(_, 0) => -90.0 + 0.07 * k as f32,
                crate::model::ProgramArgument::Dt => 0.1,
                _ => (k * (program_argument + 3) % 101) as f32 / 101.0,
            };
            (0..count).map(|k| value(k).to_bits()).collect()
        })
        .collect();
    let sets = InstructionSet::all();
    let by = |set| {
        let executor = |program: &Program, access: &[Access], outputs: &[usize]| {
            Ok(Executor { set, ..interpreted(program, access, outputs)? })
        };
        evaluate_by(executor, &program, &columns, count).unwrap()
    };
    let wanted = by(sets[0]);
    assert!(wanted[0].iter().any(|&w| w != wanted[0][0]));
    for &set in &sets[1..] {
        assert!(by(set) == wanted, "{} differs from {}", set.name(), sets[0].name());
    }
    let widths = native(&program, &columns, count, true);
    assert_eq!(widths.is_empty(), sets.len() == 1);
    for (width, compiled) in widths {
        assert!(compiled == wanted, "machine code for {width:?} differs");
    }
}

/// Results that do not fit into the registers all arrive, each moved to the place of the one before, changed or as it was.
#[test]
fn more_results_than_registers() {
    for (count, sum) in (1..=70).flat_map(|count| [(count, ""), (count, " + f32(1.5)")]) {
        let members: String = (0..count).map(|k| format!("v{k}: f32, ")).collect();
        let values: Vec<String> =
            (0..count).map(|k| format!("s.v{}{sum}", (k + 1) % count)).collect();
        let text = format!(
            "struct State {{ {members} }} fn update(s: State) -> State {{ return State({}); }}",
            values.join(", ")
        );
        let element = Model::from_wgsl("Many", &text).unwrap();
        let (afferents, ltc, observe_inputs) = (Vec::new(), false, false);
        let method = Method::EULER;
        let program =
            Archetype { element, method, afferents, ltc, observe_inputs }.compose().unwrap();
        let value = |member: usize, k: usize| (100 * member + k) as f32;
        let columns: Vec<Vec<u32>> = program
            .program_arguments
            .iter()
            .map(|program_argument| match *program_argument {
                crate::model::ProgramArgument::State(_, member) => {
                    (0..37).map(|k| value(member, k).to_bits()).collect()
                }
                _ => vec![0],
            })
            .collect();
        let more = if sum.is_empty() { 0.0 } else { 1.5 };
        let wanted: Vec<Vec<u32>> = (0..count)
            .map(|member| {
                (0..37).map(|k| (value((member + 1) % count, k) + more).to_bits()).collect()
            })
            .collect();
        assert!(
            evaluate(&program, &columns, 37, u32::MAX).unwrap() == wanted,
            "{count} results{sum}"
        );
        for (width, compiled) in native(&program, &columns, 37, true) {
            assert!(compiled == wanted, "{width:?}: {count} results{sum}");
        }
    }
}

#[test]
fn early_returns() {
    check(
        "if s.x < 0.0 { return State(p.a); } if p.a > 1.0 { return State(7.0); } return s;",
        |x, a| {
            if x < 0.0 {
                a
            } else if a > 1.0 {
                7.0
            } else {
                x
            }
        },
    );
}

#[test]
fn loops_end_lane_by_lane() {
    check(
        "var y = s.x; var n = 0; loop { if y >= 3.0 { break; } if n == 20 { return State(-1.0); } y += 1.5; n++; }
         return State(y + f32(n));",
        |x, _| {
            let (mut y, mut n) = (x, 0);
            while y < 3.0 {
                if n == 20 {
                    return -1.0;
                }
                y += 1.5;
                n += 1;
            }
            y + n as f32
        },
    );
}

#[test]
fn for_loops_with_continue_and_swapped_variables() {
    check(
        "var a = s.x; var b = p.a;
         for (var k = 0; k < 5; k++) { if k == 2 { continue; } let t = a; a = b; b = t + 1.0; }
         return State(a - 2.0 * b);",
        |x, a| {
            let (mut a, mut b) = (x, a);
            for k in 0..5 {
                if k == 2 {
                    continue;
                }
                (a, b) = (b, a + 1.0);
            }
            a - 2.0 * b
        },
    );
}

#[test]
fn nested_loops_and_arrays() {
    check(
        "var t = array<f32, 3>(1.0, 2.0, 3.0);
         for (var i = 0u; i < 3u; i++) { for (var j = 0u; j <= i; j++) { t[j] += t[i] * 0.5; } }
         return State(t[u32(abs(p.a)) % 3u] + s.x);",
        |x, a| {
            let mut t = [1.0f32, 2.0, 3.0];
            for i in 0..3 {
                for j in 0..=i {
                    t[j] += t[i] * 0.5;
                }
            }
            t[a.abs() as usize % 3] + x
        },
    );
}

/// Lanes behind the last element hold 0, for which this loop never ends.
#[test]
fn loops_end_with_the_last_element() {
    let x = [1.0, 2.0, 3.0];
    let got = update("var y = s.x; while y < 64.0 { y = y * 2.0; } return State(y);", &x, &x);
    assert_eq!(got, [64.0, 64.0, 96.0]);
}

#[test]
fn switches() {
    check(
        "var y = 0.0; switch i32(p.a) { case -1: { y = 1.0; } case 0, 1: { if s.x > 0.0 { break; } y = 2.0; } default: { y = 3.0; } }
         return State(y);",
        |x, a| match a as i32 {
            -1 => 1.0,
            0 | 1 => if x > 0.0 { 0.0 } else { 2.0 },
            _ => 3.0,
        },
    );
}

#[test]
fn vectors_and_pointers() {
    let helper = "var v = vec3<f32>(s.x, p.a, 1.0); v = v.zyx * 2.0 + vec3<f32>(0.5); let w = v.xy;
         return State(dot(v, vec3<f32>(1.0, 10.0, 100.0)) + w.x);";
    check(helper, |x, a| {
        let v = [1.0f32 * 2.0 + 0.5, a * 2.0 + 0.5, x * 2.0 + 0.5];
        (v[0] * 1.0 + v[1] * 10.0) + v[2] * 100.0 + v[0]
    });
}

#[test]
fn joined_operations_round_twice() {
    check("return State(s.x * p.a + 0.1);", |x, a| x * a + 0.1);
    check("return State(s.x * p.a - 0.1);", |x, a| x * a - 0.1);
    check("return State(0.1 - s.x * p.a);", |x, a| 0.1 - x * a);
    check("return State((s.x + 0.1) * p.a);", |x, a| (x + 0.1) * a);
    check("return State(p.a * (0.1 - s.x));", |x, a| a * (0.1 - x));
    // the product is read on both sides of the loop
    check(
        "let y = s.x * 0.3; var n = p.a; for (var k = 0; k < 3; k++) { n += y; } return State(n + y * 0.7);",
        |x, a| {
            let y = x * 0.3;
            (0..3).fold(a, |n, _| n + y) + y * 0.7
        },
    );
}

#[test]
fn more_than_one_block() {
    let x: Vec<f32> = (0..3000).map(|k| k as f32 * 0.37).collect();
    let a: Vec<f32> = x.iter().map(|x| 5.0 - x).collect();
    let wanted: Vec<f32> = x.iter().zip(&a).map(|(x, a)| x * 2.0 + a / 3.0).collect();
    assert_eq!(update("return State(s.x * 2.0 + p.a / 3.0);", &x, &a), wanted);
}

/// Each function and operator, of values in registers, in memory, and constants; and more values at a time than there are
/// registers.
#[test]
fn machine_code_of_every_operation() {
    let special = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        2.5,
        -2.5,
        3.5,
        1e-40,
        -1e-40,
        f32::MIN_POSITIVE,
        1e-7,
        88.0,
        -103.0,
        1e9,
        2147483648.0,
        -2147483648.0,
        2147483520.0,
        4294967040.0,
        4e9,
        5e9,
        -5e9,
        f32::MAX,
        f32::MIN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        7.25,
        -8.75,
        16777217.0,
        0.1,
        123456.7,
    ];
    let x: Vec<f32> = special.iter().flat_map(|&x| [x; 32]).collect();
    let a: Vec<f32> = (0..32).flat_map(|_| special).collect();
    let kind = |body: &str| {
        update(body, &x, &a);
    };
    for f in [
        "abs",
        "sign",
        "floor",
        "ceil",
        "round",
        "trunc",
        "fract",
        "sqrt",
        "inverseSqrt",
        "exp",
        "exp2",
        "log",
        "log2",
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "sinh",
        "cosh",
        "tanh",
        "asinh",
        "acosh",
        "atanh",
        "exprel",
        "saturate",
        "flushed",
        "-",
    ] {
        kind(&format!("return State({f}(s.x));"));
        kind(&format!("return State({f}(s.x + p.a) + s.x);"));
    }
    for f in ["min(A, B)", "max(A, B)", "pow(A, B)", "atan2(A, B)", "A % B", "A / B", "A - B"] {
        for (left, right) in [("s.x", "p.a"), ("(s.x * 2.0)", "p.a"), ("s.x", "0.75")] {
            kind(&format!("return State({});", f.replace('A', left).replace('B', right)));
        }
    }
    // powers of two have a reciprocal, others and the smallest ones do not
    for divisor in ["4.0", "-0.5", "3.0", "1.7014118e38", "1.1754944e-38", "1e-40"] {
        kind(&format!("return State(s.x / {divisor});"));
    }
    for bound in ["select(A, B, A < B)", "select(B, A, A < B)", "select(B, A, B > 1.5)"] {
        for (left, right) in [("s.x", "p.a"), ("s.x", "0.75"), ("0.75", "s.x"), ("s.x", "s.x")] {
            kind(&format!("return State({});", bound.replace('A', left).replace('B', right)));
        }
    }
    for relation in ["<", "<=", "==", "!=", ">", ">="] {
        kind(&format!("return State(select(s.x, 3.0, s.x {relation} p.a));"));
        kind(&format!(
            "let b = s.x {relation} 1.0; return State(f32(b) + f32(i32(b) * 3) + f32(!b));"
        ));
        for (kind_of, cast) in [("i32", "bitcast<i32>"), ("u32", "bitcast<u32>")] {
            kind(&format!(
                "let k = {cast}(s.x); let n = {cast}(p.a); var y = {kind_of}(7);
                 if k {relation} n {{ y = k + n * {kind_of}(3) - (k ^ n); }}
                 return State(bitcast<f32>(y));"
            ));
        }
    }
    for integer in ["i32", "u32"] {
        for e in [
            "k + n",
            "k - n",
            "k * n",
            "k & n",
            "k | n",
            "k ^ n",
            "~k",
            "min(k, n)",
            "max(k, n)",
            "k << (bitcast<u32>(n) & 31u)",
            "k >> (bitcast<u32>(n) & 31u)",
            "abs(k)",
            "clamp(k, KIND(2), KIND(9))",
        ] {
            let e = e.replace("KIND", integer);
            kind(&format!(
                "let k = bitcast<{integer}>(s.x); let n = bitcast<{integer}>(p.a);
                 return State(bitcast<f32>({e}));"
            ));
        }
        kind(&format!("return State(f32({integer}(s.x)) + f32(bitcast<{integer}>(p.a)));"));
        kind(&format!("let k = {integer}(s.x); return State(f32(bool(k)) + f32(bool(s.x)));"));
    }
    kind("let k = bitcast<i32>(s.x); return State(f32(-k) + f32(sign(k)));");
    // forty values that are all needed at the end, in the order in which they were made
    let many: String = (0..40).map(|k| format!("let y{k} = s.x * {k}.5 + p.a;")).collect();
    let sum: String = (0..40).map(|k| format!("t = t * 0.5 + y{k};")).collect();
    kind(&format!("{many} var t = 0.0; {sum} return State(t);"));
    kind(&format!(
        "{many} var t = 0.0; for (var k = 0; k < 3; k++) {{ {sum} if t > 1e6 {{ break; }} }} return State(t + y3);"
    ));
}

/// Random programs with more values than registers, branches and loops: machine code against the interpreter.
#[test]
fn machine_code_of_random_programs() {
    let mut rng = fastrand::Rng::with_seed(11);
    let x: Vec<f32> = (0..77).map(|k| (k as f32 - 38.0) * 0.37).collect();
    let a: Vec<f32> = (0..77).map(|k| ((k * 29) % 77) as f32 * 0.21 - 7.0).collect();
    for _ in 0..150 {
        let mut body = String::from("var u = s.x; var w = p.a; var n = 0;");
        let mut names: Vec<String> = ["u", "w", "s.x", "p.a"].map(String::from).into();
        for k in 0..rng.usize(1..60) {
            let mut one = || {
                let name = names[rng.usize(..names.len())].clone();
                match rng.usize(..8) {
                    0 => format!("{:.2}", rng.f32() * 4.0 - 2.0),
                    1 => format!("f32(i32({name}))"),
                    2 => format!("abs({name})"),
                    _ => name,
                }
            };
            let (left, right, other) = (one(), one(), one());
            let sign = ["+", "-", "*"][rng.usize(..3)];
            let relation = ["<", ">=", "==", "!="][rng.usize(..4)];
            let value = match rng.usize(..9) {
                0 => format!("select({left}, {right}, {left} {relation} {other})"),
                1 => format!("min({left}, {right}) {sign} {other}"),
                2 => format!("exp(clamp({left}, -3.0, 3.0)) {sign} {right}"),
                3 => format!("floor({left}) {sign} {right}"),
                _ => format!("({left} {sign} {right}) * 0.5"),
            };
            body += &match rng.usize(..10) {
                0 => format!(
                    "if {left} {relation} {right} {{ u = {value}; }} else {{ w = {other}; }}"
                ),
                1 => format!(
                    "for (var j = 0; j < 3; j++) {{ w = ({value}) * 0.25; if w {relation} {right} {{ break; }} u += w; n++; }}"
                ),
                2 => format!("u = {value}; if n > 4 {{ return State(u); }}"),
                _ => {
                    names.push(format!("y{k}"));
                    format!("let y{k} = {value};")
                }
            };
        }
        let all: String = names.iter().map(|name| format!("t = t * 0.5 + {name};")).collect();
        update(&format!("{body} var t = f32(n); {all} return State(t);"), &x, &a);
    }
}

#[test]
fn integers_as_wgsl_has_them() {
    check("return State(f32(i32(s.x) / i32(p.a)) + f32(i32(s.x) % i32(p.a)));", |x, a| {
        let (x, a) = (x as i32, a as i32);
        (x.checked_div(a).unwrap_or(x) + x.checked_rem(a).unwrap_or(0)) as f32
    });
}
