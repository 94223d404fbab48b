//! The numbered decisions A3. Those about delays (5), refractory periods (6), random numbers (8) and sums (9) are tested at
//! length in the suite; here is a test of each, so that none is without.

use dsrunner::{
    Connect, DSRunner, Group, Init, Input, Model, Network, Projection, Reduction, Shared, Steps,
    neurons, outputs, sources, synapses, wgsl,
};

use crate::common::{comb, count, error, keep, now, on, rows};
use crate::engines::on_every_engine;

/// Tells the step: its low and high word, t in two ways, and the phase of 0.3 cycles a unit of time.
const CLOCK: &str = "
    struct State { i: u32, i_high: u32, t: f32, t_hi: f32, t_lo: f32, phase: f32, back: f32, slow: f32 }
    fn update(s: State, h: Shared) -> State {
        return State(h.i, h.i_high, h.t, h.t_hi, h.t_lo, phase(h, 0.3), phase(h, -0.3), phase(h, 1e-4));
    }
";

fn a3_1_the_clock_is_a_counter(device: &str) {
    let clock = || Group::new(&Model::from_wgsl("Clock", CLOCK).unwrap(), 1);
    let mut runner = on(device, clock())
        .dt(0.1)
        .t0(1.0)
        .monitors(["i", "i_high", "t", "t_hi", "t_lo", "phase", "back", "slow"])
        .build()
        .unwrap();
    // far beyond what a sum of f32 could tell apart, and across the low word's end
    let start = (1u64 << 32) - 2;
    let mut state = runner.state_dict().unwrap();
    let step = dsrunner::StateArray::new([], dsrunner::StateData::U64(vec![start])).unwrap();
    state.insert("dsrunner", "step", step);
    runner.load_state_dict(&state, false, Default::default()).unwrap();
    runner.run(Steps(3)).unwrap();
    assert_eq!(rows::<u32>(&runner, "i"), [u32::MAX - 1, u32::MAX, 0]);
    assert_eq!(rows::<u32>(&runner, "i_high"), [0, 0, 1]);
    let ts = runner.mon().ts();
    assert_eq!(ts[2], 1.0 + (start + 2) as f64 * 0.1);
    assert_eq!(rows::<f32>(&runner, "t"), [ts[0] as f32, ts[1] as f32, ts[2] as f32]);
    assert_eq!(runner.i(), start + 3);
    let pair = rows::<f32>(&runner, "t_hi").into_iter().zip(rows::<f32>(&runner, "t_lo"));
    for ((hi, lo), &t) in pair.zip(&ts) {
        assert_eq!(hi, t as f32);
        assert!((f64::from(hi) + f64::from(lo) - t).abs() < t * 2f64.powi(-48));
    }
    // the cycles of a step as f32 has them, times the step: exact in 128 bits
    for (key, f) in [("phase", 0.3f32), ("slow", 1e-4)] {
        let cycles = (f64::from(f * 0.1f32) * 2f64.powi(64)) as u128;
        let wanted = (0..3).map(|k| (cycles * u128::from(start + k)) as u64);
        let wanted: Vec<f32> = wanted.map(|turns| (turns >> 40) as f32 * 2f32.powi(-24)).collect();
        assert_eq!(rows::<f32>(&runner, key), wanted, "{key}");
    }
    for (phase, back) in rows::<f32>(&runner, "phase").iter().zip(rows::<f32>(&runner, "back")) {
        let whole = *phase == 0.0 && back == 0.0;
        assert!(whole || (phase + back - 1.0).abs() < 1e-6, "{phase} and {back}");
    }
    // at the end of steps, if asked
    let mut late = on(device, clock()).t0(1.0).ts_at_end(true).build().unwrap();
    late.run(Steps(2)).unwrap();
    assert_eq!(late.mon().ts(), [1.5, 2.0]);
}

#[test]
fn a3_2_steps_of_a_duration() {
    for (duration, dt, steps) in [
        (0.3, 0.1, 3),
        (0.6, 0.1, 6),
        (1.9, 0.1, 19),
        (100.3, 0.1, 1003),
        (0.35, 0.1, 3),
        (0.39999, 0.1, 3),
        (0.1 * (4.0 - 1e-7), 0.1, 4),
    ] {
        let mut runner = on("cpu", keep(1)).dt(dt).build().unwrap();
        assert_eq!(runner.run(duration).unwrap().steps, steps, "{duration}");
    }
    for duration in [0.0, -0.1, 0.05, f64::NAN, f64::NEG_INFINITY] {
        assert!(
            error(on("cpu", keep(1)).build().unwrap().run(duration)).starts_with("`duration` is")
        );
    }
}

