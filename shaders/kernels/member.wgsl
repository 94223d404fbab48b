// Which member of a population a workgroup has: members start at multiples of LANES, so all its invocations have the same.
fn member_of(first: u32) -> u32 {
    var member = 0u;
    for (var k = 1u; k < MEMBERS; k++) {
        if first >= table[k * MEMBER].x {
            member = k * MEMBER;
        }
    }
    return member;
}
