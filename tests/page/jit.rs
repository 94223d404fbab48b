//! Row `jit`.

use dsrunner::{Group, Init, Input, Jit, Model, Network, Operation, Steps, neurons};

use crate::common::{count, error, now, on, rows};
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

on_every_engine!(a1_jit_off_names_the_fault, a1_jit_per_phase);
