//! What users read of their mistakes, as a whole: each text of `messages.txt` with its message.
//!
//! A case is what the text is for, the text, and after `--` the message; cases stand between lines of `====`.

use std::process::Command;

use dsrunner::{
    Compatible, Connect, DSRunner, Group, Init, Kernel, Model, Monitor, Network, Projection,
    StateArray, StateData, Steps, neurons, wgsl,
};

const CASES: &str = include_str!("messages.txt");

/// What is said of a text.
fn message(what: &str, text: &str) -> String {
    let error = match what {
        "model" => Model::from_file("Mine", "mine.wgsl", text).err(),
        "kernel" => Kernel::from_file("Mine", "mine.wgsl", text).err(),
        _ => {
            let input = ("input", wgsl(text), "func");
            DSRunner::builder(neurons::lif(1)).input(input).device("cpu").build().err()
        }
    };
    error.map_or_else(|| "no error".into(), |error| error.to_string())
}

#[test]
fn every_mistake_has_its_message() {
    let mut said = Vec::new();
    for case in CASES.split("\n====\n") {
        let (text, _) = case.split_once("\n--\n").unwrap();
        let (what, text) = text.split_once('\n').unwrap();
        said.push(format!("{what}\n{text}\n--\n{}", message(what, text)));
    }
    let said = said.join("\n====\n") + "\n";
    let differs = said.lines().zip(CASES.lines()).position(|(said, wanted)| said != wanted);
    assert!(said == CASES, "line {:?} differs; said was\n{said}", differs.map(|k| k + 1));
}

/// Nothing of naga's own numbers and names, nothing of the library's text, nothing twice.
#[test]
fn messages_are_about_the_users_text() {
    for case in CASES.trim_end().split("\n====\n") {
        let (text, message) = case.split_once("\n--\n").unwrap();
        let lines: Vec<&str> = text.lines().skip(1).collect();
        for foreign in ["naga", "Handle", "Some(", "Scalar", "AbstractFloat", "philox", "pinned_"] {
            assert!(!message.contains(foreign), "{foreign} in\n{message}");
        }
        let numbered =
            |part: &str| part.split(']').next().is_some_and(|n| n.parse::<u32>().is_ok());
        let head = message.split("\n -->").next().unwrap().trim_start_matches(|c| c != ':');
        let bare = head.split('`').step_by(2).collect::<String>();
        assert!(!bare.split('[').skip(1).any(numbered), "{message}");
        let words: Vec<&str> =
            head.split([':', '(', ')']).map(str::trim).filter(|w| w.len() > 12).collect();
        assert!((1..words.len()).all(|k| !words[..k].contains(&words[k])), "twice in\n{message}");
        // the line that is shown is one of the text
        if let Some((_, place)) = message.split_once(" --> ") {
            let line: usize = place.split(':').nth(1).unwrap().parse().unwrap();
            let shown =
                place.lines().nth(1).unwrap().split_once("| ").map_or("", |(_, shown)| shown);
            assert_eq!(lines.get(line - 1).copied().unwrap_or(""), shown, "{message}");
        }
    }
}

fn lif() -> dsrunner::RunnerBuilder {
    DSRunner::builder(neurons::lif(2)).device("cpu").progress_bar(false)
}

#[track_caller]
fn says<T>(result: dsrunner::Result<T>, text: &str) {
    assert_eq!(result.err().map(|error| error.to_string()).as_deref(), Some(text));
}

#[test]
fn durations_beyond_what_can_be_run() {
    let mut runner = lif().build().unwrap();
    for (duration, text) in [
        (1e15, "`duration` is 1000000000000000, but must be at most 9e15 steps of 0.1"),
        (1e300, "`duration` is 1e300, but must be at most 9e15 steps of 0.1"),
        (f64::MAX, "`duration` is 1.7976931348623157e308, but must be at most 9e15 steps of 0.1"),
        (-1e300, "`duration` is -1e300, but must be finite and at least one step of 0.1"),
        (1e-300, "`duration` is 1e-300, but must be finite and at least one step of 0.1"),
        (f64::NAN, "`duration` is NaN, but must be finite and at least one step of 0.1"),
    ] {
        says(runner.run(duration), text);
    }
    runner.run(Steps(3)).unwrap();
    says(
        runner.run(Steps(u64::MAX)),
        "`duration` is 18446744073709551615 steps after the first 3, but must be short enough for the counter of steps, \
         which ends at 9223372036854775807",
    );
}

