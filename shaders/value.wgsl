// A variable that stays as it is, unless inputs change it.
struct State {
    value: f32,
}

fn update(s: State) -> State {
    return s;
}
