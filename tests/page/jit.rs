//! Row `jit`.

use dsrunner::{
    Component, Connect, Group, Init, Input, Jit, Model, Monitor, Network, Operation, Projection,
    Steps, Value, neurons, outputs, wgsl,
};

use crate::common::{comb, count, error, keep, now, on, rows};
use crate::engines::on_every_engine;

fn a1_jit_off_names_the_fault(device: &str) {
    // x' = x^2 from 1 reaches infinity at t = 1
    let model = Model::from_wgsl(
        "Blow",
        "struct State { x: f32, y: f32 }
         fn update(s: State) -> State { return State(s.x * s.x * 10.0, s.y); }",
    )
    .unwrap();
    let blow = Group::new(&model, 4).init("x", [0.0, 0.01, 1.0, 0.1]);
    let net = Network::new()
        .with("quiet", neurons::lif(3))
        .with("deep", Network::new().with("blow", blow));
    let mut runner = on(device, net).jit(false).monitor("deep.blow.x").build().unwrap();
    // 1, 10, 10^3, 10^7, 10^15, 10^31, beyond f32
    assert_eq!(
        error(runner.run(Steps(20))),
        "step 5, node `deep.blow`: inf of element 2 of `deep.blow.x`; found after its update"
    );
    // the steps before are kept
    assert_eq!(runner.i(), 5);
    assert_eq!(rows::<f32>(&runner, "deep.blow.x").len(), 20);
    let mut runner = on(device, count(1)).jit(false).build().unwrap();
    let text = error(runner.run(dsrunner::Predict::default().input("input", [1.0, f64::NAN])));
    assert!(text.starts_with("step 1, node `Count"), "{text}");
    assert!(text.ends_with("of `input`; found after an input"), "{text}");
    for input in [
        Input::func("x", |s: &dsrunner::Shared| if s.i == 2 { f64::NAN } else { 0.0 }),
        Input::call(|s, step| {
            let bad = if s.i == 2 { f64::NAN } else { 0.0 };
            step.apply("x", Operation::Add, [0.0, bad])
        }),
    ] {
        let mut runner = on(device, count(2)).jit(false).input(input).build().unwrap();
        let text = error(runner.run(Steps(4)));
        assert!(text.starts_with("step 2, node `Count"), "{text}");
        assert!(text.ends_with("of `x`; found after an input"), "{text}");
    }
}

fn a1_jit_per_phase(device: &str) {
    let run = |jit: Jit| {
        let mut runner = on(device, neurons::lif_ref(40).init("V", Init::uniform(0.0, 20.0)))
            .input(("input", 25.0))
            .jit(jit)
            .monitors(["V", "spike"])
            .build()
            .unwrap();
        runner.run(Steps(100)).unwrap();
        (rows::<f32>(&runner, "V"), rows::<bool>(&runner, "spike"), now::<f32>(&mut runner, "V"))
    };
    let on_ = run(true.into());
    assert_eq!(run(Jit { predict: true, fit: false }), on_);
    assert_eq!(run(Jit { predict: false, fit: true }), on_);
}

/// A model with a variable `k` and a table, and a body of `update` that returns a `State(k, y)`.
fn lookup(body: &str, k: [f64; 4]) -> Group {
    // a function that nothing calls is an error
    let helper = |call: &str, text: &'static str| if body.contains(call) { text } else { "" };
    let at = helper("at(", "fn at(k: i32) -> f32 { return TABLE[k]; }");
    let put =
        helper("put(", "fn put(into: ptr<function, array<f32, 4>>, k: i32) { (*into)[k] = 5.0; }");
    let text = format!(
        "const TABLE = array<f32, 4>(1.0, 2.0, 3.0, 4.0);
         struct State {{ k: i32, y: f32 }}
         {at}
         {put}
         fn update(s: State) -> State {{
             var table = TABLE;
             var y = 0.0;
             let k = s.k;
             {body}
             return State(s.k + 1, y);
         }}"
    );
    Group::new(&Model::from_wgsl("Lookup", &text).unwrap(), 4).init("k", k)
}

