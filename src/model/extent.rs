//! How long and how deep a text is, told before naga reads it: its parser, and all that comes after it, go down into a text as deep
//! as that is.

use super::text::{self, Token};
use crate::limits;

/// What is too much in a text: where, and what to do.
#[derive(Debug, PartialEq)]
pub(super) struct Excess {
    pub message: String,
    pub offset: usize,
    pub help: &'static str,
}

/// Fails at the first place where a text is beyond a limit.
pub(super) fn check(text: &str) -> Result<(), Excess> {
    if text.len() > limits::TEXT_BYTES {
        return Err(Excess {
            message: format!(
                "the text has {} bytes, but at most {} are read",
                text.len(),
                limits::TEXT_BYTES
            ),
            offset: 0,
            help: "divide it into several models, or make it shorter",
        });
    }
    let mut scan = Scan { levels: vec![Level::default()], ..Scan::default() };
    text::tokens(text).iter().try_for_each(|token| scan.take(token))
}

/// What is within a pair of brackets or braces.
#[derive(Default)]
struct Level {
    is_block: bool,
    /// Blocks around it, with itself.
    blocks: usize,
    /// Operators of the expression at hand, and the deepest of what is in brackets in it.
    operators: usize,
    inside: usize,
    /// The deepest expression that came before a comma.
    before: usize,
    /// How many `else if` hang together, for as long as they go on.
    chain: usize,
}

impl Level {
    fn depth(&self) -> usize {
        self.before.max(self.operators + self.inside)
    }

    fn end_expression(&mut self) {
        (self.operators, self.inside, self.before) = (0, 0, 0);
    }
}

#[derive(Default)]
struct Scan {
    /// The text itself, and what is open in it.
    levels: Vec<Level>,
    declarations: usize,
    statements: usize,
    /// The last token.
    last: Last,
    /// A loop was begun, whose body is written as two blocks.
    loops: bool,
}

#[derive(Default, Clone, Copy, PartialEq)]
enum Last {
    #[default]
    Other,
    /// A block was closed.
    Closed,
    Else,
    Operator(char),
}

