//! A case of `tests/reference`: its description and its arrays.

use std::collections::HashMap;
use std::fs::{File, read_to_string};
use std::path::Path;

use dsrunner::Group;
use ndarray::ArrayD;
use npyz::NpyFile;
use serde_json::Value;
use zip::ZipArchive;

use crate::gpu::Result;

pub struct Case {
    pub about: Value,
    arrays: HashMap<String, ArrayD<f64>>,
}

impl Case {
    pub fn load(name: &str) -> Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
        let file = |extension: &str| folder.join(format!("{name}.{extension}"));
        let at = |extension: &str| {
            let path = file(extension).display().to_string();
            move |error: std::io::Error| format!("{path}: {error}")
        };
        let about = read_to_string(file("json")).map_err(at("json"))?;
        let about: Value = serde_json::from_str(&about)?;
        let mut npz = ZipArchive::new(File::open(file("npz")).map_err(at("npz"))?)?;
        let mut arrays = HashMap::new();
        for (key, description) in about["arrays"].as_object().into_iter().flatten() {
            let npy = NpyFile::new(npz.by_name(&format!("{key}.npy"))?)?;
            let shape: Vec<usize> = npy.shape().iter().map(|&n| n as usize).collect();
            let values: Vec<f64> = match description["dtype"].as_str() {
                Some("f64") => npy.into_vec()?,
                Some("i32") => npy.into_vec::<i32>()?.into_iter().map(f64::from).collect(),
                _ => continue,
            };
            arrays.insert(key.clone(), ArrayD::from_shape_vec(shape, values)?);
        }
        Ok(Self { about, arrays })
    }

    pub fn array(&self, name: &str) -> Result<&ArrayD<f64>> {
        Ok(self.arrays.get(name).ok_or_else(|| format!("the case has no array {name}"))?)
    }

    pub fn column(&self, name: &str) -> Result<Vec<f64>> {
        Ok(self.array(name)?.iter().copied().collect())
    }

    /// A number of the description, by its path such as `/tolerance/V/f32`.
    pub fn number(&self, path: &str) -> Result<f64> {
        let number = self.about.pointer(path).and_then(Value::as_f64);
        Ok(number.ok_or_else(|| format!("the case has no number {path}"))?)
    }

    /// The group with these parameters of the case.
    pub fn with_parameters(&self, mut group: Group, names: &[&str]) -> Result<Group> {
        for name in names {
            group = group.param(name, self.number(&format!("/parameters/{name}"))?);
        }
        Ok(group)
    }
}
