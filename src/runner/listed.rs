//! Nodes and variables as they are listed.

use std::collections::HashSet;

use indexmap::IndexMap;

use crate::error::{Error, Result};
use crate::terms::Kind;

/// By which names nodes and variables are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Naming {
    /// By the unique names of nodes: `DSRunner0`, `LIF0`, `LIF0.V`.
    #[default]
    Absolute,
    /// By paths from the runner, which is `""` itself: `target`, `target.E`, `target.E.V`.
    Relative,
}

impl TryFrom<&str> for Naming {
    type Error = Error;

    fn try_from(method: &str) -> Result<Self> {
        match method {
            "absolute" => Ok(Self::Absolute),
            "relative" => Ok(Self::Relative),
            other => Err(Error::Setting {
                setting: "method",
                given: format!("\"{other}\""),
                wanted: "\"absolute\" or \"relative\"".into(),
            }),
        }
    }
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodeClass {
    /// The runner.
    Runner,
    /// A network, or a type of your own.
    System,
    /// A group.
    Group,
    /// A projection.
    Projection,
    /// A coupling.
    Coupling,
    /// A kernel.
    Kernel,
}

/// A node, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeInfo {
    /// Its unique name.
    pub name: String,
    /// Its path from the target, `""` for the target itself; none for the runner and for nodes that are not of the target.
    pub path: Option<String>,
    /// What it is.
    pub class: NodeClass,
}

/// What a variable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VarClass {
    /// A variable.
    Variable,
    /// A variable or parameter that is trainable; see [`Group::train_var`](crate::Group::train_var).
    TrainVar,
}

/// A variable, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VarInfo {
    /// Its unique name, `node.variable`.
    pub name: String,
    /// Its path from the target.
    pub path: String,
    /// Type of its values.
    pub kind: Kind,
    /// Its shape.
    pub shape: Vec<usize>,
    /// What it is.
    pub class: VarClass,
}

/// What is listed in a [`Collection`].
pub trait Listed: Clone {
    /// The classes that there are.
    type Class: PartialEq;

    /// What two entries that are the same have in common.
    fn identity(&self) -> &str;

    /// Its class.
    fn class(&self) -> Self::Class;
}

impl Listed for NodeInfo {
    type Class = NodeClass;

    fn identity(&self) -> &str {
        &self.name
    }

    fn class(&self) -> NodeClass {
        self.class
    }
}

impl Listed for VarInfo {
    type Class = VarClass;

    fn identity(&self) -> &str {
        &self.name
    }

    fn class(&self) -> VarClass {
        self.class
    }
}

/// Nodes or variables by key, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection<T>(pub(super) IndexMap<String, T>);

impl<T: Listed> Collection<T> {
    /// Those that are the same as one before left out.
    pub fn unique(&self) -> Self {
        let mut seen = HashSet::new();
        let first = self.0.iter().filter(|(_, entry)| seen.insert(entry.identity().to_string()));
        Self(first.map(|(key, entry)| (key.clone(), entry.clone())).collect())
    }

    /// Those of a class.
    pub fn subset(&self, class: T::Class) -> Self {
        self.filtered(|entry| entry.class() == class)
    }

    /// Those of other classes.
    pub fn not_subset(&self, class: T::Class) -> Self {
        self.filtered(|entry| entry.class() != class)
    }

    fn filtered(&self, keep: impl Fn(&T) -> bool) -> Self {
        let kept = self.0.iter().filter(|(_, entry)| keep(entry));
        Self(kept.map(|(key, entry)| (key.clone(), entry.clone())).collect())
    }

    /// The entry of a key.
    pub fn get(&self, key: &str) -> Option<&T> {
        self.0.get(key)
    }

    /// All keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// All keys and entries.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(key, entry)| (key.as_str(), entry))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What was registered beside the target.
#[derive(Default)]
pub(super) struct Implicit {
    pub(super) nodes: IndexMap<String, NodeInfo>,
    /// Keys, and places among the plan's slots.
    pub(super) variables: IndexMap<String, usize>,
}
