//! Texts of models, kernels and expressions.

use dsrunner::{DSRunner, Error, Group, Kernel, Model, Network, Result, neurons, wgsl};

use crate::child::case;
use crate::engines;

/// A map whose step is that body.
fn update(body: &str) -> String {
    format!("struct State {{ x: f32 }}\nfn update(s: State) -> State {{\n{body}\n}}\n")
}

/// The values of `x` after a step from -3, -2, ...
fn executed(text: &str, device: &str) -> Result<Vec<f32>> {
    let model = Model::from_wgsl("Much", text)?;
    let start: Vec<f32> = (0..300).map(|k| k as f32 - 3.0).collect();
    let group = Group::new(&model, 300).init("x", start);
    let mut runner = DSRunner::builder(group).device(device).progress_bar(false).build()?;
    runner.run(0.1)?;
    Ok(runner.get::<f32>("x")?.into_iter().collect())
}

fn sum(terms: usize) -> String {
    update(&format!("return State(s.x{});", " + s.x * 0.5".repeat(terms - 1)))
}

fn choice(cases: usize) -> String {
    let cases = (0..cases).map(|k| format!("if s.x < {k}.0 {{ return State({k}.5); }}"));
    update(&format!("{}\nreturn s;", cases.collect::<Vec<_>>().join(" else ")))
}

fn nested(open: &str, close: &str, depth: usize) -> String {
    update(&format!(
        "var y = s.x; {} y += 1.0; {} return State(y);",
        open.repeat(depth),
        close.repeat(depth)
    ))
}

fn brackets(open: &str, inside: &str, close: &str, depth: usize) -> String {
    update(&format!("return State({}{inside}{});", open.repeat(depth), close.repeat(depth)))
}

/// Functions each of which calls the last as that says.
fn calls(depth: usize, call: &str) -> String {
    let functions = (1..depth).map(|k| {
        let call = call.replace("last", &format!("g{}", k - 1));
        format!("fn g{k}(x: f32) -> f32 {{ return {call}; }}\n")
    });
    let functions: String = functions.collect();
    let first = "fn g0(x: f32) -> f32 { return x + 1.0; }\n";
    format!("{first}{functions}{}", update(&format!("return State(g{}(s.x));", depth - 1)))
}

fn structures(depth: usize, members: &str) -> String {
    let structures = (1..depth).map(|k| {
        format!("struct S{k} {{ {} }}\n", members.replace("last", &format!("S{}", k - 1)))
    });
    let body = format!("var y: S{}; return s;", depth - 1);
    format!("struct S0 {{ a: f32 }}\n{}{}", structures.collect::<String>(), update(&body))
}

fn variables(count: usize) -> String {
    let members: Vec<String> = (0..count).map(|k| format!("x{k}: f32")).collect();
    let values: Vec<String> = (0..count).map(|k| format!("s.x{k} + 1.0")).collect();
    format!(
        "struct State {{ x: f32, {} }}\nfn update(s: State) -> State {{ return State(s.x, {}); }}",
        members.join(", "),
        values.join(", ")
    )
}

/// The message, which is that of a text that is too much.
fn message<T>(what: &str, result: Result<T>) -> String {
    match result {
        Ok(_) => panic!("{what}: taken"),
        Err(
            error @ (Error::ModelContract { .. }
            | Error::ModelSyntax { .. }
            | Error::Unsupported { .. }),
        ) => error.to_string(),
        Err(error) => panic!("{what}: an error of another kind: {error}"),
    }
}

const OPERATORS: &str =
    "an expression has more operators here, each of which waits for the one before than the 1000";
const BLOCKS: &str =
    "blocks are nested more deeply here, each `else if` in those before it, than the 120";
const LENGTH: &str = "bytes, but at most 1048576 are read";

