//! Rows `inputs`, `inputs, iter`, `inputs, func`, `inputs, callable`, `fun_inputs`, many inputs at once.

use dsrunner::{DSRunner, Input, Network, Operation, Policy, Shared, Steps, inputs, stream, wgsl};
use ndarray::{Array2, arr2};

use crate::common::{count, error, keep, now, on, pair, rows};
use crate::engines::on_every_engine;

fn a1_inputs_forms_say_the_same(device: &str) {
    let values = [1.0, 2.0, 4.0];
    let run = |builder: dsrunner::RunnerBuilder| {
        let mut runner = builder.monitor("x").build().unwrap();
        runner.run(Steps(3)).unwrap();
        rows::<f32>(&runner, "x")
    };
    let single = run(on(device, count(3)).input(("input", values.to_vec())));
    assert_eq!(single, [2.0, 3.0, 5.0, 4.0, 6.0, 10.0, 6.0, 9.0, 15.0]);
    let forms = [
        on(device, count(3)).input(Input::fix("input", values)),
        on(device, count(3)).input(("input", values, "fix")),
        on(device, count(3)).input(("input", values, "fix", "+")),
        on(device, count(3)).inputs(vec![Input::from(("input", values))]),
        on(device, count(3)).inputs(inputs![("input", 1.0), ("input", [0.0, 1.0, 3.0])]),
        on(device, count(3))
            .input(Input::call(move |_, step| step.apply("input", Operation::Add, values))),
        on(device, count(3)).input(move |_: &Shared, step: &mut dsrunner::InputHandle<'_>| {
            step.apply("input", Operation::Add, values)
        }),
    ];
    for (k, form) in forms.into_iter().enumerate() {
        assert_eq!(run(form), single, "form {k}");
    }
}

fn a1_inputs_targets(device: &str) {
    let (a, b, net) = pair(2, 3);
    let name = dsrunner::DynamicalSystem::name(&b).to_string();
    let top = Network::new().with("deep", net);
    let mut runner = on(device, top)
        .input(("deep.a.input", 1.0))
        .input((format!("{name}.input"), 10.0))
        .input((a.variable("x"), 100.0, "fix", "="))
        .input((b.slice(1..).variable("input"), 1000.0))
        .input((b.slice([-1, 0]).variable("x"), [7.0, 5.0], "fix", "="))
        .build()
        .unwrap();
    runner.run(Steps(2)).unwrap();
    assert_eq!(now::<f32>(&mut runner, "deep.a.x"), [102.0, 102.0]);
    // the first is set to 5 and the last to 7 in each step, the second counts
    assert_eq!(now::<f32>(&mut runner, "deep.b.x"), [16.0, 2022.0, 1018.0]);
}

