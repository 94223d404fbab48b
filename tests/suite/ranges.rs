//! Parameters are what their model wants, wherever they get their values, and never NaN.

use dsrunner::{
    Batch, Compatible, DSRunner, DynamicalSystem, Error, Group, Model, Network, Predict,
    Projection, StateArray, StateData, StateDict, Steps, Value, neurons, odes, outputs, sources,
    synapses,
};
use ndarray::arr2;

use crate::engines::on_every_engine;

fn built(target: impl DynamicalSystem + 'static, device: &str) -> dsrunner::Result<DSRunner> {
    DSRunner::builder(target).dt(0.1).progress_bar(false).device(device).build()
}

/// The message of an error of a parameter.
#[track_caller]
fn refused<T>(result: dsrunner::Result<T>, path: &str) -> String {
    match result.map(drop) {
        Err(error @ Error::Parameter { .. }) => {
            let Error::Parameter { path: at, .. } = &error else { unreachable!() };
            assert_eq!(at, path, "{error}");
            error.to_string()
        }
        Err(error) => panic!("{path}: another error: {error}"),
        Ok(()) => panic!("{path}: no error"),
    }
}

/// A network with a shipped model of which one parameter is set, and the path of that.
fn shipped(model: &str, name: &str, value: impl Into<Value>) -> (Network, String) {
    let value = value.into();
    let group = match model {
        "lif_ref" => neurons::lif_ref(3),
        "hh" => neurons::hh(3),
        "izhikevich" => neurons::izhikevich(3),
        "poisson" => sources::poisson(3),
        "lorenz" => odes::lorenz(3),
        "van_der_pol" => odes::van_der_pol(3),
        "forced" => odes::forced(3),
        _ => neurons::lif(3),
    };
    let (synapse, output) = (synapses::expon(), outputs::coba());
    let (synapse, output) = match model {
        "expon" => (synapse.param(name, value), output),
        "coba" => (synapse, output.param(name, value)),
        _ => {
            return (
                Network::new().with("cells", group.param(name, value)),
                format!("cells.{name}"),
            );
        }
    };
    let line = Projection::new(&group, &group).synapse(synapse).output(output);
    (Network::new().with("cells", group).with("line", line), format!("line.{name}"))
}

/// All parameters of the shipped models.
const PARAMETERS: [(&str, &[&str]); 10] = [
    ("lif", &["V_rest", "V_reset", "V_th", "R", "tau"]),
    ("lif_ref", &["V_rest", "V_reset", "V_th", "R", "tau", "tau_ref"]),
    ("hh", &["E_Na", "g_Na", "E_K", "g_K", "E_L", "g_L", "C", "V_th"]),
    ("izhikevich", &["a", "b", "c", "d", "V_th"]),
    ("poisson", &["freqs"]),
    ("lorenz", &["sigma", "rho", "beta"]),
    ("van_der_pol", &["mu"]),
    ("forced", &["omega"]),
    ("expon", &["tau"]),
    ("coba", &["E"]),
];

#[test]
fn nan_is_no_parameter_of_a_shipped_model() {
    for (model, names) in PARAMETERS {
        for name in names {
            let (target, path) = shipped(model, name, f64::NAN);
            let text = refused(built(target, "cpu"), &path);
            assert_eq!(text, format!("`{path}` is NaN, but a parameter is a number"), "{model}");
        }
    }
}

