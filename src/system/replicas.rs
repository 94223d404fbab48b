//! The replicas of a system that run side by side.

/// How many replicas there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Replicas {
    pub count: usize,
    /// Number of the first of them; numbers key random numbers.
    pub first: u32,
}

impl Replicas {
    /// Their numbers.
    pub(crate) fn numbers(self) -> impl Iterator<Item = u32> {
        // the last one may be the largest that there is
        (0..self.count).map(move |k| self.first + k as u32)
    }
}
