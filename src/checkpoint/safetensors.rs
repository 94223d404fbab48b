//! Files of safetensors: a header in JSON, then all bytes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};

use safetensors::tensor::{Dtype, Metadata, TensorInfo, View};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::reader::{Source, Wrong, damaged};
use super::{Entries, Header, Item, StateArray, bytes, checksum, keys};
use crate::error::Explained;

const LENGTH: u64 = size_of::<u64>() as u64;

/// The format's own limit.
const LONGEST_HEADER: u64 = 100_000_000;

pub(super) fn write(file: &mut BufWriter<&File>, entries: &Entries) -> Explained<()> {
    let about = HashMap::from([(checksum::KEY.to_owned(), checksum::of(entries))]);
    let tensors = entries.iter().map(|(key, array)| (key, Tensor(array)));
    let all = safetensors::serialize(tensors, Some(about)).map_err(|error| error.to_string())?;
    file.write_all(&all).map_err(|error| error.to_string())
}

struct Tensor<'a>(&'a StateArray);

impl View for Tensor<'_> {
    fn dtype(&self) -> Dtype {
        match self.0.data().item() {
            Item::F32 => Dtype::F32,
            Item::F64 => Dtype::F64,
            Item::I32 => Dtype::I32,
            Item::U32 => Dtype::U32,
            Item::I64 => Dtype::I64,
            Item::U64 => Dtype::U64,
            Item::Bool => Dtype::BOOL,
        }
    }

    fn shape(&self) -> &[usize] {
        self.0.shape()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        bytes::of(self.0.data())
    }

    fn data_len(&self) -> usize {
        self.0.data().len() * self.0.data().item().size()
    }
}

pub(super) struct Safetensors {
    file: File,
    headers: Vec<Header>,
    /// Where the bytes of each begin, from the start of the file.
    starts: Vec<u64>,
    checksum: Option<String>,
}

impl Safetensors {
    pub fn open(mut file: File, length: u64) -> std::result::Result<Self, Wrong> {
        let (tensors, about, start) = header(&mut file, length)?;
        let mut headers = Vec::with_capacity(tensors.len());
        let mut starts = Vec::with_capacity(tensors.len());
        for (key, info) in tensors {
            let Some(item) = item(info.dtype) else {
                let reason = format!("holds {:?}, but must hold {}", info.dtype, Item::ALL);
                return Err((Some(key), reason));
            };
            starts.push(start + info.data_offsets.0 as u64);
            headers.push(Header { key, item, shape: info.shape });
        }
        let checksum = about.and_then(|mut about| about.remove(checksum::KEY));
        Ok(Self { file, headers, starts, checksum })
    }
}

impl Source for Safetensors {
    fn headers(&self) -> &[Header] {
        &self.headers
    }

    fn bytes(&mut self, member: usize) -> Explained<Vec<u8>> {
        let size = super::reader::size(&self.headers[member]).unwrap_or(0);
        let mut bytes = Vec::new();
        self.file
            .seek(SeekFrom::Start(self.starts[member]))
            .and_then(|_| (&self.file).take(size).read_to_end(&mut bytes))
            .map_err(|error| format!("cannot be read: {error}"))?;
        Ok(bytes)
    }

    fn checksum(&self) -> Option<&str> {
        self.checksum.as_deref()
    }
}

type Tensors = Vec<(String, TensorInfo)>;
type About = Option<HashMap<String, String>>;

/// The tensors in the order of their bytes, what is said about them, and where the bytes begin.
fn header(file: &mut File, length: u64) -> std::result::Result<(Tensors, About, u64), Wrong> {
    let mut start = [0; LENGTH as usize];
    file.read_exact(&mut start).map_err(|_| {
        let reason = format!("{length} bytes, where the length of the header takes {LENGTH}");
        (None, damaged(&reason))
    })?;
    let size = u64::from_le_bytes(start);
    if size > length - LENGTH || size > LONGEST_HEADER {
        let reason = format!("a header of {size} bytes in a file of {length}");
        return Err((None, damaged(&reason)));
    }
    let mut text = Vec::new();
    file.take(size)
        .read_to_end(&mut text)
        .map_err(|error| (None, format!("cannot be read: {error}")))?;
    let FoundTensors { mut tensors, about } = serde_json::from_slice(&text)
        .map_err(|error| (None, damaged(&format!("its header: {error}"))))?;
    keys::check_all(tensors.iter().map(|(key, _)| &key[..]))
        .map_err(|(key, reason)| (Some(key.into()), reason))?;
    tensors.sort_by_key(|(_, info)| info.data_offsets);
    let end = Metadata::new(None, tensors.clone())
        .map_err(|error| (None, damaged(&error)))?
        .data_len() as u64;
    let there = length - LENGTH - size;
    if end != there {
        let reason = format!("{there} bytes of elements, where its header has {end}");
        return Err((None, damaged(&reason)));
    }
    Ok((tensors, about, LENGTH + size))
}

/// A header as it stands: a list, in which a name may be there twice, where a map would keep the last.
struct FoundTensors {
    tensors: Tensors,
    about: About,
}

impl<'de> Deserialize<'de> for FoundTensors {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Map;

        impl<'de> Visitor<'de> for Map {
            type Value = FoundTensors;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of names and tensors")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<FoundTensors, A::Error> {
                let mut found = FoundTensors { tensors: Vec::new(), about: None };
                while let Some(key) = map.next_key::<String>()? {
                    if key == "__metadata__" {
                        found.about = Some(map.next_value()?);
                    } else {
                        found.tensors.push((key, map.next_value()?));
                    }
                }
                Ok(found)
            }
        }

        from.deserialize_map(Map)
    }
}

fn item(dtype: Dtype) -> Option<Item> {
    Some(match dtype {
        Dtype::F32 => Item::F32,
        Dtype::F64 => Item::F64,
        Dtype::I32 => Item::I32,
        Dtype::U32 => Item::U32,
        Dtype::I64 => Item::I64,
        Dtype::U64 => Item::U64,
        Dtype::BOOL => Item::Bool,
        _ => return None,
    })
}
