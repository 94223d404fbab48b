// Conductance-based output:  I = g (E - V).

struct Params {
    E: f32,
}

fn defaults() -> Params {
    return Params(0.0);
}

fn current(g: f32, V: f32, p: Params) -> f32 {
    return g * (p.E - V);
}
