//! Rows `monitors`, `fun_monitors`, `numpy_mon_after_run`, `memory_efficient`, `mon`.

use dsrunner::{Monitor, Reduction, Steps, wgsl};

use crate::common::{comb, count, error, keep, now, on, pair, rows};
use crate::compare::equal_bits;
use crate::engines::on_every_engine;

fn a1_monitors_forms(device: &str) {
    let (a, _, net) = pair(4, 2);
    let (x, slice) = (a.variable("x"), a.slice(1..3).variable("x"));
    let mut runner = on(device, net)
        .input(("a.input", [0.0, 1.0, 2.0, 3.0]))
        .monitors(["a.x", "b.x"])
        .monitor(("b.input", 0))
        .monitor_map([
            ("int", Monitor::from((&x, -1))),
            ("list", Monitor::from(("a.x", vec![3, 0, 0]))),
            ("range", Monitor::from(("a.x", 2..))),
            ("mask", Monitor::from(("a.x", vec![true, false, false, true]))),
            ("slice", Monitor::of(&slice)),
            ("of the slice", Monitor::of(&slice).index(1)),
            ("nothing", Monitor::from(("a.x", 2..2))),
            ("expression", Monitor::wgsl("a", wgsl("2.0 * x - gain"))),
            ("flags", Monitor::wgsl("a", wgsl("x > 3.0"))),
            ("integers", Monitor::wgsl("b", wgsl("i32(x) - 5")).index(1)),
            ("time", Monitor::func(|s| [s.t, s.dt])),
            ("read", Monitor::read(|s, now| Ok(f64::from(now.get::<f32>("a.x")?.sum()) + s.t))),
        ])
        .build()
        .unwrap();
    runner.run(Steps(2)).unwrap();
    let mon = runner.mon();
    let keys: Vec<&str> = mon.keys().collect();
    assert_eq!(keys[..4], ["a.x", "b.x", "b.input", "int"]);
    assert_eq!(rows::<f32>(&runner, "a.x"), [1.0, 2.0, 3.0, 4.0, 2.0, 4.0, 6.0, 8.0]);
    for (key, shape, wanted) in [
        ("int", &[2, 1][..], &[4.0, 8.0][..]),
        ("list", &[2, 3], &[4.0, 1.0, 1.0, 8.0, 2.0, 2.0]),
        ("range", &[2, 2], &[3.0, 4.0, 6.0, 8.0]),
        ("mask", &[2, 2], &[1.0, 4.0, 2.0, 8.0]),
        ("slice", &[2, 2], &[2.0, 3.0, 4.0, 6.0]),
        ("of the slice", &[2, 1], &[3.0, 6.0]),
        ("nothing", &[2, 0], &[]),
        ("expression", &[2, 4], &[1.0, 3.0, 5.0, 7.0, 3.0, 7.0, 11.0, 15.0]),
        ("time", &[2, 2], &[0.0, 0.5, 0.5, 0.5]),
        ("read", &[2], &[10.0, 20.5]),
    ] {
        let found = mon.get::<f32>(key).unwrap();
        assert_eq!(found.shape(), shape, "{key}");
        assert_eq!(found.iter().copied().collect::<Vec<_>>(), wanted, "{key}");
    }
    assert_eq!(
        rows::<bool>(&runner, "flags"),
        [false, false, false, true, false, true, true, true]
    );
    assert_eq!(rows::<i32>(&runner, "integers"), [-4, -3]);
    assert_eq!(mon.ts(), [0.0, 0.5]);
}

fn a1_monitors_see_inputs_before_they_are_cleared(device: &str) {
    let mut runner = on(device, count(2))
        .input(("input", 3.0))
        .monitor("input")
        .monitor(Monitor::wgsl("", wgsl("input + x")).named("sum"))
        .monitor(Monitor::read(|_, now| now.get::<f32>("input")).named("read"))
        .build()
        .unwrap();
    runner.run(Steps(2)).unwrap();
    assert_eq!(rows::<f32>(&runner, "input"), [3.0; 4]);
    assert_eq!(rows::<f32>(&runner, "read"), [3.0; 4]);
    assert_eq!(rows::<f32>(&runner, "sum"), [7.0, 7.0, 11.0, 11.0]);
    assert_eq!(now::<f32>(&mut runner, "input"), [0.0, 0.0]);
}

