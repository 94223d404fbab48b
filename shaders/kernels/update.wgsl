// The shell around a composed program: finds the element's member, applies the inputs, and lists the spikes. The parts
// that depend on the program (`load`, `store`, `clear`) are generated.

@group(0) @binding(1) var<storage, read_write> arena: array<u32>;
@group(0) @binding(2) var<storage, read_write> sums: array<i32>;
// for each member: first element, number of elements, start of the counts of its lists of spikes + 1 (0: none), number of
// these lists - 1, start of the first list, number of inputs, start of its inputs in this table, start of its parameters
// that are the same for all elements, then address and stride of each other place
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> values: array<u32>;
@group(0) @binding(5) var<storage, read_write> events: array<atomic<u32>>;

const LANES: u32 = 128u;
const INPUT: u32 = 7u;

// An input: address of its target's element 0, operation, start of its values, words per row, stride, first element, number
// of elements.
fn apply_input(input: u32, element: u32) {
    let k = element - table[input + 5u];
    if k < table[input + 6u] {
        let address = table[input] + element;
        let place = table[input + 2u] + clock.row * table[input + 3u] + k * table[input + 4u];
        arena[address] = applied(arena[address], values[place], table[input + 1u]);
    }
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    // members start at multiples of LANES, so all lanes of a workgroup are of one member
    let first = (group.x + group.y * groups.x) * LANES;
    var member = 0u;
    for (var k = 1u; k < MEMBERS; k++) {
        if first >= table[k * MEMBER] {
            member = k * MEMBER;
        }
    }
    let e = first + lane;
    let element = e - table[member];
    if element >= table[member + 1u] {
        return;
    }
    if clock.starts == 0u {
        clear(e);
    }
    let first_input = table[member + 6u];
    for (var k = 0u; k < table[member + 5u]; k++) {
        apply_input(first_input + k * INPUT, element);
    }
    let spike = store(advance(load(e, element, member)), e);
    let counts = table[member + 2u];
    if spike && counts != 0u {
        // spikes are rare, so one atomic each costs less than the barriers of a count per workgroup
        let slot = clock.i & table[member + 3u];
        let place = atomicAdd(&events[counts - 1u + slot], 1u);
        atomicStore(&events[table[member + 4u] + slot * table[member + 1u] + place], element);
    }
}
