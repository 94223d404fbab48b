// Lorenz system (Lorenz 1963):  x' = sigma (y - x),  y' = x (rho - z) - y,  z' = x y - beta z.

struct Params {
    sigma: f32,
    rho: f32,
    beta: f32,
}

struct State {
    x: f32,
    y: f32,
    z: f32,
}

struct Derivative {
    x: f32,
    y: f32,
    z: f32,
}

struct Rules {
    finite: bool,
}

fn defaults() -> Params {
    return Params(10.0, 28.0, 8.0 / 3.0);
}

fn rules(p: Params) -> Rules {
    return Rules(is_finite(p.sigma) && is_finite(p.rho) && is_finite(p.beta));
}

fn initial(p: Params) -> State {
    return State(1.0, 1.0, 1.0);
}

fn derivative(s: State, p: Params) -> Derivative {
    return Derivative(p.sigma * (s.y - s.x), s.x * (p.rho - s.z) - s.y, s.x * s.y - p.beta * s.z);
}
