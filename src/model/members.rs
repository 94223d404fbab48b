//! Members of the argument of a generated program, made as they are asked for.

use super::program::Feed;
use crate::terms::Kind;

#[derive(Default)]
pub(super) struct Members {
    feeds: Vec<Feed>,
    kinds: Vec<Kind>,
}

impl Members {
    /// How a program's text reads what is fed.
    pub(super) fn word(&mut self, feed: Feed, kind: Kind) -> String {
        let at = self.feeds.iter().position(|&f| f == feed).unwrap_or_else(|| {
            self.feeds.push(feed);
            // a bool is a word like any other where it is stored
            self.kinds.push(if kind == Kind::Bool { Kind::U32 } else { kind });
            self.feeds.len() - 1
        });
        if kind == Kind::Bool { format!("in.v{at}_ != 0u") } else { format!("in.v{at}_") }
    }

    /// The library's structure `Shared`, which has that name, at the start of the step.
    pub(super) fn shared(&mut self, name: &str) -> String {
        let parts = Feed::SHARED.map(|feed| self.word(feed, feed.clock_kind()));
        format!("{name}({}, 0.0)", parts.join(", "))
    }

    /// The library's structure of that name made of what is fed.
    pub(super) fn structure(&mut self, name: &str, feeds: &[Feed]) -> String {
        let parts = feeds.iter().map(|&feed| self.word(feed, feed.clock_kind()));
        format!("{name}({})", parts.collect::<Vec<_>>().join(", "))
    }

    /// The feeds with their types, and the declaration of the structure `In`.
    pub(super) fn finish(mut self) -> (Vec<Feed>, Vec<Kind>, String) {
        if self.feeds.is_empty() {
            // a structure needs a member
            self.word(Feed::Dt, Kind::F32);
        }
        let kinds = self.kinds.iter().enumerate();
        let members: String =
            kinds.map(|(k, kind)| format!("    v{k}_: {},\n", kind.name())).collect();
        (self.feeds, self.kinds, format!("struct In {{\n{members}}}\n"))
    }
}