fn a1_inputs_values_broadcast(device: &str) {
    for (value, wanted) in [
        (dsrunner::Value::from(2.0), [2.0; 6]),
        ([1.0, 2.0, 3.0].into(), [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]),
        (arr2(&[[1.0], [2.0]]).into(), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]),
        (arr2(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).into(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
    ] {
        let mut runner = on(device, keep((2, 3))).input(("x", value, "fix", "=")).build().unwrap();
        runner.run(Steps(1)).unwrap();
        assert_eq!(now::<f32>(&mut runner, "x"), wanted);
    }
    let wrong = error(on(device, keep(3)).input(("x", arr2(&[[1.0, 2.0, 3.0]]))).build());
    assert_eq!(
        wrong,
        "x: a value of shape [1, 3] does not broadcast to shape [3]; give a scalar or an array of shape [3]"
    );
}

fn a1_inputs_iter_rows(device: &str) {
    let wide = Array2::from_shape_fn((4, 3), |(t, k)| (10 * t + k) as f64);
    let tall = Array2::from_shape_fn((4, 1), |(t, _)| t as f64);
    let line: Vec<f64> = (0..4).map(f64::from).collect();
    let same: Vec<f32> = (0..4).flat_map(|t| [t as f32; 3]).collect();
    let each: Vec<f32> = (0..4).flat_map(|t| (0..3).map(move |k| (10 * t + k) as f32)).collect();
    let rows_of_wide = wide.clone();
    let wide_stream =
        stream(move || rows_of_wide.clone().outer_iter().map(|r| r.to_vec()).collect::<Vec<_>>());
    for (value, wanted) in [
        (dsrunner::InputValue::from(wide), &each),
        (tall.into(), &same),
        (line.into(), &same),
        (wide_stream.into(), &each),
        (stream(|| (0..).map(f64::from)).into(), &same),
    ] {
        let mut runner = on(device, keep(3))
            .input(Input::iter("x", value).operation(Operation::Set))
            .monitor("x")
            .build()
            .unwrap();
        // the index is the absolute step, and a reset starts anew
        for _ in 0..2 {
            let mut seen = Vec::new();
            for steps in [1, 2, 1] {
                runner.run(Steps(steps)).unwrap();
                seen.extend(rows::<f32>(&runner, "x"));
            }
            assert_eq!(&seen, wanted);
            runner.reset_state().unwrap();
        }
    }
}

fn a1_inputs_iter_policies(device: &str) {
    let array = || dsrunner::InputValue::from([1.0, 2.0, 3.0]);
    let streamed = || stream(|| [1.0, 2.0, 3.0]).into();
    for (policy, wanted) in [
        (Policy::HoldLast, [1.0, 2.0, 3.0, 3.0, 3.0, 3.0, 3.0]),
        (Policy::Cycle, [1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 1.0]),
        (Policy::Zero, [1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0]),
    ] {
        for rows_of in [array(), streamed()] {
            let input = Input::iter("x", rows_of).operation(Operation::Set).policy(policy);
            let mut runner =
                on(device, keep(1)).input(input).monitor("x").chunk(2).build().unwrap();
            runner.run(Steps(7)).unwrap();
            assert_eq!(rows::<f32>(&runner, "x"), wanted, "{policy:?}");
        }
    }
    // an array that is too short is found before the first step
    let input = || Input::iter("x", array()).operation(Operation::Set);
    let mut runner = on(device, keep(1)).input(input()).monitor("x").build().unwrap();
    assert_eq!(
        error(runner.run(Steps(7))),
        "input to `x`: there are 3 rows, but the run goes on to step 7 and needs one per step; give more, or another `policy`"
    );
    assert_eq!(runner.i(), 0);
    // a stream before the step that it cannot fill; everything up to there is kept, whatever the chunks
    for chunk in [1, 2, 100] {
        let input = Input::iter("x", streamed()).operation(Operation::Set);
        let mut runner =
            on(device, keep(1)).input(input).monitor("x").chunk(chunk).build().unwrap();
        assert_eq!(
            error(runner.run(Steps(7))),
            "input to `x`: its stream has only 3 rows, and step 3 needs one; give more, or another `policy`"
        );
        assert_eq!(runner.i(), 3);
        assert_eq!(rows::<f32>(&runner, "x"), [1.0, 2.0, 3.0]);
        assert_eq!(runner.mon().ts(), [0.0, 0.5, 1.0]);
        assert_eq!(now::<f32>(&mut runner, "x"), [3.0]);
    }
}

fn a1_inputs_iter_stream_is_not_materialised(device: &str) {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let (made, factories) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counter, calls) = (made.clone(), factories.clone());
    let rows_of = stream(move || {
        calls.fetch_add(1, Ordering::Relaxed);
        let counter = counter.clone();
        (0..).map(move |k| {
            counter.fetch_add(1, Ordering::Relaxed);
            f64::from(k)
        })
    });
    let mut runner = on(device, keep(1)).input(("x", rows_of, "iter", "=")).build().unwrap();
    runner.run(Steps(10)).unwrap();
    runner.run(Steps(10)).unwrap();
    assert_eq!((made.load(Ordering::Relaxed), factories.load(Ordering::Relaxed)), (20, 1));
    assert_eq!(now::<f32>(&mut runner, "x"), [19.0]);
    runner.reset_state().unwrap();
    runner.run(Steps(5)).unwrap();
    assert_eq!((made.load(Ordering::Relaxed), factories.load(Ordering::Relaxed)), (25, 2));
    assert_eq!(now::<f32>(&mut runner, "x"), [4.0]);
}

fn a1_inputs_func_closure_and_expression(device: &str) {
    let closure = |s: &Shared| 0.25 * s.t + s.dt + s.i as f64;
    let run = |input: Input| {
        let mut runner = on(device, count(5)).input(input).monitor("x").build().unwrap();
        runner.run(Steps(40)).unwrap();
        rows::<f32>(&runner, "x")
    };
    let wanted = run(Input::func("input", closure));
    assert_eq!(wanted[..5], [1.5; 5]);
    assert_eq!(run(("input", closure, "func").into()), wanted);
    assert_eq!(run(("input", wgsl("0.25 * t + dt + f32(i)"), "func").into()), wanted);
    // of the element, of the node's variables and parameters, of a function of the library
    let elements = run(("input", wgsl("f32(element) - gain"), "func").into());
    assert_eq!(elements[195..], [0.0, 40.0, 80.0, 120.0, 160.0]);
    let feedback = run(("input", wgsl("x\n // a line comment\n + exprel(0.0)"), "func").into());
    assert_eq!(
        feedback[..15],
        [2.0, 2.0, 2.0, 2.0, 2.0, 6.0, 6.0, 6.0, 6.0, 6.0, 14.0, 14.0, 14.0, 14.0, 14.0]
    );
}

