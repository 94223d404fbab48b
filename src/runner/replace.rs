//! Another input in the place of one.

use std::sync::Arc;

use super::run::DSRunner;
use crate::backend::engine;
use crate::error::{Error, Result};
use crate::inputs::Input;
use crate::limits::deep;

impl DSRunner {
    /// Puts another input in the place of the one that was [`named`](Input::named) so: of any type, with any target, value and
    /// operation. It has the key from here on. The next run goes on from where the last one ended: variables, spikes under
    /// way, random numbers and the clock stay as they are. Rows of an input of type `iter` count from step 0 as ever.
    ///
    /// Another value, array, stream or closure for the same elements compiles nothing, nor does another callable in the place
    /// of one. Whatever else changes makes the plan anew, and compiles it, which takes about as long as to build the runner,
    /// and for that time the memory of two. Where a value was one number and is to be one for each element, that is a
    /// change, too; the other way round is none.
    ///
    /// ```
    /// use dsrunner::{DSRunner, Input, neurons, wgsl};
    ///
    /// let mut runner = DSRunner::builder(neurons::lif(2))
    ///     .input(Input::fix("input", 15.0).named("drive"))
    ///     .progress_bar(false)
    ///     .build()?;
    /// runner.run(50.0)?;
    /// runner.set_input("drive", ("input", 10.0))?;
    /// runner.run(50.0)?;
    /// runner.set_input("drive", ("input", wgsl("10.0 + sin(0.1 * t)"), "func"))?;
    /// runner.run(50.0)?;
    /// assert_eq!(runner.i(), 1500);
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownPath`] where no input has that key, [`Error::Name`] where the new one has another, and what
    /// [`build`](crate::RunnerBuilder::build) says of inputs. Nothing has changed then.
    pub fn set_input(&mut self, key: &str, input: impl Into<Input>) -> Result<()> {
        self.finalize()?;
        let at = self.recipe.input(key)?;
        let input = input.into();
        if let Some(other) = input.key.as_ref().filter(|other| *other != key) {
            return Err(Error::Name {
                name: other.clone(),
                reason: format!("is not `{key}`, the key of the input in whose place it comes"),
            });
        }
        let input = input.named(key);
        let (inputs, plan) = (&mut self.host.inputs, self.plan.clone());
        let pair = [&self.recipe.inputs[at], &input];
        if inputs.exchange(&plan, at, pair, self.recipe.compat_input_order)? {
            self.engine.set_constants(&inputs.constants)?;
            self.recipe.inputs[at] = input;
            return Ok(());
        }
        let before = std::mem::replace(&mut self.recipe.inputs[at], input);
        let renewed = deep(|| self.renew(at));
        if renewed.is_err() {
            self.recipe.inputs[at] = before;
        }
        renewed
    }

    /// Makes the plan anew, after the input of number `at` changed, and goes on with it where the old one ended.
    fn renew(&mut self, at: usize) -> Result<()> {
        let (plan, mut host) = self.recipe.plan()?;
        let plan = Arc::new(plan);
        let (device, model) = (self.choice.device, &self.choice.model);
        let mut engine = engine(device, plan.clone(), self.threads, model)?;
        engine.set_state(&plan.adopted(self.engine.state()?))?;
        std::mem::swap(&mut self.host, &mut host);
        self.host.inputs.go_on(host.inputs, at);
        (self.plan, self.engine, self.checks) = (plan, engine, None);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Shared, inputs, neurons};

    #[test]
    fn values_leave_the_plan_as_it_is() {
        let mut runner = DSRunner::builder(neurons::lif(3))
            .inputs([
                Input::fix("input", [1.0, 2.0, 3.0]).named("fix"),
                Input::iter("input", [1.0; 9]).named("iter"),
                Input::func("input", |s: &Shared| s.t).named("func"),
                Input::call(|_, _| Ok(())).named("call"),
            ])
            .device("cpu")
            .build()
            .unwrap();
        let mut same = |key: &str, input: Input| {
            let before = runner.plan.clone();
            runner.set_input(key, input).unwrap();
            Arc::ptr_eq(&before, &runner.plan)
        };
        for input in inputs![("input", [3.0, 2.0, 1.0]), ("input", 5.0)] {
            assert!(same("fix", input));
        }
        assert!(same("iter", ("input", [5.0; 100], "iter").into()));
        assert!(same("func", ("input", |s: &Shared| [s.t; 3], "func").into()));
        assert!(same("call", Input::call(|_, _| Ok(()))));
        for input in inputs![("input", 5.0, "fix", "-"), ("V", 5.0), ("V", "input")] {
            assert!(!same("fix", input));
        }
    }
}
