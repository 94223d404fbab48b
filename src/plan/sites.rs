//! The groups and projections of a description with all names, shapes and partners checked.

use super::components::{ComponentSite, Resolved, resolve};
use super::data::Role;
use super::host::join;
use crate::error::{Error, Result};
use crate::integrate::Method;
use crate::limits;
use crate::model::{Argument, Unit, jacobian, owner};
use crate::system::{Component, Group, Node, NodeKind, Projection, Replicas};
use crate::terms::{Kind, Value};

/// Most elements of a group: addresses are 32-bit numbers, and a group has more than one variable.
const MOST_ELEMENTS: usize = 1 << 30;

/// A group with the projections that end on it.
pub(super) struct GroupSite<'a> {
    pub node: &'a Node,
    /// Its place among the groups.
    pub order: usize,
    /// When in the step it is updated.
    pub stage: usize,
    /// Of its variables.
    pub shape: Vec<usize>,
    /// Whether the synaptic currents are part of the derivative.
    pub ltc: bool,
    pub trainable: &'a [String],
    /// What its variables were before the start.
    pub histories: &'a [(String, Value)],
    pub element: Resolved,
    pub afferents: Vec<ArmSite<'a>>,
}

impl GroupSite<'_> {
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A projection.
pub(super) struct ArmSite<'a> {
    pub node: &'a Node,
    pub projection: &'a Projection,
    pub synapse: Resolved,
    pub output: Resolved,
}

/// Checks all groups, then all projections.
pub(super) fn sites<'a>(
    nodes: &'a [Node],
    seed: u64,
    dt: f64,
    replicas: Option<Replicas>,
    loop_limit: u32,
) -> Result<Vec<GroupSite<'a>>> {
    let mut groups = Vec::new();
    for node in nodes {
        let NodeKind::Group(group) = &node.kind else { continue };
        let inner = group.inner();
        let copy_axis = replicas.map(|replicas| replicas.count).into_iter();
        let shape: Vec<usize> = copy_axis.chain(inner.shape.iter().copied()).collect();
        if group.is_empty() {
            return Err(Error::Node {
                node: label(node),
                reason: format!(
                    "it has no elements (shape {:?}); a group needs at least one",
                    inner.shape
                ),
            });
        }
        let count = replicas.map_or(1, |replicas| replicas.count);
        if group.len().saturating_mul(count) > MOST_ELEMENTS {
            return Err(Error::Limit {
                what: format!("group `{}`", label(node)),
                needed: format!("a shape of {:?}", shape),
                available: format!("room for {MOST_ELEMENTS} elements in a group"),
                device: "every device".into(),
                help: "use fewer elements, or several groups",
            });
        }
        state_room(&inner.component, group.len() * count, || format!("group `{}`", label(node)))?;
        let site = ComponentSite {
            path: &node.path,
            label: label(node),
            shape: &shape,
            replicas,
            seed,
            dt,
            ltc: inner.ltc,
            loop_limit,
        };
        let element = resolve(&inner.component, &site)?;
        if element.model.inner().functions.current.is_some() {
            return Err(Error::Node {
                node: label(node),
                reason: format!(
                    "model `{}` is an output, not a system with a state",
                    element.model.name()
                ),
            });
        }
        let names = variables_of(&element, Unit::Element);
        for name in &inner.trainable {
            if !names.iter().any(|named| named.name == *name) {
                let known = names.iter().map(|named| join(&node.path, &named.name));
                let path = join(&node.path, name);
                return Err(Error::unknown("variable or parameter", &path, known));
            }
        }
        groups.push(GroupSite {
            node,
            order: groups.len(),
            stage: node.stage,
            shape,
            ltc: inner.ltc,
            trainable: &inner.trainable,
            histories: &inner.histories,
            element,
            afferents: Vec::new(),
        });
    }
    if groups.is_empty() {
        return Err(Error::Node {
            node: nodes.first().map_or_else(String::new, label),
            reason: "it contains no group, so there is nothing to run; add one".into(),
        });
    }
    for node in nodes {
        let NodeKind::Projection(projection) = &node.kind else { continue };
        let inner = projection.inner();
        source_site(&groups, node, &inner.pre)?;
        let target = end_site(&groups, node, &inner.post, "target")?;
        if groups[target].afferents.len() >= limits::PROJECTIONS {
            return Err(Error::Node {
                node: label(node),
                reason: format!(
                    "it is one more than the {} projections that may end on a group, `{}`; join sources to larger groups",
                    limits::PROJECTIONS,
                    label(groups[target].node)
                ),
            });
        }
        let shape = &groups[target].shape;
        let site = ComponentSite {
            path: &node.path,
            label: label(node),
            shape,
            replicas,
            seed,
            dt,
            ltc: false,
            loop_limit,
        };
        state_room(&inner.synapse, site.elements(), || format!("projection `{}`", label(node)))?;
        let synapse = resolve(&inner.synapse, &site)?;
        let output = resolve(&inner.output, &site)?;
        let afferent = ArmSite { node, projection, synapse, output };
        check_arm(&afferent, &groups[target])?;
        let element = &groups[target].element;
        if groups[target].ltc && element.method == Method::EXP_EULER {
            // the current is a part of what is differentiated: a Jacobian of the model alone does not do
            element.model.inner().check_derivative(jacobian::NOT_LTC)?;
            afferent.output.model.inner().check_current(&afferent.synapse.model, &element.model)?;
        }
        groups[target].afferents.push(afferent);
    }
    Ok(groups)
}

