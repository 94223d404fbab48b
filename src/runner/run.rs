//! Running.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ndarray::ArrayD;

use super::handles::OnEngine;
use super::listed::Implicit;
use super::predict::{Predict, Steps};
use super::progress;
use super::recipe::Recipe;
use super::settings::Settings;
use crate::backend::{BoundsChecks, Data, Engine, apply_at, wgsl};
use crate::choice::Choice;
use crate::error::{Error, Result};
use crate::inputs::read;
use crate::limits::deep;
use crate::plan::{Host, Plan, PlanVariable, Role, RowSource, Selected, State, words};
use crate::records::Sink;
use crate::results::Mon;
use crate::system::DynamicalSystem;
use crate::terms::{Element, NodeName, Operation, Target, Value};

/// Runs a dynamical system: applies its inputs, executes its steps on a device, records its monitors.
///
/// ```
/// use dsrunner::{DSRunner, neurons};
///
/// let mut runner = DSRunner::builder(neurons::lif(4))
///     .input(("input", vec![0.0, 15.0, 25.0, 35.0]))
///     .monitors(["V", "spike"])
///     .dt(0.1)
///     .progress_bar(false)
///     .build()?;
/// runner.run(100.0)?;
/// let spikes = runner.mon().get::<bool>("spike")?;
/// let counts: Vec<usize> = spikes.columns().into_iter().map(|c| c.iter().filter(|s| **s).count()).collect();
/// assert_eq!(counts, [0, 0, 5, 10]);
///
/// // runs go on where the last one ended
/// runner.run(50.0)?;
/// assert_eq!(runner.i(), 1500);
/// # Ok::<(), dsrunner::Error>(())
/// ```
pub struct DSRunner {
    pub(super) name: NodeName,
    /// Nodes and variables that were registered beside those of the target.
    pub(super) implicit: Implicit,
    pub(super) target: Box<dyn DynamicalSystem>,
    pub(super) recipe: Recipe,
    pub(super) plan: Arc<Plan>,
    pub(super) host: Host,
    pub(super) engine: Box<dyn Engine>,
    /// With `jit` off: what looks at indexes, made when it is needed first.
    pub(super) checks: Option<BoundsChecks>,
    /// The engine's device, and why it is the one.
    pub(super) choice: Choice,
    pub(super) threads: usize,
    pub(super) settings: Settings,
    /// Number of the next step.
    pub(super) step: u64,
    pub(super) mon: Mon,
    /// Data and shared arguments of the run that is under way.
    pub(super) data: Option<RunData>,
    pub(super) args: Arc<BTreeMap<String, Value>>,
    /// Whether a run has executed something, and has not ended yet as it should. One that did nothing leaves inputs that were set before
    /// for the next.
    pub(super) unfinalized: bool,
    /// The words in whose place shared arguments stand, by address.
    pub(super) replaced: Vec<(usize, Vec<u32>)>,
    /// Steps of the chunks that are under way.
    pub(super) waiting: VecDeque<usize>,
    pub(super) cancelled: Arc<AtomicBool>,
}

/// The data of a run.
pub(super) struct RunData {
    pub inputs: Arc<Data>,
    pub sources: Vec<RowSource>,
    /// Rows that there are.
    pub steps: u64,
}

/// Numbers of steps end where results, which have -1 for the values before step 0, could not tell them.
pub(super) const MOST_STEPS: u64 = i64::MAX as u64;

/// The words for all of a variable or parameter from a value that broadcasts to it.
fn slot_words(variable: &PlanVariable, path: &str, value: &Value) -> Result<Vec<u32>> {
    let values =
        value.broadcast(path, &variable.shape).map_err(|error| variable.explained(error))?;
    let words = words(&values, variable.kind);
    let words = words.map_err(|given| Error::Setting {
        setting: "value",
        given: format!("{given} (for `{path}`)"),
        wanted: format!("a {}", variable.kind.name()),
    })?;
    Ok(if words.len() == 1 { vec![words[0]; variable.words] } else { words })
}

