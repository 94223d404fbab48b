//! What a device is, what work on it costs, and whether its results are right: a report to send along with a question.
//! A problem is a line of the report and never ends it.
//!
//! ```text
//! cargo run --release --features files --example device_report
//! cargo run --release --features files --example device_report -- --device software --json
//! ```

mod agreement;
mod case;
mod compile;
mod costs;
mod counted;
mod cpu;
mod gpu;
mod host;
mod identity;
mod reference;
mod report;
mod sample;

use std::time::Instant;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use dsrunner::{DeviceInfo, DeviceKind, devices};
use gpu::{Gpu, adapters};
use report::{DeviceReport, Row, Section};
use serde_json::json;

#[derive(Parser)]
#[command(about = "Identity, costs and correctness of every device")]
struct Arguments {
    /// Devices: all, or those that fit a kind, a backend, a number, or part of a name
    #[arg(long, default_value = "all")]
    device: String,
    /// Print one JSON object instead of tables
    #[arg(long)]
    json: bool,
}

fn fits(device: &DeviceInfo, word: &str) -> bool {
    let word = word.to_lowercase();
    match word.parse::<usize>() {
        Ok(index) => device.index == index,
        Err(_) => {
            [device.kind.name(), device.backend, "all"].contains(&word.as_str())
                || device.name.to_lowercase().contains(&word)
        }
    }
}

/// All sections about a device.
fn report(device: &DeviceInfo, adapters: &[wgpu::Adapter]) -> DeviceReport {
    let number = device.index.to_string();
    let mut sections = Vec::new();
    if device.kind == DeviceKind::Cpu {
        sections.extend([identity::cpu(device), cpu::section()]);
    } else {
        let mut opening = Section::new("Opening");
        let mut opened = None;
        opening.attempt("open the device", || {
            let same = |adapter: &&wgpu::Adapter| adapter.get_info().name == device.name;
            let adapter = adapters.get(device.index - 1).filter(same).ok_or("it is gone")?;
            sections.push(identity::gpu(device, adapter));
            let started = Instant::now();
            opened = Some(Gpu::open(adapter)?);
            let seconds = started.elapsed().as_secs_f64();
            Ok(vec![Row::number("open the device", seconds, "s").note("wall clock, once")])
        });
        sections.push(opening);
        if let Some(gpu) = opened {
            sections.extend([costs::section(&gpu), host::section(&gpu)]);
        }
        sections.push(compile::section(&number));
    }
    // Vulkan rounds each operation once, as the CPU engine does
    let exact = matches!(device.backend, "cpu" | "vulkan");
    sections.extend([reference::section(&number), agreement::section(&number, exact)]);
    DeviceReport { device: device.to_string(), sections }
}

fn main() {
    env_logger::init();
    let Arguments { device: word, json } = Arguments::parse();
    let started = Instant::now();
    let all = devices();
    let chosen: Vec<&DeviceInfo> = all.iter().filter(|device| fits(device, &word)).collect();
    let list: Vec<String> = all.iter().map(DeviceInfo::to_string).collect();
    if chosen.is_empty() {
        let message = format!("no device `{word}`; there are:\n{}", list.join("\n"));
        Arguments::command().error(ErrorKind::InvalidValue, message).exit();
    }
    if !json {
        println!("dsrunner {}\n\nDevices\n{}\n", env!("CARGO_PKG_VERSION"), list.join("\n"));
    }
    let adapters = if all.len() > 1 { adapters() } else { Vec::new() };
    let mut reports = Vec::new();
    for device in chosen {
        let report = report(device, &adapters);
        if !json {
            println!("{report}");
        }
        reports.push(report);
    }
    let problems: usize = reports.iter().map(DeviceReport::problems).sum();
    let seconds = started.elapsed().as_secs_f64();
    if json {
        let reports: Vec<_> = reports.iter().map(DeviceReport::json).collect();
        let object = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "devices": list,
            "reports": reports,
            "seconds": seconds,
            "problems": problems,
        });
        println!("{object}");
    } else {
        println!("complete in {seconds:.1} s, problems: {problems}");
    }
}
