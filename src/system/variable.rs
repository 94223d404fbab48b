//! Handles of variables.

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
/// # Ok::<(), dsrunner::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Variable {
    /// Holding it keeps the name taken.
    node: NodeName,
    name: String,
}

impl Variable {
    pub(crate) fn of(node: &NodeName, name: &str) -> Self {
        Self { node: node.clone(), name: name.into() }
    }
}

/// A path or a handle: what names a variable.
#[derive(Debug, Clone)]
pub struct Target {
    pub(crate) path: String,
    /// Keeps the name of a handle's node taken.
    _handle: Option<Variable>,
}

impl From<&str> for Target {
    fn from(path: &str) -> Self {
        Self { path: path.into(), _handle: None }
    }
}

impl From<String> for Target {
    fn from(path: String) -> Self {
        Self { path, _handle: None }
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
            _handle: Some(variable),
        }
    }
}