#[test]
fn shipped_models_have_rules() {
    let inf = f64::INFINITY;
    for (model, name, bad, rule) in [
        ("lif", "tau", &[0.0, -0.0, -1.0, -inf][..], "`p.tau > 0.0`"),
        ("lif", "V_reset", &[20.0, 21.0, inf], "V_reset"),
        ("lif", "V_th", &[-5.0, -6.0, -inf], "`p.V_reset < p.V_th`"),
        ("lif", "V_rest", &[inf, -inf], "is_finite(p.V_rest)"),
        ("lif", "R", &[inf], "is_finite(p.R)"),
        ("lif_ref", "tau", &[0.0, -10.0], "`p.tau > 0.0`"),
        ("lif_ref", "V_reset", &[20.0], "`p.V_reset < p.V_th`"),
        ("lif_ref", "tau_ref", &[-1e-6, -inf], "`p.tau_ref >= 0.0`"),
        ("lif_ref", "tau_ref", &[inf, 2.2e8], "`p.tau_ref / sh.dt < 2147483648.0`"),
        ("hh", "C", &[0.0, -1.0], "`p.C > 0.0`"),
        ("hh", "g_Na", &[-1.0], "p.g_Na >= 0.0"),
        ("hh", "g_K", &[-36.0], "p.g_K >= 0.0"),
        ("hh", "g_L", &[-0.03, -inf], "g_L"),
        ("hh", "E_K", &[-inf], "p.E_K"),
        ("izhikevich", "c", &[30.0, 31.0], "`p.c < p.V_th`"),
        ("izhikevich", "d", &[inf], "is_finite(p.d)"),
        ("poisson", "freqs", &[-1.0, -inf], "`p.freqs >= 0.0`"),
        ("poisson", "freqs", &[10_001.0, 20_000.0, inf], "`p.freqs * sh.dt <= 1000.001`"),
        ("lorenz", "rho", &[inf], "is_finite(p.rho)"),
        ("van_der_pol", "mu", &[inf], "`is_finite(p.mu)`"),
        ("forced", "omega", &[inf], "`is_finite(p.omega)`"),
        ("expon", "tau", &[0.0, -8.0], "`p.tau > 0.0`"),
        ("coba", "E", &[inf], "`is_finite(p.E)`"),
    ] {
        for &value in bad {
            // given once for all elements, and for one of them
            let good = match name {
                "V_th" => 19.0,
                "V_reset" | "c" => -50.0,
                _ => 1.0,
            };
            for (value, element) in
                [(Value::from(value), ""), (vec![good, good, value].into(), " (element 2)")]
            {
                let (target, path) = shipped(model, name, value);
                let error = built(target, "cpu").unwrap_err();
                let text = error.to_string();
                assert!(matches!(error, Error::Parameter { .. }), "{model}: {text}");
                for part in [&format!("`{path}` is "), &format!("{element}, but model `"), rule] {
                    assert!(text.contains(part), "{model}: {text}\ndoes not contain {part}");
                }
                assert!(text.contains(".wgsl:") && text.ends_with('^'), "{text}");
            }
        }
    }
}

/// What is odd and makes sense.
#[test]
fn rules_let_through_what_makes_sense() {
    let inf = f64::INFINITY;
    for (model, name, good) in [
        ("lif", "tau", &[1e-30, 1e30, inf][..]),
        ("lif", "V_th", &[-4.99, inf]),
        ("lif", "V_reset", &[19.9, -3e38]),
        ("lif", "R", &[0.0, -1.0]),
        ("lif_ref", "tau_ref", &[0.0, -0.0, 1e-30, 2.1e8]),
        ("hh", "g_Na", &[0.0]),
        ("hh", "C", &[1e-3, inf]),
        ("hh", "V_th", &[inf, -inf]),
        ("izhikevich", "V_th", &[-64.0, inf]),
        ("poisson", "freqs", &[0.0, -0.0, 10_000.0]),
        ("expon", "tau", &[inf]),
        ("lorenz", "beta", &[0.0, -1.0]),
    ] {
        for &value in good {
            let (target, _) = shipped(model, name, value);
            if let Err(error) = built(target, "cpu") {
                panic!("{model}.{name} = {value}: {error}");
            }
        }
    }
    // a spike in each step, whatever f32 makes of rate and step
    for steps in 1..200 {
        let dt = 0.01 * f64::from(steps);
        let source = sources::poisson(1).param("freqs", 1000.0 / dt);
        assert!(DSRunner::builder(source).dt(dt).device("cpu").build().is_ok(), "dt {dt}");
    }
}

