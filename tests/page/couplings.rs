//! Decision 5 for continuous variables, and what couplings promise beside it.

use dsrunner::{
    Batch, Connect, Coupling, DSRunner, Group, Init, Input, Model, Network, RunnerBuilder, Steps,
    wgsl,
};

use crate::common::{count, error, keep, now, on, rows};
use crate::engines::{all, on_every_engine};

/// The source's value after step `k` is `k + 1`; step `k` reads that after step `k - 1 - d`.
fn a3_5_continuous_delays_in_steps(device: &str) {
    // at a step of 0.5: 0, 1, 1 (0.7 is 1.4 steps), 2 (0.75 is 1.5), 3, 7, 12
    let delays = [0.0, 0.5, 0.7, 0.75, 1.5, 3.5, 6.0];
    let steps = [0, 1, 1, 2, 3, 7, 12];
    let (source, target) = (count(1), count(delays.len()));
    let arrow = Coupling::additive(&source, &target, "x").delay(delays);
    let net = Network::new().with("s", source).with("t", target).with("arrow", arrow);
    let mut runner = on(device, net).monitor("t.input").build().unwrap();
    runner.run(Steps(20)).unwrap();
    let wanted = (0..20).flat_map(|k: i32| steps.map(|d| (k - d).max(0) as f32));
    assert_eq!(rows::<f32>(&runner, "t.input"), wanted.collect::<Vec<_>>());
    // what is under way goes on in the next run
    runner.run(Steps(2)).unwrap();
    let wanted = (20..22).flat_map(|k: i32| steps.map(|d| (k - d) as f32));
    assert_eq!(rows::<f32>(&runner, "t.input"), wanted.collect::<Vec<_>>());
}

/// The start of a step is that before its inputs, and what was set between runs is at the start of the next.
fn a3_5_reads_come_before_inputs(device: &str) {
    let (source, target) = (keep(1), count(1));
    let arrow = Coupling::additive(&source, &target, "x");
    let net = Network::new().with("s", source).with("t", target).with("arrow", arrow);
    let mut runner = on(device, net)
        .input(("s.x", 1.0))
        .input(("t.input", 100.0, "fix", "="))
        .monitors(["t.input", "s.x"])
        .build()
        .unwrap();
    runner.run(Steps(3)).unwrap();
    assert_eq!(rows::<f32>(&runner, "s.x"), [1.0, 2.0, 3.0]);
    assert_eq!(rows::<f32>(&runner, "t.input"), [100.0, 101.0, 102.0]);
    runner.set("s.x", 40.0).unwrap();
    runner.run(Steps(1)).unwrap();
    assert_eq!(rows::<f32>(&runner, "t.input"), [140.0]);
}

fn a3_5_history_before_the_start(device: &str) {
    let build = |history: Option<Vec<f64>>| {
        let source = keep(2).init("x", [5.0, 6.0]);
        let source = match history {
            Some(rows) => {
                source.history("x", ndarray::Array::from_shape_vec((3, 2), rows).unwrap())
            }
            None => source,
        };
        let target = count(2);
        let arrow = Coupling::additive(&source, &target, "x")
            .connect(Connect::one_to_one())
            .delay([1.0, 1.5]);
        let net = Network::new().with("s", source).with("t", target).with("arrow", arrow);
        on(device, net).monitor("t.input").build().unwrap()
    };
    let mut runner = build(None);
    runner.run(Steps(3)).unwrap();
    assert_eq!(rows::<f32>(&runner, "t.input"), [5.0, 6.0, 5.0, 6.0, 5.0, 6.0]);
    // element 0 reads 2 steps before, element 1 reads 3
    let mut runner = build(Some(vec![-1.0, -2.0, -3.0, -4.0, -5.0, -6.0]));
    for _ in 0..2 {
        runner.run(Steps(4)).unwrap();
        let wanted = [-3.0, -6.0, -1.0, -4.0, 5.0, -2.0, 5.0, 6.0];
        assert_eq!(rows::<f32>(&runner, "t.input"), wanted);
        runner.reset_state().unwrap();
    }
}