/// Texts that are too much, with what is said of them.
fn too_much() -> Vec<(&'static str, String, &'static str)> {
    let many = |n: usize, item: &dyn Fn(usize) -> String| (0..n).map(item).collect::<String>();
    vec![
        ("a sum of 1002 terms", sum(1002), OPERATORS),
        ("a sum of 20,000 terms", sum(20_000), OPERATORS),
        ("a sum of 100,000 terms", sum(100_000), LENGTH),
        ("signs", update(&format!("return State({}s.x);", "- ".repeat(10_000))), OPERATORS),
        ("indexes", update(&format!("return State(s{});", "[0]".repeat(10_000))), OPERATORS),
        ("members", update(&format!("return State(s{});", ".x".repeat(10_000))), OPERATORS),
        ("10,000 else if", choice(10_000), BLOCKS),
        ("blocks", nested("{", "}", 10_000), BLOCKS),
        ("loops", nested("loop {", "}", 10_000), BLOCKS),
        (
            "brackets",
            brackets("(", "s.x", ")", 10_000),
            "brackets are nested more deeply here than the 150",
        ),
        ("calls in calls", brackets("abs(", "s.x", ")", 10_000), "brackets are nested more deeply"),
        (
            "types in types",
            nested(&format!("var z: {}f32{};", "array<".repeat(1000), ", 1>".repeat(1000)), "", 1),
            "nested too deep for the parser",
        ),
        (
            "calls that double",
            calls(25, "last(x) + last(x + 1.0)"),
            "a program of more than 1048576 operations, once its calls are written out",
        ),
        (
            "calls that double, of one value",
            calls(40, "last(x) + last(x)"),
            "a program of more than 1048576 operations",
        ),
        (
            "calls in a row",
            calls(2000, "last(x)"),
            "functions that call each other more than 64 deep",
        ),
        (
            "structures in structures",
            structures(5000, "a: last"),
            "more functions, structures and constants here than the 4096",
        ),
        (
            "structures that double",
            structures(25, "a: last, b: last"),
            "a value of more than 32768 numbers",
        ),
        ("structures beyond all size", structures(50, "a: last, b: last"), "type is too large"),
        (
            "an array",
            update("var y: array<f32, 268435456>; return State(y[3]);"),
            "a value of more than 32768 numbers",
        ),
        (
            "an array by a constant",
            format!(
                "const N = 1u << 28u;\n{}",
                update("var y = array<f32, N>(); return State(y[3]);")
            ),
            "a value of more than 32768 numbers",
        ),
        (
            "arrays of arrays",
            update("var y = array<array<array<f32, 65536>, 65536>, 65536>(); return s;"),
            "type is too large",
        ),
        (
            "a table that is indexed",
            format!("const T = array<f32, 268435456>();\n{}", update("return State(T[i32(s.x)]);")),
            "a value of more than 32768 numbers",
        ),
        (
            "a comment of 10 MB",
            format!("//{}\n{}", "x".repeat(10_000_000), update("return s;")),
            LENGTH,
        ),
        (
            "100,000 functions",
            many(100_000, &|k| format!("fn g{k}(x: f32) -> f32 {{ return x; }}\n")),
            LENGTH,
        ),
        (
            "5000 constants",
            many(5000, &|k| format!("const c{k} = 1;\n")),
            "more functions, structures and constants",
        ),
        (
            "statements",
            update(&format!("var y = s.x; {} return s;", "y *= 1.5; ".repeat(20_000))),
            "a function has more statements here than the 8192",
        ),
        (
            "cases",
            update(&format!(
                "switch i32(s.x) {{ {} default: {{ return s; }} }}",
                many(10_000, &|k| format!("case {k}: {{ return s; }}"))
            )),
            "a function has more statements",
        ),
        (
            "a name of a megabyte",
            update(&format!("let {0} = s.x; return State({0});", "a".repeat(1 << 20))),
            LENGTH,
        ),
    ]
}

#[test]
fn models_that_are_too_much() {
    case(|| {
        for (what, text, wanted) in too_much() {
            let found = message(what, executed(&text, "cpu"));
            assert!(found.contains(wanted), "{what}: {found}");
        }
    });
}

/// The place is where the limit is passed.
#[test]
fn a_place_is_told() {
    case(|| {
        let text =
            format!("{}// one\n{}", update("return s;"), sum(20_000).replace("update", "more"));
        let Err(Error::ModelContract { location, .. }) = Model::from_wgsl("Much", &text) else {
            panic!("another error")
        };
        // line 3 of the second text: one operator in `return State(s.x`, three in each ` + s.x * 0.5`, so the 1001st begins the
        // term after 333 of these, at 16 + 12 * 333 + 2
        assert_eq!((location.line, location.column), (8, 4014), "{location}");
    });
}

