//! Couplings as columns: the variables of sources and targets by connection, the terms, their sums by target.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::data::{InputOp, Plan, Role, Source};
use super::host::join;
use super::layout::position;
use super::offsets::Offsets;
use super::sites::{GroupSite, end_site, label};
use super::step::{DelayLine, DerivedLoad, DerivedWork, StepOp};
use super::{delays, expressions, fixed, inputs};
use crate::connect::{Ends, Synapses};
use crate::error::{Error, Explained, Result};
use crate::limits;
use crate::model::{Named, Program, expression};
use crate::random::{Keys, Purpose};
use crate::system::{Coupling, Node, NodeKind};
use crate::terms::{Kind, Operation, Value, Wgsl};

/// A coupling with all that it names found.
pub(super) struct CouplingSite {
    label: String,
    /// Of its node.
    path: String,
    /// When in the step it is made.
    stage: usize,
    program: Arc<Program>,
    /// What the program's variables are, in their order.
    named: Vec<ValuePlace>,
    /// Connections of a replica of the system, by target.
    rows: CompressedRows,
    weights: Vec<u32>,
    /// In steps, one for all or one per connection.
    delays: Vec<u32>,
    /// Place of the target among the variables.
    target: usize,
    sources: usize,
}

#[derive(Clone, Copy)]
enum ValuePlace {
    /// The slot of that number, of the source.
    Pre(usize),
    Post(usize),
    Weight,
}

/// Connections in rows by target, each row by source.
struct CompressedRows {
    indptr: Vec<u32>,
    sources: Vec<u32>,
    targets: Vec<u32>,
    /// For each connection its place among the rows by source.
    order: Vec<usize>,
}

