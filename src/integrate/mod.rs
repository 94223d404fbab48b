//! Integrators as data: a method is a Butcher tableau, and one generator writes the step of any of them.

use std::fmt::{self, Write as _};

/// How a model's `derivative` becomes a step.
///
/// An explicit Runge-Kutta method computes `k_i = f(t + c_i dt, x + dt sum_j a_ij k_j)` and
/// `x(t + dt) = x + dt sum_i b_i k_i`, with inputs held during the step.
///
/// ```
/// use dsrunner::{Method, odes};
///
/// let group = odes::lorenz(10).method(Method::HEUN2);
/// assert_eq!(Method::HEUN2.order(), Some(2));
/// assert_eq!(Method::by_name("rk4"), Some(Method::RK4));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Method {
    name: &'static str,
    scheme: Scheme,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Scheme {
    /// The model's own function `exact`.
    Exact,
    /// Exponential Euler.
    ExpEuler,
    /// Explicit Runge-Kutta: rows of `a` below the first, which is empty, and `b`.
    Explicit { order: u32, a: &'static [&'static [f64]], b: &'static [f64] },
}

const fn explicit(
    name: &'static str,
    order: u32,
    a: &'static [&'static [f64]],
    b: &'static [f64],
) -> Method {
    Method { name, scheme: Scheme::Explicit { order, a, b } }
}

impl Method {
    /// Exponential Euler, order 1: `x(t + dt) = x + dt phi(dt J) f(x)` with `phi(z) = (e^z - 1) / z` for each equation
    /// `x' = f(x, ..)` on its own, where `J` is the derivative of `f` with respect to `x`, and all variables are those of
    /// the start of the step (Hochbruck and Ostermann 2010, "Exponential integrators"). Exact where `f` is linear in `x` and
    /// the rest is held. The default of models that have a `derivative` and no `exact`.
    ///
    /// `J` is found by differentiating the model's `derivative`, unless the model has a function `jacobian`. A part of it that is
    /// infinite or NaN where `f` is finite, such as the slope of a square root at 0 or of `1 / (1 + exp(x))` where the exponential
    /// overflows, counts as 0.
    ///
    /// Where `dt J` or `phi(dt J)` is infinite or NaN all the same, that variable takes the step of Euler's method,
    /// `x(t + dt) = x + dt f(x)`, and the others their own; so it does where `dt phi(dt J) f` is, unless `J` depends on parameters
    /// and time alone: there it is the solution itself that leaves the range of f32.
    pub const EXP_EULER: Self = Self { name: "exp_euler", scheme: Scheme::ExpEuler };
    /// The model's function `exact`: the closed form of one step with inputs held. The default where there is one.
    pub const EXACT: Self = Self { name: "exact", scheme: Scheme::Exact };
    /// Euler's method, order 1.
    pub const EULER: Self = explicit("euler", 1, &[], &[1.0]);
    /// The explicit midpoint method (Runge 1895), order 2.
    pub const MIDPOINT: Self = explicit("midpoint", 2, &[&[0.5]], &[0.0, 1.0]);
    /// Heun's method (Heun 1900), order 2.
    pub const HEUN2: Self = explicit("heun2", 2, &[&[1.0]], &[0.5, 0.5]);
    /// The classical method (Kutta 1901), order 4.
    pub const RK4: Self = explicit(
        "rk4",
        4,
        &[&[0.5], &[0.0, 0.5], &[0.0, 0.0, 1.0]],
        &[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0],
    );

    /// All methods.
    pub const ALL: [Self; 6] =
        [Self::EXACT, Self::EXP_EULER, Self::EULER, Self::MIDPOINT, Self::HEUN2, Self::RK4];

