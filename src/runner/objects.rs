//! The object protocol: nodes and variables by name.

use indexmap::IndexMap;

use super::listed::{Collection, Naming, NodeClass, NodeInfo, VarClass, VarInfo};
use super::run::DSRunner;
use crate::error::Result;
use crate::plan::{PlanVariable, Role};
use crate::system::{DynamicalSystem, Node, NodeKind, StepBuilder};
use crate::terms::{NodeName, Target};

fn class_of(node: &Node) -> NodeClass {
    match node.kind {
        NodeKind::Container => NodeClass::System,
        NodeKind::Group(_) => NodeClass::Group,
        NodeKind::Projection(_) => NodeClass::Projection,
        NodeKind::Coupling(_) => NodeClass::Coupling,
        NodeKind::Kernel(_) => NodeClass::Kernel,
    }
}

/// How far a node is from the runner.
fn depth(path: &str) -> usize {
    if path.is_empty() { 1 } else { 2 + path.matches('.').count() }
}

fn within(depth: usize, level: i32) -> bool {
    usize::try_from(level).map_or(true, |level| depth <= level)
}

/// A path from the target as one from the runner.
fn from_runner(path: &str) -> String {
    if path.is_empty() { "target".into() } else { format!("target.{path}") }
}

impl DSRunner {
    /// The runner and all nodes below it, down to a level: 0 is the runner, 1 its target, and so on, -1 all. A node that stands
    /// in several places is listed for each of its paths, and once by its name.
    ///
    /// ```
    /// use dsrunner::{DSRunner, Naming, Network, NodeClass, neurons};
    ///
    /// let net = Network::new().with("E", neurons::lif(4)).with("I", neurons::lif(1));
    /// let runner = DSRunner::builder(net).build()?;
    /// let nodes = runner.nodes(Naming::Relative, -1, true);
    /// assert_eq!(nodes.keys().collect::<Vec<_>>(), ["", "target", "target.E", "target.I"]);
    /// assert_eq!(nodes.subset(NodeClass::Group).len(), 2);
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn nodes(&self, method: Naming, level: i32, include_self: bool) -> Collection<NodeInfo> {
        let mut all: Vec<(usize, String, NodeInfo)> = Vec::new();
        let mut add = |depth: usize, relative: String, info: NodeInfo| {
            let key = match method {
                Naming::Absolute => info.name.clone(),
                Naming::Relative => relative,
            };
            if within(depth, level) {
                all.push((depth, key, info));
            }
        };
        if include_self {
            let (name, path, class) = (self.name().to_string(), None, NodeClass::Runner);
            add(0, String::new(), NodeInfo { name, path, class });
        }
        for node in &self.recipe.recorded.nodes {
            for path in std::iter::once(&node.path).chain(&node.aliases) {
                let (name, class) = (node.name.clone(), class_of(node));
                let info = NodeInfo { name, path: Some(node.path.clone()), class };
                add(depth(path), from_runner(path), info);
            }
        }
        for (key, node) in &self.implicit.nodes {
            add(1, key.clone(), node.clone());
        }
        all.sort_by_key(|(depth, ..)| *depth);
        let mut map = IndexMap::new();
        for (_, key, info) in all {
            map.entry(key).or_insert(info);
        }
        Collection(map)
    }

    /// The variables of all nodes down to a level, as [`DSRunner::nodes`] counts them, without those of the classes in
    /// `exclude`. The runner itself has those that were registered. Parameters are variables where they are trainable.
    ///
    /// ```
    /// use dsrunner::{DSRunner, Naming, neurons};
    ///
    /// let runner = DSRunner::builder(neurons::lif(4).train_var("tau")).build()?;
    /// let all = runner.vars(Naming::Relative, -1, true, &[]);
    /// assert_eq!(all.keys().collect::<Vec<_>>(), ["target.V", "target.input", "target.tau", "target.spike"]);
    /// assert_eq!(runner.train_vars(Naming::Relative, -1, true).keys().collect::<Vec<_>>(), ["target.tau"]);
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn vars(
        &self,
        method: Naming,
        level: i32,
        include_self: bool,
        exclude: &[VarClass],
    ) -> Collection<VarInfo> {
        let mut all: Vec<(usize, String, VarInfo)> = Vec::new();
        for variable in self.plan.variables.iter().filter(|s| s.role != Role::Param || s.trainable)
        {
            let info = info_of(variable);
            let (own, paths) = match variable.names.split_last() {
                Some(parts) => parts,
                None => continue,
            };
            for path in paths {
                let depth = path.rsplit_once('.').map_or(1, |(node, _)| depth(node));
                let key = match method {
                    Naming::Absolute => own.clone(),
                    Naming::Relative => format!("target.{path}"),
                };
                all.push((depth, key, info.clone()));
            }
        }
        if include_self {
            for (key, &variable) in &self.implicit.variables {
                let key = match method {
                    Naming::Absolute => format!("{}.{key}", self.name()),
                    Naming::Relative => key.clone(),
                };
                all.push((0, key, info_of(&self.plan.variables[variable])));
            }
        }
        all.sort_by_key(|(depth, ..)| *depth);
        let mut map = IndexMap::new();
        let kept = all
            .into_iter()
            .filter(|(depth, _, info)| within(*depth, level) && !exclude.contains(&info.class));
        for (_, key, info) in kept {
            map.entry(key).or_insert(info);
        }
        Collection(map)
    }

