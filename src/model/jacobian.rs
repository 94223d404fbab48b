//! Derivatives of a model's functions with respect to the variables that they belong to.

use naga::Module;

use super::definition::Model;
use super::inner::{Argument, Inner};
use super::leaves::leaves;
use super::primitives::primitive;
use super::resolve::{Owner, owner};
use crate::error::{Error, Location, Result};
use crate::scalar::{Access, Code, Lowered, LoweringError, Options, differentiate, lower};

/// What to do where a derivative cannot be found.
pub(crate) const GIVE_IT: &str = "give `fn jacobian(..) -> Derivative`, the derivative of each member of `Derivative` with \
                                  respect to its own variable, or use another method, such as `Method::RK4`";
/// The same where the derivative contains synaptic currents.
pub(crate) const NOT_LTC: &str =
    "use another method, such as `Method::RK4`, or the plain form instead of `ltc`";

/// A function whose result is differentiated.
pub(super) struct Field<'a> {
    pub module: &'a Module,
    pub function: &'a str,
    pub primitive: &'a dyn Fn(&str) -> Option<Code>,
    /// For each scalar of the result the variable: argument, and member of it.
    pub variables: &'a [(usize, usize)],
}

impl Field<'_> {
    /// The derivative of each scalar of the result, as a function of the same arguments, and how each scalar of these is
    /// written.
    pub(super) fn differentiated(
        &self,
    ) -> std::result::Result<(Lowered, Vec<String>), LoweringError> {
        let leaves = self.leaves();
        let inputs: Vec<Access> = (0..leaves.len()).map(Access::Column).collect();
        let options = Options { primitive: self.primitive, loops: false, ..Options::default() };
        let lowered = lower(self.module, self.function, &inputs, &options)?;
        Ok((self.derivative(&lowered)?, leaves.into_iter().map(|(_, text)| text).collect()))
    }

    /// The derivative where the function is lowered already, with each scalar of its arguments a column of its number.
    fn derivative(&self, lowered: &Lowered) -> std::result::Result<Lowered, LoweringError> {
        let leaves = self.leaves();
        let column = |&(argument, member): &(usize, usize)| {
            let first = leaves.iter().position(|(a, _)| *a == argument);
            first.map_or(usize::MAX, |first| first + member)
        };
        let columns: Vec<usize> = self.variables.iter().map(column).collect();
        differentiate(lowered, &columns)
    }

    /// The scalars of all arguments: number of the argument, and text.
    fn leaves(&self) -> Vec<(usize, String)> {
        leaves(self.module, self.function)
    }
}

impl Inner {
    /// The derivative of each member of what `derivative` returns with respect to its own variable, as a function of the same
    /// arguments, whose scalars are columns of their number.
    pub(super) fn slopes(&self) -> std::result::Result<&Lowered, &LoweringError> {
        let found = self.slopes.get_or_init(|| {
            let arguments = self.functions.derivative.as_deref().unwrap_or_default();
            let state = arguments.iter().position(|a| *a == Argument::State).unwrap_or(usize::MAX);
            let variables: Vec<(usize, usize)> =
                self.derivative.iter().map(|&member| (state, member)).collect();
            self.differentiated("derivative", &variables)
        });
        found.as_ref()
    }

    /// Whether `derivative` can be differentiated, and what is in the way.
    ///
    /// # Errors
    /// [`Error::NotDifferentiable`] with the place in the model's own text.
    pub(crate) fn check_derivative(&self, help: &'static str) -> Result<()> {
        self.slopes()
            .map(drop)
            .map_err(|lowering_error| self.refused("derivative", lowering_error, help))
    }

    /// The same for `current`, with respect to each variable of the target that it takes.
    ///
    /// # Errors
    /// As [`Inner::check_derivative`].
    pub(crate) fn check_current(&self, synapse: &Model, target: &Model) -> Result<()> {
        let arguments = self.functions.current.as_deref().unwrap_or_default();
        let of_target = |name: &str| {
            matches!(owner(name, synapse.inner(), target.inner()), Ok(Owner::Target(_)))
        };
        let named = arguments.iter().enumerate();
        let mut named =
            named.filter(|(_, a)| matches!(a, Argument::Named(name) if of_target(name)));
        named.try_for_each(|(k, _)| {
            let derivative = self.differentiated("current", &[(k, 0)]);
            derivative
                .map(drop)
                .map_err(|lowering_error| self.refused("current", &lowering_error, NOT_LTC))
        })
    }

    fn differentiated(
        &self,
        function: &'static str,
        variables: &[(usize, usize)],
    ) -> std::result::Result<Lowered, LoweringError> {
        let field = Field { module: &self.module, function, primitive: &primitive, variables };
        let loops = |lowered: &Lowered| lowered.body.iter().any(|op| op.code.is_control());
        let known = self.operations.iter().find(|(name, _)| *name == function);
        match known {
            Some((_, lowered)) if !loops(lowered) => field.derivative(lowered),
            // lowering it without loops tells where there is one
            _ => field.differentiated().map(|(derivative, _)| derivative),
        }
    }

    fn refused(&self, function: &str, lowering_error: &LoweringError, help: &'static str) -> Error {
        // the innermost place that is in the model's own text, not in the library behind it
        let spans = lowering_error.spans.iter();
        let mut starts = spans.filter_map(|span| span.to_range()).map(|range| range.start);
        let offset = starts.find(|&start| start < self.source.len()).unwrap_or(0);
        Error::NotDifferentiable {
            model: self.name.clone(),
            function: function.into(),
            construct: lowering_error.what.clone(),
            location: Box::new(Location::of(&self.file, &self.source, offset)),
            help,
        }
    }
}

#[cfg(test)]
mod tests;
