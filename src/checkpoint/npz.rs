//! Archives of arrays, as numpy reads and writes them.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};

use npyz::{AutoSerialize, DType, Endianness, NpyHeader, Order, TypeChar, TypeStr, WriterBuilder};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::reader::{Source, Wrong, damaged, size};
use super::{Entries, Header, Item, StateArray, StateData, bytes, checksum};
use crate::error::Explained;
use crate::npy;

/// An array of 32 axes, each of any length, has less.
const LONGEST_HEADER: usize = 1024;

pub(super) fn write(file: &mut BufWriter<&File>, entries: &Entries) -> Explained<()> {
    // elements of simulations hardly shrink, and stored ones are read at once
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut zip = ZipWriter::new(file);
    for (key, array) in entries {
        // sizes take 32 bits where nothing is said; the header comes on top
        let bytes = array.data().len() * array.data().item().size() + LONGEST_HEADER;
        let options = options.large_file(u32::try_from(bytes).is_err());
        zip.start_file(npyz::npz::file_name_from_array_name(key), options)
            .map_err(|error| error.to_string())?;
        member(&mut zip, array).map_err(|error| error.to_string())?;
    }
    // a member would be an array in the eyes of others; a comment is none
    zip.set_comment(format!("{}={}", checksum::KEY, checksum::of(entries)))
        .map_err(|error| error.to_string())?;
    zip.finish().map_err(|error| error.to_string())?;
    Ok(())
}

fn member(zip: impl Write, array: &StateArray) -> std::io::Result<()> {
    match array.data() {
        StateData::F32(data) => elements(zip, array.shape(), data),
        StateData::F64(data) => elements(zip, array.shape(), data),
        StateData::I32(data) => elements(zip, array.shape(), data),
        StateData::U32(data) => elements(zip, array.shape(), data),
        StateData::I64(data) => elements(zip, array.shape(), data),
        StateData::U64(data) => elements(zip, array.shape(), data),
        StateData::Bool(data) => elements(zip, array.shape(), data),
    }
}

fn elements<T: AutoSerialize + Copy>(
    zip: impl Write,
    shape: &[usize],
    data: &[T],
) -> std::io::Result<()> {
    let shape: Vec<u64> = shape.iter().map(|&length| length as u64).collect();
    let options = npyz::WriteOptions::new().default_dtype().shape(&shape);
    let mut npy = options.writer(BufWriter::new(zip)).begin_nd()?;
    npy.extend(data.iter().copied())?;
    npy.finish()
}

pub(super) struct Npz {
    zip: ZipArchive<BufReader<File>>,
    headers: Vec<Header>,
    ways: Vec<Way>,
    checksum: Option<String>,
}

/// How the elements of a member lie.
#[derive(Clone, Copy)]
struct Way {
    big_endian: bool,
    columns: bool,
}

impl Npz {
    pub fn open(file: File, _: u64) -> std::result::Result<Self, Wrong> {
        let mut zip = ZipArchive::new(BufReader::new(file))
            .map_err(|error| (None, damaged(&format!("no npz archive: {error}"))))?;
        if zip.has_duplicate_names() {
            let reason = "a name is there twice, but each must be there once";
            return Err((None, damaged(&reason)));
        }
        let (mut headers, mut ways) = (Vec::new(), Vec::new());
        for member in 0..zip.len() {
            let file = zip.by_index(member).map_err(|error| (None, damaged(&error)))?;
            let name = file.name().map_err(|error| (None, damaged(&error)))?.into_owned();
            let (header, way) = header(file, &name).map_err(|reason| {
                let key = name.strip_suffix(".npy").unwrap_or(&name);
                (Some(key.into()), reason)
            })?;
            headers.push(header);
            ways.push(way);
        }
        let checksum = std::str::from_utf8(zip.comment())
            .ok()
            .and_then(|comment| comment.strip_prefix(checksum::KEY)?.strip_prefix('='))
            .map(String::from);
        Ok(Self { zip, headers, ways, checksum })
    }
}

impl Source for Npz {
    fn headers(&self) -> &[Header] {
        &self.headers
    }

    fn bytes(&mut self, member: usize) -> Explained<Vec<u8>> {
        let (header, way) = (&self.headers[member], self.ways[member]);
        let mut file = self.zip.by_index(member).map_err(|error| damaged(&error))?;
        npy::header(&mut file, LONGEST_HEADER).map_err(|error| damaged(&error))?;
        let mut bytes = Vec::new();
        // one byte more, so that the end is seen, where the checksum is compared
        let most = size(header).unwrap_or(0).saturating_add(1);
        file.take(most).read_to_end(&mut bytes).map_err(|error| damaged(&error))?;
        if way.big_endian {
            bytes::swap(header.item, &mut bytes);
        }
        if way.columns { bytes::rows(header.item, &header.shape, &bytes) } else { Ok(bytes) }
    }

    fn checksum(&self) -> Option<&str> {
        self.checksum.as_deref()
    }
}

/// What a member says about its array.
fn header(file: impl Read, name: &str) -> Explained<(Header, Way)> {
    let Some(key) = npyz::npz::array_name_from_file_name(name) else {
        return Err("is no array; an npz archive must hold members `NAME.npy` alone".into());
    };
    let text = npy::header(file, LONGEST_HEADER).map_err(|error| damaged(&error))?;
    // the reader parses nested brackets by recursion, and multiplies the lengths of the axes unchecked
    if text.iter().filter(|byte| b"([{".contains(byte)).count() > 2 {
        return Err("must be a plain array, not one of structures".into());
    }
    let all = npy::numbers(&text).try_fold(1u64, |all, length| all.checked_mul(length?.max(1)));
    if all.is_none_or(|all| all.checked_mul(size_of::<u64>() as u64).is_none()) {
        return Err(damaged(&"a shape beyond all numbers"));
    }
    let header = NpyHeader::from_reader(&text[..]).map_err(|error| damaged(&error))?;
    let kind = match header.dtype() {
        DType::Plain(kind) => kind,
        _ => return Err("must be a plain array, not one of structures".into()),
    };
    let Some(item) = item(&kind) else {
        return Err(format!("holds `{kind}`, but must hold {}", Item::ALL));
    };
    let shape = header.shape().iter().map(|&length| usize::try_from(length));
    let shape = shape.collect::<std::result::Result<_, _>>().map_err(|error| damaged(&error))?;
    let way = Way {
        big_endian: kind.endianness() == Endianness::Big,
        columns: header.order() == Order::Fortran,
    };
    Ok((Header { key: key.into(), item, shape }, way))
}

fn item(kind: &TypeStr) -> Option<Item> {
    Some(match (kind.type_char(), kind.size_field()) {
        (TypeChar::Float, 4) => Item::F32,
        (TypeChar::Float, 8) => Item::F64,
        (TypeChar::Int, 4) => Item::I32,
        (TypeChar::Int, 8) => Item::I64,
        (TypeChar::Uint, 4) => Item::U32,
        (TypeChar::Uint, 8) => Item::U64,
        (TypeChar::Bool, 1) => Item::Bool,
        _ => return None,
    })
}
