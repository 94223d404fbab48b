// The shell around a composed program whose elements do not look at each other: an invocation plays many steps of an element,
// and keeps its variables. The declarations of the clock and of the table (binding 3, as in `update.wgsl`), and what depends on
// the program (`Words`, `load`, `one_step`, `store`, `word`), are generated.

@group(0) @binding(1) var<storage, read_write> arena: array<u32>;
@group(0) @binding(2) var<storage, read> values: array<u32>;
// What is recorded of the elements, in their order: element, stream, cadence, place in the row; of a flag the stream is
// FLAG + its bit << 8.
@group(0) @binding(4) var<storage, read> recorded: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> rows: array<atomic<u32>>;

var<private> clock: Clock;

const LANES: u32 = 128u;
const FLAG: u32 = 0x80000000u;

// The first of the recorded things that is of this element, or of one after it.
fn first_of(e: u32) -> u32 {
    var low = 0u;
    var high = RECORDED;
    while low < high {
        let middle = (low + high) / 2u;
        if recorded[middle].x < e {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return low;
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let first = (group.x + group.y * groups.x) * LANES;
    let member = member_of(first);
    let own = table[member];
    let e = first + lane;
    let element = e - own.x;
    if element >= own.y {
        return;
    }
    let begin = first_of(e);
    let end = first_of(e + 1u);
    var words = load(e, element, member);
    let steps = clocks[0].steps;
    for (var k = 0u; k < steps; k++) {
        clock = clocks[k];
        one_step(&words, e, element, member);
        for (var r = begin; r < end; r++) {
            let what = recorded[r];
            let row = clock.rows[what.z / 4u][what.z % 4u];
            if row == 0u {
                continue;
            }
            let place = row - 1u + what.w;
            if what.y < FLAG {
                atomicStore(&rows[place], word(&words, what.y));
            } else if word(&words, FLAGS) != 0u {
                // the rows were zero before
                atomicOr(&rows[place], 1u << (what.y >> 8u & 31u));
            }
        }
    }
    store(&words, e);
}
