//! The bar, drawn by `indicatif`.

use std::io::{self, Write};

use indicatif::{ProgressDrawTarget, ProgressState, ProgressStyle, TermLike};

use super::Progress;

pub(in crate::runner) type Bar = indicatif::ProgressBar;

/// A bar of steps, elapsed and remaining time, and simulated time over wall time.
pub(in crate::runner) fn drawn(steps: u64, dt: f64, progress: Progress) -> Bar {
    let target = match progress {
        Progress::Off => return Bar::hidden(),
        Progress::Terminal => ProgressDrawTarget::stderr(),
        Progress::Forced => ProgressDrawTarget::term_like(Box::new(Stderr)),
    };
    let bar = Bar::with_draw_target(Some(steps), target);
    let ratio = move |state: &ProgressState, w: &mut dyn std::fmt::Write| {
        let _ = write!(w, "{:.1}", state.pos() as f64 * dt / state.elapsed().as_secs_f64());
    };
    let template = "{bar:32} {pos}/{len} steps  {elapsed} < {eta}  {ratio} of simulated time per s";
    // a template that does not parse costs the looks, not the run
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.with_key("ratio", ratio));
    }
    bar
}

/// Standard error, taken for a terminal whatever it is.
#[derive(Debug)]
struct Stderr;

impl Stderr {
    fn control(n: usize, code: char) -> io::Result<()> {
        if n == 0 { Ok(()) } else { write!(io::stderr(), "\x1b[{n}{code}") }
    }
}

impl TermLike for Stderr {
    fn width(&self) -> u16 {
        120
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        Self::control(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        Self::control(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        Self::control(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        Self::control(n, 'D')
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        writeln!(io::stderr(), "{line}")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        write!(io::stderr(), "{text}")
    }

    fn clear_line(&self) -> io::Result<()> {
        write!(io::stderr(), "\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        io::stderr().flush()
    }
}
