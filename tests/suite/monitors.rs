//! Monitors: forms, indices, kinds, keys.

use dsrunner::{DSRunner, Error, Monitor, Steps, neurons};

use crate::compare::equal_bits;
use crate::engines::on_every_engine;

fn forms_and_indices(device: &str) {
    let group =
        neurons::lif_ref(70).init("V", (0..70).map(|k| 0.25 * f64::from(k)).collect::<Vec<_>>());
    let v = group.variable("V");
    let mask: Vec<bool> = (0..70).map(|k| k % 30 == 5).collect();
    let mut runner = DSRunner::builder(group)
        .input(("input", 22.0))
        .monitors(["V", "spike", "refractory"])
        .monitor(Monitor::from(("V", 3)).named("one"))
        .monitor(Monitor::from(("V", [-1, 0, 0])).named("list"))
        .monitor(Monitor::from(("V", 60..)).named("range"))
        .monitor(Monitor::from((&v, mask)).named("mask"))
        .monitor(Monitor::from(("spike", 65..70)).named("some spikes"))
        .monitor_map([("map", Monitor::of(&v).index(69))])
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    runner.run(Steps(400)).unwrap();
    let mon = runner.mon();
    let all = mon.get::<f32>("V").unwrap();
    let columns = |picked: &[usize]| -> Vec<f32> {
        (0..400)
            .flat_map(|t| picked.iter().map(move |&k| (t, k)))
            .map(|(t, k)| all[[t, k]])
            .collect()
    };
    for (key, picked) in [
        ("one", vec![3]),
        ("list", vec![69, 0, 0]),
        ("range", (60..70).collect()),
        ("mask", vec![5, 35, 65]),
        ("map", vec![69]),
    ] {
        let got = mon.get::<f32>(key).unwrap();
        assert_eq!(got.shape(), &[400, picked.len()], "{key}");
        equal_bits(key, got.as_slice().unwrap(), &columns(&picked)).must();
    }
    let spikes = mon.get::<bool>("spike").unwrap();
    assert_eq!(spikes.shape(), &[400, 70]);
    let some = mon.get::<bool>("some spikes").unwrap();
    let count = |array: &ndarray::ArrayD<bool>| array.iter().filter(|s| **s).count();
    assert!(count(&some) > 0 && count(&spikes) > count(&some));
    for t in 0..400 {
        for k in 0..70 {
            // a spike is where the potential is reset
            assert_eq!(spikes[[t, k]], all[[t, k]] == -5.0, "{t} {k}");
            if k >= 65 {
                assert_eq!(spikes[[t, k]], some[[t, k - 65]], "{t} {k}");
            }
        }
    }
    let events = mon.events("spike").unwrap();
    assert_eq!(events.steps.len(), count(&spikes));
    assert!(
        events.steps.iter().zip(&events.indices).all(|(&t, &k)| spikes[[t as usize, k as usize]])
    );
    assert_eq!(mon.events("some spikes").unwrap().steps.len(), count(&some));
    assert!(mon.get::<i32>("refractory").unwrap().iter().all(|&r| r == 0), "tau_ref is 0");
    assert_eq!(mon.keys().next(), Some("V"));
    assert_eq!(mon.keys().last(), Some("map"));
}

/// A refractory period is the nearest number of steps, half steps up, whatever f32 makes of the quotient.
fn refractory_periods_round_half_up(device: &str) {
    for dt in [0.1, 0.3, 0.05] {
        let periods: Vec<f64> = (0..120).map(|k| (f64::from(k) + 0.5) * dt).collect();
        let cells = neurons::lif_ref(120).param("tau_ref", periods).param("V_th", -1.0);
        let mut runner =
            DSRunner::builder(cells).dt(dt).progress_bar(false).device(device).build().unwrap();
        runner.run(Steps(1)).unwrap();
        let left = runner.get::<i32>("refractory").unwrap();
        let wanted: Vec<i32> = (1..=120).collect();
        assert_eq!(left.as_slice().unwrap(), wanted, "dt {dt}");
    }
}

fn each_run_replaces_the_results(device: &str) {
    let mut runner = DSRunner::builder(neurons::lif(2))
        .monitor("V")
        .input(("input", 30.0))
        .t0(10.0)
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    assert!(runner.mon().ts().is_empty());
    runner.run(0.5).unwrap();
    let run = runner.run(0.3).unwrap();
    assert_eq!(run.steps, 3, "0.3 / 0.1 is 2.9999999999999996 in f64");
    let wanted = [10.5, 10.6, 10.7];
    assert!(runner.mon().ts().iter().zip(wanted).all(|(t, w)| (t - w).abs() < 1e-12));
    assert_eq!(runner.mon().get::<f32>("V").unwrap().shape(), &[3, 2]);
}

fn the_wrong_type_is_an_error(device: &str) {
    let mut runner = DSRunner::builder(neurons::lif(2))
        .monitor("V")
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    runner.run(Steps(1)).unwrap();
    let error = runner.mon().get::<i32>("V").unwrap_err();
    assert!(matches!(error, Error::Kind { .. }));
    assert_eq!(error.to_string(), "`V` holds f32 values, not i32");
    let error = runner.mon().get::<f32>("W").unwrap_err().to_string();
    assert_eq!(error, "no monitor `W`; there are `V`");
    assert!(runner.mon().events("V").is_err());
}

on_every_engine!(
    each_run_replaces_the_results,
    forms_and_indices,
    refractory_periods_round_half_up,
    the_wrong_type_is_an_error,
);
