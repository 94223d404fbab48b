//! What is given counts, or is an error that says why it would not.

use dsrunner::{
    Component, Coupling, DSRunner, DynamicalSystem, Error, Group, Input, Kernel, Model, Monitor,
    Network, Operation, Policy, Predict, Projection, Result, StepBuilder, Steps, neurons, outputs,
    wgsl,
};

use crate::engines::on_every_engine;

#[track_caller]
fn says<T>(result: Result<T>, text: &str) {
    match result {
        Ok(_) => panic!("no error instead of\n{text}"),
        Err(error) => assert_eq!(error.to_string(), text),
    }
}

fn model(text: &str) -> Result<Model> {
    Model::from_file("Mine", "mine.wgsl", text)
}

fn cpu(target: impl DynamicalSystem + 'static) -> dsrunner::RunnerBuilder {
    DSRunner::builder(target).device("cpu").progress_bar(false)
}

/// A map with one more function or structure.
fn with(more: &str) -> Result<Model> {
    model(&format!(
        "struct State {{ x: f32 }}\nfn update(s: State) -> State {{ return s; }}\n{more}\n"
    ))
}

#[test]
fn functions_that_nothing_calls() {
    for (name, meant) in [
        ("inital", "initial"),
        ("rest", "reset"),
        ("treshold", "threshold"),
        ("Derivative_", "derivative"),
        ("defautls", "defaults"),
        ("jacobean", "jacobian"),
    ] {
        let text = format!("fn {name}() -> f32 {{ return 1.0; }}");
        let caret = format!("3 | {text}\n  | ^");
        says(
            with(&text),
            &format!(
                "model `Mine`: nothing calls the function `{name}`\n --> mine.wgsl:3:1\n{caret}\nhelp: did you mean `{meant}`?"
            ),
        );
    }
    // before what is missing because of it
    says(
        model("struct State { x: f32 }\nfn updat(s: State) -> State { return s; }"),
        "model `Mine`: nothing calls the function `updat`
 --> mine.wgsl:2:1
2 | fn updat(s: State) -> State { return s; }
  | ^
help: did you mean `update`?",
    );
    says(
        with("fn square(x: f32) -> f32 { return x * x; }"),
        "model `Mine`: nothing calls the function `square`
 --> mine.wgsl:3:1
3 | fn square(x: f32) -> f32 { return x * x; }
  | ^
help: call it, or leave it out; the library calls `defaults`, `initial`, `derive`, `rules`, `derivative`, `jacobian`, `exact`, `update`, `threshold`, `reset`, `current`",
    );
    // one that is called is a helper, whatever its name, wherever the call is
    for call in [
        "return rest(s);",
        "var t = s; if s.x > 0.0 { t = rest(s); } return t;",
        "var t = s; for (var k = 0; k < 3; k++) { t = rest(t); } return t;",
        "var t = s; switch i32(s.x) { case 1: { t = rest(t); } default: {} } return t;",
    ] {
        let text = format!(
            "struct State {{ x: f32 }}\nfn rest(s: State) -> State {{ return s; }}\nfn update(s: State) -> State {{ {call} }}"
        );
        model(&text).unwrap();
    }
    says(
        with("struct Inputs { input: f32 }"),
        "model `Mine`: nothing uses the structure `Inputs`
 --> mine.wgsl:3:1
3 | struct Inputs { input: f32 }
  | ^
help: did you mean `Input`?",
    );
    let kernel = "@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@compute @workgroup_size(4) fn run() { x[0] = 1.0; }
fn other() { x[1] = 1.0; }";
    says(
        Kernel::from_wgsl("Mine", kernel),
        "model `Mine`: nothing calls the function `other`
 --> Mine:3:1
3 | fn other() { x[1] = 1.0; }
  | ^
help: call it, or leave it out; a kernel's entry point is marked `@compute @workgroup_size(64)`",
    );
}

