// An input in a dispatch of its own.

@group(0) @binding(1) var<storage, read_write> arena: array<u32>;
// number of targets, operation, where the values are (0: in `values`, 1: in the arena, 2: they are zero), their start, words
// per row, stride, address of target 0; then, unless the targets follow each other, for each the distance from there
@group(0) @binding(2) var<storage, read> table: array<u32>;
@group(0) @binding(3) var<storage, read> values: array<u32>;

const HEADER: u32 = 7u;

fn things() -> u32 {
    return table[0];
}

fn make(k: u32) {
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
