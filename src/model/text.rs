//! The words and signs of a text, without its comments.

use std::ops::Range;

/// A word, a number or a sign, and where it stands.
pub(super) struct Token<'a> {
    pub at: usize,
    pub text: &'a str,
}

/// What ends a line.
const LINE_ENDS: [char; 7] = ['\n', '\u{b}', '\u{c}', '\r', '\u{85}', '\u{2028}', '\u{2029}'];

/// Bytes of the comment at the start of a text, 0 where there is none. Block comments nest.
fn comment(text: &str) -> usize {
    if text.starts_with("//") {
        return text.find(LINE_ENDS).unwrap_or(text.len());
    }
    if !text.starts_with("/*") {
        return 0;
    }
    let (mut depth, mut at) = (0, 0);
    loop {
        let rest = &text[at..];
        match rest {
            _ if rest.starts_with("/*") => (depth, at) = (depth + 1, at + 2),
            _ if rest.starts_with("*/") => (depth, at) = (depth - 1, at + 2),
            _ => match rest.chars().next() {
                Some(c) => at += c.len_utf8(),
                None => return at,
            },
        }
        if depth == 0 {
            return at;
        }
    }
}

/// Bytes of the number at the start of a text.
fn number(text: &str) -> usize {
    let hex = text.starts_with("0x") || text.starts_with("0X");
    let exponent = |c: char| if hex { matches!(c, 'p' | 'P') } else { matches!(c, 'e' | 'E') };
    let mut before = ' ';
    let end = text.find(|c: char| {
        let goes_on = c.is_ascii_alphanumeric()
            || matches!(c, '.' | '_')
            || matches!(c, '+' | '-') && exponent(before);
        before = c;
        !goes_on
    });
    end.unwrap_or(text.len())
}

pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let (mut tokens, mut at) = (Vec::new(), 0);
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let skipped = if first.is_whitespace() { first.len_utf8() } else { comment(rest) };
        if skipped > 0 {
            at += skipped;
            continue;
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let fraction = first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit());
        let length = match first {
            _ if first.is_ascii_digit() || fraction => number(rest),
            _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        tokens.push(Token { at, text: &rest[..length] });
        at += length;
    }
    tokens
}

/// The value of a whole number whose text does not say of which type it is.
fn whole(token: Option<&Token<'_>>) -> Option<u128> {
    let text = token?.text;
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u128::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// The first quotient of whole numbers in a text that leaves a remainder, which WGSL drops: `1 / 2` is 0 there.
pub(super) fn truncated(text: &str) -> Option<Range<usize>> {
    let tokens = tokens(text);
    let sign = |k: usize| tokens.get(k).map_or("", |token| token.text);
    let products = ["*", "/", "%"];
    for first in 0..tokens.len() {
        // what is multiplied before may be of any type
        if first > 0 && products.contains(&sign(first - 1)) {
            continue;
        }
        let Some(mut value) = whole(tokens.get(first)) else { continue };
        let mut at = first;
        while let Some(next) = whole(tokens.get(at + 2)) {
            value = match sign(at + 1) {
                "*" => value.saturating_mul(next),
                "/" if next > 0 && value % next > 0 => {
                    let last = &tokens[at + 2];
                    return Some(tokens[first].at..last.at + last.text.len());
                }
                "/" if next > 0 => value / next,
                "%" if next > 0 => value % next,
                _ => break,
            };
            at += 2;
        }
    }
    None
}

/// How often a word stands in a text.
pub(super) fn count(text: &str, word: &str) -> usize {
    tokens(text).iter().filter(|token| token.text == word).count()
}

/// Where a text closes a parenthesis that it has not opened.
pub(super) fn unopened(text: &str) -> Option<usize> {
    let mut depth = 0;
    tokens(text).iter().find_map(|token| {
        match token.text {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        (depth < 0).then_some(token.at)
    })
}

/// Where a comment takes away what may be meant to count: the rest of a line, or all of the text.
pub(super) fn swallowing(text: &str) -> Option<usize> {
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = comment(rest);
        let line = || text[..at].rsplit(LINE_ENDS).next().unwrap_or_default();
        let behind = rest.starts_with("//") && !line().trim().is_empty();
        let open = rest.starts_with("/*") && !closed(&rest[..length]);
        if behind || open {
            return Some(at);
        }
        at += if length > 0 { length } else { first.len_utf8() };
    }
    None
}

/// Whether a block comment has as many ends as beginnings.
fn closed(comment: &str) -> bool {
    comment.matches("*/").count() == comment.matches("/*").count()
}

#[cfg(test)]
mod tests {
    use super::{swallowing, truncated};

    #[test]
    fn comments_that_take_something_away() {
        for (text, at) in
            [("V // 2", 2), ("V /* 2", 2), ("V\n + w // 2\n + 1.0", 7), ("/* /* */ V", 0)]
        {
            assert_eq!(swallowing(text), Some(at), "{text}");
        }
        for text in
            ["V / w", "// V\nw", "V\n  // half\n / 2.0", "V /* /* a */ b */ + 1.0", "/* // */ V"]
        {
            assert_eq!(swallowing(text), None, "{text}");
        }
    }

    /// As WGSL has them.
    #[test]
    fn what_ends_a_line_ends_a_comment() {
        for end in ["\n", "\r", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}"] {
            assert_eq!(truncated(&format!("// V{end}1 / 2")).map(|range| range.len()), Some(5));
            assert_eq!(swallowing(&format!("// V{end}w")), None);
        }
    }

    #[test]
    fn quotients_that_drop_a_remainder() {
        for (text, found) in [
            ("1/2 * V", "1/2"),
            ("V + 1 / 2", "1 / 2"),
            ("V * (2*1/3)", "2*1/3"),
            ("-1/2", "1/2"),
            ("/* 3/2 /* 5/2 */ */ 0x7 / 0x2 // 1/3", "0x7 / 0x2"),
            ("a[7/2]", "7/2"),
            ("8 / 4 / 3", "8 / 4 / 3"),
        ] {
            assert_eq!(truncated(text).map(|range| &text[range]), Some(found), "{text}");
        }
        for text in [
            "1.0/2.0",
            "1/2.0",
            "1./2",
            "V * 1 / 2",
            "x2 / 3",
            "4/2",
            "1u / 2u",
            "1/2u",
            "7 % 2",
            "1/0",
            "1e3/2",
            "2 / V",
            "// 1/2",
            "3 / 2e-1",
            "p.a1/2",
            "(V)/2",
            "",
        ] {
            assert_eq!(truncated(text), None, "{text}");
        }
    }
}
