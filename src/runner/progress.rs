//! The progress bar.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// A bar on standard error that shows steps, elapsed and remaining time, and wall time over simulated time. indicatif
/// draws nothing where that is no terminal.
pub(super) fn bar(steps: u64, seconds_per_step: f64, show: bool) -> ProgressBar {
    if !show {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr());
    let ratio = move |state: &ProgressState, w: &mut dyn std::fmt::Write| {
        let simulated = state.pos() as f64 * seconds_per_step;
        let _ = write!(w, "{:.3}", state.elapsed().as_secs_f64() / simulated);
    };
    let template = "{bar:32} {pos}/{len} steps  {elapsed} < {eta}  {ratio} s per simulated s";
    // a template that does not parse costs the looks, not the run
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.with_key("ratio", ratio));
    }
    bar
}
