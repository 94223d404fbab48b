// An input in a dispatch of its own.

@group(0) @binding(1) var<storage, read_write> arena: array<u32>;
// number of targets, operation, where the values are (0: in `values`, 1: in the arena, 2: they are zero), their start, words
// per row, stride, address of target 0; then, unless the targets follow each other, for each the distance from there
@group(0) @binding(2) var<storage, read> table: array<u32>;
@group(0) @binding(3) var<storage, read> values: array<u32>;

const LANES: u32 = 128u;
const HEADER: u32 = 7u;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let k = (group.x + group.y * groups.x) * LANES + lane;
    if k >= table[0] {
        return;
    }
    var address = table[6] + k;
    if arrayLength(&table) > HEADER {
        address = table[6] + table[HEADER + k];
    }
    let place = table[3] + clock.row * table[4] + k * table[5];
    var value = 0u;
    if table[2] == 0u {
        value = values[place];
    } else if table[2] == 1u {
        value = arena[place];
    }
    arena[address] = applied(arena[address], value, table[1]);
}
