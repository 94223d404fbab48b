//! How long a model takes from its text to its first step.

use std::time::{Instant, SystemTime};

use dsrunner::{DSRunner, Group, Model, odes};

use crate::gpu::Result;
use crate::report::{Row, Section};
use crate::sample::samples;

const MODELS: [(&str, &str); 2] = [
    ("LIF", include_str!("../../shaders/neurons/lif.wgsl")),
    ("HH", include_str!("../../shaders/neurons/hh.wgsl")),
];

pub fn section(device: &str) -> Section {
    let mut section =
        Section::new("From a model's text to its first step, 1000 neurons, the device opened anew");
    for (name, text) in MODELS {
        section.attempt(name, || rows(device, name, text));
    }
    section
}

/// A text that no driver has in its cache: the input is multiplied by another number, close to 1, in each process and each
/// time.
fn salted(text: &str, time: u32) -> Result<String> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let salt = (now.subsec_nanos() / 64 + time) & 0x7f_ffff;
    let factor = f32::from_bits(1f32.to_bits() | salt);
    let salted = text.replace("x.input", &format!("(x.input * {factor:?})"));
    if salted == text { Err("the text has no input to salt".into()) } else { Ok(salted) }
}

/// Cold and warm: a text for the first time, then the same again.
fn rows(device: &str, name: &str, text: &str) -> Result<Vec<Row>> {
    // what is done once for a device is not counted
    step(device, odes::lorenz(1000), "x")?;
    let mut warm = Vec::new();
    let mut time = 0;
    let mut same = true;
    let cold = samples(|| {
        time += 1;
        let text = salted(text, time)?;
        let run = || -> Result<_> {
            let started = Instant::now();
            let v = step(device, Group::new(&Model::from_wgsl(name, &text)?, 1000), "V")?;
            Ok((started.elapsed().as_secs_f64(), v))
        };
        let (first, second) = (run()?, run()?);
        warm.push(second.0);
        same &= first.1 == second.1;
        Ok(first.0)
    })?;
    let note = format!("wall clock, {} times", cold.len());
    let row = |how: &str, samples| Row::median(&format!("{name}, {how}"), samples, "s").note(&note);
    let problem = || "the same text gave another result".into();
    Ok(vec![row("cold", cold), row("warm", warm).problem_unless(same, problem)])
}

/// The bits of a variable after a step.
fn step(device: &str, group: Group, variable: &str) -> Result<Vec<u32>> {
    let mut runner =
        DSRunner::builder(group).device(device).outputs(false).progress_bar(false).build()?;
    runner.step()?;
    Ok(runner.get::<f32>(variable)?.iter().map(|x| x.to_bits()).collect())
}
