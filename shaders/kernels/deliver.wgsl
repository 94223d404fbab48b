// Delivers the spikes of the last step: for every spike of a route's source, the weights of its row of synapses are
// added to the accumulators of their targets. A workgroup takes one spike at a time, its lanes the synapses of the row.
// The sums are integers, so they do not depend on the order.

@group(0) @binding(1) var<storage, read_write> sums: array<atomic<i32>>;
// for each list of spikes its two counts (of even and odd steps), then the lists
@group(0) @binding(2) var<storage, read_write> events: array<atomic<u32>>;
@group(0) @binding(3) var<storage, read> synapses: array<u32>;
// for each route: list, start of the list, start of indptr, of indices, of counts (0: one count for all), count, target
@group(0) @binding(4) var<storage, read> routes: array<u32>;

const ROUTE: u32 = 7u;
const LANES: u32 = 64u;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let now = clock.i & 1u;
    let before = 1u - now;
    let lists = routes[1];
    if group.x == 0u {
        // the counts that this step's update will add to
        for (var list = lane; list < lists; list += LANES) {
            atomicStore(&events[2u * list + now], 0u);
        }
    }
    for (var k = 0u; k < routes[0]; k++) {
        let route = 2u + k * ROUTE;
        let count = atomicLoad(&events[2u * routes[route] + before]);
        for (var spike = group.x; spike < count; spike += groups.x) {
            let source = atomicLoad(&events[routes[route + 1u] + spike]);
            let row = routes[route + 2u] + source;
            let end = synapses[row + 1u];
            for (var synapse = synapses[row] + lane; synapse < end; synapse += LANES) {
                var weight = routes[route + 5u];
                if routes[route + 4u] != 0u {
                    weight = synapses[routes[route + 4u] + synapse];
                }
                let target_index = routes[route + 6u] + synapses[routes[route + 3u] + synapse];
                atomicAdd(&sums[target_index], bitcast<i32>(weight));
            }
        }
    }
}
