//! Monitors as gathers of addresses.

use super::sites::{GroupSite, names_of, units_of, variables_of};
use super::{Gather, Plan, Record, Role};
use crate::error::{Error, Result};
use crate::model::Kind;
use crate::monitor::Monitor;

/// For each group whether a monitor wants the sum of one of its inputs, which a step then has to store.
pub(super) fn observed_inputs(groups: &[GroupSite<'_>], monitors: &[Monitor]) -> Vec<bool> {
    let wanted = |site: &GroupSite<'_>| {
        units_of(site).into_iter().any(|(unit, node, _, resolved)| {
            let variables = variables_of(resolved, unit).into_iter();
            let mut inputs = variables.filter(|variable| variable.role == Role::Input);
            inputs.any(|input| {
                let names = names_of(node, &input.name);
                monitors.iter().any(|m| names.contains(&m.target.path))
            })
        })
    };
    groups.iter().map(wanted).collect()
}

/// Adds the monitors to the plan.
pub(super) fn compile(plan: &mut Plan, monitors: &[Monitor]) -> Result<()> {
    for monitor in monitors {
        let key = monitor.key.clone().unwrap_or_else(|| monitor.target.path.clone());
        let wrong = |reason: String| Error::Monitor { key: key.clone(), reason };
        if key == "ts" {
            return Err(wrong(
                "the key `ts` is reserved for the times of the steps; give another one".into(),
            ));
        }
        if plan.records.iter().any(|r| r.key == key) {
            return Err(wrong(
                "there are two monitors of this key; give one of them another by `.named(..)`"
                    .into(),
            ));
        }
        let slot = plan.slot("variable", &monitor.target.path)?;
        if slot.role == Role::Param {
            return Err(wrong(
                "it is a parameter, which does not change during a run; read it by `get`".into(),
            ));
        }
        let count = slot.words;
        let mut shape = slot.shape.clone();
        let gather = match &monitor.index {
            None if slot.kind == Kind::Bool => Gather::Flags { address: slot.address, count },
            None => Gather::Range { address: slot.address, count },
            Some(index) => {
                let rows = index.resolve(shape[0]).map_err(wrong)?;
                let width = count / shape[0];
                shape[0] = rows.len();
                let words = rows.iter().flat_map(|&r| (0..width).map(move |k| r * width + k));
                Gather::List(words.map(|k| (slot.address + k) as u32).collect())
            }
        };
        let record = Record { key, kind: slot.kind, shape, offset: plan.record_row, gather };
        plan.record_row += record.words();
        plan.records.push(record);
    }
    Ok(())
}
