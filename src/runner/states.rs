//! The state of a runner as arrays by name, and in files.

use std::collections::HashSet;
use std::path::Path;

use indexmap::IndexMap;

use super::run::{DSRunner, MOST_STEPS};
use crate::checkpoint::{self, Entries, StateArray, StateData};
use crate::error::{Error, Result};
use crate::plan::{Plan, PlanVariable, Role, State, packed, packed_words};
use crate::system::CLOCK;
use crate::terms::Kind;

/// A state: for each node its variables and parameters, as arrays; and the clock, as the node `dsrunner`.
///
/// Nodes are named by their path from the target (`""` for the target itself), so that a state fits every runner of the
/// same description, in this process or another.
///
/// ```
/// use dsrunner::{DSRunner, neurons};
///
/// let mut runner = DSRunner::builder(neurons::lif(3)).progress_bar(false).build()?;
/// runner.run(1.0)?;
/// let state = runner.state_dict()?;
/// assert_eq!(state.get("", "V").unwrap().shape(), [3]);
/// assert!(state.get("dsrunner", "step").is_some());
/// # Ok::<(), dsrunner::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StateDict(IndexMap<String, IndexMap<String, StateArray>>);

impl StateDict {
    /// The array of a node's variable.
    pub fn get(&self, node: &str, variable: &str) -> Option<&StateArray> {
        self.0.get(node)?.get(variable)
    }

    /// Puts an array in; the one that was there.
    pub fn insert(&mut self, node: &str, variable: &str, array: StateArray) -> Option<StateArray> {
        self.0.entry(node.into()).or_default().insert(variable.into(), array)
    }

    /// Takes an array out.
    pub fn remove(&mut self, node: &str, variable: &str) -> Option<StateArray> {
        self.0.get_mut(node)?.shift_remove(variable)
    }

    /// All arrays with their nodes and variables, in the order of the description.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &StateArray)> {
        self.0.iter().flat_map(|(node, variables)| {
            variables.iter().map(move |(name, array)| (node.as_str(), name.as_str(), array))
        })
    }
}

/// How the keys of a [`StateDict`] are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compatible {
    /// Node and variable apart.
    #[default]
    V2,
    /// One node, whose variables are called `node.variable`.
    V1,
}

/// What a loaded state had too little and too much, as `node.variable`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loaded {
    /// What the runner has and the state had not; it was left as it is.
    pub missing_keys: Vec<String>,
    /// What the state had and the runner has not; it was left out.
    pub unexpected_keys: Vec<String>,
}

/// What is put behind the name of a variable for its past values.
const HISTORY: &str = "_history";

/// What is behind a key of a state.
enum StateItem {
    /// The slot of that number.
    Variable(usize),
    /// The past spikes of the member that is the `k`th to keep any.
    History(usize),
    /// The past values of the variable of the `k`th delay line that keeps any.
    Past(usize),
    Step,
    T0,
    Dt,
    Seed,
}

/// Node and variable of a flat key.
fn parted(key: &str) -> (&str, &str) {
    key.rsplit_once('.').unwrap_or(("", key))
}

fn joined(node: &str, variable: &str) -> String {
    if node.is_empty() { variable.into() } else { format!("{node}.{variable}") }
}

impl Plan {
    /// All keys of a state, flat, with what is behind them.
    fn items(&self) -> Vec<(String, StateItem)> {
        let variables = self.variables.iter().enumerate();
        let mut items: Vec<(String, StateItem)> = variables
            .map(|(k, variable)| (variable.path().to_string(), StateItem::Variable(k)))
            .collect();
        for (k, (population, member, _)) in self.spike_histories().enumerate() {
            if let Some(spikes) = self.spikes_of(population, member) {
                items.push((format!("{}{HISTORY}", spikes.path()), StateItem::History(k)));
            }
        }
        for (k, delay_line) in
            self.delay_lines.iter().enumerate().filter(|(_, delay_line)| delay_line.depth > 0)
        {
            items.push((
                format!("{}{HISTORY}", self.variables[delay_line.variable].path()),
                StateItem::Past(k),
            ));
        }
        let clock = [
            ("step", StateItem::Step),
            ("t0", StateItem::T0),
            ("dt", StateItem::Dt),
            ("seed", StateItem::Seed),
        ];
        items.extend(clock.map(|(name, item)| (joined(CLOCK, name), item)));
        items
    }