/// Fails where there is no room for the state of so many elements: its initial values, the plan's, those of an engine.
fn state_room(component: &Component, elements: usize, what: impl FnOnce() -> String) -> Result<()> {
    let model = component.model.as_ref().map(|model| model.inner());
    let variables = model.map_or(0, |model| model.state.len() + model.inputs.len() + 1);
    // initial values are drawn one variable after the other, as f64
    let bytes = elements.saturating_mul(8 * variables + 8);
    limits::room(bytes, what, "use fewer elements")
}

/// Path of a node for messages, or its name where it is the target itself.
pub(super) fn label(node: &Node) -> String {
    if node.path.is_empty() { node.name.clone() } else { node.path.clone() }
}

/// Place of the group on one end of a projection.
pub(super) fn end_site(
    groups: &[GroupSite<'_>],
    node: &Node,
    end: &Group,
    what: &str,
) -> Result<usize> {
    let name = end.inner().name.as_str();
    let at = groups.iter().position(|g| g.node.name == name).ok_or_else(|| Error::Node {
        node: label(node),
        reason: format!(
            "its {what} `{name}` is not part of the system; add the group to the network"
        ),
    })?;
    match &groups[at].node.kind {
        NodeKind::Group(group) if group.same(end) => Ok(at),
        _ => Err(Error::Node {
            node: label(node),
            reason: format!(
                "its {what} `{name}` was changed after the projection was made; set up groups before"
            ),
        }),
    }
}

fn source_site(groups: &[GroupSite<'_>], node: &Node, pre: &Group) -> Result<usize> {
    let at = end_site(groups, node, pre, "source")?;
    if groups[at].element.model.spikes() {
        return Ok(at);
    }
    Err(Error::Node {
        node: label(node),
        reason: format!(
            "its source `{}` does not spike; model `{}` needs a function `threshold`",
            label(groups[at].node),
            groups[at].element.model.name()
        ),
    })
}

/// Whether synapse, output and target fit together.
fn check_arm(afferent: &ArmSite<'_>, target: &GroupSite<'_>) -> Result<()> {
    let wrong = |reason: String| Err(Error::Node { node: label(afferent.node), reason });
    let (synapse, output, element) = (
        afferent.synapse.model.inner(),
        afferent.output.model.inner(),
        target.element.model.inner(),
    );
    if synapse.inputs.len() != 1 {
        return wrong(format!(
            "model `{}` cannot be a synapse: its archetype `Input` must have one member, the sum of what arrives",
            synapse.name
        ));
    }
    if !element.inputs.iter().any(|m| m.name == "input") {
        return wrong(format!(
            "its target's model `{}` has no input named `input` for the current",
            element.name
        ));
    }
    let Some(arguments) = &output.functions.current else {
        return wrong(format!(
            "model `{}` cannot be an output: it has no function `current`",
            output.name
        ));
    };
    for argument in arguments {
        let Argument::Named(name) = argument else { continue };
        if let Err(reason) = owner(name, synapse, element) {
            return wrong(format!("output `{}` needs `{name}`, {reason}", output.name));
        }
    }
    let mut names: Vec<&str> = Vec::new();
    let members =
        synapse.state.iter().chain(&synapse.inputs).chain(&synapse.params).chain(&output.params);
    for member in members {
        if names.contains(&member.name.as_str()) {
            return wrong(format!(
                "synapse `{}` and output `{}` both have `{}`; rename one of them",
                synapse.name, output.name, member.name
            ));
        }
        names.push(&member.name);
    }
    Ok(())
}

/// The roles that the units of a site have, with what a path to each is made of.
pub(super) fn units_of<'a>(site: &'a GroupSite<'a>) -> Vec<(Unit, &'a Node, &'a Resolved)> {
    let mut units = vec![(Unit::Element, site.node, &site.element)];
    for (k, afferent) in site.afferents.iter().enumerate() {
        units.push((Unit::Synapse(k), afferent.node, &afferent.synapse));
        units.push((Unit::Output(k), afferent.node, &afferent.output));
    }
    units
}

/// A variable or parameter of a unit.
pub(super) struct NamedValues {
    pub role: Role,
    /// Its place among those of its role.
    pub index: usize,
    pub name: String,
    pub kind: Kind,
}

/// All variables and parameters of a unit.
pub(super) fn variables_of(resolved: &Resolved, unit: Unit) -> Vec<NamedValues> {
    let inner = resolved.model.inner();
    let roles =
        [(Role::State, &inner.state), (Role::Input, &inner.inputs), (Role::Param, &inner.params)];
    let mut all: Vec<NamedValues> = roles
        .into_iter()
        .flat_map(|(role, members)| {
            members.iter().enumerate().map(move |(index, member)| NamedValues {
                role,
                index,
                name: member.name.clone(),
                kind: member.kind,
            })
        })
        .collect();
    if unit == Unit::Element && resolved.model.spikes() {
        all.push(NamedValues {
            role: Role::Spike,
            index: 0,
            name: "spike".into(),
            kind: Kind::Bool,
        });
    }
    all
}

/// All names of a node's variable: by its path from the target first, then by further paths, then by the node's name.
pub(super) fn names_of(node: &Node, variable: &str) -> Vec<String> {
    let paths = std::iter::once(&node.path).chain(&node.aliases);
    let mut names: Vec<String> = paths.map(|path| join(path, variable)).collect();
    names.push(format!("{}.{variable}", node.name));
    names
}
