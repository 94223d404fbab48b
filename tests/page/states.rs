//! Rows `state_dict`, `load_state_dict`, `save_states`, `load_states`, `dyn_vars`, `tree_flatten`.

use dsrunner::{
    Compatible, Connect, DSRunner, Init, Input, Network, Predict, Projection, RunnerBuilder,
    StateArray, StateData, StateDict, Steps, neurons, outputs, sources, stream, synapses,
};

use crate::common::{count, error, now, on, rows};
use crate::engines::{all, gpu, on_every_engine};

/// Noise, streams, and delays of up to 25 steps.
fn builder(device: &str) -> RunnerBuilder {
    let cells = neurons::lif_ref(70).param("tau_ref", 2.0).init("V", Init::uniform(0.0, 19.0));
    let noise = sources::poisson(40).param("freqs", 200.0);
    let each: Vec<f64> = (0..280).map(|k| 0.5 * f64::from(k % 26)).collect();
    let (pre, post): (Vec<u32>, Vec<u32>) = (0..280).map(|k| (k % 40, (k * 7) % 70)).unzip();
    let drive = Projection::new(&noise, &cells)
        .connect(Connect::coo(pre, post))
        .weight(4.0)
        .delay(each)
        .synapse(synapses::expon())
        .output(outputs::cuba());
    let net = Network::new().with("cells", cells).with("noise", noise).with("drive", drive);
    on(device, net)
        .input(Input::iter("cells.input", stream(|| (0..).map(|k| f64::from(k % 9)))))
        .input(("cells.input", (0..400).map(|k| f64::from(k % 31)).collect::<Vec<_>>(), "iter"))
        .dyn_vars([("drift", vec![1.0, 2.0])])
        .input(("drift.value", 0.25))
        .monitors(["cells.spike", "cells.V", "drive.g", "drift.value"])
        .t0(7.0)
        .seed(5)
}

fn results(runner: &DSRunner) -> (Vec<bool>, Vec<u32>) {
    let results = bits(runner);
    assert!(results.0.iter().filter(|s| **s).count() > 100);
    results
}

fn bits(runner: &DSRunner) -> (Vec<bool>, Vec<u32>) {
    let bits = |key: &str| rows::<f32>(runner, key).into_iter().map(f32::to_bits);
    let spikes = rows::<bool>(runner, "cells.spike");
    (spikes, bits("cells.V").chain(bits("drive.g")).chain(bits("drift.value")).collect())
}

fn a2_save_then_load_then_run_is_an_uninterrupted_run(device: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut whole = builder(device).build().unwrap();
    whole.set("cells.tau", 8.0).unwrap();
    whole.run(Steps(173)).unwrap();
    let files =
        ["state.npz", "state.safetensors", "state.h5", "again.HDF5"].map(|f| folder.path().join(f));
    for file in &files {
        whole.save_states(file, None).unwrap();
    }
    let dict = whole.state_dict().unwrap();
    let (middle, at) = (whole.i(), whole.time());
    whole.run(Steps(150)).unwrap();
    let wanted = results(&whole);
    for other in all() {
        for file in &files {
            let mut resumed = builder(&other).build().unwrap();
            // whatever it did before is forgotten
            resumed.run(Steps(31)).unwrap();
            let loaded = resumed.load_states(file, true).unwrap();
            assert_eq!(loaded, dsrunner::Loaded::default());
            assert_eq!((resumed.i(), resumed.time()), (middle, at));
            assert_eq!(resumed.state_dict().unwrap(), dict);
            resumed.run(Steps(150)).unwrap();
            assert!(results(&resumed) == wanted, "{} on {other}", file.display());
        }
    }
    let mut resumed = builder(device).build().unwrap();
    resumed.load_state_dict(&dict, false, Compatible::V2).unwrap();
    resumed.run(Steps(150)).unwrap();
    assert!(results(&resumed) == wanted, "from the dictionary");
}

