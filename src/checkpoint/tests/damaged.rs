//! Files that are damaged, lie, or come from other programs.

use super::super::checksum;
use super::*;

#[test]
fn truncated_files() {
    let folder = Folder::new();
    for format in FORMATS {
        let path = folder.path(&format!("state.{format}"));
        write(&path, &all()).unwrap();
        let bytes = fs::read(&path).unwrap();
        for length in (0..bytes.len()).step_by(7).chain([bytes.len() - 1]) {
            fs::write(&path, &bytes[..length]).unwrap();
            let error = any(&path).unwrap_err();
            assert!(matches!(error, Error::File { .. }), "{format}, {length}: {error}");
        }
    }
}

/// A flipped bit is found, or is none that the state has.
#[test]
fn one_bit_that_is_another() {
    let folder = Folder::new();
    let entries = vec![
        ("E.V".to_owned(), array(&[2, 3], StateData::F32(SINGLE.map(f32::from_bits).into()))),
        ("E.spike".to_owned(), array(&[3], StateData::Bool(vec![true, false, true]))),
        ("step".to_owned(), array(&[], StateData::U64(vec![7]))),
    ];
    for format in ["npz", "safetensors", "h5"] {
        let path = folder.path(&format!("state.{format}"));
        write(&path, &entries).unwrap();
        let bytes = fs::read(&path).unwrap();
        let mut passed = 0;
        for bit in 0..8 * bytes.len() {
            let mut other = bytes.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, other).unwrap();
            match any(&path) {
                // the name of the checksum itself, padding, dates
                Ok(found) => {
                    same(&found, &entries);
                    passed += 1;
                }
                Err(error) => assert!(matches!(error, Error::File { .. }), "{error}"),
            }
        }
        assert!(passed < 4 * bytes.len(), "{format}: {passed} of {} bits", 8 * bytes.len());
    }
}

#[test]
fn checksums_that_are_wrong_or_missing() {
    let folder = Folder::new();
    let entries = vec![("step".to_owned(), array(&[], StateData::U64(vec![7])))];
    let sum = checksum::of(&entries);
    for format in ["npz", "safetensors"] {
        let path = folder.path(&format!("state.{format}"));
        write(&path, &entries).unwrap();
        let bytes = fs::read(&path).unwrap();
        let at = bytes.windows(sum.len()).position(|w| w == sum.as_bytes()).unwrap();
        let mut other = bytes.clone();
        other[at..at + sum.len()].copy_from_slice(b"crc32:00000000");
        fs::write(&path, other).unwrap();
        let text = format!(
            "state.{format}: is damaged (the checksum is `crc32:00000000`, not `{sum}`); {AGAIN}"
        );
        says(&path, &text);
    }
    // a file that says nothing of a checksum is one of another program
    let path = folder.with(
        "state.safetensors",
        tensors(r#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, &[0; 4]),
    );
    same(&any(&path).unwrap(), &vec![("x".into(), array(&[1], StateData::F32(vec![0.0])))]);
}

#[track_caller]
fn member_says(array: &[u8], text: &str) {
    let folder = Folder::new();
    let bytes = archive(&[("x.npy", array)], CompressionMethod::Stored);
    says(&folder.with("state.npz", bytes), &format!("state.npz, member `x`: {text}"));
}

#[test]
fn archives_of_other_programs() {
    let folder = Folder::new();
    let single = |swap: bool| -> Vec<u8> {
        SINGLE.iter().flat_map(|x| if swap { x.to_be_bytes() } else { x.to_le_bytes() }).collect()
    };
    let wanted = array(&[2, 3], StateData::F32(SINGLE.map(f32::from_bits).into()));
    let columns: Vec<u8> =
        [0, 3, 1, 4, 2, 5].iter().flat_map(|&k: &usize| SINGLE[k].to_le_bytes()).collect();
    for member in [
        npy("<f4", "(2, 3)", &single(false)),
        npy(">f4", "(2, 3)", &single(true)),
        ordered("<f4", "(2, 3)", "True", &columns),
    ] {
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let path = folder.with("state.npz", archive(&[("x.npy", &member)], method));
            same(&any(&path).unwrap(), &vec![("x".into(), wanted.clone())]);
        }
    }
}

