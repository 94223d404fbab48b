//! Stands for the bar in a crate that is built without the feature `progress`: nothing is drawn.

use super::Progress;

pub(in crate::runner) struct Bar;

impl Bar {
    pub(in crate::runner) fn inc(&self, _: u64) {}

    pub(in crate::runner) fn finish_and_clear(&self) {}
}

pub(in crate::runner) fn drawn(_: u64, _: f64, _: Progress) -> Bar {
    Bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DSRunner, Steps, neurons};

    /// A bar that is asked for wherever it goes is not left out in silence.
    #[test]
    fn a_forced_bar_is_refused() {
        let build =
            |bar| DSRunner::builder(neurons::lif(1)).progress_bar(bar).device("cpu").build();
        let error = build(Progress::Forced).unwrap_err().to_string();
        assert_eq!(
            error,
            "`progress_bar` is forced, but must be off or for terminals, since dsrunner is built without its feature `progress`"
        );
        for bar in [Progress::Off, Progress::Terminal] {
            build(bar).unwrap().run(Steps(10)).unwrap();
        }
    }
}
