//! What a file of states holds.

use super::array::{Item, StateArray};

/// Keys such as `E.V` and their arrays. Each key is there once; a file gives them in the order of their bytes.
pub(crate) type Entries = Vec<(String, StateArray)>;

/// What a file says about an array, before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub key: String,
    pub item: Item,
    pub shape: Vec<usize>,
}
