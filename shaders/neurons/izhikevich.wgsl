// Izhikevich's neuron (Izhikevich 2003):  dV/dt = 0.04 V^2 + 5 V + 140 - u + I,  du/dt = a (b V - u).
// Where V reaches V_th the neuron spikes, V is put to c, and d is added to u. Times in ms, potentials in mV.

struct Params {
    a: f32,
    b: f32,
    c: f32,
    d: f32,
    V_th: f32,
}

struct State {
    V: f32,
    u: f32,
}

struct Input {
    input: f32,
}

struct Derivative {
    V: f32,
    u: f32,
}

struct Rules {
    finite: bool,
    reset_below_threshold: bool,
}

fn defaults() -> Params {
    return Params(0.02, 0.2, -65.0, 8.0, 30.0);
}

// A reset that is not below the threshold would fire again.
fn rules(p: Params) -> Rules {
    return Rules(
        is_finite(p.a) && is_finite(p.b) && is_finite(p.c) && is_finite(p.d),
        p.c < p.V_th,
    );
}

fn initial(p: Params) -> State {
    return State(-70.0, p.b * -70.0);
}

fn derivative(s: State, p: Params, x: Input) -> Derivative {
    return Derivative((0.04 * s.V + 5.0) * s.V + 140.0 - s.u + x.input, p.a * (p.b * s.V - s.u));
}

fn threshold(s: State, p: Params) -> bool {
    return s.V >= p.V_th;
}

fn reset(s: State, p: Params) -> State {
    return State(p.c, s.u + p.d);
}
