//! The order that each method declares, measured.

use dsrunner::{DSRunner, Group, Method, Model};

use crate::engines::on_every_engine;

/// x' = x^2 sin(t), x(0) = 1/2, whose solution is 1 / (1 + cos t): not linear, and it depends on time, so that the times of
/// the stages count too.
const PROBLEM: &str = "
    struct State { x: f32 }
    struct Derivative { x: f32 }
    fn initial() -> State { return State(0.5); }
    fn derivative(s: State, sh: Shared) -> Derivative { return Derivative(s.x * s.x * sin(sh.t)); }
";

fn exact(t: f64) -> f64 {
    1.0 / (1.0 + t.cos())
}

const END: f64 = 2.0;

fn error(device: &str, method: Method, steps: u32) -> f64 {
    let model = Model::from_wgsl("Problem", PROBLEM).unwrap();
    let mut runner = DSRunner::builder(Group::new(&model, 1).method(method))
        .dt(END / f64::from(steps))
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    runner.run(END).unwrap();
    (f64::from(runner.get::<f32>("x").unwrap()[0]) - exact(END)).abs()
}

fn every_declared_order_is_measured(device: &str) {
    for method in Method::ALL {
        let Some(order) = method.order() else { continue };
        // steps so long that the error is far above the rounding of f32, which is some 1e-7 here
        let coarse = if order < 4 { 64 } else { 8 };
        let (first, second) = (error(device, method, coarse), error(device, method, 2 * coarse));
        assert!(
            second > 5e-6,
            "{method}: error {second:e} is too near to rounding to measure an order"
        );
        let measured = (first / second).log2();
        // the next term of the error is some tens of percent of the first at these steps
        assert!(
            (measured - f64::from(order)).abs() < 0.35,
            "{method}: order {order} declared, {measured} measured"
        );
    }
}

on_every_engine!(every_declared_order_is_measured);
