//! Kernels of a user's own: which variables their arrays are, and how many invocations they have.

use super::data::{Plan, Role};
use super::inputs;
use super::sites::label;
use super::step::{KernelArray, KernelGive, KernelOp, StepOp};
use crate::error::{Error, Result};
use crate::model::ProgramArgument;
use crate::random::{Keys, Purpose};
use crate::system::{Kernel, Node, NodeKind};
use crate::terms::Kind;

/// Most workgroups along an axis on every device.
const MOST_WORKGROUPS: u32 = 65_535;

/// Adds the kernels of a stage to the step.
pub(super) fn add(plan: &mut Plan, nodes: &[Node], stage: usize) -> Result<()> {
    for node in nodes.iter().filter(|node| node.stage == stage) {
        if let NodeKind::Kernel(kernel) = &node.kind {
            let op = one(plan, node, kernel)?;
            plan.step.push(StepOp::Kernel(plan.kernels.len()));
            plan.kernels.push(op);
        }
    }
    Ok(())
}

fn one(plan: &Plan, node: &Node, kernel: &Kernel) -> Result<KernelOp> {
    let inner = kernel.inner();
    let wrong = |reason: String| Error::Node { node: label(node), reason };
    let text = &inner.text;
    for (k, (name, _)) in inner.bound.iter().enumerate() {
        if !text.arrays.iter().any(|array| array.name == *name) {
            let known = text.arrays.iter().map(|array| array.name.clone());
            return Err(Error::unknown("array in the kernel's text", name, known));
        }
        if inner.bound[..k].iter().any(|(other, _)| other == name) {
            return Err(wrong(format!("its array `{name}` is bound twice; bind it once")));
        }
    }
    let replicas = plan.replicas.map_or(1, |replicas| replicas.count);
    let mut arrays: Vec<KernelArray> = Vec::with_capacity(text.arrays.len());
    for array in &text.arrays {
        let name = &array.name;
        let Some((_, target)) = inner.bound.iter().find(|(bound, _)| bound == name) else {
            return Err(wrong(format!(
                "its array `{name}` is no variable yet; say which by `.bind(\"{name}\", ..)`"
            )));
        };
        if target.index.is_some() {
            return Err(wrong(format!(
                "its array `{name}` is a slice; bind the variable, and use the slice's indexes"
            )));
        }
        let variable = plan.variable("variable or parameter", &target.path)?;
        let kind = if variable.kind == Kind::Bool { Kind::U32 } else { variable.kind };
        if kind != array.kind {
            return Err(wrong(format!(
                "its array `{name}` is of {}, but `{}` of {}",
                array.kind.name(),
                variable.path(),
                variable.kind.name()
            )));
        }
        if array.writable {
            inputs::check_target(variable.path(), variable.role)?;
            if variable.role == Role::Input
                && plan.populations[variable.population].stage <= node.stage
            {
                return Err(wrong(format!(
                    "it runs after the update that uses `{0}`, so what its array `{name}` writes there would be lost; record \
                     it in an earlier stage: the kernel, `step.then()`, then the group of `{0}`",
                    variable.path()
                )));
            }
        }
        if arrays.iter().any(|a| a.address == variable.address && a.writable && array.writable) {
            return Err(wrong(format!(
                "two of its arrays write `{}`; one of them is enough",
                variable.path()
            )));
        }
        let alone = variable.role == Role::Param && variable.words == 1;
        let words = if alone { 1 } else { variable.words / replicas };
        if let Some(fixed) = array.fixed.filter(|fixed| words < *fixed) {
            return Err(wrong(format!(
                "its array `{name}` has {fixed} elements, but `{}` has {words}",
                variable.path()
            )));
        }
        arrays.push(KernelArray {
            path: variable.path().into(),
            address: variable.address,
            words,
            stride: if alone { 0 } else { words },
            writable: array.writable,
        });
    }
    let first = arrays.iter().find(|array| array.writable).map_or(1, |array| array.words);
    let invocations = inner.invocations.unwrap_or([first as u32, 1, 1]);
    let mut workgroups = [0; 3];
    for axis in 0..3 {
        workgroups[axis] = invocations[axis].div_ceil(text.workgroup[axis]);
        if !(1..=MOST_WORKGROUPS).contains(&workgroups[axis]) {
            return Err(wrong(format!(
                "invocations of {invocations:?} are {} workgroups of {:?} along an axis; there must be from 1 to \
                 {MOST_WORKGROUPS}: divide them among the axes by `.invocations([x, y, z])`",
                workgroups[axis], text.workgroup
            )));
        }
    }
    let sizes = workgroups.iter().zip(&text.workgroup);
    let all = sizes.fold(1u128, |all, (&n, &size)| all * u128::from(n) * u128::from(size));
    if all > u128::from(u32::MAX) {
        return Err(Error::Limit {
            what: format!("kernel `{}`", label(node)),
            needed: format!("a number of {all} invocations"),
            available: format!("room for {}", u32::MAX),
            device: "every device".into(),
            help: "let each invocation do more",
        });
    }
    let gives =
        text.program.program_arguments.iter().map(|&program_argument| match program_argument {
            ProgramArgument::Key(_) => KernelGive::Key(0),
            ProgramArgument::KeyHigh(_) => KernelGive::Key(1),
            ProgramArgument::Invocation(invocation) => KernelGive::Invocation(invocation),
            // for the kernel to set
            ProgramArgument::Element => KernelGive::Constant(0),
            clock => KernelGive::Clock(clock),
        });
    let keys = Keys { seed: plan.seed, purpose: Purpose::Kernel, path: &node.path };
    let keys = plan.replica_numbers().map(|replica| keys.of_copy(replica)).collect();
    let (gives, text, path) = (gives.collect(), text.clone(), label(node));
    Ok(KernelOp { path, stage: node.stage, text, arrays, workgroups, gives, keys })
}
