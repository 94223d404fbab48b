//! What a runner is built from.

use super::run::DSRunner;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::input::Input;
use crate::monitor::Monitor;
use crate::plan::{self, Description};
use crate::system::DynamicalSystem;

/// Collects the settings of a [`DSRunner`]; made by [`DSRunner::builder`].
pub struct RunnerBuilder {
    pub(super) target: Box<dyn DynamicalSystem>,
    inputs: Vec<Input>,
    monitors: Vec<Monitor>,
    dt: f64,
    pub(super) t0: f64,
    seed: u64,
    pub(super) progress_bar: bool,
    pub(super) device: Device,
    pub(super) threads: usize,
    pub(super) chunk: usize,
}

impl RunnerBuilder {
    pub(super) fn new(target: impl DynamicalSystem + 'static) -> Self {
        Self {
            target: Box::new(target),
            inputs: Vec::new(),
            monitors: Vec::new(),
            dt: 0.1,
            t0: 0.0,
            seed: 0,
            progress_bar: true,
            device: Device::Auto,
            threads: usize::MAX,
            chunk: usize::MAX,
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

    /// Sets the step, in the unit of the models' times. The default is 0.1 (ms).
    pub fn dt(mut self, dt: f64) -> Self {
        self.dt = dt;
        self
    }

    /// Sets the time at the start of step 0. The default is 0.
    pub fn t0(mut self, t0: f64) -> Self {
        self.t0 = t0;
        self
    }

    /// Sets the seed of connectivity, initial values and the models' random numbers. The default is 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Whether a progress bar is drawn on standard error, where that is a terminal. The default is yes.
    pub fn progress_bar(mut self, progress_bar: bool) -> Self {
        self.progress_bar = progress_bar;
        self
    }

    /// Sets the device; see [`Device`] for the words that name one. The default is [`Device::Auto`].
    pub fn device(mut self, device: impl Into<Device>) -> Self {
        self.device = device.into();
        self
    }

    /// Sets how many threads the CPU engine uses at most. The default is all; small groups use fewer. The results do not
    /// depend on it.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Sets how many steps are handed to the device at once at most. By default a device gets as many as it plays in some 80
    /// ms. Shorter chunks make a run slower, and let it be cancelled sooner; the results do not depend on it.
    pub fn chunk(mut self, steps: usize) -> Self {
        self.chunk = steps;
        self
    }

    /// Checks everything, compiles the step, and puts the system on its device.
    ///
    /// # Errors
    /// Whatever is wrong with the description: names, shapes, settings, models, limits, the device.
    pub fn build(self) -> Result<DSRunner> {
        // devices compute with the nearest f32, which must not be 0 or infinite
        if !(self.dt > 0.0 && (self.dt as f32).is_normal()) {
            return Err(Error::Setting {
                setting: "dt",
                given: self.dt.to_string(),
                wanted: "above 0 and within the range of f32".into(),
            });
        }
        if !self.t0.is_finite() {
            return Err(Error::Setting {
                setting: "t0",
                given: self.t0.to_string(),
                wanted: "finite".into(),
            });
        }
        for (setting, given) in [("threads", self.threads), ("chunk", self.chunk)] {
            if given == 0 {
                let (given, wanted) = (given.to_string(), "at least 1".into());
                return Err(Error::Setting { setting, given, wanted });
            }
        }
        let (plan, sources) = plan::build(&Description {
            target: self.target.as_ref(),
            inputs: &self.inputs,
            monitors: &self.monitors,
            dt: self.dt,
            seed: self.seed,
        })?;
        DSRunner::new(self, plan, sources)
    }
}
