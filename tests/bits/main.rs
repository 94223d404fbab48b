//! Random texts of models: the CPU engine by its machine code and by its interpreter, and the GPU, give the same bits.
//!
//! By default some hundred texts are tried, the same ones each time. `DSRUNNER_BITS_MODELS=100000` tries so many,
//! `DSRUNNER_BITS_SECONDS=600` goes on for so long; `DSRUNNER_BITS_SEED=7` begins with that text, and tries it alone where nothing
//! else is said. A text that differs is made shorter for as long as it differs.
//!
//! What is outside of the promise is not asked: which NaN a NaN is (where texts look at bits, all NaN are one).

#[allow(dead_code, reason = "shared with other tests")]
#[path = "../suite/engines.rs"]
mod engines;

mod execute;
mod forms;
mod generate;
mod kinds;
mod node;
mod random;
mod shrink;
mod text;
