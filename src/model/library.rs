//! The library that model texts may call.

use super::primitives::{EXPREL, FLUSHED};

/// Its texts. A model gets those of their items that it needs: shorter programs are compiled sooner, and read with less
/// effort.
const TEXTS: [&str; 5] = [
    include_str!("../../shaders/lib/shared.wgsl"),
    include_str!("../../shaders/lib/maths.wgsl"),
    include_str!("../../shaders/lib/random.wgsl"),
    include_str!("../../shaders/lib/bits.wgsl"),
    include_str!("../../shaders/lib/pinned.wgsl"),
];

/// What generated programs use.
const ALWAYS: [&str; 4] = ["Shared", "Random", EXPREL, FLUSHED];

/// Built-in functions that the library calls.
pub(super) const BUILT_IN: [&str; 9] =
    ["abs", "cos", "exp", "floor", "log", "max", "min", "select", "sqrt"];

/// A function, structure or constant.
struct LibraryItem {
    name: &'static str,
    text: &'static str,
}

/// The items of a text: each starts at the beginning of a line and reaches to the next.
fn items(text: &'static str) -> Vec<LibraryItem> {
    let keyword = |line: &str| ["fn ", "struct ", "const "].iter().any(|k| line.starts_with(k));
    let mut starts: Vec<usize> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if keyword(line) {
            starts.push(at);
        }
        at += line.len();
    }
    let ends = starts.iter().copied().skip(1).chain([text.len()]);
    let item = |(start, end): (&usize, usize)| {
        let text = &text[*start..end];
        let name = words(text).nth(1).unwrap_or_default();
        // comments above the next item stay out
        let text = text.split("\n//").next().unwrap_or(text);
        LibraryItem { name, text }
    };
    starts.iter().zip(ends).map(item).collect()
}

pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

/// Whether a name is that of one of its items.
pub(super) fn has(name: &str) -> bool {
    TEXTS.into_iter().flat_map(items).any(|item| item.name == name)
}

/// The items that a text needs, directly or by way of others, in the order of the library.
pub(super) fn needed(source: &str) -> String {
    let items: Vec<LibraryItem> = TEXTS.into_iter().flat_map(items).collect();
    let mut wanted: Vec<&str> = words(source).chain(ALWAYS).collect();
    let mut taken = vec![false; items.len()];
    while let Some(word) = wanted.pop() {
        if let Some(k) = items.iter().position(|item| item.name == word)
            && !taken[k]
        {
            taken[k] = true;
            wanted.extend(words(items[k].text));
        }
    }
    let texts = items.iter().zip(taken).filter(|(_, taken)| *taken).map(|(item, _)| item.text);
    texts.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{BUILT_IN, TEXTS, needed, words};

    /// Every name before a parenthesis is a function of the library, a type, a keyword, or in the list.
    #[test]
    fn built_in_functions_are_listed() {
        let code: Vec<&str> =
            TEXTS.iter().flat_map(|t| t.lines()).filter_map(|l| l.split("//").next()).collect();
        let code = code.join("\n");
        let others = ["return", "for", "bitcast", "f32", "u32", "i32", "vec2", "vec4", "Random"];
        let mut listed = 0;
        for (at, _) in code.match_indices('(') {
            let before = &code[..at];
            // of an operator before a parenthesis no name is wanted
            if !before.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let name = words(before).last().unwrap();
            listed += usize::from(BUILT_IN.contains(&name));
            let known = others.contains(&name) || code.contains(&format!("fn {name}("));
            assert!(known || BUILT_IN.contains(&name), "{name}");
        }
        assert!(listed > 50);
    }

    #[test]
    fn only_what_is_needed() {
        let text = needed("fn f(r: Random) -> f32 { return random_uniform(r, 0u); }");
        for there in
            ["struct Shared", "fn random_uniform", "fn philox_product", "fn exprel", "fn flushed"]
        {
            assert!(text.contains(there), "{there}");
        }
        for absent in ["fn random_normal", "fn steps", "fn pinned_sin", "\n//"] {
            assert!(!text.contains(absent), "{absent}");
        }
    }
}
