//! Groups (populations) of elements.

use std::sync::Arc;

use super::component::Component;
use crate::error::Result;
use crate::integrate::Method;
use crate::model::{Model, Shipped};
use crate::terms::{Index, Init, NodeName, Shape, Value, Variable, elements};

/// A population of elements of one model.
///
/// Its variables are the model's state, its inputs, and `spike` (bool) where the model has a threshold, each of the
/// group's shape. Parameters are one value for all or one per element. A clone is another handle of the same group.
///
/// ```
/// use dsrunner::{DSRunner, Init, neurons};
///
/// let group = neurons::lif(100).param("tau", 20.0).init("V", Init::uniform(0.0, 15.0));
/// let mut runner = DSRunner::builder(group)
///     .input(("input", 25.0))
///     .monitor("V")
///     .progress_bar(false)
///     .build()?;
/// runner.run(10.0)?;
/// assert_eq!(runner.mon().get::<f32>("V")?.shape(), &[100, 100]);
/// # Ok::<(), dsrunner::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Group(Arc<GroupInner>);

#[derive(Debug, Clone)]
pub(crate) struct GroupInner {
    pub name: NodeName,
    pub shape: Vec<usize>,
    pub component: Component,
    pub ltc: bool,
    /// Variables and parameters that are trainable.
    pub trainable: Vec<String>,
    /// What state variables were before the start.
    pub histories: Vec<(String, Value)>,
}

impl Group {
    /// A group of that model and shape.
    pub fn new(model: &Model, shape: impl Into<Shape>) -> Self {
        Self::shipped(Ok(model.clone()), shape)
    }

    pub(crate) fn shipped(model: Shipped, shape: impl Into<Shape>) -> Self {
        let class = model.as_ref().map_or("Group", |m| m.name());
        Self(Arc::new(GroupInner {
            name: NodeName::next(class),
            shape: shape.into().0,
            component: Component::shipped(model),
            ltc: false,
            trainable: Vec::new(),
            histories: Vec::new(),
        }))
    }

    fn with(mut self, change: impl FnOnce(Component) -> Component) -> Self {
        let inner = Arc::make_mut(&mut self.0);
        inner.component = change(inner.component.clone());
        self
    }

    /// Sets a parameter: one value, or one per element. It keeps the rules of the [`Model`], and is never NaN. One value stays one
    /// for all; see [`Group::param_each`].
    pub fn param(self, name: &str, value: impl Into<Value>) -> Self {
        self.with(|c| c.param(name, value))
    }

    /// Sets a parameter that is one value per element, even where it starts as one number for all, so that between runs
    /// [`DSRunner::set`](crate::DSRunner::set) may give each element its own. A step reads a word more for each element.
    ///
    /// ```
    /// use dsrunner::{DSRunner, neurons};
    ///
    /// let cells = neurons::lif(3).param_each("tau", 10.0);
    /// let mut runner = DSRunner::builder(cells).progress_bar(false).build()?;
    /// runner.run(1.0)?;
    /// runner.set("tau", [5.0, 10.0, 20.0])?;
    /// runner.run(1.0)?;
    ///
    /// let mut shared = DSRunner::builder(neurons::lif(3).param("tau", 10.0)).build()?;
    /// let error = shared.set("tau", [5.0, 10.0, 20.0]).unwrap_err().to_string();
    /// assert!(error.contains("`.param_each(\"tau\", ..)`"), "{error}");
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn param_each(self, name: &str, value: impl Into<Value>) -> Self {
        self.with(|c| c.param_each(name, value))
    }

    /// Sets the initial values of a state variable.
    pub fn init(self, name: &str, init: impl Into<Init>) -> Self {
        self.with(|c| c.init(name, init))
    }

