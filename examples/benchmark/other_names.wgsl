// The integrate-and-fire neuron of b1 under other names (but for V, by which the synapses' output knows the potential), with a
// variable that nothing uses: a model is known by its text alone.

struct Params {
    rest: f32,
    after: f32,
    limit: f32,
    resistance: f32,
    time: f32,
    pause: f32,
}

struct State {
    V: f32,
    idle: i32,
    waiting: i32,
}

struct Input {
    input: f32,
}

struct Derivative {
    V: f32,
}

struct Derived {
    per_time: f32,
    per_current: f32,
    pause_steps: i32,
}

fn defaults() -> Params {
    return Params(-60.0, -60.0, -50.0, 1.0, 20.0, 5.0);
}

fn derive(q: Params, clock: Shared) -> Derived {
    return Derived(1.0 / q.time, q.resistance / q.time, steps(q.pause, clock.dt));
}

fn derivative(y: State, q: Params, w: Derived, drive: Input) -> Derivative {
    return Derivative((q.rest - y.V) * w.per_time + w.per_current * drive.input);
}

fn update(before: State, y: State) -> State {
    let held = before.waiting > 0;
    return State(select(y.V, before.V, held), y.idle, max(before.waiting - 1, 0));
}

fn threshold(y: State, q: Params) -> bool {
    return y.V >= q.limit;
}

fn reset(y: State, q: Params, w: Derived) -> State {
    return State(q.after, y.idle, w.pause_steps);
}