fn a3_3_and_4_one_step_in_order(device: &str) {
    // a spike of step 0 arrives in step 1, after the inputs of step 1, before the update; monitors see all of it
    let source = comb(1);
    let target = count(1);
    let arrow = Projection::new(&source, &target)
        .connect(Connect::one_to_one())
        .weight(4.0)
        .synapse(synapses::expon().param("tau", 1e9))
        .output(outputs::cuba());
    let net = Network::new().with("target", target).with("arrow", arrow).with("source", source);
    let mut runner = on(device, net)
        .input(("target.x", 3.0, "fix", "*"))
        .input(("target.x", 1.0))
        .monitors(["source.spike", "arrow.g", "target.input", "target.x"])
        .build()
        .unwrap();
    runner.run(Steps(3)).unwrap();
    assert_eq!(rows::<bool>(&runner, "source.spike"), [true, true, true]);
    assert_eq!(rows::<f32>(&runner, "arrow.g"), [0.0, 4.0, 8.0]);
    assert_eq!(rows::<f32>(&runner, "target.input"), [0.0, 4.0, 8.0]);
    // 0 * 3 + 1, + 1; 2 * 3 + 1, + 1 + 4; 12 * 3 + 1, + 1 + 8
    assert_eq!(rows::<f32>(&runner, "target.x"), [2.0, 12.0, 46.0]);
    assert_eq!(now::<f32>(&mut runner, "target.input"), [0.0]);
}

fn a3_5_delays_in_steps(device: &str) {
    for (delay, steps) in [(0.0, 1), (0.5, 1), (1.0, 2), (1.2, 2), (6.0, 12)] {
        let source = keep_once();
        let target = count(1);
        let arrow = Projection::new(&source, &target)
            .delay(delay)
            .synapse(synapses::expon().param("tau", 1e9));
        let net = Network::new().with("s", source).with("t", target).with("arrow", arrow);
        let mut runner = on(device, net).monitors(["arrow.g", "s.spike"]).build().unwrap();
        runner.run(Steps(20)).unwrap();
        let first = rows::<f32>(&runner, "arrow.g").iter().position(|&g| g > 0.0);
        let spike = rows::<bool>(&runner, "s.spike").iter().position(|&s| s).unwrap();
        assert_eq!(first, Some(spike + steps), "delay {delay}");
    }
}

/// Fires in step 3 alone.
fn keep_once() -> Group {
    let text = "
        struct State { i: u32 }
        fn update(s: State, h: Shared) -> State { return State(h.i); }
        fn threshold(s: State) -> bool { return s.i == 3u; }
    ";
    Group::new(&Model::from_wgsl("Once", text).unwrap(), 1)
}

fn a3_6_refractory_periods_in_steps(device: &str) {
    // half steps round up: 1.25 / 0.5 is 2.5, so 3 steps
    for (tau_ref, steps) in [(0.0, 0), (1.0, 2), (1.2, 2), (1.25, 3), (2.0, 4)] {
        let mut runner = on(device, neurons::lif_ref(1).param("tau_ref", tau_ref))
            .input(("input", 1e6))
            .monitor("spike")
            .build()
            .unwrap();
        runner.run(Steps(12)).unwrap();
        let events = runner.mon().events("spike").unwrap().steps;
        assert_eq!(events[1] - events[0], steps + 1, "tau_ref {tau_ref}");
    }
}

/// A system that has always the same name.
struct Twin(Network);

impl dsrunner::DynamicalSystem for Twin {
    fn name(&self) -> &str {
        "twin"
    }

    fn update(&self, step: &mut dsrunner::StepBuilder) -> dsrunner::Result<()> {
        step.child("net", &self.0)
    }
}

#[test]
fn a3_7_names_are_suggested() {
    let net = || Network::new().with("E", neurons::lif(2));
    assert_eq!(
        error(on("cpu", net()).input(("E.v", 1.0)).build()),
        "no variable `E.v`; did you mean `E.V`?"
    );
    assert_eq!(
        error(on("cpu", net()).monitor("F.V").build()),
        "no variable `F.V`; did you mean `E.V`?"
    );
    let other = |group| Twin(Network::new().with("g", group));
    let twins = Network::new().with("a", other(count(1))).with("b", other(count(1)));
    assert_eq!(
        error(on("cpu", twins).build()),
        "the name `twin` belongs to two systems, at `a` and at `b`; names are unique, give one of them another"
    );
    let same = count(1);
    let twice = Network::new().with("a", other(same.clone())).with("b", other(same));
    assert!(on("cpu", twice).build().is_ok());
    let mut runner = on("cpu", net()).build().unwrap();
    assert_eq!(
        error(runner.get::<f32>("E.tua")),
        "no variable or parameter `E.tua`; did you mean `E.tau`?"
    );
}