    /// The trainable ones of [`DSRunner::vars`].
    pub fn train_vars(
        &self,
        method: Naming,
        level: i32,
        include_self: bool,
    ) -> Collection<VarInfo> {
        self.vars(method, level, include_self, &[VarClass::Variable])
    }

    /// Lists nodes under the runner that its target does not contain, by their names; only those of a class, where one is
    /// given. They take no part in runs.
    ///
    /// # Errors
    /// Whatever the recording of a node gives.
    pub fn register_implicit_nodes<'a>(
        &mut self,
        nodes: impl IntoIterator<Item = &'a dyn DynamicalSystem>,
        node_cls: Option<NodeClass>,
    ) -> Result<()> {
        let mut found = Vec::new();
        for node in nodes {
            let mut step = StepBuilder::default();
            step.enter(node)?;
            let own = step.nodes.iter().find(|n| n.path.is_empty());
            let class = own.map_or(NodeClass::System, class_of);
            if node_cls.is_none_or(|wanted| wanted == class) {
                let name = node.name().to_string();
                found.push((name.clone(), NodeInfo { name, path: None, class }));
            }
        }
        self.implicit.nodes.extend(found);
        Ok(())
    }

    /// Lists variables of the target under the runner too, by keys of their own; only those of a class, where one is given.
    ///
    /// # Errors
    /// [`Error::UnknownPath`](crate::Error::UnknownPath) where there is no such variable; nothing was registered then.
    pub fn register_implicit_vars<K: Into<String>, T: Into<Target>>(
        &mut self,
        vars: impl IntoIterator<Item = (K, T)>,
        var_cls: Option<VarClass>,
    ) -> Result<()> {
        let mut found = Vec::new();
        for (key, target) in vars {
            let variable = self.plan.find("variable", &target.into().path)?;
            let class = info_of(&self.plan.variables[variable]).class;
            if var_cls.is_none_or(|wanted| wanted == class) {
                found.push((key.into(), variable));
            }
        }
        self.implicit.variables.extend(found);
        Ok(())
    }

    /// A name for a node. Without `name` the next free one of the class `type_` (`DSRunner` without), which counts up with
    /// each call. A given name is checked and returned; the runner's own is fine.
    ///
    /// ```
    /// use dsrunner::{DSRunner, neurons};
    ///
    /// let runner = DSRunner::builder(neurons::lif(1)).build()?;
    /// assert!(runner.unique_name(None, Some("Area"))?.starts_with("Area"));
    /// assert_eq!(runner.unique_name(Some("cortex"), None)?, "cortex");
    /// assert!(runner.unique_name(Some("2 cortices"), None).is_err());
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Name`](crate::Error::Name) where it is not an identifier or belongs to another node.
    pub fn unique_name(&self, name: Option<&str>, type_: Option<&str>) -> Result<String> {
        match name {
            None => Ok(NodeName::unused(type_.unwrap_or("DSRunner"))),
            Some(name) if name == self.name() => Ok(name.into()),
            Some(name) => NodeName::check(name).map(|()| name.into()),
        }
    }
}

fn info_of(variable: &PlanVariable) -> VarInfo {
    VarInfo {
        name: variable.absolute().into(),
        path: variable.path().into(),
        kind: variable.kind,
        shape: variable.shape.clone(),
        class: if variable.trainable { VarClass::TrainVar } else { VarClass::Variable },
    }
}
