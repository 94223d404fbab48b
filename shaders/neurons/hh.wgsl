// Hodgkin-Huxley neuron (Hodgkin and Huxley 1952), rates shifted to a resting potential of -65 mV:
//   C dV/dt = -g_Na m^3 h (V - E_Na) - g_K n^4 (V - E_K) - g_L (V - E_L) + I,  dx/dt = a_x (1 - x) - b_x x.
// A spike is where V crosses V_th upwards. Times in ms, potentials in mV, conductances in mS/cm^2, currents in uA/cm^2.

struct Params {
    E_Na: f32,
    g_Na: f32,
    E_K: f32,
    g_K: f32,
    E_L: f32,
    g_L: f32,
    C: f32,
    V_th: f32,
}

struct State {
    V: f32,
    m: f32,
    h: f32,
    n: f32,
}

struct Input {
    input: f32,
}

struct Derivative {
    V: f32,
    m: f32,
    h: f32,
    n: f32,
}

struct Derived {
    // 1 / C
    elastance: f32,
}

struct Rules {
    finite: bool,
    conductances_not_negative: bool,
    capacitance_positive: bool,
}

// Opening and closing rates of the three gates.
struct Rates {
    a_m: f32,
    b_m: f32,
    a_h: f32,
    b_h: f32,
    a_n: f32,
    b_n: f32,
}

fn defaults() -> Params {
    return Params(50.0, 120.0, -77.0, 36.0, -54.387, 0.03, 1.0, 20.0);
}

fn rules(p: Params) -> Rules {
    return Rules(
        is_finite(p.E_Na + p.E_K + p.E_L) && is_finite(p.g_Na + p.g_K + p.g_L),
        p.g_Na >= 0.0 && p.g_K >= 0.0 && p.g_L >= 0.0,
        p.C > 0.0,
    );
}

fn derive(p: Params) -> Derived {
    return Derived(1.0 / p.C);
}

// 0.1 (V + 40) / (1 - exp(-0.1 (V + 40))) and the like are written with exprel, which has no gap at 0 / 0. Below -1000 mV, where
// all gates have been in their limits for long, the rates are those of -1000 mV: they grow beyond the range of f32.
fn rates(potential: f32) -> Rates {
    let V = max(potential, -1000.0);
    return Rates(
        1.0 / exprel(-0.1 * (V + 40.0)),
        4.0 * exp((V + 65.0) * (-1.0 / 18.0)),
        0.07 * exp((V + 65.0) * -0.05),
        1.0 / (1.0 + exp((V + 35.0) * -0.1)),
        0.1 / exprel(-0.1 * (V + 55.0)),
        0.125 * exp((V + 65.0) * -0.0125),
    );
}

// The gates are at rest at -65 mV.
fn initial(p: Params) -> State {
    let r = rates(-65.0);
    return State(-65.0, r.a_m / (r.a_m + r.b_m), r.a_h / (r.a_h + r.b_h), r.a_n / (r.a_n + r.b_n));
}

fn derivative(s: State, p: Params, d: Derived, x: Input) -> Derivative {
    let r = rates(s.V);
    let m3h = s.m * s.m * s.m * s.h;
    let n4 = (s.n * s.n) * (s.n * s.n);
    let current = p.g_Na * m3h * (p.E_Na - s.V) + p.g_K * n4 * (p.E_K - s.V) + p.g_L * (p.E_L - s.V);
    return Derivative(
        (current + x.input) * d.elastance,
        r.a_m * (1.0 - s.m) - r.b_m * s.m,
        r.a_h * (1.0 - s.h) - r.b_h * s.h,
        r.a_n * (1.0 - s.n) - r.b_n * s.n,
    );
}

fn threshold(old: State, s: State, p: Params) -> bool {
    return old.V < p.V_th && s.V >= p.V_th;
}
