//! What is measured on a GPU. Every kernel counts, so that a dispatch that did not happen is seen.

use crate::gpu::{Gpu, Groups, Kernel, Result};

#[derive(Clone, Copy, Debug)]
pub enum Cost {
    Dispatch {
        groups: u32,
        indirect: bool,
    },
    Barrier {
        lanes: u32,
    },
    /// Atomic adds to random ones of so many words.
    Add {
        words: u32,
    },
    AddInWorkgroup,
    Copy,
    Gather,
}

/// Invocations of a workgroup, where nothing else is said.
const LANES: u32 = 256;
/// Workgroups of the kernels that load the whole device.
const GROUPS: u32 = 1024;
/// Atomic adds and gathers of an invocation.
const EACH: u32 = 16;
const EACH_IN_WORKGROUP: u32 = 64;
/// Barriers of a dispatch: enough that the dispatch itself does not show.
const BARRIERS: u32 = 1024;
/// Words that are copied and gathered: more than caches hold, and a binding of the size that every device has.
const WORDS: u32 = 1 << 25;

impl Cost {
    pub const ALL: [Self; 14] = [
        Self::Dispatch { groups: 1, indirect: false },
        Self::Dispatch { groups: 132, indirect: false },
        Self::Dispatch { groups: 4096, indirect: false },
        Self::Dispatch { groups: 1, indirect: true },
        Self::Dispatch { groups: 132, indirect: true },
        Self::Dispatch { groups: 4096, indirect: true },
        Self::Barrier { lanes: 256 },
        Self::Barrier { lanes: 1024 },
        Self::Add { words: 1 << 18 },
        Self::Add { words: 1 << 24 },
        Self::Add { words: 1 },
        Self::AddInWorkgroup,
        Self::Copy,
        Self::Gather,
    ];

    pub fn name(self) -> String {
        let mib = |words: u32| format!("{} MiB", words >> 18);
        match self {
            Self::Dispatch { groups, indirect } => {
                let how = if indirect { "indirect dispatch" } else { "dispatch" };
                let plural = if groups == 1 { "" } else { "s" };
                format!("{how}, {groups} workgroup{plural}")
            }
            Self::Barrier { lanes } => format!("storage barrier, {lanes} invocations"),
            Self::Add { words: 1 } => "atomic adds, one address".into(),
            Self::Add { words } => format!("atomic adds, random in {}", mib(words)),
            Self::AddInWorkgroup => "atomic adds, workgroup memory".into(),
            Self::Copy => format!("copy of {}, read and written", mib(WORDS)),
            Self::Gather => format!("gather of words, random in {}", mib(WORDS)),
        }
    }

    pub fn lanes(self) -> u32 {
        match self {
            Self::Dispatch { .. } => 64,
            Self::Barrier { lanes } => lanes,
            _ => LANES,
        }
    }

    /// Operations of a dispatch and the unit in which they are told: seconds of one, or how many in a second.
    pub fn operations(self) -> (f64, &'static str) {
        let invocations = f64::from(GROUPS * LANES);
        match self {
            Self::Dispatch { .. } => (1.0, "s"),
            Self::Barrier { .. } => (f64::from(BARRIERS), "s"),
            Self::Add { .. } | Self::Gather => (invocations * f64::from(EACH), "1/s"),
            Self::AddInWorkgroup => (invocations * f64::from(EACH_IN_WORKGROUP), "1/s"),
            Self::Copy => (8.0 * f64::from(WORDS), "B/s"),
        }
    }

