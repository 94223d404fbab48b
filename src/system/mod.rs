//! What a user describes: groups, projections and networks, with their variables.

mod batch;
mod component;
mod coupling;
mod group;
mod kernel;
mod network;
mod projection;
mod step;

pub use batch::Batch;
pub(crate) use batch::Copies;
pub use component::Component;
pub use coupling::Coupling;
pub use group::{Group, GroupSlice};
pub use kernel::Kernel;
pub use network::Network;
pub use projection::Projection;
pub use step::{DynamicalSystem, StepBuilder};

pub(crate) use step::{CLOCK, Node, NodeKind};
