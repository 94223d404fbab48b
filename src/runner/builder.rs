//! What a runner is built from.

use std::collections::VecDeque;
use std::sync::Arc;

use super::listed::Implicit;
use super::progress::Progress;
use super::recipe::Recipe;
use super::run::DSRunner;
use super::settings::{Jit, Settings, is_stepwise};
use crate::choice::{Device, Limits, devices, open};
use crate::error::{Error, Result, number};
use crate::inputs::{Input, InputHandle};
use crate::limits;
use crate::plan::{Host, Plan, RecordedSystem};
use crate::records::Monitor;
use crate::results::Mon;
use crate::system::{DynamicalSystem, Group};
use crate::terms::{NodeName, Shared, Value};

/// Collects the settings of a [`DSRunner`]; made by [`DSRunner::builder`].
pub struct RunnerBuilder {
    pub(super) target: Box<dyn DynamicalSystem>,
    dyn_vars: Vec<(String, Group)>,
    inputs: Vec<Input>,
    /// Those by the deprecated spelling, which come first.
    fun_inputs: Vec<Input>,
    compat_input_order: bool,
    monitors: Vec<Monitor>,
    /// Those by the deprecated spelling, which take the place of others.
    fun_monitors: Vec<Monitor>,
    dt: f64,
    seed: u64,
    outputs: bool,
    loop_limit: u32,
    data_first_axis: Option<String>,
    pub(super) device: Device,
    pub(super) threads: usize,
    pub(super) settings: Settings,
}

impl RunnerBuilder {
    pub(super) fn new(target: impl DynamicalSystem + 'static) -> Self {
        Self {
            target: Box::new(target),
            dyn_vars: Vec::new(),
            inputs: Vec::new(),
            fun_inputs: Vec::new(),
            compat_input_order: false,
            monitors: Vec::new(),
            fun_monitors: Vec::new(),
            dt: 0.1,
            seed: 0,
            outputs: true,
            loop_limit: limits::ITERATIONS,
            data_first_axis: None,
            device: Device::Auto,
            threads: usize::MAX,
            settings: Settings {
                t0: 0.0,
                progress_bar: Progress::Terminal,
                chunk: usize::MAX,
                jit: true.into(),
                numpy_mon_after_run: true,
                memory_efficient: false,
                batch_first: false,
                ts_at_end: false,
                calibrate: true,
                sinks: Vec::new(),
            },
        }
    }

    /// Adds an input; see [`Input`] for its forms.
    pub fn input(mut self, input: impl Into<Input>) -> Self {
        self.inputs.push(input.into());
        self
    }

    /// Adds several inputs, such as a `Vec` or what [`inputs!`](crate::inputs) makes.
    pub fn inputs<I: Into<Input>>(mut self, inputs: impl IntoIterator<Item = I>) -> Self {
        self.inputs.extend(inputs.into_iter().map(Into::into));
        self
    }