fn a1_inputs_func_expressions_of_other_types_and_random_numbers(device: &str) {
    let mut runner = on(device, keep((2, 1500)))
        .input(("n", wgsl("n + i32(element)"), "func", "="))
        .input(("m", wgsl("select(m, 7u, (element & 1u) == 1u)"), "func", "="))
        .input(("x", wgsl("random_uniform(r, 0u)"), "func", "="))
        .monitor("x")
        .build()
        .unwrap();
    runner.run(Steps(3)).unwrap();
    assert_eq!(now::<i32>(&mut runner, "n")[..4], [0, 3, 6, 9]);
    assert_eq!(now::<u32>(&mut runner, "m")[..4], [0, 7, 0, 7]);
    let drawn = rows::<f32>(&runner, "x");
    let mean = drawn.iter().sum::<f32>() / 9000.0;
    assert!((mean - 0.5).abs() < 0.02, "{mean}");
    assert_ne!(drawn[..3000], drawn[3000..6000]);
    assert_ne!(drawn[..1500], drawn[1500..3000]);
}

#[test]
fn a1_inputs_func_expressions_that_are_wrong() {
    let wrong = |target: &str, text: &str| {
        error(on("cpu", keep(2)).input((target, wgsl(text), "func")).build())
    };
    let text = wrong("x", "y + 1.0");
    assert!(text.starts_with("model `expression for x`: "), "{text}");
    assert!(text.contains("--> expression:1:1\n1 | y + 1.0\n  | ^\n"), "{text}");
    assert!(
        text.contains("may name `x`, `n`, `m`, `input`, `t`, `dt`, `i`, `element`, `h`, `r`"),
        "{text}"
    );
    let text = wrong("n", "x");
    assert!(text.starts_with("model `expression for n`: "), "{text}");
    assert!(wrong("x", "").contains("--> expression:"), "empty");
    assert_eq!(
        wrong("x", "1.0\n); } fn f() -> f32 { return (2.0"),
        "model `expression for x`: a statement where an expression should be\n --> expression:2:2\n2 | \
         ); } fn f() -> f32 { return (2.0\n  |  ^\nhelp: leave `;`, `{` and `}` out"
    );
}

fn a1_inputs_callable(device: &str) {
    let mut calls = 0;
    let mut runner = on(device, keep(2))
        .input(("x", 1.0))
        .input(Input::call(move |shared, step| {
            calls += 1;
            assert_eq!(shared.i + 1, calls);
            assert_eq!(shared.t, 0.5 * shared.i as f64);
            // earlier inputs are seen, later ones are not yet there
            let x = step.get::<f32>("x")?;
            step.apply("x", Operation::Mul, 2.0)?;
            step.apply("x", Operation::Sub, [1.0, 2.0])?;
            step.apply("n", Operation::Set, f64::from(x[[0]]))?;
            step.apply("m", Operation::Add, 3)
        }))
        .input(("x", 100.0))
        .monitors(["x", "n", "m"])
        .build()
        .unwrap();
    runner.run(Steps(1)).unwrap();
    runner.run(Steps(1)).unwrap();
    assert_eq!(now::<f32>(&mut runner, "x"), [303.0, 300.0]);
    assert_eq!(now::<i32>(&mut runner, "n"), [102, 102]);
    assert_eq!(now::<u32>(&mut runner, "m"), [6, 6]);
}

