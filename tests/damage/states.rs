//! Files of states.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use dsrunner::{
    Coupling, DSRunner, Error, Group, Model, Network, Projection, StateArray, StateData, StateDict,
    state_files,
};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

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

/// A damaged archive may declare as much as deflate can make of it; what it takes to read is some times that.
fn packed_cap(bytes: &[u8]) -> usize {
    (1 << 20) + 4 * 1032 * bytes.len()
}

/// Nothing in it is packed.
fn plain_cap(bytes: &[u8]) -> usize {
    (1 << 18) + 64 * bytes.len()
}

/// Chunks of up to 16 MiB are unpacked whole.
fn chunked_cap(bytes: &[u8]) -> usize {
    (48 << 20) + packed_cap(bytes)
}

fn try_format(format: &str, cap: fn(&[u8]) -> usize, words: &[&str], mut inputs: Vec<Vec<u8>>) {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join(format!("state.{format}"));
    for count in [0, 3, 100] {
        state_files::write(&path, &state(count)).unwrap();
        inputs.push(std::fs::read(&path).unwrap());
    }
    let mut runner = runner();
    runner.save_states(&path, None).unwrap();
    inputs.push(std::fs::read(&path).unwrap());
    Target { name: format, inputs, words, count: 4000, cap }.run(|bytes| {
        std::fs::write(&path, bytes).unwrap();
        load(&mut runner, &path);
        valid(&path)
    });
}

fn valid(path: &Path) -> bool {
    match state_files::read(path) {
        Ok(_) => true,
        Err(Error::File { .. }) => false,
        Err(error) => panic!("an error of another kind: {error}"),
    }
}

/// Variables of all types, with a past.
fn runner() -> DSRunner {
    let text = "
        struct State { x: f32, n: i32, m: u32 }
        struct Input { input: f32 }
        fn update(s: State, i: Input) -> State { return State(s.x + i.input, s.n, s.m + 1u); }
        fn threshold(s: State) -> bool { return s.m % 3u == 0u; }
    ";
    let group = Group::new(&Model::from_wgsl("Past", text).unwrap(), 5);
    let back = Projection::new(&group, &group).delay(0.4);
    let pull = Coupling::diffusive(&group, &group, "x").delay(0.3);
    let net = Network::new().with("group", group).with("back", back).with("pull", pull);
    let mut runner = DSRunner::builder(net).device("cpu").progress_bar(false).build().unwrap();
    runner.run(1.0).unwrap();
    runner
}

/// A file that is not taken changes nothing.
fn load(runner: &mut DSRunner, path: &Path) {
    let before = runner.state_dict().unwrap();
    match runner.load_states(path, false) {
        Ok(_) => {}
        Err(Error::File { .. } | Error::Setting { .. }) => {
            // bits, since a NaN is not equal to itself
            let texts = |state: &StateDict| format!("{state:?}");
            assert_eq!(texts(&runner.state_dict().unwrap()), texts(&before));
        }
        Err(error) => panic!("an error of another kind: {error}"),
    }
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
    try_format("npz", packed_cap, &words, vec![packed()]);
}

/// An array as numpy has it in an archive, column by column.
fn npy(shape: &str, count: u32) -> Vec<u8> {
    // padded as numpy does, so that a longer shape leaves a header that can be read
    let header =
        format!("{{'descr': '<u4', 'fortran_order': True, 'shape': {shape}, }}{:40}\n", "");
    let mut npy = b"\x93NUMPY\x01\x00".to_vec();
    npy.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    npy.extend(header.as_bytes());
    npy.extend((0..count).flat_map(u32::to_le_bytes));
    npy
}

fn zip(members: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// An archive as `numpy.savez_compressed` makes one.
fn packed() -> Vec<u8> {
    let npy = npy("(50, 2)", 100);
    zip(&[("a.npy", &npy), ("b.npy", &npy)], CompressionMethod::Deflated)
}

/// What is damaged in an archive that is whole: its checksums are right.
#[test]
fn damaged_arrays_in_archives() {
    let words = [
        "(1000000000000000,)",
        "(4294967296, 4294967296)",
        "(30000,)",
        "(0, ",
        "'<f8'",
        "'>f4'",
        "'|b1'",
        "'>c16'",
        "|O",
        "True",
        "False",
        "((((",
        "[[[[",
        "{",
        "}",
        "0x",
        "1_0",
        "'descr'",
        "'shape'",
    ];
    let inputs = vec![npy("(50, 2)", 100), npy("()", 1), npy("(3, 0)", 0), npy("(7,)", 7)];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.npz");
    let cap = |bytes: &[u8]| packed_cap(bytes) + (1 << 20);
    Target { name: "npy", inputs, words: &words, count: 4000, cap }.run(|bytes| {
        let method = match bytes.len() % 2 {
            0 => CompressionMethod::Stored,
            _ => CompressionMethod::Deflated,
        };
        std::fs::write(&path, zip(&[("x.npy", bytes)], method)).unwrap();
        valid(&path)
    });
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
    try_format("safetensors", plain_cap, &words, vec![]);
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
    let others = ["chunked.h5", "gzip.h5", "growing.h5"];
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data");
    let inputs = others.iter().map(|name| std::fs::read(folder.join(name)).unwrap()).collect();
    try_format("h5", chunked_cap, &words, inputs);
}
