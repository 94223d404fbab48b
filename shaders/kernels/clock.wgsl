// What a step knows of time; one record per step of a chunk, chosen by the dynamic offset of its binding.
struct Clock {
    t: f32,
    dt: f32,
    i: u32,
    i_high: u32,
    // number of the step in its chunk
    row: u32,
    // 1 in the first step of a run
    starts: u32,
    // always 0
    zero: u32,
    t_hi: f32,
    t_lo: f32,
}

@group(0) @binding(0) var<uniform> clock: Clock;
