//! How long to run.

use crate::error::{Error, Result};

/// How long to run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Span {
    /// A duration in the unit of `dt`. It is the nearest whole number of steps where it is within 10^-6 of one, else the
    /// number below.
    Duration(f64),
    /// A number of steps.
    Steps(u64),
}

/// A number of steps, as in `runner.run(Steps(1000))`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps(pub u64);

impl From<f64> for Span {
    fn from(duration: f64) -> Self {
        Self::Duration(duration)
    }
}

impl From<Steps> for Span {
    fn from(Steps(steps): Steps) -> Self {
        Self::Steps(steps)
    }
}

impl Span {
    pub(super) fn steps(self, dt: f64) -> Result<u64> {
        let wrong = |given: String| Error::Setting {
            setting: "duration",
            given,
            wanted: format!("finite and at least one step of {dt}"),
        };
        match self {
            Self::Steps(0) => Err(wrong("0 steps".into())),
            Self::Steps(steps) => Ok(steps),
            Self::Duration(duration) => {
                let steps = duration / dt;
                let nearest = steps.round();
                let whole = if (steps - nearest).abs() < 1e-6 { nearest } else { steps.floor() };
                // a number of steps that f64 does not count exactly is no number of steps
                if (1.0..9e15).contains(&whole) {
                    Ok(whole as u64)
                } else {
                    Err(wrong(duration.to_string()))
                }
            }
        }
    }
}
