//! The progress bar.

#[cfg(feature = "progress")]
mod bar;
#[cfg(not(feature = "progress"))]
#[path = "no_bar.rs"]
mod bar;

pub(super) use bar::{Bar, drawn};

/// Whether a progress bar is drawn on standard error; made of a bool too: `true` is `Terminal`. Bars are drawn with the crate's
/// feature `progress`, which is on by default; without it there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Never.
    Off,
    /// Where standard error is a terminal.
    Terminal,
    /// Wherever standard error goes; without the feature `progress` a runner is not built.
    Forced,
}

impl From<bool> for Progress {
    fn from(draw: bool) -> Self {
        if draw { Self::Terminal } else { Self::Off }
    }
}
