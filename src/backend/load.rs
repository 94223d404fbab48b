//! What a step asks of a device.

use crate::plan::{Binding, DerivedColumn, DerivedWork, Plan, Population};
use crate::scalar::{Access, Code};

/// Spikes of a source in a ms, 20 a second. What is not known before a run is estimated.
const RATE: f64 = 0.02;

/// Operations that an elementary function, a quotient and anything else stand for.
const FUNCTION: f64 = 18.0;
const QUOTIENT: f64 = 5.0;

/// The parts of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Load {
    /// Operations of all elements.
    pub operations: f64,
    /// Operations one after the other.
    pub chain: f64,
    /// Words that are read and written.
    pub words: f64,
    /// Synapses over which spikes are delivered.
    pub synapses: f64,
    /// Dispatches one after the other.
    pub dispatches: f64,
    /// Invocations of the workgroup that has the whole system; 0 where there are many workgroups.
    pub workgroup: f64,
    /// Submissions that are waited for.
    pub submissions: f64,
}

impl Load {
    /// On the CPU engine, whose words are part of its operations.
    pub(crate) fn on_cpu(plan: &Plan) -> Self {
        let own = |p: &Population| p.elements as f64 * operations(p);
        let derived_columns: usize = plan.derived_columns.iter().map(terms).sum();
        Self {
            operations: plan.populations.iter().map(own).sum::<f64>() + derived_columns as f64,
            chain: 0.0,
            words: 0.0,
            synapses: plan.synapses() as f64 * (RATE * plan.dt).min(1.0),
            dispatches: 0.0,
            workgroup: 0.0,
            submissions: 0.0,
        }
    }
}

/// What a column is made of.
fn terms(derived_column: &DerivedColumn) -> usize {
    match &derived_column.work {
        DerivedWork::Reduce { from, .. } | DerivedWork::Accumulate { from, .. } => from.len(),
        DerivedWork::Sum { connections, .. } => *connections,
        _ => derived_column.words,
    }
}

/// Operations of an element in a step, without those that parameters alone need.
pub(crate) fn operations(population: &Population) -> f64 {
    let program_arguments = population.program_arguments.iter().enumerate();
    let access: Vec<Access> = program_arguments
        .map(|(k, binding)| match binding {
            Binding::Column(_) => Access::Column(k),
            Binding::Parameter(_) | Binding::Clock(_) => Access::Uniform,
        })
        .collect();
    let lowered = population.program.lower(&access);
    let weight = |code: Code| match code {
        Code::DivF => QUOTIENT,
        code if (Code::InverseSqrtF as usize..=Code::ExprelF as usize)
            .contains(&(code as usize)) =>
        {
            FUNCTION
        }
        Code::PowF | Code::Atan2F => 2.0 * FUNCTION,
        _ => 1.0,
    };
    lowered.body.iter().map(|op| weight(op.code)).sum()
}
