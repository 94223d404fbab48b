//! Whether parameters keep the rules of their model.

use super::host::{OnHost, join};
use crate::error::{Error, Location, Result};
use crate::model::{Model, Rule};
use crate::system::Replicas;
use crate::terms::Kind;

/// Fails where a parameter is NaN, or where the model has a rule that the parameters do not keep. Columns hold one word, or one
/// per element.
pub(super) fn check(model: &Model, params: &[Vec<u32>], host: &OnHost<'_>) -> Result<()> {
    let inner = model.inner();
    for (member, column) in inner.params.iter().zip(params) {
        let nan = |word: &u32| f32::from_bits(*word).is_nan();
        let found = column.iter().position(nan).filter(|_| member.kind == Kind::F32);
        if let Some(at) = found {
            let path = join(host.node, &member.name);
            return Err(Error::Parameter {
                given: format!("`{path}` is NaN{}", host.element(&[column], at)),
                path,
                wanted: "a parameter is a number".into(),
                location: None,
            });
        }
    }
    if inner.rules.is_empty() {
        return Ok(());
    }
    let kept = host.call(model, "rules", params, &[])?;
    for (rule, kept) in inner.rules.iter().zip(&kept) {
        if let Some(at) = kept.iter().position(|&word| word == 0) {
            return Err(broken(model, rule, params, host, at));
        }
    }
    Ok(())
}

/// The error of a rule that the parameters of element `at` break.
fn broken(model: &Model, rule: &Rule, params: &[Vec<u32>], host: &OnHost<'_>, at: usize) -> Error {
    let inner = model.inner();
    let path = |k: usize| join(host.node, &inner.params[k].name);
    let mut parts: Vec<String> = Vec::new();
    for &k in &rule.params {
        let word = params[k].get(at).unwrap_or(&params[k][0]);
        parts.push(format!("`{}` is {}", path(k), shown(inner.params[k].kind, *word)));
    }
    if rule.dt {
        parts.push(format!("`dt` is {}", host.dt));
    }
    let read: Vec<&Vec<u32>> = rule.params.iter().map(|&k| &params[k]).collect();
    let last = parts.pop().unwrap_or_default();
    let given = if parts.is_empty() { last } else { format!("{} and {last}", parts.join(", ")) };
    let text = rule.text.as_ref().map_or_else(String::new, |text| format!("`{text}`, "));
    Error::Parameter {
        path: rule.params.first().map_or_else(|| host.node.into(), |&k| path(k)),
        given: format!("{given}{}", host.element(&read, at)),
        wanted: format!("model `{}` wants {text}the rule `{}`", model.name(), rule.name),
        location: Some(Box::new(Location::of(&inner.file, &inner.source, rule.start))),
    }
}

/// A word as a number of its kind.
fn shown(kind: Kind, word: u32) -> String {
    match kind {
        Kind::F32 => format!("{:?}", f32::from_bits(word)),
        Kind::I32 => (word as i32).to_string(),
        Kind::U32 | Kind::Bool => word.to_string(),
    }
}

impl OnHost<'_> {
    /// Which element it is, where that makes a difference to these columns.
    fn element(&self, columns: &[&Vec<u32>], at: usize) -> String {
        match self.replicas {
            _ if columns.iter().all(|column| column.len() == 1) => String::new(),
            None => format!(" (element {at})"),
            Some(Replicas { count, first }) => {
                let per_copy = (self.elements / count).max(1);
                let replica = u64::from(first) + (at / per_copy) as u64;
                format!(" (replica {replica}, element {})", at % per_copy)
            }
        }
    }
}