#[test]
fn the_message_tells_all() {
    let mut tau = vec![5.0; 100_003];
    tau[100_001] = -1.0;
    tau[100_002] = -2.0;
    let net = Network::new().with("cells", neurons::lif(100_003).param("tau", tau));
    let text = refused(built(net, "cpu"), "cells.tau");
    let line = include_str!("../../shaders/neurons/lif.wgsl")
        .lines()
        .position(|line| line.trim() == "p.tau > 0.0,")
        .unwrap()
        + 1;
    assert_eq!(
        text,
        format!(
            "`cells.tau` is -1.0 (element 100001), but model `LIF` wants `p.tau > 0.0`, the rule `tau_positive`
  --> shaders/neurons/lif.wgsl:{line}:9
{line} |         p.tau > 0.0,
   |         ^"
        )
    );
    let error = built(sources::poisson(1).param("freqs", 20_000.0), "cpu").unwrap_err();
    assert!(error.to_string().starts_with(
        "`freqs` is 20000.0 and `dt` is 0.1, but model `Poisson` wants `p.freqs * sh.dt <= 1000.001`, the rule `one_event_a_step`\n"
    ), "{error}");
    // which of two is of an element does not matter
    let cells = neurons::lif(2).param("V_th", [0.0, -7.5]);
    let text = refused(built(cells, "cpu"), "V_reset");
    assert!(text.starts_with("`V_reset` is -5.0 and `V_th` is -7.5 (element 1), but"), "{text}");
    let cells = neurons::lif(2).param("V_th", [0.0, -7.5]).param("tau", -1.0);
    let text = refused(built(cells, "cpu"), "tau");
    assert!(text.starts_with("`tau` is -1.0, but"), "{text}");
}

fn model(text: &str) -> dsrunner::Result<Model> {
    Model::from_wgsl("Mine", text)
}

const STATE: &str = "struct State { x: f32 } fn update(s: State) -> State { return s; }";

/// The error of a model with parameters `a` (f32), `n` (i32) and `m` (u32) that are 1, -2 and 3.
fn broken(rules: &str) -> String {
    // a function that nothing calls is an error
    let low = match rules.contains("low(") {
        true => "fn low(x: f32) -> bool { return x < 0.0; }",
        false => "",
    };
    let text = format!(
        "struct Params {{ a: f32, n: i32, m: u32 }} {STATE}
fn defaults() -> Params {{ return Params(1.0, -2, 3u); }}
{low}
{rules}"
    );
    let error = built(Group::new(&model(&text).unwrap(), 2), "cpu").unwrap_err();
    assert!(matches!(error, Error::Parameter { .. }), "{error}");
    error.to_string()
}

#[test]
fn rules_in_any_form() {
    for (rules, wanted) in [
        (
            "struct Rules { n_first: bool, order: bool }
fn rules(q: Params) -> Rules { return Rules(q.n < 0, (i32(q.m) <=\n   q.n) || low(q.a)); }",
            "`a` is 1.0, `n` is -2 and `m` is 3, but model `Mine` wants `(i32(q.m) <= q.n) || low(q.a)`, the rule `order`
 --> Mine:5:54",
        ),
        (
            "struct Rules { small: bool }
fn rules(sh: Shared, p: Params) -> Rules { let small = sh.dt < 0.1; return Rules(small); }",
            "`dt` is 0.1, but model `Mine` wants `sh.dt < 0.1`, the rule `small`\n --> Mine:5:56",
        ),
        (
            "struct Rules { small: bool }
fn rules(sh: Shared) -> Rules { return Rules(sh.dt < 0.01); }",
            "`dt` is 0.1, but model `Mine` wants `sh.dt < 0.01`, the rule `small`\n --> Mine:5:46",
        ),
        (
            "struct Rules { whole: bool }
fn all(p: Params) -> bool { return p.m == 4u; }
fn rules(p: Params) -> Rules { return Rules(all(p)); }",
            "`a` is 1.0, `n` is -2 and `m` is 3, but model `Mine` wants `all(p)`, the rule `whole`\n --> Mine:6:45",
        ),
        (
            "struct Rules { first: bool, second: bool }
fn rules(p: Params) -> Rules {
    if p.a > 0.0 { return Rules(true, p.n > 0); }
    return Rules(true, true);
}",
            "`a` is 1.0, `n` is -2 and `m` is 3, but model `Mine` wants the rule `second`\n --> Mine:4:29",
        ),
        (
            "struct Rules { first: bool, second: bool }
fn rules(p: Params) -> Rules { var r: Rules; r.first = true; for (var k = 0; k < 3; k++) { r.second = low(p.a); } return r; }",
            "`a` is 1.0, `n` is -2 and `m` is 3, but model `Mine` wants the rule `second`\n --> Mine:4:29",
        ),
        // a name that starts as a parameter's does
        (
            "struct Rules { first: bool }
fn rules(p: Params) -> Rules { let pp = low(p.a); return Rules(pp && p.n < 9); }",
            "`n` is -2, but model `Mine` wants `pp && p.n < 9`, the rule `first`\n --> Mine:5:64",
        ),
    ] {
        let text = broken(rules);
        assert!(text.starts_with(wanted), "{text}\ndoes not start with\n{wanted}");
    }
}

