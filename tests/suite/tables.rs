//! Tables of edges and cells: ids, rows that count, columns that are kept, edges that are left out; and texts in other encodings.

use std::path::PathBuf;

use dsrunner::{Csv, EdgeList, Error, Id, Ids, Kernel, Model};

fn table(folder: &tempfile::TempDir, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// What is said of a table, behind its path.
fn says<T>(path: &std::path::Path, result: dsrunner::Result<T>) -> String {
    let error = result.map(drop).unwrap_err();
    assert!(matches!(error, Error::File { .. }), "{error}");
    error.to_string().replace(&format!("{}", path.display()), "table")
}

fn texts(ids: &Ids) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

#[test]
fn a_column_has_integers_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let rule = "of the ids of a column all are integers, or none: write them in one way, or take them as texts by `Csv::texts`";
    for (cells, line, second, first) in [
        ("12\n12.0\n", 3, "`12.0`, no integer", "`12` before it is an integer"),
        ("12.0\n\n12\n", 4, "`12`, an integer", "`12.0` before it is no integer"),
        ("n1\n30\n", 3, "`30`, an integer", "`n1` before it is no integer"),
        ("7\n8\n1_000\n", 4, "`1_000`, no integer", "`7` before it is an integer"),
        ("7\n0x10\n", 3, "`0x10`, no integer", "`7` before it is an integer"),
        ("7\nNaN\n", 3, "`NaN`, no integer", "`7` before it is an integer"),
        // beyond 128 bits
        (
            &format!("7\n1{}\n", "0".repeat(40)),
            3,
            &format!("`1{}`, no integer", "0".repeat(40)),
            "`7` before it is an integer",
        ),
    ] {
        let path = table(&folder, "cells.csv", format!("id\n{cells}"));
        let text = format!("table, line {line}: `id` is {second}, but {first}; {rule}");
        assert_eq!(says(&path, Ids::from_csv(&path, "id")), text);
        // ends of edges, each for itself
        let edges = cells.replace('\n', ",x\n").replace("\n,x\n", "\n\n");
        let path = table(&folder, "edges.csv", format!("id,to\n{edges}"));
        assert_eq!(says(&path, EdgeList::from_csv(&path, "id", "to")), text);
        let back = cells.lines().filter(|id| !id.is_empty()).map(|id| format!("x,{id}\n"));
        let path = table(&folder, "edges.csv", format!("from,id\n{}", back.collect::<String>()));
        assert!(says(&path, EdgeList::from_csv(&path, "from", "id")).ends_with(rule));
    }
    // all or none
    let of = |cells: &str| {
        let path = table(&folder, "cells.csv", format!("id\n{cells}"));
        texts(&Ids::from_csv(&path, "id").unwrap())
    };
    assert_eq!(
        of("720575940621039145\n720575940621039146\n-3\n+4\n"),
        ["720575940621039145", "720575940621039146", "-3", "4"]
    );
    assert_eq!(of("1.1\n1.10\n2.0\n"), ["1.1", "1.10", "2.0"]);
    assert_eq!(of("a7\n7a\n"), ["a7", "7a"]);
    let error = Ids::new(["12", "12.0"]).unwrap_err().to_string();
    assert_eq!(
        error,
        "`ids` is `12` at 0, an integer, and `12.0` at 1, no integer, but must be ids of which all are integers, or none"
    );
}

#[test]
fn ids_with_an_exponent_may_have_lost_digits() {
    let folder = tempfile::tempdir().unwrap();
    for id in ["7.20575940621039e+17", "1e3", "-1E3", "1.e-5", "12e45"] {
        let path = table(&folder, "cells.csv", format!("id\nx1\n{id}\n{id}\n"));
        assert_eq!(
            says(&path, Ids::from_csv(&path, "id")),
            format!(
                "table, line 3: `id` is `{id}`, a number with an exponent, which may have lost digits; write ids in full, or \
                 take them as texts by `Csv::texts`"
            )
        );
    }
    let path = table(&folder, "cells.csv", "id\ne3\n1e\nE\n3e4x\n");
    assert_eq!(texts(&Ids::from_csv(&path, "id").unwrap()), ["e3", "1e", "E", "3e4x"]);
}

#[test]
fn ids_as_texts_where_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = table(&folder, "cells.csv", "id\n12\n012\n12.0\n1e3\na\n");
    let ids = Ids::from_csv(Csv::new(&path).texts(), "id").unwrap();
    assert_eq!(texts(&ids), ["12", "012", "12.0", "1e3", "a"]);
    assert_eq!(ids.position(Id::text("012")), Some(1));
    let path = table(&folder, "edges.csv", "pre,post\n12,1e3\n12.0,012\n");
    let edges = EdgeList::from_csv(Csv::new(&path).texts(), "pre", "post").unwrap();
    let pairs = edges.between(&ids, &ids).unwrap();
    assert_eq!((pairs.pre, pairs.post), (vec![0, 2], vec![3, 1]));
}

