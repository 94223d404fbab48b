// A column of sums: of the rows of another column, each from its first term to its last.

@group(0) @binding(1) var<storage, read_write> arena: array<u32>;
// number of words, address of the column, of the terms, rows of a replica of the system, terms of a replica; then where each row
// starts, and where the last one ends
@group(0) @binding(2) var<storage, read> table: array<u32>;

const HEADER: u32 = 5u;

fn things() -> u32 {
    return table[0];
}

fn make(k: u32) {
    let copy = k / table[3];
    let row = HEADER + k - copy * table[3];
    let terms = table[2] + copy * table[4];
    var sum = 0.0;
    for (var term = table[row]; term < table[row + 1u]; term++) {
        sum += bitcast<f32>(arena[terms + term]);
    }
    arena[table[1] + k] = bitcast<u32>(sum);
}
