//! Expressions that devices evaluate.

/// A WGSL expression; see [`wgsl`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wgsl(pub(crate) String);

/// A WGSL expression that the device evaluates for each element in each step: of the variables and parameters of the
/// target's node, and `t`, `dt` (f32), `i` (the low 32 bits of the step), `element` (u32, in row-major order), `h`, the
/// `Shared` of models, as for `phase(h, f)` and `time_angle(h, omega)`, and `r`, for `random_normal(r, 0u)` and other
/// [random numbers](crate::Model#random-numbers); a variable of the node with one of these names hides it. The library of
/// [`Model`](crate::Model) may be called. `t` has 24 bits, which are too few late in a run: `sin(time_angle(h, omega))` is
/// `sin(omega t)` at any time.
/// Numbers without a point are whole: `1 / 2` would be 0, and is an error, as is `V // 2`, whose end WGSL takes for a comment.
///
/// ```
/// use dsrunner::{DSRunner, neurons, wgsl};
///
/// let mut runner = DSRunner::builder(neurons::lif(10))
///     .input(("input", wgsl("20.0 + f32(element) * sin(time_angle(h, 0.1)) - 0.1 * V"), "func"))
///     .progress_bar(false)
///     .build()?;
/// runner.run(10.0)?;
/// # Ok::<(), dsrunner::Error>(())
/// ```
pub fn wgsl(expression: impl Into<String>) -> Wgsl {
    Wgsl(expression.into())
}
