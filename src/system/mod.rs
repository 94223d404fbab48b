//! What a user describes: groups, projections and networks, with their variables.

mod batch;
mod component;
mod coupling;
mod group;
mod kernel;
mod network;
mod projection;
mod replicas;
mod shipped;
mod step;

pub use batch::Batch;
pub use component::Component;
pub use coupling::Coupling;
pub use group::{Group, GroupSlice};
pub use kernel::Kernel;
pub use network::Network;
pub use projection::Projection;
pub(crate) use replicas::Replicas;
pub(crate) use shipped::variable;
pub use shipped::{neurons, odes, outputs, sources, synapses};
pub use step::{DynamicalSystem, StepBuilder};

pub(crate) use step::{CLOCK, Node, NodeKind};