impl Scan {
    fn take(&mut self, token: &Token<'_>) -> Result<(), Excess> {
        let Token { at, text: token } = *token;
        let first = token.chars().next().unwrap_or(' ');
        let last = std::mem::take(&mut self.last);
        let level = self.levels.len() - 1;
        if last == Last::Closed && token != "else" {
            self.levels[level].chain = 0;
        }
        match token {
            "{" => self.open_block(at)?,
            "}" => {
                self.close(at, true)?;
                self.last = Last::Closed;
            }
            "(" | "[" => self.open_bracket(at)?,
            ")" | "]" => self.close(at, false)?,
            "," => {
                let level = &mut self.levels[level];
                level.before = level.depth();
                (level.operators, level.inside) = (0, 0);
            }
            ";" => {
                self.levels[level].end_expression();
                self.statement(at)?;
            }
            "else" => self.last = Last::Else,
            "if" if last == Last::Else => self.levels[level].chain += 1,
            "for" | "while" | "loop" => self.loops = true,
            "fn" | "struct" | "const" | "alias" | "var" | "override" if level == 0 => {
                self.statements = 0;
                self.declaration(at)?;
            }
            // a fraction is a number
            _ if token.len() == 1
                && first.is_ascii_punctuation()
                && !matches!(first, '_' | ':' | '@') =>
            {
                self.last = Last::Operator(first);
                // the second character of an operator is none of its own
                let is_second = first == '=' || matches!(first, '&' | '|' | '<' | '>');
                if !(is_second && matches!(last, Last::Operator(c) if c == first || first == '=')) {
                    self.levels[level].operators += 1;
                    self.check_expression(at)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn open_block(&mut self, at: usize) -> Result<(), Excess> {
        let around = &mut self.levels;
        let level = around.len() - 1;
        around[level].end_expression();
        let more = 1 + usize::from(std::mem::take(&mut self.loops));
        let blocks = around[level].blocks + around[level].chain + more;
        around.push(Level { is_block: true, blocks, ..Level::default() });
        within(blocks, limits::BLOCKS, at, || {
            (
                "blocks are nested more deeply here, each `else if` in those before it,".into(),
                "divide it into functions, or use a `switch` or a table",
            )
        })
    }

    fn open_bracket(&mut self, at: usize) -> Result<(), Excess> {
        let blocks = self.levels.last().map_or(0, |level| level.blocks);
        self.levels.push(Level { blocks, ..Level::default() });
        let open = self.levels.iter().rev().take_while(|level| !level.is_block).count();
        within(open, limits::BRACKETS, at, || {
            (
                "brackets are nested more deeply here".into(),
                "give what is inside a name by `let`, or an `alias` where it is a type",
            )
        })
    }

    /// Closes the innermost level, whichever bracket it has: what does not fit naga tells.
    fn close(&mut self, at: usize, is_block: bool) -> Result<(), Excess> {
        if self.levels.len() == 1 {
            return Ok(());
        }
        let depth = self.levels.pop().map_or(0, |level| level.depth());
        let around = self.levels.len() - 1;
        let around = &mut self.levels[around];
        if is_block {
            around.end_expression();
            return Ok(());
        }
        around.operators += 1;
        around.inside = around.inside.max(depth);
        self.check_expression(at)
    }

    fn check_expression(&self, at: usize) -> Result<(), Excess> {
        let depth = self.levels.last().map_or(0, Level::depth);
        within(depth, limits::OPERATORS, at, || {
            (
                "an expression has more operators here, each of which waits for the one before"
                    .into(),
                "give parts of it names by `let`",
            )
        })
    }

    fn statement(&mut self, at: usize) -> Result<(), Excess> {
        self.statements += 1;
        within(self.statements, limits::STATEMENTS, at, || {
            (
                "a function has more statements here".into(),
                "divide it into functions, or use a loop",
            )
        })
    }

    fn declaration(&mut self, at: usize) -> Result<(), Excess> {
        self.declarations += 1;
        within(self.declarations, limits::DECLARATIONS, at, || {
            (
                "there are more functions, structures and constants here".into(),
                "leave out what is not used, or divide the text into several models",
            )
        })
    }
}

fn within(
    count: usize,
    most: usize,
    offset: usize,
    what: impl FnOnce() -> (String, &'static str),
) -> Result<(), Excess> {
    if count <= most {
        return Ok(());
    }
    let (what, help) = what();
    Err(Excess { message: format!("{what} than the {most} that are read"), offset, help })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excess(text: &str) -> Option<(String, usize)> {
        check(text).err().map(|excess| (excess.message, excess.offset))
    }

    #[test]
    fn what_hangs_together_is_counted() {
        let most = limits::OPERATORS;
        for (text, step) in [(" + a", 3), ("[0]", 3), (".x", 2), (" && a", 5), (" <= a", 5)] {
            assert_eq!(excess(&format!("fn f() {{ x = a{}; }}", text.repeat(most - 1))), None);
            let (message, at) =
                excess(&format!("fn f() {{ x = a{}; }}", text.repeat(most))).unwrap();
            assert!(message.starts_with("an expression has more operators"), "{message}");
            let from = 14 + (most - 1) * text.len();
            assert!((from..from + step).contains(&at), "{text}: {at} {from}");
        }
        // each level of brackets adds its own
        let level = |inner: String| format!("f({inner}){}", " + 1.5e-3".repeat(300));
        assert!(excess(&level(level(level("a".into())))).is_none());
        assert!(excess(&level(level(level(level("a".into()))))).is_some());
        // what is beside each other does not
        assert_eq!(excess(&"-1.5 * x, ".repeat(5000)), None);
        assert_eq!(excess(&format!("fn f() {{ {} }}", "x += -1.0; ".repeat(5000))), None);
        let terms = "+ a ".repeat(5000);
        assert_eq!(excess(&format!("// {terms}\n/* /* {terms} */ {terms} */")), None);
    }

    #[test]
    fn blocks_brackets_and_chains_are_counted() {
        let nest = |open: &str, close: &str, n: usize| {
            excess(&format!("fn f() {{ {}{} }}", open.repeat(n), close.repeat(n)))
        };
        assert_eq!(nest("{", "}", limits::BLOCKS - 1), None);
        assert!(nest("{", "}", limits::BLOCKS).is_some());
        assert!(nest("while a {", "}", limits::BLOCKS / 2).is_some());
        assert_eq!(nest("(", ")", limits::BRACKETS), None);
        assert!(nest("(", ")", limits::BRACKETS + 1).is_some());
        let chain = |n: usize| {
            excess(&format!(
                "fn f() {{ if a {{ }} {} else {{ }} if b {{ }} }}",
                "else if a { } ".repeat(n)
            ))
        };
        assert_eq!(chain(limits::BLOCKS - 2), None);
        let (message, _) = chain(limits::BLOCKS - 1).unwrap();
        assert!(message.starts_with("blocks are nested more deeply"), "{message}");
        // another chain begins anew
        assert_eq!(excess(&"fn f() { if a { } else if b { } if a { } }".repeat(1000)), None);
    }

    #[test]
    fn lengths_are_counted() {
        assert!(excess(&"const a = 1;".repeat(limits::DECLARATIONS)).is_none());
        assert!(excess(&"const a = 1;".repeat(limits::DECLARATIONS + 1)).is_some());
        assert!(
            excess(&format!("fn f() {{ {} }}", "a = 1;".repeat(limits::STATEMENTS + 1))).is_some()
        );
        assert!(excess(&" ".repeat(limits::TEXT_BYTES + 1)).is_some());
        // whatever it is
        for odd in ["}", ")]}", "/*", "/* /*", "\"", "é", "", "0", "else if", "{(", "1.5e"] {
            assert_eq!(excess(odd), None, "{odd}");
        }
    }
}
