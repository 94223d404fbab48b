//! Running.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ndarray::ArrayD;

use super::builder::RunnerBuilder;
use super::progress;
use super::results::{Element, Mon, Trace, array};
use crate::backend::{Chunk, Engine};
use crate::error::{Error, Result};
use crate::input::Shared;
use crate::model::Kind;
use crate::plan::{Plan, Role, RowSource, Slot, State};
use crate::system::{DynamicalSystem, Target, Value};

/// Runs a dynamical system: applies its inputs, plays its steps on a device, records its monitors.
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
/// assert_eq!(runner.step(), 1500);
/// # Ok::<(), dsrunner::Error>(())
/// ```
pub struct DSRunner {
    target: Box<dyn DynamicalSystem>,
    pub(super) plan: Arc<Plan>,
    sources: Vec<RowSource>,
    pub(super) engine: Box<dyn Engine>,
    /// Number of the engine's device.
    pub(super) device: usize,
    pub(super) threads: usize,
    /// Most steps of a chunk.
    chunk: usize,
    t0: f64,
    /// Number of the next step.
    step: u64,
    progress_bar: bool,
    mon: Mon,
    /// Steps of the chunks that are under way.
    waiting: VecDeque<usize>,
    cancelled: Arc<AtomicBool>,
}

/// How long to run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Span {
    /// A duration in the unit of `dt`. It is the nearest whole number of steps where it is within 10^-6 of one, else the
    /// number below.
    Duration(f64),
    /// A number of steps.
    Steps(u64),
}

/// A number of steps, as in `runner.run(Steps(1000))`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps(pub u64);

impl From<f64> for Span {
    fn from(duration: f64) -> Self {
        Self::Duration(duration)
    }
}

impl From<Steps> for Span {
    fn from(Steps(steps): Steps) -> Self {
        Self::Steps(steps)
    }
}

impl Span {
    fn steps(self, dt: f64) -> Result<u64> {
        let wrong = |given: String| Error::Setting {
            setting: "duration",
            given,
            wanted: format!("finite and at least one step of {dt}"),
        };
        match self {
            Self::Steps(0) => Err(wrong("0 steps".into())),
            Self::Steps(steps) => Ok(steps),
            Self::Duration(duration) => {
                let steps = duration / dt;
                let nearest = steps.round();
                let whole = if (steps - nearest).abs() < 1e-6 { nearest } else { steps.floor() };
                // a number of steps that f64 does not count exactly is no number of steps
                if (1.0..9e15).contains(&whole) {
                    Ok(whole as u64)
                } else {
                    Err(wrong(duration.to_string()))
                }
            }
        }
    }
}

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    /// Steps that were played.
    pub steps: u64,
    /// Wall time, to the end of the device's work and with all results on the host.
    pub elapsed: Duration,
    /// Whether it was cancelled before its end.
    pub cancelled: bool,
}

/// Cancels a run from another thread or from an input's closure; what was recorded is kept.
///
/// ```
/// use dsrunner::{DSRunner, neurons};
///
/// let mut runner =
///     DSRunner::builder(neurons::lif(1)).monitor("V").progress_bar(false).build()?;
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
    /// Ends the run after the chunk that is being played. Without a run it ends the next one before its first step.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A value that is NaN or infinite.
#[derive(Debug, Clone, PartialEq)]
pub struct NonFinite {
    /// Path of the variable.
    pub path: String,
    /// Its element, in row-major order.
    pub element: usize,
    /// The value.
    pub value: f32,
}

impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of element {} of `{}`", self.value, self.element, self.path)
    }
}

/// Chunks that may be under way at a time: one is played while the one before is read back.
const IN_FLIGHT: usize = 2;

impl DSRunner {
    /// Starts the description of a runner of that target.
    pub fn builder(target: impl DynamicalSystem + 'static) -> RunnerBuilder {
        RunnerBuilder::new(target)
    }

    /// A runner whose description `builder` was compiled to `plan` and `sources`.
    pub(super) fn new(builder: RunnerBuilder, plan: Plan, sources: Vec<RowSource>) -> Result<Self> {
        let RunnerBuilder { target, t0, progress_bar, device, threads, chunk, .. } = builder;
        let (plan, device) = (Arc::new(plan), device.resolve()?);
        let engine = crate::backend::engine(device, plan.clone(), threads)?;
        Ok(Self {
            target,
            plan,
            sources,
            engine,
            device,
            threads,
            chunk,
            t0,
            step: 0,
            progress_bar,
            mon: Mon::default(),
            waiting: VecDeque::new(),
            cancelled: Arc::default(),
        })
    }

