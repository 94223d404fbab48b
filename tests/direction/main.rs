//! The crate's modules depend on each other in one direction: on what is below them, and in no circle.
//!
//! Every `use` and every path of `src` is followed, through what modules hand on, to the file that defines what it names. What is
//! for tests alone does not count, nor do comments. Calls of methods name no file: files that are one type's parts, as those of
//! `Lowering` and `DSRunner` are, may call each other's. So that no room calls one above it in this way, functions that others may
//! call are added to a type in its own room only.

mod arrows;
mod documents;
mod modules;
mod sample;
mod words;

use std::path::Path;

use arrows::{arrows, circles, strangers};
use modules::Crate;

/// A room: its name, what is in it, and its files and folders.
type Room = (&'static str, &'static str, &'static [&'static str]);

/// The rooms from the bottom to the top, as ARCHITECTURE.md has them. Those of one floor do not know each other.
const FLOORS: &[&[Room]] = &[
    &[("errors", "what goes wrong, and how much is too much", &["error.rs", "limits.rs"])],
    &[
        ("random", "random numbers by key and counter", &["random.rs"]),
        ("numpy", "headers of numpy's arrays", &["npy.rs"]),
        ("scalar", "functions as operations on scalars", &["scalar/"]),
        ("integrate", "integrators as data", &["integrate/"]),
    ],
    &[
        ("terms", "the words of a description", &["terms/"]),
        ("connect", "which elements are connected", &["connect/"]),
        ("checkpoint", "states in files", &["checkpoint/"]),
    ],
    &[("model", "texts, checked and composed", &["model/"])],
    &[
        ("interpreter", "programs executed on columns", &["interpreter/"]),
        ("system", "groups, projections, networks", &["system/"]),
        ("inputs", "what is done to variables, and by closures", &["inputs/"]),
    ],
    &[("records", "what is recorded, and where it goes", &["records/"])],
    &[("plan", "one step as data", &["plan/"])],
    &[(
        "seam",
        "what engines are given and give, and what a step costs",
        &[
            "backend/apply.rs",
            "backend/cost.rs",
            "backend/device.rs",
            "backend/load.rs",
            "backend/seam.rs",
        ],
    )],
    &[
        ("cpu", "the engine without a driver", &["backend/cpu/"]),
        ("gpu", "the engine on wgpu", &["backend/gpu/", "backend/no_gpu.rs"]),
    ],
    &[("backend", "the engine of a device", &["backend/mod.rs"])],
    &[
        ("choice", "which devices there are, and which one executes", &["choice/"]),
        ("results", "what a run recorded", &["results/"]),
    ],
    &[("runner", "clock, chunks, progress", &["runner/"]), ("plot", "pictures", &["plot/"])],
    &[("crate", "the interface", &["lib.rs"])],
];

/// The floor of a file, and its room.
fn room(file: &str) -> Option<(usize, Room)> {
    let holds =
        |path: &&str| if path.ends_with('/') { file.starts_with(*path) } else { file == *path };
    FLOORS.iter().enumerate().find_map(|(floor, rooms)| {
        let room = rooms.iter().find(|(.., paths)| paths.iter().any(holds))?;
        Some((floor, *room))
    })
}

/// What is wrong with the direction of a crate's arrows.
fn wrong(all: &Crate) -> Vec<String> {
    let (arrows, lost) = arrows(all);
    let mut wrong: Vec<String> = Vec::new();
    wrong.extend(lost.into_iter().map(|path| format!("{path} leads to nothing that is known")));
    for file in all.files.iter().filter(|file| room(file).is_none()) {
        wrong.push(format!("src/{file} is in no room; give it one in tests/direction/main.rs"));
    }
    for arrow in &arrows {
        let [from, to] = [arrow.from, arrow.to].map(|file| &all.files[file]);
        let (Some((low, own)), Some((high, other))) = (room(from), room(to)) else { continue };
        if own.0 != other.0 && low <= high {
            let ((own, is, _), (other, has, _)) = (own, other);
            wrong.push(format!(
                "src/{from}:{} uses `{}` of src/{to}, but `{own}` ({is}) may not see `{other}` ({has}), which is {} it",
                arrow.line,
                arrow.what,
                if low == high { "beside" } else { "above" }
            ));
        }
    }
    for circle in circles(all.files.len(), &arrows) {
        let files: Vec<&str> = circle.iter().map(|&file| all.files[file].as_str()).collect();
        let inner = arrows.iter().filter(|a| circle.contains(&a.from) && circle.contains(&a.to));
        let inner = inner.map(|a| {
            let [from, to] = [a.from, a.to].map(|file| &all.files[file]);
            format!("\n  src/{from}:{} uses `{}` of src/{to}", a.line, a.what)
        });
        let inner: String = inner.collect();
        wrong.push(format!("these files depend on each other: {}{inner}", files.join(", ")));
    }
    for (file, line, name, home) in strangers(all) {
        let of = |file: &str| room(file).map(|(_, (name, ..))| name);
        if of(file) != of(home) {
            wrong.push(format!(
                "src/{file}:{line} adds functions to `{name}` of src/{home}, which stands in another room; let them stand on their own"
            ));
        }
    }
    wrong
}

fn source() -> Crate {
    Crate::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../src"))
}

#[test]
fn modules_depend_on_what_is_below_them() {
    let all = source();
    // a reader that sees nothing finds nothing wrong
    let (arrows, _) = arrows(&all);
    assert!(all.files.len() > 150 && arrows.len() > 1000, "{} files", all.files.len());
    let wrong = wrong(&all);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn rooms_are_there_and_described() {
    let all = source();
    for path in FLOORS.iter().flat_map(|rooms| rooms.iter()).flat_map(|(.., paths)| paths.iter()) {
        assert!(all.files.iter().any(|file| file.starts_with(path)), "there is no src/{path}");
    }
    let row = |(floor, rooms): (usize, &&[Room])| {
        let rooms = rooms.iter().map(|(name, what, _)| format!("`{name}`: {what}"));
        format!("| {} | {} |\n", floor + 1, rooms.collect::<Vec<_>>().join("; "))
    };
    let table: String = FLOORS.iter().enumerate().map(row).collect();
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ARCHITECTURE.md");
    let text = std::fs::read_to_string(text).unwrap();
    assert!(text.contains(&table), "ARCHITECTURE.md has other floors than these:\n{table}");
}
