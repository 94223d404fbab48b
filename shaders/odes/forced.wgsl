// Relaxation under a periodic force:  x' = -x + sin(omega t).

struct Params {
    omega: f32,
}

struct State {
    x: f32,
}

struct Derivative {
    x: f32,
}

struct Rules {
    finite: bool,
}

fn defaults() -> Params {
    return Params(3.0);
}

fn rules(p: Params) -> Rules {
    return Rules(is_finite(p.omega));
}

fn initial(p: Params) -> State {
    return State(0.25);
}

fn derivative(s: State, p: Params, sh: Shared) -> Derivative {
    return Derivative(sin(time_angle(sh, p.omega)) - s.x);
}
