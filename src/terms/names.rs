//! Process-wide unique names of nodes.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};

#[derive(Default)]
struct Registry {
    live: HashSet<String>,
    counters: HashMap<String, usize>,
}

static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

fn registry() -> MutexGuard<'static, Registry> {
    // the registry is consistent after every statement, so a panic elsewhere does it no harm
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A name that no other living node has; free again when its last holder is gone.
#[derive(Clone)]
pub(crate) struct NodeName(Arc<NameToken>);

struct NameToken(String);

impl Drop for NameToken {
    fn drop(&mut self) {
        registry().live.remove(&self.0);
    }
}

impl NodeName {
    /// The next free default name: the class and a number.
    pub(crate) fn next(class: &str) -> Self {
        let mut registry = registry();
        loop {
            let counter = registry.counters.entry(class.into()).or_default();
            let name = format!("{class}{counter}");
            *counter += 1;
            if registry.live.insert(name.clone()) {
                return Self(Arc::new(NameToken(name)));
            }
        }
    }

    /// The next free default name of a class, which nobody has yet.
    pub(crate) fn unused(class: &str) -> String {
        // dropping it frees the name, but not its number
        Self::next(class).as_str().to_string()
    }

    /// Whether a name may be a node's and no node has it.
    pub(crate) fn check(name: &str) -> Result<()> {
        Self::given(name).map(drop)
    }

    /// A name that the user gives.
    pub(crate) fn given(name: &str) -> Result<Self> {
        check_identifier(name)?;
        if !registry().live.insert(name.into()) {
            return Err(Error::Name {
                name: name.into(),
                reason: "belongs to another node; names are unique, give another one".into(),
            });
        }
        Ok(Self(Arc::new(NameToken(name.into()))))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0.0
    }
}

impl fmt::Debug for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Refuses what cannot be a name of a model, a kernel or a node.
pub(crate) fn check_identifier(name: &str) -> Result<()> {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if starts && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(());
    }
    Err(Error::Name {
        name: name.into(),
        reason: "is not an identifier (a letter or `_`, then letters, digits and `_`)".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_while_they_live() {
        let first = NodeName::given("names_test").unwrap();
        let error = NodeName::given("names_test").unwrap_err().to_string();
        assert!(error.contains("belongs to another node"), "{error}");
        drop(first);
        assert!(NodeName::given("names_test").is_ok());
        assert!(NodeName::given("2x").is_err());
        let taken = NodeName::given("NamesTest1").unwrap();
        let names: Vec<NodeName> = (0..2).map(|_| NodeName::next("NamesTest")).collect();
        assert_eq!(names[0].as_str(), "NamesTest0");
        assert_eq!(names[1].as_str(), "NamesTest2");
        drop(taken);
    }
}