fn a2_state_dict_and_load_state_dict(device: &str) {
    let mut runner = builder(device).build().unwrap();
    runner.run(Steps(30)).unwrap();
    let state = runner.state_dict().unwrap();
    let keys: Vec<String> = state.iter().map(|(node, name, _)| format!("{node}:{name}")).collect();
    for key in [
        "cells:V",
        "cells:spike",
        "cells:tau",
        "noise:freqs",
        "noise:spike_history",
        "drive:g",
        "drift:value",
        "dsrunner:step",
        "dsrunner:t0",
        "dsrunner:dt",
        "dsrunner:seed",
    ] {
        assert!(keys.contains(&key.to_string()), "{key} in {keys:?}");
    }
    assert_eq!(state.get("noise", "spike_history").unwrap().shape(), [24, 40]);
    assert_eq!(state.get("dsrunner", "step").unwrap().data(), &StateData::U64(vec![30]));
    // what is missing and what is unexpected, the right way round
    let mut part = StateDict::default();
    let v = StateArray::from(ndarray::Array1::from_elem(70, 3.5f32));
    part.insert("cells", "V", v.clone());
    part.insert("elsewhere", "u", v.clone());
    let loaded = runner.load_state_dict(&part, true, Compatible::V2).unwrap();
    assert_eq!(loaded.unexpected_keys, ["elsewhere.u"]);
    assert!(loaded.missing_keys.contains(&"cells.spike".to_string()));
    assert!(!loaded.missing_keys.contains(&"cells.V".to_string()));
    assert_eq!(loaded.missing_keys.len() + 1, keys.len());
    assert_eq!(now::<f32>(&mut runner, "cells.V"), [3.5; 70]);
    assert_eq!(runner.i(), 30);
    // by flat keys
    let mut flat = StateDict::default();
    flat.insert("", "cells.V", StateArray::from(ndarray::Array1::from_elem(70, 1.5f32)));
    let loaded = runner.load_state_dict(&flat, false, Compatible::V1).unwrap();
    assert!(loaded.unexpected_keys.is_empty());
    assert_eq!(now::<f32>(&mut runner, "cells.V"), [1.5; 70]);
    // a parameter brings what follows from it
    let mut params = StateDict::default();
    params.insert("cells", "tau_ref", StateArray::new([], StateData::F32(vec![50.0])).unwrap());
    let mut unset = builder(device).build().unwrap();
    unset.load_state_dict(&runner.state_dict().unwrap(), false, Compatible::V2).unwrap();
    runner.load_state_dict(&params, false, Compatible::V2).unwrap();
    let mut by_set = builder(device).build().unwrap();
    by_set.load_state_dict(&runner.state_dict().unwrap(), false, Compatible::V2).unwrap();
    by_set.set("cells.tau_ref", 50.0).unwrap();
    runner.run(Steps(200)).unwrap();
    by_set.run(Steps(200)).unwrap();
    unset.run(Steps(200)).unwrap();
    assert!(bits(&runner) == bits(&by_set));
    assert!(bits(&runner) != bits(&unset));
}

fn a2_load_state_dict_is_all_or_nothing(device: &str) {
    let mut runner = builder(device).build().unwrap();
    runner.run(Steps(30)).unwrap();
    let before = runner.state_dict().unwrap();
    let array = |data: StateData| StateArray::new([data.len()], data).unwrap();
    let scalar = |data: StateData| StateArray::new([], data).unwrap();
    for (node, name, wrong, text) in [
        (
            "drive",
            "g",
            array(StateData::F32(vec![0.0; 71])),
            "drive.g: a value of shape [71] does not broadcast to shape [70]; give a scalar or an array of shape [70]",
        ),
        ("drive", "g", array(StateData::F64(vec![0.0; 70])), "`drive.g` holds f64 values, not f32"),
        (
            "cells",
            "refractory",
            array(StateData::U32(vec![0; 70])),
            "`cells.refractory` holds u32 values, not i32",
        ),
        (
            "dsrunner",
            "step",
            scalar(StateData::I64(vec![3])),
            "`dsrunner.step` holds i64 values, not u64",
        ),
        (
            "dsrunner",
            "t0",
            scalar(StateData::F64(vec![0.0])),
            "`t0` is 7 in the runner, but must be 0, as in the state",
        ),
        (
            "dsrunner",
            "dt",
            scalar(StateData::F64(vec![0.1])),
            "`dt` is 0.5 in the runner, but must be 0.1, as in the state",
        ),
        (
            "dsrunner",
            "seed",
            scalar(StateData::U64(vec![6])),
            "`seed` is 5 in the runner, but must be 6, as in the state",
        ),
        (
            "noise",
            "spike_history",
            array(StateData::Bool(vec![false; 40])),
            "noise.spike_history: a value of shape [40] does not broadcast to shape [24, 40]; give a scalar or an array of shape [24, 40]",
        ),
    ] {
        let mut state = before.clone();
        // all else is new, and none of it may be taken
        state.insert("cells", "V", array(StateData::F32(vec![9.0; 70])));
        state.insert(node, name, wrong);
        assert_eq!(error(runner.load_state_dict(&state, false, Compatible::V2)), text);
        assert_eq!(runner.state_dict().unwrap(), before);
        assert_eq!((runner.i(), runner.time()), (30, 22.0));
    }
}

