//! Round trips, bit by bit, and what a state or a path cannot be.

mod damaged;

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{Entries, Header, Item, StateArray, StateData, bytes, read, write};
use crate::error::{Error, Result};

const FORMATS: [&str; 4] = ["npz", "safetensors", "h5", "HDF5"];

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn with(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn names(&self) -> Vec<String> {
        let list = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> =
            list.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn array(shape: &[usize], data: StateData) -> StateArray {
    StateArray::new(shape, data).unwrap()
}

/// What a sum or a conversion would change: NaN with a payload, a signalling one, -0, denormals, infinities.
const SINGLE: [u32; 6] =
    [0x7fc0_1234, 0xff80_0001, 0x8000_0000, 0x0000_0001, 0x7f80_0000, 0x3f80_0000];
const DOUBLE: [u64; 6] = [
    0x7ff8_0000_dead_beef,
    0xfff0_0000_0000_0001,
    0x8000_0000_0000_0000,
    1,
    0xfff0_0000_0000_0000,
    0x3ff0_0000_0000_0000,
];

/// Each type in a row, in a table, as a scalar, and empty.
fn all() -> Entries {
    let data = [
        StateData::F32(SINGLE.map(f32::from_bits).into()),
        StateData::F64(DOUBLE.map(f64::from_bits).into()),
        StateData::I32(vec![i32::MIN, -1, 0, 1, 2, i32::MAX]),
        StateData::U32(vec![0, 1, 2, 3, 1 << 31, u32::MAX]),
        StateData::I64(vec![i64::MIN, -1, 0, 1, 2, i64::MAX]),
        StateData::U64(vec![0, 1, 2, 3, 1 << 63, u64::MAX]),
        StateData::Bool(vec![true, false, true, true, false, false]),
    ];
    let mut entries = Entries::new();
    for data in data {
        let name = data.type_name();
        let first = |n: usize| match &data {
            StateData::F32(data) => StateData::F32(data[..n].into()),
            StateData::F64(data) => StateData::F64(data[..n].into()),
            StateData::I32(data) => StateData::I32(data[..n].into()),
            StateData::U32(data) => StateData::U32(data[..n].into()),
            StateData::I64(data) => StateData::I64(data[..n].into()),
            StateData::U64(data) => StateData::U64(data[..n].into()),
            StateData::Bool(data) => StateData::Bool(data[..n].into()),
        };
        for (kind, shape, count) in [
            ("empty", &[0][..], 0),
            ("hollow", &[2, 0, 3], 0),
            ("row", &[6], 6),
            ("scalar", &[], 1),
            ("table", &[2, 3, 1], 6),
        ] {
            entries.push((format!("{name}.{kind}"), array(shape, first(count))));
        }
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries
}

#[track_caller]
fn same(a: &Entries, b: &Entries) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert_eq!((&a.0, a.1.shape()), (&b.0, b.1.shape()));
        assert_eq!(a.1.data().type_name(), b.1.data().type_name(), "{}", a.0);
        assert_eq!(bytes::of(a.1.data()), bytes::of(b.1.data()), "{}", a.0);
    }
}

fn any(path: &Path) -> Result<Entries> {
    read(path, |_| Ok(()))
}

/// The message, without the folder of the file.
#[track_caller]
fn says(path: &Path, text: &str) {
    let error = any(path).unwrap_err();
    assert!(matches!(error, Error::File { .. }), "{error}");
    let folder = format!("{}{}", path.parent().unwrap().display(), std::path::MAIN_SEPARATOR);
    assert_eq!(error.to_string().replace(&folder, ""), text);
}

#[track_caller]
fn contains(path: &Path, text: &str) {
    let error = any(path).unwrap_err();
    assert!(matches!(error, Error::File { .. }), "{error}");
    assert!(error.to_string().contains(text), "{error}");
}

const AGAIN: &str = "take another copy of the file, or save the state again";

/// An array as numpy writes it.
fn npy(kind: &str, shape: &str, body: &[u8]) -> Vec<u8> {
    ordered(kind, shape, "False", body)
}

fn ordered(kind: &str, shape: &str, columns: &str, body: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': {columns}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(body);
    bytes
}

fn archive(members: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn every_type_and_shape_comes_back_bit_by_bit() {
    let folder = Folder::new();
    for format in FORMATS {
        let path = folder.path(&format!("state.{format}"));
        let entries = all();
        write(&path, &entries).unwrap();
        same(&any(&path).unwrap(), &entries);
        // the order of keys is that of their bytes, whatever it was
        write(&path, &entries.iter().rev().cloned().collect()).unwrap();
        same(&any(&path).unwrap(), &entries);
        write(&path, &Entries::new()).unwrap();
        same(&any(&path).unwrap(), &Entries::new());
    }
    assert_eq!(folder.names(), ["state.HDF5", "state.h5", "state.npz", "state.safetensors"]);
}

#[test]
fn many_keys_and_strange_ones() {
    let folder = Folder::new();
    let one = |k: usize| array(&[], StateData::U32(vec![k as u32]));
    let mut entries: Entries = (0..3000).map(|k| (format!("Network{k}.E.V"), one(k))).collect();
    for key in ["Ω.V", " ", "a b", "..a", "x.npy", "\"", "dsrunner.checksum", "data_offsets"] {
        entries.push((key.into(), one(1)));
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    for format in FORMATS {
        let path = folder.path(&format!("state.{format}"));
        write(&path, &entries).unwrap();
        same(&any(&path).unwrap(), &entries);
    }
}

#[test]
fn equal_states_are_equal_files() {
    let folder = Folder::new();
    for format in FORMATS {
        let [a, b] = ["a", "b"].map(|name| folder.path(&format!("{name}.{format}")));
        write(&a, &all()).unwrap();
        write(&b, &all()).unwrap();
        assert!(fs::read(a).unwrap() == fs::read(b).unwrap(), "{format}");
    }
}

#[test]
fn arrays_of_ndarray() {
    let table = ndarray::array![[1i64, 2, 3], [4, 5, 6]];
    // not row by row in memory, but still in the array
    let turned = StateArray::from(table.clone().reversed_axes());
    assert_eq!(turned, array(&[3, 2], StateData::I64(vec![1, 4, 2, 5, 3, 6])));
    let back = ndarray::ArrayD::<i64>::try_from(turned.clone()).unwrap();
    assert_eq!(back, table.reversed_axes().into_dyn());
    let error = ndarray::ArrayD::<u64>::try_from(turned).unwrap_err();
    assert_eq!(error.to_string(), "`StateArray` holds i64 values, not u64");
    for (shape, count) in [(vec![2, 3], 5), (vec![], 0), (vec![usize::MAX, 2], 2), (vec![0], 1)] {
        let error = StateArray::new(&shape[..], StateData::Bool(vec![true; count])).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "`shape` is {shape:?}, but must be a shape of as many elements as there are, {count}"
            )
        );
    }
    assert!(StateArray::new([0, usize::MAX, 2], StateData::F32(vec![])).is_ok());
}

#[test]
fn names_that_say_no_format() {
    let folder = Folder::new();
    for name in ["state", "state.npy", "npz", "state.npz.bak"] {
        let text = format!(
            "{name}: the name must end with a format: `.npz`, `.safetensors`, `.h5` or `.hdf5`"
        );
        says(&folder.path(name), &text);
        let error = write(&folder.path(name), &all()).unwrap_err().to_string();
        assert!(error.ends_with(&text), "{error}");
    }
    assert!(folder.names().is_empty());
}

#[test]
fn keys_that_cannot_be() {
    let folder = Folder::new();
    let long = "x".repeat(1025);
    let rule =
        "but must be one like `E.V`: at most 1024 bytes, without slashes and control characters";
    for format in FORMATS {
        let path = folder.with(&format!("state.{format}"), "old");
        for (key, reason) in [
            ("", "is empty"),
            (&long, "is too long"),
            ("../x", "is a path"),
            ("/etc/x", "is a path"),
            ("..", "is a path"),
            ("c:\\x", "is a path"),
            ("a\nb", "has control characters"),
            ("__metadata__", "is reserved"),
        ] {
            let entries = vec![(key.to_owned(), array(&[1], StateData::F32(vec![1.0])))];
            let error = write(&path, &entries).unwrap_err().to_string();
            assert!(error.ends_with(&format!("`: the name {reason}, {rule}")), "{error}");
        }
        let one = ("E.V".to_owned(), array(&[1], StateData::F32(vec![1.0])));
        let error = write(&path, &vec![one.clone(), one]).unwrap_err().to_string();
        let text = "member `E.V`: is there twice, but each name must be there once";
        assert!(error.ends_with(text), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }
    assert_eq!(folder.names().len(), FORMATS.len());
}

#[test]
fn a_failed_write_leaves_the_old_file_and_nothing_else() {
    let folder = Folder::new();
    for format in FORMATS {
        let path = folder.path(&format!("none/state.{format}"));
        let error = write(&path, &all()).unwrap_err().to_string();
        assert!(error.contains("cannot be written: "), "{error}");
        // a folder in its place, which a file cannot replace
        let path = folder.path(&format!("state.{format}"));
        fs::create_dir(&path).unwrap();
        let error = write(&path, &all()).unwrap_err().to_string();
        assert!(error.contains("cannot be written: "), "{error}");
        assert_eq!(folder.names(), [format!("state.{format}")]);
        let text = format!("state.{format}: is no file, but must be one");
        says(&path, &text);
        fs::remove_dir(&path).unwrap();
    }
    // content that fails in its midst
    let path = folder.with("state.npz", "old");
    let error = super::atomic::write(&path, &all(), |file, _| {
        file.write_all(&[7; 100_000]).unwrap();
        Err("no space".into())
    });
    let text = "state.npz: cannot be written: no space";
    assert!(error.unwrap_err().to_string().ends_with(text));
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(folder.names(), ["state.npz"]);
}

#[cfg(unix)]
#[test]
fn files_are_as_open_as_others() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let (other, path) = (folder.with("other", ""), folder.path("state.npz"));
    write(&path, &all()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&path), mode(&other));
}

