// A column of values of a variable a delay ago, for each connection of each replica of the system.

@group(0) @binding(1) var<storage, read_write> arena: array<u32>;
// number of words, address of the column, of row 0 of the ring, words from row to row, number of rows - 1, connections of a
// replica, elements of a replica, number of delays; then the delays, then for each connection the element
@group(0) @binding(2) var<storage, read> table: array<u32>;

const HEADER: u32 = 8u;

fn things() -> u32 {
    return table[0];
}

fn make(k: u32) {
    let copy = k / table[5];
    let connection = k - copy * table[5];
    let delay = table[HEADER + min(connection, table[7] - 1u)];
    let row = table[2] + ((clock.i - delay) & table[4]) * table[3];
    let element = copy * table[6] + table[HEADER + table[7] + connection];
    arena[table[1] + k] = arena[row + element];
}
