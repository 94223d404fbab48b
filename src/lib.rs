//! **dsrunner** runs dynamical systems - spiking networks, rate models, oscillators, any ODE or map - on every GPU
//! through wgpu compute shaders, and on any CPU without a driver.
//!
//! Describe a target ([`Group`]s, [`Projection`]s, [`Network`]s, or a [`Model`] of your own as WGSL text), give it
//! [`Input`]s and [`Monitor`]s, and run it with a [`DSRunner`]:
//!
//! ```
//! use dsrunner::{Connect, DSRunner, Init, Network, Projection, neurons, outputs, synapses};
//!
//! let cells = neurons::lif_ref(100).param("tau_ref", 2.0).init("V", Init::uniform(-5.0, 20.0));
//! let inhibition = Projection::new(&cells, &cells)
//!     .connect(Connect::fixed_prob(0.2).without_self())
//!     .weight(0.02)
//!     .synapse(synapses::expon().param("tau", 10.0))
//!     .output(outputs::coba().param("E", -10.0));
//! let net = Network::new().with("cells", cells).with("inhibition", inhibition);
//!
//! let mut runner = DSRunner::builder(net)
//!     .input(("cells.input", 30.0))
//!     .monitors(["cells.spike"])
//!     .monitor(("cells.V", ..5))
//!     .dt(0.1)
//!     .seed(1)
//!     .progress_bar(false)
//!     .build()?;
//! runner.run(100.0)?;
//!
//! let spikes = runner.mon().events("cells.spike")?;
//! let v = runner.mon().get::<f32>("cells.V")?;
//! assert!(!spikes.steps.is_empty());
//! assert_eq!(v.shape(), &[1000, 5]);
//! # Ok::<(), dsrunner::Error>(())
//! ```
//!
//! # A step
//!
//! In each step inputs are applied, projections deliver the spikes that arrive, groups are updated, monitors record,
//! and input accumulators are cleared. A spike in step `k` arrives in step `k + max(1, d)`, where `d` is the projection's or
//! the connection's delay. A synapse decays first, then adds what arrives; its current is evaluated once, from the
//! conductance after that and the target's state at the start of the step, and held, unless the group has the form
//! [`ltc`](Group::ltc). Time is a counter of steps: `t = t0 + i dt`.
//!
//! # Engines
//!
//! A [`Model`]'s text is composed with its synapses to one program, which runs on two engines: on wgpu devices as compute
//! kernels, many steps a submission; and on the CPU as machine code (x86-64 with AVX2 or AVX-512), or in an interpreter with the widest
//! vector instructions there are, on all cores. [`Device`] says which is used, [`devices`] lists all.
//!
//! Two runs of one description on one device give the same bits, however they are divided into runs: random numbers are
//! counter-based, and synaptic sums are integers. The CPU engine and Vulkan give the same bits too: every operation rounds
//! once, in the order of the model's text, and elementary functions are the library's own. On Metal and DX12 compilers may
//! contract and re-associate, so a step may differ by some units in the last place. [`DSRunner::to`] moves a simulation from
//! one device to another in its midst.
//!
//! # Random numbers
//!
//! A random number is a function of the runner's [seed](RunnerBuilder::seed), of what it is for, and of where it is drawn. It
//! is for the connectivity of a projection or coupling, the initial values of a variable, or the draws of a model, of a kernel,
//! of an expression. These have numbers of their own, told apart by
//!
//! - the path of the node in the target, the first where it has several; the target itself has an empty one,
//! - the name of the variable, for initial values and for expressions that are inputs; of several such expressions for one variable
//!   the first, the second, ...; the key of a monitor, and instead of the variable that of an input which [has one](Input::named),
//! - the number of the replica in a [`Batch`], except for connectivity,
//! - the number of the element in its group (of the source, for connectivity), and for draws the step and the number of the
//!   [draw](Model#random-numbers).
//!
//! Nothing else counts. So these change no random number: other nodes, before or behind; the order of children; names, whether
//! made up by the library, such as `LIF0`, or given to nodes by `named`; other inputs, other monitors; the variables that a model has
//! besides; parameters, `dt`, `t0`; the device, threads, chunks, and how a run is divided. And these do: another seed; another
//! path, as where a group becomes a part of a larger network; another name of a variable; another number of a draw.
//!
//! # Features
//!
//! On by default: `gpu`, the engine on wgpu, without which there is the CPU engine alone; `progress`, the progress bar. Off by
//! default: `checkpoint` writes and reads states as `.npz` and `.safetensors`, `hdf5` as `.h5` too, `files` reads connectivity from
//! files, `plot` draws results. The items of this page are the same without `gpu` and `progress`: what needs them is an error.

#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::todo,
        clippy::unimplemented
    )
)]
#![deny(clippy::undocumented_unsafe_blocks)]
#![cfg_attr(
    not(feature = "gpu"),
    expect(dead_code, unused_imports, reason = "what the GPU engine alone asks of the others")
)]

mod backend;
mod checkpoint;
mod choice;
mod connect;
mod error;
mod inputs;
mod integrate;
mod interpreter;
mod limits;
mod model;
#[cfg(any(feature = "checkpoint", feature = "files"))]
mod npy;
mod plan;
#[cfg(feature = "plot")]
pub mod plot;
mod random;
mod records;
mod results;
mod runner;
mod scalar;
mod system;
mod terms;

pub use backend::{DeviceInfo, DeviceKind};
#[doc(hidden)]
pub use checkpoint::files as state_files;
pub use checkpoint::{StateArray, StateData};
pub use choice::{Device, devices};
pub use connect::Connect;
#[cfg(feature = "files")]
pub use connect::files::{Csv, EdgeList, EdgeReader, Id, Ids, Pairs, SparseMatrix};
pub use error::{Error, Location, Result};
pub use inputs::{
    Input, InputHandle, InputType, InputValue, Policy, ReadHandle, RowStream, stream,
};
pub use integrate::Method;
pub use model::{Model, SourceText};
pub use records::{Events, Monitor, Recorded, Reduction, Sink};
pub use results::Mon;
pub use runner::{
    CancelHandle, Collection, Compatible, DSRunner, ExplainedProgram, Explanation, Jit, Listed,
    Loaded, Naming, NodeClass, NodeInfo, NonFinite, Predict, Progress, Run, RunnerBuilder, Span,
    StateDict, Steps, TreeDef, VarClass, VarInfo,
};
pub use scalar::ProgramCode;
pub use system::{
    Batch, Component, Coupling, DynamicalSystem, Group, GroupSlice, Kernel, Network, Projection,
    StepBuilder, neurons, odes, outputs, sources, synapses,
};
pub use terms::{
    Element, Index, Init, Kind, Number, Operation, Shape, Shared, Target, Value, Variable, Wgsl,
    wgsl,
};

/// The README's programs are tested like the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The page's programs, too, where all that they need is built.
#[cfg(all(doctest, feature = "hdf5", feature = "files"))]
#[doc = include_str!("../docs/dsrunner.md")]
struct Page;
