// What every element of a step shares. `t` is the time at the start of the step (within a Runge-Kutta step, of the
// stage), `dt` the step, both in the unit of the runner; the step's number is `i + 2^32 * i_high`. `t` is rounded to 24 bits:
// after 10^6 ms it is right to 0.06 ms, so that `sin(omega * t)` is wrong. `t_hi + t_lo` is the time with 48 bits;
// `time_angle` and `phase` make use of it and of the step's number. `stage` is the part of the step that is over at the stage.
struct Shared {
    t: f32,
    dt: f32,
    i: u32,
    i_high: u32,
    t_hi: f32,
    t_lo: f32,
    stage: f32,
}
