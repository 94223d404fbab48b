// Elements that do not look at each other: an invocation has one. Its key is its number in the population. WORKGROUP_SIZE, the invocations
// of a workgroup, is generated.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let own = element_of(group, groups, lane);
    if !own.is_there {
        return;
    }
    let e = own.e;
    let begin = first_of(e);
    let end = first_of(e + 1u);
    set_clock(0u);
    var words = load(e, own.element, own.member);
    let steps = clocks[0].steps;
    for (var k = 0u; k < steps; k++) {
        set_clock(k);
        if one_step(&words, e, own.element, own.member) {
            spiked(e);
        }
        for (var r = begin; r < end; r++) {
            let what = recorded[r];
            let row = row_of(what.z);
            if row != 0u {
                atomicStore(&rows[row - 1u + what.w], word(&words, what.y));
            }
        }
    }
    store(&words, e);
}
