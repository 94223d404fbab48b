//! How a system says what a step of it is: its `update` records operations, once.

use std::collections::BTreeSet;

use super::coupling::Coupling;
use super::group::Group;
use super::kernel::Kernel;
use super::projection::Projection;
use super::replicas::Replicas;
use crate::error::{Error, Result};
use crate::limits;

/// Anything that can be run: a group, a projection, a network, or a type of your own.
///
/// `update` is called once, when a runner is built, and records what a step consists of. A type of your own hands its
/// parts to [`StepBuilder::child`] under the names that make their paths:
///
/// ```
/// use dsrunner::{DSRunner, DynamicalSystem, Group, Result, StepBuilder, neurons};
///
/// struct Pair { fast: Group, slow: Group }
///
/// impl DynamicalSystem for Pair {
///     fn name(&self) -> &str { "pair" }
///     fn update(&self, step: &mut StepBuilder) -> Result<()> {
///         step.child("fast", &self.fast)?;
///         step.child("slow", &self.slow)
///     }
/// }
///
/// let pair = Pair { fast: neurons::lif(2), slow: neurons::lif(3).param("tau", 50.0) };
/// let mut runner = DSRunner::builder(pair)
///     .monitors(["fast.V", "slow.V"])
///     .progress_bar(false)
///     .build()?;
/// runner.run(1.0)?;
/// # Ok::<(), dsrunner::Error>(())
/// ```
pub trait DynamicalSystem: Send + Sync {
    /// The unique name of the node.
    fn name(&self) -> &str;

    /// Records a step.
    ///
    /// # Errors
    /// Whatever the recording of its parts gives.
    fn update(&self, step: &mut StepBuilder) -> Result<()>;
}

/// What stands for the runner's clock among the nodes of a state.
pub(crate) const CLOCK: &str = "dsrunner";

/// What a recorded node is.
#[derive(Debug, Clone)]
pub(crate) enum NodeKind {
    Container,
    Group(Group),
    Projection(Projection),
    Coupling(Coupling),
    Kernel(Kernel),
}

/// A recorded node.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub name: String,
    /// Path from the target; empty for the target itself. The first one where there are several.
    pub path: String,
    /// Further paths to the same node.
    pub aliases: Vec<String>,
    pub kind: NodeKind,
    /// When in the step it comes.
    pub stage: usize,
}

/// Records the operations of a step while the systems' `update` functions run.
#[derive(Debug, Default)]
pub struct StepBuilder {
    path: Vec<String>,
    stage: usize,
    pub(crate) nodes: Vec<Node>,
    pub(crate) replicas: Option<Replicas>,
    /// Keys and paths.
    pub(crate) outputs: Vec<(String, String)>,
    /// Why what was recorded is too much, where it is.
    lowering_error: Option<String>,
}

impl StepBuilder {
    /// Records a child under a name; its variables get paths that start with it. The order of children means nothing but to
    /// lists, unless [`StepBuilder::then`] is between them.
    ///
    /// # Errors
    /// [`Error::Name`] where another child of the same system has the name, or the name contains a dot or is empty.
    pub fn child(&mut self, key: &str, child: &dyn DynamicalSystem) -> Result<()> {
        if key.is_empty() || key.contains('.') {
            return Err(Error::Name {
                name: key.into(),
                reason: "cannot be a child's name: it must not be empty or contain a dot".into(),
            });
        }
        if self.path.is_empty() && key == CLOCK {
            return Err(Error::Name {
                name: key.into(),
                reason: "is reserved for the clock in states; give the child another one".into(),
            });
        }
        if self.path.len() >= limits::NESTED_SYSTEMS {
            self.lowering_error.get_or_insert_with(|| {
                format!(
                    "it stands at `{}.{key}`, but at most {} systems may be within each other; is it a child of its own?",
                    self.path.join("."),
                    limits::NESTED_SYSTEMS
                )
            });
        }
        self.heed(child)?;
        self.path.push(key.into());
        let path = self.path.join(".");
        if self.nodes.iter().any(|n| n.path == path || n.aliases.contains(&path)) {
            return Err(Error::Name {
                name: path,
                reason: "is the path of two children; give one of them another name".into(),
            });
        }
        let result = self.enter(child);
        self.path.pop();
        result
    }