#[test]
fn rules_keep_the_contract() {
    let error = |rules: &str| {
        let error = model(&format!("struct Params {{ a: f32 }}\n{STATE}\n{rules}\n")).unwrap_err();
        assert!(matches!(error, Error::ModelContract { .. }), "{error}");
        error.to_string()
    };
    for (rules, wanted) in [
        (
            "struct Rules { a_rule: f32 }\nfn rules(p: Params) -> Rules { return Rules(p.a); }",
            "model `Mine`: member `a_rule` of `Rules` is no bool\n --> Mine:3:16\n",
        ),
        (
            "struct Rules { a_rule: bool }",
            "model `Mine`: there is a structure `Rules`, but no function `rules` of parameters\n --> Mine:3:8\n",
        ),
        (
            "struct Rules { a_rule: bool }\nfn rules() -> Rules { return Rules(false); }",
            "model `Mine`: there is a structure `Rules`, but no function `rules` of parameters\n --> Mine:3:8\n",
        ),
        (
            "fn rules(p: Params) -> bool { return p.a > 0.0; }",
            "model `Mine`: function `rules` returns `bool`\n",
        ),
        (
            "struct Rules { a_rule: bool }\nfn rules(s: State) -> Rules { return Rules(s.x > 0.0); }",
            "model `Mine`: function `rules` takes State, which is not known where it is called\n",
        ),
        (
            "struct Rules { a_rule: bool }\nfn rules(a: f32) -> Rules { return Rules(a > 0.0); }",
            "model `Mine`: function `rules` cannot be given its argument `a: f32`\n",
        ),
        (
            "alias Rules = vec2<bool>;\nfn rules(p: Params) -> vec2<bool> { return vec2<bool>(true, p.a > 0.0); }",
            "model `Mine`: function `rules` returns ",
        ),
    ] {
        let text = error(rules);
        assert!(text.starts_with(wanted), "{text}\ndoes not start with\n{wanted}");
    }
}

#[test]
fn nan_among_defaults_and_elements() {
    let text = format!(
        "struct Params {{ a: f32, n: u32 }} {STATE}
         fn defaults() -> Params {{ var zero = 0.0; return Params(zero / zero, 0xffffffffu); }}"
    );
    let nan = model(&text).unwrap();
    assert_eq!(
        refused(built(Group::new(&nan, 2), "cpu"), "a"),
        "`a` is NaN, but a parameter is a number"
    );
    // the bits of a NaN are a fine integer
    assert!(built(Group::new(&nan, 2).param("a", f64::INFINITY), "cpu").is_ok());
    let cells = Group::new(&nan, 3).param("a", [0.0, 1.0, f64::NAN]);
    assert_eq!(
        refused(built(Network::new().with("n", cells), "cpu"), "n.a"),
        "`n.a` is NaN (element 2), but a parameter is a number"
    );
}

/// Two cells and what they did in 20 ms: every bit of a state that depends on all parameters.
fn pair(device: &str) -> DSRunner {
    let cells = neurons::lif_ref(2).param("tau", [10.0, 20.0]).param("tau_ref", 1.0);
    let mut runner = DSRunner::builder(Network::new().with("cells", cells))
        .input(("cells.input", 30.0))
        .monitor("cells.V")
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    runner.run(20.0).unwrap();
    runner
}

#[track_caller]
fn unchanged(runner: &mut DSRunner, before: &StateDict) {
    assert!(runner.state_dict().unwrap() == *before);
    // what follows from parameters is as before, too
    let mut other = pair("cpu");
    runner.run(10.0).unwrap();
    other.run(10.0).unwrap();
    let v = |runner: &DSRunner| runner.mon().get::<f32>("cells.V").unwrap();
    assert_eq!(v(runner), v(&other));
}

