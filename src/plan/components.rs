//! A component's parameters, derived parameters and initial values as columns of words.

use super::host::{OnHost, join};
use super::rules;
use crate::error::{Error, Result};
use crate::integrate::Method;
use crate::model::{Model, ModelMember, jacobian};
use crate::random::{Keys, Purpose, RandomStream};
use crate::system::{Component, Replicas};

/// A component with all names and shapes checked. Columns hold one word, or one per element.
#[derive(Debug)]
pub(super) struct Resolved {
    pub model: Model,
    pub method: Method,
    pub params: Vec<Vec<u32>>,
    /// For each parameter whether it is one value per element, however many words it has.
    pub each: Vec<bool>,
    pub derived: Vec<Vec<u32>>,
    pub state: Vec<Vec<u32>>,
}

/// Where a component stands.
pub(super) struct ComponentSite<'a> {
    pub path: &'a str,
    /// Its path, or its name where it is the target itself.
    pub label: String,
    pub shape: &'a [usize],
    pub replicas: Option<Replicas>,
    pub seed: u64,
    pub dt: f64,
    /// Whether the synaptic currents are part of the derivative.
    pub ltc: bool,
    /// Iterations that the loops of functions on the host may have for an element.
    pub loop_limit: u32,
}

impl ComponentSite<'_> {
    fn on_host(&self) -> OnHost<'_> {
        let (elements, replicas) = (self.elements(), self.replicas);
        OnHost { node: self.path, elements, replicas, dt: self.dt, loop_limit: self.loop_limit }
    }

    fn member(&self, name: &str) -> String {
        join(self.path, name)
    }

    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Checks a component and computes all that it starts with.
pub(super) fn resolve(component: &Component, site: &ComponentSite<'_>) -> Result<Resolved> {
    let model = component
        .model
        .clone()
        .map_err(|reason| Error::Node { node: site.label.clone(), reason })?;
    let inner = model.inner();
    known(&inner.params, component.params.iter().map(|(n, _)| n), "parameter", site)?;
    known(&inner.state, component.inits.iter().map(|(n, _)| n), "state variable", site)?;
    let method = method(&model, component.method, site)?;
    if site.ltc && method == Method::EXACT {
        return Err(Error::Node {
            node: site.label.clone(),
            reason: format!(
                "the form `ltc` with the method `exact`: model `{}` needs a function `derivative`, and another method",
                model.name()
            ),
        });
    }
    if method == Method::EXP_EULER && inner.functions.jacobian.is_none() {
        inner.check_derivative(jacobian::GIVE_IT)?;
    }
    let params = params(&model, component, site)?;
    let is_each = |member: &ModelMember| component.each.contains(&member.name);
    let each = inner.params.iter().map(is_each).collect();
    rules::check(&model, &params, &site.on_host())?;
    let derived = derive(&model, &params, &site.on_host())?;
    let state = state(&model, component, &params, &derived, site)?;
    Ok(Resolved { model, method, params, each, derived, state })
}

fn known<'a>(
    members: &[ModelMember],
    names: impl Iterator<Item = &'a String>,
    what: &'static str,
    site: &ComponentSite<'_>,
) -> Result<()> {
    for name in names {
        if !members.iter().any(|m| m.name == *name) {
            let all = members.iter().map(|m| site.member(&m.name));
            return Err(Error::unknown(what, &site.member(name), all));
        }
    }
    Ok(())
}

fn method(model: &Model, asked: Option<Method>, site: &ComponentSite<'_>) -> Result<Method> {
    let functions = &model.inner().functions;
    let (exact, derivative) = (functions.exact.is_some(), functions.derivative.is_some());
    let wrong = |method: Method, lacks: &str| Error::Node {
        node: site.label.clone(),
        reason: format!(
            "model `{}` has no function `{lacks}`, which the method `{method}` needs",
            model.name()
        ),
    };
    match asked {
        Some(method) if method == Method::EXACT && !exact => Err(wrong(method, "exact")),
        Some(method) if method != Method::EXACT && !derivative => Err(wrong(method, "derivative")),
        Some(method) => Ok(method),
        None if exact || !derivative => Ok(Method::EXACT),
        None => Ok(Method::EXP_EULER),
    }
}

fn params(model: &Model, component: &Component, site: &ComponentSite<'_>) -> Result<Vec<Vec<u32>>> {
    let inner = model.inner();
    let defaults = if inner.functions.defaults {
        Some(site.on_host().call(model, "defaults", &[], &[])?)
    } else {
        None
    };
    let mut derived_columns = Vec::with_capacity(inner.params.len());
    for (k, member) in inner.params.iter().enumerate() {
        let name = site.member(&member.name);
        // the last one given counts, as with any setting
        let value = component.params.iter().rev().find(|(n, _)| *n == member.name).map(|(_, v)| v);
        let mut derived_column = match (value, &defaults) {
            (Some(value), _) => words(&value.broadcast(&name, site.shape)?, member, &name)?,
            (None, Some(defaults)) => defaults[k].clone(),
            (None, None) => {
                return Err(Error::Node {
                    node: site.label.clone(),
                    reason: format!(
                        "parameter `{name}` has no value; give it by `.param(\"{}\", ..)`, or give the model a function `defaults`",
                        member.name
                    ),
                });
            }
        };
        if let ([word], true) = (&derived_column[..], component.each.contains(&member.name)) {
            derived_column = vec![*word; site.elements()];
        }
        derived_columns.push(derived_column);
    }
    Ok(derived_columns)
}

fn words(values: &[f64], member: &ModelMember, name: &str) -> Result<Vec<u32>> {
    values
        .iter()
        .map(|&v| member.kind.bits(v))
        .collect::<std::result::Result<_, _>>()
        .map_err(|reason| Error::Node { node: name.into(), reason })
}

/// What the model's `derive` makes of its parameters: a word each where all parameters are the same for all elements.
pub(super) fn derive(
    model: &Model,
    params: &[Vec<u32>],
    host: &OnHost<'_>,
) -> Result<Vec<Vec<u32>>> {
    match model.inner().functions.derive {
        Some(_) => host.call(model, "derive", params, &[]),
        None => Ok(Vec::new()),
    }
}

fn state(
    model: &Model,
    component: &Component,
    params: &[Vec<u32>],
    derived: &[Vec<u32>],
    site: &ComponentSite<'_>,
) -> Result<Vec<Vec<u32>>> {
    let inner = model.inner();
    let mut derived_columns = match inner.functions.initial {
        Some(_) => site.on_host().call(model, "initial", params, derived)?,
        None => vec![vec![0]; inner.state.len()],
    };
    for (member, derived_column) in inner.state.iter().zip(&mut derived_columns) {
        let init = component.inits.iter().rev().find(|(n, _)| *n == member.name);
        if let Some((_, init)) = init {
            let name = site.member(&member.name);
            let replicas = site.replicas.unwrap_or(Replicas { count: 1, first: 0 });
            let per_copy = (site.elements() / replicas.count) as u64;
            let (seed, purpose) = (site.seed, Purpose::Initial(&member.name));
            let keys = Keys { seed, purpose, path: site.path };
            let keys: Vec<[u32; 2]> =
                replicas.numbers().map(|replica| keys.of_copy(replica)).collect();
            let column =
                |item: u64| RandomStream::new(keys[(item / per_copy) as usize], item % per_copy);
            *derived_column = words(&init.values(&name, site.shape, column)?, member, &name)?;
        }
    }
    Ok(derived_columns)
}
