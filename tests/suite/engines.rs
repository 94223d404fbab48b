//! On which engines a test runs.

use std::io::Write;
use std::sync::OnceLock;

use dsrunner::{DeviceKind, devices};

/// The GPU that the tests run on: a hardware one if there is one, else a software adapter. Without any, tests of the GPU
/// engine are skipped loudly, or fail where `DSRUNNER_REQUIRE_GPU` is set.
pub fn gpu() -> Option<String> {
    static GPU: OnceLock<Option<String>> = OnceLock::new();
    GPU.get_or_init(|| {
        let all = devices();
        let hardware = |kind| !matches!(kind, DeviceKind::Cpu | DeviceKind::Software);
        let software = |kind| kind == DeviceKind::Software;
        let found = all
            .iter()
            .find(|d| hardware(d.kind))
            .or_else(|| all.iter().find(|d| software(d.kind)));
        match found {
            Some(device) => say(&format!("GPU engine: tested on {device}")),
            None if std::env::var_os("DSRUNNER_REQUIRE_GPU").is_some() => {
                panic!("DSRUNNER_REQUIRE_GPU is set, but wgpu finds no adapter: {all:?}")
            }
            None => say("GPU engine: SKIPPED, wgpu finds no adapter (install a Vulkan driver, such as lavapipe)"),
        }
        found.map(|d| d.index.to_string())
    })
    .clone()
}

/// The engines that a test can compare.
pub fn all() -> Vec<String> {
    std::iter::once("cpu".to_string()).chain(gpu()).collect()
}

/// Writes past the capture of the test harness.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Instantiates functions of a device as tests, `cpu::name` and `gpu::name`.
macro_rules! on_every_engine {
    ($($name:ident),* $(,)?) => {
        mod cpu {
            $(#[test]
            fn $name() {
                super::$name("cpu");
            })*
        }
        mod gpu {
            $(#[test]
            fn $name() {
                if let Some(device) = crate::engines::gpu() {
                    super::$name(&device);
                }
            })*
        }
    };
}
pub(crate) use on_every_engine;