/// Terms of any kind: parameters of both ends, weights and delays in the order given, replicas.
fn a3_5_terms_are_expressions(device: &str) {
    let text = "
        struct Params { a: f32, b: f32 }
        struct State { x: f32, n: i32 }
        struct Input { pull: f32 }
        fn update(s: State, p: Params, i: Input) -> State { return State(s.x + p.a, s.n + 1); }
    ";
    let model = Model::from_wgsl("Terms", text).unwrap();
    let group = || Group::new(&model, 3).param("a", [1.0, 2.0, 3.0]).param("b", 10.0);
    let (s, t) = (group().init("x", [0.5, 1.5, 2.5]), group().init("n", [7.0, 8.0, 9.0]));
    let (pre, post) = (vec![2, 0, 2, 1], vec![0, 2, 2, 0]);
    let term = "w * (x_pre * a_pre - b_post * f32(n_post)) + a_post * dt * f32(i)";
    let arrow = Coupling::new(&s, &t, wgsl(term))
        .connect(Connect::coo(pre.clone(), post.clone()))
        .weight([0.25, 0.5, -0.25, 2.0])
        .delay([0.0, 0.5, 1.0, 1.5])
        .target("pull");
    let net = Network::new().with("s", s).with("t", t).with("arrow", arrow);
    let mut runner = on(device, net).monitor("t.pull").build().unwrap();
    runner.run(Steps(5)).unwrap();
    runner.set("s.a", [0.0, 1.0, 0.0]).unwrap();
    let first = rows::<f32>(&runner, "t.pull");
    runner.run(Steps(5)).unwrap();
    let all = [first, rows::<f32>(&runner, "t.pull")].concat();
    let (weights, delays) = ([0.25, 0.5, -0.25, 2.0], [0, 1, 2, 3]);
    let a = |k: i64| if k < 5 { [1.0, 2.0, 3.0] } else { [0.0, 1.0, 0.0] };
    let x = |e: usize, k: i64| (0..k.max(0)).fold([0.5, 1.5, 2.5][e], |x, j| x + a(j)[e]);
    for k in 0..10 {
        for target in 0..3 {
            let terms = (0..4).filter(|&c| post[c] as usize == target).map(|c| {
                let e = pre[c] as usize;
                let n = [7.0, 8.0, 9.0][target] + k as f64;
                weights[c] * (x(e, k - delays[c]) * a(k)[e] - 10.0 * n)
                    + [1.0, 2.0, 3.0][target] * 0.5 * k as f64
            });
            // all of these numbers are few halves and quarters, exact in f32
            assert_eq!(f64::from(all[k as usize * 3 + target]), terms.sum::<f64>(), "{k} {target}");
        }
    }
}

/// Chaotic oscillators, so that a bit that differs is seen.
fn oscillating() -> Network {
    let text = "
        struct State { x: f32, y: f32 }
        struct Input { input: f32 }
        struct Derivative { x: f32, y: f32 }
        fn derivative(s: State, i: Input) -> Derivative {
            return Derivative(s.y, sin(3.0 * s.x) - 0.1 * s.y + i.input);
        }
    ";
    let model = Model::from_wgsl("Swing", text).unwrap();
    let nodes =
        Group::new(&model, 40).init("x", Init::uniform(-2.0, 2.0)).method(dsrunner::Method::RK4);
    let each: Vec<f64> = (0..40 * 40).map(|k| 0.5 * f64::from(k * 7 % 23)).collect();
    let web = Coupling::new(
        &nodes,
        &nodes,
        wgsl("w * sin(x_pre - x_post) + 0.01 * random_normal(r, 0u)"),
    )
    .connect(Connect::all_to_all())
    .weight(each.iter().map(|d| 0.05 * (d - 5.0)).collect::<Vec<_>>())
    .delay(each);
    let random = Coupling::diffusive(&nodes, &nodes, "y")
        .connect(Connect::fixed_prob(0.1).without_self())
        .weight(0.2)
        .delay(2.5);
    Network::new().with("nodes", nodes).with("web", web).with("random", random)
}

fn settings(builder: RunnerBuilder) -> RunnerBuilder {
    builder.dt(0.5).seed(3).monitors(["nodes.x", "nodes.input"])
}

