//! From a user's text to naga's IR.

use super::diagnosis::{self, Diagnosis};
use super::validity::validate;
use super::{extent, library, text};
use crate::error::{Error, Location, Result};

/// A text without the byte order mark that some editors put in front.
pub(crate) fn unmarked(source: &str) -> &str {
    source.strip_prefix('\u{feff}').unwrap_or(source)
}

/// The user's text with what it needs of the library behind it, so that the user's lines keep their numbers. What the validator
/// finds out about the module is what its writer needs.
pub(super) fn parse(
    name: &str,
    file: &str,
    source: &str,
) -> Result<(naga::Module, naga::valid::ModuleInfo)> {
    extent::check(source).map_err(|extent::Excess { message, offset, help }| {
        Error::ModelContract {
            model: name.into(),
            message,
            location: Box::new(Location::of(file, source, offset)),
            help: help.into(),
        }
    })?;
    let (text, own) = (format!("{source}\n{}", library::needed(source)), source.len());
    let wrong = |Diagnosis { message, offset, help }: Diagnosis| Error::ModelSyntax {
        model: name.into(),
        message,
        location: Box::new(Location::of(file, source, offset.min(own))),
        help,
    };
    if let Some(offset) = source.find('\0') {
        let message = "the text has a character of number 0".into();
        let help = "write the file as UTF-8; one in UTF-16 has such characters".into();
        return Err(wrong(Diagnosis { message, offset, help }));
    }
    let module = naga::front::wgsl::parse_str(&text)
        .map_err(|error| wrong(diagnosis::of_syntax(&error, &text, own)))?;
    if let Some(range) = text::truncated(source) {
        let quotient = source.get(range.clone()).unwrap_or_default();
        return Err(wrong(Diagnosis {
            message: format!("`{quotient}` of whole numbers drops its remainder"),
            offset: range.start,
            help: "write a number with its point, such as `1.0 / 2.0`, or its type, `1i / 2i`, where that is meant".into(),
        }));
    }
    let info = validate(&module)
        .map_err(|error| wrong(diagnosis::of_types(&error, &module, &text, own)))?;
    Ok((module, info))
}
