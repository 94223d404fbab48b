//! Connectivity from files: what is read, and the texts of all that can be wrong with a file.

use std::io::Write;
use std::path::{Path, PathBuf};

use dsrunner::{
    Csv, DSRunner, EdgeList, Error, Id, Ids, Network, Projection, SparseMatrix, Steps, neurons,
};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

use crate::engines::on_every_engine;

/// A file that is gone when this is.
struct Temporary {
    _folder: TempDir,
    path: PathBuf,
}

fn file(name: &str, bytes: impl AsRef<[u8]>) -> Temporary {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    Temporary { _folder: folder, path }
}

fn scipy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name)
}

/// The message without the folder of the file.
#[track_caller]
fn says(path: &Path, error: &Error, text: &str) {
    assert!(matches!(error, Error::File { .. }), "{error}");
    let folder = format!("{}{}", path.parent().unwrap().display(), std::path::MAIN_SEPARATOR);
    assert_eq!(error.to_string().replace(&folder, ""), text);
}

#[track_caller]
fn edges_say(table: &str, text: &str) {
    let file = file("edges.csv", table);
    let read = EdgeList::from_csv_weighted(&file.path, "pre", "post", "synapses");
    says(&file.path, &read.unwrap_err(), text);
}

#[track_caller]
fn ids_say(table: impl AsRef<[u8]>, text: &str) {
    let file = file("cells.csv", table);
    says(&file.path, &Ids::from_csv(&file.path, "id").unwrap_err(), text);
}

fn texts(ids: &Ids) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

#[test]
fn ids_are_texts_or_integers() {
    for (a, b) in [("7", "007"), (" 7", "+7"), ("n1", " n1 "), ("0", "-0")] {
        assert_eq!(Id::from(a), Id::from(b));
    }
    assert_eq!(Id::from("720575940621039145"), Id::from(720_575_940_621_039_145_u64));
    for (a, b) in [("7", "7a"), ("n1", "N1"), ("7", "7.0"), ("7", "-7")] {
        assert_ne!(Id::from(a), Id::from(b));
    }
    let ids = Ids::new(["n1", "n30", "-2n"]).unwrap();
    assert_eq!((ids.len(), ids.is_empty()), (3, false));
    assert_eq!(ids.position("n30"), Some(1));
    assert_eq!(ids.position("n2"), None);
    assert!(ids.iter().enumerate().all(|(k, id)| ids.position(id) == Some(k)));
    let error = Ids::new([4, 7, 4]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`ids` is `4` at both 0 and 2, but must be ids that stand there once"
    );
}

#[test]
fn ids_from_a_table() {
    let table = file("cells.csv", "\u{feff}kind, id \r\n\"E, old\",007\r\n\r\nI , \r\n");
    let error = Ids::from_csv(&table.path, "id").unwrap_err();
    says(&table.path, &error, "cells.csv, line 4: `id` is empty, but must be an id");
    let table = file("cells.csv", "\u{feff}kind, id \r\n\"E, old\",a 7\r\n\r\nI , b 1 \r\n");
    assert_eq!(texts(&Ids::from_csv(&table.path, "id").unwrap()), ["a 7", "b 1"]);
    assert_eq!(texts(&Ids::from_csv(&table.path, "kind").unwrap()), ["E, old", "I"]);
    assert!(Ids::from_csv(&file("cells.csv", "id\n").path, "id").unwrap().is_empty());
}

#[test]
fn edges_between_ids() {
    let table = file("edges.csv", "synapses,pre,post\n3,b,10\n-0.5, a ,9\n1e3,b,09\n3,b,10");
    let edges = EdgeList::from_csv_weighted(&table.path, "pre", "post", "synapses").unwrap();
    assert_eq!((edges.len(), edges.is_empty()), (4, false));
    assert_eq!(texts(&edges.ids()), ["9", "10", "a", "b"]);
    assert_eq!(edges.ids().position("b"), Some(3));
    let (pre, post) = (Ids::new(["a", "b"]).unwrap(), Ids::new([8, 9, 10]).unwrap());
    let pairs = edges.between(&pre, &post).unwrap();
    assert_eq!((&pairs.pre[..], &pairs.post[..]), (&[1, 0, 1, 1][..], &[2, 1, 1, 2][..]));
    assert_eq!(pairs.weights, [3.0, -0.5, 1000.0, 3.0]);
    let plain = EdgeList::from_csv(&table.path, "pre", "post").unwrap();
    assert_eq!(plain.between(&pre, &post).unwrap().weights, [1.0; 4]);
}

