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

fn current(g_syn: f32, V_post: f32, p: Params) -> f32 {
    return g_syn * (p.E - V_post);
}
