// A column copied from other words.

@group(0) @binding(1) var<storage, read_write> arena: array<u32>;
// number of words, address of the column, what becomes f32 (0: nothing, 1: i32, 2: u32); then the addresses
@group(0) @binding(2) var<storage, read> table: array<u32>;

fn things() -> u32 {
    return table[0];
}

fn make(k: u32) {
    var word = arena[table[3u + k]];
    if table[2] == 1u {
        word = bitcast<u32>(f32(bitcast<i32>(word)));
    } else if table[2] == 2u {
        word = bitcast<u32>(f32(word));
    }
    arena[table[1] + k] = word;
}
