//! Handles of variables.

use super::index::Index;
use super::names::NodeName;

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
/// // the key of what it recorded
/// assert_eq!(runner.mon().get::<f32>(v.path())?.len(), 30);
/// # Ok::<(), dsrunner::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Variable {
    /// Holding it keeps the name taken.
    _node: NodeName,
    /// The node's name and its own.
    path: String,
    /// Which of the node's elements, where it is of a slice.
    index: Option<Index>,
}

impl Variable {
    pub(crate) fn of(node: &NodeName, name: &str) -> Self {
        Self { _node: node.clone(), path: format!("{}.{name}", node.as_str()), index: None }
    }

    pub(crate) fn slice(self, index: &Index) -> Self {
        Self { index: Some(index.clone()), ..self }
    }

    /// The name of its node and its own, such as `LIF0.V`: a path wherever one may be, and the key of a monitor that was given
    /// by this handle.
    ///
    /// ```
    /// use dsrunner::neurons;
    ///
    /// let group = neurons::lif(3).named("cells")?;
    /// assert_eq!(group.variable("V").path(), "cells.V");
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn path(&self) -> &str {
        &self.path
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
        Self { path: variable.path.clone(), index: variable.index.clone(), _handle: Some(variable) }
    }
}
