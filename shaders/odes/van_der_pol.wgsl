// Van der Pol's oscillator (van der Pol 1926):  x' = y,  y' = mu (1 - x^2) y - x.

struct Params {
    mu: f32,
}

struct State {
    x: f32,
    y: f32,
}

struct Derivative {
    x: f32,
    y: f32,
}

struct Rules {
    finite: bool,
}

fn defaults() -> Params {
    return Params(1.0);
}

fn rules(p: Params) -> Rules {
    return Rules(is_finite(p.mu));
}

fn initial(p: Params) -> State {
    return State(2.0, 0.0);
}

fn derivative(s: State, p: Params) -> Derivative {
    return Derivative(s.y, p.mu * (1.0 - s.x * s.x) * s.y - s.x);
}