#[test]
fn archives_that_are_wrong() {
    let folder = Folder::new();
    let x = npy("<f4", "(1,)", &[0; 4]);
    let rule =
        "but must be one like `E.V`: at most 1024 bytes, without slashes and control characters";
    for (name, key) in [
        ("../x.npy", "../x"),
        ("/etc/x.npy", "/etc/x"),
        ("a/../../x.npy", "a/../../x"),
        ("..\\x.npy", "..\\\\x"),
    ] {
        let path = folder.with("state.npz", archive(&[(name, &x)], CompressionMethod::Stored));
        says(&path, &format!("state.npz, member `{key}`: the name is a path, {rule}"));
    }
    let path = folder.with("state.npz", archive(&[("x.txt", b"x")], CompressionMethod::Stored));
    says(
        &path,
        "state.npz, member `x.txt`: is no array; an npz archive must hold members `NAME.npy` alone",
    );
    // two members of one name, which a writer refuses
    let mut bytes = archive(&[("x.npy", &x), ("y.npy", &x)], CompressionMethod::Stored);
    for at in 0..bytes.len() - 5 {
        if bytes[at..].starts_with(b"y.npy") {
            bytes[at] = b'x';
        }
    }
    let path = folder.with("state.npz", bytes);
    says(
        &path,
        &format!(
            "state.npz: is damaged (a name is there twice, but each must be there once); {AGAIN}"
        ),
    );
    let damaged = |reason: &str| format!("is damaged ({reason}); {AGAIN}");
    member_says(
        &npy("<c16", "(1,)", &[0; 16]),
        "holds `<c16`, but must hold f32, f64, i32, u32, i64, u64 or bool",
    );
    member_says(&npy("|b1", "(2,)", &[1, 7]), "element 1 is 7, but a bool must be 0 or 1");
    member_says(&npy("<f4", "(2,)", &[0; 4]), &damaged("4 bytes, but shape [2] of f32 has 8"));
    member_says(&npy("<f4", "(2,)", &[0; 12]), &damaged("9 bytes, but shape [2] of f32 has 8"));
    member_says(
        &npy("<f4", "((1, 2), 3)", &[0; 4]),
        "must be a plain array, not one of structures",
    );
    member_says(b"no array at all", &damaged("no array of numpy"));
    for huge in [
        "(1000000000000000,)",
        "(4611686018427387904, 4611686018427387904)",
        "(99999999999999999999,)",
        "(0, 4611686018427387904, 4611686018427387904)",
    ] {
        let bytes = archive(&[("x.npy", &npy("<f8", huge, &[0; 24]))], CompressionMethod::Stored);
        contains(&folder.with("state.npz", bytes), "state.npz, member `x`: is damaged (");
    }
}

#[test]
fn archives_that_would_burst() {
    let folder = Folder::new();
    // a thousandth of its size
    let zeros = npy("<f4", "(4000000,)", &vec![0; 16_000_000]);
    let mut bytes = archive(&[("x.npy", &zeros)], CompressionMethod::Deflated);
    assert!(bytes.len() < 20_000);
    let path = folder.with("state.npz", &bytes);
    assert!(any(&path).is_ok());
    let error = read(&path, |headers| {
        assert_eq!(headers[0].shape, [4_000_000]);
        Err(Error::file(&path, None, "not wanted"))
    });
    assert!(error.is_err());
    // one that says that it is small, and is not
    let small = npy("<f4", "(4,)", &vec![0; 16_000_000]);
    bytes = archive(&[("x.npy", &small)], CompressionMethod::Deflated);
    let text = format!("is damaged (17 bytes, but shape [4] of f32 has 16); {AGAIN}");
    says(&folder.with("state.npz", bytes), &format!("state.npz, member `x`: {text}"));
}

fn tensors(header: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(body);
    bytes
}

