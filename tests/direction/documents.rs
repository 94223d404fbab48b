//! Paths that the documents name are there.
//!
//! A word in backquotes is a path where it has a slash, or is the name of a text file; so is the target of a link that leads to no
//! other site. It is one from the root of the repository. Blocks of code name none.

use std::path::Path;

const DOCUMENTS: [&str; 2] = ["ARCHITECTURE.md", "CONTRIBUTING.md"];

/// Endings of files that are named without a folder.
const ENDINGS: [&str; 5] = [".md", ".py", ".rs", ".toml", ".wgsl"];

/// The paths of a document, with their lines.
fn paths(text: &str) -> Vec<(usize, &str)> {
    let mut paths = Vec::new();
    let mut is_code = false;
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            let quoted = text.split('`').skip(1).step_by(2).filter(|word| is_path(word));
            let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
            let links = links.filter(|link| !link.is_empty() && !link.contains("://"));
            paths.extend(quoted.chain(links).map(|path| (line, path)));
        }
    }
    paths
}

fn is_path(word: &str) -> bool {
    let is_plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    let stem = ENDINGS.iter().find_map(|ending| word.strip_suffix(ending));
    is_plain
        && word.contains(|c: char| c.is_ascii_alphanumeric())
        && (word.contains('/') || stem.is_some_and(|stem| !stem.is_empty()))
}

#[test]
fn paths_that_documents_name_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut wrong = Vec::new();
    for document in DOCUMENTS {
        let text = std::fs::read_to_string(root.join(document)).unwrap();
        let paths = paths(&text);
        // a reader that sees nothing finds nothing wrong
        assert!(paths.len() > 50, "{document}: {} paths", paths.len());
        let lost = paths.into_iter().filter(|(_, path)| !root.join(path).exists());
        wrong.extend(lost.map(|(line, path)| format!("{document}:{line}: there is no {path}")));
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn paths_are_found_in_a_text() {
    let text = "`src/a.rs`: `a / b`, `/`, `.rs`, `build.rs`, `V.rs`\n```\n`src/b.rs`\n```\n\
                [one](docs/a.md#part), [two](https://a.org/b), [three](#here); `<case>/x`, `.ci/run`\n";
    let wanted = [(1, "src/a.rs"), (1, "build.rs"), (1, "V.rs"), (5, ".ci/run"), (5, "docs/a.md")];
    assert_eq!(paths(text), wanted);
}
