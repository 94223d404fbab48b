//! Arrays in an archive as numpy writes it.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use npyz::{DType, Deserialize, NpyFile, NpyHeader, TypeChar, TypeStr};
use zip::ZipArchive;

use super::csv::{are, unreadable};
use crate::error::{Error, Explained, Result};
use crate::npy;

/// The header of an array of one axis has 118 bytes.
const LONGEST_HEADER: usize = 512;

/// An archive of arrays.
pub(super) struct NpzFile<'a> {
    path: &'a Path,
    zip: ZipArchive<BufReader<File>>,
}

impl<'a> NpzFile<'a> {
    pub fn open(path: &'a Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        let zip = ZipArchive::new(BufReader::new(file)).map_err(|error| {
            Error::file(path, None, format!("is no npz archive ({error}); {SAVE}"))
        })?;
        Ok(Self { path, zip })
    }

    /// The text that a member without an axis holds.
    pub fn text(&mut self, name: &str) -> Result<String> {
        self.member(name, |npy, kind| match (npy.shape(), kind.type_char()) {
            ([], TypeChar::ByteStr) => {
                let bytes = npy.into_vec::<Vec<u8>>().map_err(|error| error.to_string())?;
                Ok(String::from_utf8_lossy(&bytes.concat()).into_owned())
            }
            ([], TypeChar::UnicodeStr) => {
                npy.into_vec::<String>().map(|t| t.concat()).map_err(|error| error.to_string())
            }
            _ => Err(format!("holds `{kind}`, but must be one text; {SAVE}")),
        })
    }

    /// The integers of a member with one axis.
    pub fn integers(&mut self, name: &str) -> Result<Vec<i64>> {
        self.member(name, |npy, kind| {
            one_axis(&npy)?;
            match (kind.type_char(), kind.size_field()) {
                (TypeChar::Int, 4) => collect::<i32, _>(npy, i64::from),
                (TypeChar::Int, 8) => collect::<i64, _>(npy, |integer| integer),
                _ => Err(format!("holds `{kind}`, but must be int32 or int64")),
            }
        })
    }

    /// The numbers of a member with one axis.
    pub fn numbers(&mut self, name: &str) -> Result<Vec<f64>> {
        self.member(name, |npy, kind| {
            one_axis(&npy)?;
            match (kind.type_char(), kind.size_field()) {
                (TypeChar::Bool, 1) => collect::<bool, _>(npy, f64::from),
                (TypeChar::Int, 1) => collect::<i8, _>(npy, f64::from),
                (TypeChar::Int, 2) => collect::<i16, _>(npy, f64::from),
                (TypeChar::Int, 4) => collect::<i32, _>(npy, f64::from),
                (TypeChar::Int, 8) => collect::<i64, _>(npy, |x| x as f64),
                (TypeChar::Uint, 1) => collect::<u8, _>(npy, f64::from),
                (TypeChar::Uint, 2) => collect::<u16, _>(npy, f64::from),
                (TypeChar::Uint, 4) => collect::<u32, _>(npy, f64::from),
                (TypeChar::Uint, 8) => collect::<u64, _>(npy, |x| x as f64),
                (TypeChar::Float, 4) => collect::<f32, _>(npy, f64::from),
                (TypeChar::Float, 8) => collect::<f64, _>(npy, |x| x),
                (TypeChar::Complex, _) => Err(format!(
                    "holds complex numbers (`{kind}`), but must be real; save `matrix.real` or \
                     `abs(matrix)`"
                )),
                _ => Err(format!(
                    "holds `{kind}`, but must be bool, integers, float32 or float64; save \
                     `matrix.astype(float)`"
                )),
            }
        })
    }

    pub fn wrong(&self, member: &str, reason: impl Into<String>) -> Error {
        Error::file(self.path, Some(format!("member `{member}`")), reason)
    }

    fn member<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(NpyFile<&[u8]>, TypeStr) -> Explained<T>,
    ) -> Result<T> {
        let file = npyz::npz::file_name_from_array_name(name);
        if self.zip.index_for_name(&file).is_none() {
            return Err(self.missing(name));
        }
        let found = match self.zip.by_name(&file) {
            Ok(file) => array(file),
            Err(error) => Err(broken(&error)),
        };
        found
            .and_then(|(header, body)| {
                let DType::Plain(kind) = header.dtype() else {
                    return Err(format!("is a structured array, but must be plain; {SAVE}"));
                };
                read(NpyFile::with_header(header, &body[..]), kind)
            })
            .map_err(|reason| self.wrong(name, reason))
    }

    fn missing(&self, name: &str) -> Error {
        let name_of = |file: &str| npyz::npz::array_name_from_file_name(file).map(String::from);
        let names: Vec<String> =
            self.zip.file_names().flatten().filter_map(|file| name_of(&file)).collect();
        let reason = format!("no member `{name}`; there {}; {SAVE}", are(&names));
        Error::file(self.path, None, reason)
    }
}

const SAVE: &str = "write the file with `scipy.sparse.save_npz(path, matrix.tocsr())`";

fn broken(error: &dyn std::fmt::Display) -> String {
    format!("is damaged ({error}); {SAVE}")
}

/// Header and bytes of an array. Nothing that the file declares is estimated before its bytes are there.
fn array(mut file: impl Read) -> Explained<(NpyHeader, Vec<u8>)> {
    let text = npy::header(&mut file, LONGEST_HEADER).map_err(|error| broken(&error))?;
    // the reader multiplies the lengths of the axes unchecked, so there must not be two
    if npy::numbers(&text).count() > 1 {
        return Err(format!("has several axes, but must have one; {SAVE}"));
    }
    let header = NpyHeader::from_reader(&text[..]).map_err(|error| broken(&error))?;
    let size = header.dtype().num_bytes().and_then(|item| header.len().checked_mul(item as u64));
    let size = size.ok_or_else(|| broken(&"items of no fixed size"))?;
    let mut body = Vec::new();
    // one byte more, so that the end is seen, where the checksum is compared
    file.take(size.saturating_add(1)).read_to_end(&mut body).map_err(|error| broken(&error))?;
    if body.len() as u64 != size {
        let more = if body.len() as u64 > size { "more" } else { "fewer" };
        return Err(broken(&format!("{more} bytes than the {size} of its shape")));
    }
    Ok((header, body))
}

fn one_axis(npy: &NpyFile<&[u8]>) -> Explained<()> {
    match npy.shape() {
        [_] => Ok(()),
        _ => Err(format!("has no axis, but must have one; {SAVE}")),
    }
}

fn collect<T: Deserialize, V>(npy: NpyFile<&[u8]>, to: impl Fn(T) -> V) -> Explained<Vec<V>> {
    let items = npy.data::<T>().map_err(|error| broken(&error))?;
    items.map(|item| item.map(&to)).collect::<std::io::Result<_>>().map_err(|error| broken(&error))
}
