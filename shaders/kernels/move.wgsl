// Words between the arena and an array of a kernel's own.

@group(0) @binding(1) var<storage, read_write> arena: array<u32>;
// number of words, their address in the arena, 1 where they go there
@group(0) @binding(2) var<storage, read> table: array<u32>;
@group(0) @binding(3) var<storage, read_write> own: array<u32>;

fn things() -> u32 {
    return table[0];
}

fn make(k: u32) {
    if table[2] == 1u {
        arena[table[1] + k] = own[k];
    } else {
        own[k] = arena[table[1] + k];
    }
}
