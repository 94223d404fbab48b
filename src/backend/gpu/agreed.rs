//! What kernels and host agree on.

/// The declaration of a step's clock.
pub(super) const CLOCK: &str = include_str!("../../../shaders/kernels/clock.wgsl");

/// Distance of the clock's records, the alignment that every device accepts for dynamic offsets.
pub(super) const CLOCK_WORDS: usize = 64;
/// Words of a record, as `clock.wgsl` declares them.
pub(super) const CLOCK_USED: usize = 9;

/// Words of a member's table before its places, and of an input, as in `update.wgsl`.
pub(super) const HEADER: usize = 8;
pub(super) const INPUT: usize = 8;

/// Bytes of a uniform binding on every device.
pub(super) const UNIFORM_BYTES: usize = 64 * 1024;
