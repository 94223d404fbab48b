//! How much is too much. Each limit is an error before what it guards against: a stack that overflows, memory that is not there, a
//! compiler that does not come back.

use crate::error::{Error, Result};

/// Bytes of a text. Places in it are 32-bit numbers, and it is read several times; the longest text that people write has some
/// ten thousand.
pub(crate) const TEXT_BYTES: usize = 1 << 20;

/// Functions, structures and constants of a text. naga's parser takes quadratic time in them, and goes down into a chain of them.
pub(crate) const DECLARATIONS: usize = 4096;

/// Statements of a function. naga's parser takes quadratic time in them: some seconds for so many.
pub(crate) const STATEMENTS: usize = 8192;

/// Blocks within each other, an `else if` within those before it. naga's parser ends at 127 braces, and writes some of its own.
pub(crate) const BLOCKS: usize = 120;

/// Brackets within each other. naga's parser ends at 200.
pub(crate) const BRACKETS: usize = 150;

/// Operators of an expression each of which waits for the one before: naga goes down into an expression as deep as that.
pub(crate) const OPERATORS: usize = 1000;

/// Blocks within each other once calls are written out, as the engines do.
pub(crate) const INLINED_BLOCKS: usize = 1000;

/// Operations of a program once calls are written out. A function that calls another twice doubles them.
pub(crate) const OPERATIONS: usize = 1 << 20;

/// Words of a value, such as an array: an index that is known at run time only asks each of them.
pub(crate) const VALUE_WORDS: usize = 1 << 15;

/// Iterations of all loops for an element in a step, unless the user says otherwise: some seconds, where all elements have so many.
pub(crate) const ITERATIONS: u32 = 1 << 20;

/// Systems within each other.
pub(crate) const NESTED_SYSTEMS: usize = 64;

/// Nodes of a system. Some of what is done for a node looks at all others.
pub(crate) const NODES: usize = 1 << 14;

/// Projections that end on a group: each is a part of the group's program.
pub(crate) const PROJECTIONS: usize = 1024;

/// Stack that is enough for texts within these limits, in a build without optimisation too, and what is taken where less is left.
const STACK: usize = 48 << 20;
const NEW_STACK: usize = 64 << 20;

/// Does what goes down into texts, with a stack that is large enough for the deepest.
///
/// # Errors
/// [`Error::Limit`] where there is no memory for the stack, or those of the work.
pub(crate) fn deep<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let has_enough = stacker::remaining_stack().is_some_and(|left| left >= STACK);
    // a stack is taken from the system, not from the allocator
    if !has_enough && available() < NEW_STACK {
        return Err(lack(NEW_STACK, "a stack for texts".into(), "close other programs"));
    }
    stacker::maybe_grow(STACK, NEW_STACK, work)
}

/// Requests that are not worth asking the system how much there is.
const SMALL: usize = 16 << 20;

/// Fails where there is no memory for so many bytes more: systems promise more than they have, and end who takes it.
///
/// # Errors
/// [`Error::Limit`] with what is needed and what there is.
pub(crate) fn room(bytes: usize, what: impl FnOnce() -> String, help: &'static str) -> Result<()> {
    if bytes <= SMALL {
        return Ok(());
    }
    // what the process may not have though the system has it is told by the allocator
    let refused = || Vec::<u8>::new().try_reserve_exact(bytes).is_err();
    if bytes <= available() && !refused() {
        return Ok(());
    }
    Err(lack(bytes, what(), help))
}

/// There is no memory for so many bytes.
pub(crate) fn lack(bytes: usize, what: String, help: &'static str) -> Error {
    let available = available();
    let process = if bytes <= available { " and a limit for this process" } else { "" };
    Error::Limit {
        what,
        needed: format!("memory for {bytes} bytes"),
        available: "less".into(),
        device: format!("the host, with {available} bytes left{process},"),
        help,
    }
}

/// Bytes that the system, or the container that the process is in, can still give.
fn available() -> usize {
    let Ok(mut system) = sysinfo::System::new() else { return usize::MAX };
    system.refresh_memory_specifics(sysinfo::MemoryRefreshKind::nothing().with_ram());
    let contained = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    usize::try_from(system.available_memory().min(contained)).unwrap_or(usize::MAX)
}
