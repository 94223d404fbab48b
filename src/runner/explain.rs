//! What becomes of a system on its way to a device.

use std::fmt;

use super::run::DSRunner;
use crate::error::{Error, Result};
use crate::limits::deep;
use crate::model::{Invocation, Model, Program, SourceText};
use crate::plan::{Binding, DerivedLoad, DerivedWork, KernelGive, KernelOp, Plan, Population};
use crate::scalar::{Access, ProgramCode};

/// How the texts of a system become what a device executes, stage by stage; made by [`DSRunner::explain`]. It prints all of them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Explanation {
    /// The programs: those that update groups, in the order in which they do; those of expressions; kernels; and the functions of
    /// models that give parameters and initial values, on the host.
    pub programs: Vec<ExplainedProgram>,
    /// The kernels that a GPU gets, each with its name, as [`DSRunner::wgsl`] gives them; none without the feature `gpu`.
    pub kernels: Vec<(String, String)>,
    /// Which operations a step has, and how they are dispatched, as [`DSRunner::plan`] gives it.
    pub plan: String,
}

/// A program in its stages; a part of an [`Explanation`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExplainedProgram {
    /// What it is made of, or what it is for: `LIF + Expon + COBA`, `LIF.defaults`, `kernel diffuse`.
    pub name: String,
    /// The texts that it is made of.
    pub texts: Vec<SourceText>,
    /// The text that is composed of them, with the function `advance`, which all engines execute; none where a model's own function is
    /// executed.
    pub composed: Option<String>,
    /// The operations of that function. Where parameters are the same for all elements, what depends on these alone is in the
    /// prologue.
    pub code: ProgramCode,
}

impl DSRunner {
    /// What becomes of the system on its way to the device: each program's texts as they were given, the text that is composed of them,
    /// its operations, the kernels and the dispatches. It is for people and their debugging: print it, or a part of it. The words change
    /// from version to version.
    ///
    /// ```
    /// use dsrunner::{DSRunner, neurons};
    ///
    /// let runner = DSRunner::builder(neurons::lif(10)).device("cpu").build()?;
    /// let explanation = runner.explain()?;
    /// let update = &explanation.programs[0];
    /// assert_eq!((update.name.as_str(), update.texts[0].file.as_str()), ("LIF", "shaders/neurons/lif.wgsl"));
    /// assert!(update.composed.as_ref().is_some_and(|text| text.contains("fn advance(in: In) -> Out")));
    /// // how the potential after the step is made
    /// assert!(update.code.results.iter().any(|result| result.starts_with("e_state_V = v")));
    /// println!("{explanation}");
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unsupported`] where a kernel cannot be written.
    pub fn explain(&self) -> Result<Explanation> {
        let kernels = match self.wgsl() {
            // without the engine that has some
            Err(Error::NoDevice { .. }) => Vec::new(),
            kernels => kernels?,
        };
        let programs = deep(|| programs(&self.plan))?;
        Ok(Explanation { programs, kernels, plan: self.plan() })
    }
}

/// All programs of a plan.
fn programs(plan: &Plan) -> Result<Vec<ExplainedProgram>> {
    let mut programs: Vec<ExplainedProgram> = Vec::new();
    for population in &plan.populations {
        programs.push(fed(&population.program, |k| is_column(population, k)));
    }
    for derived_column in &plan.derived_columns {
        if let DerivedWork::Evaluate { program, loads, .. } = &derived_column.work {
            programs.push(fed(program, |k| matches!(loads[k], DerivedLoad::Column(_))));
        }
    }
    for kernel in &plan.kernels {
        programs.push(of_kernel(kernel)?);
    }
    let mut models: Vec<&Model> = Vec::new();
    for archetype in plan.populations.iter().map(|population| &population.archetype) {
        for model in archetype.units().into_iter().map(|unit| archetype.model(unit)) {
            if !models.iter().any(|known| known.same(model)) {
                models.push(model);
            }
        }
    }
    for model in models {
        let host = Program::all_on_host(model);
        programs.extend(host.map(|program| fed(&program, |_| false)));
    }
    Ok(programs)
}

/// A program of which these arguments differ between elements.
fn fed(program: &Program, is_column: impl Fn(usize) -> bool) -> ExplainedProgram {
    let access = access(program, is_column);
    explained(program, program.code(&program.lower(&access)))
}

fn of_kernel(kernel: &KernelOp) -> Result<ExplainedProgram> {
    let program = &kernel.text.program;
    let access = access(program, |k| match kernel.gives[k] {
        KernelGive::Invocation(invocation) => !matches!(invocation, Invocation::Workgroups(_)),
        KernelGive::Clock(_) | KernelGive::Constant(_) | KernelGive::Key(_) => false,
    });
    let lowered = program.lower_kernel(&access, &kernel.memories(), false, None)?;
    Ok(explained(program, program.code(&lowered)))
}

fn access(program: &Program, is_column: impl Fn(usize) -> bool) -> Vec<Access> {
    let way = |k| if is_column(k) { Access::Column(k) } else { Access::Uniform };
    (0..program.program_arguments.len()).map(way).collect()
}

fn explained(program: &Program, code: ProgramCode) -> ExplainedProgram {
    ExplainedProgram {
        name: program.name.clone(),
        texts: program.texts(),
        composed: (!program.text.is_empty()).then(|| program.text.clone()),
        code,
    }
}

/// Whether an argument of a population differs between its elements.
fn is_column(population: &Population, argument: usize) -> bool {
    match population.program_arguments[argument] {
        Binding::Column(_) => true,
        Binding::Parameter(place) => population.uniform_rank(place).is_none(),
        Binding::Clock(_) => false,
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told: Vec<&SourceText> = Vec::new();
        for program in &self.programs {
            writeln!(f, "=== program {}", program.name)?;
            for text in &program.texts {
                write!(f, "--- text of {}, {}", text.name, text.file)?;
                // programs share models
                if told.contains(&text) {
                    writeln!(f, ": as above")?;
                    continue;
                }
                writeln!(f, "\n{}", text.text.trim_end())?;
                told.push(text);
            }
            if let Some(composed) = &program.composed {
                writeln!(f, "--- composed\n{}", composed.trim_end())?;
            }
            write!(f, "--- operations\n{}", program.code)?;
        }
        for (name, text) in &self.kernels {
            writeln!(f, "=== kernel {name}\n{}", text.trim_end())?;
        }
        write!(f, "=== plan\n{}", self.plan)
    }
}

#[cfg(test)]
mod tests {
    use crate::{DSRunner, neurons};

    /// With and without the engine that has kernels.
    #[test]
    fn every_stage_but_kernels_is_there_without_a_gpu() {
        let runner =
            DSRunner::builder(neurons::lif(2)).device("cpu").progress_bar(false).build().unwrap();
        let explanation = runner.explain().unwrap();
        assert_eq!(explanation.kernels.is_empty(), cfg!(not(feature = "gpu")));
        let update = &explanation.programs[0];
        assert_eq!(update.texts[0].file, "shaders/neurons/lif.wgsl");
        assert!(update.composed.as_ref().is_some_and(|text| text.contains("fn advance(")));
        assert!(!update.code.body.is_empty() && update.code.results.len() == 2);
        assert!(explanation.plan.contains("  update   LIF by exp_euler"));
        let print = explanation.to_string();
        for stage in ["--- text of LIF", "--- composed", "--- operations", "=== plan"] {
            assert!(print.contains(stage), "{stage}");
        }
    }
}
