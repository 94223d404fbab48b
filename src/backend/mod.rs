//! The engines that play a plan.

pub(crate) mod cpu;
pub(crate) mod gpu;

use std::ops::Range;
use std::sync::Arc;

use crate::error::Result;
use crate::plan::{Plan, State};

/// Some steps to play.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    /// Number of the first step.
    pub first: u64,
    /// Time at the start of step 0.
    pub t0: f64,
    pub steps: usize,
    /// Rows of the inputs that change from step to step.
    pub rows: Vec<u32>,
    /// Whether this is the first chunk of a run: what was set before counts as input of its first step.
    pub starts_run: bool,
}

/// Plays a plan's steps on its own copy of the arena. Chunks are played in the order of submission.
pub(crate) trait Engine: Send {
    /// Steps that a chunk should have at most.
    fn chunk_steps(&self) -> usize;

    /// Starts a chunk.
    fn submit(&mut self, chunk: Chunk) -> Result<()>;

    /// Waits for the oldest chunk that was not collected, and gives the rows that its monitors recorded.
    fn collect(&mut self) -> Result<Option<Vec<u32>>>;

    /// Clears the inputs after the last step of a run.
    fn finish(&mut self) -> Result<()>;

    /// A range of the arena.
    fn read(&mut self, range: Range<usize>) -> Result<Vec<u32>>;

    /// Writes to the arena.
    fn write(&mut self, address: usize, words: &[u32]) -> Result<()>;

    /// All that a run goes on from.
    fn state(&mut self) -> Result<State>;

    /// Goes on from a state instead.
    fn set_state(&mut self, state: &State) -> Result<()>;

    /// Where it runs, for people.
    fn describe(&self) -> String;
}

/// The engine for the device of that number, with the plan's initial state. The CPU engine uses at most so many threads.
pub(crate) fn engine(device: usize, plan: Arc<Plan>, threads: usize) -> Result<Box<dyn Engine>> {
    Ok(match device {
        0 => Box::new(cpu::CpuEngine::new(plan, threads)?),
        index => Box::new(gpu::GpuEngine::new(index, plan)?),
    })
}
