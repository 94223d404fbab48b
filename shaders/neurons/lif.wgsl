// Leaky integrate-and-fire neuron:  tau dV/dt = -(V - V_rest) + R I.
// Where V reaches V_th the neuron spikes and V is put to V_reset. Times in ms, potentials in mV.

struct Params {
    V_rest: f32,
    V_reset: f32,
    V_th: f32,
    R: f32,
    tau: f32,
}

struct State {
    V: f32,
}

struct Input {
    input: f32,
}

struct Derivative {
    V: f32,
}

struct Derived {
    // 1 / tau
    rate: f32,
    // R / tau
    gain: f32,
}

struct Rules {
    finite: bool,
    tau_positive: bool,
    reset_below_threshold: bool,
}

fn defaults() -> Params {
    return Params(0.0, -5.0, 20.0, 1.0, 10.0);
}

// A reset that is not below the threshold would fire again.
fn rules(p: Params) -> Rules {
    return Rules(
        is_finite(p.V_rest) && is_finite(p.V_reset) && is_finite(p.R),
        p.tau > 0.0,
        p.V_reset < p.V_th,
    );
}

fn derive(p: Params) -> Derived {
    return Derived(1.0 / p.tau, p.R / p.tau);
}

fn initial(p: Params) -> State {
    return State(0.0);
}

fn derivative(s: State, p: Params, d: Derived, x: Input) -> Derivative {
    return Derivative((p.V_rest - s.V) * d.rate + d.gain * x.input);
}

fn threshold(s: State, p: Params) -> bool {
    return s.V >= p.V_th;
}

fn reset(s: State, p: Params) -> State {
    return State(p.V_reset);
}
