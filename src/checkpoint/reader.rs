//! Reading, whatever the format: headers, then the caller's consent, then elements, then the checksum.

use std::fs::File;
use std::path::Path;

use super::{Entries, Header, array, bytes, checksum, keys};
use crate::error::{Error, Explained, Result};

/// What is wrong, and with which member, where it is one.
pub(super) type Wrong = (Option<String>, String);

/// An open file of a format.
pub(super) trait Source: Sized {
    fn headers(&self) -> &[Header];

    /// The elements of a member, row by row, the lowest byte of each first.
    fn bytes(&mut self, member: usize) -> Explained<Vec<u8>>;

    /// The checksum that the file has, where it has one.
    fn checksum(&self) -> Option<&str>;
}

/// How much larger deflate can make what it reads.
const DEFLATE: u64 = 1032;

/// The bytes of an array, where they are a number.
pub(super) fn size(header: &Header) -> Option<u64> {
    let bytes = array::elements(&header.shape)?.checked_mul(header.item.size())?;
    u64::try_from(bytes).ok()
}

/// What is said of a file that contradicts itself.
pub(super) fn damaged(error: &dyn std::fmt::Display) -> String {
    format!("is damaged ({error}); take another copy of the file, or save the state again")
}

pub(super) fn read<S: Source>(
    path: &Path,
    open: impl FnOnce(File, u64) -> std::result::Result<S, Wrong>,
    accept: impl FnOnce(&[Header]) -> Result<()>,
) -> Result<Entries> {
    let wrong = |(key, reason): Wrong| Error::file(path, key.map(|key| keys::place(&key)), reason);
    let unreadable =
        |error: std::io::Error| Error::file(path, None, format!("cannot be read: {error}"));
    let file = File::open(path).map_err(unreadable)?;
    let about = file.metadata().map_err(unreadable)?;
    if !about.is_file() {
        return Err(Error::file(path, None, "is no file, but must be one"));
    }
    let mut source = open(file, about.len()).map_err(wrong)?;
    check(source.headers(), about.len()).map_err(wrong)?;
    accept(source.headers())?;
    let headers = source.headers().to_vec();
    let mut entries = Entries::with_capacity(headers.len());
    for (member, header) in headers.into_iter().enumerate() {
        let array = source
            .bytes(member)
            .and_then(|bytes| whole(&header, bytes))
            .and_then(|bytes| bytes::array(header.item, &header.shape, &bytes))
            .map_err(|reason| wrong((Some(header.key.clone()), reason)))?;
        entries.push((header.key, array));
    }
    if let Some(given) = source.checksum() {
        let found = checksum::of(&entries);
        if given != found {
            let reason = format!("the checksum is `{}`, not `{found}`", given.escape_debug());
            return Err(Error::file(path, None, damaged(&reason)));
        }
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(entries)
}

/// Whatever the caller accepts, no file may declare more than it can hold.
fn check(headers: &[Header], length: u64) -> std::result::Result<(), Wrong> {
    keys::check_all(headers.iter().map(|header| &header.key[..]))
        .map_err(|(key, reason)| (Some(key.into()), reason))?;
    let most = length.saturating_mul(DEFLATE);
    let mut sum = 0u64;
    for header in headers {
        let size = size(header);
        if let Some(size) = size.and_then(|size| sum.checked_add(size)).filter(|&sum| sum <= most) {
            sum = size;
            continue;
        }
        let reason = format!(
            "has shape {:?} of {}, which is more than a file of {length} bytes can hold",
            header.shape,
            header.item.name()
        );
        return Err((Some(header.key.clone()), damaged(&reason)));
    }
    Ok(())
}

fn whole(header: &Header, bytes: Vec<u8>) -> Explained<Vec<u8>> {
    if size(header) == Some(bytes.len() as u64) {
        return Ok(bytes);
    }
    let reason = format!(
        "{} bytes, but shape {:?} of {} has {}",
        bytes.len(),
        header.shape,
        header.item.name(),
        size(header).unwrap_or(u64::MAX)
    );
    Err(damaged(&reason))
}