#[test]
fn tables_of_another_dialect() {
    // the mark that some programs put in front does not count
    let text = "\u{feff}# made by hand\npre;post\n#1;2\n3;4\n\n# more\n5\n";
    let table = file("edges.txt", text);
    let dialect = Csv::new(&table.path).delimiter(b';').comments(b'#');
    let error = EdgeList::from_csv(dialect.clone(), "pre", "post").unwrap_err();
    says(
        &table.path,
        &error,
        "edges.txt, line 7: has 1 field, but must have 2, as line 2 does: `pre`, `post`",
    );
    std::fs::write(&table.path, text.replace("5\n", "5;6\n")).unwrap();
    let edges = EdgeList::from_csv(dialect, "pre", "post").unwrap();
    assert_eq!(texts(&edges.ids()), ["3", "4", "5", "6"]);
    // a comment is a row where it was not asked for
    let plain = EdgeList::from_csv(Csv::new(&table.path).delimiter(b';'), "pre", "post");
    says(
        &table.path,
        &plain.unwrap_err(),
        "edges.txt, line 1: no column `pre`; there is `# made by hand`",
    );
}

#[test]
fn tables_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = folder.path().join("edges.csv");
    let reason = std::fs::read(&nothing).unwrap_err();
    says(
        &nothing,
        &EdgeList::from_csv(&nothing, "pre", "post").unwrap_err(),
        &format!("edges.csv: cannot be read: {reason}"),
    );
    for empty in ["", "\u{feff}", "\n\r\n"] {
        edges_say(empty, "edges.csv: is empty, but must begin with a line of column names");
    }
    ids_say(b"id\nn1\nn\xe9\n", "cells.csv, line 3: is not UTF-8; save the file as UTF-8");
}

#[test]
fn columns_that_are_not_there() {
    edges_say(
        "pre,post,synapse\n",
        "edges.csv, line 1: no column `synapses`; did you mean `synapse`? There are `pre`, `post`, `synapse`",
    );
    edges_say(
        "\npre,post,w\n",
        "edges.csv, line 2: no column `synapses`; there are `pre`, `post`, `w`",
    );
    ids_say("id,x,id\n", "cells.csv, line 1: two columns are `id`; give one another name");
}

#[test]
fn rows_that_are_wrong() {
    let table = |row: &str| format!("pre,post,synapses\r\n1,2,5\r\n\r\n{row}\r\n3,4,5\r\n");
    for (row, text) in [
        ("1,2,x3", "`synapses` is `x3`, but must be a number"),
        ("1,2,", "`synapses` is empty, but must be a number"),
        ("1,2,NaN", "`synapses` is `NaN`, but must be a finite number"),
        ("1,2,1e999", "`synapses` is `1e999`, but must be a finite number"),
        (" ,2,1", "`pre` is empty, but must be an id"),
        ("1,\"\",1", "`post` is empty, but must be an id"),
        ("1,2", "has 2 fields, but must have 3, as line 1 does: `pre`, `post`, `synapses`"),
        ("1,2,3,4", "has 4 fields, but must have 3, as line 1 does: `pre`, `post`, `synapses`"),
    ] {
        edges_say(&table(row), &format!("edges.csv, line 4: {text}"));
    }
    // a field over two lines counts as two
    edges_say(
        "pre,post,synapses\n\"a\nb\",2,5\n3,4,x\n",
        "edges.csv, line 4: `synapses` is `x`, but must be a number",
    );
    ids_say(
        "id\n1\n7\n\n2\n007\n",
        "cells.csv, line 6: `id` is `7`, as in line 3; each id must stand there once",
    );
}

#[test]
fn edges_of_ids_that_a_list_lacks() {
    let table = file("edges.csv", "pre,post\na,b\n\nc,d\n");
    let edges = EdgeList::from_csv(&table.path, "pre", "post").unwrap();
    let ids = |list: &[&str]| Ids::new(list.iter().copied()).unwrap();
    says(
        &table.path,
        &edges.between(&ids(&["a", "b"]), &ids(&["b", "d"])).unwrap_err(),
        "edges.csv, line 4: the source `c` is none of the 2 ids of the sources; add it to them, or leave out the edge",
    );
    says(
        &table.path,
        &edges.between(&ids(&["a", "c"]), &ids(&["d", "x", "y"])).unwrap_err(),
        "edges.csv, line 2: the target `b` is none of the 3 ids of the targets; add it to them, or leave out the edge",
    );
}

