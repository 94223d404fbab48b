//! What a device takes for the parts of a step, as numbers.

use super::load::Load;
use crate::device::DeviceKind;

/// Seconds for the parts of a step on a device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CostModel {
    /// What each step takes, whatever it does.
    pub step: f64,
    /// A dispatch that waits for the one before it.
    pub dispatch: f64,
    /// An operation of an element, where there are many elements.
    pub operation: f64,
    /// An operation that waits for the one before it: no element is done sooner than its own operations one after the other.
    pub serial: f64,
    /// A word that is read or written.
    pub word: f64,
    /// A synapse over which a spike is delivered.
    pub synapse: f64,
}

impl CostModel {
    /// What is believed of devices of a kind before they are measured; the CPU engine by the thread.
    pub(crate) fn of(kind: DeviceKind) -> Self {
        let [step, dispatch, operation, serial, word, synapse] = match kind {
            DeviceKind::Cpu => [1e-6, 0.0, 4e-11, 0.0, 0.0, 2e-9],
            DeviceKind::Discrete => [0.0, 3e-6, 1e-13, 3e-9, 1e-11, 5e-11],
            DeviceKind::Integrated | DeviceKind::Virtual => [0.0, 6e-6, 2e-12, 5e-9, 1e-10, 5e-10],
            DeviceKind::Software => [0.0, 2e-5, 5e-11, 5e-10, 3e-9, 5e-9],
        };
        Self { step, dispatch, operation, serial, word, synapse }
    }

    /// The same with so many threads for operations and synapses.
    pub(crate) fn with_threads(self, threads: usize) -> Self {
        let threads = threads.max(1) as f64;
        Self { operation: self.operation / threads, synapse: self.synapse / threads, ..self }
    }

    /// Seconds of a step.
    pub(crate) fn seconds(&self, load: &Load) -> f64 {
        let elements = (load.operations * self.operation).max(load.chain * self.serial);
        self.step
            + load.dispatches * self.dispatch
            + elements
            + load.words * self.word
            + load.synapses * self.synapse
    }
}