#[test]
fn states_named_in_the_wrong_order() {
    let help = "help: of two `State` arguments the first is the state at the start of the step, a single one is the new state: `(old: State, s: State, ..)`";
    for (first, second, caret) in
        [("s", "old", 1), ("x_next", "s", 0), ("x_new", "x_old", 1), ("now", "before", 1)]
    {
        let text =
            format!("fn threshold({first}: State, {second}: State) -> bool {{ return false; }}");
        let column = if caret == 0 { 14 } else { 14 + first.len() + ": State, ".len() };
        says(
            with(&text),
            &format!(
                "model `Mine`: function `threshold` takes the old state as `{first}` and the new one as `{second}`\n \
                 --> mine.wgsl:3:{column}\n3 | {text}\n  | {}^\n{help}",
                " ".repeat(column - 1)
            ),
        );
    }
    let text = "fn threshold(old: State) -> bool { return false; }";
    says(
        with(text),
        &format!(
            "model `Mine`: function `threshold` takes the new state as `old`\n --> mine.wgsl:3:14\n3 | {text}\n  |              ^\n{help}"
        ),
    );
    for right in [
        "old: State, s: State",
        "before: State, after: State",
        "s: State, next: State",
        "a: State, b: State",
    ] {
        with(&format!("fn threshold({right}) -> bool {{ return false; }}")).unwrap();
    }
    // a map has but one state
    model("struct State { x: f32 }\nfn update(old: State) -> State { return old; }").unwrap();
}

#[test]
fn structures_without_their_function() {
    let text = "struct State { x: f32 }\nstruct Derivative { x: f32 }\nfn exact(s: State) -> State { return s; }";
    says(
        model(text),
        "model `Mine`: there is a structure `Derivative`, but no function `derivative`
 --> mine.wgsl:2:8
2 | struct Derivative { x: f32 }
  |        ^
help: add `fn derivative(s: State, ..) -> Derivative`",
    );
    says(
        model("fn current(g: f32) -> f32 { return g; }\nfn threshold() -> bool { return true; }"),
        "model `Mine`: there are both `current` and `threshold`
 --> mine.wgsl:2:4
2 | fn threshold() -> bool { return true; }
  |    ^
help: an output model has parameters and a function `current`; make the rest a model of its own",
    );
}

/// A target with variables and a parameter that an output may want.
fn target(elements: usize) -> Group {
    let text = "
        struct Params { gain: f32 }
        struct State { V: f32, g: f32, n: i32 }
        struct Input { input: f32 }
        fn defaults() -> Params { return Params(2.0); }
        fn update(s: State, i: Input) -> State { return s; }
        fn threshold(s: State) -> bool { return false; }
    ";
    let group = Group::new(&Model::from_wgsl("Both", text).unwrap(), elements);
    group.init("V", 1.0).init("g", 100.0)
}

fn output(argument: &str) -> Component {
    let text = format!("fn current({argument}: f32) -> f32 {{ return {argument}; }}");
    Component::new(&Model::from_wgsl("Mine", &text).unwrap())
}

fn projected(output: Component) -> Network {
    let cells = target(1);
    let onto = Projection::new(&cells, &cells).init("g", 2.0).output(output);
    Network::new().with("cells", cells).with("p", onto)
}

/// Both synapse and target have a `g`: the shipped output takes that of the synapse, one of a user's own either.
fn outputs_say_whose_variable_they_take(device: &str) {
    // the synapse's after a step of 0.1 with tau 8, by the potential's distance from 3
    let g = 2.0 * (-0.1f64 / 8.0).exp();
    for (output, wanted) in [
        (outputs::coba().param("E", 3.0), 2.0 * g),
        (outputs::cuba(), g),
        (output("g_syn"), g),
        (output("g_post"), 100.0),
        (output("V"), 1.0),
        (output("V_post"), 1.0),
    ] {
        let net = projected(output);
        let builder = DSRunner::builder(net).device(device).progress_bar(false);
        let mut runner = builder.monitor("cells.input").build().unwrap();
        runner.run(Steps(1)).unwrap();
        let input = f64::from(runner.mon().get::<f32>("cells.input").unwrap()[[0, 0]]);
        // a handful of roundings of 2^-24 each
        assert!((input - wanted).abs() < 1e-6 * wanted, "{input} instead of {wanted}");
    }
}

