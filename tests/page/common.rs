//! Models whose values are easily foretold.

use dsrunner::{DSRunner, Element, Group, Model, Network, RunnerBuilder};

/// `x` grows by 1 and by its input in each step; `n` and `m` stay.
const COUNT: &str = "
    struct Params { gain: f32 }
    struct State { x: f32, n: i32, m: u32 }
    struct Input { input: f32 }
    fn defaults() -> Params { return Params(1.0); }
    fn update(s: State, p: Params, i: Input) -> State {
        return State(s.x + p.gain + i.input, s.n, s.m);
    }
";

/// Stays as it is.
const KEEP: &str = "
    struct State { x: f32, n: i32, m: u32 }
    struct Input { input: f32 }
    fn update(s: State) -> State { return s; }
";

/// Fires in every step whose number is a multiple of the element's number + 1.
const COMB: &str = "
    struct State { k: u32 }
    fn update(s: State, h: Shared, r: Random) -> State { return State(h.i % (r.element + 1u)); }
    fn threshold(s: State) -> bool { return s.k == 0u; }
";

pub fn count(shape: impl Into<dsrunner::Shape>) -> Group {
    Group::new(&Model::from_wgsl("Count", COUNT).unwrap(), shape)
}

pub fn keep(shape: impl Into<dsrunner::Shape>) -> Group {
    Group::new(&Model::from_wgsl("Keep", KEEP).unwrap(), shape)
}

pub fn comb(shape: impl Into<dsrunner::Shape>) -> Group {
    Group::new(&Model::from_wgsl("Comb", COMB).unwrap(), shape)
}

/// Two groups that count.
pub fn pair(a: usize, b: usize) -> (Group, Group, Network) {
    let (a, b) = (count(a), count(b));
    let net = Network::new().with("a", a.clone()).with("b", b.clone());
    (a, b, net)
}

pub fn on(device: &str, target: impl dsrunner::DynamicalSystem + 'static) -> RunnerBuilder {
    DSRunner::builder(target).device(device).dt(0.5).progress_bar(false)
}

/// All that a monitor recorded, row after row.
pub fn rows<T: Element>(runner: &DSRunner, key: &str) -> Vec<T> {
    runner.mon().get::<T>(key).unwrap().iter().copied().collect()
}

/// The present values of a variable.
pub fn now<T: Element>(runner: &mut DSRunner, path: &str) -> Vec<T> {
    runner.get::<T>(path).unwrap().iter().copied().collect()
}

#[track_caller]
pub fn error<T>(result: dsrunner::Result<T>) -> String {
    match result {
        Ok(_) => panic!("no error"),
        Err(error) => error.to_string(),
    }
}
