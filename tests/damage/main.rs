//! Damaged input: whatever bytes a file or a text has, the answer is a result or an error. Nothing panics, and nothing
//! asks for more memory than a cap.
//!
//! By default each target gets some thousand inputs, the same ones each time. `DSRUNNER_DAMAGE_SECONDS=600` goes on for so
//! long a target, and says how many there were; `DSRUNNER_DAMAGE_SEED=7` tries one input alone, as a failure says it.

mod memory;
mod mutate;
mod states;
mod tables;
mod target;
mod texts;
