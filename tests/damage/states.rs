//! Files of states.

use std::path::PathBuf;

use dsrunner::{Error, StateArray, StateData, state_files};

use crate::target::Target;

fn state(count: usize) -> Vec<(String, StateArray)> {
    let arrays = [
        ("E.V", vec![count], StateData::F32((0..count).map(|k| k as f32).collect())),
        ("E.spike", vec![count], StateData::Bool((0..count).map(|k| k % 3 == 0).collect())),
        ("I.V", vec![2, count], StateData::F64((0..2 * count).map(|k| k as f64).collect())),
        ("I.id", vec![count, 1], StateData::I64((0..count).map(|k| k as i64).collect())),
        ("random", vec![4], StateData::U32(vec![1, 2, 3, 4])),
        ("step", vec![], StateData::U64(vec![1 << 40])),
    ];
    let list = arrays.into_iter();
    list.map(|(key, shape, data)| (key.into(), StateArray::new(shape, data).unwrap())).collect()
}

/// A damaged file may declare as much as deflate can make of it; what it takes to read is some times that.
fn cap(bytes: &[u8]) -> usize {
    (64 << 20) + 4 * 1032 * bytes.len()
}

fn try_format(format: &str, words: &[&str], mut inputs: Vec<Vec<u8>>, count: u64) {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join(format!("state.{format}"));
    for count in [0, 3, 100] {
        state_files::write(&path, &state(count)).unwrap();
        inputs.push(std::fs::read(&path).unwrap());
    }
    Target { name: format, inputs, words, count, cap }.run(|bytes| {
        std::fs::write(&path, bytes).unwrap();
        match state_files::read(&path) {
            Ok(_) => true,
            Err(Error::File { .. }) => false,
            Err(error) => panic!("an error of another kind: {error}"),
        }
    });
}

#[test]
fn damaged_archives() {
    let words = [
        "PK\u{3}\u{4}",
        "PK\u{1}\u{2}",
        "PK\u{5}\u{6}",
        "PK\u{6}\u{6}",
        "PK\u{6}\u{7}",
        ".npy",
        "../",
        "E.V.npy",
        "(1000000000000000,)",
        "(4294967296, 4294967296)",
        "'<f8'",
        "'>c16'",
        "|O",
        "True",
        "((((",
        "dsrunner.checksum=",
    ];
    let packed = include_bytes!("../data/csr.npz").to_vec();
    // scipy's file has a text, so it is none of ours; its pieces are deflated
    let mut deflated = zip_of(&packed);
    let inputs = std::mem::take(&mut deflated);
    try_format("npz", &words, vec![inputs], 4000);
}

/// An archive whose members are deflated, as `numpy.savez_compressed` makes one.
fn zip_of(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["a", "b"] {
        zip.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        let header = format!(
            "{{'descr': '<u4', 'fortran_order': True, 'shape': ({}, 2), }}\n",
            bytes.len() / 8
        );
        zip.write_all(b"\x93NUMPY\x01\x00").unwrap();
        zip.write_all(&u16::try_from(header.len()).unwrap().to_le_bytes()).unwrap();
        zip.write_all(header.as_bytes()).unwrap();
        zip.write_all(&bytes[..bytes.len() / 8 * 8]).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn damaged_tensors() {
    let words = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        "null",
        "-1",
        "1e99",
        "\"__metadata__\":{",
        "\"dsrunner.checksum\"",
        "\"dtype\"",
        "\"shape\":[",
        "\"data_offsets\":[",
        "\"F32\"",
        "\"F4\"",
        "\"BOOL\"",
        "\\ud800",
        "../",
    ];
    try_format("safetensors", &words, vec![], 4000);
}

#[test]
fn damaged_hdf5() {
    let words = [
        "\u{89}HDF",
        "OHDR",
        "OCHK",
        "TREE",
        "SNOD",
        "HEAP",
        "GCOL",
        "FRHP",
        "FHDB",
        "BTHD",
        "BTLF",
        "FAHD",
        "FADB",
        "EAHD",
        "EADB",
        "\0\0\0\0\0\0\0\0",
    ];
    let others = ["chunked.h5", "gzip_latest.h5", "growing.h5"];
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let inputs = others.iter().map(|name| std::fs::read(folder.join(name)).unwrap()).collect();
    try_format("h5", &words, inputs, 4000);
}
