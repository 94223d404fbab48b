//! Makes a text that differs shorter.

use crate::node::{Node, Sort};
use crate::text::Text;

/// Texts that are tried at most.
const TRIES: usize = 200;

/// A shorter text for which `differs` holds.
pub fn shrunk(text: &Text, differs: impl Fn(&Text) -> bool) -> Text {
    let mut best = text.clone();
    let mut tries = 0;
    loop {
        let next = candidates(&best).into_iter().find(|candidate| {
            tries += 1;
            tries <= TRIES && differs(candidate)
        });
        match next {
            Some(shorter) => best = shorter,
            None => return best,
        }
    }
}

/// Texts that are shorter, the shortest first by and large.
fn candidates(text: &Text) -> Vec<Text> {
    let mut all = Vec::new();
    let some = text.results.iter().filter(|result| result.is_some()).count();
    if some > 1 {
        for (k, result) in text.results.iter().enumerate().filter(|(_, r)| r.is_some()) {
            let mut one = text.clone();
            one.results.fill(None);
            one.results[k].clone_from(result);
            all.push(one);
        }
    }
    for k in 0..text.statements.len() {
        let mut without = text.clone();
        without.statements.remove(k);
        all.push(without);
    }
    for (k, result) in text.results.iter().enumerate() {
        for node in result.iter().flat_map(shorter) {
            let mut with = text.clone();
            with.results[k] = Some(node);
            all.push(with);
        }
    }
    for (k, statement) in text.statements.iter().enumerate() {
        for node in shorter(statement) {
            let mut with = text.clone();
            with.statements[k] = node;
            all.push(with);
        }
    }
    all
}

/// A piece with another of the same sort in the place of one of its pieces.
fn shorter(node: &Node) -> Vec<Node> {
    let mut all = Vec::new();
    for at in 0..node.size() {
        let Some(piece) = node.at(at) else { continue };
        for inner in 1..piece.size() {
            if let Some(inner) = piece.at(inner).filter(|inner| inner.sort == piece.sort) {
                all.push(node.with(at, inner));
            }
        }
        if piece.size() > 1 {
            let simple = match piece.sort {
                Sort::F => "s.f1",
                Sort::I => "1",
                Sort::U => "1u",
                Sort::B => "true",
                Sort::V(_) | Sort::M(_) => continue,
                Sort::Statement => "",
            };
            all.push(node.with(at, &Node::leaf(piece.sort, simple, false)));
        }
    }
    all.sort_by_key(Node::size);
    all
}
