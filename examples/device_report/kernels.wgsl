// Kernels whose cost is measured. Each leaves words behind whose sum the host knows beforehand.

// invocations of a workgroup
override lanes: u32 = 64;
// operations of an invocation
override each: u32 = 1;
// a power of two, less one: addresses lie between 0 and this
override mask: u32 = 0;

const TILE = 1024u;

@group(0) @binding(0) var<storage, read_write> words: array<u32>;
@group(0) @binding(1) var<storage, read_write> counters: array<atomic<i32>>;
@group(0) @binding(2) var<storage, read> source: array<u32>;
@group(0) @binding(3) var<storage, read> wide_source: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> wide_target: array<vec4<u32>>;
var<workgroup> tile: array<atomic<i32>, TILE>;

// PCG hash (Jarzynski and Olano 2020)
fn hash(x: u32) -> u32 {
    let state = x * 747796405u + 2891336453u;
    let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
    return (word >> 22u) ^ word;
}

// Each workgroup adds to its own word, which it finds as the dispatch before left it.
@compute @workgroup_size(lanes)
fn count(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    if lane == 0u {
        words[group.x] += 1u;
    }
}

// The invocations add to one word in turn, with a barrier between one and the next. One that does not see what the one
// before it added does not add.
@compute @workgroup_size(lanes)
fn take_turns(@builtin(local_invocation_index) lane: u32) {
    for (var k = 0u; k < each; k++) {
        if lane == k % lanes && words[0] % each == k {
            words[0] += 1u;
        }
        storageBarrier();
    }
}

@compute @workgroup_size(lanes)
fn add(@builtin(global_invocation_id) id: vec3<u32>) {
    for (var k = 0u; k < each; k++) {
        atomicAdd(&counters[hash(id.x * each + k) & mask], 1);
    }
}

@compute @workgroup_size(lanes)
fn add_in_workgroup(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    for (var k = 0u; k < each; k++) {
        atomicAdd(&tile[hash(id.x * each + k) % TILE], 1);
    }
    workgroupBarrier();
    var sum = 0;
    for (var k = lane; k < TILE; k += lanes) {
        sum += atomicLoad(&tile[k]);
    }
    atomicAdd(&counters[group.x], sum);
}

@compute @workgroup_size(lanes)
fn fill(@builtin(global_invocation_id) id: vec3<u32>) {
    let first = 4u * id.x;
    wide_target[id.x] = vec4(hash(first), hash(first + 1u), hash(first + 2u), hash(first + 3u));
}

@compute @workgroup_size(lanes)
fn copy(@builtin(global_invocation_id) id: vec3<u32>) {
    wide_target[id.x] = wide_source[id.x];
}

@compute @workgroup_size(lanes)
fn gather(@builtin(global_invocation_id) id: vec3<u32>) {
    var sum = 0u;
    for (var k = 0u; k < each; k++) {
        sum += source[hash(id.x * each + k) & mask];
    }
    words[id.x] = sum;
}