    /// Runs for a duration, or for a number of [`Steps`], from where the last run ended. The results replace those of the
    /// last run.
    ///
    /// # Errors
    /// [`Error::Setting`] for a duration below one step, [`Error::Input`] where an input has too few rows, both before
    /// the first step; errors of closures and devices, with what was recorded so far kept.
    pub fn run(&mut self, span: impl Into<Span>) -> Result<Run> {
        let steps = span.into().steps(self.plan.dt)?;
        let end = self.step.checked_add(steps).ok_or_else(|| Error::Setting {
            setting: "duration",
            given: format!("{steps} steps"),
            wanted: "short enough for the counter of steps, which has 64 bits".into(),
        })?;
        for source in &self.sources {
            source.check(end)?;
        }
        self.drain()?;
        self.mon = self.empty_results();
        let started = Instant::now();
        let first = self.step;
        // times are in ms, as all defaults of the models
        let bar = progress::bar(steps, self.plan.dt / 1000.0, self.progress_bar);
        let outcome = self.play(end, &bar);
        bar.finish_and_clear();
        let cancelled = self.cancelled.swap(false, Ordering::Relaxed) && self.step < end;
        let steps = self.step - first;
        self.mon.ts = (first..self.step).map(|i| self.t0 + i as f64 * self.plan.dt).collect();
        outcome?;
        Ok(Run { steps, elapsed: started.elapsed(), cancelled })
    }

    /// The same as [`DSRunner::run`], by the other name that it has in the original.
    ///
    /// # Errors
    /// As [`DSRunner::run`].
    pub fn predict(&mut self, span: impl Into<Span>) -> Result<Run> {
        self.run(span)
    }

    fn play(&mut self, end: u64, bar: &indicatif::ProgressBar) -> Result<()> {
        let first = self.step;
        let mut submitted = first;
        let mut failure = None;
        while submitted < end && failure.is_none() && !self.cancelled.load(Ordering::Relaxed) {
            let steps = ((end - submitted) as usize).min(self.engine.chunk_steps()).min(self.chunk);
            let chunk = self.rows(submitted, steps).map(|rows| Chunk {
                first: submitted,
                t0: self.t0,
                steps,
                rows,
                starts_run: submitted == first,
            });
            match chunk.and_then(|chunk| self.engine.submit(chunk)) {
                Ok(()) => {
                    self.waiting.push_back(steps);
                    submitted += steps as u64;
                }
                Err(error) => failure = Some(error),
            }
            if self.waiting.len() >= IN_FLIGHT {
                self.take(bar)?;
            }
        }
        while !self.waiting.is_empty() {
            self.take(bar)?;
        }
        if self.step > first {
            self.engine.finish()?;
        }
        failure.map_or(Ok(()), Err)
    }

    /// Collects a chunk and files what it recorded.
    fn take(&mut self, bar: &indicatif::ProgressBar) -> Result<()> {
        let (Some(rows), Some(steps)) = (self.engine.collect()?, self.waiting.pop_front()) else {
            return Ok(());
        };
        let row_length = self.plan.record_row;
        for (record, trace) in self.plan.records.iter().zip(&mut self.mon.traces) {
            let range = record.offset..record.offset + record.words();
            trace.words.reserve(steps * range.len());
            for row in 0..steps {
                let row = &rows[row * row_length..(row + 1) * row_length];
                trace.words.extend_from_slice(&row[range.clone()]);
            }
            trace.rows += steps;
        }
        self.step += steps as u64;
        bar.inc(steps as u64);
        Ok(())
    }

    /// Collects what a run left under way that did not come to its end (a closure that panicked, a device that failed):
    /// its steps have been played, its results are dropped.
    pub(super) fn drain(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        while let Some(steps) = self.waiting.pop_front() {
            self.engine.collect()?;
            self.step += steps as u64;
        }
        self.engine.finish()
    }

    /// Values of the changing inputs for some steps.
    fn rows(&self, first: u64, steps: usize) -> Result<Vec<u32>> {
        let width = self.plan.input_row;
        let mut rows = vec![0; steps * width];
        if width == 0 {
            return Ok(rows);
        }
        for (k, row) in rows.chunks_exact_mut(width).enumerate() {
            let i = first + k as u64;
            let shared = Shared { t: self.t0 + i as f64 * self.plan.dt, dt: self.plan.dt, i };
            for source in &self.sources {
                source.fill(&shared, row)?;
            }
        }
        Ok(rows)
    }

    fn empty_results(&self) -> Mon {
        let traces = self.plan.records.iter().map(|record| Trace {
            key: record.key.clone(),
            kind: record.kind,
            row_shape: record.shape.clone(),
            packed: record.packed(),
            rows: 0,
            words: Vec::new(),
        });
        Mon { traces: traces.collect(), ts: Vec::new(), first_step: self.step }
    }

