//! Values that are not finite.

use std::fmt;

use super::run::DSRunner;
use crate::error::Result;
use crate::plan::PlanVariable;
use crate::terms::Kind;

/// A value that is NaN or infinite.
#[derive(Debug, Clone, PartialEq)]
pub struct NonFinite {
    /// Path of the variable.
    pub path: String,
    /// Its element, in row-major order.
    pub element: usize,
    /// The value.
    pub value: f32,
}

impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of element {} of `{}`", self.value, self.element, self.path)
    }
}

impl DSRunner {
    /// All values of variables and parameters that are NaN or infinite, told by their exponent bits.
    ///
    /// ```
    /// use dsrunner::{DSRunner, neurons};
    ///
    /// let mut runner = DSRunner::builder(neurons::lif(3)).progress_bar(false).build()?;
    /// assert_eq!(runner.non_finite()?, []);
    /// runner.set("V", vec![0.0, f64::NAN, 0.0])?;
    /// runner.run(1.0)?;
    /// let found = runner.non_finite()?;
    /// assert_eq!((found[0].path.as_str(), found[0].element), ("V", 1));
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) where the device fails.
    pub fn non_finite(&mut self) -> Result<Vec<NonFinite>> {
        self.finalize()?;
        let plan = self.plan.clone();
        let mut found = Vec::new();
        for variable in plan.variables.iter().filter(|s| s.kind == Kind::F32) {
            found.extend(self.non_finite_in(variable)?);
        }
        Ok(found)
    }

    /// Those of one variable.
    pub(super) fn non_finite_in(&mut self, variable: &PlanVariable) -> Result<Vec<NonFinite>> {
        const EXPONENT: u32 = 0x7f80_0000;
        if variable.kind != Kind::F32 {
            return Ok(Vec::new());
        }
        let words = self.engine.read(variable.range())?;
        let bad = words.iter().enumerate().filter(|(_, w)| **w & EXPONENT == EXPONENT);
        let found = bad.map(|(element, &word)| NonFinite {
            path: variable.path().into(),
            element,
            value: f32::from_bits(word),
        });
        Ok(found.collect())
    }
}
