//! Models.

use std::fmt;
use std::sync::Arc;

use super::contract;
use super::inner::Inner;
use super::parse::{parse, unmarked};
use crate::error::Result;
use crate::limits;
use crate::terms::check_identifier;

/// A dynamical system as one plain WGSL text: structures for parameters and state, and pure functions.
///
/// | structure | what it holds |
/// |---|---|
/// | `Params` | parameters: f32, i32 or u32, one value or one per element |
/// | `State` | variables that last from step to step: f32, i32 or u32 |
/// | `Input` | f32 accumulators that inputs and projections add to; cleared after each step |
/// | `Derivative` | the time derivatives, f32, named like the state's members |
/// | `Derived` | what `derive` computes from the parameters |
/// | `Rules` | what `rules` tells of the parameters: bool |
///
/// | function | what it is for |
/// |---|---|
/// | `defaults() -> Params` | default values; without it every parameter must be given |
/// | `initial(Params, ..) -> State` | initial values; without it they are zero |
/// | `derive(Params, Shared) -> Derived` | what follows from parameters and dt, computed once on the host |
/// | `rules(Params, Shared) -> Rules` | whether the parameters are what makes sense, a member for each rule |
/// | `derivative(State, ..) -> Derivative` | right-hand side of the differential equations |
/// | `jacobian(State, ..) -> Derivative` | derivative of each right-hand side with respect to its own variable, for [`Method::EXP_EULER`](crate::Method::EXP_EULER) where it cannot be found automatically |
/// | `exact(State, ..) -> State` | their solution over one step with inputs held, where it has a closed form |
/// | `update(State, ..) -> State` | what else a step does, after the integration; alone, it is a map |
/// | `threshold(State, ..) -> bool` | whether the element spikes |
/// | `reset(State, ..) -> State` | the state after a spike |
/// | `current(..) -> f32` | of output models: the current from a synapse's state and the target's, by name |
///
/// There may be further functions, which these call.
///
/// A function takes what it names, in any order, told apart by type: `State`, `Params`, `Derived`, `Input`,
/// `Shared` (`t`, `dt`, step `i`, the pair `t_hi`, `t_lo`, and `stage`) and `Random` (see [below](Model#random-numbers)). With two
/// `State` arguments the first is the state at the start of the step, the second the new one; one alone is the
/// new one.
///
/// `current` takes `Params`, `Derived`, and variables by their names: `g: f32` is the variable `g` of the synapse or of the
/// target, whichever has it, `g_syn` that of the synapse and `g_post` that of the target where both have one.
///
/// `t` is the time in f32, with 24 bits: after 10^6 ms it is right to 0.06 ms, and after 10^9 ms to 64, so `sin(omega * t)` and
/// `t < t_end` go wrong late in a run. Write `sin(time_angle(shared, omega))` for the first; count steps, in a variable or by `i`, for
/// the second. `t_hi + t_lo` is the time with 48 bits. Within a Runge-Kutta step `t` and the pair are those of the stage, which
/// begins at the part `stage` of the step; `i` is the step's.
///
/// The library after the text has `exprel(x)`, which is `(e^x - 1) / x` and 1 at 0, `steps(duration, dt)`, `phase(shared, f)`,
/// which is `f dt i` modulo 1 however large the step `i` is, `time_angle(shared, omega)`, which is `omega t` modulo `2 pi` (from -pi
/// to pi) however large `t` is, `is_nan`, `is_inf`, `is_finite`, and random numbers.
///
/// A text has at most 2^20 bytes, 4096 functions, structures and constants, and 8192 statements in a function; blocks are nested 120
/// deep at most, each `else if` in those before it, and an expression has 1000 operators at most each of which waits for the one
/// before. With calls written out, a program has at most 2^20 operations. Loops end after
/// [`loop_limit`](crate::RunnerBuilder::loop_limit) iterations.
///
/// ```
/// use dsrunner::{DSRunner, Group, Model};
///
/// // x' = -x / tau
/// let decay = Model::from_wgsl("Decay", "
///     struct Params { tau: f32 }
///     struct State { x: f32 }
///     struct Derivative { x: f32 }
///     fn derivative(s: State, p: Params) -> Derivative { return Derivative(-s.x / p.tau); }
/// ")?;
/// let group = Group::new(&decay, 3).param("tau", 10.0).init("x", 1.0);
/// let mut runner = DSRunner::builder(group).dt(0.1).progress_bar(false).build()?;
/// runner.run(10.0)?;
/// let x = runner.get::<f32>("x")?;
/// assert!((x[[0]] - (-1.0f32).exp()).abs() < 1e-4);
/// # Ok::<(), dsrunner::Error>(())
/// ```
///
/// # Parameters and their rules
///
/// A parameter is never NaN. What else it must be is told by `rules`: each member of what it returns is true where the
/// parameters keep the rule that it is named for. Rules may depend on `dt`, not on the time. They are checked on the host, once
/// for parameters that are the same for all elements and else for each element, wherever parameters get their values: when a
/// runner is built, by [`DSRunner::set`](crate::DSRunner::set), when a state is loaded, and for
/// [shared arguments](crate::Predict::shared_arg). Nothing else changes a parameter: inputs and kernels cannot. The error,
/// [`Error::Parameter`](crate::Error::Parameter), quotes the rule as the text has it, and nothing has changed then. (WGSL takes `a < b, c > d` among
/// arguments for a template; write `(a < b), c > d`.)
///
/// ```
/// use dsrunner::{DSRunner, Error, Group, Model};
///
/// // logistic growth with a harvest
/// let growth = Model::from_wgsl("Growth", "
///     struct Params { rate: f32, capacity: f32, harvest: f32 }
///     struct State { x: f32 }
///     struct Derivative { x: f32 }
///     struct Rules { capacity: bool, sustainable: bool }
///     fn rules(p: Params) -> Rules {
///         return Rules(p.capacity > 0.0, p.harvest <= 0.25 * p.rate * p.capacity);
///     }
///     fn initial(p: Params) -> State { return State(p.capacity); }
///     fn derivative(s: State, p: Params) -> Derivative {
///         return Derivative(p.rate * s.x * (1.0 - s.x / p.capacity) - p.harvest);
///     }
/// ")?;
/// let fish = Group::new(&growth, 2).param("rate", 1.0).param("capacity", [40.0, 80.0]).param("harvest", 5.0);
/// let mut runner = DSRunner::builder(fish).progress_bar(false).build()?;
/// let error = runner.set("harvest", 15.0).unwrap_err();
/// assert!(matches!(error, Error::Parameter { .. }));
/// assert!(error.to_string().starts_with(
///     "`rate` is 1.0, `capacity` is 40.0 and `harvest` is 15.0 (element 0), \
///      but model `Growth` wants `p.harvest <= 0.25 * p.rate * p.capacity`, the rule `sustainable`"
/// ));
/// assert_eq!(runner.get::<f32>("harvest")?[[]], 5.0);
/// # Ok::<(), dsrunner::Error>(())
/// ```
///
/// # What becomes of it
///
/// [`DSRunner::explain`](crate::DSRunner::explain) tells the stages between a text and what a device executes: the texts as they were
/// given, the text that is composed of a model and of what acts on it, its operations on scalars, the kernels that a GPU gets, and the
/// dispatches of a step.
///
/// ```
/// use dsrunner::{DSRunner, Group, Method, Model};
///
/// let decay = Model::from_wgsl("Decay", "
///     struct Params { tau: f32 }
///     struct State { x: f32 }
///     struct Derivative { x: f32 }
///     fn derivative(s: State, p: Params) -> Derivative { return Derivative(-s.x / p.tau); }
/// ")?;
/// let group = Group::new(&decay, 3).param("tau", 10.0).method(Method::EULER);
/// let explanation = DSRunner::builder(group).device("cpu").progress_bar(false).build()?.explain()?;
/// let program = &explanation.programs[0];
/// assert_eq!(program.texts[0].text, decay.source());
/// // a call of the model's function stands in the composed text, with a prefix before its name
/// assert!(program.composed.as_ref().is_some_and(|text| text.contains("m0_decay_derivative(")));
/// // and is taken apart in its operations
/// assert!(program.code.body[0].ends_with("NegF in.e_state_x"));
/// // all stages in print
/// println!("{explanation}");
/// # Ok::<(), dsrunner::Error>(())
/// ```
///
/// # Random numbers
///
/// A function that takes a `Random`, say `r`, draws with
///
/// | function | what it gives |
/// |---|---|
/// | `random_uniform(r, draw) -> f32` | uniform in [0, 1): a multiple of 2^-24, and of 2^-32 below 2^-8 |
/// | `random_normal(r, draw) -> f32` | normal with mean 0 and standard deviation 1, up to 6.7 of them |
/// | `random_bernoulli(r, draw, p) -> bool` | true with probability `p`, to within 2^-64, which is exactly from 2^-40 on; always from 1 on, never where `p` is negative or NaN |
/// | `random_words(r, draw) -> vec4<u32>` | 128 random bits |
///
/// `draw` is the number of the draw, any u32. The same number in the same step and element gives the same value, in whatever
/// function of the model: nothing is used up. For values that are independent of each other give different numbers, such as
/// `0u`, `1u`, .... Functions of the library are independent of each other under one number too, and so are elements, steps,
/// nodes and replicas of a batch. For events use `random_bernoulli`, since `random_uniform(r, 0u) < p` is coarse where `p` is small.
///
/// ```
/// use dsrunner::{DSRunner, Group, Model};
///
/// // an Ornstein-Uhlenbeck process by Euler and Maruyama, dx = -x dt / tau + sigma dW, that starts again now and then
/// let model = Model::from_wgsl("Wandering", "
///     struct Params { tau: f32, sigma: f32, rate: f32 }
///     struct State { x: f32 }
///     fn update(s: State, p: Params, sh: Shared, r: Random) -> State {
///         let x = s.x - s.x * sh.dt / p.tau + p.sigma * sqrt(sh.dt) * random_normal(r, 0u);
///         return State(select(x, 0.0, random_bernoulli(r, 1u, p.rate * sh.dt)));
///     }
/// ")?;
/// let group = Group::new(&model, 10_000).param("tau", 5.0).param("sigma", 1.0).param("rate", 1e-5);
/// let mut runner = DSRunner::builder(group).seed(1).progress_bar(false).build()?;
/// runner.run(50.0)?;
/// let x = runner.get::<f32>("x")?;
/// // the variance is sigma^2 tau / (2 - dt / tau), to within five standard errors of n^-1/2 2^1/2
/// let variance = x.iter().map(|x| x * x).sum::<f32>() / 10_000.0;
/// assert!((variance / (5.0 / 1.98) - 1.0).abs() < 5.0 * 0.0142, "{variance}");
/// # Ok::<(), dsrunner::Error>(())
/// ```
///
/// What changes random numbers and what does not is told [by the crate](crate#random-numbers).
#[derive(Clone)]
pub struct Model(Arc<Inner>);