#[test]
fn integers_and_texts_do_not_meet() {
    // as a program writes integers that it made floats of
    let folder = tempfile::tempdir().unwrap();
    let path = table(&folder, "edges.csv", "pre,post\n12.0,a\n13.0,b\n");
    let edges = EdgeList::from_csv(&path, "pre", "post").unwrap();
    let (pre, post) = (Ids::new([12, 13]).unwrap(), Ids::new(["a", "b"]).unwrap());
    let text = "table, line 2: the source `12.0` is no integer, but the ids of the sources are, such as `12`; write both \
                in one way, or take both as texts by `Csv::texts`";
    assert_eq!(says(&path, edges.within(&pre, &post)), text);
    assert_eq!(says(&path, edges.between(&pre, &post)), text);
    // a list of both, as that of all ends
    let pairs = edges.within(&edges.ids(), &edges.ids()).unwrap();
    assert_eq!((pairs.pre, pairs.post, pairs.skipped), (vec![0, 1], vec![2, 3], 0));
    let path = table(&folder, "edges.csv", "pre,post\n1,a\n2,b\n");
    let edges = EdgeList::from_csv(&path, "pre", "post").unwrap();
    let pairs = edges.between(&edges.ids(), &edges.ids()).unwrap();
    assert_eq!((pairs.pre, pairs.post), (vec![0, 1], vec![2, 3]));
}

#[test]
fn rows_that_do_not_count_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = table(
        &folder,
        "edges.csv",
        "pre,kind,post,n\n1,ad,2,5\n?,none,?,x\n2,aa,3,50\n3,ad,1,4\n\n1,ad,3,6\n",
    );
    let strong = |csv: Csv| {
        csv.only("kind", |kind| kind != "none")
            .only("n", |n| n.parse().is_ok_and(|n: f64| n >= 5.0))
    };
    let edges = EdgeList::reader(strong(Csv::new(&path)), "pre", "post")
        .weight("n")
        .texts("kind")
        .numbers("n")
        .read()
        .unwrap();
    assert_eq!(edges.texts("kind").unwrap(), ["ad", "aa", "ad"]);
    assert_eq!(edges.numbers("n").unwrap(), [5.0, 50.0, 6.0]);
    let pairs = edges.between(&edges.ids(), &edges.ids()).unwrap();
    assert_eq!((pairs.pre, pairs.post), (vec![0, 1, 0], vec![1, 2, 2]));
    assert_eq!(pairs.weights, [5.0, 50.0, 6.0]);
    let ids = Ids::from_csv(Csv::new(&path).only("n", |n| n == "5" || n == "4"), "pre").unwrap();
    assert_eq!(texts(&ids), ["1", "3"]);
    // lines stay those of the file
    let csv = || Csv::new(&path).only("kind", |kind| kind != "none");
    let edges = EdgeList::from_csv(csv(), "pre", "post").unwrap();
    let some = Ids::new([1, 2]).unwrap();
    assert!(says(&path, edges.between(&some, &some)).starts_with("table, line 4: the target `3`"));
    assert_eq!(
        says(&path, EdgeList::from_csv(Csv::new(&path).only("kinds", |_| true), "pre", "post")),
        "table, line 1: no column `kinds`; did you mean `kind`? There are `pre`, `kind`, `post`, `n`"
    );
    let none = EdgeList::from_csv(Csv::new(&path).only("n", |_| false), "pre", "post").unwrap();
    assert!(none.is_empty() && none.ids().is_empty());
    // what is the same is equal, closures by what they are
    let same = csv();
    assert!(same == same.clone() && same != csv() && Csv::new(&path) == Csv::new(&path));
}

