// Current-based output:  I = g.

fn current(g: f32) -> f32 {
    return g;
}
