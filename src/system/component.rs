//! A model with its parameters, initial values and method: what groups, synapses and outputs have in common.

use crate::integrate::Method;
use crate::model::{Model, Shipped};
use crate::terms::{Init, Value};

/// A model with parameters and initial values, such as the synapse or the output of a projection.
///
/// Names and shapes are checked when the runner is built.
///
/// ```
/// use dsrunner::synapses;
///
/// let synapse = synapses::expon().param("tau", 5.0);
/// ```
#[derive(Debug, Clone)]
pub struct Component {
    pub(crate) model: Shipped,
    pub(crate) method: Option<Method>,
    pub(crate) params: Vec<(String, Value)>,
    /// Parameters that are one value per element, whatever they are at the start.
    pub(crate) each: Vec<String>,
    pub(crate) inits: Vec<(String, Init)>,
}

impl Component {
    /// A component of that model with its default parameters.
    pub fn new(model: &Model) -> Self {
        Self::shipped(Ok(model.clone()))
    }

    pub(crate) fn shipped(model: Shipped) -> Self {
        Self { model, method: None, params: Vec::new(), each: Vec::new(), inits: Vec::new() }
    }

    /// Sets a parameter: one value, or one per element. It keeps the rules of the [`Model`], and is never NaN.
    pub fn param(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.params.push((name.into(), value.into()));
        self
    }

    /// Sets a parameter that is one value per element, even where it starts as one number for all; see
    /// [`Group::param_each`](crate::Group::param_each).
    pub fn param_each(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.each.push(name.into());
        self.param(name, value)
    }

    /// Sets the initial values of a state variable.
    pub fn init(mut self, name: &str, init: impl Into<Init>) -> Self {
        self.inits.push((name.into(), init.into()));
        self
    }

    /// Sets the integration method. The default is [`Method::EXACT`] where the model has a function `exact`, else
    /// [`Method::EXP_EULER`].
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }
}
