// One value of many, for each row: part `p` is made of the values `p`, `p + 256`, ... in their order, then the parts in halves.

@group(0) @binding(1) var<storage, read_write> arena: array<u32>;
// number of rows, address of the results, fold, kind, words of a result; then where each row starts, and where the last one ends,
// among the addresses, which follow
@group(0) @binding(2) var<storage, read> table: array<u32>;

const HEADER: u32 = 5u;
const PARTS: u32 = 256u;
var<workgroup> parts: array<vec2<u32>, PARTS>;

@compute @workgroup_size(PARTS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = group.x + group.y * groups.x;
    let rows = table[0];
    let fold = table[2];
    let kind = table[3];
    var first = 0u;
    var count = 0u;
    if row < rows {
        first = table[HEADER + row];
        count = table[HEADER + row + 1u] - first;
        first += HEADER + rows + 1u;
    }
    if lane < count {
        var part = value_at(table[first + lane], kind);
        for (var k = lane + PARTS; k < count; k += PARTS) {
            part = folded(part, value_at(table[first + k], kind), fold, kind);
        }
        parts[lane] = part;
    }
    for (var half = PARTS / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half && lane + half < count {
            parts[lane] = folded(parts[lane], parts[lane + half], fold, kind);
        }
    }
    if lane == 0u && row < rows {
        keep_value(table[1] + row * table[4], parts[0], table[4]);
    }
}
