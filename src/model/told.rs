//! What a program tells of its stages, for people.

use super::leaves::{leaves, results};
use super::program::{Feed, Program, Sink};
use super::source::SourceText;
use crate::scalar::{Lowered, ProgramCode};

impl Program {
    /// The texts that it was made of.
    pub(crate) fn texts(&self) -> Vec<SourceText> {
        let models = self.models.iter().map(|model| SourceText {
            name: model.name().into(),
            file: model.file().into(),
            text: model.source().into(),
        });
        models.chain(self.given.clone()).collect()
    }

    /// Its operations in words, fed in some way in which streams are scalars of their number.
    pub(crate) fn code(&self, lowered: &Lowered) -> ProgramCode {
        let inputs = leaves(&self.module, self.entry).into_iter().map(|(_, name)| name);
        let inputs: Vec<String> = inputs.collect();
        let members = results(&self.module, self.entry);
        let fed = |feed: Feed| {
            let at = self.feeds.iter().position(|&known| known == feed);
            at.and_then(|at| inputs.get(at)?.split('.').next_back()).unwrap_or("state").to_string()
        };
        let name = |(k, sink): (usize, &Sink)| match *sink {
            Sink::State(unit, k) => fed(Feed::State(unit, k)),
            Sink::Input(unit, k) => fed(Feed::Input(unit, k)),
            Sink::Arrivals(arm) => fed(Feed::Arrivals(arm)),
            Sink::Spike => "spike".into(),
            // members of a composed result have numbers alone
            Sink::Value(_) if !self.text.is_empty() => "value".into(),
            Sink::Value(_) => members.get(k).cloned().unwrap_or_default(),
        };
        let names: Vec<String> = self.sinks.iter().enumerate().map(name).collect();
        ProgramCode::new(lowered, &inputs, &names)
    }
}
