//! Handles of variables.

use super::names::NodeName;
use crate::monitor::Index;

/// A handle of a variable or a parameter of a node, which can stand wherever a path can.
///
/// ```
/// use dsrunner::{DSRunner, neurons};
///
/// let group = neurons::lif(3);
/// let v = group.variable("V");
/// let mut runner = DSRunner::builder(group).monitor(&v).progress_bar(false).build()?;
/// runner.run(1.0)?;
/// assert_eq!(runner.get::<f32>(&v)?.len(), 3);
/// # Ok::<(), dsrunner::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Variable {
    /// Holding it keeps the name taken.
    node: NodeName,
    name: String,
    /// Which of the node's elements, where it is of a slice.
    index: Option<Index>,
}

impl Variable {
    pub(crate) fn of(node: &NodeName, name: &str) -> Self {
        Self { node: node.clone(), name: name.into(), index: None }
    }

    pub(crate) fn slice(self, index: &Index) -> Self {
        Self { index: Some(index.clone()), ..self }
    }
}

/// A path or a handle: what names a variable.
#[derive(Debug, Clone)]
pub struct Target {
    pub(crate) path: String,
    /// Which elements along the first axis; all without.
    pub(crate) index: Option<Index>,
    /// Keeps the name of a handle's node taken.
    _handle: Option<Variable>,
}

impl From<&str> for Target {
    fn from(path: &str) -> Self {
        Self::from(path.to_string())
    }
}

impl From<String> for Target {
    fn from(path: String) -> Self {
        Self { path, index: None, _handle: None }
    }
}

impl From<&Variable> for Target {
    fn from(variable: &Variable) -> Self {
        Self::from(variable.clone())
    }
}

impl From<Variable> for Target {
    fn from(variable: Variable) -> Self {
        Self {
            path: format!("{}.{}", variable.node.as_str(), variable.name),
            index: variable.index.clone(),
            _handle: Some(variable),
        }
    }
}
