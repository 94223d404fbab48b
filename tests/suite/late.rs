//! Models that depend on time, at late times.

use dsrunner::{DSRunner, Group, Method, Model, Steps, odes, wgsl};

use crate::compare::near;
use crate::engines::on_every_engine;

/// x' = -x + sin(omega t) long after the start: (sin(omega t) - omega cos(omega t)) / (1 + omega^2).
fn settled(omega: f64, t: f64) -> f64 {
    ((omega * t).sin() - omega * (omega * t).cos()) / (1.0 + omega * omega)
}

fn forced_at_late_times(device: &str) {
    for t0 in [0.0, 1e6, 123_456_789.0, 1e9, -1e7] {
        for (method, tolerance) in [(Method::RK4, 1e-5), (Method::EXP_EULER, 0.02)] {
            let omegas = [3.0f64, 0.25, -2.5, 10.0];
            let start: Vec<f64> = omegas.iter().map(|&omega| settled(omega, t0)).collect();
            let group = odes::forced(4).param("omega", omegas.to_vec()).init("x", start);
            let builder = DSRunner::builder(group.method(method)).dt(0.01).t0(t0);
            let mut runner = builder.progress_bar(false).device(device).build().unwrap();
            runner.run(3.0).unwrap();
            let wanted = omegas.map(|omega| settled(omega, t0 + 3.0));
            // RK4: rounding of f32 alone, and at 1e9 that of time in f64; exponential Euler holds the force for a step
            let x: Vec<f32> = runner.get::<f32>("x").unwrap().iter().copied().collect();
            near(&format!("{method} at {t0}"), &x, &wanted, tolerance).must();
        }
    }
}

/// After a number of steps that no f32 counts.
fn forced_after_many_steps(device: &str) {
    let start = 5_000_000_000u64;
    let t = start as f64 * 0.01;
    let group = odes::forced(1).init("x", settled(3.0, t));
    let builder = DSRunner::builder(group).dt(0.01).progress_bar(false);
    let mut runner = builder.device(device).build().unwrap();
    let mut state = runner.state_dict().unwrap();
    let step = dsrunner::StateArray::new([], dsrunner::StateData::U64(vec![start])).unwrap();
    state.insert("dsrunner", "step", step);
    runner.load_state_dict(&state, false, Default::default()).unwrap();
    runner.run(1.0).unwrap();
    let x: Vec<f32> = runner.get::<f32>("x").unwrap().iter().copied().collect();
    near("x", &x, &[settled(3.0, (start + 100) as f64 * 0.01)], 1e-5).must();
}

/// The angle against f64, whose sine is right for any argument; the product's rounding error comes to it by the sum formula.
fn angles(device: &str) {
    let omegas = [3.0f32, 1e-3, -0.7, 1e3, 12345.678, 1e-10, 1e10, 0.0, -1e-30].map(f64::from);
    let text = "struct Params { omega: f32 } struct State { sine: f32, cosine: f32, angle: f32 }
        fn update(s: State, p: Params, h: Shared) -> State {
            let angle = time_angle(h, p.omega);
            return State(sin(angle), cos(angle), angle);
        }";
    let model = Model::from_wgsl("Angle", text).unwrap();
    for t0 in [0.0, 0.1, 77.7, 1e4, 1e6 + 0.123, -1e8, 1e12] {
        let group = Group::new(&model, omegas.len()).param("omega", omegas.to_vec());
        let builder = DSRunner::builder(group).dt(0.1).t0(t0).progress_bar(false);
        let mut runner = builder.device(device).build().unwrap();
        runner.run(Steps(1)).unwrap();
        let get = |runner: &mut DSRunner, name: &str| -> Vec<f32> {
            runner.get::<f32>(name).unwrap().iter().copied().collect()
        };
        // what models have of the time
        let t = f64::from(t0 as f32) + f64::from((t0 - f64::from(t0 as f32)) as f32);
        let parts = omegas.map(|omega| (omega * t, omega.mul_add(t, -(omega * t))));
        let sines = parts.map(|(p, e)| p.sin() * e.cos() + p.cos() * e.sin());
        let cosines = parts.map(|(p, e)| p.cos() * e.cos() - p.sin() * e.sin());
        // an angle in f32 is right to 2^-23, and so are its sine and cosine
        near(&format!("sine at {t0}"), &get(&mut runner, "sine"), &sines, 4e-7).must();
        near(&format!("cosine at {t0}"), &get(&mut runner, "cosine"), &cosines, 4e-7).must();
        let angle = get(&mut runner, "angle");
        assert!(angle.iter().all(|a| a.abs() <= std::f32::consts::PI), "{angle:?}");
    }
}

/// Within a Runge-Kutta step the phase is that of the stage: x' = cos(2 pi f t).
fn phases_of_stages(device: &str) {
    let text = "struct Params { f: f32 } struct State { x: f32 } struct Derivative { x: f32 }
        fn derivative(s: State, p: Params, h: Shared) -> Derivative {
            return Derivative(cos(6.2831855 * phase(h, p.f)));
        }";
    let model = Model::from_wgsl("Turning", text).unwrap();
    let f = [1.0f64, -1.0, 0.3];
    let group = Group::new(&model, 3).param("f", f.to_vec()).method(Method::RK4);
    let builder = DSRunner::builder(group).dt(0.05).progress_bar(false);
    let mut runner = builder.device(device).build().unwrap();
    runner.run(0.3).unwrap();
    let wanted = f.map(|f| {
        let omega = std::f64::consts::TAU * f;
        (omega * 0.3).sin() / omega
    });
    let x: Vec<f32> = runner.get::<f32>("x").unwrap().iter().copied().collect();
    // of Simpson's rule: (omega dt)^4 / 2880 = 3e-6 of the result. Euler's method is off by 0.05
    near("x", &x, &wanted, 2e-6).must();
}

/// The same for an input's expression.
fn expressions_at_late_times(device: &str) {
    let text = "struct Input { pair: f32, plain: f32 } struct State { a: f32, b: f32 }
        fn update(s: State, x: Input) -> State { return State(x.pair, x.plain); }";
    let group = Group::new(&Model::from_wgsl("Kept", text).unwrap(), 1);
    let builder = DSRunner::builder(group).dt(0.1).t0(1e7).progress_bar(false).device(device);
    let mut runner = builder
        .input(("pair", wgsl("sin(time_angle(h, 3.0))"), "func"))
        .input(("plain", wgsl("sin(3.0 * t)"), "func"))
        .build()
        .unwrap();
    runner.run(Steps(8)).unwrap();
    let wanted = (3.0f64 * (1e7 + 0.7)).sin();
    near("a", &[runner.get::<f32>("a").unwrap()[[0]]], &[wanted], 1e-6).must();
    // which shows that the other is needed
    assert!((f64::from(runner.get::<f32>("b").unwrap()[[0]]) - wanted).abs() > 0.1);
}

on_every_engine!(
    angles,
    expressions_at_late_times,
    forced_after_many_steps,
    forced_at_late_times,
    phases_of_stages,
);
