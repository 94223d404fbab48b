//! Which format a file has, by its name.

use std::path::Path;

use super::{Entries, Header};
use crate::error::{Error, Result};

/// The formats there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Npz,
    Safetensors,
    Hdf5,
}

impl Format {
    /// The format that a name's extension means.
    pub fn of(path: &Path) -> Result<Self> {
        let extension = path.extension().map(|text| text.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("npz") => Ok(Self::Npz),
            Some("safetensors") => Ok(Self::Safetensors),
            Some("h5" | "hdf5") => Ok(Self::Hdf5),
            _ => {
                let reason =
                    "the name must end with a format: `.npz`, `.safetensors`, `.h5` or `.hdf5`";
                Err(Error::file(path, None, reason))
            }
        }
    }
}

/// Writes states. What the file held before is there until all is written, and stays where anything fails.
pub(crate) fn write(path: &Path, entries: &Entries) -> Result<()> {
    match Format::of(path)? {
        #[cfg(feature = "checkpoint")]
        Format::Npz => super::atomic::write(path, entries, super::npz::write),
        #[cfg(feature = "checkpoint")]
        Format::Safetensors => super::atomic::write(path, entries, super::safetensors::write),
        #[cfg(feature = "hdf5")]
        Format::Hdf5 => super::atomic::write(path, entries, super::hdf5::write),
        #[cfg(not(feature = "hdf5"))]
        format => {
            let _ = entries;
            Err(without(path, format))
        }
    }
}

/// Reads states, after `accept` has agreed to what the file says that it holds. Nothing beyond that is read.
pub(crate) fn read(path: &Path, accept: impl FnOnce(&[Header]) -> Result<()>) -> Result<Entries> {
    match Format::of(path)? {
        #[cfg(feature = "checkpoint")]
        Format::Npz => super::reader::read(path, super::npz::Npz::open, accept),
        #[cfg(feature = "checkpoint")]
        Format::Safetensors => {
            super::reader::read(path, super::safetensors::Safetensors::open, accept)
        }
        #[cfg(feature = "hdf5")]
        Format::Hdf5 => super::reader::read(path, super::hdf5::Hdf5::open, accept),
        #[cfg(not(feature = "hdf5"))]
        format => {
            let _ = accept;
            Err(without(path, format))
        }
    }
}

/// A format that this build leaves out.
#[cfg(not(feature = "hdf5"))]
fn without(path: &Path, format: Format) -> Error {
    let feature = if format == Format::Hdf5 { "hdf5" } else { "checkpoint" };
    let reason = format!(
        "this format needs the feature `{feature}`; add it by `cargo add dsrunner --features {feature}`"
    );
    Error::file(path, None, reason)
}
