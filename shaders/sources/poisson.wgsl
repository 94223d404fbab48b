// Poisson source: spikes in each step with probability freqs dt / 1000, independently. Times in ms, freqs in Hz.

struct Params {
    freqs: f32,
}

struct State {
    // steps since the last spike, saturating; nothing reads it but who monitors it
    silent: u32,
}

struct Derived {
    probability: f32,
}

struct Rules {
    rate_not_negative: bool,
    one_event_a_step: bool,
}

fn defaults() -> Params {
    return Params(10.0);
}

// The last digits of freqs dt are rounding's.
fn rules(p: Params, sh: Shared) -> Rules {
    return Rules(p.freqs >= 0.0, p.freqs * sh.dt <= 1000.001);
}

fn derive(p: Params, sh: Shared) -> Derived {
    return Derived(p.freqs * sh.dt / 1000.0);
}

fn update(s: State, d: Derived, r: Random) -> State {
    return State(select(min(s.silent, 0xfffffffeu) + 1u, 0u, random_bernoulli(r, 0u, d.probability)));
}

fn threshold(s: State) -> bool {
    return s.silent == 0u;
}

fn initial() -> State {
    return State(0xffffffffu);
}