#[test]
fn columns_are_kept_in_the_order_of_the_edges() {
    let folder = tempfile::tempdir().unwrap();
    let path = table(
        &folder,
        "edges.csv",
        "delay,region,pre,post,w\n1.5,\"L, left\",a,b,3\n2,,b,c,4\n1e-3,R,c,a,-5\n",
    );
    let reader = || EdgeList::reader(&path, "pre", "post").numbers("delay").texts("region");
    let edges = reader().weight("w").numbers("w").read().unwrap();
    assert_eq!(edges.numbers("delay").unwrap(), [1.5, 2.0, 0.001]);
    assert_eq!(edges.texts("region").unwrap(), ["L, left", "", "R"]);
    let some = Ids::new(["c", "a"]).unwrap();
    let pairs = edges.within(&some, &some).unwrap();
    assert_eq!((&pairs.pre[..], &pairs.post[..], pairs.skipped), (&[0][..], &[1][..], 2));
    assert_eq!((pairs.weights.clone(), pairs.numbers("w").unwrap()), (vec![-5.0], &[-5.0][..]));
    assert_eq!(pairs.numbers("delay").unwrap(), [0.001]);
    assert_eq!(pairs.texts("region").unwrap(), ["R"]);
    assert_eq!(
        edges.numbers("dela").unwrap_err().to_string(),
        "no column of numbers `dela`; did you mean `delay`?"
    );
    assert_eq!(
        pairs.texts("delay").unwrap_err().to_string(),
        "no column of texts `delay`; there are `region`"
    );
    assert_eq!(
        says(&path, reader().numbers("region").read()),
        "table, line 2: `region` is `L, left`, but must be a number"
    );
    let none = edges.within(&Ids::default(), &some).unwrap();
    assert_eq!((none.pre.len(), none.weights.len(), none.skipped), (0, 0, 3));
    assert_eq!(none.numbers("delay").unwrap(), [0.0; 0]);
}

#[test]
fn ten_thousand_edges_within_half_of_their_cells() {
    let folder = tempfile::tempdir().unwrap();
    let ends = |k: u64| (k * 7919 % 1000, k * 104_729 % 997);
    let rows: String = (0..10_000).map(|k| format!("{},{},{k}\n", ends(k).0, ends(k).1)).collect();
    let path = table(&folder, "edges.csv", format!("pre,post,w\n{rows}"));
    let edges = EdgeList::from_csv_weighted(&path, "pre", "post", "w").unwrap();
    let half = Ids::new(0..500).unwrap();
    let pairs = edges.within(&half, &half).unwrap();
    let wanted: Vec<u64> = (0..10_000).filter(|&k| ends(k).0 < 500 && ends(k).1 < 500).collect();
    assert_eq!(pairs.weights, wanted.iter().map(|&k| k as f64).collect::<Vec<_>>());
    assert_eq!(pairs.pre, wanted.iter().map(|&k| ends(k).0 as u32).collect::<Vec<_>>());
    assert_eq!(pairs.post, wanted.iter().map(|&k| ends(k).1 as u32).collect::<Vec<_>>());
    assert_eq!(pairs.skipped, 10_000 - wanted.len());
}

#[test]
fn tables_in_other_encodings_are_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let text = "id\nn1\nn2\n";
    let wide = |mark: bool, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let mark = mark.then_some(0xfeff);
        mark.into_iter().chain(text.encode_utf16()).flat_map(bytes).collect()
    };
    for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        let path = table(&folder, "cells.csv", wide(true, bytes));
        let told = says(&path, Ids::from_csv(&path, "id"));
        assert_eq!(told, "table: is UTF-16; save the file as UTF-8");
        let path = table(&folder, "cells.csv", wide(false, bytes));
        let told = says(&path, Ids::from_csv(&path, "id"));
        assert_eq!(
            told,
            "table, line 1: has a zero byte, as UTF-16 has them; save the file as UTF-8"
        );
    }
    let path = table(&folder, "cells.csv", "id\nn1\nn\0x\n");
    assert!(says(&path, Ids::from_csv(&path, "id")).starts_with("table, line 3: has a zero byte"));
    let path = table(&folder, "cells.csv", format!("\u{feff}{text}"));
    assert_eq!(texts(&Ids::from_csv(&path, "id").unwrap()), ["n1", "n2"]);
}

#[test]
fn a_mark_in_front_of_wgsl_is_taken() {
    let text = "struct State { x: f32 }\nfn update(s: State) -> State { return s; }";
    let model = Model::from_wgsl("Marked", &format!("\u{feff}{text}")).unwrap();
    assert_eq!(model.source(), text);
    // columns are those of the text without it
    let place = |source: &str| match Model::from_file("Marked", "marked.wgsl", source) {
        Err(Error::ModelSyntax { location, .. }) => (location.line, location.column, location.text),
        other => panic!("{other:?}"),
    };
    let wrong = "struct State { x: f33 }";
    assert_eq!(place(&format!("\u{feff}{wrong}")), place(wrong));
    let kernel = "@group(0) @binding(0) var<storage, read_write> x: array<f32>;
        @compute @workgroup_size(1) fn main() { x[0] = 1.0; }";
    Kernel::from_wgsl("Marked", &format!("\u{feff}{kernel}")).unwrap();
    // UTF-16 without a mark, read as if it were UTF-8
    let wide: String = text.chars().flat_map(|c| [c, '\0']).collect();
    let error = Model::from_wgsl("Wide", &wide).unwrap_err().to_string();
    assert!(error.contains("write the file as UTF-8"), "{error}");
    assert!(Kernel::from_wgsl("Wide", &wide).unwrap_err().to_string().contains("UTF-8"));
}
