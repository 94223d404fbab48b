//! Tables of edges.

use dsrunner::{Csv, EdgeList, Error, Ids};

use crate::target::Target;

const TABLES: [&str; 3] = [
    "pre,post,w,kind\n17,4,3,ad\n4,9,0.5,aa\n9,17,-1e-3,ad\n",
    "\u{feff}kind, pre ,post,w\r\n\"a, \"\"b\"\"\",n1,-7,1\r\n\r\n,n2,008,2.5\r\n",
    "# of the left\npre,post,w,kind\nx,y,1,\"two\nlines\"\n",
];

const WORDS: [&str; 16] = [
    ",", "\n", "\r\n", "\"", "\"\"", "#", "12", "12.0", "7.2e17", "-0", "007", "n1", "NaN",
    "\u{feff}", "\0", "é",
];

#[test]
fn damaged_tables_of_edges() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("edges.csv");
    let read = |csv: Csv| -> dsrunner::Result<()> {
        let edges = EdgeList::reader(csv.clone(), "pre", "post")
            .weight("w")
            .numbers("w")
            .texts("kind")
            .read()?;
        // what is read is whole
        let (ids, count) = (edges.ids(), edges.len());
        let pairs = edges.between(&ids, &ids)?;
        assert_eq!(pairs, edges.within(&ids, &ids)?);
        assert_eq!([pairs.pre.len(), pairs.post.len(), pairs.weights.len()], [count; 3]);
        assert_eq!(pairs.numbers("w")?, pairs.weights);
        assert_eq!((pairs.texts("kind")?.len(), pairs.skipped), (count, 0));
        let sources = Ids::from_csv(csv, "pre");
        let some = sources.as_ref().map_or(0, Ids::len);
        assert!(some <= count && ids.len() <= 2 * count);
        let within = edges.within(&Ids::default(), &ids)?;
        assert_eq!(within.skipped, count);
        Ok(())
    };
    let inputs = TABLES.map(|table| table.as_bytes().to_vec()).into();
    let cap = |bytes: &[u8]| (1 << 18) + 512 * bytes.len();
    Target { name: "tables", inputs, words: &WORDS, count: 4000, cap }.run(|bytes| {
        std::fs::write(&path, bytes).unwrap();
        let csv = Csv::new(&path).comments(b'#');
        let ad = csv.clone().only("kind", |kind| kind == "ad");
        let ways = [csv.clone(), csv.texts(), ad.texts()];
        let all = ways.map(|csv| match read(csv) {
            Ok(()) => true,
            Err(Error::File { .. }) => false,
            Err(error) => panic!("an error of another kind: {error}"),
        });
        all.into_iter().all(|valid| valid)
    });
}
