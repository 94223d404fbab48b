// The shell around a composed program: finds the element's member, applies the inputs, and lists the spikes. The parts
// that depend on the program (`load`, `store`, `clear`), the declaration of the table and WORKGROUP_SIZE, the invocations of a workgroup,
// are generated.

@group(0) @binding(1) var<storage, read_write> arena: array<u32>;
@group(0) @binding(2) var<storage, read_write> accumulators: array<i32>;
@group(0) @binding(4) var<storage, read> values: array<u32>;
@group(0) @binding(5) var<storage, read_write> events: array<atomic<u32>>;

// The table (binding 3) has, four words together, for each member: first element, number of elements, start of the counts of
// its lists of spikes + 1 (0: none), number of these lists - 1; start of the first list, number of inputs, start of its inputs
// in this table, number of further inputs, which come in the first step of a run only; then for each place its value, or its
// address and stride; then the accumulators of inputs that are constant.

// An input: address of its target's element 0, operation, start of its values, words per row; stride, first element, number
// of elements.
fn apply_input(input: u32, element: u32) {
    let target_ = table[input];
    let own = table[input + 1u];
    let k = element - own.y;
    if k < own.z {
        let address = target_.x + element;
        let place = target_.z + clock.row * target_.w + k * own.x;
        arena[address] = applied(arena[address], values[place], target_.y);
    }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let invocation = element_of(group, groups, lane);
    if !invocation.is_there {
        return;
    }
    let e = invocation.e;
    let element = invocation.element;
    let member = invocation.member;
    let own = table[member];
    let more = table[member + 1u];
    var inputs = more.y;
    if clock.starts == 0u {
        clear(e);
    } else {
        inputs += more.w;
    }
    for (var k = 0u; k < inputs; k++) {
        apply_input(more.z + 2u * k, element);
    }
    let spike = store(advance(load(e, element, member)), e);
    tell_endless(member / MEMBER);
    if spike && own.z != 0u {
        // spikes are rare, so one atomic each costs less than the barriers of a count per workgroup
        let slot = clock.i & own.w;
        let place = atomicAdd(&events[own.z - 1u + slot], 1u);
        atomicStore(&events[more.x + slot * own.y + place], element);
    }
}
