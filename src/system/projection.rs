//! Projections: connectivity, weights, synapse dynamics and output.

use std::sync::Arc;

use super::component::Component;
use super::group::Group;
use super::shipped;
use crate::connect::Connect;
use crate::error::Result;
use crate::terms::{Init, NodeName, Value, Variable};

/// Synapses from the spikes of one group to another.
///
/// In each step the synapse's state decays, then the weights of the spikes that arrive are added, then the output
/// makes a current from it and from the target's state at the start of the step, which is added to the target's `input`.
/// The synapse's state has one value per target element: it is the sum over all that arrive there.
///
/// ```
/// use dsrunner::{Connect, DSRunner, Network, Projection, neurons, outputs, synapses};
///
/// let e = neurons::lif(80);
/// let i = neurons::lif(20);
/// let e2i = Projection::new(&e, &i)
///     .connect(Connect::fixed_prob(0.1))
///     .weight(0.6)
///     .synapse(synapses::expon().param("tau", 5.0))
///     .output(outputs::coba().param("E", 0.0));
/// let net = Network::new().with("E", e).with("I", i).with("E2I", e2i);
/// let mut runner = DSRunner::builder(net)
///     .input(("E.input", 30.0))
///     .monitor("E2I.g")
///     .progress_bar(false)
///     .build()?;
/// runner.run(50.0)?;
/// assert!(runner.mon().get::<f32>("E2I.g")?.iter().any(|&g| g > 0.0));
/// # Ok::<(), dsrunner::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Projection(Arc<ProjectionInner>);

#[derive(Debug, Clone)]
pub(crate) struct ProjectionInner {
    pub name: NodeName,
    pub pre: Group,
    pub post: Group,
    pub connect: Connect,
    pub weight: Value,
    pub delay: Value,
    pub synapse: Component,
    pub output: Component,
}

impl Projection {
    /// A projection from `pre` to `post`: all to all, weight 1, an exponential synapse, current-based output, until set
    /// otherwise. Set up the groups before: a projection keeps them as they are.
    pub fn new(pre: &Group, post: &Group) -> Self {
        Self(Arc::new(ProjectionInner {
            name: NodeName::next("Projection"),
            pre: pre.clone(),
            post: post.clone(),
            connect: Connect::all_to_all(),
            weight: Value::from(1.0),
            delay: Value::from(0.0),
            synapse: shipped::synapses::expon(),
            output: shipped::outputs::cuba(),
        }))
    }

    fn with(mut self, change: impl FnOnce(&mut ProjectionInner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Sets which elements are connected.
    pub fn connect(self, connect: Connect) -> Self {
        self.with(|p| p.connect = connect)
    }

    /// Sets the weight: one for all, or one per synapse in the order of the connectivity (rows by source).
    ///
    /// A weight is an f32, and what arrives is added up in fixed point, so that it does not depend on the order. Where all weights at
    /// a target are of one size they arrive as they are. Elsewhere a weight `w` arrives with an error of at most 2^-16 `|w|`, or
    /// 2^-31 of the sum of `|w|` at its target where that is more; [`DSRunner::plan`](crate::DSRunner::plan) prints the largest
    /// error. It is an error when the runner is built if a weight is not finite or beyond the range of f32 (0, or a size of 1.2e-38 to
    /// 3.4e38), and if more than half of those that are not zero would arrive as 0.
    pub fn weight(self, weight: impl Into<Value>) -> Self {
        let weight = weight.into();
        self.with(|p| p.weight = weight)
    }

    /// Sets the delay, in the unit of `dt`: one for all synapses, or one per synapse in the order of the connectivity. The
    /// default is 0.
    ///
    /// A delay is a whole number of steps `d`, the nearest one at the runner's `dt` (half steps round up): a spike in step
    /// `k` arrives in step `k + max(1, d)`, so 0 and one step are the same. A delay that is negative or not finite is an
    /// error when the runner is built. The history of a group's spikes is shared by all projections from it; each distinct
    /// delay of a projection takes 4 bytes for each source.
    ///
    /// ```
    /// use dsrunner::{Connect, Projection, neurons};
    ///
    /// let (a, b) = (neurons::lif(2), neurons::lif(3));
    /// let slow = Projection::new(&a, &b).delay(1.5);
    /// let each = Projection::new(&a, &b)
    ///     .connect(Connect::coo(vec![0, 0, 1], vec![0, 2, 1]))
    ///     .delay(vec![0.5, 12.0, 3.1]);
    /// ```
    pub fn delay(self, delay: impl Into<Value>) -> Self {
        let delay = delay.into();
        self.with(|p| p.delay = delay)
    }

    /// Sets the synapse's dynamics.
    pub fn synapse(self, synapse: Component) -> Self {
        self.with(|p| p.synapse = synapse)
    }

    /// Sets how the synapse's state becomes a current.
    pub fn output(self, output: Component) -> Self {
        self.with(|p| p.output = output)
    }

    /// Sets the initial values of the synapse's state.
    pub fn init(self, name: &str, init: impl Into<Init>) -> Self {
        self.with(|p| p.synapse = p.synapse.clone().init(name, init))
    }

    /// Gives the projection a name of its own instead of `Projection` with a number.
    ///
    /// # Errors
    /// [`Error::Name`](crate::Error::Name) where it is not an identifier or belongs to another node.
    pub fn named(mut self, name: &str) -> Result<Self> {
        Arc::make_mut(&mut self.0).name = NodeName::given(name)?;
        Ok(self)
    }

    /// A handle of one of its variables or parameters, to be used wherever a path may be.
    pub fn variable(&self, name: &str) -> Variable {
        Variable::of(&self.0.name, name)
    }

    pub(crate) fn inner(&self) -> &ProjectionInner {
        &self.0
    }

    /// Whether two handles are of the same projection with the same settings.
    pub(crate) fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