fn a1_monitors_every_and_window(device: &str) {
    let mut runner = on(device, count(3))
        .t0(1.0)
        .monitor("x")
        .monitor(Monitor::of("x").every(7).named("every"))
        .monitor(Monitor::of("x").window(3.0..10.0).named("window"))
        .monitor(Monitor::of("x").index(1).every(4).window(3.0..1e9).named("both"))
        .monitor(Monitor::func(|s| s.i as f64).every(7).named("closure"))
        .chunk(5)
        .build()
        .unwrap();
    // steps 0 to 29 in two runs; those of `every` count from step 0
    let mut seen: Vec<(i64, f32)> = Vec::new();
    for steps in [10, 20] {
        runner.run(Steps(steps)).unwrap();
        let mon = runner.mon();
        let x = mon.get::<f32>("x").unwrap();
        let first = mon.steps("x").unwrap()[0];
        for key in ["every", "window", "both", "closure"] {
            let (found, at) = (mon.get::<f32>(key).unwrap(), mon.steps(key).unwrap());
            assert_eq!(found.shape()[0], at.len(), "{key}");
            for (row, &step) in found.outer_iter().zip(&at) {
                let value = row.iter().next().copied().unwrap();
                let wanted =
                    if key == "closure" { step as f32 } else { x[[(step - first) as usize, 1]] };
                assert_eq!(value, wanted, "{key} in step {step}");
            }
            if key == "every" {
                seen.extend(at.iter().copied().zip(found.column_first()));
            }
        }
    }
    assert_eq!(seen, [(0, 1.0), (7, 8.0), (14, 15.0), (21, 22.0), (28, 29.0)]);
    let mon = runner.mon();
    assert_eq!(mon.steps("window").unwrap(), (10..18).collect::<Vec<_>>());
    assert_eq!(mon.times("window").unwrap()[0], 6.0);
    assert_eq!(mon.steps("both").unwrap(), [12, 16, 20, 24, 28]);
}

trait FirstColumn {
    fn column_first(&self) -> Vec<f32>;
}

impl FirstColumn for ndarray::ArrayD<f32> {
    fn column_first(&self) -> Vec<f32> {
        self.outer_iter().map(|row| row.iter().next().copied().unwrap()).collect()
    }
}

fn a1_monitors_include_initial(device: &str) {
    let mut runner = on(device, count(2).init("x", [5.0, 7.0]))
        .monitor(Monitor::of("x").include_initial())
        .monitor(Monitor::wgsl("", wgsl("x * 2.0")).include_initial().named("twice"))
        .monitor(Monitor::of("x").reduce(Reduction::Sum).include_initial().named("sum"))
        .monitor(Monitor::of("x").named("plain"))
        .build()
        .unwrap();
    runner.run(Steps(2)).unwrap();
    assert_eq!(rows::<f32>(&runner, "x"), [5.0, 7.0, 6.0, 8.0, 7.0, 9.0]);
    assert_eq!(rows::<f32>(&runner, "twice"), [10.0, 14.0, 12.0, 16.0, 14.0, 18.0]);
    assert_eq!(rows::<f32>(&runner, "sum"), [12.0, 14.0, 16.0]);
    assert_eq!(rows::<f32>(&runner, "plain"), [6.0, 8.0, 7.0, 9.0]);
    assert_eq!(runner.mon().steps("x").unwrap(), [-1, 0, 1]);
    assert_eq!(runner.mon().ts().len(), 2);
    runner.run(Steps(1)).unwrap();
    assert_eq!(rows::<f32>(&runner, "x"), [7.0, 9.0, 8.0, 10.0]);
    assert_eq!(runner.mon().steps("x").unwrap(), [1, 2]);
}

/// The sum of what a mean is made of need not fit into an integer.
fn a1_monitors_means_of_large_integers(device: &str) {
    let (_, _, net) = pair(4, 1000);
    let large = wgsl("3000000 + i32(x * 0.0)");
    let mut runner = on(device, net)
        .monitor_map([
            ("over elements", Monitor::wgsl("b", large.clone()).reduce(Reduction::Mean)),
            ("over steps", Monitor::wgsl("b", large).index([0]).per(1000, Reduction::Mean)),
        ])
        .build()
        .unwrap();
    runner.run(Steps(1000)).unwrap();
    // a sum of 1000 terms, each addition off by half a unit in the last place at most: 1000 * 2^-24
    let near = |mean: &f32| (mean / 3e6 - 1.0).abs() < 6e-5;
    assert!(rows::<f32>(&runner, "over elements").iter().all(near));
    assert!(rows::<f32>(&runner, "over steps").iter().all(near));
}

