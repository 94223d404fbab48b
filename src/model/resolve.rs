//! Whose variable it is that an output names.

use super::inner::{Inner, ModelMember};
use crate::terms::Kind;

/// Where an output's current takes a variable from, by its place among those of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Synapse(usize),
    Target(usize),
}

/// Finds a variable of the synapse or of the target by the name that an output has for it.
///
/// # Errors
/// Why it is none, in words.
pub(crate) fn owner(name: &str, synapse: &Inner, target: &Inner) -> Result<Owner, String> {
    let place = |model: &Inner, name: &str| model.state.iter().position(|m| m.name == name);
    let of_synapse = |name: &str| place(synapse, name).map(Owner::Synapse);
    let of_target = |name: &str| place(target, name).map(Owner::Target);
    let found = match (of_synapse(name), of_target(name)) {
        (Some(_), Some(_)) => {
            return Err(format!(
                "which synapse `{}` and target `{}` both have; name it `{name}_syn` or `{name}_post`",
                synapse.name, target.name
            ));
        }
        (found, None) | (None, found) => found,
    };
    let suffixed = || {
        let synapse = name.strip_suffix("_syn").and_then(of_synapse);
        synapse.or_else(|| name.strip_suffix("_post").and_then(of_target))
    };
    let Some(owner) = found.or_else(suffixed) else { return Err(missing(name, synapse, target)) };
    let (model, member) = match owner {
        Owner::Synapse(k) => (synapse, &synapse.state[k]),
        Owner::Target(k) => (target, &target.state[k]),
    };
    if member.kind != Kind::F32 {
        return Err(format!(
            "which in `{}` is of type {}; a current is made of variables of type f32",
            model.name,
            member.kind.name()
        ));
    }
    Ok(owner)
}

fn missing(name: &str, synapse: &Inner, target: &Inner) -> String {
    let has = |members: &[ModelMember]| members.iter().any(|m| m.name == name);
    for (what, model) in [("synapse", synapse), ("target", target)] {
        let Inner { params, inputs, derived, .. } = model;
        let roles = [("a parameter", params), ("an input", inputs), ("a derived value", derived)];
        if let Some((role, _)) = roles.into_iter().find(|(_, members)| has(members)) {
            return format!(
                "which is {role} of {what} `{}`; a current takes variables, and parameters of its own as `Params`",
                model.name
            );
        }
    }
    format!("which neither synapse `{}` nor target `{}` has", synapse.name, target.name)
}
