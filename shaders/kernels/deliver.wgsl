// Delivers the spikes that arrive in this step: for every spike that a route's source had so many steps ago as its delay
// says, the weights of its row of synapses are added to the accumulators of their targets. A workgroup takes one spike at
// a time, its lanes the synapses of the row. The sums are integers, so they do not depend on the order.

@group(0) @binding(1) var<storage, read_write> sums: array<atomic<i32>>;
// for each source the counts of its lists of spikes, one a step; then the lists
@group(0) @binding(2) var<storage, read_write> events: array<atomic<u32>>;
@group(0) @binding(3) var<storage, read> synapses: array<u32>;
// number of routes, number of sources; for each source the start of its counts and the number of its lists - 1; for each
// route the same of its source, start of the first list, elements, delay, start of indptr, of indices, of counts (0: one
// count for all), count, target, elements of source and target in a copy of the system
@group(0) @binding(4) var<storage, read> routes: array<u32>;

const ROUTE: u32 = 12u;
const LANES: u32 = 64u;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let sources = routes[1];
    if group.x == 0u {
        // the counts that this step's update will add to; no route reads them, since no delay is that long
        for (var k = lane; k < sources; k += LANES) {
            let slot = clock.i & routes[3u + 2u * k];
            atomicStore(&events[routes[2u + 2u * k] + slot], 0u);
        }
    }
    for (var k = 0u; k < routes[0]; k++) {
        let route = 2u + 2u * sources + k * ROUTE;
        let slot = (clock.i - routes[route + 4u]) & routes[route + 1u];
        let list = routes[route + 2u] + slot * routes[route + 3u];
        let count = atomicLoad(&events[routes[route] + slot]);
        for (var spike = group.x; spike < count; spike += groups.x) {
            let source = atomicLoad(&events[list + spike]);
            let copy = source / routes[route + 10u];
            let row = routes[route + 5u] + source - copy * routes[route + 10u];
            let targets = routes[route + 9u] + copy * routes[route + 11u];
            let end = synapses[row + 1u];
            for (var synapse = synapses[row] + lane; synapse < end; synapse += LANES) {
                var weight = routes[route + 8u];
                if routes[route + 7u] != 0u {
                    weight = synapses[routes[route + 7u] + synapse];
                }
                let target_index = targets + synapses[routes[route + 6u] + synapse];
                atomicAdd(&sums[target_index], bitcast<i32>(weight));
            }
        }
    }
}
