//! What a plan is made of, kept for another input.

use crate::error::{Error, Result};
use crate::inputs::Input;
use crate::plan::{Description, Host, Plan, RecordedSystem, build};
use crate::records::Monitor;

/// What a plan is made of.
pub(super) struct Recipe {
    pub recorded: RecordedSystem,
    /// As they are now.
    pub inputs: Vec<Input>,
    pub compat_input_order: bool,
    pub monitors: Vec<Monitor>,
    pub dt: f64,
    pub t0: f64,
    pub seed: u64,
    pub outputs: bool,
    pub loop_limit: u32,
}

impl Recipe {
    pub(super) fn plan(&self) -> Result<(Plan, Host)> {
        build(&Description {
            recorded: &self.recorded,
            inputs: &self.inputs,
            compat_input_order: self.compat_input_order,
            monitors: &self.monitors,
            dt: self.dt,
            t0: self.t0,
            seed: self.seed,
            outputs: self.outputs,
            loop_limit: self.loop_limit,
        })
    }

    /// The number of the input of a key.
    pub(super) fn input(&self, key: &str) -> Result<usize> {
        let keys = || self.inputs.iter().filter_map(|input| input.key.as_deref());
        let at = self.inputs.iter().position(|input| input.key.as_deref() == Some(key));
        at.ok_or_else(|| Error::unknown("input named", key, keys().map(String::from)))
    }
}