fn oscillators(device: &str, batch: bool) -> RunnerBuilder {
    settings(match batch {
        true => on(device, Batch::new(oscillating(), 3)),
        false => on(device, oscillating()),
    })
}

fn bits(runner: &DSRunner) -> Vec<u32> {
    let all = [rows::<f32>(runner, "nodes.x"), rows::<f32>(runner, "nodes.input")].concat();
    all.iter().map(|x| x.to_bits()).collect()
}

fn a3_9_couplings_change_no_bit(device: &str) {
    for batch in [false, true] {
        let run = |builder: RunnerBuilder| {
            let mut runner = builder.build().unwrap();
            runner.run(Steps(60)).unwrap();
            bits(&runner)
        };
        let wanted = run(oscillators("cpu", batch));
        assert!(wanted.iter().all(|&x| f32::from_bits(x).is_finite()));
        for chunk in [1, 7, 64] {
            assert_eq!(run(oscillators(device, batch).chunk(chunk)), wanted, "chunk {chunk}");
        }
        assert_eq!(run(oscillators(device, batch).jit(false)), wanted, "jit");
        let call = Input::call(|_: &dsrunner::Shared, _: &mut dsrunner::InputHandle| Ok(()));
        assert_eq!(run(oscillators(device, batch).input(call)), wanted, "callable");
    }
}

/// The replicas of a batch have their own pasts: each runs as it would elsewhere.
fn a3_9_couplings_of_copies_are_apart(device: &str) {
    let run = |replicas: usize, first: u32| {
        let batch = Batch::new(oscillating(), replicas).first_replica(first);
        let mut runner = settings(on(device, batch)).data_first_axis("B").build().unwrap();
        runner.run(Steps(60)).unwrap();
        runner.mon().get::<f32>("nodes.x").unwrap().to_owned()
    };
    let three = run(3, 0);
    let copy = |k: usize| three.index_axis(ndarray::Axis(0), k).to_owned();
    assert_ne!(copy(1), copy(0));
    for k in 0..3 {
        assert_eq!(run(1, k as u32).index_axis(ndarray::Axis(0), 0), copy(k), "copy {k}");
    }
}

fn a3_10_past_values_are_state(device: &str) {
    let mut whole = oscillators(device, false).build().unwrap();
    whole.run(Steps(33)).unwrap();
    let state = whole.state_dict().unwrap();
    let past = state.get("nodes", "x_history").unwrap();
    assert_eq!(past.shape(), [22, 40]);
    assert_eq!(state.get("nodes", "y_history").unwrap().shape(), [5, 40]);
    whole.run(Steps(40)).unwrap();
    let wanted = bits(&whole);
    for other in all() {
        let mut resumed = oscillators(&other, false).build().unwrap();
        resumed.run(Steps(5)).unwrap();
        let loaded = resumed.load_state_dict(&state, false, Default::default()).unwrap();
        assert_eq!((loaded.missing_keys.len(), loaded.unexpected_keys.len()), (0, 0));
        assert_eq!(resumed.state_dict().unwrap(), state);
        resumed.run(Steps(40)).unwrap();
        assert_eq!(bits(&resumed), wanted, "resumed on {other}");
        // to the other device and back, in the midst
        let mut moved = oscillators(device, false).build().unwrap();
        moved.run(Steps(33)).unwrap();
        moved.to(other.as_str()).unwrap();
        moved.run(Steps(40)).unwrap();
        assert_eq!(bits(&moved), wanted, "moved to {other}");
    }
    // the clock alone: what was, was as many steps ago
    let mut clock = oscillators(device, false).build().unwrap();
    clock.run(Steps(33)).unwrap();
    clock.reset_clock().unwrap();
    assert_eq!(clock.state_dict().unwrap().get("nodes", "x_history"), Some(past));
}

