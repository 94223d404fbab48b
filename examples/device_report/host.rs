//! What the host pays to have a device work, and to get results back. All of it by wall clock.

use std::time::Instant;

use crate::counted::{Cost, Counted, hash, hashes};
use crate::gpu::{Gpu, Result};
use crate::report::{Row, Section};
use crate::sample::samples;

/// What is encoded or made at a time.
const BATCH: u32 = 256;

/// What is encoded, as [`Dispatches::encode`] has it.
const ENCODINGS: [(&str, [u32; 3]); 3] = [
    ("encode a dispatch", [1, 1, BATCH]),
    ("encode a bind group and a dispatch", [1, BATCH, 1]),
    ("encode a pass of one dispatch", [BATCH, 1, 1]),
];

pub fn section(gpu: &Gpu) -> Section {
    let mut section = Section::new("Costs on the host");
    for (name, counts) in ENCODINGS {
        section.attempt(name, || Ok(vec![encoding(gpu, name, counts)?]));
    }
    section.attempt("create a bind group", || Ok(vec![bind_group(gpu, "create a bind group")?]));
    section.attempt("submit", || submission(gpu));
    for (name, words) in [("read back 4 KiB", 1 << 10), ("read back 16 MiB", 1 << 22)] {
        section.attempt(name, || Ok(vec![readback(gpu, name, words)?]));
    }
    section
}

/// Dispatches of one workgroup, which can be bound in two ways to the same buffer.
struct Dispatches<'a> {
    gpu: &'a Gpu,
    counted: Counted,
    layout: wgpu::BindGroupLayout,
    bind_groups: [wgpu::BindGroup; 2],
}

impl<'a> Dispatches<'a> {
    fn new(gpu: &'a Gpu) -> Result<Self> {
        let counted = Cost::Dispatch { groups: 1, indirect: false }.prepare(gpu)?;
        let layout = counted.kernel.pipeline.get_bind_group_layout(0);
        let bind_groups = [(); 2].map(|()| gpu.bind_group(&layout, &[(0, &counted.buffer)]));
        Ok(Self { gpu, counted, layout, bind_groups })
    }

    /// So many passes, each of which sets so many bind groups, and dispatches so often with each.
    fn encode(&mut self, [passes, sets, dispatches]: [u32; 3]) -> wgpu::CommandBuffer {
        let mut encoder = self.gpu.encoder();
        for _ in 0..passes {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&self.counted.kernel.pipeline);
            // in turn: setting again what is set costs nothing
            for bind_group in self.bind_groups.iter().cycle().take(sets as usize) {
                pass.set_bind_group(0, bind_group, &[]);
                for _ in 0..dispatches {
                    self.counted.groups.dispatch(&mut pass);
                }
            }
        }
        self.counted.dispatches += passes * sets * dispatches;
        encoder.finish()
    }

    /// The row of such samples, and whether all dispatches were counted.
    fn row(&self, name: &str, samples: Vec<f64>) -> Row {
        row(name, samples).checked(self.counted.check(self.gpu))
    }
}

fn row(name: &str, samples: Vec<f64>) -> Row {
    let note = format!("wall clock, {} times", samples.len());
    Row::median(name, samples, "s").note(note)
}

fn encoding(gpu: &Gpu, name: &str, counts: [u32; 3]) -> Result<Row> {
    let mut work = Dispatches::new(gpu)?;
    let samples = samples(|| {
        let started = Instant::now();
        let commands = work.encode(counts);
        let seconds = started.elapsed().as_secs_f64();
        gpu.queue.submit([commands]);
        gpu.wait()?;
        Ok(seconds / f64::from(BATCH))
    })?;
    Ok(work.row(name, samples))
}

fn bind_group(gpu: &Gpu, name: &str) -> Result<Row> {
    let mut work = Dispatches::new(gpu)?;
    let samples = samples(|| {
        let started = Instant::now();
        for _ in 0..BATCH {
            work.bind_groups[0] = gpu.bind_group(&work.layout, &[(0, &work.counted.buffer)]);
        }
        let seconds = started.elapsed().as_secs_f64();
        // the last one is used, and what was dropped is freed
        let commands = work.encode([1; 3]);
        gpu.queue.submit([commands]);
        gpu.wait()?;
        Ok(seconds / f64::from(BATCH))
    })?;
    Ok(work.row(name, samples))
}

/// Of a pass of one dispatch: until the call returns, and until the work is done.
fn submission(gpu: &Gpu) -> Result<Vec<Row>> {
    let mut work = Dispatches::new(gpu)?;
    let mut done = Vec::new();
    let returned = samples(|| {
        let commands = work.encode([1; 3]);
        let started = Instant::now();
        gpu.queue.submit([commands]);
        let returned = started.elapsed().as_secs_f64();
        gpu.wait()?;
        done.push(started.elapsed().as_secs_f64());
        Ok(returned)
    })?;
    Ok(vec![row("submit", returned), work.row("submit and wait", done)])
}

/// From a buffer of a kernel to a `Vec`, through a staging buffer that is made once.
fn readback(gpu: &Gpu, name: &str, words: u32) -> Result<Row> {
    let buffer = hashes(gpu, words)?;
    let staging = gpu.staging(words as usize);
    let mut copy = Vec::new();
    let samples = samples(|| {
        let started = Instant::now();
        copy = gpu.read(&buffer, &staging, |words| words.to_vec())?;
        Ok(started.elapsed().as_secs_f64())
    })?;
    let right = copy.iter().copied().eq((0..words).map(hash));
    Ok(row(name, samples).problem_unless(right, || "wrong words were read".into()))
}