/// Finds all that the couplings name, and begins the step with keeping what they read.
pub(super) fn prepare(
    plan: &mut Plan,
    nodes: &[Node],
    groups: &[GroupSite<'_>],
) -> Result<Vec<CouplingSite>> {
    let mut sites = Vec::new();
    for node in nodes {
        if let NodeKind::Coupling(coupling) = &node.kind {
            sites.push(site(plan, node, coupling, groups)?);
        }
    }
    // a variable is kept once, for the longest delay with which it is read
    let mut kept: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for site in &sites {
        let longest = site.delays.iter().copied().max().unwrap_or(0) as usize;
        for place in &site.named {
            let (variable, longest) = match *place {
                ValuePlace::Pre(variable) => (variable, longest),
                ValuePlace::Post(variable) => (variable, 0),
                ValuePlace::Weight => continue,
            };
            if plan.variables[variable].role != Role::Param {
                let (depth, rows) = kept.entry(variable).or_default();
                // where it was updated before, a delay of one step is the value at the start of the step
                let ahead = usize::from(site.is_ahead(plan, variable));
                *depth = (*depth).max(longest.saturating_sub(ahead));
                *rows = (*rows).max(longest + 1);
            }
        }
    }
    for (&variable, &(depth, rows)) in &kept {
        let taken = format!("{}_history", plan.variables[variable].path());
        if depth > 0 && plan.variables.iter().any(|other| other.path() == taken) {
            return Err(Error::Node {
                node: taken,
                reason: "this name is that of the past values of another variable, which a coupling reads; \
                         rename it"
                    .into(),
            });
        }
        let delay_line = plan.reserve_ring(variable, depth, rows)?;
        let label = format!("past of {}", plan.variables[variable].path());
        plan.push_column(
            label,
            DerivedWork::DelayLineWrite { delay_line, ahead: false },
            delay_line.address,
            delay_line.words,
        );
    }
    for group in groups {
        histories(plan, group)?;
    }
    Ok(sites)
}

/// Writes what a group's variables were before the start.
fn histories(plan: &mut Plan, group: &GroupSite<'_>) -> Result<()> {
    for (name, value) in group.histories {
        let path = join(&group.node.path, name);
        let wrong = |reason: String| Error::Node { node: path.clone(), reason };
        let variable = plan.find("variable", &path)?;
        let Some(delay_line) =
            plan.delay_lines.iter().find(|r| r.variable == variable && r.depth > 0).copied()
        else {
            return Err(wrong(
                "its history is given, but no coupling reads it with a delay".into(),
            ));
        };
        let kind = plan.variables[variable].kind;
        let shape = [&[delay_line.depth], &group.shape[..]].concat();
        let values = value.broadcast(&format!("history of {path}"), &shape)?;
        let bits = values.iter().map(|&v| kind.bits(v)).collect::<Explained<Vec<u32>>>();
        let bits = bits.map_err(wrong)?;
        for lag in 1..=delay_line.depth {
            let row = match bits[..] {
                [word] => vec![word; delay_line.words],
                ref all => all[(lag - 1) * delay_line.words..lag * delay_line.words].to_vec(),
            };
            plan.set_past(delay_line, lag, &row);
        }
    }
    Ok(())
}

fn site(
    plan: &Plan,
    node: &Node,
    coupling: &Coupling,
    groups: &[GroupSite<'_>],
) -> Result<CouplingSite> {
    let inner = coupling.inner();
    let path = label(node);
    let wrong = |reason: String| Error::Node { node: path.clone(), reason };
    let pre = end_site(groups, node, &inner.pre, "source")?;
    let post = end_site(groups, node, &inner.post, "target")?;
    let (mut names, mut places) = (Vec::new(), Vec::new());
    for (end, suffix) in [(pre, "pre"), (post, "post")] {
        for variable in own_slots(plan, end)
            .filter(|&variable| matches!(plan.variables[variable].role, Role::State | Role::Param))
        {
            let (name, kind) = (plan.variables[variable].variable(), plan.variables[variable].kind);
            names.push(Named { name: format!("{name}_{suffix}"), kind });
            places.push(if suffix == "pre" {
                ValuePlace::Pre(variable)
            } else {
                ValuePlace::Post(variable)
            });
        }
    }
    names.push(Named { name: "w".into(), kind: Kind::F32 });
    places.push(ValuePlace::Weight);
    let Wgsl(text) = &inner.term;
    let program = expression(&format!("coupling {path}"), text, &names, &[Kind::F32])?;
    let named: Vec<ValuePlace> = expressions::variables(&program).map(|k| places[k]).collect();
    if inner.weight.is_some() && !named.iter().any(|place| matches!(place, ValuePlace::Weight)) {
        return Err(wrong("its weight is given, but its expression does not name `w`".into()));
    }
    let delayed = |place: &ValuePlace| matches!(place, ValuePlace::Pre(variable) if plan.variables[*variable].role != Role::Param);
    if inner.delay.is_some() && !named.iter().any(delayed) {
        return Err(wrong(
            "its delay is given, but its expression names no variable of its source, such as `x_pre`".into(),
        ));
    }

    let target_path = join(&groups[post].node.path, &inner.target);
    let target = plan.find("variable", &target_path)?;
    if !own_slots(plan, post).any(|variable| variable == target) {
        return Err(wrong(format!(
            "its target variable `{target_path}` is not one of its target's"
        )));
    }
    inputs::check_target(&target_path, plan.variables[target].role)?;
    if plan.variables[target].kind != Kind::F32 {
        return Err(wrong(format!(
            "its target variable `{target_path}` is of type {}; sums are added to variables of type f32",
            plan.variables[target].kind.name()
        )));
    }

    let ends = Ends {
        projection: &path,
        sources: inner.pre.len(),
        targets: inner.post.len(),
        same_group: pre == post,
    };
    let keys = Keys { seed: plan.seed, purpose: Purpose::Connectivity, path: &node.path };
    let synapses = inner.connect.build(&ends, keys.of_copy(0))?;
    // rows by target; a column for each variable, for the terms, and what gathers them, in each replica
    let count = synapses.indices.len();
    let derived_columns =
        (names.len() + 2).saturating_mul(plan.replicas.map_or(1, |replicas| replicas.count));
    let bytes = count.saturating_mul(16 + 12 * derived_columns);
    limits::room(
        bytes,
        || format!("the {count} connections of `{path}`"),
        "use fewer connections",
    )?;
    let rows = by_target(&synapses, ends.targets);
    let per_connection = |value: &Value, what: &str| -> Result<Vec<f64>> {
        let values = value.broadcast(&join(&path, what), &[synapses.indices.len()])?;
        if values.len() == 1 {
            return Ok(values);
        }
        let given = |k: usize| synapses.order.as_ref().map_or(k, |order| order[k] as usize);
        Ok(rows.order.iter().map(|&k| values[given(k)]).collect())
    };
    let one = || Value::from(1.0);
    let weights = per_connection(&inner.weight.clone().unwrap_or_else(one), "weight")?;
    fixed::check(&weights).map_err(wrong)?;
    let weights = weights.iter().map(|&w| Kind::F32.bits(w)).collect::<Explained<_>>();
    let none = || Value::from(0.0);
    let delays = per_connection(&inner.delay.clone().unwrap_or_else(none), "delay")?;
    let delays = delays.iter().map(|&d| delays::steps(d, plan.dt, 0).map(|steps| steps as u32));
    let mut delays = delays.collect::<Explained<Vec<u32>>>().map_err(wrong)?;
    let mut stage = node.stage;
    if plan.variables[target].role == Role::Input && groups[post].stage < stage {
        // the target was updated before: the same as what is added at the start of the next step
        let later = u32::from(groups[pre].stage >= stage);
        delays.iter_mut().for_each(|delay| *delay += later);
        stage = 0;
    }
    Ok(CouplingSite {
        program: program.into(),
        named,
        weights: weights.map_err(wrong)?,
        delays,
        target,
        sources: ends.sources,
        rows,
        stage,
        label: path,
        path: node.path.clone(),
    })
}

impl CouplingSite {
    /// Whether it reads a variable after the update of its group in the same step.
    fn is_ahead(&self, plan: &Plan, variable: usize) -> bool {
        plan.populations[plan.variables[variable].population].stage < self.stage
    }
}

/// The variables and parameters of a group, without those of the synapses on it.
fn own_slots(plan: &Plan, group: usize) -> impl Iterator<Item = usize> {
    let (population, member) = position(plan, group);
    let own = plan.variables.iter().enumerate().filter(move |(_, variable)| {
        (variable.population, variable.member, variable.unit)
            == (population, member, crate::model::Unit::Element)
    });
    own.map(|(at, _)| at)
}

/// Turns rows by source into rows by target.
fn by_target(synapses: &Synapses, targets: usize) -> CompressedRows {
    let mut indptr = vec![0u32; targets + 1];
    for &target in &synapses.indices {
        indptr[target as usize + 1] += 1;
    }
    for k in 0..targets {
        indptr[k + 1] += indptr[k];
    }
    let count = synapses.indices.len();
    let mut next = indptr.clone();
    let mut rows = CompressedRows {
        indptr,
        sources: vec![0; count],
        targets: vec![0; count],
        order: vec![0; count],
    };
    for (source, range) in synapses.indptr.windows(2).enumerate() {
        for k in range[0] as usize..range[1] as usize {
            let target = synapses.indices[k];
            let at = next[target as usize] as usize;
            next[target as usize] += 1;
            (rows.sources[at], rows.targets[at], rows.order[at]) = (source as u32, target, k);
        }
    }
    rows
}

/// Adds the couplings of a stage to the step.
pub(super) fn add(plan: &mut Plan, sites: &[CouplingSite], stage: usize) -> Result<()> {
    let own = || sites.iter().filter(|site| site.stage == stage);
    let mut ahead = BTreeSet::new();
    for site in own() {
        let variables = site.named.iter().filter_map(|place| match *place {
            ValuePlace::Pre(variable) | ValuePlace::Post(variable) => Some(variable),
            ValuePlace::Weight => None,
        });
        ahead.extend(variables.filter(|&variable| site.is_ahead(plan, variable)));
    }
    for variable in ahead {
        let Some(delay_line) = plan.ring_of(variable) else { continue };
        let label = plan.variables[variable].path().to_string();
        plan.push_column(
            label,
            DerivedWork::DelayLineWrite { delay_line, ahead: true },
            delay_line.address,
            delay_line.words,
        );
    }
    own().try_for_each(|site| one(plan, site))
}

fn one(plan: &mut Plan, site: &CouplingSite) -> Result<()> {
    let CouplingSite {
        label, path, program, named, rows, weights, delays, target, sources, ..
    } = site;
    let CompressedRows { indptr, sources: from, targets: to, .. } = rows;
    if from.is_empty() {
        return Ok(());
    }
    let replicas = plan.replicas.map_or(1, |replicas| replicas.count);
    let (connections, targets) = (from.len(), indptr.len() - 1);
    let words = connections * replicas;
    let mut loads = Vec::with_capacity(named.len());
    for &place in named {
        let (variable, elements, which, delays) = match place {
            ValuePlace::Pre(variable) => (variable, *sources, from, &delays[..]),
            ValuePlace::Post(variable) => (variable, targets, to, &[0][..]),
            ValuePlace::Weight => {
                loads.push(match weights[..] {
                    [weight] => DerivedLoad::Constant(weight),
                    ref each => DerivedLoad::Column(plan.constants_column(words, each)),
                });
                continue;
            }
        };
        let what = format!("{} by connection, for {label}", plan.variables[variable].path());
        let (address, slot_words) =
            (plan.variables[variable].address, plan.variables[variable].words);
        let work = match plan.ring_of(variable) {
            Some(delay_line) => DerivedWork::DelayLineRead {
                delay_line,
                elements,
                from: which.clone(),
                delays: delays.to_vec(),
                ahead: site.is_ahead(plan, variable),
            },
            None if slot_words == 1 => {
                loads.push(DerivedLoad::Word(address));
                continue;
            }
            // a parameter, which may be set between runs
            None => {
                let of_copy = |replica: usize| {
                    which.iter().map(move |&e| (address + replica * elements + e as usize) as u32)
                };
                DerivedWork::Copy { from: (0..replicas).flat_map(of_copy).collect(), as_f32: None }
            }
        };
        loads.push(DerivedLoad::Column(plan.derived_column(what, work, words)));
    }
    let keys = Keys { seed: plan.seed, purpose: Purpose::Coupling, path };
    let loads = expressions::loads(plan, program, words, label, &mut loads.into_iter(), &keys)?;
    let work = DerivedWork::Evaluate { program: program.clone(), loads, node: label.clone() };
    let terms = plan.derived_column(format!("terms of {label}"), work, words);
    let work = DerivedWork::Sum { from: terms, connections, indptr: indptr.clone() };
    let sums = plan.derived_column(format!("sums of {label}"), work, targets * replicas);
    let variable = &plan.variables[*target];
    let op = InputOp {
        path: variable.path().into(),
        population: variable.population,
        member: variable.member,
        address: variable.address,
        offsets: Offsets::Range { start: 0, count: variable.words },
        kind: variable.kind,
        operation: Operation::Add,
        source: Source::Derived { address: sums },
    };
    plan.step.push(StepOp::Input(plan.inputs.len()));
    plan.inputs.push(op);
    Ok(())
}

impl Plan {
    fn ring_of(&self, variable: usize) -> Option<DelayLine> {
        self.delay_lines.iter().find(|delay_line| delay_line.variable == variable).copied()
    }
}