impl Model {
    /// Parses a text and checks it against the contract. `name` names the model and starts the names of its nodes
    /// (`Decay0`, `Decay1`, ...); it must be an identifier.
    ///
    /// # Errors
    /// [`Error::ModelSyntax`](crate::Error::ModelSyntax) where the text is not valid WGSL, [`Error::ModelContract`](crate::Error::ModelContract) where it does not keep the
    /// contract, [`Error::Unsupported`](crate::Error::Unsupported) where the engines cannot run it; all with line, column and caret.
    pub fn from_wgsl(name: &str, source: &str) -> Result<Self> {
        Self::from_file(name, name, source)
    }

    /// The same for a text that came from a file, whose name the messages show.
    ///
    /// # Errors
    /// As [`Model::from_wgsl`].
    pub fn from_file(name: &str, file: &str, source: &str) -> Result<Self> {
        check_identifier(name)?;
        let source = unmarked(source);
        limits::deep(|| {
            let (module, info) = parse(name, file, source)?;
            contract::check(name, file, source, module, info).map(|inner| Self(Arc::new(inner)))
        })
    }

    /// A model that is shipped with the crate. Its text is tested to parse, so a failure is a defect of the crate and
    /// shows in the first use of the model as an error.
    pub(crate) fn shipped(name: &str, file: &str, source: &str) -> Shipped {
        Self::from_file(name, file, source).map_err(|error| error.to_string())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its text.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The file that the text came from; its name where it came from none.
    pub fn file(&self) -> &str {
        &self.0.file
    }

    /// Names of its parameters, in the order of the text.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.0.params.iter().map(|m| m.name.as_str())
    }

    /// Names of its state variables, in the order of the text.
    pub fn state(&self) -> impl Iterator<Item = &str> {
        self.0.state.iter().map(|m| m.name.as_str())
    }

    /// Whether it spikes.
    pub fn spikes(&self) -> bool {
        self.0.functions.threshold.is_some()
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    /// Whether two handles are the same model, or have the same text.
    pub(crate) fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.name == other.0.name && self.0.source == other.0.source)
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("name", &self.0.name)
            .field("params", &self.params().collect::<Vec<_>>())
            .field("state", &self.state().collect::<Vec<_>>())
            .finish()
    }
}

/// A shipped model, or why it does not parse.
pub(crate) type Shipped = std::result::Result<Model, String>;
