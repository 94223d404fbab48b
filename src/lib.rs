//! dsrunner
mod backend;
mod connect;
mod device;
mod error;
mod integrate;
mod model;
mod plan;
#[cfg(feature = "plot")]
pub mod plot;
mod random;
mod runner;
mod shipped;
mod system;

pub use connect::Connect;
pub use device::{Device, DeviceInfo, DeviceKind, devices};
pub use error::{Error, Location, Result};
pub use integrate::Method;
pub use model::{Kind, Model};
pub use runner::{
    CancelHandle, DSRunner, Element, Events, Index, Input, InputType, InputValue, Mon, Monitor,
    NonFinite, Operation, Run, RunnerBuilder, Shared, Span, Steps,
};
pub use shipped::{neurons, odes, outputs, synapses};
pub use system::{
    Component, DynamicalSystem, Group, Init, Network, Number, Projection, Shape, StepBuilder,
    Target, Value, Variable,
};
