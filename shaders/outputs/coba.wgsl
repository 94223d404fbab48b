// Conductance-based output:  I = g (E - V).

struct Params {
    E: f32,
}

struct Rules {
    finite: bool,
}

fn defaults() -> Params {
    return Params(0.0);
}

fn rules(p: Params) -> Rules {
    return Rules(is_finite(p.E));
}

fn current(g: f32, V: f32, p: Params) -> f32 {
    return g * (p.E - V);
}