#[test]
fn matrices_that_scipy_wrote() {
    for (name, weights) in [
        ("csr.npz", [1.5, -2.0, 0.25, 3.0]),
        ("csr_stored.npz", [1.5, -2.0, 0.25, 3.0]),
        ("csr_int64.npz", [1.5, -2.0, 0.25, 3.0]),
        ("csr_big_endian.npz", [1.5, -2.0, 0.25, 3.0]),
        ("csr_array_bool.npz", [1.0; 4]),
    ] {
        let matrix = SparseMatrix::from_npz(scipy(name)).unwrap();
        assert_eq!(matrix.shape(), (3, 4), "{name}");
        assert_eq!(matrix.indptr(), [0, 2, 2, 4], "{name}");
        assert_eq!(matrix.indices(), [1, 3, 0, 2], "{name}");
        assert_eq!(matrix.data(), weights, "{name}");
    }
    for format in ["csc", "coo"] {
        let path = scipy(&format!("{format}.npz"));
        says(
            &path,
            &SparseMatrix::from_npz(&path).unwrap_err(),
            &format!(
                "{format}.npz, member `format`: the matrix is in format `{format}`, but must be `csr`; \
                 save `matrix.tocsr()`"
            ),
        );
    }
    let path = scipy("csr_complex.npz");
    says(
        &path,
        &SparseMatrix::from_npz(&path).unwrap_err(),
        "csr_complex.npz, member `data`: holds complex numbers (`<c16`), but must be real; save `matrix.real` or `abs(matrix)`",
    );
}

/// An array as numpy writes it.
fn npy(kind: &str, shape: &str, body: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(body);
    bytes
}

fn integers(list: &[i64]) -> Vec<u8> {
    let body: Vec<u8> = list.iter().flat_map(|i| i.to_le_bytes()).collect();
    npy("<i8", &format!("({},)", list.len()), &body)
}

fn floats(list: &[f64]) -> Vec<u8> {
    let body: Vec<u8> = list.iter().flat_map(|x| x.to_le_bytes()).collect();
    npy("<f8", &format!("({},)", list.len()), &body)
}

/// The members of a matrix of 2 rows and 3 columns, one of them another one, or left out where it is none.
fn archive(change: &str, other: Option<Vec<u8>>) -> Vec<u8> {
    let mut members = vec![
        ("indices", integers(&[0, 2, 1])),
        ("indptr", integers(&[0, 2, 3])),
        ("format", npy("|S3", "()", b"csr")),
        ("shape", integers(&[2, 3])),
        ("data", floats(&[1.0, 2.0, 3.0])),
    ];
    members.retain(|(name, _)| *name != change);
    members.extend(other.map(|bytes| (change, bytes)));
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let stored =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file(format!("{name}.npy"), stored).unwrap();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn matrix(change: &str, other: Vec<u8>) -> dsrunner::Result<SparseMatrix> {
    SparseMatrix::from_npz(file("m.npz", archive(change, Some(other))).path)
}

#[track_caller]
fn member_says(change: &str, other: Vec<u8>, text: &str) {
    let file = file("m.npz", archive(change, Some(other)));
    let error = SparseMatrix::from_npz(&file.path).unwrap_err();
    says(&file.path, &error, &format!("m.npz, member `{change}`: {text}"));
}

const SAVE: &str = "write the file with `scipy.sparse.save_npz(path, matrix.tocsr())`";

#[test]
fn weights_of_every_type() {
    for (kind, body, wanted) in [
        ("|b1", &[1, 0, 1][..], [1.0, 0.0, 1.0]),
        ("|i1", &[255, 2, 3], [-1.0, 2.0, 3.0]),
        ("|u1", &[255, 2, 3], [255.0, 2.0, 3.0]),
        ("<i2", &[254, 255, 2, 0, 3, 0], [-2.0, 2.0, 3.0]),
        (">u2", &[1, 0, 0, 2, 0, 3], [256.0, 2.0, 3.0]),
        (">i4", &[255, 255, 255, 255, 0, 0, 0, 2, 0, 0, 0, 3], [-1.0, 2.0, 3.0]),
        ("<u4", &[255, 255, 255, 255, 2, 0, 0, 0, 3, 0, 0, 0], [4_294_967_295.0, 2.0, 3.0]),
    ] {
        assert_eq!(matrix("data", npy(kind, "(3,)", body)).unwrap().data(), wanted, "{kind}");
    }
    let body = |bytes: [[u8; 8]; 3]| bytes.concat();
    let signed = body([-1i64, 2, 3].map(i64::to_le_bytes));
    assert_eq!(matrix("data", npy("<i8", "(3,)", &signed)).unwrap().data(), [-1.0, 2.0, 3.0]);
    let unsigned = body([1u64 << 63, 2, 3].map(u64::to_be_bytes));
    let read = matrix("data", npy(">u8", "(3,)", &unsigned)).unwrap();
    assert_eq!(read.data(), [9_223_372_036_854_775_808.0, 2.0, 3.0]);
    let single: Vec<u8> = [0.5f32, 2.0, 3.0].iter().flat_map(|x| x.to_be_bytes()).collect();
    assert_eq!(matrix("data", npy(">f4", "(3,)", &single)).unwrap().data(), [0.5, 2.0, 3.0]);
    // a text of numpy's other kind, and a header of the second version
    let text: Vec<u8> = "csr".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    assert!(matrix("format", npy("<U3", "()", &text)).is_ok());
    let mut second = floats(&[1.0, 2.0, 3.0]);
    second[6] = 2;
    second.splice(10..10, [0, 0]);
    assert_eq!(matrix("data", second).unwrap().data(), [1.0, 2.0, 3.0]);
}

#[test]
fn archives_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = folder.path().join("m.npz");
    let reason = std::fs::read(&nothing).unwrap_err();
    says(
        &nothing,
        &SparseMatrix::from_npz(&nothing).unwrap_err(),
        &format!("m.npz: cannot be read: {reason}"),
    );
    for bytes in [std::fs::read(scipy("truncated.npz")).unwrap(), b"pre,post\n".to_vec(), vec![]] {
        let file = file("m.npz", bytes);
        let text = SparseMatrix::from_npz(&file.path).unwrap_err().to_string();
        assert!(text.contains("m.npz: is no npz archive ("), "{text}");
        assert!(text.ends_with(SAVE), "{text}");
    }
    // a bit of the data that is another one
    let mut bytes = archive("", None);
    let at = bytes.windows(8).position(|w| w == 3f64.to_le_bytes()).unwrap();
    bytes[at + 6] ^= 1;
    let file = file("m.npz", bytes);
    let text = SparseMatrix::from_npz(&file.path).unwrap_err().to_string();
    assert!(text.contains("m.npz, member `data`: is damaged (Invalid checksum); "), "{text}");
}