fn a3_7_couplings_that_cannot_be(device: &str) {
    type Change = fn(Coupling) -> Coupling;
    let of = |term: &str, change: Change| {
        let (s, t) = (keep(2).named("source_end").unwrap(), count(3));
        let arrow = change(Coupling::new(&s, &t, wgsl(term)));
        let net = Network::new().with("s", s).with("t", t).with("arrow", arrow);
        error(on(device, net).build())
    };
    let text = of("w * V_pre", |c| c);
    assert!(text.contains("coupling arrow") && text.contains("`x_pre`"), "{text}");
    let text = of("w * x_pre", |c| c.target("inputs"));
    assert_eq!(text, "no variable `t.inputs`; did you mean `t.input`?");
    let text = of("w * x_pre", |c| c.target("n"));
    assert!(
        text.ends_with("`t.n` is of type i32; sums are added to variables of type f32"),
        "{text}"
    );
    let text = of("w * x_pre", |c| c.target("gain"));
    assert!(text.contains("it is a parameter, which inputs cannot change"), "{text}");
    let text = of("x_pre > 0.0", |c| c);
    assert!(text.contains("coupling arrow"), "{text}");
    let text = of("w * x_pre", |c| c.weight(f64::NAN));
    assert_eq!(text, "node `arrow`: weight NaN; weights must be finite");
    let text = of("w * x_pre", |c| c.delay(-1.0));
    assert_eq!(text, "node `arrow`: delay -1; delays must be finite and not negative");
    let text = of("w * x_pre", |c| c.weight([1.0, 2.0]));
    assert!(text.contains("arrow.weight"), "{text}");
    let text = of("w * x_pre", |c| c.connect(Connect::one_to_one()));
    assert!(text.contains("must have one size"), "{text}");

    let alone = Coupling::additive(&keep(1), &count(1), "x");
    let text = error(on(device, Network::new().with("a", keep(1)).with("c", alone)).build());
    assert!(text.contains("is not part of the system"), "{text}");

    let past = |group: Group, delay: f64| {
        let back = Coupling::additive(&group, &group, "x").delay(delay);
        let net = Network::new().with("g", group).with("back", back);
        error(on(device, net).build())
    };
    let text = past(keep(1).history("x", 1.0), 0.0);
    assert_eq!(text, "node `g.x`: its history is given, but no coupling reads it with a delay");
    let text = past(keep(2).history("x", ndarray::array![[1.0], [2.0], [3.0]]), 1.0);
    assert!(text.contains("history of g.x"), "{text}");
    let text = past(keep(1).history("v", 1.0), 1.0);
    assert!(text.starts_with("no variable `g.v`"), "{text}");
    let taken = Model::from_wgsl(
        "Taken",
        "struct State { x: f32, x_history: f32 }
         struct Input { input: f32 }
         fn update(s: State, i: Input) -> State { return s; }",
    );
    let text = past(Group::new(&taken.unwrap(), 1), 1.0);
    assert!(text.starts_with("node `g.x_history`: this name is that of the past values"), "{text}");
}

/// A coupling without connections adds nothing; one is a node like any other.
fn a2_couplings_are_nodes(device: &str) {
    let (s, t) = (keep(2), keep(2));
    let none = Coupling::additive(&s, &t, "x").connect(Connect::fixed_prob(0.0));
    let net = Network::new().with("s", s).with("t", t).with("none", none.named("no_one").unwrap());
    let mut runner = on(device, net).input(("t.input", 2.0)).monitor("t.input").build().unwrap();
    runner.run(Steps(2)).unwrap();
    assert_eq!(rows::<f32>(&runner, "t.input"), [2.0; 4]);
    assert_eq!(now::<f32>(&mut runner, "s.x"), [0.0; 2]);
    let nodes = runner.nodes(dsrunner::Naming::Absolute, -1, true);
    let coupling = nodes.subset(dsrunner::NodeClass::Coupling);
    assert_eq!(coupling.keys().collect::<Vec<_>>(), ["no_one"]);
}

on_every_engine!(
    a2_couplings_are_nodes,
    a3_10_past_values_are_state,
    a3_5_continuous_delays_in_steps,
    a3_5_history_before_the_start,
    a3_5_reads_come_before_inputs,
    a3_5_terms_are_expressions,
    a3_7_couplings_that_cannot_be,
    a3_9_couplings_change_no_bit,
    a3_9_couplings_of_copies_are_apart,
);
