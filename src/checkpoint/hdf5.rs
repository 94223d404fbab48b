//! Files of HDF5, with a dataset at the root for each key, as h5py reads and writes them.

use std::fs::File;
use std::io::{BufWriter, Write};

use hdf5_pure::{
    AttrValue, Chunk, Dataset, Datatype, DatatypeByteOrder, EnumTypeBuilder, FileBuilder, Layout,
    ReadSeekSource,
};

use super::reader::{Source, Wrong, damaged, size};
use super::{Entries, Header, Item, bytes, checksum};
use crate::error::Explained;

/// Chunks are unpacked whole, however few of their elements the array has. h5py makes none above 1 MiB by itself.
const LARGEST_CHUNK: u64 = 16 << 20;

pub(super) fn write(file: &mut BufWriter<&File>, entries: &Entries) -> Explained<()> {
    let mut builder = FileBuilder::new();
    for (key, array) in entries {
        let shape: Vec<u64> = array.shape().iter().map(|&length| length as u64).collect();
        let (datatype, count) = (datatype(array.data().item())?, array.data().len() as u64);
        builder
            .create_dataset(key)
            .with_raw_data(datatype, bytes::of(array.data()).into_owned(), count)
            .with_shape(&shape);
    }
    builder.set_attr(checksum::KEY, AttrValue::AsciiString(checksum::of(entries)));
    builder.finish_to(&mut *file).map_err(|error| error.to_string())?;
    file.flush().map_err(|error| error.to_string())
}

pub(super) struct Hdf5 {
    headers: Vec<Header>,
    datasets: Vec<Dataset>,
    big_endian: Vec<bool>,
    checksum: Option<String>,
    /// Of the file.
    length: u64,
}

impl Hdf5 {
    pub fn open(file: File, length: u64) -> std::result::Result<Self, Wrong> {
        let broken = |error: hdf5_pure::Error| (None, damaged(&error));
        let source = ReadSeekSource::new(file).map_err(|error| (None, damaged(&error)))?;
        let root = hdf5_pure::File::from_source(source).map_err(broken)?.root();
        if let Some(group) = root.groups().map_err(broken)?.into_iter().next() {
            let reason = "is a group, but must be a dataset; put all at the root, named like `E.V`";
            return Err((Some(group), reason.into()));
        }
        let mut all = Self {
            headers: Vec::new(),
            datasets: Vec::new(),
            big_endian: Vec::new(),
            checksum: None,
            length,
        };
        for (key, dataset) in root.iter_datasets().map_err(broken)? {
            let (header, big_endian) =
                header(&key, &dataset, length).map_err(|reason| (Some(key), reason))?;
            all.headers.push(header);
            all.datasets.push(dataset);
            all.big_endian.push(big_endian);
        }
        let attributes = root.attrs().map_err(broken)?;
        if let Some(AttrValue::AsciiString(text)) = attributes.get(checksum::KEY) {
            all.checksum = Some(text.clone());
        }
        Ok(all)
    }
}

impl Source for Hdf5 {
    fn headers(&self) -> &[Header] {
        &self.headers
    }

    fn bytes(&mut self, member: usize) -> Explained<Vec<u8>> {
        let dataset = &self.datasets[member];
        if dataset.is_chunked() {
            inside(dataset, self.length)?;
        }
        let mut bytes = dataset.read_raw().map_err(|error| unread(&error))?;
        if self.big_endian[member] {
            bytes::swap(self.headers[member].item, &mut bytes);
        }
        Ok(bytes)
    }

    fn checksum(&self) -> Option<&str> {
        self.checksum.as_deref()
    }
}

/// A dataset that cannot be read may also be one of the many kinds that only the C library knows.
fn unread(error: &hdf5_pure::Error) -> String {
    format!(
        "is damaged, or of a kind that cannot be read here ({error}); take another copy of the file, or write it \
         again with h5py's default settings"
    )
}

/// Chunks must lie in the file: their reader takes the memory for neighbours before it sees that they are not there.
fn inside(dataset: &Dataset, length: u64) -> Explained<()> {
    let chunks = dataset.chunks().map_err(|error| unread(&error))?;
    let beyond = |chunk: &Chunk| {
        chunk.address.checked_add(chunk.storage_size).is_none_or(|end| end > length)
    };
    match chunks.iter().find(|&chunk| beyond(chunk)) {
        None => Ok(()),
        Some(chunk) => Err(damaged(&format!(
            "a chunk of {} bytes at {} in a file of {length}",
            chunk.storage_size, chunk.address
        ))),
    }
}

/// What a dataset says about its array, and whether the highest byte of each element comes first.
fn header(key: &str, dataset: &Dataset, length: u64) -> Explained<(Header, bool)> {
    let held = dataset.datatype().map_err(|error| unread(&error))?;
    let Some((item, big_endian)) = item(&held) else {
        let kind = dataset.dtype().map_or_else(|_| "others".into(), |kind| kind.to_string());
        return Err(format!("holds {kind}, but must hold {}", Item::ALL));
    };
    let shape = dataset.shape().map_err(|error| unread(&error))?;
    let shape = shape.iter().map(|&length| usize::try_from(length));
    let shape = shape.collect::<std::result::Result<_, _>>().map_err(|error| damaged(&error))?;
    let header = Header { key: key.into(), item, shape };
    if let Layout::Chunked { chunk_shape, .. } = dataset.layout().map_err(|error| unread(&error))? {
        let most = size(&header).unwrap_or(0).max(length).max(LARGEST_CHUNK);
        let chunk = chunk_shape.iter().try_fold(item.size() as u64, |all, &n| all.checked_mul(n));
        if chunk.is_none_or(|chunk| chunk > most) {
            return Err(format!("has chunks of shape {chunk_shape:?}, but must have smaller ones"));
        }
    }
    Ok((header, big_endian))
}

/// The type as a file has it, the lowest byte first.
fn datatype(item: Item) -> Explained<Datatype> {
    Ok(match item {
        Item::F32 => hdf5_pure::make_f32_type(),
        Item::F64 => hdf5_pure::make_f64_type(),
        Item::I32 => hdf5_pure::make_i32_type(),
        Item::U32 => hdf5_pure::make_u32_type(),
        Item::I64 => hdf5_pure::make_i64_type(),
        Item::U64 => hdf5_pure::make_u64_type(),
        // as h5py has it
        Item::Bool => EnumTypeBuilder::with_base(hdf5_pure::make_i8_type())
            .value("FALSE", 0)
            .value("TRUE", 1)
            .build()
            .map_err(|error| error.to_string())?,
    })
}

fn item(held: &Datatype) -> Option<(Item, bool)> {
    use DatatypeByteOrder::{BigEndian, LittleEndian};
    let items = [Item::F32, Item::F64, Item::I32, Item::U32, Item::I64, Item::U64, Item::Bool];
    let mut held = held.clone();
    let mut big_endian = false;
    if let Datatype::FixedPoint { byte_order, .. } | Datatype::FloatingPoint { byte_order, .. } =
        &mut held
    {
        // two types differ in their order alone
        big_endian = *byte_order == BigEndian;
        if big_endian {
            *byte_order = LittleEndian;
        }
    }
    items
        .into_iter()
        .find(|&item| datatype(item).is_ok_and(|other| other == held))
        .map(|item| (item, big_endian))
}