#[test]
fn members_that_are_not_there() {
    for (name, others) in [
        ("format", "`indices`, `indptr`, `shape`, `data`"),
        ("shape", "`indices`, `indptr`, `format`, `data`"),
        ("indptr", "`indices`, `format`, `shape`, `data`"),
        ("indices", "`indptr`, `format`, `shape`, `data`"),
        ("data", "`indices`, `indptr`, `format`, `shape`"),
    ] {
        let file = file("m.npz", archive(name, None));
        says(
            &file.path,
            &SparseMatrix::from_npz(&file.path).unwrap_err(),
            &format!("m.npz: no member `{name}`; there are {others}; {SAVE}"),
        );
    }
}

#[test]
fn members_of_another_kind() {
    let broken = |reason: &str| format!("is damaged ({reason}); {SAVE}");
    let several = format!("has several axes, but must have one; {SAVE}");
    member_says("format", integers(&[1]), &format!("holds `<i8`, but must be one text; {SAVE}"));
    member_says("indices", floats(&[0.0, 2.0, 1.0]), "holds `<f8`, but must be int32 or int64");
    member_says(
        "indptr",
        npy("<i4", "()", &[0; 4]),
        &format!("has no axis, but must have one; {SAVE}"),
    );
    member_says("indices", npy("<i4", "(3, 1)", &[0; 12]), &several);
    member_says("data", npy("<f8", "(1, 3)", &[0; 24]), &several);
    member_says(
        "data",
        npy("<f2", "(3,)", &[0; 6]),
        "holds `<f2`, but must be bool, integers, float32 or float64; save `matrix.astype(float)`",
    );
    member_says("data", b"{}".to_vec(), &broken("failed to fill whole buffer"));
    member_says("data", b"not an array at all".to_vec(), &broken("no array of numpy"));
    member_says(
        "data",
        npy("<q8", "(3,)", &[]),
        &broken("invalid type string: Invalid type-string"),
    );
    member_says("data", npy("|O", "(3,)", &[]), &broken("items of no fixed size"));
    let mut structured = npy("<f8", "(3,)", &[0; 24]);
    let at = structured.windows(5).position(|w| w == b"'<f8'").unwrap();
    structured.splice(at..at + 5, *b"[('x', '<f8')]");
    structured[8] += 9;
    let plain = format!("is a structured array, but must be plain; {SAVE}");
    member_says("data", structured, &plain);
    let nested = npy("<f8", &format!("{}3{}", "(".repeat(200), ")".repeat(200)), &[0; 24]);
    let error = matrix("data", nested).unwrap_err().to_string();
    assert!(error.contains("member `data`: is damaged ("), "{error}");
    // sizes that are declared, but not there: neither memory nor an overflow
    for huge in ["(4611686018427387904,)", "(1152921504606846976,)", "(9,)"] {
        let file = file("m.npz", archive("data", Some(npy("<f8", huge, &[0; 24]))));
        let error = SparseMatrix::from_npz(&file.path).unwrap_err().to_string();
        assert!(error.contains("m.npz, member `data`: is damaged ("), "{huge}: {error}");
    }
    member_says("data", npy("<f8", "(4294967296, 4294967296)", &[]), &several);
    member_says(
        "data",
        npy("<f8", "(2,)", &[0; 24]),
        &broken("more bytes than the 16 of its shape"),
    );
    member_says(
        "data",
        npy("<f8", "(4,)", &[0; 24]),
        &broken("fewer bytes than the 32 of its shape"),
    );
    let mut long = floats(&[1.0, 2.0, 3.0]);
    (long[6], long[9]) = (2, 3);
    member_says("data", long, &broken("a header of 662373178 bytes"));
}

