//! From recorded nodes to a plan.

use super::data::{DeliveryBlock, Plan};
use super::fixed::Fixed;
use super::host::join;
use super::inputs::HostInputs;
use super::layout::{Layout, position};
use super::records::HostRecord;
use super::sites::{ArmSite, GroupSite, end_site, label, sites};
use super::step::StepOp;
use super::{couplings, delays, fixed, inputs, kernels, records};
use crate::connect::Ends;
use crate::error::{Error, Explained, Result};
use crate::inputs::Input;
use crate::limits;
use crate::model::{AfferentProjection, Archetype};
use crate::random::{Keys, Purpose};
use crate::records::Monitor;
use crate::system::{DynamicalSystem, Group, Node, Replicas, StepBuilder};
use crate::terms::Value;

/// What a system recorded, once.
pub(crate) struct RecordedSystem {
    /// All nodes, in the order in which they were recorded.
    pub nodes: Vec<Node>,
    replicas: Option<Replicas>,
    /// Keys and paths of the outputs that it declared.
    outputs: Vec<(String, String)>,
}

impl RecordedSystem {
    /// Of a target and variables beside it.
    pub(crate) fn of(target: &dyn DynamicalSystem, dyn_vars: &[(String, Group)]) -> Result<Self> {
        let mut step = StepBuilder::default();
        step.enter(target)?;
        for (key, group) in dyn_vars {
            step.child(key, group)?;
        }
        let StepBuilder { nodes, replicas, outputs, .. } = step;
        Ok(Self { nodes, replicas, outputs })
    }
}

/// What a plan is made of.
pub(crate) struct Description<'a> {
    pub recorded: &'a RecordedSystem,
    pub inputs: &'a [Input],
    /// Whether they apply in the original's order.
    pub compat_input_order: bool,
    pub monitors: &'a [Monitor],
    pub dt: f64,
    pub t0: f64,
    pub seed: u64,
    /// Whether the target's outputs are recorded.
    pub outputs: bool,
    /// Iterations that the loops of an element may have in a step.
    pub loop_limit: u32,
}

/// What belongs to a plan and stays on the host.
pub(crate) struct Host {
    pub inputs: HostInputs,
    pub records: Vec<HostRecord>,
}

/// Compiles a description. Everything is checked here; the engines find nothing to complain about but their limits.
pub(crate) fn build(description: &Description<'_>) -> Result<(Plan, Host)> {
    let &RecordedSystem { ref nodes, replicas, ref outputs } = description.recorded;
    let stages = nodes.iter().map(|node| node.stage + 1).max().unwrap_or(1);
    let loop_limit = description.loop_limit;
    let groups = sites(nodes, description.seed, description.dt, replicas, loop_limit)?;
    let observed = records::observed_inputs(&groups, nodes, description.monitors, outputs);
    let mut layout = Layout::new(description.dt, description.seed, replicas, loop_limit);
    for (site, &observe_inputs) in groups.iter().zip(&observed) {
        let afferents = site.afferents.iter().map(|afferent| AfferentProjection {
            synapse: afferent.synapse.model.clone(),
            method: afferent.synapse.method,
            output: afferent.output.model.clone(),
        });
        layout.add(
            site,
            Archetype {
                element: site.element.model.clone(),
                method: site.element.method,
                afferents: afferents.collect(),
                ltc: site.ltc,
                observe_inputs,
            },
        )?;
    }
    let mut plan = layout.finish(stages)?;
    plan.check_size()?;
    connect(&mut plan, &groups, description.seed)?;
    let couplings = couplings::prepare(&mut plan, nodes, &groups)?;
    let inputs = inputs::compile(&mut plan, description.inputs, description.compat_input_order)?;
    for stage in 0..stages {
        couplings::add(&mut plan, &couplings, stage)?;
        plan.step.push(StepOp::Deliver(stage));
        let populations = plan.populations.iter().enumerate();
        let own = populations.filter(|(_, population)| population.stage == stage);
        plan.step.extend(own.map(|(at, _)| StepOp::Update(at)));
        kernels::add(&mut plan, nodes, stage)?;
    }
    let records = records::compile(&mut plan, description.monitors, description.t0)?;
    if description.outputs {
        records::outputs(&mut plan, outputs)?;
    }
    plan.end_of_step();
    plan.check_size()?;
    plan.check_spike_histories()?;
    Ok((plan, Host { inputs, records }))
}

/// Makes the synapses of every projection, and the quantum of their weights.
fn connect(plan: &mut Plan, groups: &[GroupSite<'_>], seed: u64) -> Result<()> {
    for (target, site) in groups.iter().enumerate() {
        for (afferent, ArmSite { node, projection, .. }) in site.afferents.iter().enumerate() {
            let inner = projection.inner();
            let source = end_site(groups, node, &inner.pre, "source")?;
            let path = label(node);
            let ends = Ends {
                projection: &path,
                sources: inner.pre.len(),
                targets: inner.post.len(),
                same_group: source == target,
            };
            let keys = Keys { seed, purpose: Purpose::Connectivity, path: &node.path };
            let synapses = inner.connect.build(&ends, keys.of_copy(0))?;
            let per_synapse = |value: &Value, what: &str| -> Result<Vec<f64>> {
                if !value.shape().is_empty() {
                    let count = synapses.indices.len();
                    let what = || format!("the {what} of each synapse of `{path}`");
                    limits::room(count.saturating_mul(32), what, "use fewer synapses")?;
                }
                let values = value.broadcast(&join(&path, what), &[synapses.indices.len()])?;
                Ok(match &synapses.order {
                    Some(order) if values.len() > 1 => {
                        order.iter().map(|&k| values[k as usize]).collect()
                    }
                    _ => values,
                })
            };
            let wrong = |reason| Error::Node { node: path.clone(), reason };
            let weights = per_synapse(&inner.weight, "weight")?;
            let Fixed { counts, quanta, precision } =
                fixed::quantise(&weights, &synapses.indices, ends.targets).map_err(wrong)?;
            // spikes of a step are seen by the next, unless the source is updated before they are delivered
            let early = groups[source].stage < node.stage;
            let least = usize::from(!early);
            let delays = per_synapse(&inner.delay, "delay")?.into_iter();
            let mut delays: Vec<usize> = delays
                .map(|delay| delays::steps(delay, plan.dt, least))
                .collect::<Explained<_>>()
                .map_err(wrong)?;
            let (mut stage, mut early) = (node.stage, early);
            if site.stage < stage {
                // the target was updated before: the same as a delivery to its next update, a step later
                stage = site.stage;
                early = groups[source].stage < stage;
                delays.iter_mut().for_each(|delay| *delay += 1);
            }
            let (population, member) = position(plan, source);
            let (to_population, to_member) = position(plan, target);
            plan.set_quanta(to_population, to_member, afferent, &quanta);
            let from = &mut plan.populations[population].members[member];
            from.spike_history = delays.iter().copied().fold(from.spike_history.max(1), usize::max);
            let target = plan.accumulator_address(to_population, to_member, afferent);
            for mut part in delays::split(synapses, counts, &delays) {
                part.sort_rows();
                let delays::DelayPart { delay, indptr, indices, counts } = part;
                let path = path.clone();
                let (sources, targets) = (ends.sources, ends.targets);
                plan.delivery_blocks.push(DeliveryBlock {
                    path,
                    population,
                    member,
                    stage,
                    delay,
                    lag: if early { delay } else { delay.saturating_sub(1) },
                    target,
                    sources,
                    targets,
                    indptr,
                    indices,
                    counts,
                    precision,
                });
            }
        }
    }
    Ok(())
}