    fn spikes_of(&self, population: usize, member: usize) -> Option<&PlanVariable> {
        let own = |s: &&PlanVariable| s.population == population && s.member == member;
        self.variables.iter().filter(own).find(|s| s.role == Role::Spike)
    }

    /// The shape of an item's array.
    fn shape(&self, item: &StateItem) -> Vec<usize> {
        match *item {
            StateItem::Variable(k) => self.variables[k].shape.clone(),
            StateItem::History(k) => self
                .spike_histories()
                .nth(k)
                .and_then(|(population, at, member)| {
                    let spikes = self.spikes_of(population, at)?;
                    Some([&[member.spike_history - 1], &spikes.shape[..]].concat())
                })
                .unwrap_or_default(),
            StateItem::Past(k) => {
                let delay_line = self.delay_lines[k];
                [&[delay_line.depth], &self.variables[delay_line.variable].shape[..]].concat()
            }
            StateItem::Step | StateItem::T0 | StateItem::Dt | StateItem::Seed => Vec::new(),
        }
    }

    /// The type of an item's elements, as `StateData` names it.
    fn type_name(&self, item: &StateItem) -> &'static str {
        match *item {
            StateItem::Variable(k) => self.variables[k].kind.name(),
            StateItem::History(_) => "bool",
            StateItem::Past(k) => self.variables[self.delay_lines[k].variable].kind.name(),
            StateItem::Step | StateItem::Seed => "u64",
            StateItem::T0 | StateItem::Dt => "f64",
        }
    }
}

/// Words as elements of their kind.
fn data(kind: Kind, words: &[u32]) -> StateData {
    match kind {
        Kind::F32 => StateData::F32(words.iter().map(|&w| f32::from_bits(w)).collect()),
        Kind::I32 => StateData::I32(words.iter().map(|&w| w as i32).collect()),
        Kind::U32 => StateData::U32(words.to_vec()),
        Kind::Bool => StateData::Bool(words.iter().map(|&w| w != 0).collect()),
    }
}

/// Elements as words, where they have one each.
fn words(data: &StateData) -> Option<Vec<u32>> {
    match data {
        StateData::F32(values) => Some(values.iter().map(|x| x.to_bits()).collect()),
        StateData::I32(values) => Some(values.iter().map(|&x| x as u32).collect()),
        StateData::U32(values) => Some(values.clone()),
        StateData::Bool(values) => Some(values.iter().map(|&x| u32::from(x)).collect()),
        StateData::F64(_) | StateData::I64(_) | StateData::U64(_) => None,
    }
}

impl DSRunner {
    /// All that a run goes on from, as arrays: variables and parameters of all nodes, the spikes under way (as
    /// `spike_history`, the youngest first), the past values that couplings read (as `x_history`, likewise), and as node
    /// `dsrunner` the clock: `step`, `t0`, `dt`, and the `seed` of the random numbers, which are functions of the step. Closures
    /// with a state of their own are not part of it.
    ///
    /// # Errors
    /// [`Error::Device`] where the device fails.
    pub fn state_dict(&mut self) -> Result<StateDict> {
        let mut dict = StateDict::default();
        for (key, array) in self.entries(None)? {
            let (node, variable) = parted(&key);
            dict.insert(node, variable, array);
        }
        Ok(dict)
    }

