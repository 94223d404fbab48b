//! Stands for the GPU engine in a crate that is built without the feature `gpu`: there are no devices, so none that could be asked
//! for anything.

use std::sync::Arc;

use super::{CostModel, DeviceInfo, Engine, Load};
use crate::error::{Error, Result};
use crate::plan::Plan;

pub(crate) fn devices() -> Vec<DeviceInfo> {
    Vec::new()
}

pub(crate) fn loads(_: &Plan, _: usize, _: bool) -> Vec<Load> {
    Vec::new()
}

pub(crate) fn measure(device: usize, _: CostModel) -> Result<CostModel> {
    Err(missing(&device.to_string()))
}

pub(crate) fn engine(device: usize, _: Arc<Plan>, _: &CostModel) -> Result<Box<dyn Engine>> {
    Err(missing(&device.to_string()))
}

pub(crate) fn wgsl(_: usize, _: &Plan, _: &CostModel) -> Result<Vec<(String, String)>> {
    Err(missing("gpu"))
}

fn missing(asked: &str) -> Error {
    Error::no_device(asked, &[DeviceInfo::cpu()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::ENVIRONMENT;
    use crate::{DSRunner, Device, Steps, devices, neurons};

    fn build(device: impl Into<Device>) -> Result<DSRunner> {
        DSRunner::builder(neurons::lif(1)).progress_bar(false).device(device).build()
    }

    fn told(asked: &str, by: &str) -> String {
        format!(
            "no device `{asked}`{by}; there are:\n{}\nhelp: dsrunner is built without its feature `gpu`; with it, as by default, GPUs \
             are among them",
            devices()[0]
        )
    }

    #[test]
    fn there_is_the_cpu_engine_alone() {
        let mut runner = build("cpu").unwrap();
        for asked in ["gpu", "vulkan", "software", "1"] {
            assert_eq!(build(asked).unwrap_err().to_string(), told(asked, ""));
            assert_eq!(runner.to(asked).unwrap_err().to_string(), told(asked, ""));
        }
        assert_eq!(runner.cuda().unwrap_err().to_string(), told("cuda", ""));
        assert_eq!(runner.wgsl().unwrap_err().to_string(), told("gpu", ""));
        assert!(matches!(runner.cuda(), Err(Error::NoDevice { .. })));
        runner.run(Steps(10)).unwrap();
        assert_eq!(devices().len(), 1);
    }

    /// In a process of its own, whose environment asks for a GPU.
    #[test]
    fn the_environment_asks_for_a_gpu() {
        if std::env::var(ENVIRONMENT).is_ok_and(|word| word == "gpu") {
            let by = format!(", which {ENVIRONMENT} asks for");
            assert_eq!(build("auto").unwrap_err().to_string(), told("gpu", &by));
            return;
        }
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let name = "backend::gpu::tests::the_environment_asks_for_a_gpu";
        let child = child.args([name, "--exact"]).env(ENVIRONMENT, "gpu").output().unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && said.contains("1 passed"), "{said}");
    }
}
