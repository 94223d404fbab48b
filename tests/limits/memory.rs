//! Sizes that do not fit, or that cannot be counted.

use dsrunner::{
    Batch, Connect, Coupling, DSRunner, DynamicalSystem, Error, Monitor, Network, Projection,
    Steps, neurons,
};

use crate::child::case;

fn limit<T>(what: &str, result: Result<T, Error>) -> String {
    match result {
        Ok(_) => panic!("{what}: taken"),
        Err(error @ Error::Limit { .. }) => error.to_string(),
        Err(error) => panic!("{what}: an error of another kind: {error}"),
    }
}

fn build(target: impl DynamicalSystem + 'static) -> Result<DSRunner, Error> {
    DSRunner::builder(target).device("cpu").progress_bar(false).build()
}

fn network(cells: usize, change: impl FnOnce(Projection) -> Projection) -> Network {
    let cells = neurons::lif(cells);
    let all = change(Projection::new(&cells, &cells));
    Network::new().with("cells", cells).with("all", all)
}

/// What is needed is told, and that there is less.
#[test]
fn states() {
    case(|| {
        for (what, group) in [
            ("2^30", neurons::lif(1 << 30)),
            ("2^28", neurons::lif(1 << 28)),
            ("2^28 on a grid", neurons::lif((1 << 14, 1 << 14))),
        ] {
            let error = limit(what, build(group));
            assert!(error.contains("memory for ") && error.contains("the host, with "), "{error}");
        }
        for (what, group) in [
            ("2^33", neurons::lif((1 << 16, 1 << 17))),
            ("more than can be counted", neurons::lif((usize::MAX, usize::MAX))),
            ("2^32 + 1", neurons::lif((1 << 32) + 1)),
        ] {
            let error = limit(what, build(group));
            assert!(error.contains("room for 1073741824 elements"), "{error}");
        }
        let error = limit("a batch", build(Batch::new(neurons::lif(10), 1 << 31)));
        assert!(error.contains("room for 1073741824 elements"), "{error}");
        let error = limit("a batch", build(Batch::new(neurons::lif(1 << 10), 1 << 18)));
        assert!(error.contains("memory for "), "{error}");
        let error = build(Batch::new(neurons::lif(10), 1 << 40)).unwrap_err().to_string();
        assert!(error.contains("its last replica has number"), "{error}");
    });
}

#[test]
fn synapses() {
    case(|| {
        for (what, cells, connect) in [
            ("each with each", 60_000, Connect::all_to_all()),
            ("most", 60_000, Connect::fixed_prob(0.9)),
            ("some", 1_000_000, Connect::fixed_prob(0.003)),
        ] {
            let error = limit(what, build(network(cells, |all| all.connect(connect))));
            assert!(error.contains("synapses of `all`: memory for "), "{error}");
        }
        for connect in [Connect::all_to_all(), Connect::fixed_prob(0.9)] {
            let error =
                build(network(100_000, |all| all.connect(connect))).unwrap_err().to_string();
            assert!(error.contains("more than 2^32 - 1 synapses"), "{error}");
        }
        // those of a coupling
        let cells = neurons::lif(20_000);
        let all = Coupling::diffusive(&cells, &cells, "V").connect(Connect::all_to_all());
        let error =
            limit("a coupling", build(Network::new().with("cells", cells).with("all", all)));
        assert!(error.contains("memory for "), "{error}");
    });
}

#[test]
fn delays() {
    case(|| {
        let late =
            |delay: f64| network(1_000_000, |all| all.connect(Connect::one_to_one()).delay(delay));
        let error = limit("spikes", build(late(99_000.0)));
        assert!(error.contains("the spikes of `cells` for 990000 steps: memory for "), "{error}");
        let error = build(late(1e8)).unwrap_err().to_string();
        assert!(error.contains("at most 1000000 steps are kept"), "{error}");
        let past = |cells: usize, delay: f64| {
            let cells = neurons::lif(cells);
            let back = Coupling::diffusive(&cells, &cells, "V").connect(Connect::one_to_one());
            build(Network::new().with("cells", cells).with("back", back.delay(delay)))
        };
        for (cells, delay, wanted) in
            [(10_000, 9e4, "room for 4294967295 words"), (1000, 9e4, "memory for ")]
        {
            let error = limit("values", past(cells, delay));
            assert!(error.contains("the past of `cells.V`") && error.contains(wanted), "{error}");
        }
    });
}

/// A history is known before the run; what streams to the host is known when it comes.
#[test]
fn histories() {
    case(|| {
        let build = |cells: usize, efficient: bool| {
            let builder = DSRunner::builder(neurons::lif(cells)).device("cpu").outputs(false);
            builder.monitor("V").memory_efficient(efficient).progress_bar(false).build().unwrap()
        };
        let mut runner = build(100, false);
        for steps in [100_000_000, 1_000_000_000, u64::MAX / 2] {
            let error = limit("a history", runner.run(Steps(steps)));
            assert!(error.contains("the history of") && error.contains("memory for "), "{error}");
            assert_eq!(runner.i(), 0);
        }
        let mut runner = build(4_000_000, true);
        let error = limit("rows that come", runner.run(Steps(1_000_000_000)));
        assert!(error.contains("what monitor `V` has recorded: memory for "), "{error}");
        // what was recorded is there, but for an array of it there may be no room
        let rows = runner.mon().steps("V").unwrap().len() as u64;
        assert!(rows > 10 && rows <= runner.i(), "{rows} {}", runner.i());
        let error = limit("an array", runner.mon().get::<f32>("V"));
        assert!(error.contains("an array of monitor `V`: memory for "), "{error}");
    });
}

/// Numbers at the ends of their ranges.
#[test]
fn steps_and_durations() {
    case(|| {
        for dt in [1e-300, 1e300, 0.0, f64::NAN] {
            let error = DSRunner::builder(neurons::lif(1)).device("cpu").dt(dt).build();
            assert!(matches!(error, Err(Error::Setting { setting: "dt", .. })));
        }
        let last = Monitor::from("V").every(u64::MAX);
        let builder = DSRunner::builder(neurons::lif(1)).device("cpu").monitor(last);
        let mut runner = builder.progress_bar(false).build().unwrap();
        for duration in [1e300, f64::INFINITY, f64::NAN, -1.0, 1e-300] {
            assert!(matches!(
                runner.run(duration),
                Err(Error::Setting { setting: "duration", .. })
            ));
        }
        runner.run(1.0).unwrap();
        assert_eq!(runner.mon().steps("V").unwrap(), [0]);
        assert!(runner.run(Steps(u64::MAX)).is_err());
        assert_eq!(runner.i(), 10);
    });
}