    /// Goes on from a state instead. Nodes may be given by path or by name. With `warn` what is missing and unexpected is
    /// logged too.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::Kind`], [`Error::Name`] where an array is there twice, by path and by name,
    /// [`Error::Setting`] where the clock's `t0`, `dt` or `seed` is another than the
    /// runner's, or [`Error::Parameter`] where parameters do not keep the rules of their model.
    /// Nothing has changed then.
    pub fn load_state_dict(
        &mut self,
        state: &StateDict,
        warn: bool,
        compatible: Compatible,
    ) -> Result<Loaded> {
        let entries = state.iter().map(|(node, variable, array)| match compatible {
            Compatible::V2 => (joined(node, variable), array.clone()),
            Compatible::V1 => (variable.to_string(), array.clone()),
        });
        let loaded = self.load(entries.collect())?;
        if warn {
            loaded.missing_keys.iter().for_each(|key| log::warn!("the state has no `{key}`"));
            let unexpected = loaded.unexpected_keys.iter();
            unexpected
                .for_each(|key| log::warn!("the state has `{key}`, which the runner has not"));
        }
        Ok(loaded)
    }

    /// Writes the state to a file: `.npz`, `.safetensors` or `.h5` (`.hdf5`) by its extension, with the features `checkpoint`
    /// and `hdf5`. Keys are `node.variable`. With `variables` only these are written, by path or name. The file is there whole
    /// or, after an error or a crash, as it was, and keeps its permissions; of a symbolic link it is the file that it leads to.
    /// What a killed save left beside it, `.NAME.dsrunner-...`, goes with the next save of the same file.
    ///
    /// ```
    /// # #[cfg(feature = "checkpoint")] {
    /// use dsrunner::{DSRunner, neurons};
    ///
    /// let folder = tempfile::tempdir().unwrap();
    /// let file = folder.path().join("state.npz");
    /// let mut runner = DSRunner::builder(neurons::lif(3)).progress_bar(false).build()?;
    /// runner.run(1.0)?;
    /// runner.save_states(&file, None)?;
    /// let mut other = DSRunner::builder(neurons::lif(3)).progress_bar(false).build()?;
    /// other.load_states(&file, false)?;
    /// assert_eq!(other.i(), 10);
    /// # }
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::File`], [`Error::UnknownPath`].
    pub fn save_states(
        &mut self,
        filename: impl AsRef<Path>,
        variables: Option<&[&str]>,
    ) -> Result<()> {
        let entries = self.entries(variables)?;
        checkpoint::write(filename.as_ref(), &entries)
    }

    /// Goes on from the state in a file; what it does not hold is left as it is, and returned. With `verbose` each key is
    /// logged.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be read, is damaged, holds what the runner has not, or arrays of another shape or type;
    /// and as [`DSRunner::load_state_dict`]. Nothing has changed then.
    pub fn load_states(&mut self, filename: impl AsRef<Path>, verbose: bool) -> Result<Loaded> {
        let (path, plan) = (filename.as_ref(), self.plan.clone());
        let items = plan.items();
        let entries = checkpoint::read(path, |headers| {
            for header in headers {
                let at = position(&plan, &items, &header.key).ok_or_else(|| {
                    let known: Vec<String> = items.iter().map(|(key, _)| key.clone()).collect();
                    let nearest = crate::error::nearest(&header.key, &known);
                    let hint = match nearest.first() {
                        Some(best) => format!("; did it mean `{best}`?"),
                        None => String::new(),
                    };
                    let reason = format!("the system has no variable of this name{hint}");
                    Error::file(path, Some(format!("`{}`", header.key)), reason)
                })?;
                let item = &items[at].1;
                let (shape, kind) = (plan.shape(item), plan.type_name(item));
                if header.shape != shape || header.item.name() != kind {
                    let remedy = match item {
                        StateItem::Variable(k) if header.item.name() == kind => {
                            plan.variables[*k].remedy()
                        }
                        _ => None,
                    };
                    let reason = format!(
                        "it is of type {} and shape {:?}, but the system's is of type {kind} and shape {shape:?}{}",
                        header.item.name(),
                        header.shape,
                        remedy.map_or_else(String::new, |remedy| format!("; {remedy}"))
                    );
                    return Err(Error::file(path, Some(format!("`{}`", header.key)), reason));
                }
            }
            Ok(())
        })?;
        if verbose {
            for (key, array) in &entries {
                log::info!("{key}: {} {:?}", array.data().type_name(), array.shape());
            }
        }
        self.load(entries)
    }

    /// The state as flat keys, or those of some variables.
    fn entries(&mut self, variables: Option<&[&str]>) -> Result<Entries> {
        self.finalize()?;
        let plan = self.plan.clone();
        let items = plan.items();
        let wanted: Option<HashSet<usize>> = match variables {
            None => None,
            Some(variables) => {
                let place = |path: &&str| {
                    position(&plan, &items, path).ok_or_else(|| {
                        let known = items.iter().map(|(key, _)| key.clone());
                        Error::unknown("variable or parameter", path, known)
                    })
                };
                Some(variables.iter().map(place).collect::<Result<_>>()?)
            }
        };
        let state = self.engine.state()?;
        let mut entries = Vec::with_capacity(items.len());
        for (k, (key, item)) in items.into_iter().enumerate() {
            if wanted.as_ref().is_some_and(|wanted| !wanted.contains(&k)) {
                continue;
            }
            let data = match item {
                StateItem::Variable(k) => {
                    let variable = &plan.variables[k];
                    data(variable.kind, &state.arena[variable.range()])
                }
                StateItem::History(k) => {
                    let elements = plan.spike_histories().nth(k).map_or(0, |(.., m)| m.elements);
                    let rows = state.spike_history[k].chunks_exact(packed_words(elements).max(1));
                    let flags =
                        rows.flat_map(|row| (0..elements).map(|e| row[e / 32] >> (e % 32) & 1));
                    StateData::Bool(flags.map(|flag| flag == 1).collect())
                }
                StateItem::Past(k) => {
                    data(plan.variables[plan.delay_lines[k].variable].kind, &state.past[k])
                }
                StateItem::Step => StateData::U64(vec![self.step]),
                StateItem::T0 => StateData::F64(vec![self.settings.t0]),
                StateItem::Dt => StateData::F64(vec![plan.dt]),
                StateItem::Seed => StateData::U64(vec![plan.seed]),
            };
            entries.push((key, StateArray::new(plan.shape(&item), data)?));
        }
        Ok(entries)
    }

    /// Goes on from a state that is given by flat keys. Everything is checked before anything changes.
    fn load(&mut self, entries: Entries) -> Result<Loaded> {
        self.finalize()?;
        let plan = self.plan.clone();
        let items = plan.items();
        let mut state = State { step: self.step, ..self.engine.state()? };
        let mut seen = vec![false; items.len()];
        let mut loaded = Loaded::default();
        let mut units: Vec<&PlanVariable> = Vec::new();
        for (key, array) in &entries {
            let Some(at) = position(&plan, &items, key) else {
                loaded.unexpected_keys.push(key.clone());
                continue;
            };
            let (_, item) = &items[at];
            let (shape, kind) = (plan.shape(item), plan.type_name(item));
            if array.data().type_name() != kind {
                let (key, held) = (key.clone(), array.data().type_name());
                return Err(Error::Kind { key, held, asked: kind });
            }
            if array.shape() != shape {
                let error = Error::shape(key, array.shape(), &shape);
                return Err(match item {
                    StateItem::Variable(k) => plan.variables[*k].explained(error),
                    _ => error,
                });
            }
            if std::mem::replace(&mut seen[at], true) {
                return Err(Error::Name {
                    name: key.clone(),
                    reason: format!(
                        "is another one of `{}`, which the state has twice; give it once",
                        items[at].0
                    ),
                });
            }
            match (item, array.data()) {
                (StateItem::Variable(k), data) => {
                    let variable = &plan.variables[*k];
                    let Some(words) = words(data) else { continue };
                    state.arena[variable.range()].copy_from_slice(&words);
                    if variable.role == Role::Param {
                        units.push(variable);
                    }
                }
                (StateItem::History(k), StateData::Bool(flags)) => {
                    let elements = plan.spike_histories().nth(*k).map_or(0, |(.., m)| m.elements);
                    let rows =
                        state.spike_history[*k].chunks_exact_mut(packed_words(elements).max(1));
                    for (row, flags) in rows.zip(flags.chunks(elements.max(1))) {
                        row.fill(0);
                        let set = (0..).zip(flags).filter(|(_, flag)| **flag).map(|(e, _)| e);
                        packed(row, &set.collect::<Vec<u32>>());
                    }
                }
                (StateItem::Past(k), data) => {
                    if let Some(words) = words(data) {
                        state.past[*k] = words;
                    }
                }
                (StateItem::Step, StateData::U64(step)) if step[0] > MOST_STEPS => {
                    return Err(Error::Setting {
                        setting: "step",
                        given: format!("{} in the state", step[0]),
                        wanted: format!("at most {MOST_STEPS}"),
                    });
                }
                (StateItem::Step, StateData::U64(step)) => state.step = step[0],
                (StateItem::T0, StateData::F64(t0)) => same("t0", t0[0], self.settings.t0)?,
                (StateItem::Dt, StateData::F64(dt)) => same("dt", dt[0], plan.dt)?,
                (StateItem::Seed, StateData::U64(seed)) => same("seed", seed[0], plan.seed)?,
                _ => {}
            }
        }
        let unseen = items.iter().zip(&seen).filter(|(_, seen)| !**seen);
        loaded.missing_keys = unseen.map(|((key, _), _)| key.clone()).collect();
        let arena = &state.arena;
        let derived = plan.derived(units.into_iter(), &mut |range| Ok(arena[range].to_vec()))?;
        for (address, words) in derived {
            state.arena[address..address + words.len()].copy_from_slice(&words);
        }
        self.engine.set_state(&state)?;
        self.step = state.step;
        Ok(loaded)
    }
}

/// Place of a key among the items: by path, or by the node's name.
fn position(plan: &Plan, items: &[(String, StateItem)], key: &str) -> Option<usize> {
    let by_path = items.iter().position(|(k, _)| k == key);
    let by_name = || plan.variables.iter().position(|s| s.names.iter().any(|name| name == key));
    let past = || {
        // past values stand behind the variable itself
        let variable = plan.find("variable", key.strip_suffix(HISTORY)?).ok()?;
        let path = format!("{}{HISTORY}", plan.variables[variable].path());
        items.iter().position(|(k, item)| {
            matches!(item, StateItem::History(_) | StateItem::Past(_)) && *k == path
        })
    };
    by_path.or_else(by_name).or_else(past)
}

/// Fails where a state is of a runner with another setting, on which its connectivity or its delays depend.
fn same<T: PartialEq + std::fmt::Display>(setting: &'static str, held: T, own: T) -> Result<()> {
    if held == own {
        return Ok(());
    }
    Err(Error::Setting {
        setting,
        given: format!("{own} in the runner"),
        wanted: format!("{held}, as in the state"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_apart_and_together() {
        for (key, parts) in [("V", ("", "V")), ("E.V", ("E", "V")), ("a.E.V", ("a.E", "V"))] {
            assert_eq!(parted(key), parts);
            assert_eq!(joined(parts.0, parts.1), key);
        }
    }

    #[test]
    fn words_keep_their_bits() {
        let bits = [0, 1, 0x8000_0000, 0x7fc0_1234, u32::MAX];
        for kind in [Kind::F32, Kind::I32, Kind::U32] {
            assert_eq!(words(&data(kind, &bits)), Some(bits.to_vec()), "{kind:?}");
        }
        assert_eq!(words(&data(Kind::Bool, &[1, 0])), Some(vec![1, 0]));
    }
}