#[test]
fn the_caller_decides_before_elements_are_read() {
    let folder = Folder::new();
    for format in FORMATS {
        let path = folder.path(&format!("state.{format}"));
        let entries = vec![
            ("E.V".to_owned(), array(&[2, 3], StateData::F32(vec![1.0; 6]))),
            ("step".to_owned(), array(&[], StateData::U64(vec![7]))),
        ];
        write(&path, &entries).unwrap();
        let mut seen = Vec::new();
        let error = read(&path, |headers| {
            seen = headers.to_vec();
            Err(Error::file(&path, None, "not wanted"))
        });
        assert!(error.unwrap_err().to_string().ends_with("not wanted"));
        seen.sort_by(|a, b| a.key.cmp(&b.key));
        let header = |key: &str, item, shape: &[usize]| Header {
            key: key.into(),
            item,
            shape: shape.into(),
        };
        assert_eq!(seen, [header("E.V", Item::F32, &[2, 3]), header("step", Item::U64, &[])]);
    }
}

#[test]
fn elements_wait_for_the_callers_consent() {
    let folder = Folder::new();
    let wrong = npy("|b1", "(2,)", &[1, 7]);
    let path = folder.with("state.npz", archive(&[("x.npy", &wrong)], CompressionMethod::Stored));
    let error = read(&path, |_| Err(Error::file(&path, None, "not wanted"))).unwrap_err();
    assert!(error.to_string().ends_with("not wanted"), "{error}");
    contains(&path, "element 1 is 7");
}

#[test]
fn files_that_are_not_there() {
    let folder = Folder::new();
    for format in FORMATS {
        let path = folder.path(&format!("state.{format}"));
        let reason = fs::read(&path).unwrap_err();
        says(&path, &format!("state.{format}: cannot be read: {reason}"));
    }
}

#[test]
fn files_of_something_else() {
    let folder = Folder::new();
    for format in FORMATS {
        for bytes in [&b""[..], b"x", b"pre,post\n1,2\n", &[0; 4096], &[0xff; 4096]] {
            let path = folder.with(&format!("state.{format}"), bytes);
            contains(&path, &format!("state.{format}: is damaged ("));
            contains(&path, AGAIN);
        }
    }
}