/// What a run did.
#[derive(Debug, Clone)]
pub struct Run {
    /// Steps that were executed.
    pub steps: u64,
    /// Wall time, to the end of the device's work, and with results on the host where they go there.
    pub elapsed: Duration,
    /// Whether it was cancelled before its end.
    pub cancelled: bool,
    /// What the target gave as its outputs, stacked over time, on the host: see
    /// [`outputs`](crate::RunnerBuilder::outputs). They are read as the monitors are.
    pub outputs: Mon,
}

/// Cancels a run from another thread or from an input's closure; what was recorded is kept.
///
/// ```
/// use dsrunner::{DSRunner, neurons};
///
/// let mut runner =
///     DSRunner::builder(neurons::lif(1)).memory_efficient(true).monitor("V").progress_bar(false).build()?;
/// let handle = runner.cancel_handle();
/// let timer = std::thread::spawn(move || {
///     std::thread::sleep(std::time::Duration::from_millis(20));
///     handle.cancel();
/// });
/// let run = runner.run(1e9)?;
/// assert!(run.cancelled && run.steps > 0);
/// assert_eq!(runner.mon().ts().len() as u64, run.steps);
/// # timer.join().unwrap();
/// # Ok::<(), dsrunner::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct CancelHandle(Arc<AtomicBool>);

impl CancelHandle {
    /// Ends the run after the chunk that is being executed, which takes about half a second at most, or a step where that is longer. Where
    /// a model or a kernel has loops that may take long, the CPU engine gives the chunk up, and the state is that of before it. Without a run it ends the next one before its first step.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl DSRunner {
    /// Runs for a duration, for a number of [`Steps`](crate::Steps), or on data, from where the last run ended; see
    /// [`Predict`]. The results replace those of the last run. What the target gives as its output is in
    /// [`Run::outputs`].
    ///
    /// # Errors
    /// [`Error::Setting`] for a duration below one step, [`Error::Name`] for a shared argument given twice, [`Error::Input`] where an input has too few rows or data do not fit,
    /// [`Error::Parameter`] where shared arguments do not keep the rules of a model,
    /// [`Error::Limit`] where the results do not fit, all before the first step; errors of closures, [`Sink`]s and devices,
    /// [`Error::EndlessLoop`], and [`Error::Limit`] where rows that stream to the host find no more room, with what monitors recorded
    /// so far kept, but not the outputs. After an error of a sink or a monitor's closure the clock stands behind the last step that
    /// was executed, and the other monitors have the rows of all of them.
    pub fn run(&mut self, predict: impl Into<Predict>) -> Result<Run> {
        let predict = predict.into();
        self.finalize()?;
        let first = if predict.reset_state { 0 } else { self.step };
        let data = self.data_of(&predict, first)?;
        let steps = match (&predict.span, &data) {
            (None, None) => {
                return Err(Error::Setting {
                    setting: "duration",
                    given: "missing".into(),
                    wanted: "given, or else data".into(),
                });
            }
            (None, Some(data)) => data.steps,
            (Some(span), None) => span.steps(self.plan.dt)?,
            (Some(span), Some(data)) => {
                let steps = span.steps(self.plan.dt)?;
                if steps != data.steps {
                    return Err(Error::Setting {
                        setting: "duration",
                        given: format!("{steps} steps"),
                        wanted: format!("as long as the data, which are {} steps", data.steps),
                    });
                }
                steps
            }
        };
        let end = first.checked_add(steps).filter(|&end| end <= MOST_STEPS);
        let end = end.ok_or_else(|| Error::Setting {
            setting: "duration",
            given: format!("{steps} steps after the first {first}"),
            wanted: format!("short enough for the counter of steps, which ends at {MOST_STEPS}"),
        })?;
        for source in &self.host.inputs.sources {
            source.check(end)?;
        }
        let mut mon = self.empty_results(first..end);
        self.make_room(&mut mon)?;
        let args = self.arguments(&predict.shared_args)?;
        for sink in self.settings.sinks.iter().flatten() {
            sink.catch_up()?;
        }
        if predict.reset_state {
            self.reset_state()?;
        }
        let started = Instant::now();
        let previous = std::mem::replace(&mut self.mon, mon);
        self.data = data;
        self.args = Arc::new(predict.shared_args.into_iter().collect());
        let bar = progress::drawn(steps, self.plan.dt, self.settings.progress_bar);
        let outcome = self.replace(args).and_then(|()| self.execute(first..end, &bar));
        bar.finish_and_clear();
        let steps = self.step - first;
        let settled = self.finalize();
        let cancelled = self.cancelled.swap(false, Ordering::Relaxed) && self.step < end;
        if outcome.is_err() && steps == 0 {
            self.mon = previous;
            self.settings.sinks.iter().flatten().for_each(Sink::forget);
        }
        outcome?;
        settled?;
        if self.settings.numpy_mon_after_run {
            self.mon.fetch().map(drop)?;
        }
        let outputs = self.mon.split()?;
        Ok(Run { steps, elapsed: started.elapsed(), cancelled, outputs })
    }

