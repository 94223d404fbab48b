//! Functions of models that run on the host.

use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;
use crate::interpreter::evaluate;
use crate::model::{Archetype, Model, Program, ProgramArgument, jacobian};
use crate::system::Replicas;

/// The functions that run on the host, each a program that is composed when it is called first.
#[derive(Debug)]
pub(crate) struct HostPrograms {
    all: Mutex<Vec<(Model, &'static str, Arc<Program>)>>,
    /// Models that were found to be differentiable.
    differentiable: Mutex<Vec<Model>>,
    /// Iterations that their loops may have for an element.
    loop_limit: u32,
}

impl HostPrograms {
    pub(super) fn new(loop_limit: u32) -> Self {
        Self { all: Mutex::default(), differentiable: Mutex::default(), loop_limit }
    }

    /// Whether a model's right-hand side can be differentiated, looked at once for a model.
    pub(super) fn check_derivative(&self, model: &Model) -> Result<()> {
        let mut known = self.differentiable.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.iter().any(|known| known.same(model)) {
            model.inner().check_derivative(jacobian::GIVE_IT)?;
            known.push(model.clone());
        }
        Ok(())
    }

    fn of(&self, model: &Model, function: &'static str) -> Result<Arc<Program>> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., program)) = all.iter().find(|(m, f, _)| *f == function && m.same(model)) {
            return Ok(program.clone());
        }
        let program = Arc::new(Archetype::compose_host(model, function)?);
        all.push((model.clone(), function, program.clone()));
        Ok(program)
    }
}

/// Where parameters are, and what functions of them are called with on the host.
pub(super) struct OnHost<'a> {
    /// Path of their node.
    pub node: &'a str,
    /// How many elements the node has, in all replicas of the system.
    pub elements: usize,
    pub replicas: Option<Replicas>,
    pub dt: f64,
    pub programs: &'a HostPrograms,
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
        let program = self.programs.of(model, function)?;
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
        evaluate(&program, &program_arguments, elements, self.programs.loop_limit)
    }
}

/// `path.name`, or the name alone at the target itself.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.into() } else { format!("{path}.{name}") }
}
