//! The words of a Rust text, without comments, with the lines on which they are.

/// A word, a sign, or a piece of text in quotes.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Word,
    Sign(char),
    Quoted,
}

#[derive(Debug, Clone)]
pub struct Token {
    pub kind: Kind,
    /// The word itself, or what is between the quotes.
    pub text: String,
    pub line: usize,
}

impl Token {
    pub fn is(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }

    pub fn says(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text == word
    }
}

/// All tokens of a text. Lifetimes and characters are left out: they name nothing.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut reader = Reader { rest: text, line: 1, tokens: Vec::new() };
    while let Some(next) = reader.rest.chars().next() {
        reader.read(next);
    }
    reader.tokens
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
}

impl Reader<'_> {
    /// Goes on by so many bytes, and gives them.
    fn take(&mut self, bytes: usize) -> &str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    /// Where a text ends that begins after `from` bytes; the end of all where it does not.
    fn end_of(&self, from: usize, end: &str) -> usize {
        self.rest[from..].find(end).map_or(self.rest.len(), |at| from + at + end.len())
    }

    fn push(&mut self, kind: Kind, text: &str) {
        self.tokens.push(Token { kind, text: text.into(), line: self.line });
    }

    fn read(&mut self, next: char) {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if self.rest.starts_with("//") {
            self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            self.take(self.end_of(2, "*/"));
        } else if next == '"' {
            self.quoted(1, true, "\"");
        } else if next == '\'' {
            self.take(self.quote());
        } else if is_word(next) {
            let length = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
            let (word, after) = self.rest.split_at(length);
            let raw = word.ends_with('r');
            let prefix = ["r", "b", "c", "br", "cr"].contains(&word);
            let hashes = after.len() - after.trim_start_matches('#').len();
            if prefix && raw && after[hashes..].starts_with('"') {
                self.quoted(length + hashes + 1, false, &format!("\"{}", "#".repeat(hashes)));
            } else if prefix && after.starts_with('"') {
                self.quoted(length + 1, true, "\"");
            } else if word == "b" && after.starts_with('\'') {
                self.take(1);
            } else {
                self.push(Kind::Word, word);
                self.take(length);
            }
        } else {
            if !next.is_whitespace() {
                self.push(Kind::Sign(next), "");
            }
            self.take(next.len_utf8());
        }
    }

    /// A string that begins after so many bytes.
    fn quoted(&mut self, start: usize, escapes: bool, end: &str) {
        let mut at = start;
        while !self.rest[at..].starts_with(end) {
            let Some(next) = self.rest[at..].chars().next() else { break };
            at += next.len_utf8();
            if escapes && next == '\\' {
                at += self.rest[at..].chars().next().map_or(0, char::len_utf8);
            }
        }
        let text = self.rest[start..at].to_string();
        self.push(Kind::Quoted, &text);
        self.take((at + end.len()).min(self.rest.len()));
    }

    /// Bytes of a lifetime or a character.
    fn quote(&self) -> usize {
        let mut after = self.rest.chars().skip(1);
        match (after.next(), after.next()) {
            (Some('\\'), Some(escaped)) => self.end_of(2 + escaped.len_utf8(), "'"),
            (Some(c), Some('\'')) => c.len_utf8() + 2,
            _ => 1,
        }
    }
}
