// Hodgkin-Huxley neuron of Traub and Miles (1991) in the form of Brette et al. (2007), benchmark 3. Per cell: capacitance in
// pF, conductances in nS, potentials in mV, times in ms.

struct Params {
    c: f32,
    g_l: f32,
    g_na: f32,
    g_k: f32,
    e_l: f32,
    e_na: f32,
    e_k: f32,
    v_t: f32,
    v_spike: f32,
    tau_ref: f32,
}

struct State {
    V: f32,
    m: f32,
    h: f32,
    n: f32,
    // steps that are left in which it does not spike again
    left: i32,
}

struct Input {
    input: f32,
}

struct Derived {
    refractory: i32,
}

struct Derivative {
    V: f32,
    m: f32,
    h: f32,
    n: f32,
}

fn defaults() -> Params {
    return Params(200.0, 10.0, 20000.0, 6000.0, -65.0, 50.0, -90.0, -63.0, -20.0, 3.0);
}

fn derive(p: Params, sh: Shared) -> Derived {
    return Derived(steps(p.tau_ref, sh.dt));
}

fn derivative(s: State, p: Params, x: Input) -> Derivative {
    let v = s.V - p.v_t;
    let alpha_m = 1.28 / exprel((13.0 - v) * 0.25);
    let beta_m = 1.4 / exprel((v - 40.0) * 0.2);
    let alpha_h = 0.128 * exp((17.0 - v) / 18.0);
    let beta_h = 4.0 / (1.0 + exp((40.0 - v) * 0.2));
    let alpha_n = 0.16 / exprel((15.0 - v) * 0.2);
    let beta_n = 0.5 * exp((10.0 - v) * 0.025);
    let sodium = p.g_na * (s.m * s.m * s.m) * s.h * (s.V - p.e_na);
    let potassium = p.g_k * (s.n * s.n) * (s.n * s.n) * (s.V - p.e_k);
    return Derivative(
        (p.g_l * (p.e_l - s.V) - sodium - potassium + x.input) / p.c,
        alpha_m * (1.0 - s.m) - beta_m * s.m,
        alpha_h * (1.0 - s.h) - beta_h * s.h,
        alpha_n * (1.0 - s.n) - beta_n * s.n,
    );
}

fn threshold(old: State, s: State, p: Params) -> bool {
    return s.V > p.v_spike && old.left == 0;
}

fn update(s: State) -> State {
    return State(s.V, s.m, s.h, s.n, max(s.left - 1, 0));
}

fn reset(s: State, d: Derived) -> State {
    return State(s.V, s.m, s.h, s.n, d.refractory);
}
