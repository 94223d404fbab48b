//! Files that go to other programs and come from them. `interop.py` beside this says what they see; it runs this with a
//! folder in `DSRUNNER_INTEROP`, once to write, once to read. Without it there is nothing to do.

use std::path::{Path, PathBuf};

use dsrunner::{StateArray, StateData, state_files};

/// Values that a conversion would change. `interop.py` has the same.
fn state() -> Vec<(String, StateArray)> {
    let single = [0x7fc0_1234, 0xff80_0001, 0x8000_0000, 1, 0xff80_0000, 0x3f80_0000];
    let double: [u64; 6] = [
        0x7ff8_0000_dead_beef,
        0xfff0_0000_0000_0001,
        0x8000_0000_0000_0000,
        1,
        0xfff0_0000_0000_0000,
        0x3ff0_0000_0000_0000,
    ];
    let arrays = [
        (&[2, 3][..], StateData::F32(single.map(f32::from_bits).into())),
        (&[6], StateData::F64(double.map(f64::from_bits).into())),
        (&[3, 2], StateData::I32(vec![i32::MIN, -1, 0, 1, 2, i32::MAX])),
        (&[6], StateData::U32(vec![0, 1, 2, 3, 1 << 31, u32::MAX])),
        (&[6, 1], StateData::I64(vec![i64::MIN, -1, 0, 1, 2, i64::MAX])),
        (&[6], StateData::U64(vec![0, 1, 2, 3, 1 << 63, u64::MAX])),
        (&[2, 3], StateData::Bool(vec![true, false, true, true, false, false])),
        (&[], StateData::U64(vec![1 << 53 | 1])),
        (&[], StateData::Bool(vec![true])),
        (&[0], StateData::F32(vec![])),
        (&[2, 0, 3], StateData::I32(vec![])),
    ];
    let names = [
        "E.f32", "E.f64", "E.i32", "E.u32", "E.i64", "E.u64", "E.bool", "Ω.step", "flag", "none",
        "hollow",
    ];
    let list = names.into_iter().zip(arrays);
    list.map(|(name, (shape, data))| (name.into(), StateArray::new(shape, data).unwrap())).collect()
}

/// Arrays as their bits, since a NaN equals nothing.
fn bits(array: &StateArray) -> (Vec<usize>, &'static str, Vec<u64>) {
    let bits = match array.data() {
        StateData::F32(data) => data.iter().map(|x| u64::from(x.to_bits())).collect(),
        StateData::F64(data) => data.iter().map(|x| x.to_bits()).collect(),
        StateData::I32(data) => data.iter().map(|&x| x as u64).collect(),
        StateData::U32(data) => data.iter().map(|&x| u64::from(x)).collect(),
        StateData::I64(data) => data.iter().map(|&x| x as u64).collect(),
        StateData::U64(data) => data.clone(),
        StateData::Bool(data) => data.iter().map(|&x| u64::from(x)).collect(),
    };
    (array.shape().to_vec(), array.data().type_name(), bits)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let list = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = list.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn files_of_other_programs_and_for_them() {
    let Some(folder) = std::env::var_os("DSRUNNER_INTEROP").map(PathBuf::from) else {
        println!("skipped: tests/interop/interop.py runs this with a folder");
        return;
    };
    for format in ["npz", "safetensors", "h5"] {
        state_files::write(folder.join("ours").join(format!("state.{format}")), &state()).unwrap();
    }
    let mut wanted = state();
    wanted.sort_by(|a, b| a.0.cmp(&b.0));
    let theirs = files(&folder.join("theirs"));
    for path in &theirs {
        let found = state_files::read(path).unwrap();
        let keys = |list: &[(String, StateArray)]| -> Vec<String> {
            list.iter().map(|(key, _)| key.clone()).collect()
        };
        assert_eq!(keys(&found), keys(&wanted), "{}", path.display());
        for ((key, a), (_, b)) in found.iter().zip(&wanted) {
            assert_eq!(bits(a), bits(b), "{}, {key}", path.display());
        }
    }
    // what no state can hold is refused by its name
    let refused = files(&folder.join("refused"));
    for path in &refused {
        let error = state_files::read(path).unwrap_err().to_string();
        println!("{error}");
        let place = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(error.contains(&format!("member `{place}`: ")), "{error}");
    }
    println!("{} files read, {} refused", theirs.len(), refused.len());
}
