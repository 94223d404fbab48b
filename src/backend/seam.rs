//! What engines are given and what they give.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::error::Result;
use crate::plan::{InputOp, Schedule, State};

/// Some steps to execute.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    /// Number of the first step.
    pub first: u64,
    /// Time at the start of step 0.
    pub t0: f64,
    pub steps: usize,
    /// Rows of the inputs that change from step to step.
    pub rows: Vec<u32>,
    /// Inputs that the run brought, and their rows.
    pub data: Option<Arc<Data>>,
    pub data_rows: Vec<u32>,
    /// Whether this is the first chunk of a run: what was set before counts as input of its first step.
    pub starts_run: bool,
    /// The operations of a step that are executed: all, or a part of one step.
    pub ops: Range<usize>,
    /// Where the rows of the monitors go.
    pub schedule: Schedule,
    /// Whether the rows stay on the device.
    pub keep: bool,
    /// Set by who does not want it any more. An engine that finds it set may leave the state as it was before the chunk.
    pub cancelled: Arc<AtomicBool>,
}

/// Inputs that a run brings, which apply after those of the plan. Their sources are rows.
#[derive(Debug, PartialEq)]
pub(crate) struct Data {
    pub inputs: Vec<InputOp>,
    /// Words of a row of all of them.
    pub row: usize,
}

impl Data {
    /// Steps of a chunk at most.
    pub(crate) fn chunk_steps(&self) -> usize {
        const MOST_WORDS: usize = 1 << 22;
        (MOST_WORDS / self.row.max(1)).max(1)
    }
}

impl Chunk {
    /// Number of the step that comes after it, where a step has so many operations: a part of a step that is not its end
    /// leaves the step to be executed.
    pub(crate) fn next(&self, operations: usize) -> u64 {
        if self.ops.end == operations { self.first + self.steps as u64 } else { self.first }
    }
}

/// What the monitors recorded in a chunk.
#[derive(Debug, Clone)]
pub(crate) enum ChunkRows {
    Host(Vec<u32>),
    Device(Arc<dyn DeviceRows>),
}

/// Rows in the memory of a device.
pub(crate) trait DeviceRows: Send + Sync + std::fmt::Debug {
    /// Copies them to the host.
    fn fetch(&self) -> Result<Vec<u32>>;
}

/// Executes a plan's steps on its own copy of the arena. Chunks are executed in the order of submission.
pub(crate) trait Engine: Send {
    /// Steps that a chunk should have at most.
    fn chunk_steps(&self) -> usize;

    /// Bytes of the device's memory that are in use, where that is known.
    fn memory(&self) -> Option<u64>;

    /// Words of recorded rows that it can keep, where that is known.
    fn recorded_words(&self) -> Option<u64>;

    /// Starts a chunk; how many of its steps are executed, all or, where it was cancelled, none.
    fn submit(&mut self, chunk: Chunk) -> Result<usize>;

    /// Waits for the oldest chunk that was not collected, and gives the rows that its monitors recorded.
    fn collect(&mut self) -> Result<Option<ChunkRows>>;

    /// Clears the inputs after the last step of a run.
    fn finish(&mut self) -> Result<()>;

    /// A range of the arena.
    fn read(&mut self, range: Range<usize>) -> Result<Vec<u32>>;

    /// A range of the accumulators.
    fn read_accumulators(&mut self, range: Range<usize>) -> Result<Vec<u32>>;

    /// Writes to the arena.
    fn write(&mut self, address: usize, words: &[u32]) -> Result<()>;

    /// Other values for the inputs that do not change during a run, as many as the plan has.
    fn set_constants(&mut self, constants: &[u32]) -> Result<()>;

    /// All that a run goes on from.
    fn state(&mut self) -> Result<State>;

    /// Goes on from a state instead.
    fn set_state(&mut self, state: &State) -> Result<()>;

    /// Where it runs, for people.
    fn describe(&self) -> String;

    /// How it executes the plan, for people, where there is more than one way.
    fn manner(&self) -> Option<&str> {
        None
    }
}
