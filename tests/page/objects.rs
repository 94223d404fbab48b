//! Rows `nodes`, `vars`, `train_vars`, `register_implicit_nodes`, `register_implicit_vars`, `unique_name`, `name`, `target`.

use dsrunner::{DynamicalSystem, Kind, Naming, Network, NodeClass, VarClass, neurons};

use crate::common::{count, error, on};

/// `left.E`, `right`, which is the same group, and `I` with a trainable parameter.
fn nested() -> (dsrunner::Group, Network) {
    let shared = count(3);
    let left = Network::new().with("E", shared.clone());
    let i = neurons::lif((2, 2)).train_var("tau").train_var("V");
    (shared.clone(), Network::new().with("left", left).with("right", shared).with("I", i))
}

#[test]
fn a2_nodes() {
    let (shared, net) = nested();
    let name = net.name().to_string();
    let runner = on("cpu", net).build().unwrap();
    let keys = |method, level, own| {
        let nodes = runner.nodes(method, level, own);
        nodes.keys().map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(
        keys(Naming::Relative, -1, true),
        ["", "target", "target.left", "target.right", "target.I", "target.left.E"]
    );
    assert_eq!(keys(Naming::Relative, 0, true), [""]);
    assert_eq!(keys(Naming::Relative, 1, true), ["", "target"]);
    assert_eq!(
        keys(Naming::Relative, 2, false),
        ["target", "target.left", "target.right", "target.I"]
    );
    let absolute = runner.nodes(Naming::Absolute, -1, true);
    assert_eq!(absolute.keys().next(), Some(runner.name()));
    assert_eq!(absolute.keys().nth(1), Some(&name[..]));
    assert_eq!(absolute.len(), 5);
    let relative = runner.nodes(Naming::Relative, -1, true);
    assert_eq!(relative.unique().len(), 5);
    assert_eq!(
        relative.subset(NodeClass::Group).keys().collect::<Vec<_>>(),
        ["target.right", "target.I", "target.left.E"]
    );
    assert_eq!(relative.not_subset(NodeClass::Group).len(), 3);
    let right = relative.get("target.right").unwrap();
    assert_eq!((right.name.as_str(), right.path.as_deref()), (shared.name(), Some("left.E")));
    assert_eq!(Naming::try_from("absolute").unwrap(), Naming::Absolute);
    assert_eq!(
        error(Naming::try_from("nearby")),
        "`method` is \"nearby\", but must be \"absolute\" or \"relative\""
    );
}

#[test]
fn a2_vars_and_train_vars() {
    let (shared, net) = nested();
    let runner = on("cpu", net).build().unwrap();
    let relative = runner.vars(Naming::Relative, -1, true, &[]);
    assert!(relative.get("target.left.E.x").is_some() && relative.get("target.right.x").is_some());
    assert_eq!(relative.get("target.right.x"), relative.get("target.left.E.x"));
    assert_eq!(relative.len() - relative.unique().len(), 4);
    let absolute = runner.vars(Naming::Absolute, -1, true, &[]);
    let x = absolute.get(&format!("{}.n", shared.name())).unwrap();
    assert_eq!((x.kind, &x.shape[..], x.path.as_str()), (Kind::I32, &[3][..], "left.E.n"));
    assert!(runner.vars(Naming::Relative, 1, true, &[]).is_empty());
    let near = runner.vars(Naming::Relative, 2, true, &[]);
    assert!(near.get("target.right.x").is_some() && near.get("target.left.E.x").is_none());
    let trained = runner.train_vars(Naming::Relative, -1, true);
    assert_eq!(trained.keys().collect::<Vec<_>>(), ["target.I.V", "target.I.tau"]);
    assert_eq!(relative.subset(VarClass::TrainVar), trained);
    let others = runner.vars(Naming::Relative, -1, true, &[VarClass::TrainVar]);
    assert_eq!(others, relative.not_subset(VarClass::TrainVar));
    let wrong = on("cpu", neurons::lif(1).train_var("taux")).build();
    assert_eq!(error(wrong), "no variable or parameter `taux`; did you mean `tau`?");
}

#[test]
fn a2_register_implicit_nodes_and_vars() {
    let (_, net) = nested();
    let mut runner = on("cpu", net).build().unwrap();
    let (group, other) = (count(1), Network::new().with("a", count(1)));
    runner
        .register_implicit_nodes([&group as &dyn DynamicalSystem, &other], Some(NodeClass::Group))
        .unwrap();
    let nodes = runner.nodes(Naming::Absolute, 1, true);
    assert!(nodes.get(group.name()).is_some() && nodes.get(other.name()).is_none());
    runner.register_implicit_nodes([&other as &dyn DynamicalSystem], None).unwrap();
    assert_eq!(
        runner.nodes(Naming::Absolute, -1, true).get(other.name()).unwrap().class,
        NodeClass::System
    );
    runner
        .register_implicit_vars([("drive", "I.V"), ("plain", "I.input")], Some(VarClass::TrainVar))
        .unwrap();
    let own = runner.vars(Naming::Relative, 0, true, &[]);
    assert_eq!(own.keys().collect::<Vec<_>>(), ["drive"]);
    assert_eq!(own.get("drive").unwrap().path, "I.V");
    let key = format!("{}.drive", runner.name());
    assert!(runner.vars(Naming::Absolute, 0, true, &[]).get(&key).is_some());
    assert!(runner.vars(Naming::Relative, 0, false, &[]).is_empty());
    assert_eq!(
        error(runner.register_implicit_vars([("a", "I.input"), ("b", "I.U")], None)),
        "no variable `I.U`; did you mean `I.V`?"
    );
    assert_eq!(runner.vars(Naming::Relative, 0, true, &[]).len(), 1);
}

#[test]
fn a2_unique_name_name_and_target() {
    let (shared, net) = nested();
    let name = net.name().to_string();
    let mut runner = on("cpu", net).build().unwrap();
    assert_eq!(runner.target().name(), name);
    assert!(runner.name().starts_with("DSRunner"));
    runner.set_name("my_runner").unwrap();
    assert_eq!(runner.name(), "my_runner");
    runner.set_name("my_runner").unwrap();
    assert_eq!(runner.unique_name(Some("my_runner"), None).unwrap(), "my_runner");
    let taken = format!(
        "the name `{}` belongs to another node; names are unique, give another one",
        shared.name()
    );
    assert_eq!(error(runner.unique_name(Some(shared.name()), None)), taken);
    assert_eq!(error(runner.set_name(shared.name())), taken);
    assert_eq!(runner.name(), "my_runner");
    let [first, second] = [(); 2].map(|()| runner.unique_name(None, Some("UniqueTest")).unwrap());
    assert_eq!((first.as_str(), second.as_str()), ("UniqueTest0", "UniqueTest1"));
    assert_eq!(
        error(runner.unique_name(Some("a b"), None)),
        "the name `a b` is not an identifier (a letter or `_`, then letters, digits and `_`)"
    );
    // asking does not take it
    let group = count(1).named("asked_for").unwrap();
    drop(group);
    assert_eq!(runner.unique_name(Some("asked_for"), None).unwrap(), "asked_for");
    assert!(count(1).named("asked_for").is_ok());
}