fn a2_save_states_of_some_variables(device: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("part.npz");
    let mut runner = builder(device).build().unwrap();
    runner.run(Steps(20)).unwrap();
    runner.save_states(&file, Some(&["cells.V", "dsrunner.step"])).unwrap();
    let v = now::<f32>(&mut runner, "cells.V");
    runner.run(Steps(20)).unwrap();
    let g = now::<f32>(&mut runner, "drive.g");
    let loaded = runner.load_states(&file, false).unwrap();
    assert!(loaded.unexpected_keys.is_empty() && loaded.missing_keys.contains(&"drive.g".into()));
    assert_eq!((now::<f32>(&mut runner, "cells.V"), runner.i()), (v, 20));
    assert_eq!(now::<f32>(&mut runner, "drive.g"), g);
    assert_eq!(
        error(runner.save_states(&file, Some(&["cells.v"]))),
        "no variable or parameter `cells.v`; did you mean `cells.V`?"
    );
}

fn a2_files_that_do_not_fit_change_nothing(device: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = builder(device).build().unwrap();
    runner.run(Steps(20)).unwrap();
    let before = runner.state_dict().unwrap();
    let mut other = on(device, count(3)).build().unwrap();
    for name in ["other.npz", "other.safetensors", "other.h5"] {
        let file = folder.path().join(name);
        other.save_states(&file, None).unwrap();
        let text = error(runner.load_states(&file, false));
        assert!(text.starts_with(&file.display().to_string()), "{text}");
        assert!(text.contains("the system has no variable of this name"), "{text}");
        assert_eq!(runner.state_dict().unwrap(), before);
        // another shape, and another type
        let mut larger = on(device, count(4)).build().unwrap();
        let text = error(larger.load_states(&file, false));
        assert!(text.contains("shape [3], but the system's is of type"), "{text}");
    }
    for (name, text) in [("none.npz", "none.npz"), ("state.pkl", "state.pkl"), ("state", "state")] {
        let text_of = error(runner.load_states(folder.path().join(name), false));
        assert!(text_of.contains(text), "{text_of}");
    }
    let text = error(runner.save_states(folder.path().join("x.mat"), None));
    assert!(
        text.contains(".npz") && text.contains(".safetensors") && text.contains(".h5"),
        "{text}"
    );
}

fn a1_dyn_vars_take_part(device: &str) {
    let mut runner = on(device, count(2))
        .dyn_vars([
            ("drift", dsrunner::Value::from(1.0)),
            ("map", ndarray::arr2(&[[1.0, 2.0]]).into()),
        ])
        .input(("drift.value", 0.5))
        .input(("input", dsrunner::wgsl("f32(i)"), "func"))
        .monitor("drift.value")
        .build()
        .unwrap();
    runner.run(Steps(2)).unwrap();
    assert_eq!(rows::<f32>(&runner, "drift.value"), [1.5, 2.0]);
    assert_eq!(runner.get::<f32>("map.value").unwrap().shape(), [1, 2]);
    let vars = runner.vars(dsrunner::Naming::Relative, -1, true, &[]);
    assert!(vars.get("target.drift.value").is_some());
    assert!(runner.state_dict().unwrap().get("map", "value").is_some());
    if let Some(other) = gpu() {
        runner.to(if device == "cpu" { other.as_str() } else { "cpu" }).unwrap();
        runner.run(Predict::steps(1)).unwrap();
        assert_eq!(rows::<f32>(&runner, "drift.value"), [2.5]);
    }
}

fn a2_tree_flatten_and_unflatten(device: &str) {
    let mut whole = builder(device).build().unwrap();
    let mut parts = builder(device).build().unwrap();
    whole.run(Steps(100)).unwrap();
    parts.run(Steps(100)).unwrap();
    let (arrays, tree) = parts.tree_flatten().unwrap();
    assert_eq!(arrays.len(), tree.keys().len());
    let mut parts = DSRunner::tree_unflatten(tree, arrays).unwrap();
    whole.run(Steps(150)).unwrap();
    parts.run(Steps(150)).unwrap();
    assert!(results(&parts) == results(&whole));
    let (mut arrays, tree) = parts.tree_flatten().unwrap();
    arrays.pop();
    let text = error(DSRunner::tree_unflatten(tree, arrays));
    assert!(text.starts_with("`arrays` is "), "{text}");
}

on_every_engine!(
    a1_dyn_vars_take_part,
    a2_files_that_do_not_fit_change_nothing,
    a2_load_state_dict_is_all_or_nothing,
    a2_save_states_of_some_variables,
    a2_save_then_load_then_run_is_an_uninterrupted_run,
    a2_state_dict_and_load_state_dict,
    a2_tree_flatten_and_unflatten,
);