    /// Makes the buffers, and compiles the kernel.
    pub fn prepare(self, gpu: &Gpu) -> Result<Counted> {
        let lanes = ("lanes", f64::from(self.lanes()));
        let each = |each: u32| ("each", f64::from(each));
        let mask = |words: u32| ("mask", f64::from(words - 1));
        let invocations = GROUPS * LANES;
        match self {
            Self::Dispatch { groups, indirect } => {
                let words = gpu.storage(groups as usize);
                let kernel = gpu.kernel("count", &[lanes], &[(0, &words)])?;
                let numbers =
                    if indirect { Groups::indirect(gpu, groups) } else { Groups::Direct(groups) };
                Ok(Counted::new(kernel, numbers, words, groups))
            }
            Self::Barrier { .. } => {
                let words = gpu.storage(1);
                let kernel = gpu.kernel("take_turns", &[lanes, each(BARRIERS)], &[(0, &words)])?;
                Ok(Counted::new(kernel, Groups::Direct(1), words, BARRIERS))
            }
            Self::Add { words } => {
                let counters = gpu.storage(words as usize);
                let constants = [lanes, each(EACH), mask(words)];
                let kernel = gpu.kernel("add", &constants, &[(1, &counters)])?;
                Ok(Counted::new(kernel, Groups::Direct(GROUPS), counters, invocations * EACH))
            }
            Self::AddInWorkgroup => {
                let counters = gpu.storage(GROUPS as usize);
                let constants = [lanes, each(EACH_IN_WORKGROUP)];
                let kernel = gpu.kernel("add_in_workgroup", &constants, &[(1, &counters)])?;
                let adds = invocations * EACH_IN_WORKGROUP;
                Ok(Counted::new(kernel, Groups::Direct(GROUPS), counters, adds))
            }
            Self::Copy => {
                let (source, target) = (hashes(gpu, WORDS)?, gpu.storage(WORDS as usize));
                let kernel = gpu.kernel("copy", &[lanes], &[(3, &source), (4, &target)])?;
                let groups = Groups::Direct(WORDS / 4 / LANES);
                let copied = sum((0..WORDS).map(hash));
                Ok(Counted { fixed: copied, ..Counted::new(kernel, groups, target, 0) })
            }
            Self::Gather => {
                let (source, words) = (hashes(gpu, WORDS)?, gpu.storage(invocations as usize));
                let constants = [lanes, each(EACH), mask(WORDS)];
                let kernel = gpu.kernel("gather", &constants, &[(2, &source), (0, &words)])?;
                let gathered = (0..invocations * EACH).map(|k| hash(hash(k) & (WORDS - 1)));
                let groups = Groups::Direct(GROUPS);
                Ok(Counted { fixed: sum(gathered), ..Counted::new(kernel, groups, words, 0) })
            }
        }
    }
}

/// A buffer whose word `k` is `hash(k)`.
pub fn hashes(gpu: &Gpu, words: u32) -> Result<wgpu::Buffer> {
    let buffer = gpu.storage(words as usize);
    let kernel = gpu.kernel("fill", &[("lanes", f64::from(LANES))], &[(4, &buffer)])?;
    gpu.execute(&kernel, &Groups::Direct(words / 4 / LANES), 1)?;
    Ok(buffer)
}

/// The hash of `kernels.wgsl`.
pub fn hash(x: u32) -> u32 {
    let state = x.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
    let word = ((state >> ((state >> 28) + 4)) ^ state).wrapping_mul(277_803_737);
    (word >> 22) ^ word
}

pub fn sum(words: impl Iterator<Item = u32>) -> u32 {
    words.fold(0, u32::wrapping_add)
}

/// A kernel at work, and the sum that it must leave behind. Sums are taken modulo 2^32.
pub struct Counted {
    pub kernel: Kernel,
    pub groups: Groups,
    pub buffer: wgpu::Buffer,
    /// What the buffer's words add up to after any dispatch.
    fixed: u32,
    /// What each dispatch adds to that.
    per_dispatch: u32,
    /// Dispatches so far.
    pub dispatches: u32,
}

impl Counted {
    fn new(kernel: Kernel, groups: Groups, buffer: wgpu::Buffer, per_dispatch: u32) -> Self {
        Self { kernel, groups, buffer, fixed: 0, per_dispatch, dispatches: 0 }
    }

    /// The seconds of `n` more dispatches in a pass.
    pub fn execute(&mut self, gpu: &Gpu, n: u32) -> Result<f64> {
        self.dispatches += n;
        gpu.execute(&self.kernel, &self.groups, n)
    }

    pub fn expected(&self) -> u32 {
        self.fixed.wrapping_add(self.per_dispatch.wrapping_mul(self.dispatches))
    }

    /// The sum that is there.
    pub fn counted(&self, gpu: &Gpu) -> Result<u32> {
        let staging = gpu.staging(self.buffer.size() as usize / 4);
        gpu.read(&self.buffer, &staging, |words| sum(words.iter().copied()))
    }

    /// Whether the kernel did what it was told to, neither more nor less.
    pub fn check(&self, gpu: &Gpu) -> Result<()> {
        let (counted, expected) = (self.counted(gpu)?, self.expected());
        if counted == expected {
            return Ok(());
        }
        let n = self.dispatches;
        Err(format!("wrong result: {n} dispatches count {counted}, expected {expected}").into())
    }
}