#[test]
fn outputs_that_name_what_they_cannot_have() {
    for (name, reason) in [
        ("g", "which synapse `Expon` and target `Both` both have; name it `g_syn` or `g_post`"),
        (
            "gain",
            "which is a parameter of target `Both`; a current takes variables, and parameters of its own as `Params`",
        ),
        (
            "tau",
            "which is a parameter of synapse `Expon`; a current takes variables, and parameters of its own as `Params`",
        ),
        (
            "input",
            "which is an input of target `Both`; a current takes variables, and parameters of its own as `Params`",
        ),
        ("n", "which in `Both` is of type i32; a current is made of variables of type f32"),
        ("u", "which neither synapse `Expon` nor target `Both` has"),
        ("V_syn", "which neither synapse `Expon` nor target `Both` has"),
    ] {
        says(
            cpu(projected(output(name))).build(),
            &format!("node `p`: output `Mine` needs `{name}`, {reason}"),
        );
    }
}

#[test]
fn settings_of_inputs_that_would_not_count() {
    let built = |input: Input| cpu(neurons::lif(2)).input(input).build();
    let policy = "`policy` is given, which says what an input of type `iter` does without a row; leave it out";
    says(
        built(Input::fix("input", 1.0).policy(Policy::Cycle)),
        &format!("input to `input`: {policy}"),
    );
    says(
        built(Input::fix("input", 1.0).policy(Policy::Error)),
        &format!("input to `input`: {policy}"),
    );
    says(
        built(Input::func("input", wgsl("V")).policy(Policy::Zero)),
        &format!("input to `input`: {policy}"),
    );
    built(Input::iter("input", [1.0, 2.0]).policy(Policy::Cycle)).unwrap();
    let call = || Input::call(|_, _| Ok(()));
    for (input, setting) in
        [(call().policy(Policy::Zero), "policy"), (call().operation(Operation::Set), "operation")]
    {
        says(
            built(input),
            &format!(
                "input to `a callable`: `{setting}` is given, but the closure applies its operations itself; leave it out"
            ),
        );
    }
}

#[test]
fn shared_arguments_given_twice() {
    let mut runner = cpu(neurons::lif(2)).build().unwrap();
    let twice =
        Predict::steps(2).shared_arg("tau", 5.0).shared_arg("V_th", 9.0).shared_arg("tau", 7.0);
    let error = runner.run(twice);
    assert!(matches!(error, Err(Error::Name { .. })));
    says(error, "the name `tau` is that of two shared arguments of the run; give each once");
    assert_eq!(runner.i(), 0);
}