fn a1_inputs_callable_that_fails(device: &str) {
    let mut runner = on(device, keep(2))
        .input(Input::call(|shared, step| match shared.i {
            0 | 1 => step.apply("x", Operation::Add, 1.0),
            2 => step.apply("y", Operation::Add, 1.0),
            _ => step.apply("x", Operation::Add, [1.0; 3]),
        }))
        .monitor("x")
        .build()
        .unwrap();
    assert_eq!(error(runner.run(Steps(5))), "no variable `y`; there are `x`, `n`, `m`, `input`");
    assert_eq!((runner.i(), rows::<f32>(&runner, "x")), (2, vec![1.0, 1.0, 2.0, 2.0]));
    let mut runner = on(device, count(2))
        .input(Input::call(|_, step| step.apply("gain", Operation::Add, 1.0)))
        .build()
        .unwrap();
    assert_eq!(
        error(runner.run(Steps(1))),
        "input to `gain`: it is a parameter, which inputs cannot change; set it between runs"
    );
}

fn a1_inputs_fix_variable_is_read_live(device: &str) {
    let history = |order: bool| {
        let (a, _, net) = pair(3, 3);
        let coupling = Input::fix("b.input", a.variable("x"));
        let push = Input::fix("a.x", 10.0);
        let list = if order { [push, coupling] } else { [coupling, push] };
        let mut runner = on(device, net).inputs(list).monitor("b.x").build().unwrap();
        runner.run(Steps(3)).unwrap();
        rows::<f32>(&runner, "b.x").iter().step_by(3).copied().collect::<Vec<_>>()
    };
    // a.x at the start of the steps is 0, 11, 22; 10 more where the other input comes first
    assert_eq!(history(false), [1.0, 13.0, 36.0]);
    assert_eq!(history(true), [11.0, 33.0, 66.0]);
}

fn a1_inputs_fix_variable_converts_broadcasts_and_shifts(device: &str) {
    let source = comb_and_keep();
    let (comb, target) = (&source.0, &source.1);
    let mut runner = on(device, source.2.clone())
        .input((target.variable("x"), comb.variable("spike")))
        .input((target.slice(1..).variable("x"), target.slice(..3).variable("x"), "fix", "="))
        .build()
        .unwrap();
    // spikes are those of the step before: none, all, element 0, elements 0 and 1, ...
    runner.run(Steps(2)).unwrap();
    assert_eq!(now::<f32>(&mut runner, "keep.x"), [1.0, 1.0, 1.0, 1.0]);
    runner.run(Steps(1)).unwrap();
    assert_eq!(now::<f32>(&mut runner, "keep.x"), [2.0, 2.0, 1.0, 1.0]);
    runner.run(Steps(1)).unwrap();
    assert_eq!(now::<f32>(&mut runner, "keep.x"), [3.0, 3.0, 3.0, 1.0]);
    let wrong = on(device, source.2.clone()).input((target.variable("n"), comb.variable("spike")));
    assert_eq!(
        error(wrong.build()),
        format!(
            "input to `{}.n`: the value is a variable of type bool, and the target one of type i32; give one of the same type",
            dsrunner::DynamicalSystem::name(target)
        )
    );
}

fn comb_and_keep() -> (dsrunner::Group, dsrunner::Group, Network) {
    let (comb, keep) = (crate::common::comb(4), keep(4));
    let net = Network::new().with("comb", comb.clone()).with("keep", keep.clone());
    (comb, keep, net)
}

fn a1_inputs_compat_input_order(device: &str) {
    let list = || inputs![("x", 2.0, "fix", "*"), ("x", 3.0), ("x", 10.0, "fix", "=")];
    for (compat, wanted) in [(false, 10.0), (true, 26.0)] {
        let mut runner =
            on(device, keep(1)).inputs(list()).compat_input_order(compat).build().unwrap();
        runner.run(Steps(1)).unwrap();
        assert_eq!(now::<f32>(&mut runner, "x"), [wanted]);
    }
    // fix, then arrays, then functions, then streams; callables before all
    let mut runner = on(device, keep(1))
        .input(("x", stream(|| [2.0]), "iter", "*"))
        .input(("x", |_: &Shared| 5.0, "func"))
        .input(("x", [3.0], "iter", "*"))
        .input(("x", 1.0))
        .input(Input::call(|_, step| step.apply("x", Operation::Set, 100.0)))
        .compat_input_order(true)
        .build()
        .unwrap();
    runner.run(Steps(1)).unwrap();
    assert_eq!(now::<f32>(&mut runner, "x"), [616.0]);
}