    /// Adds a callable input before all others.
    #[deprecated = "give the closure to `input`"]
    pub fn fun_inputs(
        mut self,
        function: impl FnMut(&Shared, &mut InputHandle<'_>) -> Result<()> + Send + 'static,
    ) -> Self {
        self.fun_inputs.push(Input::call(function));
        self
    }

    /// Applies inputs in the original's order instead of that in which they are given: callables; then those of type `fix`,
    /// then `iter` with arrays, `func`, `iter` with streams; among these `=` before `+ - * /`.
    pub fn compat_input_order(mut self, compat: bool) -> Self {
        self.compat_input_order = compat;
        self
    }

    /// Adds a monitor: a name, or a name and an index; see [`Monitor`].
    pub fn monitor(mut self, monitor: impl Into<Monitor>) -> Self {
        self.monitors.push(monitor.into());
        self
    }

    /// Adds several monitors of one form.
    pub fn monitors<M: Into<Monitor>>(mut self, monitors: impl IntoIterator<Item = M>) -> Self {
        self.monitors.extend(monitors.into_iter().map(Into::into));
        self
    }

    /// Adds monitors from a map: key and what is recorded under it.
    ///
    /// ```
    /// use dsrunner::{DSRunner, Monitor, neurons};
    ///
    /// let mut runner = DSRunner::builder(neurons::lif(10))
    ///     .monitor_map([("all", Monitor::from("V")), ("first", Monitor::from(("V", 0)))])
    ///     .progress_bar(false)
    ///     .build()?;
    /// runner.run(1.0)?;
    /// assert_eq!(runner.mon().get::<f32>("first")?.shape(), &[10, 1]);
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn monitor_map<K: AsRef<str>, M: Into<Monitor>>(
        mut self,
        map: impl IntoIterator<Item = (K, M)>,
    ) -> Self {
        let named = map.into_iter().map(|(key, monitor)| monitor.into().named(key.as_ref()));
        self.monitors.extend(named);
        self
    }

    /// Adds monitors by closures of time and step, `(t, dt)`; one with the key of another monitor takes its place.
    #[deprecated = "give `Monitor::func` to `monitor_map`"]
    pub fn fun_monitors<K: AsRef<str>, V: Into<Value>, F>(
        mut self,
        map: impl IntoIterator<Item = (K, F)>,
    ) -> Self
    where
        F: Fn(f64, f64) -> V + Send + Sync + 'static,
    {
        let monitors = map
            .into_iter()
            .map(|(key, function)| Monitor::func(move |s| function(s.t, s.dt)).named(key.as_ref()));
        self.fun_monitors.extend(monitors);
        self
    }

    /// Adds variables that belong to no node of the target, by name and initial values (f32; the shape is that of the value):
    /// `name.value` is their path, as if the target had a child of that name. Inputs, monitors and closures may use it. They are part of states, and move with the
    /// rest.
    ///
    /// ```
    /// use dsrunner::{DSRunner, neurons};
    ///
    /// let mut runner = DSRunner::builder(neurons::lif(3))
    ///     .dyn_vars([("drift", 0.0)])
    ///     .input(("drift.value", 0.5))
    ///     .monitor("drift.value")
    ///     .progress_bar(false)
    ///     .build()?;
    /// runner.run(1.0)?;
    /// assert_eq!(runner.mon().get::<f32>("drift.value")?.shape(), [10, 1]);
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn dyn_vars<K: Into<String>, V: Into<Value>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let variables = variables.into_iter().map(|(key, value)| {
            let value = value.into();
            let shape = if value.shape().is_empty() { vec![1] } else { value.shape().to_vec() };
            (key.into(), crate::system::variable(shape).init("value", value))
        });
        self.dyn_vars.extend(variables);
        self
    }

    /// Whether results are arrays on the host after a run. Without it they stay on the device until they are asked for. The
    /// default is yes.
    pub fn numpy_mon_after_run(mut self, on_host: bool) -> Self {
        self.settings.numpy_mon_after_run = on_host;
        self
    }

    /// Whether recorded rows are moved to the host while the run goes on. The device then needs memory for two chunks of
    /// them; without it, for all rows of the run, and a run whose rows do not fit is an error before its first step. Sinks
    /// need it. The results are the same. The host keeps what no sink takes, the target's [`outputs`](Self::outputs) too. The
    /// default is no.
    pub fn memory_efficient(mut self, memory_efficient: bool) -> Self {
        self.settings.memory_efficient = memory_efficient;
        self
    }

    /// Whether steps are fused; see [`Jit`]. The default is yes.
    pub fn jit(mut self, jit: impl Into<Jit>) -> Self {
        self.settings.jit = jit.into();
        self
    }

    /// Whether the times in [`Mon::ts`](crate::Mon::ts) are those at the end of each step, `t0 + (i + 1) dt`, instead of those
    /// at its start. The default is no.
    pub fn ts_at_end(mut self, at_end: bool) -> Self {
        self.settings.ts_at_end = at_end;
        self
    }

    /// Whether arrays of a batch, results and the data of a run alike, have their replicas first, `"B"`, `(B, T, ...)`, or time, `"T"`,
    /// `(T, B, ...)`. The default is `"B"` for a [`Batch`](crate::Batch), else `"T"`.
    pub fn data_first_axis(mut self, axis: &str) -> Self {
        self.data_first_axis = Some(axis.into());
        self
    }

    /// Whether runs record what the target gives as its output: the spikes of a group that spikes, the state of one that does
    /// not, what a type of your own declares by [`StepBuilder::output`](crate::StepBuilder::output), nothing of a network.
    /// It takes the memory of a monitor, and the time to fill it: 4 bytes for each value in each step, so that 1000 steps of
    /// 100,000 trajectories in three variables take 1.2 GB. Spikes are kept as events, 12 bytes each. [`DSRunner::plan`] says how
    /// much it is. The default is yes.
    pub fn outputs(mut self, outputs: bool) -> Self {
        self.outputs = outputs;
        self
    }