fn a1_monitors_reductions(device: &str) {
    for elements in [1, 255, 256, 257, 1000] {
        let values: Vec<f64> = (0..elements).map(|k| ((k * 7919) % 1013) as f64 - 500.0).collect();
        let mut runner = on(device, comb_of(elements, &values))
            .monitors(["keep.x", "keep.n", "comb.spike"])
            .monitor_map([
                ("sum", Monitor::of("keep.x").reduce(Reduction::Sum)),
                ("mean", Monitor::of("keep.x").reduce(Reduction::Mean)),
                ("min", Monitor::of("keep.x").reduce(Reduction::Min)),
                ("max", Monitor::of("keep.n").reduce(Reduction::Max)),
                ("spikes", Monitor::of("comb.spike").reduce(Reduction::Sum)),
                ("rate", Monitor::of("comb.spike").reduce(Reduction::Mean)),
                ("any", Monitor::of("comb.spike").index([-1]).reduce(Reduction::Max)),
            ])
            .build()
            .unwrap();
        runner.run(Steps(5)).unwrap();
        let mon = runner.mon();
        assert_eq!(mon.get::<f32>("sum").unwrap().shape(), [5]);
        // sums of whole numbers are exact in any order
        let sum: f64 = values.iter().sum();
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        assert_eq!(rows::<f32>(&runner, "sum"), [sum as f32; 5]);
        assert_eq!(rows::<f32>(&runner, "mean"), [sum as f32 / elements as f32; 5]);
        assert_eq!(rows::<f32>(&runner, "min"), [least as f32; 5]);
        assert_eq!(rows::<i32>(&runner, "max"), [most as i32; 5]);
        let spikes = mon.get::<bool>("comb.spike").unwrap();
        let counts: Vec<u32> =
            spikes.outer_iter().map(|row| row.iter().filter(|s| **s).count() as u32).collect();
        assert!(counts[0] as usize == elements);
        assert_eq!(rows::<u32>(&runner, "spikes"), counts);
        let rates: Vec<f32> = counts.iter().map(|&c| c as f32 / elements as f32).collect();
        assert_eq!(rows::<f32>(&runner, "rate"), rates);
        let last: Vec<bool> = spikes.outer_iter().map(|row| *row.iter().last().unwrap()).collect();
        assert_eq!(rows::<bool>(&runner, "any"), last);
    }
}

fn comb_of(elements: usize, values: &[f64]) -> dsrunner::Network {
    let keep = keep(elements).init("x", values.to_vec()).init("n", values.to_vec());
    dsrunner::Network::new().with("keep", keep).with("comb", comb(elements))
}

fn a1_monitors_per_window(device: &str) {
    let mut runner =
        on(device, dsrunner::Network::new().with("comb", comb(70)).with("c", count(3)))
            .monitors(["comb.spike", "c.x"])
            .monitor_map([
                ("counts", Monitor::of("comb.spike").per(10, Reduction::Sum)),
                ("mean", Monitor::of("c.x").per(10, Reduction::Mean)),
                ("least", Monitor::of("c.x").index(2).per(4, Reduction::Min)),
                ("any", Monitor::of("comb.spike").per(4, Reduction::Max)),
                ("all", Monitor::of("comb.spike").reduce(Reduction::Sum).per(10, Reduction::Sum)),
            ])
            .chunk(7)
            .build()
            .unwrap();
    runner.run(Steps(3)).unwrap();
    runner.run(Steps(25)).unwrap();
    let mon = runner.mon();
    // windows count from the start of the run, and the last is shorter
    assert_eq!(mon.steps("counts").unwrap(), [12, 22, 27]);
    let (spikes, x) = (mon.get::<bool>("comb.spike").unwrap(), mon.get::<f32>("c.x").unwrap());
    let counts = mon.get::<u32>("counts").unwrap();
    let any = mon.get::<bool>("any").unwrap();
    assert_eq!((counts.shape(), any.shape()), (&[3, 70][..], &[7, 70][..]));
    for (window, range) in [0..10, 10..20, 20..25].into_iter().enumerate() {
        for k in 0..70 {
            let wanted = range.clone().filter(|&t| spikes[[t, k]]).count();
            assert_eq!(counts[[window, k]] as usize, wanted, "window {window}, element {k}");
        }
        let sum: u32 = (0..70).map(|k| counts[[window, k]]).sum();
        assert_eq!(rows::<u32>(&runner, "all")[window], sum);
        let mean = range.clone().map(|t| x[[t, 1]]).sum::<f32>() / range.len() as f32;
        assert_eq!(mon.get::<f32>("mean").unwrap()[[window, 1]], mean);
    }
    assert_eq!(rows::<f32>(&runner, "least"), [4.0, 8.0, 12.0, 16.0, 20.0, 24.0, 28.0]);
    for (window, k) in [(0, 0), (3, 40), (6, 69)] {
        let range = 4 * window..(4 * window + 4).min(25);
        assert_eq!(any[[window, k]], range.into_iter().any(|t| spikes[[t, k]]));
    }
}

