// Delivers the spikes that arrive in this step: for every spike that a delivery block's source had so many steps ago as its delay
// says, the weights of its row of synapses are added to the accumulators of their targets. A workgroup takes one spike at
// a time, its lanes the synapses of the row. The accumulators are integers, so they do not depend on the order.

@group(0) @binding(1) var<storage, read_write> accumulators: array<atomic<i32>>;
// for each source the counts of its lists of spikes, one a step; then the lists
@group(0) @binding(2) var<storage, read_write> events: array<atomic<u32>>;
@group(0) @binding(3) var<storage, read> synapses: array<u32>;
// The delivery blocks (binding 4, declared where the size is known) have, four words together: number of delivery blocks, number of sources; for
// each source the start of its counts and the number of its lists - 1; for each delivery block the same of its source, start of the first
// list, elements; delay, start of indptr, of indices, of counts (0: one count for all); count, target, elements of source and
// target in a replica of the system.

// Invocations of a workgroup, which share the synapses of a spike.
const SHARE: u32 = 64u;

@compute @workgroup_size(SHARE)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let sources = delivery_blocks[0].y;
    if group.x == 0u {
        // the counts that this step's update will add to; no delivery block reads them, since no delay is that long
        for (var k = lane; k < sources; k += SHARE) {
            let source = delivery_blocks[1u + k];
            atomicStore(&events[source.x + (clock.i & source.y)], 0u);
        }
    }
    for (var k = 0u; k < delivery_blocks[0].x; k++) {
        let first = 1u + sources + 3u * k;
        let history = delivery_blocks[first];
        let rows = delivery_blocks[first + 1u];
        let ends = delivery_blocks[first + 2u];
        let slot = (clock.i - rows.x) & history.y;
        let list = history.z + slot * history.w;
        let count = atomicLoad(&events[history.x + slot]);
        for (var spike = group.x; spike < count; spike += groups.x) {
            let source = atomicLoad(&events[list + spike]);
            let copy = source / ends.z;
            let row = rows.y + source - copy * ends.z;
            let targets = ends.y + copy * ends.w;
            let end = synapses[row + 1u];
            for (var synapse = synapses[row] + lane; synapse < end; synapse += SHARE) {
                var weight = ends.x;
                if rows.w != 0u {
                    weight = synapses[rows.w + synapse];
                }
                let target_index = targets + synapses[rows.z + synapse];
                atomicAdd(&accumulators[target_index], bitcast<i32>(weight));
            }
        }
    }
}
