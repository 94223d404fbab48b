//! Couplings of continuous variables.

use std::sync::Arc;

use super::group::Group;
use crate::connect::Connect;
use crate::error::Result;
use crate::terms::{NodeName, Value, Wgsl};

/// A continuous coupling: what each element of a group gets, in each step, from the variables of the elements that it is
/// connected with, as they were a delay ago.
///
/// Element `j` of `post` gets the sum over its connections `i` of an expression of
///
/// - `x_pre`: the variable or parameter `x` of source `i`, for each name `x` of `pre`; variables as they were after step
///   `k - 1 - d` in step `k`, where `d` is the delay of the connection in steps, so that a delay of 0 means the start of
///   the step; where [`StepBuilder::then`](crate::StepBuilder::then) has the source updated in an earlier stage, as they were after step `k - d`;
/// - `x_post`: the same of target `j`, with a delay of 0;
/// - `w`: the weight of the connection;
///
/// and of what any [expression](crate::wgsl) may name. The sum is added to the target's `input`, or another variable, after
/// the inputs of the step, and is held in the step; to an input of a group that was updated in an earlier stage it is added at
/// the start of the next step. Its terms are added in a fixed order, by source, so that every engine
/// gives the same bits.
///
/// [`Coupling::diffusive`] is `w * (x_pre - x_post)`, [`Coupling::additive`] is `w * x_pre`. Kuramoto's phase oscillators:
///
/// ```
/// use dsrunner::{Coupling, DSRunner, Group, Init, Model, Network, wgsl};
///
/// let model = Model::from_wgsl("Phase", "
///     struct Params { omega: f32 }
///     struct State { theta: f32 }
///     struct Input { input: f32 }
///     struct Derivative { theta: f32 }
///     fn derivative(p: Params, x: Input) -> Derivative {
///         return Derivative(p.omega + x.input);
///     }
/// ")?;
/// let phases = Group::new(&model, 50)
///     .param("omega", 1.0)
///     .init("theta", Init::uniform(0.0, 6.28));
/// let sines = Coupling::new(&phases, &phases, wgsl("w * sin(theta_pre - theta_post)"))
///     .weight(2.0 / 50.0)
///     .delay(0.05);
/// let mut runner = DSRunner::builder(Network::new().with("phases", phases).with("sines", sines))
///     .monitor("phases.theta")
///     .dt(0.01)
///     .progress_bar(false)
///     .build()?;
/// runner.run(20.0)?;
///
/// // all have come together
/// let theta = runner.get::<f32>("phases.theta")?;
/// let (sin, cos) = theta.iter().fold((0.0, 0.0), |(s, c), &x| (s + f64::from(x).sin(), c + f64::from(x).cos()));
/// assert!(f64::hypot(sin, cos) / 50.0 > 0.999);
/// # Ok::<(), dsrunner::Error>(())
/// ```
///
/// Every variable that is named is kept for as many steps as the longest of its delays; in states these past values are
/// `x_history`. Before the start a variable was what it is at the start, or what [`Group::history`] says.
#[derive(Debug, Clone)]
pub struct Coupling(Arc<CouplingInner>);

#[derive(Debug, Clone)]
pub(crate) struct CouplingInner {
    pub name: NodeName,
    pub pre: Group,
    pub post: Group,
    pub term: Wgsl,
    pub connect: Connect,
    pub weight: Option<Value>,
    pub delay: Option<Value>,
    pub target: String,
}

impl Coupling {
    /// A coupling whose terms are an expression: all to all, weight 1, no delay, added to `input`, until set otherwise. Set up
    /// the groups before: a coupling keeps them as they are.
    pub fn new(pre: &Group, post: &Group, term: Wgsl) -> Self {
        Self(Arc::new(CouplingInner {
            name: NodeName::next("Coupling"),
            pre: pre.clone(),
            post: post.clone(),
            term,
            connect: Connect::all_to_all(),
            weight: None,
            delay: None,
            target: "input".into(),
        }))
    }

    /// A diffusive coupling by a variable of both groups: `sum_i w_ij (x_i(t - d_ij) - x_j(t))`.
    pub fn diffusive(pre: &Group, post: &Group, variable: &str) -> Self {
        Self::new(pre, post, Wgsl(format!("w * ({variable}_pre - {variable}_post)")))
    }

    /// An additive coupling by a variable of the source: `sum_i w_ij x_i(t - d_ij)`.
    pub fn additive(pre: &Group, post: &Group, variable: &str) -> Self {
        Self::new(pre, post, Wgsl(format!("w * {variable}_pre")))
    }

    fn with(mut self, change: impl FnOnce(&mut CouplingInner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Sets which elements are connected.
    pub fn connect(self, connect: Connect) -> Self {
        self.with(|c| c.connect = connect)
    }

    /// Sets the weight: one for all, or one per connection in the order of the connectivity (rows by source). The expression has
    /// to name it, as `w`.
    pub fn weight(self, weight: impl Into<Value>) -> Self {
        let weight = weight.into();
        self.with(|c| c.weight = Some(weight))
    }

    /// Sets the delay, in the unit of `dt`: one for all connections, or one per connection in the order of the connectivity. It
    /// becomes a whole number of steps, the nearest one at the runner's `dt`, half steps up. The default is 0. The expression has
    /// to name a variable of the source, `x_pre`: nothing else is delayed.
    pub fn delay(self, delay: impl Into<Value>) -> Self {
        let delay = delay.into();
        self.with(|c| c.delay = Some(delay))
    }

    /// Sets the variable of `post` that the sum is added to, an input or a state variable of type f32. The default is
    /// `input`.
    pub fn target(self, variable: &str) -> Self {
        self.with(|c| c.target = variable.into())
    }

    /// Gives the coupling a name of its own instead of `Coupling` with a number.
    ///
    /// # Errors
    /// [`Error::Name`](crate::Error::Name) where it is not an identifier or belongs to another node.
    pub fn named(mut self, name: &str) -> Result<Self> {
        Arc::make_mut(&mut self.0).name = NodeName::given(name)?;
        Ok(self)
    }

    pub(crate) fn inner(&self) -> &CouplingInner {
        &self.0
    }

    /// Whether two handles are of the same coupling with the same settings.
    pub(crate) fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