fn set_keeps_the_rules(device: &str) {
    let mut runner = pair(device);
    let before = runner.state_dict().unwrap();
    for (name, value, starts) in [
        (
            "cells.tau",
            Value::from(0.0),
            "`cells.tau` is 0.0 (element 0), but model `LIFRef` wants `p.tau > 0.0`",
        ),
        ("cells.tau", [10.0, -1.0].into(), "`cells.tau` is -1.0 (element 1), but"),
        (
            "cells.tau",
            [f64::NAN, 1.0].into(),
            "`cells.tau` is NaN (element 0), but a parameter is a number",
        ),
        ("cells.tau_ref", f64::NAN.into(), "`cells.tau_ref` is NaN, but"),
        ("cells.tau_ref", (-0.1).into(), "`cells.tau_ref` is -0.1, but"),
        ("cells.V_th", (-6.0).into(), "`cells.V_reset` is -5.0 and `cells.V_th` is -6.0, but"),
        ("cells.V_reset", 20.0.into(), "`cells.V_reset` is 20.0 and `cells.V_th` is 20.0, but"),
    ] {
        let error = runner.set(name, value).unwrap_err();
        assert!(matches!(error, Error::Parameter { .. }), "{error}");
        assert!(error.to_string().starts_with(starts), "{error}\n{starts}");
    }
    unchanged(&mut runner, &before);
    // in an order in which each is right
    runner.set("cells.V_th", 70.0).unwrap();
    runner.set("cells.V_reset", 60.0).unwrap();
    assert!(runner.set("cells.V_th", 20.0).is_err());
}

fn states_keep_the_rules(device: &str) {
    let one = |value: f32| StateArray::new(vec![], StateData::F32(vec![value])).unwrap();
    let both = |th: f32, reset: f32| {
        let mut state = StateDict::default();
        state.insert("cells", "V_th", one(th));
        state.insert("cells", "V_reset", one(reset));
        state.insert("dsrunner", "step", StateArray::new(vec![], StateData::U64(vec![7])).unwrap());
        state
    };
    let mut runner = pair(device);
    let before = runner.state_dict().unwrap();
    for (th, reset, path) in [(50.0, 60.0, "cells.V_reset"), (f32::NAN, 0.0, "cells.V_th")] {
        refused(runner.load_state_dict(&both(th, reset), false, Compatible::V2), path);
    }
    let mut mixed = before.clone();
    let tau = StateData::F32(vec![1.0, -1.0]);
    mixed.insert("cells", "tau", StateArray::new(vec![2], tau).unwrap());
    mixed.insert("cells", "V", StateArray::new(vec![2], StateData::F32(vec![0.0; 2])).unwrap());
    refused(runner.load_state_dict(&mixed, false, Compatible::V2), "cells.tau");
    unchanged(&mut runner, &before);
    // both together are right where neither would be alone
    runner.load_state_dict(&both(-10.0, -20.0), false, Compatible::V2).unwrap();
    assert_eq!(runner.get::<f32>("cells.V_th").unwrap()[[]], -10.0);
    assert_eq!(runner.i(), 7);
}

fn shared_arguments_keep_the_rules(device: &str) {
    let mut runner = pair(device);
    let before = runner.state_dict().unwrap();
    let run = |args: &[(&str, f64)]| {
        args.iter().fold(Predict::steps(3).reset_state(true), |run, &(name, value)| {
            run.shared_arg(name, value)
        })
    };
    for (args, path) in [
        (&[("tau", -1.0)][..], "cells.tau"),
        (&[("tau", f64::NAN)], "cells.tau"),
        (&[("V_th", -10.0)], "cells.V_reset"),
        (&[("V_th", -10.0), ("V_reset", -10.0)], "cells.V_reset"),
    ] {
        refused(runner.run(run(args)), path);
        assert!(runner.state_dict().unwrap() == before, "{args:?}");
        assert_eq!(runner.mon().ts().len(), 200, "{args:?}");
    }
    unchanged(&mut runner, &before);
    // together they are right, and are taken back together
    let mut other = pair(device);
    runner.run(run(&[("V_th", -10.0), ("V_reset", -20.0)])).unwrap();
    assert!(runner.mon().get::<f32>("cells.V").unwrap().iter().any(|&v| v == -20.0));
    other.run(run(&[])).unwrap();
    runner.reset_state().unwrap();
    other.reset_state().unwrap();
    assert!(runner.state_dict().unwrap() == other.state_dict().unwrap());
    let v = |runner: &mut DSRunner| {
        runner.run(20.0).unwrap();
        runner.mon().get::<f32>("cells.V").unwrap()
    };
    assert_eq!(v(&mut runner), v(&mut other));
}

