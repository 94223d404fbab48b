//! Models as they stand in a composed text.

use super::definition::Model;
use super::prefix;
use super::validity::validate;
use crate::error::{Error, Result};

/// A model as it stands in a composed text.
pub(super) struct EmittedModule {
    pub model: Model,
    pub prefix: String,
    pub text: String,
    /// The text read back: the writer may change the names of members.
    module: naga::Module,
}

impl EmittedModule {
    pub(super) fn new(model: &Model, prefix: String) -> Result<Self> {
        let inner = model.inner();
        let broken = |reason: String| Error::Unsupported {
            model: inner.name.clone(),
            construct: format!("something that naga cannot write back ({reason})"),
            location: None,
            help: "write it in plainer WGSL".into(),
        };
        let text = prefix::prefixed(&inner.module, &prefix).map_err(broken)?;
        let module = naga::front::wgsl::parse_str(&text).map_err(|e| broken(e.message().into()))?;
        Ok(Self { model: model.clone(), prefix, text, module })
    }

    /// Names of the members of one of the model's structures, as written.
    pub(super) fn members(&self, structure: &str) -> Vec<String> {
        let name = format!("{}_{structure}", self.prefix);
        self.module
            .types
            .iter()
            .filter(|(_, ty)| ty.name.as_deref() == Some(&name))
            .find_map(|(_, ty)| match &ty.inner {
                naga::TypeInner::Struct { members, .. } => {
                    Some(members.iter().map(|m| m.name.clone().unwrap_or_default()).collect())
                }
                _ => None,
            })
            .unwrap_or_default()
    }
}

pub(super) fn broken(name: &str, reason: &str) -> Error {
    Error::Unsupported {
        model: name.into(),
        construct: format!("the composed program ({reason})"),
        location: None,
        help: "write the model in plainer WGSL".into(),
    }
}

/// Parses and validates a text of ours.
pub(super) fn parsed(name: &str, text: &str) -> Result<naga::Module> {
    let module =
        naga::front::wgsl::parse_str(text).map_err(|e| broken(name, &e.emit_to_string(text)))?;
    validate(&module).map_err(|e| broken(name, &e.emit_to_string(text)))?;
    Ok(module)
}
