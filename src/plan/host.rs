//! Functions of models that run on the host.

use crate::error::Result;
use crate::interpreter::evaluate;
use crate::model::{Model, Program, ProgramArgument};
use crate::system::Replicas;

/// Where parameters are, and what functions of them are called with on the host.
pub(super) struct OnHost<'a> {
    /// Path of their node.
    pub node: &'a str,
    /// How many elements the node has, in all replicas of the system.
    pub elements: usize,
    pub replicas: Option<Replicas>,
    pub dt: f64,
    /// Iterations that their loops may have for an element.
    pub loop_limit: u32,
}

impl OnHost<'_> {
    /// What a function makes of parameters: a word each where all columns have one.
    pub(super) fn call(
        &self,
        model: &Model,
        function: &'static str,
        params: &[Vec<u32>],
        derived: &[Vec<u32>],
    ) -> Result<Vec<Vec<u32>>> {
        let program = Program::on_host(model, function);
        let program_arguments: Vec<Vec<u32>> = program
            .program_arguments
            .iter()
            .map(|program_argument| match *program_argument {
                ProgramArgument::Param(_, k) => params[k].clone(),
                ProgramArgument::Derived(_, k) => derived[k].clone(),
                ProgramArgument::Dt => vec![(self.dt as f32).to_bits()],
                _ => vec![0],
            })
            .collect();
        let uniform = program_arguments.iter().all(|f| f.len() == 1);
        let elements = if uniform { 1 } else { self.elements };
        evaluate(&program, &program_arguments, elements, self.loop_limit)
    }
}

/// `path.name`, or the name alone at the target itself.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.into() } else { format!("{path}.{name}") }
}
