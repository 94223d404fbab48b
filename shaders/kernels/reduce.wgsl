// One word of many: part `p` is made of the words `p`, `p + 256`, ... in their order, then the parts in halves.

@group(0) @binding(1) var<storage, read_write> arena: array<u32>;
// number of words, address of the result, fold, kind; then the addresses
@group(0) @binding(2) var<storage, read> table: array<u32>;

const PARTS: u32 = 256u;
var<workgroup> parts: array<u32, PARTS>;

@compute @workgroup_size(PARTS)
fn main(@builtin(local_invocation_index) lane: u32) {
    let count = table[0];
    if lane < count {
        var part = arena[table[4u + lane]];
        for (var k = lane + PARTS; k < count; k += PARTS) {
            part = folded(part, arena[table[4u + k]], table[2], table[3]);
        }
        parts[lane] = part;
    }
    for (var half = PARTS / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half && lane + half < count {
            parts[lane] = folded(parts[lane], parts[lane + half], table[2], table[3]);
        }
    }
    if lane == 0u {
        arena[table[1]] = parts[0];
    }
}