    /// Sets the step, in the unit of the models' times. The default is 0.1 (ms).
    pub fn dt(mut self, dt: f64) -> Self {
        self.dt = dt;
        self
    }

    /// Sets the time at the start of step 0. The default is 0.
    pub fn t0(mut self, t0: f64) -> Self {
        self.settings.t0 = t0;
        self
    }

    /// Sets the seed of connectivity, initial values and the models' [random numbers](crate#random-numbers). The default is 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Whether a progress bar is drawn on standard error: steps, elapsed and remaining time, simulated time over wall time. The
    /// default is yes, where standard error is a terminal; [`Progress::Forced`] draws it wherever that goes. It takes the crate's
    /// feature `progress`, which is on by default: without it there is no bar, and one that is forced is an error when the runner is
    /// built.
    pub fn progress_bar(mut self, progress_bar: impl Into<Progress>) -> Self {
        self.settings.progress_bar = progress_bar.into();
        self
    }

    /// Sets the device; see [`Device`] for the words that name one. The default is [`Device::Auto`].
    pub fn device(mut self, device: impl Into<Device>) -> Self {
        self.device = device.into();
        self
    }

    /// Whether devices may be measured, once in a process, which takes some hundredths of a second: a GPU that will execute, so that its
    /// workgroups and its first chunk suit it; and where [`Device::Auto`] is to choose and what is estimated of the kinds of devices
    /// leaves it open which one is faster. The results do not depend on it. The default is yes.
    ///
    /// ```
    /// use dsrunner::{DSRunner, neurons};
    ///
    /// let runner = DSRunner::builder(neurons::lif(100)).device("auto").calibrate(false).build()?;
    /// assert!(runner.plan().contains("  device   "));
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn calibrate(mut self, calibrate: bool) -> Self {
        self.settings.calibrate = calibrate;
        self
    }

    /// Sets how many threads the CPU engine uses at most. The default is all; small groups use fewer. The results do not
    /// depend on it.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Sets how many steps are handed to the device at once at most. By default a device gets as many as it executes in some 80
    /// ms. Shorter chunks make a run slower, and let it be cancelled sooner; the results do not depend on it.
    pub fn chunk(mut self, steps: usize) -> Self {
        self.settings.chunk = steps;
        self
    }

    /// Sets how often all loops of a model's functions, or of a kernel's invocation, may go round for one element in one step; a
    /// loop that ends by its condition counts once more. A run with a loop that goes round more often ends with an
    /// [`Error::EndlessLoop`] that names it, in the state after the last whole chunk; so does building, where a function that runs on
    /// the host has one (`initial`, `derive`, `defaults`). The default is 2^20; a larger one makes runs slower to cancel.
    ///
    /// It is the same on every engine, but where a driver itself ends loops: lavapipe does so after 65,535 iterations. There a single
    /// loop has about as many, and 4,000 are left to the loops of a text that has several. On a GPU a loop with a barrier in it has
    /// to go round as often for all invocations of the workgroup, as WGSL demands.
    ///
    /// ```
    /// use dsrunner::{DSRunner, Error, Group, Model};
    ///
    /// let model = Model::from_wgsl("Waits", "
    ///     struct State { x: f32 }
    ///     fn update(s: State) -> State {
    ///         var x = s.x;
    ///         while x < 10.0 { x *= 1.5; }
    ///         return State(x);
    ///     }
    /// ")?;
    /// // from 0 it never comes to 10
    /// let mut runner = DSRunner::builder(Group::new(&model, 1)).loop_limit(1000).progress_bar(false).build()?;
    /// assert!(matches!(runner.run(1.0), Err(Error::EndlessLoop { .. })));
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn loop_limit(mut self, iterations: u32) -> Self {
        // a count of them fits into a word
        self.loop_limit = iterations.min(u32::MAX - 1);
        self
    }

    /// Checks everything, compiles the step, and puts the system on its device.
    ///
    /// # Errors
    /// Whatever is wrong with the description: names, shapes, settings, models, limits, the device.
    pub fn build(self) -> Result<DSRunner> {
        limits::deep(|| self.compile())
    }

