//! The reader on a crate that is made up.

use crate::arrows::{arrows, circles, strangers};
use crate::modules::Crate;

const FILES: [(&str, &str); 6] = [
    (
        "lib.rs",
        "//! Not `crate::low::Thing`.\nmod high;\nmod low;\n#[cfg(test)]\nmod tests;\npub use high::Tower;\n",
    ),
    (
        "low/mod.rs",
        "mod base;\n#[path = \"other.rs\"]\nmod elsewhere;\npub(crate) use base::{Thing, shared as given};\npub(crate) use crate::high::Tower as Up;\n",
    ),
    (
        "low/base.rs",
        "/// Not [`Tower`](crate::Tower).\npub(crate) struct Thing;\npub(crate) fn shared() -> &'static str { \"crate::Tower\" }\n\
         #[cfg(test)]\nmod tests {\n    use crate::Tower;\n}\nfn hidden() { let _ = crate::high::deep::LIMIT; }\n",
    ),
    ("low/other.rs", "/* crate::Tower */ const C: char = '\"'; fn f() { super::given(); }\n"),
    (
        "high/mod.rs",
        "pub(crate) mod deep;\nuse crate::low::{self, Thing};\npub struct Tower(Thing);\n\
         impl Thing { fn own() {} }\nimpl Thing { pub fn more() { low::given(); } }\nimpl From<Thing> for Tower { fn from(t: Thing) -> Self { Tower(t) } }\n",
    ),
    ("high/deep.rs", "pub(crate) const LIMIT: usize = 1;\nuse super::Tower as T;\n"),
];

#[test]
fn paths_are_followed_to_the_file_that_defines() {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in FILES {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let all = Crate::read(folder.path());
    let (arrows, lost) = arrows(&all);
    assert!(lost.is_empty(), "{lost:?}");
    let told = |file: usize| all.files[file].as_str();
    let mut found: Vec<_> = arrows.iter().map(|a| (told(a.from), a.line, told(a.to))).collect();
    found.sort_unstable();
    found.dedup();
    assert_eq!(
        found,
        [
            ("high/deep.rs", 2, "high/mod.rs"),
            ("high/mod.rs", 2, "low/base.rs"),
            ("high/mod.rs", 5, "low/base.rs"),
            ("low/base.rs", 8, "high/deep.rs"),
            ("low/mod.rs", 5, "high/mod.rs"),
            ("low/other.rs", 1, "low/base.rs"),
        ]
    );
    let circles = circles(all.files.len(), &arrows);
    let circles: Vec<Vec<&str>> =
        circles.into_iter().map(|c| c.into_iter().map(told).collect()).collect();
    assert_eq!(circles.len(), 1);
    let mut circle = circles[0].clone();
    circle.sort_unstable();
    assert_eq!(circle, ["high/deep.rs", "high/mod.rs", "low/base.rs"]);
    assert_eq!(strangers(&all), [("high/mod.rs", 5, "Thing".to_string(), "low/base.rs")]);
}