#[test]
fn matrices_that_contradict_themselves() {
    member_says(
        "shape",
        integers(&[2]),
        "the shape is [2], but must be rows and columns; save a matrix of two axes",
    );
    for shape in [[2, -3], [1 << 40, 3]] {
        let text =
            format!("the shape is {shape:?}, but must be rows and columns of at most 2^32 - 1");
        member_says("shape", integers(&shape), &text);
    }
    member_says(
        "indptr",
        integers(&[0, 3]),
        "has 2 entries, but must have one more than there are rows, 3",
    );
    member_says("indptr", integers(&[0, 4, 3]), "falls from 4 to 3 in row 1, but must rise");
    for (indptr, ends) in [([0, 2, 4], "0 to 4"), ([1, 2, 3], "1 to 3"), ([-1, 2, 3], "-1 to 3")] {
        let text = format!("goes from {ends}, but must go from 0 to the number of indices, 3");
        member_says("indptr", integers(&indptr), &text);
    }
    for (indices, text) in [
        ([0, 2, 3], "row 1 has index 3; there are 3 columns, numbered from 0"),
        ([0, -1, 2], "row 0 has index -1; there are 3 columns, numbered from 0"),
        ([1 << 32, 1, 2], "row 0 has index 4294967296; there are 3 columns, numbered from 0"),
    ] {
        member_says("indices", integers(&indices), text);
    }
    member_says("data", floats(&[1.0, 2.0]), "has 2 entries, but must have one for each index, 3");
    member_says(
        "data",
        floats(&[1.0, f64::NAN, 3.0]),
        "entry 1 is NaN, but must be a finite number",
    );
}

/// A spike of the sources makes the targets' conductances the weights that the file gives.
fn conductances(
    device: &str,
    targets: usize,
    projection: impl Fn(&dsrunner::Group, &dsrunner::Group) -> Projection,
) -> Vec<f32> {
    let from = neurons::lif(3).init("V", 1e3);
    let to = neurons::lif(targets).param("V_th", 1e9);
    let forward = projection(&from, &to);
    let net = Network::new().with("from", from).with("to", to).with("forward", forward);
    let mut runner = DSRunner::builder(net)
        .monitor("forward.g")
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    runner.run(Steps(2)).unwrap();
    let g = runner.mon().get::<f32>("forward.g").unwrap();
    g.index_axis(ndarray::Axis(0), 1).iter().copied().collect()
}

fn projections_from_files_run(device: &str) {
    let matrix = SparseMatrix::from_npz(scipy("csr.npz")).unwrap();
    let dense = conductances(device, 4, |from, to| {
        Projection::new(from, to).connect(matrix.connect()).weight(matrix.data())
    });
    assert_eq!(dense, [0.25, 1.5, 3.0, -2.0]);

    let table = file("edges.csv", "pre,post,w\nc,9,0.5\na,7,-2\na,9,0.25\nb,8,3\n");
    let edges = EdgeList::from_csv_weighted(&table.path, "pre", "post", "w").unwrap();
    let (pre, post) = (Ids::new(["a", "b", "c"]).unwrap(), Ids::new([9, 8, 7, 6]).unwrap());
    let pairs = edges.between(&pre, &post).unwrap();
    let summed = conductances(device, 4, |from, to| {
        Projection::new(from, to).connect(pairs.connect()).weight(pairs.weights.clone())
    });
    assert_eq!(summed, [0.75, 3.0, -2.0, 0.0]);
}

on_every_engine!(projections_from_files_run);
