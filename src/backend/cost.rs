//! What a device takes for the parts of a step, as numbers.

use super::device::DeviceKind;
use super::load::Load;

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
    /// An operation of an invocation where one workgroup has many.
    pub shared: f64,
    /// What one workgroup takes for a step in which its invocations wait for each other.
    pub round: f64,
    /// The same for each of its invocations.
    pub member: f64,
    /// A word that is read or written.
    pub word: f64,
    /// A synapse over which a spike is delivered.
    pub synapse: f64,
    /// A submission that is waited for.
    pub submission: f64,
    /// Invocations of the workgroups over which elements are spread.
    pub workgroup_size: usize,
}

impl CostModel {
    /// A device on which nothing takes any time; those that are estimated in differ from it.
    pub(crate) const NOTHING: Self = Self {
        step: 0.0,
        dispatch: 0.0,
        operation: 0.0,
        serial: 0.0,
        shared: 0.0,
        round: 0.0,
        member: 0.0,
        word: 0.0,
        synapse: 0.0,
        submission: 0.0,
        workgroup_size: 128,
    };

    /// What is estimated of devices of a kind before they are measured; the CPU engine by the thread.
    pub(crate) fn of(kind: DeviceKind) -> Self {
        match kind {
            DeviceKind::Cpu => {
                Self { step: 2e-7, operation: 4e-11, synapse: 2e-9, ..Self::NOTHING }
            }
            DeviceKind::Discrete => Self {
                step: 5e-7,
                submission: 5e-5,
                dispatch: 3e-6,
                operation: 1e-13,
                serial: 3e-9,
                shared: 6e-12,
                round: 2e-6,
                word: 1e-11,
                synapse: 5e-11,
                ..Self::NOTHING
            },
            DeviceKind::Integrated | DeviceKind::Virtual => Self {
                step: 1e-6,
                submission: 1e-4,
                dispatch: 6e-6,
                operation: 2e-12,
                serial: 5e-9,
                shared: 2e-11,
                round: 3e-6,
                word: 1e-10,
                synapse: 5e-10,
                ..Self::NOTHING
            },
            DeviceKind::Software => Self {
                submission: 1e-4,
                dispatch: 2e-5,
                operation: 1e-10,
                serial: 3e-9,
                shared: 1.1e-10,
                member: 2e-8,
                word: 2.5e-9,
                synapse: 1e-8,
                ..Self::NOTHING
            },
        }
    }

    /// The same with so many threads for operations and synapses.
    pub(crate) fn with_threads(self, threads: usize) -> Self {
        let threads = threads.max(1) as f64;
        Self { operation: self.operation / threads, synapse: self.synapse / threads, ..self }
    }

    /// Seconds of a step.
    pub(crate) fn seconds(&self, load: &Load) -> f64 {
        let serial = self.serial.max(load.workgroup * self.shared);
        let elements = (load.operations * self.operation).max(load.chain * serial);
        let alone = if load.workgroup > 0.0 { 1.0 } else { 0.0 };
        // a round has a synapse for each invocation; another takes two of its five words that wait for each other
        let more = load.synapses / load.workgroup.max(1.0) - 1.0;
        let synapses = (load.synapses * self.synapse).max(alone * 0.4 * self.round * more);
        self.step
            + load.dispatches * self.dispatch
            + alone * self.round
            + load.workgroup * self.member
            + elements
            + load.words * self.word
            + synapses
            + load.submissions * self.submission
    }
}
