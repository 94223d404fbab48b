//! A text on all engines.

use dsrunner::{DSRunner, Result, Steps};

use crate::text::{ELEMENTS, Text, variables};

/// Where two engines do not agree.
#[derive(Debug, Clone)]
pub struct Difference {
    pub variable: String,
    pub element: usize,
    pub engines: [String; 2],
    pub values: [String; 2],
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { variable, element, engines: [a, b], values: [x, y] } = self;
        write!(f, "{variable}[{element}] is {x} by {a}, {y} by {b}")
    }
}

/// A column of words for each variable: all NaN are one.
fn words(text: &Text, seed: u64, device: &str, interpreted: bool) -> Result<Vec<Vec<u32>>> {
    let group = text.group(seed, interpreted)?;
    let mut runner =
        DSRunner::builder(group).dt(0.125).progress_bar(false).device(device).build()?;
    runner.run(Steps(2))?;
    let column = |name: &&str| -> Result<Vec<u32>> {
        Ok(match name.as_bytes()[0] {
            b'f' => {
                let values = runner.get::<f32>(*name)?;
                values.iter().map(|x| if x.is_nan() { f32::NAN } else { *x }.to_bits()).collect()
            }
            b'i' => runner.get::<i32>(*name)?.iter().map(|&x| x as u32).collect(),
            _ => runner.get::<u32>(*name)?.iter().copied().collect(),
        })
    };
    variables(text.step).iter().map(column).collect()
}

fn shown(variable: &str, word: u32) -> String {
    match variable.as_bytes()[0] {
        b'f' => format!("{:e} ({word:#010x})", f32::from_bits(word)),
        b'i' => (word as i32).to_string(),
        _ => word.to_string(),
    }
}

/// The first difference between the engines, of which `gpu` is one.
pub fn difference(text: &Text, seed: u64, gpu: Option<&str>) -> Result<Option<Difference>> {
    let wanted = words(text, seed, "cpu", false)?;
    let others = [("cpu", true, "interpreter")].into_iter();
    let others = others.chain(gpu.map(|device| (device, false, "GPU")));
    for (device, interpreted, name) in others {
        let got = words(text, seed, device, interpreted)?;
        for (k, variable) in variables(text.step).iter().enumerate() {
            let element = (0..ELEMENTS).find(|&e| got[k][e] != wanted[k][e]);
            if let Some(element) = element {
                let values = [wanted[k][element], got[k][element]];
                return Ok(Some(Difference {
                    variable: (*variable).into(),
                    element,
                    engines: ["machine code".into(), name.into()],
                    values: values.map(|word| shown(variable, word)),
                }));
            }
        }
    }
    Ok(None)
}
