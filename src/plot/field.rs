//! Fields: a value at each place of a grid, or of each element over time.

use std::path::Path;

use ndarray::{ArrayView2, s};

use super::axes::{self, Panel, Range};
use super::canvas::{Canvas, Mark, picture};
use super::key::key;
use super::{Drawn, colour};
use crate::{Error, Result};

/// Draws a matrix as colours: row 0 at the bottom, column 0 at the left.
///
/// `axes` names the axes and `ranges` says from where to where they go. Where
/// there are more values than pixels, a pixel has the mean of its values. A
/// value that is not finite leaves a gap.
///
/// # Errors
///
/// [`Error::Plot`] if the extension is neither `.png` nor `.svg`, if a range is
/// empty or not finite, or if the file cannot be written.
///
/// # Examples
///
/// ```
/// use dsrunner::plot::field;
/// use ndarray::Array2;
///
/// let waves = Array2::from_shape_fn((40, 60), |(y, x)| (x as f32 * 0.2).sin() * (y as f32 * 0.1).cos());
/// let path = std::env::temp_dir().join("dsrunner-doc-field.svg");
/// field(&path, "Waves", ("x", "y"), (0.0..60.0, 0.0..40.0), waves.view())?;
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), dsrunner::Error>(())
/// ```
pub fn field(
    path: impl AsRef<Path>,
    title: &str,
    axes: (&str, &str),
    ranges: (std::ops::Range<f64>, std::ops::Range<f64>),
    values: ArrayView2<'_, f32>,
) -> Result<()> {
    let path = path.as_ref();
    for range in [&ranges.0, &ranges.1] {
        // a comparison with NaN is false
        if !(range.start < range.end && (range.end - range.start).is_finite()) {
            return Err(Error::Plot {
                path: path.display().to_string(),
                reason: format!("the range {range:?} of an axis is empty or not finite"),
            });
        }
    }
    picture(path, (1300, 1000), |canvas| paint(canvas, title, axes, &ranges, values))
}

fn paint(
    canvas: &mut Canvas,
    title: &str,
    names: (&str, &str),
    ranges: &(std::ops::Range<f64>, std::ops::Range<f64>),
    values: ArrayView2<'_, f32>,
) -> Drawn {
    let axis = |range: &std::ops::Range<f64>| Range { low: range.start, high: range.end };
    let mut panel = Panel {
        left: 0.0,
        right: canvas.size.0 - 170.0,
        top: 100.0,
        bottom: 900.0,
        x: axis(&ranges.0),
        y: axis(&ranges.1),
    };
    let y_ticks = panel.y_ticks();
    panel.left = axes::left_margin(&y_ticks);
    axes::title(canvas, title, panel.left)?;
    let span = Range::of(values.iter().map(|&v| f64::from(v)));
    if let Some(span) = span {
        cells(canvas, &panel, span, values)?;
        let ticks = span.ticks(5.0).into_iter().map(|(value, text)| (span.part(value), text));
        key(canvas, &panel, &[], &colour::FIELD, &ticks.collect::<Vec<_>>())?;
    }
    panel.x_axis(canvas, Some(names.0))?;
    panel.y_axis(canvas, &y_ticks)?;
    panel.y_label(canvas, names.1)?;
    if span.is_none() { panel.note(canvas, "no data") } else { Ok(()) }
}

/// Draws the values as tiles, those of one shade together.
fn cells(canvas: &mut Canvas, panel: &Panel, span: Range, values: ArrayView2<'_, f32>) -> Drawn {
    const SHADES: usize = 64;
    let (width, height) = (panel.right - panel.left, panel.bottom - panel.top);
    let (rows, columns) = values.dim();
    let (down, across) = (rows.min(height as usize), columns.min(width as usize));
    let (tile_w, tile_h) = (width / across as f64, height / down as f64);
    let mut shades: Vec<Vec<(f64, f64)>> = vec![Vec::new(); SHADES];
    for y in 0..down {
        for x in 0..across {
            let part = values.slice(s![
                y * rows / down..(y + 1) * rows / down,
                x * columns / across..(x + 1) * columns / across
            ]);
            let finite = part.iter().filter(|v| v.is_finite());
            let (sum, count) = finite.fold((0.0, 0), |(sum, n), &v| (sum + f64::from(v), n + 1));
            if count == 0 {
                continue;
            }
            let shade = span.part(sum / f64::from(count)) * (SHADES - 1) as f64;
            // all values may be the same, which is the middle of nothing
            let shade = if shade.is_finite() { shade.round() as usize } else { SHADES / 2 };
            let centre =
                (panel.left + (x as f64 + 0.5) * tile_w, panel.bottom - (y as f64 + 0.5) * tile_h);
            shades[shade.min(SHADES - 1)].push(centre);
        }
    }
    for (shade, places) in shades.iter().enumerate() {
        let mark = Mark {
            // edges are rounded to pixels, and may leave none uncovered
            width: tile_w + 0.5,
            height: tile_h + 0.5,
            colour: colour::ramp(&colour::FIELD, shade as f64 / (SHADES - 1) as f64),
            alpha: 1.0,
            tiled: true,
        };
        canvas.marks(places, mark)?;
    }
    Ok(())
}