fn a1_monitors_events(device: &str) {
    let mut runner = on(device, comb(70))
        .monitor("spike")
        .monitor(Monitor::of("spike").events().named("events"))
        .monitor(Monitor::of("spike").index([69, 0, 33]).events().named("some"))
        .monitor(Monitor::wgsl("", wgsl("k > 40u")).events().named("expression"))
        .monitor(Monitor::of("spike").events().every(3).window(4.0..1e9).named("thin"))
        .monitor(Monitor::of("spike").every(3).window(4.0..1e9).named("thin rows"))
        .monitor(Monitor::of("spike").include_initial().named("initial"))
        .build()
        .unwrap();
    for steps in [300, 40] {
        runner.run(Steps(steps)).unwrap();
        let mon = runner.mon();
        let dense = mon.events("spike").unwrap();
        assert!(dense.steps.len() > 100);
        assert_eq!(mon.events("events").unwrap(), dense);
        assert_eq!(mon.get::<bool>("events").unwrap(), mon.get::<bool>("spike").unwrap());
        let some = mon.get::<bool>("some").unwrap();
        assert_eq!(some.shape(), [steps as usize, 3]);
        assert_eq!(some.iter().filter(|s| **s).count(), mon.events("some").unwrap().steps.len());
        assert!(!mon.events("expression").unwrap().steps.is_empty());
        assert_eq!(mon.get::<bool>("thin").unwrap(), mon.get::<bool>("thin rows").unwrap());
        assert_eq!(mon.events("thin").unwrap(), mon.events("thin rows").unwrap());
        // the values before the run are a row, but no events of it
        assert_eq!(mon.get::<bool>("initial").unwrap().shape()[0], steps as usize + 1);
        assert_eq!(mon.events("initial").unwrap(), dense);
    }
}

fn a1_numpy_mon_after_run_off_fetches_on_demand(device: &str) {
    let build = |on_host: bool| {
        on(device, comb(70))
            .monitors(["spike", "k"])
            .monitor(Monitor::of("spike").per(9, Reduction::Mean).named("rate"))
            .numpy_mon_after_run(on_host)
            .build()
            .unwrap()
    };
    let (mut host, mut later) = (build(true), build(false));
    host.run(Steps(1000)).unwrap();
    let run = later.run(Steps(1000)).unwrap();
    // results outlive the engine that they are on, and a copy of them the runner's next run
    let copy = later.mon().clone();
    later.to("cpu").unwrap().run(Steps(1)).unwrap();
    assert_eq!(rows::<u32>(&later, "k").len(), 70);
    assert_eq!(copy.ts(), host.mon().ts());
    assert_eq!(copy.get::<u32>("k").unwrap(), host.mon().get::<u32>("k").unwrap());
    assert_eq!(copy.events("spike").unwrap(), host.mon().events("spike").unwrap());
    let rates = |mon: &dsrunner::Mon| mon.get::<f32>("rate").unwrap().into_raw_vec_and_offset().0;
    equal_bits("rates", &rates(&copy), &rates(host.mon())).must();
    assert_eq!(run.outputs.get::<bool>("spike").unwrap(), copy.get::<bool>("spike").unwrap());
    let both = on(device, comb(1)).numpy_mon_after_run(false).memory_efficient(true).build();
    assert_eq!(
        error(both),
        "`numpy_mon_after_run` is false, but must be true with `memory_efficient`, which moves results to the host"
    );
}

fn a1_memory_efficient_is_named_where_a_history_does_not_fit(device: &str) {
    let build = |efficient: bool| {
        on(device, keep(1000)).monitor("x").memory_efficient(efficient).outputs(false)
    };
    let mut runner = build(false).build().unwrap();
    let text = error(runner.run(Steps(1 << 50)));
    let (start, end) = (
        "the history of 1125899906842624 steps: memory for 4503599627370496000 bytes is needed, but ",
        " has less; set `memory_efficient(true)`, which streams rows to the host, and may give them to sinks",
    );
    assert!(text.starts_with(start) && text.ends_with(end), "{text}");
    assert_eq!(runner.i(), 0);
    runner.run(Steps(3)).unwrap();
    let mut runner = build(true).build().unwrap();
    let handle = runner.cancel_handle();
    handle.cancel();
    assert!(runner.run(Steps(1 << 50)).unwrap().cancelled);
}