    /// Records a node at the present path: itself by its `update`, or a container around what that records.
    pub(crate) fn enter(&mut self, system: &dyn DynamicalSystem) -> Result<()> {
        let (path, before) = (self.path.join("."), self.nodes.len());
        if before >= limits::NODES {
            self.lowering_error.get_or_insert_with(|| {
                format!(
                    "it is one more than the {} nodes that a system may have; make groups of more elements instead of more groups",
                    limits::NODES
                )
            });
        }
        self.heed(system)?;
        system.update(self)?;
        self.heed(system)?;
        let recorded_itself =
            self.nodes.iter().any(|n| n.path == path || n.aliases.contains(&path));
        if !recorded_itself {
            self.check_twin(system.name(), &path)?;
            let node = Node {
                name: system.name().into(),
                path,
                aliases: Vec::new(),
                kind: NodeKind::Container,
                stage: self.stage,
            };
            self.nodes.insert(before, node);
        }
        Ok(())
    }

    /// Fails once something was too much: an `update` that does not heed the error is not followed any further.
    fn heed(&self, system: &dyn DynamicalSystem) -> Result<()> {
        match &self.lowering_error {
            None => Ok(()),
            Some(reason) => Err(Error::Node { node: system.name().into(), reason: reason.clone() }),
        }
    }

    /// What is recorded from here on comes after what was recorded before, within the step.
    ///
    /// Without it a step delivers all spikes of the steps before, and then updates all groups. With it a step has stages: each
    /// delivers over its projections, and then updates its groups. A projection in a later stage than its source delivers the
    /// spikes of this very step where its delay is 0; other delays count as ever. What is delivered to a group that was updated
    /// in an earlier stage waits for its next update. A [coupling](crate::Coupling) in a later stage than a group reads its
    /// variables, where the delay is 0, as this step's update left them, and what it adds to an input waits likewise.
    /// [Kernels](crate::Kernel) run at the end of their stage. A node has one stage.
    ///
    /// ```
    /// use dsrunner::{DSRunner, DynamicalSystem, Group, Projection, Result, StepBuilder, neurons};
    ///
    /// /// Both layers within one step: what the first fires, the second feels at once.
    /// struct FeedForward { first: Group, arrow: Projection, second: Group }
    ///
    /// impl DynamicalSystem for FeedForward {
    ///     fn name(&self) -> &str { "feed_forward" }
    ///     fn update(&self, step: &mut StepBuilder) -> Result<()> {
    ///         step.child("first", &self.first)?;
    ///         step.then();
    ///         step.child("arrow", &self.arrow)?;
    ///         step.child("second", &self.second)
    ///     }
    /// }
    ///
    /// let (first, second) = (neurons::lif(1), neurons::lif(1));
    /// let arrow = Projection::new(&first, &second).weight(1e4);
    /// let mut runner = DSRunner::builder(FeedForward { first, arrow, second })
    ///     .input(("first.input", 30.0))
    ///     .monitors(["first.spike", "second.spike"])
    ///     .progress_bar(false)
    ///     .build()?;
    /// runner.run(20.0)?;
    /// let step = |key| runner.mon().events(key).map(|e| e.steps[0]);
    /// assert_eq!(step("first.spike")?, step("second.spike")?);
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn then(&mut self) {
        self.stage += 1;
    }

    /// Declares an output of the target: what a run gives under that key, for each step. The variable is named by its path from
    /// this system. Outputs of children count only where their parents declare them.
    ///
    /// # Errors
    /// [`Error::Name`] where there is an output of that key, or the key is empty or `ts`.
    pub fn output(&mut self, key: &str, path: &str) -> Result<()> {
        if !self.path.is_empty() {
            return Ok(());
        }
        if matches!(key, "" | "ts") {
            return Err(Error::Name {
                name: key.into(),
                reason: "cannot be an output's key: it is empty, or that of the times of the steps"
                    .into(),
            });
        }
        if self.outputs.iter().any(|(k, _)| k == key) {
            return Err(Error::Name {
                name: key.into(),
                reason: "is the key of two outputs; give one of them another".into(),
            });
        }
        self.outputs.push((key.into(), path.into()));
        Ok(())
    }

