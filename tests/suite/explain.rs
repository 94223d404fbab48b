//! Each stage between a text and what a device executes is told.

use dsrunner::{
    Connect, Coupling, DSRunner, Explanation, Group, Kernel, Model, Network, Projection, outputs,
    synapses, wgsl,
};

use crate::engines::on_every_engine;

const CELL: &str = "struct Params { tau: f32, R: f32 }
struct State { V: f32 }
struct Input { input: f32 }
struct Derivative { V: f32 }
struct Rules { tau_positive: bool }
fn defaults() -> Params { return Params(10.0, 2.0); }
fn rules(p: Params) -> Rules { return Rules(p.tau > 0.0); }
fn derivative(s: State, p: Params, x: Input) -> Derivative { return Derivative((p.R * x.input - s.V) / p.tau); }
fn threshold(s: State) -> bool { return s.V >= 1.0; }
fn reset(s: State) -> State { return State(0.0); }
";

const HALVE: &str = "@group(0) @binding(0) var<storage, read_write> v: array<f32>;
@compute @workgroup_size(64)
fn halve(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < arrayLength(&v) { v[id.x] = 0.5 * v[id.x]; }
}
";

fn explained(device: &str) -> (DSRunner, Explanation) {
    let cell = Model::from_file("Cell", "cells/cell.wgsl", CELL).unwrap();
    let cells = Group::new(&cell, 3);
    let arrow = Projection::new(&cells, &cells)
        .connect(Connect::all_to_all())
        .synapse(synapses::expon())
        .output(outputs::coba());
    let gap = Coupling::new(&cells, &cells, wgsl("w * (V_pre - V_post)"));
    let halve = Kernel::from_wgsl("Halve", HALVE).unwrap().bind("v", "cells.V");
    let net = Network::new().with("cells", cells).with("arrow", arrow).with("gap", gap);
    let runner = DSRunner::builder(net.with("halve", halve))
        .monitor("cells.V")
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    let explanation = runner.explain().unwrap();
    (runner, explanation)
}

fn every_stage_is_told(device: &str) {
    let (mut runner, explanation) = explained(device);
    let programs = &explanation.programs;
    let names: Vec<&str> = programs.iter().map(|program| program.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "Cell + Expon + COBA",
            "coupling gap",
            "kernel Halve",
            "Cell.defaults",
            "Cell.rules",
            "Expon.defaults",
            "Expon.rules",
            "Expon.derive",
            "Expon.initial",
            "COBA.defaults",
            "COBA.rules",
        ]
    );
    // the texts as they were given
    let texts = |k: usize| {
        let texts = programs[k].texts.iter();
        texts.map(|t| (t.name.as_str(), t.file.as_str(), t.text.as_str())).collect::<Vec<_>>()
    };
    assert_eq!(texts(0)[0], ("Cell", "cells/cell.wgsl", CELL));
    assert_eq!(texts(0)[1].1, "shaders/synapses/expon.wgsl");
    assert_eq!(texts(0).len(), 3);
    assert_eq!(texts(1), [("coupling gap", "expression", "w * (V_pre - V_post)")]);
    assert_eq!(texts(2), [("Halve", "Halve", HALVE)]);
    assert_eq!(texts(4), [("Cell", "cells/cell.wgsl", CELL)]);
    // what is composed of them is WGSL; what runs on the host is the model's own
    for (k, program) in programs.iter().enumerate() {
        assert_eq!(program.composed.is_some(), k < 3, "{}", program.name);
        if let Some(composed) = &program.composed {
            naga::front::wgsl::parse_str(composed).unwrap();
            assert!(composed.contains("fn advance(in: In)"), "{composed}");
        }
    }
    // the operations, each with what it makes
    let results = |k: usize| -> Vec<&str> {
        let results = programs[k].code.results.iter();
        results.map(|result| result.split(" = ").next().unwrap()).collect()
    };
    assert_eq!(results(0), ["a0_state_g", "a0_arrivals", "e_state_V", "spike"]);
    assert_eq!(results(1), ["value"]);
    assert_eq!(programs[3].code.results, ["tau = 10.0", "R = 2.0"]);
    assert_eq!(programs[4].code.prologue.len(), 1);
    for program in &programs[..3] {
        assert!(!program.code.body.is_empty(), "{}", program.name);
    }
    assert!(programs[2].code.body.iter().any(|op| op.starts_with("Scatter memory 0, ")));
    // kernels and dispatches
    let kernels = &explanation.kernels;
    assert!(*kernels == runner.wgsl().unwrap());
    assert!(kernels.iter().any(|(name, _)| name == "update Cell + Expon + COBA"));
    assert_eq!(explanation.plan, runner.plan());
    // all of it in print, in this order, a shared text once
    let print = explanation.to_string();
    let mut rest = print.as_str();
    for wanted in [
        "=== program Cell + Expon + COBA\n--- text of Cell, cells/cell.wgsl\nstruct Params {",
        "--- composed\n",
        "--- operations\nprologue, once for all elements:\n",
        "\nbody, for each element:\n     0  v",
        "\nresults:\n",
        "--- text of Cell, cells/cell.wgsl: as above\n",
        "=== kernel ",
        "=== plan\nstep of dt = 0.1",
    ] {
        let at = rest.find(wanted).unwrap_or_else(|| panic!("{wanted} in {print}"));
        rest = &rest[at + wanted.len()..];
    }
    assert_eq!(print.matches(CELL.trim_end()).count(), 1);
    // telling changes nothing
    runner.run(1.0).unwrap();
    assert!(runner.explain().unwrap().to_string() == print);
}

fn what_is_done_once_is_told_apart(device: &str) {
    let model = Model::from_wgsl(
        "Decay",
        "struct Params { tau: f32 }
         struct State { x: f32 }
         fn update(s: State, p: Params) -> State { return State(s.x * (1.0 / p.tau)); }",
    )
    .unwrap();
    let code = |group: Group| {
        let runner = DSRunner::builder(group).progress_bar(false).device(device).build().unwrap();
        let code = runner.explain().unwrap().programs[0].code.clone();
        // whatever the numbers of the values are
        let plain = |line: &String| {
            let words = line.split_inclusive([' ', ',']).map(|word| {
                let rest = word.strip_prefix('v').filter(|r| r.starts_with(char::is_numeric));
                rest.map_or(word, |rest| if rest.ends_with(',') { "v," } else { "v " })
            });
            words.collect::<String>().trim_end().to_string()
        };
        [code.prologue, code.body, code.results].map(|lines| lines.iter().map(plain).collect())
    };
    let same: [Vec<String>; 3] = code(Group::new(&model, 2).param("tau", 2.0));
    assert_eq!(
        same,
        [
            vec!["v = DivF 1.0, in.e_param_tau".to_string()],
            vec!["v = MulF in.e_state_x, v".into(), "v = FlushF v".into()],
            vec!["e_state_x = v".into()],
        ]
    );
    let [prologue, body, _] = code(Group::new(&model, 2).param("tau", vec![2.0, 3.0]));
    assert_eq!((prologue, body.len()), (vec![], 3));
}

on_every_engine!(every_stage_is_told, what_is_done_once_is_told_apart);
