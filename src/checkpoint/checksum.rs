//! A checksum of all that a file holds. Of the formats only npz has one, and that without the names.

use crc32fast::Hasher;

use super::{Entries, StateArray, bytes};

/// Where a file has it.
pub(super) const KEY: &str = "dsrunner.checksum";

/// The checksum of keys, types, shapes and elements, whatever their order. It finds damage, not forgery.
pub(super) fn of(entries: &Entries) -> String {
    let mut sorted: Vec<&(String, StateArray)> = entries.iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    let mut hasher = Hasher::new();
    let number = |hasher: &mut Hasher, number: usize| {
        hasher.update(&(number as u64).to_le_bytes());
    };
    for (key, array) in sorted {
        // lengths in front, so that no two states are one row of bytes
        number(&mut hasher, key.len());
        hasher.update(key.as_bytes());
        let name = array.data().type_name();
        number(&mut hasher, name.len());
        hasher.update(name.as_bytes());
        number(&mut hasher, array.shape().len());
        for &length in array.shape() {
            number(&mut hasher, length);
        }
        hasher.update(&bytes::of(array.data()));
    }
    format!("crc32:{:08x}", hasher.finalize())
}