    /// The method of that name. The original's other names of `exp_euler` are known: `exponential_euler`, `exp_auto`,
    /// `exp_euler_auto`.
    pub fn by_name(name: &str) -> Option<Self> {
        let name = match name {
            "exponential_euler" | "exp_auto" | "exp_euler_auto" => Self::EXP_EULER.name,
            name => name,
        };
        Self::ALL.into_iter().find(|method| method.name == name)
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its order of convergence; none for [`Method::EXACT`], which has no error of that kind.
    pub fn order(&self) -> Option<u32> {
        match self.scheme {
            Scheme::Exact => None,
            Scheme::ExpEuler => Some(1),
            Scheme::Explicit { order, .. } => Some(order),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The functions that steps of exponential Euler call.
pub(crate) const EXPONENTIAL: &str = include_str!("../../shaders/kernels/exponential.wgsl");

/// What the generator needs to know of the model, as text.
pub(crate) struct Equations<'a> {
    /// Prefix of all names of this system in the text.
    pub system: &'a str,
    /// Name of the structure of the state.
    pub state_type: &'a str,
    /// Names of the state's members.
    pub state: &'a [String],
    /// For each member of the derivative: its name, and the state member it belongs to.
    pub derivative: &'a [(String, usize)],
    /// Calls `derivative`: state and shared to expression.
    pub call: &'a dyn Fn(&str, &str) -> String,
    /// Calls `exact`, if there is one.
    pub exact: Option<String>,
    /// Calls what gives the derivative of each equation with respect to its own variable, where the method needs it.
    pub jacobian: String,
    /// For each member of the derivative: whether that depends on more than parameters and the clock.
    pub moving: &'a [bool],
    /// Whether a function of the model's own gives it.
    pub own: bool,
    /// Name of the function `exprel`.
    pub exprel: &'a str,
    /// Makes the shared structure for a stage at `t + c dt`: `c` to expression.
    pub shared_at: &'a dyn Fn(f64) -> String,
}

impl Method {
    /// WGSL statements that define `{system}_new`, the state after the integration, from `{system}_old`.
    pub(crate) fn generate(&self, equations: &Equations<'_>) -> String {
        let Equations { system, .. } = equations;
        let mut text = String::new();
        match self.scheme {
            Scheme::Exact => {
                let exact = equations.exact.clone().unwrap_or_else(|| format!("{system}_old"));
                let _ = writeln!(text, "    let {system}_new = {exact};");
            }
            Scheme::ExpEuler => {
                let shared = (equations.shared_at)(0.0);
                let call = (equations.call)(&format!("{system}_old"), &shared);
                let _ = writeln!(text, "    let {system}_f = {call};");
                let _ = writeln!(text, "    let {system}_j = {};", equations.jacobian);
                let members = equations.state.iter().enumerate().map(|(k, member)| {
                    let old = format!("{system}_old.{member}");
                    let Some(d) = equations.derivative.iter().position(|(_, at)| *at == k) else {
                        return old;
                    };
                    let name = &equations.derivative[d].0;
                    let (f, j) = (format!("{system}_f.{name}"), format!("{system}_j.{name}"));
                    let mut factor = format!("in.dt * {}(in.dt * {j})", equations.exprel);
                    // a derivative that was found is finite, and one that depends on more may grow with `f`
                    if equations.own || !equations.moving[d] {
                        factor = format!("exponential_factor(in.dt, {factor})");
                    }
                    if equations.moving[d] {
                        format!("{old} + exponential_change(in.dt, {factor}, {f})")
                    } else {
                        format!("{old} + ({factor}) * {f}")
                    }
                });
                let members = members.collect::<Vec<_>>().join(", ");
                let _ =
                    writeln!(text, "    let {system}_new = {}({members});", equations.state_type);
            }
            Scheme::Explicit { a, b, .. } => {
                for stage in 0..b.len() {
                    let row = stage.checked_sub(1).map_or(&[][..], |k| a[k]);
                    let c: f64 = row.iter().sum();
                    let state = format!("{system}_stage{stage}");
                    let _ = writeln!(text, "    let {state} = {};", equations.combined(row));
                    let shared = format!("{system}_shared{stage}");
                    let _ = writeln!(text, "    let {shared} = {};", (equations.shared_at)(c));
                    let call = (equations.call)(&state, &shared);
                    let _ = writeln!(text, "    let {system}_k{stage} = {call};");
                }
                let _ = writeln!(text, "    let {system}_new = {};", equations.combined(b));
            }
        }
        text
    }
}

impl Equations<'_> {
    /// The state `old + dt sum_j weights_j k_j`.
    fn combined(&self, weights: &[f64]) -> String {
        let Self { system, state_type, state, derivative, .. } = self;
        let members = state.iter().enumerate().map(|(k, member)| {
            let old = format!("{system}_old.{member}");
            let own = derivative.iter().find(|(_, at)| *at == k);
            let terms: Vec<String> = match own {
                None => Vec::new(),
                Some((name, _)) => weights
                    .iter()
                    .enumerate()
                    .filter(|(_, w)| **w != 0.0)
                    .map(|(j, &w)| match w {
                        1.0 => format!("{system}_k{j}.{name}"),
                        w => format!("{:?} * {system}_k{j}.{name}", w as f32),
                    })
                    .collect(),
            };
            match terms.as_slice() {
                [] => old,
                terms => format!("{old} + in.dt * ({})", terms.join(" + ")),
            }
        });
        format!("{state_type}({})", members.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tableaus_are_consistent() {
        for method in Method::ALL {
            let Scheme::Explicit { a, b, .. } = method.scheme else { continue };
            assert!((b.iter().sum::<f64>() - 1.0).abs() < 1e-15, "{method}");
            assert_eq!(a.len() + 1, b.len(), "{method}");
            for (k, row) in a.iter().enumerate() {
                assert_eq!(row.len(), k + 1, "{method}");
            }
            assert_eq!(Method::by_name(method.name()), Some(method));
        }
    }
}