fn a3_8_random_numbers_are_functions(device: &str) {
    let draw = |device: &str, chunk: usize| {
        let mut runner = on(device, keep(500))
            .input(("m", wgsl("random_words(r, 1u).y"), "func", "="))
            .input(("x", wgsl("random_normal(r, 2u)"), "func", "="))
            .monitors(["m", "x"])
            .seed(11)
            .chunk(chunk)
            .build()
            .unwrap();
        runner.run(Steps(9)).unwrap();
        let x: Vec<u32> = rows::<f32>(&runner, "x").into_iter().map(f32::to_bits).collect();
        (rows::<u32>(&runner, "m"), x)
    };
    let wanted = draw("cpu", 100);
    assert!(draw(device, 2) == wanted);
    let mut distinct = wanted.0.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert!(distinct.len() > 4490, "{} of 4500 differ", distinct.len());
}

fn a3_9_sums_do_not_depend_on_the_order(device: &str) {
    let source = comb(300);
    let target = count(1);
    let weights: Vec<f64> = (0..300).map(|k| 1.0 / f64::from(1 + k)).collect();
    let arrow = |reversed: bool| {
        let mut pre: Vec<u32> = (0..300).collect();
        let mut weights = weights.clone();
        if reversed {
            pre.reverse();
            weights.reverse();
        }
        Projection::new(&source, &target)
            .connect(Connect::coo(pre, vec![0; 300]))
            .weight(weights)
            .synapse(synapses::expon())
    };
    let sums = [false, true].map(|reversed| {
        let net = Network::new()
            .with("s", source.clone())
            .with("t", target.clone())
            .with("arrow", arrow(reversed));
        let mut runner = on(device, net).monitor("arrow.g").build().unwrap();
        runner.run(Steps(50)).unwrap();
        rows::<f32>(&runner, "arrow.g").into_iter().map(f32::to_bits).collect::<Vec<_>>()
    });
    assert!(sums[0] == sums[1]);
}

fn a3_10_the_state_is_canonical(device: &str) {
    let state = |device: &str, chunk: usize, parts: &[u64], columns: bool| {
        let cells = neurons::lif_ref(33).init("V", Init::uniform(0.0, 20.0));
        let noise = sources::poisson(17).param("freqs", 500.0);
        let drive = Projection::new(&noise, &cells)
            .connect(Connect::fixed_prob(0.5))
            .weight(1.5)
            .delay(4.0)
            .synapse(synapses::expon());
        let net = Network::new().with("c", cells).with("n", noise).with("d", drive);
        let builder = on(device, net).input(("c.input", 20.0)).chunk(chunk);
        let builder = if columns {
            builder
                .monitor(dsrunner::Monitor::of("c.V").reduce(Reduction::Sum).named("sum"))
                .memory_efficient(true)
        } else {
            builder.monitor("c.V")
        };
        let mut runner = builder.build().unwrap();
        parts.iter().for_each(|&steps| drop(runner.run(Steps(steps)).unwrap()));
        runner.state_dict().unwrap()
    };
    let wanted = state("cpu", 1000, &[90], false);
    assert!(state(device, 1000, &[90], false) == wanted);
    assert!(state(device, 7, &[30, 1, 59], false) == wanted);
    assert!(state(device, 64, &[90], true) == wanted);
}

/// A chain of three that a user orders as `stages` says: how many of them come in stages of their own.
struct Chain {
    groups: [Group; 3],
    arrows: [Projection; 2],
    stages: usize,
}

impl dsrunner::DynamicalSystem for Chain {
    fn name(&self) -> &str {
        "chain"
    }

    fn update(&self, step: &mut dsrunner::StepBuilder) -> dsrunner::Result<()> {
        step.child("a", &self.groups[0])?;
        for (k, (arrow, keys)) in self.arrows.iter().zip([["ab", "b"], ["bc", "c"]]).enumerate() {
            if k < self.stages {
                step.then();
            }
            step.child(keys[0], arrow)?;
            step.child(keys[1], &self.groups[k + 1])?;
        }
        Ok(())
    }
}

