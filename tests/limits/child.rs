//! A case in a process of its own, with little memory and little time.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Address space of a case in KiB: a driver of software Vulkan takes one of the four gigabytes.
const MEMORY: usize = 4 << 20;

/// How long a case may take.
const TIME: Duration = Duration::from_secs(40);

/// Set in the process of a case.
const CHILD: &str = "DSRUNNER_LIMITS_CHILD";

/// Runs the case of the test at hand, which fails where the case panics, overflows its stack, runs out of memory or time.
pub fn case(run: impl FnOnce()) {
    if std::env::var_os(CHILD).is_some() {
        return run();
    }
    let name = std::thread::current().name().expect("a test has a name").to_string();
    let mut child = Command::new("sh")
        .args(["-c", &format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().expect("a test is a file"))
        .args(["--exact", &name, "--nocapture"])
        .env(CHILD, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("there is a shell");
    let output = [
        reader(child.stdout.take().expect("it is piped")),
        reader(child.stderr.take().expect("it is piped")),
    ];
    let end = Instant::now() + TIME;
    let status = loop {
        match child.try_wait().expect("it is a child") {
            Some(status) => break Some(status),
            None if Instant::now() > end => {
                child.kill().expect("it is a child");
                child.wait().expect("it is a child");
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let output = output.map(|reader| reader.join().expect("reading does not panic")).join("\n");
    match status {
        Some(status) if status.success() && output.contains("1 passed") => {}
        Some(status) => panic!("{status}\n{output}"),
        None => panic!("not done after {TIME:?}\n{output}"),
    }
}

fn reader(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // what was read up to an error is enough
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
