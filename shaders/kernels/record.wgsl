// Gathers the words that the monitors record into the row of the step.

@group(0) @binding(1) var<storage, read> arena: array<u32>;
// for each word of a row: an address, and 0, or the number of flags from there that it packs
@group(0) @binding(2) var<storage, read> gathers: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read_write> rows: array<u32>;

const LANES: u32 = 128u;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let width = arrayLength(&gathers);
    let place = (group.x + group.y * groups.x) * LANES + lane;
    if place >= width {
        return;
    }
    let gather = gathers[place];
    var word = arena[gather.x];
    if gather.y != 0u {
        word = 0u;
        for (var k = 0u; k < gather.y; k++) {
            word |= arena[gather.x + k] << k;
        }
    }
    rows[clock.row * width + place] = word;
}