    /// Puts clock and state back to the start: the variables have their initial values again, inputs start with their
    /// first row, random numbers repeat. Parameters keep what they were set to.
    ///
    /// # Errors
    /// [`Error::Device`] where the device fails.
    pub fn reset_state(&mut self) -> Result<()> {
        self.drain()?;
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
    /// assert_eq!((runner.step(), runner.get::<f32>("V")?), (0, v));
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Device`] where the device fails.
    pub fn reset_clock(&mut self) -> Result<()> {
        self.drain()?;
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
        let path = target.into().path;
        let slot = self.plan.slot("variable or parameter", &path)?;
        let (range, shape, kind) = (slot.range(), slot.shape.clone(), slot.kind);
        array(&path, kind, &shape, &self.engine.read(range)?)
    }

    /// Sets a variable or a parameter, by path, name or handle. The value's shape broadcasts to the variable's. What
    /// follows from a parameter is computed anew.
    ///
    /// # Errors
    /// [`Error::UnknownPath`], [`Error::Shape`], or [`Error::Setting`] for a number that the type does not have; nothing
    /// has changed then.
    pub fn set(&mut self, target: impl Into<Target>, value: impl Into<Value>) -> Result<()> {
        let path = target.into().path;
        let plan = self.plan.clone();
        let slot = plan.slot("variable or parameter", &path)?;
        let values = value.into().broadcast(&path, &slot.shape)?;
        let words: std::result::Result<Vec<u32>, String> =
            values.iter().map(|&v| slot.kind.bits(v)).collect();
        let words = words.map_err(|given| Error::Setting {
            setting: "value",
            given: format!("{given} (for `{path}`)"),
            wanted: format!("a {}", slot.kind.name()),
        })?;
        let words = if words.len() == 1 { vec![words[0]; slot.words] } else { words };
        let derived =
            if slot.role == Role::Param { self.derived(slot, &words)? } else { Vec::new() };
        self.engine.write(slot.address, &words)?;
        for (address, words) in derived {
            self.engine.write(address, &words)?;
        }
        Ok(())
    }

    /// What follows from the parameters of a unit when `words` are put into `slot`.
    fn derived(&mut self, slot: &Slot, words: &[u32]) -> Result<Vec<(usize, Vec<u32>)>> {
        let engine = &mut self.engine;
        self.plan.derived(slot, &mut |range| {
            if range == slot.range() { Ok(words.to_vec()) } else { engine.read(range) }
        })
    }

    /// All values of variables and parameters that are NaN or infinite, told by their exponent bits.
    ///
    /// ```
    /// use dsrunner::{DSRunner, neurons};
    ///
    /// let mut runner = DSRunner::builder(neurons::lif(3)).progress_bar(false).build()?;
    /// assert_eq!(runner.non_finite()?, []);
    /// runner.set("V", vec![0.0, f64::NAN, 0.0])?;
    /// runner.run(1.0)?;
    /// let found = runner.non_finite()?;
    /// assert_eq!((found[0].path.as_str(), found[0].element), ("V", 1));
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Device`] where the device fails.
    pub fn non_finite(&mut self) -> Result<Vec<NonFinite>> {
        const EXPONENT: u32 = 0x7f80_0000;
        let mut found = Vec::new();
        for slot in self.plan.slots.iter().filter(|s| s.kind == Kind::F32) {
            let words = self.engine.read(slot.range())?;
            let bad = words.iter().enumerate().filter(|(_, w)| **w & EXPONENT == EXPONENT);
            found.extend(bad.map(|(element, &word)| NonFinite {
                path: slot.path().into(),
                element,
                value: f32::from_bits(word),
            }));
        }
        Ok(found)
    }

    /// A handle that cancels runs of this runner.
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle(self.cancelled.clone())
    }

    /// The target.
    pub fn target(&self) -> &dyn DynamicalSystem {
        self.target.as_ref()
    }

    /// Number of the next step, counted over all runs since the last reset.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Time at the start of the next step, `t0 + step dt`.
    pub fn time(&self) -> f64 {
        self.t0 + self.step as f64 * self.plan.dt
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

    /// The step as text: inputs, deliveries with the quantum of their weights, updates, monitors.
    pub fn plan(&self) -> String {
        self.plan.to_string()
    }

    /// The generated WGSL: for each kernel its name and its text, with the entry point that the GPU engine uses.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where a kernel cannot be written.
    pub fn wgsl(&self) -> Result<Vec<(String, String)>> {
        crate::backend::gpu::kernels(&self.plan)
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
