//! Long runs that stream to disk: memory stays flat, and what a kill leaves can be read.
//!
//! The runs are processes of their own, started from this very program: memory is that of a process, and one can be killed.

// this uses a part of it
#[allow(unused_imports, unused_macros)]
#[path = "../suite/engines.rs"]
mod engines;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dsrunner::{DSRunner, Init, Monitor, Sink, Steps, neurons, wgsl};
use engines::{all, gpu};
use ndarray::Array2;
use npyz::NpyFile;

const CELLS: usize = 1000;
const WATCHED: usize = 10;

fn runner(device: &str, folder: Option<&Path>) -> DSRunner {
    let cells = neurons::lif_ref(CELLS).param("tau_ref", 2.0).init("V", Init::uniform(0.0, 20.0));
    let v = Monitor::of("V").index(..WATCHED as i32);
    let spikes = Monitor::of("spike").events();
    let builder = DSRunner::builder(cells)
        .input(("input", 24.0))
        .input(("input", wgsl("3.0 * random_normal(r, 0u)"), "func"))
        .device(device)
        .seed(4)
        .outputs(false)
        .memory_efficient(true)
        .progress_bar(false);
    let builder = match folder {
        None => builder.monitor(v),
        Some(folder) => builder
            .monitor(v.sink(Sink::npy(folder.join("V.npy"))))
            .monitor(spikes.sink(Sink::npy(folder.join("spikes.npy")))),
    };
    builder.build().unwrap()
}

/// The work of a child: parts of so many steps, each with a checkpoint, and a line on what memory is in use.
#[test]
fn child() {
    let Ok(task) = std::env::var("DSRUNNER_LONG_CHILD") else { return };
    let words: Vec<&str> = task.split('|').collect();
    let [device, folder, steps, parts] = words[..] else { panic!("{task}") };
    let folder = Path::new(folder);
    let mut runner = runner(device, Some(folder));
    let [steps, parts] = [steps, parts].map(|number| number.parse::<u64>().unwrap());
    for _ in 0..parts {
        runner.run(Steps(steps)).unwrap();
        runner.save_states(folder.join("state.npz"), None).unwrap();
        let host = memory_stats::memory_stats().map_or(0, |m| m.physical_mem);
        println!("at {} {host} {}", runner.i(), runner.device_memory().unwrap_or(0));
    }
}

fn start(device: &str, folder: &Path, steps: u64, parts: u64) -> Child {
    let task = format!("{device}|{}|{steps}|{parts}", folder.display());
    Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env("DSRUNNER_LONG_CHILD", task)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn rows<T: npyz::Deserialize>(path: &Path) -> (Vec<u64>, Vec<T>) {
    let file = NpyFile::new(BufReader::new(std::fs::File::open(path).unwrap())).unwrap();
    let shape = file.shape().to_vec();
    (shape, file.into_vec().unwrap())
}

/// Growth that is none: pages that an allocator takes in advance, and the buffers of the first chunks.
const SLACK: usize = 8 << 20;

fn memory_is_flat(device: &str, steps: u64) {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start(device, folder.path(), steps / 10, 10);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let at: Vec<[usize; 3]> = lines
        .filter_map(|line| {
            let line = line.rsplit_once("at ")?.1.to_string();
            let numbers =
                line.split(' ').map(|n| n.parse().ok()).collect::<Option<Vec<usize>>>()?;
            numbers.try_into().ok()
        })
        .collect();
    assert!(child.wait().unwrap().success());
    assert_eq!(at.len(), 10, "{at:?}");
    let (tenth, end) = (at[0], at[9]);
    println!("{device}: [steps, host bytes, device bytes] {tenth:?} and {end:?}");
    assert_eq!(end[0] as u64, steps);
    assert!(end[1] < tenth[1] + SLACK, "the host's memory grew: {at:?}");
    assert_eq!(end[2], tenth[2], "the device's memory grew: {at:?}");
    let (shape, v) = rows::<f32>(&folder.path().join("V.npy"));
    assert_eq!(shape, [steps, WATCHED as u64]);
    assert!(v[v.len() - WATCHED..].iter().all(|v| v.is_finite()));
    let (shape, spikes) = rows::<u64>(&folder.path().join("spikes.npy"));
    let last = spikes[spikes.len() - 2];
    assert!(shape[0] > steps && shape[1] == 2 && last > steps - 100, "{shape:?}, last {last}");
}

#[test]
fn memory_is_flat_on_the_cpu() {
    memory_is_flat("cpu", 1_000_000);
}

#[test]
fn memory_is_flat_on_the_gpu() {
    // a software adapter takes a millisecond a step
    if let Some(device) = gpu() {
        memory_is_flat(&device, 20_000);
    }
}

#[test]
fn what_a_kill_leaves_can_be_read() {
    for (round, device) in all().into_iter().cycle().take(4).enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = start(&device, folder.path(), 150, u64::MAX);
        let checkpoint = folder.path().join("state.npz");
        let patience = Instant::now();
        while !checkpoint.exists() {
            assert!(patience.elapsed() < Duration::from_secs(60), "no checkpoint");
            std::thread::sleep(Duration::from_millis(5));
        }
        // some moment
        let moment = std::process::id() as u64 * 7919 + round as u64 * 104_729;
        std::thread::sleep(Duration::from_millis(50 + moment % 400));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut resumed = runner(&device, None);
        resumed.load_states(&checkpoint, false).unwrap();
        let step = resumed.i();
        assert!(step >= 150 && step.is_multiple_of(150));
        let (shape, v) = rows::<f32>(&folder.path().join("V.npy"));
        assert!(shape[0] >= step, "{shape:?} of at least {step}");
        // what is on disk, and what comes after the checkpoint, is what an uninterrupted run has
        let after = 20;
        resumed.run(Steps(after)).unwrap();
        let found: Array2<f32> = resumed.mon().get("V").unwrap().into_dimensionality().unwrap();
        let mut whole = runner("cpu", None);
        whole.run(Steps(shape[0].max(step + after))).unwrap();
        let wanted = whole.mon().get::<f32>("V").unwrap();
        let bits = |x: &f32| x.to_bits();
        assert!(v.iter().map(bits).eq(wanted.iter().take(v.len()).map(bits)), "{device}");
        let wanted = wanted.iter().skip(step as usize * WATCHED).take(after as usize * WATCHED);
        assert!(found.iter().map(bits).eq(wanted.map(bits)), "{device}");
        let (_, spikes) = rows::<u64>(&folder.path().join("spikes.npy"));
        assert!(spikes.chunks_exact(2).all(|pair| pair[1] < CELLS as u64));
    }
}