fn a1_indexes_beyond_the_end(device: &str) {
    // element 2 comes to 4 in step 3, element 1 to 4 in step 5
    let up = [-20.0, -1.0, 1.0, -20.0];
    let guarded = |body: &str| format!("if k >= 0 {{ {body} }}");
    let at = |step: u64, text: &str| {
        format!(
            "step {step}, node `E`: index 4 of element 2 is outside the 4 elements of {text}; found before its update"
        )
    };
    for (body, wanted) in [
        // read
        ("y = table[k];", "`table` (`table[k]` at Lookup:9:30)"),
        ("y = TABLE[k];", "`TABLE` (`TABLE[k]` at Lookup:9:30)"),
        ("y = vec4<f32>(1.0)[k];", "a vector (in `update` of model `Lookup`)"),
        ("y = table[k];\n y += table[k];", "`table` (`table[k]` in `update` of model `Lookup`)"),
        // write
        ("table[k] = 2.0; y = 1.0;", "`table` (`table[k]` at Lookup:9:26)"),
        ("table[k] += 2.0;", "`table` (`table[k]` at Lookup:9:26)"),
        // in called functions
        ("y = at(k);", "`TABLE` (`TABLE[k]` at Lookup:3:40)"),
        ("put(&table, k);", "`into` (`into[k]` at Lookup:4:63)"),
        ("if k > 2 { y = at(k); }", "`TABLE` (`TABLE[k]` at Lookup:3:40)"),
        // in loops: the first one counts, and what comes after it does not
        (
            "for (var j = 0; j <= k; j++) { y += table[j]; } y += table[k + 3 - 3];",
            "`table` (`table[j]` at Lookup:9:62)",
        ),
        (
            "for (var j = 3; j < 9; j++) { if j > k { break; } for (var n = 0; n < 2; n++) { y += at(j); } }",
            "`TABLE` (`TABLE[k]` at Lookup:3:40)",
        ),
    ] {
        let net = || Network::new().with("E", lookup(&guarded(body), up));
        let mut runner = on(device, net()).jit(false).build().unwrap();
        assert_eq!(error(runner.run(Steps(9))), at(3, wanted), "{body}");
        // nothing has changed
        assert_eq!(runner.i(), 3);
        assert_eq!(now::<i32>(&mut runner, "E.k"), [-17, 2, 4, -17]);
        // without the check the nearest part is taken, as far as the run goes
        let run = |jit: bool, steps: u64| {
            let mut runner = on(device, net()).jit(jit).build().unwrap();
            runner.run(Steps(steps)).unwrap();
            now::<f32>(&mut runner, "E.y").iter().map(|y| y.to_bits()).collect::<Vec<_>>()
        };
        assert_eq!(run(false, 3), run(true, 3));
        run(true, 9);
    }
}

fn a1_negative_indexes(device: &str) {
    let group = lookup("y = table[3 - k];", [3.0, 4.0, 5.0, -2147483648.0]);
    let mut runner = on(device, Network::new().with("E", group)).jit(false).build().unwrap();
    assert_eq!(
        error(runner.run(Steps(2))),
        "step 0, node `E`: index -1 of element 1 is outside the 4 elements of `table` (`table[..]` at Lookup:9:18); \
         found before its update"
    );
}

fn a1_indexes_that_are_not_used(device: &str) {
    for body in [
        // by lanes that do not come there
        "if k < 4 && k >= 0 { y = table[k]; }",
        "y = 1.0; if k < 0 || k > 3 { return State(k, y); } y = at(k);",
        "let inside = k >= 0 && k < 4 && table[k] > 1.0; y = f32(inside);",
        "for (var j = -3; j < 9; j++) { if j < 0 { continue; } if j > 3 { break; } y += table[j]; }",
        "switch k { case 0, 1: { y = at(k); } case 9: { y = at(3); } default: { put(&table, 2); } }",
        "let part = &table[k]; if k >= 0 && k < 4 { *part = 3.0; y = at(k); }",
        // within
        "y = table[clamp(k, 0, 3)] + table[u32(k) % 4u];",
    ] {
        let run = |jit: bool| {
            let group = lookup(body, [3.0, 9.0, 1.0, -1.0]);
            let mut runner = on(device, group).jit(jit).build().unwrap();
            runner.run(Steps(4)).unwrap();
            now::<f32>(&mut runner, "y")
        };
        assert_eq!(run(false), run(true), "{body}");
    }
}

