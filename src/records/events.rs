//! What happened when, instead of a row for each step.

/// Spikes as events, ordered by step, then by index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Events {
    /// The step of each spike, counted over all runs since the last reset.
    pub steps: Vec<u64>,
    /// The element of each spike: its place among the recorded ones.
    pub indices: Vec<u32>,
}