    /// The same as [`DSRunner::run`], by the other name that it has in the original.
    ///
    /// # Errors
    /// As [`DSRunner::run`].
    pub fn predict(&mut self, predict: impl Into<Predict>) -> Result<Run> {
        self.run(predict)
    }

    /// The words by address that shared arguments stand in for.
    fn arguments(&mut self, args: &[(String, Value)]) -> Result<Vec<(usize, Vec<u32>)>> {
        let plan = self.plan.clone();
        let listening = !self.host.inputs.calls.is_empty()
            || !self.host.records.is_empty()
            || self.host.inputs.sources.iter().any(|s| s.is_function());
        let mut all = Vec::new();
        for (k, (name, value)) in args.iter().enumerate() {
            if args[..k].iter().any(|(other, _)| other == name) {
                return Err(Error::Name {
                    name: name.clone(),
                    reason: "is that of two shared arguments of the run; give each once".into(),
                });
            }
            let named =
                plan.variables.iter().filter(|s| s.role == Role::Param && s.variable() == name);
            let before = all.len();
            for variable in named {
                all.push((variable.clone(), slot_words(variable, variable.path(), value)?));
            }
            if all.len() == before && !listening {
                let known = plan.variables.iter().filter(|s| s.role == Role::Param);
                let known = known.map(|s| s.variable().to_string());
                return Err(Error::unknown("shared argument or parameter", name, known));
            }
        }
        self.changes(all)
    }

    /// Puts shared arguments in the place of parameters.
    fn replace(&mut self, changes: Vec<(usize, Vec<u32>)>) -> Result<()> {
        for (address, words) in changes {
            let before = self.engine.read(address..address + words.len())?;
            self.replaced.push((address, before));
            self.engine.write(address, &words)?;
        }
        Ok(())
    }

    /// Ends a run: collects what is still under way where it did not come to its end (its steps have been executed, what they
    /// recorded is dropped), clears the inputs, and puts parameters back in whose place shared arguments stood. Called again
    /// before anything else, since a closure may have panicked in the midst.
    pub(super) fn finalize(&mut self) -> Result<()> {
        while let Some(steps) = self.waiting.pop_front() {
            self.engine.collect()?;
            self.step += steps as u64;
        }
        if std::mem::take(&mut self.unfinalized) {
            self.engine.finish()?;
        }
        (self.data, self.args) = (None, Arc::default());
        for (address, words) in std::mem::take(&mut self.replaced).into_iter().rev() {
            self.engine.write(address, &words)?;
        }
        Ok(())
    }