    /// Fails where another system has the name of that which was recorded at `path`: one with other children.
    fn check_twin(&self, name: &str, path: &str) -> Result<()> {
        let children = |path: &str| -> BTreeSet<(String, String)> {
            let under = |p: &String| match path {
                "" => Some(p.clone()),
                path => p.strip_prefix(path)?.strip_prefix('.').map(String::from),
            };
            let paths = |n: &Node| {
                std::iter::once(&n.path).chain(&n.aliases).filter_map(under).collect::<Vec<_>>()
            };
            let all = self.nodes.iter().filter(|n| !matches!(n.kind, NodeKind::Container));
            all.flat_map(|n| paths(n).into_iter().map(|p| (p, n.name.clone()))).collect()
        };
        match self.nodes.iter().find(|n| n.name == name) {
            Some(twin) if children(&twin.path) != children(path) => Err(Error::Name {
                name: name.into(),
                reason: format!(
                    "belongs to two systems, at `{}` and at `{path}`; names are unique, give one of them another",
                    twin.path
                ),
            }),
            _ => Ok(()),
        }
    }

    /// Makes the whole target a batch.
    pub(crate) fn replicas(&mut self, name: &str, replicas: Replicas) -> Result<()> {
        let wrong = |reason: &str| Error::Node { node: name.into(), reason: reason.into() };
        if !self.path.is_empty() || self.replicas.is_some() {
            return Err(wrong(
                "it is a batch within another system; make the runner's target the batch",
            ));
        }
        if replicas.count == 0 {
            return Err(wrong("it is a batch of 0 replicas; a batch needs at least one"));
        }
        let last = u64::from(replicas.first).saturating_add(replicas.count as u64 - 1);
        if last > u64::from(u32::MAX) {
            return Err(wrong(&format!(
                "its last replica has number {last}, but the largest is {}; give `first_replica` a smaller number",
                u32::MAX
            )));
        }
        self.replicas = Some(replicas);
        Ok(())
    }

    pub(crate) fn group(&mut self, group: &Group) -> Result<()> {
        self.record(group.inner().name.as_str(), NodeKind::Group(group.clone()))
    }

    pub(crate) fn projection(&mut self, projection: &Projection) -> Result<()> {
        self.record(projection.inner().name.as_str(), NodeKind::Projection(projection.clone()))
    }

    pub(crate) fn coupling(&mut self, coupling: &Coupling) -> Result<()> {
        self.record(coupling.inner().name.as_str(), NodeKind::Coupling(coupling.clone()))
    }

    pub(crate) fn kernel(&mut self, kernel: &Kernel) -> Result<()> {
        self.record(kernel.inner().name.as_str(), NodeKind::Kernel(kernel.clone()))
    }

    fn record(&mut self, name: &str, kind: NodeKind) -> Result<()> {
        let path = self.path.join(".");
        let Some(known) = self.nodes.iter_mut().find(|n| n.name == name) else {
            let (name, aliases, stage) = (name.into(), Vec::new(), self.stage);
            self.nodes.push(Node { name, path, aliases, kind, stage });
            return Ok(());
        };
        let same = match (&known.kind, &kind) {
            (NodeKind::Group(a), NodeKind::Group(b)) => a.same(b),
            (NodeKind::Projection(a), NodeKind::Projection(b)) => a.same(b),
            (NodeKind::Coupling(a), NodeKind::Coupling(b)) => a.same(b),
            (NodeKind::Kernel(a), NodeKind::Kernel(b)) => a.same(b),
            _ => false,
        };
        let wrong = |reason: &str| Error::Node {
            node: name.into(),
            reason: format!("it stands at `{}` and at `{path}` {reason}", known.path),
        };
        if !same {
            return Err(wrong("with different settings; change it before it is cloned"));
        }
        if known.stage != self.stage {
            return Err(wrong(
                "in different stages, but has its turn once a step; record it in one of them",
            ));
        }
        known.aliases.push(path);
        Ok(())
    }
}

impl DynamicalSystem for Group {
    fn name(&self) -> &str {
        self.inner().name.as_str()
    }

    fn update(&self, step: &mut StepBuilder) -> Result<()> {
        step.group(self)
    }
}

impl DynamicalSystem for Projection {
    fn name(&self) -> &str {
        self.inner().name.as_str()
    }

    fn update(&self, step: &mut StepBuilder) -> Result<()> {
        step.projection(self)
    }
}

impl DynamicalSystem for Coupling {
    fn name(&self) -> &str {
        self.inner().name.as_str()
    }

    fn update(&self, step: &mut StepBuilder) -> Result<()> {
        step.coupling(self)
    }
}

impl DynamicalSystem for Kernel {
    fn name(&self) -> &str {
        self.inner().name.as_str()
    }

    fn update(&self, step: &mut StepBuilder) -> Result<()> {
        step.kernel(self)
    }
}
