//! What a user describes: groups, projections and networks, with their variables.

mod batch;
mod component;
mod coupling;
mod group;
mod kernel;
mod names;
mod network;
mod projection;
mod step;
mod value;
mod variable;

pub use batch::Batch;
pub(crate) use batch::Copies;
pub use component::Component;
pub use coupling::Coupling;
pub use group::{Group, GroupSlice};
pub use kernel::Kernel;
pub(crate) use names::NodeName;
pub use network::Network;
pub use projection::Projection;
pub use step::{DynamicalSystem, StepBuilder};
pub use value::{Init, Number, Shape, Value};
pub use variable::{Target, Variable};

pub(crate) use step::{CLOCK, Node, NodeKind};
pub(crate) use value::{broadcast, broadcast_places};