#[test]
fn kernels_that_are_too_much() {
    case(|| {
        let kernel = |body: &str, before: &str| {
            format!(
                "@group(0) @binding(0) var<storage, read_write> x: array<f32>;\n{before}\
                 @compute @workgroup_size(64) fn k(@builtin(global_invocation_id) id: vec3<u32>) {{ {body} }}"
            )
        };
        for (what, text, wanted) in [
            ("sum", kernel(&format!("x[0] = 1.0{};", " + x[1]".repeat(20_000)), ""), OPERATORS),
            ("blocks", kernel(&format!("{}{}", "{".repeat(5000), "}".repeat(5000)), ""), BLOCKS),
            (
                "array",
                kernel("p[id.x] = 1.0;", "var<private> p: array<f32, 268435456>;\n"),
                "a value of more than 32768 numbers",
            ),
            (
                "shared",
                kernel("p[id.x] = 1.0;", "var<workgroup> p: array<f32, 268435456>;\n"),
                "16384",
            ),
        ] {
            let found = message(what, Kernel::from_wgsl("much", &text));
            assert!(found.contains(wanted), "{what}: {found}");
        }
        // more invocations than can be numbered
        let kernel = Kernel::from_wgsl("much", &kernel("x[0] = 1.0;", "")).unwrap();
        let group = neurons::lif(10);
        for (invocations, wanted) in [
            ([u32::MAX; 3], "there must be from 1 to 65535"),
            ([4_000_000, 65_535, 65_535], "a number of 17179344900000000 invocations"),
        ] {
            let kernel = kernel.clone().bind("x", "g.V").invocations(invocations);
            let net = Network::new().with("g", group.clone()).with("k", kernel);
            let error = DSRunner::builder(net).device("cpu").build().unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
    });
}

#[test]
fn expressions_that_are_too_much() {
    case(|| {
        for (text, wanted) in [
            (format!("V{}", " + V".repeat(20_000)), OPERATORS),
            (format!("{}V{}", "(".repeat(20_000), ")".repeat(20_000)), "brackets are nested"),
            (format!("{}V", "-".repeat(20_000)), OPERATORS),
            ("V".repeat(1 << 21), LENGTH),
        ] {
            let input = ("input", wgsl(&text), "func");
            let builder = DSRunner::builder(neurons::lif(3)).device("cpu").input(input);
            let found = message("an expression", builder.build());
            assert!(found.contains(wanted) && found.contains("--> expression:1:"), "{found}");
        }
    });
}

/// What is within the limits, on each engine: values by the same sums in Rust.
#[test]
fn texts_that_are_large() {
    case(|| {
        let added = |n: usize| move |x: f32| (1..n).fold(x, |sum, _| sum + x * 0.5);
        let chosen =
            |n: usize| move |x: f32| (0..n).find(|&k| x < k as f32).map_or(x, |k| k as f32 + 0.5);
        type Values<'a> = &'a dyn Fn(f32) -> f32;
        let all: [(&str, String, Values<'_>); 7] = [
            ("a sum of 250 terms", sum(250), &added(250)),
            ("a sum of 330 terms", sum(330), &added(330)),
            ("100 else if", choice(100), &chosen(100)),
            ("110 blocks", nested("if y < 3.0 {", "}", 110), &|x| {
                if x < 3.0 { x + 1.0 } else { x }
            }),
            ("100 brackets", brackets("(", "s.x", ")", 100), &|x| x),
            ("1000 signs", update(&format!("return State({}s.x);", "- ".repeat(998))), &|x| x),
            ("60 calls", calls(60, "last(x)"), &|x| x + 1.0),
        ];
        for device in engines::all() {
            for (what, text, wanted) in &all {
                let found =
                    executed(text, &device).unwrap_or_else(|error| panic!("{what}: {error}"));
                let wanted: Vec<f32> = (0..300).map(|k| wanted(k as f32 - 3.0)).collect();
                assert!(found == wanted, "{what} on {device}: {:?}", &found[..5]);
            }
        }
    });
}

/// A model of 8000 variables runs, if slowly.
#[test]
fn many_variables() {
    case(|| {
        let model = Model::from_wgsl("Much", &variables(8000)).unwrap();
        let group = Group::new(&model, 3);
        let mut runner = DSRunner::builder(group)
            .device("cpu")
            .outputs(false)
            .progress_bar(false)
            .build()
            .unwrap();
        runner.run(0.3).unwrap();
        assert_eq!(runner.get::<f32>("x7999").unwrap().as_slice(), Some(&[3.0; 3][..]));
    });
}