fn a3_3_a_type_of_its_own_orders_its_children(device: &str) {
    let chain = |stages: usize, delay: f64| {
        let groups = [(); 3].map(|()| neurons::lif(40));
        let arrow = |k: usize| {
            Projection::new(&groups[k], &groups[k + 1])
                .connect(Connect::one_to_one())
                .weight(1e4)
                .delay(delay)
        };
        let arrows = [arrow(0), arrow(1)];
        Chain { groups, arrows, stages }
    };
    for (stages, delay, wanted) in [
        (0, 0.0, [1, 2]),
        (1, 0.0, [0, 1]),
        (2, 0.0, [0, 0]),
        (2, 0.5, [1, 2]),
        (2, 1.5, [3, 6]),
        (1, 1.5, [3, 6]),
    ] {
        let build = |device: &str| {
            on(device, chain(stages, delay))
                .input(Input::func("a.input", wgsl("select(0.0, 1e6, i == 4u + 3u * element)")))
                .monitors(["a.spike", "b.spike", "c.spike", "ab.g"])
                .build()
                .unwrap()
        };
        let mut runner = build(device);
        assert_eq!(runner.plan().contains("stage 2"), stages > 0);
        runner.run(Steps(9)).unwrap();
        let first = |runner: &DSRunner, key: &str| runner.mon().events(key).unwrap().steps[0];
        assert_eq!(first(&runner, "a.spike"), 4);
        if wanted[1] <= 4 {
            let after = ["b.spike", "c.spike"].map(|key| first(&runner, key));
            assert_eq!(after.map(|step| step - 4), wanted, "{stages} stages, delay {delay}");
        }
        // and a run goes on elsewhere as it would here
        let state = runner.state_dict().unwrap();
        let mut other = build("cpu");
        other.load_state_dict(&state, false, Default::default()).unwrap();
        runner.run(Steps(60)).unwrap();
        other.run(Steps(60)).unwrap();
        for key in ["a.spike", "b.spike", "c.spike"] {
            let events = runner.mon().events(key).unwrap();
            assert!(events.steps.len() > 15, "{key}");
            assert_eq!(events, other.mon().events(key).unwrap(), "{key}");
        }
        assert_eq!(rows::<f32>(&runner, "ab.g"), rows::<f32>(&other, "ab.g"));
    }
}

#[test]
fn a3_11_update_records_once() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    struct Once(Group, Arc<AtomicUsize>);
    impl dsrunner::DynamicalSystem for Once {
        fn name(&self) -> &str {
            "records_once"
        }
        fn update(&self, step: &mut dsrunner::StepBuilder) -> dsrunner::Result<()> {
            self.1.fetch_add(1, Ordering::Relaxed);
            step.child("inner", &self.0)
        }
    }
    let calls = Arc::new(AtomicUsize::new(0));
    let mut runner = on("cpu", Once(count(1), calls.clone())).build().unwrap();
    runner.run(Steps(10)).unwrap();
    runner.run(Steps(10)).unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

fn a3_12_between_runs(device: &str) {
    let mut runner = on(device, count(2)).monitor("x").build().unwrap();
    for step in 1..4u64 {
        // a closed loop: what the next step gets depends on the last
        let x = now::<f32>(&mut runner, "x")[0];
        runner.set("x", f64::from(10.0 * x)).unwrap();
        assert_eq!(runner.step().unwrap().steps, 1);
        assert_eq!(runner.i(), step);
    }
    assert_eq!(now::<f32>(&mut runner, "x"), [111.0, 111.0]);
    runner.set("gain", 0.5).unwrap();
    let handle = runner.cancel_handle();
    let mut stopping = on(device, count(1))
        .input(Input::func("input", move |s: &Shared| {
            if s.i == 40 {
                handle.cancel();
            }
            0.0
        }))
        .build()
        .unwrap();
    stopping.run(Steps(50)).unwrap();
    let run = runner.run(Steps(1000)).unwrap();
    assert!(run.cancelled && run.steps == 0);
    fn is_send<T: Send>(_: &T) {}
    is_send(&runner);
}

fn a3_13_values_never_recompile(device: &str) {
    let mut runner = on(device, count(3)).monitor("x").build().unwrap();
    let text = runner.wgsl().unwrap();
    runner.set("gain", 2.0).unwrap();
    runner.run(Steps(3)).unwrap();
    runner.run(Steps(1000)).unwrap();
    runner.run(ndarray::Array2::<f64>::ones((5, 3))).unwrap();
    assert_eq!(runner.wgsl().unwrap(), text);
    // a second runner of the same description has the same programs
    let again = on(device, count(3)).monitor("x").build().unwrap();
    assert_eq!(again.wgsl().unwrap(), text);
    let _: &DSRunner = &again;
}

on_every_engine!(
    a3_10_the_state_is_canonical,
    a3_12_between_runs,
    a3_13_values_never_recompile,
    a3_1_the_clock_is_a_counter,
    a3_3_a_type_of_its_own_orders_its_children,
    a3_3_and_4_one_step_in_order,
    a3_5_delays_in_steps,
    a3_6_refractory_periods_in_steps,
    a3_8_random_numbers_are_functions,
    a3_9_sums_do_not_depend_on_the_order,
);
