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
    // -1 / tau
    rate: f32,
}

struct Rules {
    tau_positive: bool,
}

fn defaults() -> Params {
    return Params(8.0);
}

fn initial(p: Params) -> State {
    return State(0.0);
}

fn rules(p: Params) -> Rules {
    return Rules(p.tau > 0.0);
}

fn derive(p: Params) -> Derived {
    return Derived(-1.0 / p.tau);
}

fn derivative(s: State, d: Derived) -> Derivative {
    return Derivative(s.g * d.rate);
}

fn update(s: State, x: Input) -> State {
    return State(s.g + x.x);
}
