//! Devices: which there are, and how one is asked for.

use std::fmt;

use crate::backend::{DeviceInfo, DeviceKind, gpus};
use crate::error::{Error, Result};

/// The variable that says what `auto` means.
pub(crate) const ENVIRONMENT: &str = "DSRUNNER_DEVICE";

/// All devices, the CPU engine first.
///
/// ```
/// use dsrunner::{DeviceKind, devices};
///
/// let all = devices();
/// assert_eq!(all[0].kind, DeviceKind::Cpu);
/// for device in &all {
///     println!("{device}");
/// }
/// ```
pub fn devices() -> Vec<DeviceInfo> {
    let mut all = vec![DeviceInfo::cpu()];
    all.extend(gpus());
    all
}

/// A choice of device.
///
/// A word says the same as the variants: `auto`, `cpu`, `gpu` (any hardware GPU, discrete ones first), `cuda` (a hardware
/// GPU, one of NVIDIA first), `discrete`, `integrated`, `virtual`, `software`, a backend (`vulkan`, `metal`, `dx12`), a
/// number of the list of [`devices`], or part of a name.
///
/// ```
/// use dsrunner::{DSRunner, Device, neurons};
///
/// let runner = DSRunner::builder(neurons::lif(10)).device("cpu").build()?;
/// assert!(runner.device().contains("CPU engine"));
/// let error = DSRunner::builder(neurons::lif(10)).device("abacus").build().unwrap_err();
/// assert!(error.to_string().starts_with("no device `abacus`; there are:\n0: CPU engine"));
/// # Ok::<(), dsrunner::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Device {
    /// What the environment variable `DSRUNNER_DEVICE` says; without it the device whose steps are estimated to be the shortest:
    /// small systems are faster on the CPU engine, large ones on a GPU. [`DSRunner::plan`](crate::DSRunner::plan) tells why.
    #[default]
    Auto,
    /// The CPU engine.
    Cpu,
    /// Any hardware GPU, discrete ones first.
    Gpu,
    /// The device of that number in the list of [`devices`].
    Index(usize),
    /// The first device that a word fits: a kind, a backend, or part of a name, in any case.
    Named(String),
}

impl From<&str> for Device {
    fn from(word: &str) -> Self {
        match word.trim().to_lowercase().as_str() {
            "" | "auto" => Self::Auto,
            "cpu" => Self::Cpu,
            "gpu" => Self::Gpu,
            word => word.parse().map_or_else(|_| Self::Named(word.into()), Self::Index),
        }
    }
}

impl From<String> for Device {
    fn from(word: String) -> Self {
        Self::from(word.as_str())
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Gpu => f.write_str("gpu"),
            Self::Index(index) => write!(f, "{index}"),
            Self::Named(word) => f.write_str(word),
        }
    }
}

impl Device {
    /// The number of the device that was asked for, and by whom; none where the choice is left.
    pub(crate) fn resolve(&self) -> Result<Option<(usize, String)>> {
        let all = match self {
            Self::Auto => {
                let word = std::env::var(ENVIRONMENT).unwrap_or_default();
                let found = match Self::from(word.as_str()) {
                    Self::Auto => None,
                    choice => choice.resolve().map_err(|error| error.chosen_by(ENVIRONMENT))?,
                };
                return Ok(found.map(|(index, _)| (index, format!("{ENVIRONMENT} is `{word}`"))));
            }
            // no driver is loaded for the engine that needs none
            Self::Cpu | Self::Index(0) => Vec::new(),
            _ => devices(),
        };
        let found = pick(&all, self).ok_or_else(|| Error::no_device(&self.to_string(), &all))?;
        Ok(Some((found, format!("`{self}` was asked for"))))
    }
}

fn pick(all: &[DeviceInfo], choice: &Device) -> Option<usize> {
    use DeviceKind::{Discrete, Integrated, Virtual};
    let first = |test: &dyn Fn(&DeviceInfo) -> bool| all.iter().find(|d| test(d)).map(|d| d.index);
    let hardware =
        || [Discrete, Integrated, Virtual].into_iter().find_map(|kind| first(&|d| d.kind == kind));
    match choice {
        Device::Auto | Device::Cpu | Device::Index(0) => Some(0),
        Device::Gpu => hardware(),
        Device::Index(index) => first(&|d| d.index == *index),
        Device::Named(word) if word == "cuda" => {
            first(&|d| d.nvidia && d.kind.is_hardware()).or_else(hardware)
        }
        Device::Named(word) => first(&|d| d.kind.name() == word)
            .or_else(|| first(&|d| d.backend == word))
            .or_else(|| first(&|d| d.name.to_lowercase().contains(word))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(rest: &[(&str, DeviceKind, &'static str, bool)]) -> Vec<DeviceInfo> {
        let cpu = [("CPU engine", DeviceKind::Cpu, "cpu", false)];
        cpu.iter()
            .chain(rest)
            .enumerate()
            .map(|(index, &(name, kind, backend, nvidia))| DeviceInfo {
                index,
                name: name.into(),
                kind,
                backend,
                nvidia,
                most_words: None,
            })
            .collect()
    }

    #[test]
    fn choices() {
        use DeviceKind::{Discrete, Integrated, Software};
        let all = list(&[
            ("llvmpipe", Software, "vulkan", false),
            ("Iris Xe", Integrated, "vulkan", false),
            ("Radeon", Discrete, "vulkan", false),
            ("NVIDIA H200", Discrete, "vulkan", true),
        ]);
        for (word, wanted) in [
            ("cpu", Some(0)),
            ("GPU", Some(3)),
            ("cuda", Some(4)),
            ("integrated", Some(2)),
            ("software", Some(1)),
            ("vulkan", Some(1)),
            ("2", Some(2)),
            ("h200", Some(4)),
            ("metal", None),
            ("9", None),
        ] {
            assert_eq!(pick(&all, &Device::from(word)), wanted, "{word}");
        }
        let software = list(&[("llvmpipe", Software, "vulkan", false)]);
        assert_eq!(pick(&software, &Device::Gpu), None);
    }
}
