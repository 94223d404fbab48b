//! Stands for the GPU engine in a crate that is built without the feature `gpu`: there are no devices, so none that could be asked
//! for anything.

use std::sync::Arc;

use super::Engine;
use crate::choice::{CostModel, Load};
use crate::device::{self, DeviceInfo};
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
    Error::no_device(asked, &device::devices())
}
