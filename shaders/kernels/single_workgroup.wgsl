// A small network: one workgroup has all elements, some for each invocation, and delivers spikes between the updates. The accumulators of
// what arrives grow from step to step, and may wrap around; what an invocation knows of them tells what is new. WORKGROUP_SIZE, the
// invocations, and `main` are generated: an invocation has an element of each block of as many elements of a member as there are
// invocations, each in variables of its own.

@group(0) @binding(6) var<storage, read_write> accumulators: array<atomic<i32>>;
// as in `deliver.wgsl`, and the delivery blocks (binding 8), too
@group(0) @binding(7) var<storage, read> synapses: array<u32>;
@group(0) @binding(9) var<storage, read_write> events: array<atomic<u32>>;

// Invocations that share the synapses of a spike.
const SHARE: u32 = 16u;

// Lists an element that spiked: number in its population, in its member, start of the member's part of the table.
fn list_spike(e: u32, element: u32, member: u32) {
    let own = table[member];
    if own.z != 0u {
        let slot = clock.i & own.w;
        let k = atomicAdd(&events[own.z - 1u + slot], 1u);
        atomicStore(&events[table[member + 1u].x + slot * own.y + k], element);
    }
    spiked(e);
}

// The number of spikes that delivery block `k` delivers in this step.
fn spikes_of(k: u32) -> u32 {
    let first = 1u + delivery_blocks[0].y + 3u * k;
    let slot = (clock.i - delivery_blocks[first + 1u].x) & delivery_blocks[first].y;
    return atomicLoad(&events[delivery_blocks[first].x + slot]);
}

// Delivers spike `spike` of delivery block `k`.
fn deliver(k: u32, spike: u32, lane: u32) {
    let first = 1u + delivery_blocks[0].y + 3u * k;
    let history = delivery_blocks[first];
    let rows = delivery_blocks[first + 1u];
    let ends = delivery_blocks[first + 2u];
    let slot = (clock.i - rows.x) & history.y;
    let source = atomicLoad(&events[history.z + slot * history.w + spike]);
    let copy = source / ends.z;
    let row = rows.y + source - copy * ends.z;
    let targets = ends.y + copy * ends.w;
    let end = synapses[row + 1u];
    for (var synapse = synapses[row] + lane % SHARE; synapse < end; synapse += SHARE) {
        var weight = ends.x;
        if rows.w != 0u {
            weight = synapses[rows.w + synapse];
        }
        let target_index = targets + synapses[rows.z + synapse];
        atomicAdd(&accumulators[target_index], bitcast<i32>(weight));
    }
}

// The counts of the lists that this step adds to; no delivery block reads them.
fn clear_counts(lane: u32) {
    if lane < delivery_blocks[0].y {
        let source = delivery_blocks[1u + lane];
        atomicStore(&events[source.x + (clock.i & source.y)], 0u);
    }
}
