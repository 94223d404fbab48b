// Exponential synapse:  tau dg/dt = -g;  each arriving event adds its weight to g, after the decay of its step.

struct Params {
    tau: f32,
}

struct State {
    g: f32,
}

// sum of the weights of the events that arrive in this step
struct Input {
    x: f32,
}

struct Derivative {
    g: f32,
}

struct Derived {
    decay: f32,
}

fn defaults() -> Params {
    return Params(8.0);
}

fn initial(p: Params) -> State {
    return State(0.0);
}

fn derive(p: Params, sh: Shared) -> Derived {
    return Derived(exp(-sh.dt / p.tau));
}

fn derivative(s: State, p: Params) -> Derivative {
    return Derivative(-s.g / p.tau);
}

fn exact(s: State, d: Derived) -> State {
    return State(s.g * d.decay);
}

fn update(s: State, x: Input) -> State {
    return State(s.g + x.x);
}
