// A column that holds what came of some words since a window of steps began.

@group(0) @binding(1) var<storage, read_write> arena: array<u32>;
// number of words, address of the column, fold, kind, cadence; then the addresses
@group(0) @binding(2) var<storage, read> table: array<u32>;
// for each step and cadence: where its row starts + 1 (0: none), and 1 where a window begins
@group(0) @binding(3) var<storage, read> schedule: array<vec2<u32>>;

fn things() -> u32 {
    return table[0];
}

fn make(k: u32) {
    let address = table[1] + k;
    let value = arena[table[5u + k]];
    let begins = schedule[clock.row * CADENCES + table[4]].y == 1u;
    let old = arena[address];
    arena[address] = select(folded(old, value, table[2], table[3]), value, begins);
}
