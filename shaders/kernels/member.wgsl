// The element that an invocation has: its number in the population and in its member, the start of the member's part of the table,
// and whether there is one.
struct Element {
    e: u32,
    element: u32,
    member: u32,
    is_there: bool,
}

// Members start at multiples of WORKGROUP_SIZE, so all invocations of a workgroup have elements of the same.
fn element_of(group: vec3<u32>, groups: vec3<u32>, lane: u32) -> Element {
    let first = (group.x + group.y * groups.x) * WORKGROUP_SIZE;
    var member = 0u;
    for (var k = 1u; k < MEMBERS; k++) {
        if first >= table[k * MEMBER].x {
            member = k * MEMBER;
        }
    }
    let own = table[member];
    let element = first + lane - own.x;
    return Element(first + lane, element, member, element < own.y);
}
