// Current-based output:  I = g.

fn current(g_syn: f32) -> f32 {
    return g_syn;
}
