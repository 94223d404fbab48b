//! States in files: flat keys such as `E.V`, each with an array, in formats that other programs read.
//!
//! A file is read in two parts. First come the headers, which say what there is; the caller compares them with what it
//! expects, and only then the elements are read. So a file can ask for no more memory than the caller agrees to.

mod array;
#[cfg(feature = "checkpoint")]
mod atomic;
#[cfg(feature = "checkpoint")]
mod bytes;
#[cfg(feature = "checkpoint")]
mod checksum;
mod entries;
mod format;
#[cfg(feature = "hdf5")]
mod hdf5;
#[cfg(feature = "checkpoint")]
mod keys;
#[cfg(feature = "checkpoint")]
mod npz;
#[cfg(feature = "checkpoint")]
mod reader;
#[cfg(feature = "checkpoint")]
mod safetensors;
#[cfg(all(test, feature = "hdf5"))]
mod tests;

#[cfg(feature = "checkpoint")]
pub(crate) use array::Item;
pub use array::{StateArray, StateData};
pub(crate) use entries::{Entries, Header};
pub(crate) use format::{read, write};

/// For the tests and tools of this repository, which try files without a simulation. No part of the interface.
#[doc(hidden)]
pub mod files {
    use std::path::Path;

    use super::StateArray;
    use crate::error::Result;

    /// Writes arrays by key.
    pub fn write(path: impl AsRef<Path>, entries: &Vec<(String, StateArray)>) -> Result<()> {
        super::write(path.as_ref(), entries)
    }

    /// Reads whatever a file holds.
    pub fn read(path: impl AsRef<Path>) -> Result<Vec<(String, StateArray)>> {
        super::read(path.as_ref(), |_| Ok(()))
    }
}
