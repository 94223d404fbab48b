// What kernels share that execute many steps in a dispatch. An invocation keeps the variables of its elements. The declarations of
// the clock and of the table (binding 3, as in `update.wgsl`), and what depends on the program, are generated: `Words` are the
// variables of an element; `load`, which finds the first
// step's clock set, and `store` bring them from the arena and back; `one_step` executes a step and tells
// of a spike; `word` is one of them; `spiked` records a spike where it is to be.

@group(0) @binding(1) var<storage, read_write> arena: array<u32>;
@group(0) @binding(2) var<storage, read> values: array<u32>;
// What is recorded, in the order of the invocations: key of the element, stream, sampling, place in the row.
@group(0) @binding(4) var<storage, read> recorded: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> rows: array<atomic<u32>>;

var<private> clock: Clock;
// Number of the step in the dispatch.
var<private> nth: u32;

fn set_clock(k: u32) {
    clock = clocks[k];
    nth = k;
}

// The first of the recorded things that has this key, or a later one.
fn first_of(key: u32) -> u32 {
    var low = 0u;
    var high = RECORDED;
    while low < high {
        let middle = (low + high) / 2u;
        if recorded[middle].x < key {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return low;
}

// Where the row of a sampling starts + 1, 0 where the step has none.
fn row_of(sampling: u32) -> u32 {
    // a place that is known at run time only is looked up where it is, not in a copy
    return clocks[nth].rows[sampling / 4u][sampling % 4u];
}
