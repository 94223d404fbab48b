//! What may be a key, whoever wrote the file.

use std::collections::HashSet;

use crate::error::Explained;

/// Longer names have no sense, and take room in messages.
const LONGEST: usize = 1024;

/// The key under which safetensors files have their metadata.
const METADATA: &str = "__metadata__";

/// Says what is wrong with a key. A key may become the name of a file in the hands of other programs, so none leads out
/// of a folder.
fn check(key: &str) -> Explained<()> {
    let wrong = if key.is_empty() {
        "is empty"
    } else if key.len() > LONGEST {
        "is too long"
    } else if key.contains(['/', '\\']) || key == "." || key == ".." {
        "is a path"
    } else if key.chars().any(char::is_control) {
        "has control characters"
    } else if key == METADATA {
        "is reserved"
    } else {
        return Ok(());
    };
    Err(format!(
        "the name {wrong}, but must be one like `E.V`: at most {LONGEST} bytes, without slashes and control characters"
    ))
}

/// Checks the keys of a file, which must differ. Gives the first that is wrong, and why.
pub(super) fn check_all<'a>(
    keys: impl IntoIterator<Item = &'a str>,
) -> std::result::Result<(), (&'a str, String)> {
    let mut seen = HashSet::new();
    for key in keys {
        check(key).map_err(|reason| (key, reason))?;
        if !seen.insert(key) {
            return Err((key, "is there twice, but each name must be there once".into()));
        }
    }
    Ok(())
}

/// A key as a place in an error: short, and without what would garble a terminal.
pub(super) fn place(key: &str) -> String {
    let shown: String = key.chars().take(80).flat_map(char::escape_debug).collect();
    let rest = if key.chars().count() > 80 { ".." } else { "" };
    format!("member `{shown}{rest}`")
}
