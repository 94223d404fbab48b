//! What a program tells of its stages, for people.

use super::leaves::{leaves, results};
use super::program::{Program, ProgramArgument, ProgramResult};
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
        let fed = |program_argument: ProgramArgument| {
            let at = self.program_arguments.iter().position(|&known| known == program_argument);
            at.and_then(|at| inputs.get(at)?.split('.').next_back()).unwrap_or("state").to_string()
        };
        let name = |(k, program_result): (usize, &ProgramResult)| match *program_result {
            ProgramResult::State(unit, k) => fed(ProgramArgument::State(unit, k)),
            ProgramResult::Input(unit, k) => fed(ProgramArgument::Input(unit, k)),
            ProgramResult::Accumulator(afferent) => fed(ProgramArgument::Accumulator(afferent)),
            ProgramResult::Spike => "spike".into(),
            // members of a composed result have numbers alone
            ProgramResult::Value(_) if !self.text.is_empty() => "value".into(),
            ProgramResult::Value(_) => members.get(k).cloned().unwrap_or_default(),
        };
        let names: Vec<String> = self.program_results.iter().enumerate().map(name).collect();
        ProgramCode::new(lowered, &inputs, &names)
    }
}
