//! Types of values.

use crate::error::number;

/// Type of a variable's or a parameter's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 32-bit floating point.
    F32,
    /// 32-bit signed integer.
    I32,
    /// 32-bit unsigned integer.
    U32,
    /// True or false; spikes are of this kind.
    Bool,
}

impl Kind {
    /// Its name in Rust.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::I32 => "i32",
            Self::U32 => "u32",
            Self::Bool => "bool",
        }
    }

    /// A number as the 32 bits of this kind, or what is wrong with it.
    pub(crate) fn bits(self, value: f64) -> std::result::Result<u32, String> {
        let whole = |low: f64, high: f64| {
            if value.fract() == 0.0 && (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(format!("{} is not a value of type {}", number(value), self.name()))
            }
        };
        match self {
            Self::F32 if value.is_finite() && !(value as f32).is_finite() => {
                Err(format!("{value:e} is beyond the range of f32"))
            }
            Self::F32 => Ok((value as f32).to_bits()),
            Self::I32 => {
                whole(f64::from(i32::MIN), f64::from(i32::MAX)).map(|()| value as i32 as u32)
            }
            Self::U32 => whole(0.0, f64::from(u32::MAX)).map(|()| value as u32),
            Self::Bool => whole(0.0, 1.0).map(|()| value as u32),
        }
    }
}