fn a1_indexes_by_arrivals_and_the_clock(device: &str) {
    let synapse = Model::from_wgsl(
        "Heard",
        "struct State { g: f32 }
         struct Input { heard: f32 }
         fn update(s: State, i: Input) -> State {
             var table = array<f32, 3>(0.0, 1.0, 2.0);
             return State(table[u32(i.heard)]);
         }",
    )
    .unwrap();
    // all three fire in step 0
    let (pre, post) = (comb(3), keep(2));
    let projection = Projection::new(&pre, &post)
        .connect(Connect::coo([0, 1, 2], [1, 1, 1]))
        .weight(1.0)
        .synapse(Component::new(&synapse))
        .output(outputs::cuba());
    let net = Network::new().with("pre", pre).with("post", post).with("syn", projection);
    let mut runner = on(device, net).jit(false).build().unwrap();
    assert_eq!(
        error(runner.run(Steps(9))),
        "step 1, node `post`: index 3 of element 1 is outside the 3 elements of `table` \
         (`table[..]` at Heard:5:27); found before its update"
    );
    assert_eq!((runner.i(), now::<f32>(&mut runner, "syn.g")), (1, vec![0.0, 0.0]));

    let ticks = Model::from_wgsl(
        "Ticks",
        "struct Params { late: u32 }
         struct State { y: f32 }
         fn update(s: State, p: Params, h: Shared) -> State {
             var table = array<f32, 9>();
             return State(table[h.i + p.late]);
         }",
    )
    .unwrap();
    let group = |late: Value, size: usize| Group::new(&ticks, size).param("late", late);
    let mut last = vec![2.0; 300];
    last[299] = 7.0;
    for (b, element) in
        [(group(last.into(), 300), 299), (group(7.into(), 300), 0), (group(7.into(), 1), 0)]
    {
        let net = Network::new().with("a", group(2.into(), 300)).with("b", b);
        let mut runner = on(device, net).jit(false).build().unwrap();
        let text = error(runner.run(Steps(9)));
        let wanted = format!("step 2, node `b`: index 9 of element {element} is outside the 9");
        assert!(text.starts_with(&wanted), "{text}");
    }
}

fn a1_indexes_in_expressions(device: &str) {
    let text = "array<f32, 3>(1.0, 2.0, 3.0)[i + element]";
    let wanted = |step: u64, what: &str| {
        format!(
            "step {step}, node `E`: index 3 of element 1 is outside the 3 elements of an array (in the {what}); \
             found before it was evaluated"
        )
    };
    let net = || Network::new().with("E", count(2));
    let monitor = Monitor::wgsl("E", wgsl(text)).named("probe");
    let mut runner = on(device, net()).jit(false).monitor(monitor).build().unwrap();
    assert_eq!(error(runner.run(Steps(9))), wanted(2, "expression for probe"));
    assert_eq!((runner.i(), now::<f32>(&mut runner, "E.x")), (2, vec![3.0, 3.0]));
    assert_eq!(rows::<f32>(&runner, "probe"), [1.0, 2.0, 2.0, 3.0]);
    let input = Input::func("E.input", wgsl(text));
    let mut runner = on(device, net()).jit(false).input(input).build().unwrap();
    let text = error(runner.run(Steps(9)));
    assert!(text.starts_with("step 2, node `E`: index 3 of element 1 is outside"), "{text}");
    assert_eq!((runner.i(), now::<f32>(&mut runner, "E.x")), (2, vec![5.0, 7.0]));
    // of the values before a run
    let text = wgsl("array<f32, 3>(1.0, 2.0, 3.0)[i32(x)]");
    let monitor = Monitor::wgsl("E", text).include_initial().named("probe");
    let net = Network::new().with("E", count(2).init("x", [0.0, -1.0]));
    let mut runner = on(device, net).jit(false).monitor(monitor).build().unwrap();
    let text = error(runner.run(Steps(2)));
    assert!(text.starts_with("step 0, node `E`: index -1 of element 1 is outside"), "{text}");
    assert_eq!((runner.i(), now::<f32>(&mut runner, "E.x")), (0, vec![0.0, -1.0]));
}

on_every_engine!(
    a1_jit_off_names_the_fault,
    a1_jit_per_phase,
    a1_indexes_beyond_the_end,
    a1_negative_indexes,
    a1_indexes_that_are_not_used,
    a1_indexes_by_arrivals_and_the_clock,
    a1_indexes_in_expressions,
);
