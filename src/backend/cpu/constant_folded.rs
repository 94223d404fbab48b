//! Steps in which inputs that are constant are known to the programs.

use crate::plan::{Binding, Plan, StepOp};

/// What is left of a step.
pub(super) struct ConstantFolded {
    pub step: Vec<StepOp>,
    /// Columns that are still to be cleared, as population and column.
    pub cleared: Vec<(usize, usize)>,
}

impl ConstantFolded {
    /// None where inputs are more than constants and rows.
    pub(super) fn new(plan: &Plan) -> Option<Self> {
        if !plan.fused() {
            return None;
        }
        let kept = |op: &StepOp| match *op {
            StepOp::Input(k) => {
                let input = &plan.inputs[k];
                let (at, member) = (input.population, input.member);
                let column = plan.cleared_stream(input);
                !column.is_some_and(|column| plan.is_constant_input(at, member, column))
            }
            _ => true,
        };
        let step: Vec<StepOp> = plan.step.iter().copied().filter(kept).collect();
        let columns = plan.populations.iter().enumerate().flat_map(|(at, population)| {
            let cleared = population.columns.iter().enumerate().filter(|(_, s)| s.cleared);
            cleared.map(move |(column, _)| (at, column))
        });
        let cleared = columns.filter(|&(at, column)| {
            let mut members = 0..plan.populations[at].members.len();
            members.any(|member| !plan.is_constant_input(at, member, column))
        });
        Some(Self { step, cleared: cleared.collect() })
    }
}

/// The arguments of a member that are constant inputs, with their values.
pub(super) fn program_arguments(
    plan: &Plan,
    at: usize,
    member: usize,
    constants: &[u32],
) -> Vec<(usize, u32)> {
    let bindings = plan.populations[at].program_arguments.iter().enumerate();
    let program_arguments = bindings.filter_map(|(k, binding)| match *binding {
        Binding::Column(column) => Some((k, plan.constant_input(at, member, column, constants)?)),
        _ => None,
    });
    program_arguments.collect()
}