#[test]
fn names_that_are_empty() {
    says(
        cpu(neurons::lif(1)).monitor(Monitor::of("V").named("")).build(),
        "monitor ``: its key is empty; give one by `.named(..)`, or leave it to the path",
    );
    assert!(neurons::lif(1).named("").is_err());
    struct Keyless(Group, &'static str);
    impl DynamicalSystem for Keyless {
        fn name(&self) -> &str {
            "keyless"
        }
        fn update(&self, step: &mut StepBuilder) -> Result<()> {
            step.child("g", &self.0)?;
            step.output(self.1, "g.V")
        }
    }
    for key in ["", "ts"] {
        says(
            cpu(Keyless(neurons::lif(1), key)).build(),
            &format!(
                "the name `{key}` cannot be an output's key: it is empty, or that of the times of the steps"
            ),
        );
    }
}

#[test]
fn comments_in_expressions() {
    let built = |text: &str| cpu(neurons::lif(1)).input(("input", wgsl(text), "func")).build();
    for (text, column) in [("V // 2", 3), ("V /* all the rest", 3)] {
        says(
            built(text),
            &format!(
                "model `expression for input`: a comment takes the rest of the expression\n --> expression:1:{column}\n1 | {text}\n  | {}^\nhelp: \
                 a comment ends, or has a line of its own; a whole quotient is `floor(a / b)`",
                " ".repeat(column - 1)
            ),
        );
    }
    built("// half\nV / 2.0 /* and a third */ / 3.0").unwrap();
}

#[test]
fn quotients_that_drop_their_remainder() {
    let help = "help: write a number with its point, such as `1.0 / 2.0`, or its type, `1i / 2i`, where that is meant";
    let message = |what: &str, place: &str, text: &str, column: usize| {
        let line: usize = place.rsplit(':').next().unwrap().parse().unwrap();
        let lead = " ".repeat(column - 1);
        format!(
            "model `{what}`: `1/2` of whole numbers drops its remainder\n --> {place}:{column}\n{line} | {text}\n  | {lead}^\n{help}"
        )
    };
    says(
        cpu(neurons::lif(1)).input(("input", wgsl("1/2 * V"), "func")).build(),
        &message("expression for input", "expression:1", "1/2 * V", 1),
    );
    says(
        cpu(neurons::lif(1)).monitor(Monitor::wgsl("", wgsl("V - 1/2")).named("half")).build(),
        &message("expression for half", "expression:1", "V - 1/2", 5),
    );
    let (a, b) = (target(1), target(1));
    let half = Coupling::new(&a, &b, wgsl("1/2 * V_pre"));
    says(
        cpu(Network::new().with("a", a).with("b", b).with("c", half)).build(),
        &message("coupling c", "expression:1", "1/2 * V_pre", 1),
    );
    let text = "fn initial() -> State { return State(1/2); }";
    says(with(text), &message("Mine", "mine.wgsl:3", text, 38));
    let kernel = "@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@compute @workgroup_size(4) fn run() { x[0] = 1/2; }";
    let line = kernel.lines().nth(1).unwrap();
    says(Kernel::from_wgsl("Mine", kernel), &message("Mine", "Mine:2", line, 47));
    // where it is meant, and where nothing is dropped
    with("fn initial() -> State { return State(f32(1i / 2i) + 4/2 + 1.0/2); } // 1/2").unwrap();
    cpu(neurons::lif(1)).input(("input", wgsl("V * 1 / 2"), "func")).build().unwrap();
}

#[test]
fn settings_of_couplings_that_would_not_count() {
    let built = |term: &str, change: fn(Coupling) -> Coupling| {
        let (a, b) = (target(1), target(1));
        let arrow = change(Coupling::new(&a, &b, wgsl(term)));
        cpu(Network::new().with("a", a).with("b", b).with("c", arrow)).build()
    };
    says(
        built("V_pre", |c| c.weight(0.5)),
        "node `c`: its weight is given, but its expression does not name `w`",
    );
    for term in ["w * V_post", "w * gain_pre"] {
        says(
            built(term, |c| c.delay(0.5)),
            "node `c`: its delay is given, but its expression names no variable of its source, such as `x_pre`",
        );
        built(term, |c| c.weight(0.5)).unwrap();
    }
    built("V_pre", |c| c.delay(0.5)).unwrap();
}

#[test]
fn windows_in_which_no_step_starts() {
    let built =
        |window| cpu(neurons::lif(1)).t0(5.0).monitor(Monitor::of("V").window(window)).build();
    says(built(0.0..5.0), "monitor `V`: the window from 0 to 5 ends before the first step, at 5");
    says(
        built(7.01..7.05),
        "monitor `V`: no step of 0.1 starts in the window from 7.01 to 7.05; make it longer",
    );
    built(0.0..5.1).unwrap();
}

on_every_engine!(outputs_say_whose_variable_they_take);
