// The entry point of kernels that do the same for each of so many things. WORKGROUP_SIZE, the invocations of a workgroup, is generated.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let k = (group.x + group.y * groups.x) * WORKGROUP_SIZE + lane;
    if k < things() {
        make(k);
    }
}