    fn compile(mut self) -> Result<DSRunner> {
        // devices compute with the nearest f32, which must not be 0 or infinite
        if !(self.dt > 0.0 && (self.dt as f32).is_normal()) {
            return Err(Error::Setting {
                setting: "dt",
                given: number(self.dt),
                wanted: "above 0 and within the range of f32".into(),
            });
        }
        if !self.settings.t0.is_finite() {
            return Err(Error::Setting {
                setting: "t0",
                given: self.settings.t0.to_string(),
                wanted: "finite".into(),
            });
        }
        if self.settings.progress_bar == Progress::Forced && cfg!(not(feature = "progress")) {
            return Err(Error::Setting {
                setting: "progress_bar",
                given: "forced".into(),
                wanted:
                    "off or for terminals, since dsrunner is built without its feature `progress`"
                        .into(),
            });
        }
        for (setting, given) in [("threads", self.threads), ("chunk", self.settings.chunk)] {
            if given == 0 {
                let (given, wanted) = (given.to_string(), "at least 1".into());
                return Err(Error::Setting { setting, given, wanted });
            }
        }
        if self.settings.memory_efficient && !self.settings.numpy_mon_after_run {
            return Err(Error::Setting {
                setting: "numpy_mon_after_run",
                given: "false".into(),
                wanted: "true with `memory_efficient`, which moves results to the host".into(),
            });
        }
        for monitor in self.monitors.iter().filter(|m| m.sink.is_some()) {
            if !self.settings.memory_efficient {
                return Err(Error::Monitor {
                    key: monitor.key().unwrap_or_default(),
                    reason: "a sink takes rows while the run goes on; set `memory_efficient(true)`"
                        .into(),
                });
            }
        }
        for monitor in std::mem::take(&mut self.fun_monitors) {
            match self.monitors.iter().position(|m| m.key() == monitor.key()) {
                Some(at) => self.monitors[at] = monitor,
                None => self.monitors.push(monitor),
            }
        }
        self.inputs.splice(..0, self.fun_inputs.drain(..));
        self.settings.sinks = self.monitors.iter().map(|m| m.sink.clone()).collect();
        let recipe = Recipe {
            recorded: RecordedSystem::of(self.target.as_ref(), &self.dyn_vars)?,
            inputs: std::mem::take(&mut self.inputs),
            compat_input_order: self.compat_input_order,
            monitors: std::mem::take(&mut self.monitors),
            dt: self.dt,
            t0: self.settings.t0,
            seed: self.seed,
            outputs: self.outputs,
            loop_limit: self.loop_limit,
        };
        let (plan, host) = recipe.plan()?;
        let wrong = |axis: &str, wanted: &str| Error::Setting {
            setting: "data_first_axis",
            given: format!("\"{axis}\""),
            wanted: wanted.into(),
        };
        self.settings.batch_first = match self.data_first_axis.as_deref() {
            None => plan.replicas.is_some(),
            Some("T") => false,
            Some("B") if plan.replicas.is_some() => true,
            Some("B") => return Err(wrong("B", "\"T\" for a target that is no `Batch`")),
            Some(other) => return Err(wrong(other, "\"B\" or \"T\"")),
        };
        DSRunner::new(self, recipe, plan, host)
    }
}

impl DSRunner {
    /// Starts the description of a runner of that target.
    pub fn builder(target: impl DynamicalSystem + 'static) -> RunnerBuilder {
        RunnerBuilder::new(target)
    }

    /// A runner whose settings are `builder`'s, and whose recipe was compiled to `plan` and `host`.
    fn new(builder: RunnerBuilder, recipe: Recipe, plan: Plan, host: Host) -> Result<Self> {
        let RunnerBuilder { target, device, threads, settings, .. } = builder;
        let stepwise = is_stepwise(&settings, &host);
        let limits = Limits { threads, calibrate: settings.calibrate, stepwise };
        let plan = Arc::new(plan);
        let (choice, engine) = open(&device, &plan, limits, None)?;
        let engine = engine.ok_or_else(|| Error::no_device(&device.to_string(), &devices()))?;
        let mut runner = Self {
            name: NodeName::next("DSRunner"),
            implicit: Implicit::default(),
            target,
            recipe,
            plan,
            host,
            engine,
            checks: None,
            choice,
            threads,
            settings,
            step: 0,
            mon: Mon::default(),
            unfinalized: false,
            replaced: Vec::new(),
            data: None,
            args: Arc::default(),
            waiting: VecDeque::new(),
            cancelled: Arc::default(),
        };
        runner.mon = runner.empty_results(0..0);
        runner.mon.split()?;
        Ok(runner)
    }
}