fn copies_of_a_batch_keep_the_rules(device: &str) {
    let cells = neurons::lif(3);
    let batch = |cells: Group| {
        built(Batch::new(Network::new().with("cells", cells), 2).first_replica(4), device)
    };
    let taus = arr2(&[[1.0, 2.0, 3.0], [4.0, -5.0, 6.0]]);
    let text = refused(batch(cells.clone().param("tau", taus.clone())), "cells.tau");
    assert!(text.starts_with("`cells.tau` is -5.0 (replica 5, element 1), but"), "{text}");
    let mut runner = batch(cells.param("tau", taus.mapv(f64::abs))).unwrap();
    let text = refused(runner.set("cells.tau", taus), "cells.tau");
    assert!(text.starts_with("`cells.tau` is -5.0 (replica 5, element 1), but"), "{text}");
    runner.run(Steps(1)).unwrap();
}

/// A slice of a parameter is a part of it, which the rules see as a whole.
fn slices_keep_the_rules(device: &str) {
    let cells = neurons::lif(4).param("V_th", [1.0, 2.0, 3.0, 4.0]);
    let last = cells.slice(2..).variable("V_th");
    let mut runner = built(cells, device).unwrap();
    let text = refused(runner.set(last.clone(), [9.0, -9.0]), "V_reset");
    assert!(text.starts_with("`V_reset` is -5.0 and `V_th` is -9.0 (element 3), but"), "{text}");
    runner.set(last, 9.0).unwrap();
    assert_eq!(runner.get::<f32>("V_th").unwrap().as_slice().unwrap(), [1.0, 2.0, 9.0, 9.0]);
}

fn files_keep_the_rules(device: &str) {
    let text = format!("struct Params {{ tau: f32, n: i32 }} {STATE}");
    let rules = "struct Rules { tau: bool, n: bool }
        fn rules(p: Params) -> Rules { return Rules(p.tau > 0.0, p.n != 3); }";
    let loose = model(&text).unwrap();
    let strict = model(&format!("{text} {rules}")).unwrap();
    let cells =
        |model: &Model| Group::new(model, 2).param("tau", [1.0, 2.0]).param("n", 4).init("x", 1.0);
    let folder = tempfile::tempdir().unwrap();
    let mut runner = built(cells(&strict), device).unwrap();
    let before = runner.state_dict().unwrap();
    for extension in ["npz", "safetensors", "h5"] {
        let file = folder.path().join("state").with_extension(extension);
        let mut other = built(cells(&loose).init("x", 5.0), device).unwrap();
        other.set("tau", [1.0, -2.0]).unwrap();
        other.save_states(&file, None).unwrap();
        let text = refused(runner.load_states(&file, false), "tau");
        assert!(text.starts_with("`tau` is -2.0 (element 1), but model `Mine` wants"), "{text}");
        other.set("tau", 1.0).unwrap();
        other.set("n", 3).unwrap();
        other.save_states(&file, None).unwrap();
        let text = refused(runner.load_states(&file, false), "n");
        assert!(text.starts_with("`n` is 3, but model `Mine` wants `p.n != 3`"), "{text}");
        assert!(runner.state_dict().unwrap() == before, "{extension}");
        other.set("n", 5).unwrap();
        other.save_states(&file, None).unwrap();
        runner.load_states(&file, false).unwrap();
        assert_eq!(runner.get::<f32>("x").unwrap().as_slice().unwrap(), [5.0, 5.0]);
        runner.load_state_dict(&before, false, Compatible::V2).unwrap();
    }
}

/// Synapses and outputs have parameters of their own.
fn projections_keep_the_rules(device: &str) {
    let cells = neurons::lif(3);
    let line = Projection::new(&cells, &cells).output(outputs::coba());
    let net = Network::new().with("cells", cells).with("line", line);
    let mut runner = built(net, device).unwrap();
    refused(runner.set("line.tau", -8.0), "line.tau");
    refused(runner.set("line.E", f64::INFINITY), "line.E");
    refused(runner.run(Predict::steps(1).shared_arg("E", f64::NAN)), "line.E");
    runner.set("line.tau", 4.0).unwrap();
    runner.run(Steps(1)).unwrap();
}

on_every_engine!(
    copies_of_a_batch_keep_the_rules,
    files_keep_the_rules,
    projections_keep_the_rules,
    set_keeps_the_rules,
    shared_arguments_keep_the_rules,
    slices_keep_the_rules,
    states_keep_the_rules,
);
