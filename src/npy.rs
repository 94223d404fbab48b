//! Headers of numpy's arrays, read from archives that may be damaged.

use std::io::Read;

use crate::error::Explained;

/// The text of an array's header, with the magic bytes in front. Nothing that it declares is estimated before its bytes
/// are there.
pub(crate) fn header(mut file: impl Read, longest: usize) -> Explained<Vec<u8>> {
    let mut start = [0; 12];
    file.read_exact(&mut start).map_err(|error| error.to_string())?;
    if !start.starts_with(b"\x93NUMPY") {
        return Err("no array of numpy".into());
    }
    // the length is of two bytes in version 1, then of four
    let [.., version, _, a, b, c, d] = start;
    let [c, d] = if version == 1 { [0, 0] } else { [c, d] };
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if length > longest {
        return Err(format!("a header of {length} bytes"));
    }
    let rest = if version == 1 { length.saturating_sub(2) } else { length };
    let mut text = start.to_vec();
    file.take(rest as u64).read_to_end(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

/// The numbers of a header, which are the lengths of its axes; none stands for one that is beyond all numbers.
pub(crate) fn numbers(header: &[u8]) -> impl Iterator<Item = Option<u64>> {
    // in front of it are magic bytes, the version and the length
    let text = header.iter().position(|&byte| byte == b'{').map_or(header, |at| &header[at..]);
    text.split(|byte| !byte.is_ascii_alphanumeric())
        .filter(|word| word.first().is_some_and(u8::is_ascii_digit))
        .map(|word| std::str::from_utf8(word).ok()?.parse().ok())
}
