// A column that holds what came of some values since a window of steps began.

@group(0) @binding(1) var<storage, read_write> arena: array<u32>;
// number of values, address of the column, fold, kind, words of a result, sampling; then the addresses
@group(0) @binding(2) var<storage, read> table: array<u32>;
// for each step and sampling: where its row starts + 1 (0: none), and 1 where a window begins
@group(0) @binding(3) var<storage, read> schedule: array<vec2<u32>>;

const HEADER: u32 = 6u;

fn things() -> u32 {
    return table[0];
}

fn make(k: u32) {
    let words = table[4];
    let address = table[1] + k * words;
    var value = value_at(table[HEADER + k], table[3]);
    if schedule[clock.row * SAMPLINGS + table[5]].y != 1u {
        // what it holds is an integer of two words where it has two
        let old = value_at(address, select(table[3], 3u, words == 2u));
        value = folded(old, value, table[2], table[3]);
    }
    keep_value(address, value, words);
}
