//! What is done to a variable.

/// What an input does to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `target = target + value`, the default.
    Add,
    /// `target = target - value`.
    Sub,
    /// `target = target * value`.
    Mul,
    /// `target = target / value`.
    Div,
    /// `target = value`.
    Set,
}

impl Operation {
    /// Its sign: `+ - * / =`.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Set => "=",
        }
    }
}
