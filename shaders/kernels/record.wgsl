// Gathers the words that the monitors record into the rows that the step gives.

@group(0) @binding(1) var<storage, read> arena: array<u32>;
// for each word of all rows: an address, 0 or the number of flags from there that it packs, a sampling, its place in the row
@group(0) @binding(2) var<storage, read> gathers: array<vec4<u32>>;
// for each step and sampling: where its row starts + 1 (0: none), and 1 where a window begins
@group(0) @binding(3) var<storage, read> schedule: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read_write> rows: array<u32>;

fn things() -> u32 {
    return arrayLength(&gathers);
}

fn make(place: u32) {
    let gather = gathers[place];
    let row = schedule[clock.row * SAMPLINGS + gather.z].x;
    if row == 0u {
        return;
    }
    var word = arena[gather.x];
    if gather.y != 0u {
        word = 0u;
        for (var k = 0u; k < gather.y; k++) {
            word |= arena[gather.x + k] << k;
        }
    }
    rows[row - 1u + gather.w] = word;
}
