//! Colour bars.

use plotters::style::RGBColor;

use super::axes::{MIDDLE, Panel, SMALL};
use super::canvas::{Align, Canvas};
use super::{Drawn, colour};

/// Draws a colour bar at the right of the panel, with ticks from 0 (bottom) to
/// 1 (top).
pub(super) fn key(
    canvas: &mut Canvas,
    panel: &Panel,
    title: &[&str],
    stops: &[RGBColor; 5],
    ticks: &[(f64, String)],
) -> Drawn {
    const WIDTH: f64 = 18.0;
    const BLOCKS: u32 = 120;
    const BLOCK: f64 = 2.0;
    let left = panel.right + 34.0;
    let mut y = panel.top + 16.0;
    for line in title {
        canvas.text(line, (left, y), SMALL, Align::Left)?;
        y += 26.0;
    }
    let length = f64::from(BLOCKS) * BLOCK;
    let bottom = y - 8.0 + length;
    for i in 0..BLOCKS {
        let hue = colour::ramp(stops, (f64::from(i) + 0.5) / f64::from(BLOCKS));
        let low = bottom - f64::from(i) * BLOCK;
        canvas.block((left, low - BLOCK), (left + WIDTH, low), hue)?;
    }
    for (part, text) in ticks {
        let y = bottom - part * length + SMALL.size * MIDDLE;
        canvas.text(text, (left + WIDTH + 9.0, y), SMALL, Align::Left)?;
    }
    Ok(())
}