    /// Sets what a state variable was before the start, for couplings that read it with a delay: what broadcasts to
    /// `(steps, shape of the group)`, the last step before the start first. Without it a variable was what it is at the start.
    ///
    /// ```
    /// use dsrunner::{Coupling, DSRunner, Group, Model, Network};
    ///
    /// // x' = -x(t - 0.3), whose past is a ramp
    /// let model = Model::from_wgsl("Echo", "
    ///     struct State { x: f32 }
    ///     struct Input { input: f32 }
    ///     struct Derivative { x: f32 }
    ///     fn derivative(x: Input) -> Derivative { return Derivative(x.input); }
    /// ")?;
    /// let echo = Group::new(&model, 1).history("x", ndarray::array![[3.0], [2.0], [1.0]]);
    /// let back = Coupling::additive(&echo, &echo, "x").weight(-1.0).delay(0.3);
    /// let mut runner = DSRunner::builder(Network::new().with("echo", echo).with("back", back))
    ///     .monitor("echo.input")
    ///     .progress_bar(false)
    ///     .build()?;
    /// runner.run(0.3)?;
    /// assert_eq!(runner.mon().get::<f32>("echo.input")?.as_slice(), Some(&[-1.0, -2.0, -3.0][..]));
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn history(mut self, name: &str, value: impl Into<Value>) -> Self {
        Arc::make_mut(&mut self.0).histories.push((name.into(), value.into()));
        self
    }

    /// Sets the integration method; see [`Component::method`] for the default.
    pub fn method(self, method: Method) -> Self {
        self.with(|c| c.method(method))
    }

    /// Makes the synaptic currents part of the derivative (the liquid-time-constant form, the original's `LTC` models): they
    /// follow the group's state within a step, through the stages of a Runge-Kutta method, and add to the Jacobian of
    /// [`Method::EXP_EULER`]. Without it a current is evaluated once a step, at the state of its start, and held.
    ///
    /// In this form the input variables hold what inputs give, without the synaptic currents: so monitors see them, and so do
    /// the model's functions other than `derivative`.
    ///
    /// ```
    /// use dsrunner::neurons;
    ///
    /// let group = neurons::lif_ref(100).param("tau_ref", 5.0).ltc();
    /// ```
    pub fn ltc(mut self) -> Self {
        Arc::make_mut(&mut self.0).ltc = true;
        self
    }

    /// Marks a variable or a parameter as trainable (a `TrainVar`): [`DSRunner::train_vars`](crate::DSRunner::train_vars)
    /// lists it, for those who train it. That there is one of this name is checked when a runner is built.
    pub fn train_var(mut self, name: &str) -> Self {
        Arc::make_mut(&mut self.0).trainable.push(name.into());
        self
    }

    /// Gives the group a name of its own instead of the model's name with a number.
    ///
    /// # Errors
    /// [`Error::Name`](crate::Error::Name) where it is not an identifier or belongs to another node.
    pub fn named(mut self, name: &str) -> Result<Self> {
        Arc::make_mut(&mut self.0).name = NodeName::given(name)?;
        Ok(self)
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        elements(&self.0.shape)
    }

    /// Whether it has no element; such a group cannot be run.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A handle of one of its variables or parameters, to be used wherever a path may be.
    pub fn variable(&self, name: &str) -> Variable {
        Variable::of(&self.0.name, name)
    }

    /// Some of its elements along the first axis, to be used as the target of inputs and monitors.
    ///
    /// ```
    /// use dsrunner::{DSRunner, neurons};
    ///
    /// let group = neurons::lif(1000);
    /// let (driven, rest) = (group.slice(..100), group.slice(100..));
    /// let mut runner = DSRunner::builder(group)
    ///     .input((driven.variable("input"), 30.0))
    ///     .monitor(&rest.variable("spike"))
    ///     .progress_bar(false)
    ///     .build()?;
    /// runner.run(10.0)?;
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn slice(&self, index: impl Into<Index>) -> GroupSlice {
        GroupSlice { node: self.0.name.clone(), index: index.into() }
    }

    pub(crate) fn inner(&self) -> &GroupInner {
        &self.0
    }

    /// Whether two handles are of the same group with the same settings.
    pub(crate) fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Some elements of a [`Group`]; made by [`Group::slice`].
#[derive(Debug, Clone)]
pub struct GroupSlice {
    node: NodeName,
    index: Index,
}

impl GroupSlice {
    /// A handle of these elements of one of the group's variables.
    pub fn variable(&self, name: &str) -> Variable {
        Variable::of(&self.node, name).slice(&self.index)
    }
}
