//! Members of the argument of a generated program, made as they are asked for.

use super::program::ProgramArgument;
use crate::terms::Kind;

#[derive(Default)]
pub(super) struct Members {
    program_arguments: Vec<ProgramArgument>,
    kinds: Vec<Kind>,
}

impl Members {
    /// How a program's text reads what is fed.
    pub(super) fn word(&mut self, program_argument: ProgramArgument, kind: Kind) -> String {
        let at = self.program_arguments.iter().position(|&f| f == program_argument).unwrap_or_else(
            || {
                self.program_arguments.push(program_argument);
                // a bool is a word like any other where it is stored
                self.kinds.push(if kind == Kind::Bool { Kind::U32 } else { kind });
                self.program_arguments.len() - 1
            },
        );
        if kind == Kind::Bool { format!("in.v{at}_ != 0u") } else { format!("in.v{at}_") }
    }

    /// The library's structure `Shared`, which has that name, at the start of the step.
    pub(super) fn shared(&mut self, name: &str) -> String {
        let parts = ProgramArgument::SHARED
            .map(|program_argument| self.word(program_argument, program_argument.clock_kind()));
        format!("{name}({}, 0.0)", parts.join(", "))
    }

    /// The library's structure of that name made of what is fed.
    pub(super) fn structure(
        &mut self,
        name: &str,
        program_arguments: &[ProgramArgument],
    ) -> String {
        let parts = program_arguments
            .iter()
            .map(|&program_argument| self.word(program_argument, program_argument.clock_kind()));
        format!("{name}({})", parts.collect::<Vec<_>>().join(", "))
    }

    /// The arguments with their types, and the declaration of the structure `In`.
    pub(super) fn finish(mut self) -> (Vec<ProgramArgument>, Vec<Kind>, String) {
        if self.program_arguments.is_empty() {
            // a structure needs a member
            self.word(ProgramArgument::Dt, Kind::F32);
        }
        let kinds = self.kinds.iter().enumerate();
        let members: String =
            kinds.map(|(k, kind)| format!("    v{k}_: {},\n", kind.name())).collect();
        (self.program_arguments, self.kinds, format!("struct In {{\n{members}}}\n"))
    }
}
