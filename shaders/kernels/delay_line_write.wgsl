// The row of the step, or of the next one, in a ring of a variable's values at the starts of steps.

@group(0) @binding(1) var<storage, read_write> arena: array<u32>;
// number of words, address of the variable, of row 0, words from row to row, number of rows - 1, 1 for the
// row of the next step
@group(0) @binding(2) var<storage, read> table: array<u32>;

fn things() -> u32 {
    return table[0];
}

fn make(k: u32) {
    arena[table[2] + ((clock.i + table[5]) & table[4]) * table[3] + k] = arena[table[1] + k];
}
