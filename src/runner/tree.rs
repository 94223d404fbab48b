//! A runner taken apart: arrays, and the rest.

use super::run::DSRunner;
use super::states::{Compatible, StateDict};
use crate::checkpoint::StateArray;
use crate::error::{Error, Result};
use crate::system::CLOCK;

/// The static part of a runner: all but the arrays of its variables. Made by [`DSRunner::tree_flatten`].
pub struct TreeDef {
    runner: DSRunner,
    /// Node and variable of each array.
    keys: Vec<(String, String)>,
}

impl TreeDef {
    /// Node and variable of each array of the dynamic part.
    pub fn keys(&self) -> &[(String, String)] {
        &self.keys
    }
}

impl DSRunner {
    /// Takes the runner apart: into the arrays of its variables and parameters, and the rest.
    ///
    /// ```
    /// use dsrunner::{DSRunner, neurons};
    ///
    /// let mut runner = DSRunner::builder(neurons::lif(3)).progress_bar(false).build()?;
    /// runner.run(1.0)?;
    /// let (arrays, tree) = runner.tree_flatten()?;
    /// assert!(tree.keys().contains(&(String::new(), "V".into())));
    /// let mut again = DSRunner::tree_unflatten(tree, arrays)?;
    /// again.run(1.0)?;
    /// assert_eq!(again.i(), 20);
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Device`] where the device fails.
    pub fn tree_flatten(mut self) -> Result<(Vec<StateArray>, TreeDef)> {
        let state = self.state_dict()?;
        let dynamic = state.iter().filter(|(node, ..)| *node != CLOCK);
        let (keys, arrays) = dynamic
            .map(|(node, variable, array)| ((node.into(), variable.into()), array.clone()))
            .unzip();
        Ok((arrays, TreeDef { runner: self, keys }))
    }

    /// Puts a runner together again, with these arrays or others of the same shapes and types.
    ///
    /// # Errors
    /// [`Error::Setting`] for another number of arrays, [`Error::Shape`], [`Error::Kind`], [`Error::Parameter`].
    pub fn tree_unflatten(tree: TreeDef, arrays: Vec<StateArray>) -> Result<Self> {
        let TreeDef { mut runner, keys } = tree;
        if keys.len() != arrays.len() {
            return Err(Error::Setting {
                setting: "arrays",
                given: arrays.len().to_string(),
                wanted: format!("as many as the keys, {}", keys.len()),
            });
        }
        let mut state = StateDict::default();
        for ((node, variable), array) in keys.iter().zip(arrays) {
            state.insert(node, variable, array);
        }
        runner.load_state_dict(&state, false, Compatible::V2)?;
        Ok(runner)
    }
}