fn a1_inputs_order_is_that_of_the_list_whatever_their_kind(device: &str) {
    let (keep, other) = (keep(3), keep(3).init("x", 4.0));
    let net = Network::new().with("k", keep.clone()).with("o", other.clone());
    let mut runner = on(device, net)
        .input(("k.x", 2.0))
        .input(("k.x", wgsl("x * 3.0"), "func", "="))
        .input(("k.x", |_: &Shared| 1.0, "func", "-"))
        .input((keep.slice([2, 0]).variable("x"), &other.slice(1..).variable("x"), "fix", "*"))
        .input(("k.x", wgsl("x"), "func"))
        .input(("k.x", [10.0], "iter"))
        .build()
        .unwrap();
    runner.run(Steps(1)).unwrap();
    assert_eq!(now::<f32>(&mut runner, "k.x"), [50.0, 20.0, 50.0]);
}

#[allow(deprecated)]
fn a1_fun_inputs_come_first(device: &str) {
    let mut runner = on(device, keep(1))
        .input(("x", 2.0, "fix", "*"))
        .fun_inputs(|_, step| step.apply("x", Operation::Add, 5.0))
        .build()
        .unwrap();
    runner.run(Steps(2)).unwrap();
    assert_eq!(now::<f32>(&mut runner, "x"), [30.0]);
}

/// What B sections 4.6 and 10 list of inputs, with the texts that users read.
#[test]
fn b10_malformed_inputs() {
    let wrong = |input: Input| error(on("cpu", count(3)).input(input).build());
    for (input, text) in [
        (
            ("input", 1.0, "fixed").into(),
            "input to `input`: `fixed` is no type of input; there are `fix`, `iter` and `func`",
        ),
        (
            ("input", 1.0, "fix", "%").into(),
            "input to `input`: `%` is no operation; there are `+`, `-`, `*`, `/` and `=`",
        ),
        (("inptu", 1.0).into(), "no variable `inptu`; did you mean `input`?"),
        (
            ("gain", 1.0).into(),
            "input to `gain`: it is a parameter, which inputs cannot change; set it between runs",
        ),
        (
            ("input", 1.0, "iter").into(),
            "input to `input`: type `iter` needs an array whose first axis is time, but the value is a number",
        ),
        (
            ("input", Vec::<f64>::new(), "iter").into(),
            "input to `input`: type `iter` needs at least one row",
        ),
        (
            ("input", 1.0, "func").into(),
            "input to `input`: type `func` needs a closure of `&Shared` or a WGSL expression, but the value is an array or number",
        ),
        (
            ("input", |_: &Shared| 1.0).into(),
            "input to `input`: the value is a closure; give the type `func`",
        ),
        (
            ("input", wgsl("1.0")).into(),
            "input to `input`: the value is a WGSL expression; give the type `func`",
        ),
        (
            ("input", stream(|| [1.0])).into(),
            "input to `input`: the value is a stream of rows; give the type `iter`",
        ),
        (
            ("input", count(3).variable("x"), "iter").into(),
            "input to `input`: the value is a variable; give the type `fix`",
        ),
        (
            ("input", [1.0, 2.0]).into(),
            "input: a value of shape [2] does not broadcast to shape [3]; give a scalar or an array of shape [3]",
        ),
        (
            ("input", arr2(&[[1.0, 2.0]]), "iter").into(),
            "input: a value of shape [1, 2] does not broadcast to shape [1, 3]; give a scalar or an array of shape [1, 3]",
        ),
        (("n", 1.5).into(), "input to `n`: 1.5 is not a value of type i32"),
        (("input", 1e40).into(), "input to `input`: 1e40 is beyond the range of f32"),
    ] {
        assert_eq!(wrong(input), text);
    }
    let group = count(3);
    let slice = group.slice(1..9).variable("x");
    let name = dsrunner::DynamicalSystem::name(&group).to_string();
    let text = error(DSRunner::builder(group).device("cpu").input((slice, 1.0)).build());
    assert_eq!(
        text,
        format!("node `{name}.x`: index 9 is out of range for 3 elements; give -3 to 3")
    );
}

on_every_engine!(
    a1_fun_inputs_come_first,
    a1_inputs_callable,
    a1_inputs_callable_that_fails,
    a1_inputs_compat_input_order,
    a1_inputs_fix_variable_converts_broadcasts_and_shifts,
    a1_inputs_fix_variable_is_read_live,
    a1_inputs_forms_say_the_same,
    a1_inputs_func_closure_and_expression,
    a1_inputs_func_expressions_of_other_types_and_random_numbers,
    a1_inputs_iter_policies,
    a1_inputs_iter_rows,
    a1_inputs_iter_stream_is_not_materialised,
    a1_inputs_order_is_that_of_the_list_whatever_their_kind,
    a1_inputs_targets,
    a1_inputs_values_broadcast,
);
