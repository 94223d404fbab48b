//! What the examples share: the command line, the report, the file of spikes.

#![allow(dead_code, reason = "not every example uses all of it")]

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use dsrunner::plot::{RasterGroup, Span};
use dsrunner::{DSRunner, Events, Run};
use serde_json::{Map, Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Ends an example: where it failed, with what went wrong and why, as people read it.
pub fn ended(result: Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    eprintln!("error: {error}");
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // many errors say their cause themselves
        if !said.contains(&error.to_string()) {
            eprintln!("because: {error}");
            said = error.to_string();
        }
        cause = error.source();
    }
    ExitCode::FAILURE
}

/// An error with the path that it is about.
pub fn at<E: Error>(path: &Path) -> impl Fn(E) -> Box<dyn Error> + use<E> {
    let path = path.display().to_string();
    move |error| format!("{path}: {error}").into()
}

/// Options that every example has.
#[derive(Args)]
pub struct Options {
    /// Device: auto, cpu, gpu, cuda, software, a backend, a number, or part of a name
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Seed of connectivity and initial values
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Folder for pictures and results
    #[arg(long, default_value = "out")]
    pub out: PathBuf,
    /// Print a JSON object as the last line
    #[arg(long)]
    pub json: bool,
}

impl Options {
    /// A file in the output folder, which is made where it is not there.
    pub fn file(&self, name: &str) -> Result<PathBuf> {
        fs::create_dir_all(&self.out).map_err(at(&self.out))?;
        Ok(self.out.join(name))
    }
}

/// Spikes of a group.
pub struct Population {
    pub name: String,
    pub size: usize,
    pub events: Events,
}

impl Population {
    pub fn new(runner: &DSRunner, name: &str, size: usize, key: &str) -> Result<Self> {
        Ok(Self { name: name.into(), size, events: runner.mon().events(key)? })
    }

    /// Spikes per neuron and second between two steps.
    pub fn rate(&self, steps: std::ops::Range<u64>, dt_ms: f64) -> f64 {
        let count = self.events.steps.iter().filter(|s| steps.contains(s)).count();
        let seconds = (steps.end - steps.start) as f64 * dt_ms / 1000.0;
        count as f64 / self.size as f64 / seconds
    }

    pub fn raster(&self) -> RasterGroup<'_> {
        RasterGroup {
            name: &self.name,
            size: self.size,
            steps: &self.events.steps,
            indices: &self.events.indices,
        }
    }
}

/// Writes `<name>.steps` and `<name>.indices` of each group, sorted by step, then index, as numpy reads them.
pub fn write_spikes(path: &Path, populations: &[Population]) -> Result<()> {
    let mut npz = ZipWriter::new(BufWriter::new(File::create(path).map_err(at(path))?));
    for Population { name, events: Events { steps, indices, .. }, .. } in populations {
        let steps = array("<u8", steps.len(), steps.iter().flat_map(|step| step.to_le_bytes()));
        let indices = array("<u4", indices.len(), indices.iter().flat_map(|i| i.to_le_bytes()));
        for (member, array) in [("steps", steps), ("indices", indices)] {
            let member = format!("{name}.{member}.npy");
            npz.start_file(member, SimpleFileOptions::default()).map_err(at(path))?;
            npz.write_all(&array).map_err(at(path))?;
        }
    }
    npz.finish().map_err(at(path))?.flush().map_err(at(path))?;
    Ok(())
}

/// An array of one axis in numpy's format.
fn array(kind: &str, length: usize, elements: impl Iterator<Item = u8>) -> Vec<u8> {
    let about = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({length},), }}");
    // magic bytes, the version, the length of what is known of the array up to here
    let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    file.extend(format!("{about:117}\n").bytes());
    file.extend(elements);
    file
}

/// What an example prints at its end.
pub struct Report<'a> {
    pub runner: &'a DSRunner,
    pub run: Run,
    /// Seconds from the start of the description to a runner on its device.
    pub build_s: f64,
    /// Seconds that a unit of `dt` is.
    pub unit_s: f64,
    pub populations: &'a [Population],
    /// Further entries of the JSON object.
    pub extra: Value,
}

impl Report<'_> {
    /// Prints the report, and the JSON object as its last line where that is asked for.
    pub fn print(&self, options: &Options, pictures: &[PathBuf]) {
        let Self { runner, run, build_s, unit_s, populations, .. } = self;
        let simulated = run.steps as f64 * runner.dt() * unit_s;
        let sim_s = run.elapsed.as_secs_f64();
        let spikes: usize = populations.iter().map(|p| p.events.steps.len()).sum();
        println!("{}", runner.device());
        println!(
            "{} elements, {} synapses, {} steps of {}",
            runner.elements(),
            runner.synapses(),
            run.steps,
            runner.dt()
        );
        println!(
            "built in {build_s:.3} s, ran in {sim_s:.3} s ({:.3} s per simulated s)",
            sim_s / simulated
        );
        let first = runner.i() - run.steps;
        let mut rates = Map::new();
        for p in *populations {
            let rate = p.rate(first..runner.i(), runner.dt());
            println!(
                "{}: {} neurons, {} spikes, {rate:.2} Hz",
                p.name,
                p.size,
                p.events.steps.len()
            );
            rates.insert(p.name.clone(), json!(rate));
        }
        for picture in pictures {
            println!("picture: {}", picture.display());
        }
        if options.json {
            let mut object = json!({
                "device": runner.device(),
                "dt": runner.dt(),
                "steps": run.steps,
                "build_s": build_s,
                "sim_s": sim_s,
                "rtf": sim_s / simulated,
                "elements": runner.elements(),
                "synapses": runner.synapses(),
                "spikes": spikes,
                "rate_hz": rates,
                "seed": options.seed,
            });
            if let (Some(object), Some(extra)) = (object.as_object_mut(), self.extra.as_object()) {
                object.extend(extra.clone());
            }
            println!("{object}");
        }
    }
}

/// The course of one recorded element.
pub fn course(runner: &DSRunner, key: &str, element: usize) -> Result<Vec<f32>> {
    let history = runner.mon().get::<f32>(key)?;
    Ok(history.index_axis(ndarray::Axis(1), element).iter().copied().collect())
}

/// The span of a run for the pictures.
pub fn span(runner: &DSRunner, run: &Run) -> Span {
    Span {
        t0_ms: runner.time() - run.steps as f64 * runner.dt(),
        dt_ms: runner.dt(),
        steps: run.steps,
    }
}
