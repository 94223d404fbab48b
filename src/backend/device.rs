//! What a device is.

use std::fmt;

use crate::interpreter::instruction_set;

/// What a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// The engine of this crate that needs no driver.
    Cpu,
    /// A GPU with memory of its own.
    Discrete,
    /// A GPU that shares the processor's memory.
    Integrated,
    /// A GPU seen through a virtual machine, or of unknown kind.
    Virtual,
    /// A driver that computes on the processor, such as lavapipe or WARP.
    Software,
}

impl DeviceKind {
    /// Its name, by which it can be asked for.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Discrete => "discrete",
            Self::Integrated => "integrated",
            Self::Virtual => "virtual",
            Self::Software => "software",
        }
    }

    pub(crate) fn is_hardware(self) -> bool {
        matches!(self, Self::Discrete | Self::Integrated | Self::Virtual)
    }
}

/// A device that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its number; 0 is the CPU engine.
    pub index: usize,
    /// Its name, as the driver gives it.
    pub name: String,
    /// What it is.
    pub kind: DeviceKind,
    /// `cpu`, `vulkan`, `metal` or `dx12`.
    pub backend: &'static str,
    /// Whether NVIDIA made it.
    pub(crate) nvidia: bool,
    /// Words of the largest buffer, where that is a limit.
    pub(crate) most_words: Option<u64>,
}

impl fmt::Display for DeviceInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({}, {})", self.index, self.name, self.kind.name(), self.backend)
    }
}

impl DeviceInfo {
    /// The CPU engine.
    pub(crate) fn cpu() -> Self {
        Self {
            index: 0,
            name: format!("CPU engine ({})", instruction_set()),
            kind: DeviceKind::Cpu,
            backend: "cpu",
            nvidia: false,
            most_words: None,
        }
    }
}