    /// Puts clock and state back to the start: the variables have their initial values again, inputs start with their
    /// first row, random numbers repeat. Parameters keep what they were set to.
    ///
    /// # Errors
    /// [`Error::Device`] where the device fails.
    pub fn reset_state(&mut self) -> Result<()> {
        self.finalize()?;
        let mut start = self.plan.initial_state();
        let now = self.engine.read(0..start.arena.len())?;
        // parameters, and what follows from them, stay
        for range in self.plan.parameters() {
            start.arena[range.clone()].copy_from_slice(&now[range]);
        }
        self.engine.set_state(&start)?;
        self.step = 0;
        Ok(())
    }

    /// Puts the clock alone back to the start: inputs start with their first row and random numbers repeat, the state stays.
    /// Spikes that are under way arrive when they would have arrived.
    ///
    /// ```
    /// use dsrunner::{DSRunner, neurons};
    ///
    /// let mut runner =
    ///     DSRunner::builder(neurons::lif(1)).input(("input", 15.0)).progress_bar(false).build()?;
    /// runner.run(10.0)?;
    /// let v = runner.get::<f32>("V")?;
    /// runner.reset_clock()?;
    /// assert_eq!((runner.i(), runner.get::<f32>("V")?), (0, v));
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Device`] where the device fails.
    pub fn reset_clock(&mut self) -> Result<()> {
        self.finalize()?;
        let now = self.engine.state()?;
        self.engine.set_state(&State { step: 0, ..now })?;
        self.step = 0;
        Ok(())
    }

    /// The results of the last run.
    pub fn mon(&self) -> &Mon {
        &self.mon
    }

    /// The present values of a variable or a parameter, by path, name or handle. A parameter that is the same for all
    /// elements has no axis.
    ///
    /// # Errors
    /// [`Error::UnknownPath`], or [`Error::Kind`] where the values are of another type.
    pub fn get<T: Element>(&mut self, target: impl Into<Target>) -> Result<ArrayD<T>> {
        self.finalize()?;
        read(&mut OnEngine { plan: &self.plan, engine: self.engine.as_mut() }, &target.into())
    }

    /// Sets a variable or a parameter, by path, name or handle. The value's shape broadcasts to the variable's. What
    /// follows from a parameter is computed anew.
    ///
    /// A parameter keeps the rules of its [`Model`](crate::Model) together with the others as they are. So of two that depend
    /// on each other the one goes first that leaves room for the other: `V_th` goes up before `V_reset`, and down after it.
    /// [`DSRunner::load_state_dict`] sets many at once.
    ///
    /// # Errors
    /// [`Error::UnknownPath`], [`Error::Shape`], [`Error::Setting`] for a number that the type does not have, or
    /// [`Error::Parameter`]; nothing has changed then.
    pub fn set(&mut self, target: impl Into<Target>, value: impl Into<Value>) -> Result<()> {
        self.finalize()?;
        let target = target.into();
        let plan = self.plan.clone();
        let Selected { variable, shape, offsets } =
            plan.select("variable or parameter", &target)?;
        let values = value.into().broadcast(&target.path, &shape);
        let values = values.map_err(|error| variable.explained(error))?;
        let values = words(&values, variable.kind).map_err(|given| Error::Setting {
            setting: "value",
            given: format!("{given} (for `{}`)", target.path),
            wanted: format!("a {}", variable.kind.name()),
        })?;
        let stride = usize::from(values.len() > 1);
        let mut words = self.engine.read(variable.range())?;
        apply_at(Operation::Set, variable.kind, &mut words, &offsets, &values, stride);
        for (address, words) in self.changes(vec![(variable.clone(), words)])? {
            self.engine.write(address, &words)?;
        }
        Ok(())
    }

    /// What changes where these words are put into variables and parameters: they, and what follows from the parameters, by
    /// address. Parameters that do not keep the rules of their models are an error.
    fn changes(&mut self, puts: Vec<(PlanVariable, Vec<u32>)>) -> Result<Vec<(usize, Vec<u32>)>> {
        let engine = &mut self.engine;
        let variables = puts.iter().map(|(variable, _)| variable);
        let derived = self.plan.derived(variables, &mut |range| {
            // the last one counts, as with any setting
            match puts.iter().rev().find(|(variable, _)| variable.range() == range) {
                Some((_, words)) => Ok(words.clone()),
                None => engine.read(range),
            }
        })?;
        Ok(puts
            .into_iter()
            .map(|(variable, words)| (variable.address, words))
            .chain(derived)
            .collect())
    }

    /// A handle that cancels runs of this runner.
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle(self.cancelled.clone())
    }

    /// Its name: `DSRunner` and a number, unless [`DSRunner::set_name`] gave another.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Gives it another name.
    ///
    /// # Errors
    /// [`Error::Name`] where it is not an identifier or belongs to another node.
    pub fn set_name(&mut self, name: &str) -> Result<()> {
        if name != self.name.as_str() {
            self.name = NodeName::given(name)?;
        }
        Ok(())
    }

    /// The target.
    pub fn target(&self) -> &dyn DynamicalSystem {
        self.target.as_ref()
    }

    /// Runs one step, for closed loops: what the next one gets may depend on what the last one gave.
    ///
    /// ```
    /// use dsrunner::{DSRunner, neurons};
    ///
    /// let mut runner = DSRunner::builder(neurons::lif(1)).progress_bar(false).build()?;
    /// while runner.get::<f32>("V")?[[0]] < 10.0 {
    ///     runner.set("input", 0.5 * runner.time() + 20.0)?;
    ///     runner.step()?;
    /// }
    /// assert_eq!(runner.i(), 62);
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`DSRunner::run`].
    pub fn step(&mut self) -> Result<Run> {
        self.run(Steps(1))
    }

    /// Number of the next step, counted over all runs since the last reset.
    pub fn i(&self) -> u64 {
        self.step
    }

    /// Time at the start of the next step, `t0 + step dt`.
    pub fn time(&self) -> f64 {
        self.settings.t0 + self.step as f64 * self.plan.dt
    }

    /// The step.
    pub fn dt(&self) -> f64 {
        self.plan.dt
    }

    /// Number of elements of all groups.
    pub fn elements(&self) -> usize {
        self.plan.elements()
    }

    /// Number of synapses of all projections.
    pub fn synapses(&self) -> usize {
        self.plan.synapses()
    }

    /// Where the system is, for people.
    pub fn device(&self) -> String {
        self.engine.describe()
    }

    /// Bytes of the device's memory that the simulation takes at present, where that can be known (the CPU engine, Vulkan, DX12).
    pub fn device_memory(&self) -> Option<u64> {
        self.engine.memory()
    }

    /// The step as text: inputs, deliveries with the quantum of their weights, updates, monitors; how a GPU's dispatches execute it; and
    /// the device with the reason why it was chosen.
    pub fn plan(&self) -> String {
        let manner = self.engine.manner().map(|manner| format!("  executed   {manner}\n"));
        let manner = manner.unwrap_or_default();
        format!("{}{manner}  device   {}: {}\n", self.plan, self.device(), self.choice.reason)
    }

    /// The generated WGSL: for each kernel its name and its text, with the entry point that the GPU engine uses; on the CPU engine as
    /// a discrete GPU would be given it.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where a kernel cannot be written, [`Error::NoDevice`] without the feature `gpu`.
    pub fn wgsl(&self) -> Result<Vec<(String, String)>> {
        deep(|| wgsl(self.choice.device, &self.plan, &self.choice.model))
    }
}

impl fmt::Debug for DSRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DSRunner")
            .field("target", &self.target.name())
            .field("device", &self.device())
            .field("dt", &self.plan.dt)
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}