#[allow(deprecated)]
fn a1_fun_monitors(device: &str) {
    let mut runner = on(device, count(1))
        .t0(2.0)
        .monitors(["x", "n"])
        .fun_monitors([("n", |t: f64, dt: f64| t + 10.0 * dt)])
        .monitors(["m"])
        .fun_monitors([("last", |_: f64, dt: f64| dt)])
        .build()
        .unwrap();
    runner.run(Steps(2)).unwrap();
    assert_eq!(runner.mon().keys().collect::<Vec<_>>(), ["x", "n", "m", "last"]);
    assert_eq!(rows::<f32>(&runner, "n"), [7.0, 7.5]);
}

#[test]
fn b10_malformed_monitors() {
    let wrong =
        |monitor: Monitor| error(on("cpu", comb(3)).monitor("spike").monitor(monitor).build());
    for (monitor, text) in [
        (Monitor::of("v"), "no variable `v`; there are `k`, `spike`"),
        (Monitor::of("a.v"), "no variable `a.v`; there are `k`, `spike`"),
        (
            Monitor::of("spike"),
            "monitor `spike`: there are two monitors of this key; give one of them another by `.named(..)`",
        ),
        (
            Monitor::of("k").named("ts"),
            "monitor `ts`: the key `ts` is reserved for the times of the steps; give another one",
        ),
        (
            Monitor::of("k").index(3),
            "monitor `k`: index 3 is out of range for 3 elements; give -3 to 2",
        ),
        (
            Monitor::of("k").index(vec![true]),
            "monitor `k`: a mask of 1 values for 3 elements; it must be as long as the axis",
        ),
        (Monitor::of("k").every(0), "monitor `k`: `every` is 0, but must be at least 1"),
        (
            Monitor::of("k").per(0, Reduction::Sum),
            "monitor `k`: `per` is of 0 steps, but must be of at least 1",
        ),
        (
            Monitor::of("k").window(3.0..1.0),
            "monitor `k`: the window from 3 to 1 has no time in it; give a start before its end",
        ),
        (
            Monitor::of("k").every(2).per(3, Reduction::Sum),
            "monitor `k`: `per` makes its rows of all steps; give it without `every`, `window` and `include_initial`",
        ),
        (
            Monitor::of("k").events(),
            "monitor `k`: only bool values are events, such as `spike`, but these are u32",
        ),
        (
            Monitor::of("k").index(1..1).reduce(Reduction::Sum),
            "monitor `k`: there is nothing to reduce: the index chooses no element",
        ),
        (
            Monitor::func(|_| 1.0),
            "monitor ``: a closure needs a key; give one by `.named(..)` or in a map",
        ),
        (
            Monitor::func(|_| 1.0).named("c").index(1),
            "monitor `c`: a closure gives its values as they are recorded; do the rest inside it",
        ),
        (Monitor::wgsl("E", wgsl("k")), "no node `E`; there is none at all"),
        (
            Monitor::of("spike").named("s").sink(dsrunner::Sink::callback(|_| Ok(()))),
            "monitor `s`: a sink takes rows while the run goes on; set `memory_efficient(true)`",
        ),
    ] {
        assert_eq!(wrong(monitor), text);
    }
    let shapes = Monitor::func(|s| vec![0.0; 1 + s.i as usize]).named("c");
    let mut runner = on("cpu", comb(3)).monitor(shapes).build().unwrap();
    assert_eq!(
        error(runner.run(Steps(3))),
        "monitor `c`: its closure gave shape [2] in step 1, but [1] before; the shape must stay the same"
    );
}

on_every_engine!(
    a1_fun_monitors,
    a1_memory_efficient_is_named_where_a_history_does_not_fit,
    a1_monitors_every_and_window,
    a1_monitors_events,
    a1_monitors_forms,
    a1_monitors_include_initial,
    a1_monitors_means_of_large_integers,
    a1_monitors_per_window,
    a1_monitors_reductions,
    a1_monitors_see_inputs_before_they_are_cleared,
    a1_numpy_mon_after_run_off_fetches_on_demand,
);
