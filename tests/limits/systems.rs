//! Systems of many parts.

use dsrunner::{
    DSRunner, DynamicalSystem, Error, Network, Projection, Result, StepBuilder, neurons,
};

use crate::child::case;

fn error(target: impl DynamicalSystem + 'static) -> String {
    match DSRunner::builder(target).device("cpu").progress_bar(false).build() {
        Ok(_) => panic!("taken"),
        Err(error @ Error::Node { .. }) => error.to_string(),
        Err(error) => panic!("an error of another kind: {error}"),
    }
}

/// A system that is its own child, once or twice, and does not heed errors.
struct Own(bool);

impl DynamicalSystem for Own {
    fn name(&self) -> &str {
        "own"
    }

    fn update(&self, step: &mut StepBuilder) -> Result<()> {
        if self.0 {
            return step.child("a", self);
        }
        let _ = step.child("a", self);
        let _ = step.child("b", self);
        Ok(())
    }
}

#[test]
fn a_child_of_its_own() {
    case(|| {
        for heeds in [true, false] {
            let error = error(Own(heeds));
            assert!(error.contains("at most 64 systems may be within each other"), "{error}");
        }
    });
}

fn nested(depth: usize) -> Network {
    let innermost = Network::new().with("g", neurons::lif(1));
    (1..depth).fold(innermost, |inner, _| Network::new().with("n", inner))
}

#[test]
fn networks_within_networks() {
    case(|| {
        let deep = DSRunner::builder(nested(60)).device("cpu").progress_bar(false).build();
        deep.unwrap().run(0.3).unwrap();
        for depth in [66, 1000, 100_000] {
            let error = error(nested(depth));
            assert!(error.contains("64 "), "{error}");
        }
    });
}

#[test]
fn a_hundred_thousand_nodes() {
    case(|| {
        let groups = (0..100_000).map(|k| (format!("g{k}"), neurons::lif(1)));
        let net = groups.fold(Network::new(), |net, (key, group)| net.with(&key, group));
        let error = error(net);
        assert!(error.contains("one more than the 16384 nodes that a system may have"), "{error}");
    });
}

#[test]
fn ten_thousand_projections() {
    case(|| {
        let (from, to) = (neurons::lif(2), neurons::lif(2));
        let mut net = Network::new().with("from", from.clone()).with("to", to.clone());
        for k in 0..10_000 {
            net = net.with(&format!("p{k}"), Projection::new(&from, &to));
        }
        let error = error(net);
        assert!(
            error.contains("one more than the 1024 projections that may end on a group, `to`"),
            "{error}"
        );
    });
}

#[test]
fn names_of_a_megabyte() {
    case(|| {
        let name = "a".repeat(1 << 20);
        let group = neurons::lif(1).named(&name).unwrap();
        let net = Network::new().with(&name, group);
        let mut runner = DSRunner::builder(net).device("cpu").progress_bar(false).build().unwrap();
        runner.run(0.3).unwrap();
    });
}
