//! Compute kernels of a user's own.

use std::sync::Arc;

use crate::error::Result;
use crate::limits;
use crate::model::{KernelText, unmarked};
use crate::terms::{NodeName, Target, check_identifier};

/// A compute kernel as raw WGSL, for what elements, projections and couplings do not cover: stencils on grids, sorting,
/// histograms, anything in which elements look at each other.
///
/// The text has one entry point, marked `@compute`, and declares its data as any compute shader does:
///
/// | declaration | what it is |
/// |---|---|
/// | `var<storage, read_write> x: array<f32>` | a variable that it changes; [`Kernel::bind`] says which |
/// | `var<storage, read> y: array<f32>` | a variable or parameter that it reads |
/// | `var<uniform> sh: Shared` | the clock: `t`, `dt`, `i`, ... |
/// | `var<uniform> random: Random` | random numbers: set `element` in a copy of it, then `random_uniform(copy, draw)` and [others](crate::Model#random-numbers) |
/// | `var<workgroup>`, `var<private>` | as ever |
///
/// Elements are f32, i32 or u32 (a bool is a u32, 0 or 1), or atomics of these integers; a variable of more than one axis has
/// its last axis first in memory. Numbers in `@group` and `@binding` may be any that differ. The library of
/// [`Model`](crate::Model) may be called.
///
/// In its stage of the step a kernel runs after the groups are updated, kernels in the order in which they are recorded;
/// [`StepBuilder::then`](crate::StepBuilder::then) puts them elsewhere. One that writes an input comes in an earlier stage than the group whose update
/// uses it; else it is an error, since inputs are cleared after each step. One that reads an input after that update finds all that the update
/// used, synaptic currents among it. It works on copies: an array that it declares `read` holds what the variable was
/// when the kernel began, also where the same variable is bound to another array that it writes. So a stencil reads one and
/// writes the other:
///
/// ```
/// use dsrunner::{DSRunner, Group, Kernel, Model, Network};
///
/// let model = Model::from_wgsl("Rod", "
///     struct State { heat: f32 }
///     fn update(s: State) -> State { return s; }
/// ")?;
/// let rod = Group::new(&model, 100).init("heat", (0..100).map(|k| f64::from(k / 50)).collect::<Vec<_>>());
/// let diffusion = Kernel::from_wgsl("Diffusion", "
///     @group(0) @binding(0) var<storage, read> old: array<f32>;
///     @group(0) @binding(1) var<storage, read_write> heat: array<f32>;
///     @group(0) @binding(2) var<uniform> sh: Shared;
///
///     @compute @workgroup_size(64)
///     fn diffuse(@builtin(global_invocation_id) id: vec3<u32>) {
///         let k = id.x;
///         if k == 0u || k + 1u >= arrayLength(&old) { return; }
///         heat[k] = old[k] + sh.dt * (old[k - 1u] - 2.0 * old[k] + old[k + 1u]);
///     }
/// ")?
/// .bind("old", rod.variable("heat"))
/// .bind("heat", rod.variable("heat"));
/// let mut runner = DSRunner::builder(Network::new().with("rod", rod).with("diffusion", diffusion))
///     .progress_bar(false)
///     .build()?;
/// runner.run(10_000.0)?;
/// // at rest: a straight line between the ends
/// let heat = runner.get::<f32>("rod.heat")?;
/// assert!((heat[[25]] - 25.0 / 99.0).abs() < 1e-3);
/// # Ok::<(), dsrunner::Error>(())
/// ```
///
/// A kernel runs on every engine. An index outside an array means its nearest element, and is an error where `jit` is off. Two
/// invocations that use one element without an atomic, where one of them writes, have no order; what they leave differs from
/// engine to engine, and may from run to run. In a batch each replica of the system has a run of its own.
#[derive(Debug, Clone)]
pub struct Kernel(Arc<KernelInner>);

#[derive(Debug, Clone)]
pub(crate) struct KernelInner {
    pub name: NodeName,
    pub text: Arc<KernelText>,
    /// Names of arrays, and variables.
    pub bound: Vec<(String, Target)>,
    pub invocations: Option<[u32; 3]>,
}

impl Kernel {
    /// Parses a text and checks it. `name` names the kernel in messages and starts the names of its nodes; it must be an
    /// identifier.
    ///
    /// # Errors
    /// [`Error::ModelSyntax`](crate::Error::ModelSyntax) where the text is not valid WGSL,
    /// [`Error::ModelContract`](crate::Error::ModelContract) where it is not a kernel as above,
    /// [`Error::Unsupported`](crate::Error::Unsupported) for what not every engine can run.
    pub fn from_wgsl(name: &str, source: &str) -> Result<Self> {
        Self::from_file(name, name, source)
    }

    /// The same for a text that came from a file, whose name the messages show.
    ///
    /// # Errors
    /// As [`Kernel::from_wgsl`].
    pub fn from_file(name: &str, file: &str, source: &str) -> Result<Self> {
        check_identifier(name)?;
        let source = unmarked(source);
        let text = Arc::new(limits::deep(|| KernelText::new(name, file, source))?);
        let name = NodeName::next(name);
        Ok(Self(Arc::new(KernelInner { name, text, bound: Vec::new(), invocations: None })))
    }

    fn with(mut self, change: impl FnOnce(&mut KernelInner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Says which variable an array of the text is, by path from the runner's target or by handle. Each array has to be one.
    pub fn bind(self, array: &str, variable: impl Into<Target>) -> Self {
        let variable = variable.into();
        self.with(|k| k.bound.push((array.into(), variable)))
    }

    /// Sets how many invocations there are at least along each axis; they are rounded up to whole workgroups. The default is one
    /// for each element of the first array that the kernel writes, along x.
    pub fn invocations(self, xyz: [u32; 3]) -> Self {
        self.with(|k| k.invocations = Some(xyz))
    }

    /// Gives the kernel a name of its own instead of the text's with a number.
    ///
    /// # Errors
    /// [`Error::Name`](crate::Error::Name) where it is not an identifier or belongs to another node.
    pub fn named(mut self, name: &str) -> Result<Self> {
        Arc::make_mut(&mut self.0).name = NodeName::given(name)?;
        Ok(self)
    }

    pub(crate) fn inner(&self) -> &KernelInner {
        &self.0
    }

    /// Whether two handles are of the same kernel with the same settings.
    pub(crate) fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
