//! Moving a simulation between devices.

use super::run::DSRunner;
use super::settings::is_stepwise;
use crate::choice::{Device, Limits, devices, open};
use crate::error::{Error, Result};
use crate::limits::deep;

impl DSRunner {
    /// Moves the system to another device, in the middle of a simulation: all variables and parameters, the spikes that are
    /// under way, the clock. The next run goes on from there. See [`Device`] for the words that name a device.
    ///
    /// ```
    /// use dsrunner::{DSRunner, neurons};
    ///
    /// let mut runner = DSRunner::builder(neurons::lif(1))
    ///     .input(("input", 25.0))
    ///     .progress_bar(false)
    ///     .build()?;
    /// runner.run(10.0)?;
    /// runner.to("cpu")?.run(10.0)?;
    /// assert_eq!(runner.i(), 200);
    /// assert!(runner.device().starts_with("CPU engine"));
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoDevice`] with a list of the devices that are there, [`Error::Limit`] where the system does not fit,
    /// [`Error::Device`]. Nothing has changed then.
    pub fn to(&mut self, device: impl Into<Device>) -> Result<&mut Self> {
        self.finalize()?;
        let stepwise = is_stepwise(&self.settings, &self.host);
        let calibrate = self.settings.calibrate;
        let limits = Limits { threads: self.threads, calibrate, stepwise };
        let in_use = Some(self.choice.device);
        let (choice, engine) = deep(|| open(&device.into(), &self.plan, limits, in_use))?;
        if let Some(mut engine) = engine {
            let state = self.engine.state()?;
            engine.set_state(&state)?;
            engine.set_constants(&self.host.inputs.constants)?;
            self.engine = engine;
        }
        self.choice = choice;
        Ok(self)
    }

    /// Moves the system to host memory and the CPU engine; see [`DSRunner::to`].
    ///
    /// # Errors
    /// As [`DSRunner::to`].
    pub fn cpu(&mut self) -> Result<&mut Self> {
        self.to(Device::Cpu)
    }

    /// Moves the system to a hardware GPU, one of NVIDIA first; any other will do. See [`DSRunner::to`].
    ///
    /// # Errors
    /// As [`DSRunner::to`]: where there is no hardware GPU, the error lists the devices that are there.
    pub fn cuda(&mut self) -> Result<&mut Self> {
        self.to("cuda")
    }

    /// Would move the system to a TPU, which nothing here can drive.
    ///
    /// ```
    /// use dsrunner::{DSRunner, neurons};
    ///
    /// let mut runner = DSRunner::builder(neurons::lif(1)).device("cpu").build()?;
    /// assert!(runner.tpu().unwrap_err().to_string().starts_with("no device `tpu`; there are:"));
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoDevice`], always, with a list of the devices that are there.
    pub fn tpu(&mut self) -> Result<&mut Self> {
        Err(Error::no_device("tpu", &devices()))
    }
}
