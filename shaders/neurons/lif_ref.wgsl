// Leaky integrate-and-fire neuron with a refractory period:  tau dV/dt = -(V - V_rest) + R I.
// Where V reaches V_th the neuron spikes, and V is V_reset then and at the end of each of the next round(tau_ref / dt) steps, in
// which it does not spike: whatever moves V meanwhile is lost. Times in ms, potentials in mV.

struct Params {
    V_rest: f32,
    V_reset: f32,
    V_th: f32,
    R: f32,
    tau: f32,
    tau_ref: f32,
}

struct State {
    V: f32,
    // steps that the neuron is still refractory
    refractory: i32,
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
    refractory_steps: i32,
}

struct Rules {
    finite: bool,
    tau_positive: bool,
    reset_below_threshold: bool,
    refractory_not_negative: bool,
    refractory_counts: bool,
}

fn defaults() -> Params {
    return Params(0.0, -5.0, 20.0, 1.0, 10.0, 0.0);
}

fn initial(p: Params) -> State {
    return State(0.0, 0);
}

// A reset that is not below the threshold would fire again; an i32 counts the steps of the refractory period.
fn rules(p: Params, sh: Shared) -> Rules {
    return Rules(
        is_finite(p.V_rest) && is_finite(p.V_reset) && is_finite(p.R),
        p.tau > 0.0,
        (p.V_reset < p.V_th),
        p.tau_ref >= 0.0,
        p.tau_ref / sh.dt < 2147483648.0,
    );
}

fn derive(p: Params, sh: Shared) -> Derived {
    return Derived(1.0 / p.tau, p.R / p.tau, steps(p.tau_ref, sh.dt));
}

fn derivative(s: State, p: Params, d: Derived, x: Input) -> Derivative {
    return Derivative((p.V_rest - s.V) * d.rate + d.gain * x.input);
}

// What is held at V_reset does not spike: it is below V_th.
fn update(old: State, s: State, p: Params) -> State {
    let held = old.refractory > 0;
    return State(select(s.V, p.V_reset, held), max(old.refractory - 1, 0));
}

fn threshold(s: State, p: Params) -> bool {
    return s.V >= p.V_th;
}

fn reset(s: State, p: Params, d: Derived) -> State {
    return State(p.V_reset, d.refractory_steps);
}