/// Numbers of steps are signed in results, so that the values before step 0 have one.
#[test]
fn steps_end_where_results_can_tell_them() {
    let mut runner = lif().monitor("V").build().unwrap();
    let mut at = |step: u64| {
        let mut state = runner.state_dict().unwrap();
        let step = StateArray::new(vec![], StateData::U64(vec![step])).unwrap();
        state.insert("dsrunner", "step", step);
        runner.load_state_dict(&state, false, Compatible::default())?;
        runner.run(Steps(2))?;
        runner.mon().steps("V")
    };
    let last = i64::MAX as u64;
    assert_eq!(at(last - 2).unwrap(), [i64::MAX - 2, i64::MAX - 1]);
    says(
        at(last - 1),
        "`duration` is 2 steps after the first 9223372036854775806, but must be short enough for the counter of steps, \
         which ends at 9223372036854775807",
    );
    says(
        at(last + 1),
        "`step` is 9223372036854775808 in the state, but must be at most 9223372036854775807",
    );
}

#[test]
fn numbers_are_short() {
    let built = |group: Group| DSRunner::builder(group).device("cpu").build();
    says(
        built(neurons::lif(1).init("V", Init::uniform(1e300, -1e300))),
        "`init` is uniform from 1e300 to -1e300 for `V`, but must be between finite bounds, low before high",
    );
    says(
        built(neurons::lif_ref(1).init("refractory", 1e300)),
        "node `refractory`: 1e300 is not a value of type i32",
    );
    says(
        lif().monitor(Monitor::of("V").window(2e300..1e300)).build(),
        "monitor `V`: the window from 2e300 to 1e300 has no time in it; give a start before its end",
    );
    let projected = |change: fn(Projection) -> Projection| {
        let cells = neurons::lif(2);
        let p = change(Projection::new(&cells, &cells));
        DSRunner::builder(Network::new().with("cells", cells).with("p", p)).device("cpu").build()
    };
    says(
        projected(|p| p.delay(1e300)),
        "node `p`: delay 1e300, which is 1e301 steps of 0.1; at most 1000000 steps are kept",
    );
    says(
        projected(|p| p.connect(Connect::fixed_prob(1e300))),
        "node `p`: connection probability 1e300; it must be from 0 to 1",
    );
}

#[test]
fn settings_are_told_by_what_is_wrong_with_them() {
    says(
        lif().monitor(Monitor::func(|s| s.t).named("time").include_initial()).build(),
        "monitor `time`: `include_initial` asks for the values before the run, but a closure is called after each step; leave it out",
    );
    let mut runner = lif().build().unwrap();
    says(
        runner.set("tau", [1.0, 2.0]),
        "tau: a value of shape [2] does not broadcast to shape []; give a scalar or build it with `.param_each(\"tau\", ..)`, which makes `tau` one value per element",
    );
}

/// What the environment says needs a process of its own: this test is its own child there.
#[test]
fn devices_that_the_environment_asks_for() {
    const CHILD: &str = "DSRUNNER_TEST_CHILD";
    if let Ok(device) = std::env::var(CHILD) {
        let built = DSRunner::builder(neurons::lif(2)).device(device).build();
        println!("{}", built.map_or_else(|error| error.to_string(), |runner| runner.device()));
        return;
    }
    // the loader tells of itself wherever a Vulkan instance is made
    let child = |asked: &str, environment: &str| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["messages::devices_that_the_environment_asks_for", "--exact", "--nocapture"])
            .env(CHILD, asked)
            .env("DSRUNNER_DEVICE", environment)
            .env("VK_LOADER_DEBUG", "all")
            .env_remove("XDG_RUNTIME_DIR")
            .output()
            .unwrap();
        assert!(output.status.success());
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr))
    };
    let (out, _) = child("auto", "abacus");
    assert!(
        out.contains(
            "no device `abacus`, which DSRUNNER_DEVICE asks for; there are:\n0: CPU engine"
        ),
        "{out}"
    );
    let (out, _) = child("abacus", "cpu");
    assert!(out.contains("no device `abacus`; there are:"), "{out}");
    for (asked, environment) in [("cpu", "abacus"), ("auto", "cpu"), ("auto", "0"), ("0", "")] {
        let (out, err) = child(asked, environment);
        assert!(out.contains("CPU engine ("), "{out}");
        assert_eq!(err, "", "{asked}, DSRUNNER_DEVICE={environment}");
    }
}
