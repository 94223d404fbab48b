// The entry point of kernels that do the same for each of so many things. LANES, the invocations of a workgroup, is generated.

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let k = (group.x + group.y * groups.x) * LANES + lane;
    if k < things() {
        make(k);
    }
}