#[test]
fn tensors_that_are_wrong() {
    let folder = Folder::new();
    let check = |header: &str, body: &[u8], text: &str| {
        let path = folder.with("state.safetensors", tensors(header, body));
        says(&path, &format!("state.safetensors{text}"));
    };
    let x = r#""x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
    check(
        &format!("{{{x},{x}}}"),
        &[0; 4],
        ", member `x`: is there twice, but each name must be there once",
    );
    let overlap = x.replace("\"x\"", "\"y\"");
    check(
        &format!("{{{x},{overlap}}}"),
        &[0; 4],
        &format!(": is damaged (invalid offset for tensor `y`); {AGAIN}"),
    );
    check(
        &format!("{{{x}}}"),
        &[0; 8],
        &format!(": is damaged (8 bytes of elements, where its header has 4); {AGAIN}"),
    );
    check(
        r#"{"x":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}"#,
        &[0; 2],
        ", member `x`: holds F16, but must hold f32, f64, i32, u32, i64, u64 or bool",
    );
    check(
        r#"{"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#,
        &[0; 4],
        &format!(
            ": is damaged (overflow computing buffer size from shape and/or element type); {AGAIN}"
        ),
    );
    check(
        r#"{"../x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        &[0; 4],
        ", member `../x`: the name is a path, but must be one like `E.V`: at most 1024 bytes, \
         without slashes and control characters",
    );
    check(
        r#"{"x":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}"#,
        &[2],
        ", member `x`: element 0 is 2, but a bool must be 0 or 1",
    );
    let mut long = tensors("{}", &[]);
    long[..8].copy_from_slice(&(1u64 << 60).to_le_bytes());
    let path = folder.with("state.safetensors", long);
    says(
        &path,
        &format!(
            "state.safetensors: is damaged (a header of 1152921504606846976 bytes in a file of 10); {AGAIN}"
        ),
    );
    let path = folder.with("state.safetensors", tensors("[]", &[]));
    contains(&path, "state.safetensors: is damaged (its header: ");
}

fn dataset(build: impl FnOnce(&mut hdf5_pure::FileBuilder)) -> Vec<u8> {
    let mut builder = hdf5_pure::FileBuilder::new();
    build(&mut builder);
    builder.finish().unwrap()
}

#[test]
fn datasets_that_are_wrong() {
    let folder = Folder::new();
    let check = |bytes: Vec<u8>, text: &str| {
        let path = folder.with("state.h5", bytes);
        contains(&path, &format!("state.h5{text}"));
    };
    check(
        dataset(|file| {
            let mut group = file.create_group("E");
            group.create_dataset("V").with_f32_data(&[1.0]);
            file.add_group(group.finish());
        }),
        ", member `E`: is a group, but must be a dataset; put all at the root, named like `E.V`",
    );
    check(
        dataset(|file| {
            file.create_dataset("x").with_u8_data(&[1]);
        }),
        ", member `x`: holds u8, but must hold f32, f64, i32, u32, i64, u64 or bool",
    );
    check(
        dataset(|file| {
            file.create_dataset("x").with_f32_data(&[1.0]);
            file.set_attr("dsrunner.checksum", hdf5_pure::AttrValue::AsciiString("crc32:0".into()));
        }),
        ": is damaged (the checksum is `crc32:0`, not `crc32:",
    );
    // a chunk that is unpacked whole, for one element
    check(
        dataset(|file| {
            let unlimited = [hdf5_pure::MaxExtent::Unlimited];
            let one = file.create_dataset("x").with_f32_data(&[1.0]);
            one.with_maxshape(&unlimited).with_chunks(&[8 << 20]).with_deflate(6);
        }),
        ", member `x`: has chunks of shape [8388608], but must have smaller ones",
    );
}

#[test]
fn chunks_that_are_not_in_the_file() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/chunked.h5");
    let mut bytes = fs::read(data).unwrap();
    // the tree of a dataset's chunks, whose entries begin with their size
    let at = bytes.windows(6).position(|w| w == b"TREE\x01\x00").unwrap() + 24;
    bytes[at..at + 4].copy_from_slice(&0x2828_2828u32.to_le_bytes());
    let folder = Folder::new();
    let path = folder.with("state.h5", bytes);
    contains(&path, "is damaged (a chunk of 673720360 bytes at ");
}
