// Loops of a program that are not known to end: how often all of them went round for this invocation, and 1 + the number of the one
// that it was in when that was too often (0: none). LOOP_LIMIT, `endless` and FIRST_ENDLESS, the member's word there, are generated.

var<private> iterations: u32;
var<private> endless_loop: u32;

// Counts an iteration of a loop; whether it is one too many.
fn too_many_iterations(loop_number: u32) -> bool {
    iterations += 1u;
    if iterations <= LOOP_LIMIT {
        return false;
    }
    if endless_loop == 0u {
        endless_loop = loop_number;
    }
    return true;
}

// Tells the host of a loop that did not end.
fn tell_endless(member: u32) {
    if endless_loop != 0u {
        atomicMax(&endless[FIRST_ENDLESS + member], endless_loop);
    }
}
