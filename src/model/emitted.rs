//! Models as they stand in a composed text.

use std::sync::Arc;

use super::definition::Model;
use super::prefix::Prefixed;
use super::validity::validate;
use crate::error::{Error, Result};

/// A model as it stands in a composed text.
pub(super) struct EmittedModule {
    pub model: Model,
    pub prefix: String,
    written: Prefixed,
}

impl EmittedModule {
    pub(super) fn new(model: &Model, prefix: String) -> Result<Self> {
        let inner = model.inner();
        let written = Prefixed::new(&inner.module, &inner.info, &prefix);
        let written = written.map_err(|reason| Error::Unsupported {
            model: inner.name.clone(),
            construct: format!("something that naga cannot write back ({reason})"),
            location: None,
            help: "write it in plainer WGSL".into(),
        })?;
        Ok(Self { model: model.clone(), prefix, written })
    }

    pub(super) fn text(&self) -> &str {
        &self.written.text
    }

    /// Names of the members of one of the model's structures, as written.
    pub(super) fn members(&self, structure: &str) -> Vec<String> {
        self.written.members(&format!("{}_{structure}", self.prefix))
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
pub(super) fn parsed(name: &str, text: &str) -> Result<Arc<naga::Module>> {
    let module =
        naga::front::wgsl::parse_str(text).map_err(|e| broken(name, &e.emit_to_string(text)))?;
    validate(&module).map_err(|e| broken(name, &e.emit_to_string(text)))?;
    Ok(Arc::new(module))
}
