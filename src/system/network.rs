//! Networks: named children, nested to any depth.

use std::any::Any;
use std::sync::Arc;

use super::step::{DynamicalSystem, StepBuilder};
use crate::error::{Error, Result};
use crate::limits;
use crate::terms::NodeName;

/// A system made of other systems under names of its own.
///
/// The names make the paths: `E.V` is the variable `V` of the child `E`, `left.E.V` that of the child `E` of the network
/// `left`.
///
/// ```
/// use dsrunner::{Network, neurons};
///
/// let column = Network::new().with("E", neurons::lif(80)).with("I", neurons::lif(20));
/// let area = Network::new().with("left", column);
/// ```
#[derive(Clone)]
pub struct Network(Arc<NetworkInner>);

#[derive(Clone)]
struct NetworkInner {
    name: NodeName,
    children: Vec<(String, Arc<dyn DynamicalSystem>)>,
    /// How many networks are within each other, itself one of them.
    depth: usize,
}

impl Network {
    /// An empty network.
    pub fn new() -> Self {
        let name = NodeName::next("Network");
        Self(Arc::new(NetworkInner { name, children: Vec::new(), depth: 1 }))
    }

    /// Adds a child under a name.
    pub fn with(mut self, key: &str, child: impl DynamicalSystem + 'static) -> Self {
        let inner = Arc::make_mut(&mut self.0);
        let below =
            (&child as &dyn Any).downcast_ref::<Self>().map_or(0, |network| network.0.depth);
        // one that no runner takes is not kept either: dropping it would go down as deep
        let child: Arc<dyn DynamicalSystem> = match below <= limits::NESTED_SYSTEMS {
            true => Arc::new(child),
            false => Arc::new(TooDeep(child.name().into())),
        };
        inner.depth = inner.depth.max(below.min(limits::NESTED_SYSTEMS) + 1);
        inner.children.push((key.into(), child));
        self
    }

    /// Gives the network a name of its own instead of `Network` with a number.
    ///
    /// # Errors
    /// [`Error::Name`](crate::Error::Name) where it is not an identifier or belongs to another node.
    pub fn named(mut self, name: &str) -> Result<Self> {
        Arc::make_mut(&mut self.0).name = NodeName::given(name)?;
        Ok(self)
    }
}

/// What stands for a network that has too many within each other.
struct TooDeep(String);

impl DynamicalSystem for TooDeep {
    fn name(&self) -> &str {
        &self.0
    }

    fn update(&self, _: &mut StepBuilder) -> Result<()> {
        Err(Error::Node {
            node: self.0.clone(),
            reason: format!(
                "it has more than {} networks within each other; make them children of one",
                limits::NESTED_SYSTEMS
            ),
        })
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}

impl DynamicalSystem for Network {
    fn name(&self) -> &str {
        self.0.name.as_str()
    }

    fn update(&self, step: &mut StepBuilder) -> Result<()> {
        for (key, child) in &self.0.children {
            step.child(key, child.as_ref())?;
        }
        Ok(())
    }
}
