//! What the host pays to have a device work, and to get results back. All of it by wall clock.

use std::time::Instant;

use crate::counted::{Cost, Counted, hash, hashes};
use crate::gpu::{Gpu, Result};
use crate::report::{Row, Section};
use crate::sample::{samples, seconds_each};

/// What is encoded or made at a time.
const BATCH: u32 = 256;

pub fn section(gpu: &Gpu) -> Section {
    let mut section = Section::new("Costs on the host, to its wall clock");
    section.attempt("encoding", || encoding(gpu));
    section.attempt("bind group", || Ok(vec![bind_group(gpu)?]));
    section.attempt("submission", || submission(gpu));
    for (name, words) in [("read back 4 KiB", 1 << 10), ("read back 16 MiB", 1 << 22)] {
        section.attempt(name, || Ok(vec![readback(gpu, name, words)?]));
    }
    section
}

fn counted(gpu: &Gpu) -> Result<Counted> {
    Cost::Dispatch { groups: 1, indirect: false }.prepare(gpu)
}

fn row(name: &str, samples: Vec<f64>, each: u32) -> Row {
    let note = format!("wall clock, {} times {each}", samples.len());
    Row::median(name, samples, "s").note(note)
}

/// How dispatches are encoded.
#[derive(Clone, Copy, PartialEq)]
enum Encoding {
    OnePass,
    BindGroups,
    Passes,
}

/// Dispatches in one pass, with a bind group set before each, and in a pass each.
fn encoding(gpu: &Gpu) -> Result<Vec<Row>> {
    let mut counted = counted(gpu)?;
    let ways = [
        ("encode a dispatch", Encoding::OnePass),
        ("encode a dispatch and its bind group", Encoding::BindGroups),
        ("encode a pass of one dispatch", Encoding::Passes),
    ];
    let mut rows = Vec::new();
    for (name, way) in ways {
        let samples = samples(|| {
            let started = Instant::now();
            let commands = encode(gpu, &counted, way);
            let seconds = started.elapsed().as_secs_f64();
            gpu.queue.submit([commands]);
            gpu.wait()?;
            counted.dispatches += BATCH;
            Ok(seconds / f64::from(BATCH))
        })?;
        rows.push(row(name, samples, BATCH).checked(counted.check(gpu)));
    }
    Ok(rows)
}

fn encode(gpu: &Gpu, counted: &Counted, way: Encoding) -> wgpu::CommandBuffer {
    let Counted { kernel, groups, .. } = counted;
    let mut encoder = gpu.encoder();
    let (passes, dispatches) = if way == Encoding::Passes { (BATCH, 1) } else { (1, BATCH) };
    for _ in 0..passes {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&kernel.pipeline);
        pass.set_bind_group(0, &kernel.bind_group, &[]);
        for _ in 0..dispatches {
            if way == Encoding::BindGroups {
                pass.set_bind_group(0, &kernel.bind_group, &[]);
            }
            groups.dispatch(&mut pass);
        }
    }
    encoder.finish()
}

fn bind_group(gpu: &Gpu) -> Result<Row> {
    let mut counted = counted(gpu)?;
    let layout = counted.kernel.pipeline.get_bind_group_layout(0);
    let samples = samples(|| {
        let seconds = seconds_each(BATCH, || {
            counted.kernel.bind_group = gpu.bind_group(&layout, &[(0, &counted.buffer)]);
        });
        // the last one is used, and what was dropped is freed
        counted.play(gpu, 1)?;
        Ok(seconds)
    })?;
    Ok(row("create a bind group", samples, BATCH).checked(counted.check(gpu)))
}

/// Of a pass of one dispatch: until the call returns, and until the work is done.
fn submission(gpu: &Gpu) -> Result<Vec<Row>> {
    let mut counted = counted(gpu)?;
    let mut done = Vec::new();
    let returned = samples(|| {
        let mut encoder = gpu.encoder();
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&counted.kernel.pipeline);
        pass.set_bind_group(0, &counted.kernel.bind_group, &[]);
        counted.groups.dispatch(&mut pass);
        drop(pass);
        let commands = encoder.finish();
        let started = Instant::now();
        gpu.queue.submit([commands]);
        let returned = started.elapsed().as_secs_f64();
        gpu.wait()?;
        done.push(started.elapsed().as_secs_f64());
        counted.dispatches += 1;
        Ok(returned)
    })?;
    let done = row("submit and wait", done, 1).checked(counted.check(gpu));
    Ok(vec![row("submit", returned, 1), done])
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
    Ok(row(name, samples, 1).problem_unless(right, || "wrong words were read".into()))
}
