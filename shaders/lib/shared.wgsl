// What every element of a step shares. `t` is the time at the start of the step (within a Runge-Kutta step, of the
// stage), `dt` the step, both in the unit of the runner; the step's number is `i + 2^32 * i_high`; `t_hi + t_lo` is `t` with 48 bits.
struct Shared {
    t: f32,
    dt: f32,
    i: u32,
    i_high: u32,
    t_hi: f32,
    t_lo: f32,
}
