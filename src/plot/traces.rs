//! Lines over time, such as membrane potentials.

use std::path::Path;

use plotters::style::RGBColor;

use super::axes::{self, Panel, Range, SMALL};
use super::canvas::{Align, Canvas, picture};
use super::labels::{self, SideLabel};
use super::{Drawn, colour};
use crate::{Error, Result};

/// Up to this many series share a panel.
const SHARED: usize = 3;
/// Up to this many series have a strip each.
const STRIPS: usize = 12;

/// Draws series of values over time, each with its name beside it.
///
/// `t` holds the times in milliseconds and each series one value per time. Up
/// to three series share one panel; four to twelve are drawn one below the
/// other, all with the same vertical scale; more share one panel again as
/// thin lines. `marks` are times, for instance of spikes, drawn as ticks above
/// the panel; those outside the range of `t` are left out.
///
/// A value that is not finite leaves a gap in its line.
///
/// # Errors
///
/// [`Error::Plot`] if the extension is neither `.png` nor `.svg`, if a series
/// has another length than `t`, or if the file cannot be written.
///
/// # Examples
///
/// ```
/// use dsrunner::plot::traces;
///
/// let t: Vec<f64> = (0..1000).map(|i| f64::from(i) * 0.1).collect();
/// let v: Vec<f32> = t.iter().map(|t| -65.0 + 5.0 * (t * 0.2).sin() as f32).collect();
/// let path = std::env::temp_dir().join("dsrunner-doc-traces.svg");
/// traces(&path, "One neuron", "membrane potential (mV)", &t, &[("v", &v)], Some(&[7.8]))?;
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), dsrunner::Error>(())
/// ```
pub fn traces(
    path: impl AsRef<Path>,
    title: &str,
    y_label: &str,
    t: &[f64],
    series: &[(&str, &[f32])],
    marks: Option<&[f64]>,
) -> Result<()> {
    let path = path.as_ref();
    for (name, values) in series {
        if values.len() != t.len() {
            return Err(Error::Plot {
                path: path.display().to_string(),
                reason: format!(
                    "series `{name}` has {} values for {} times",
                    values.len(),
                    t.len()
                ),
            });
        }
    }
    picture(path, (1600, 1000), |canvas| paint(canvas, title, y_label, t, series, marks))
}

fn paint(
    canvas: &mut Canvas,
    title: &str,
    y_label: &str,
    t: &[f64],
    series: &[(&str, &[f32])],
    marks: Option<&[f64]>,
) -> Drawn {
    let values = series.iter().flat_map(|(_, v)| v.iter());
    let values = Range::of(values.map(|&v| f64::from(v)));
    let times = Range::of(t.iter().copied());
    let strips = match series.len() {
        n if n > SHARED && n <= STRIPS => n,
        _ => 1,
    };

    let top = if marks.is_some() { 140.0 } else { 100.0 };
    let gap = if strips > 1 { 16.0 } else { 0.0 };
    let mut whole = Panel {
        left: 0.0,
        right: canvas.size.0 - 200.0,
        top,
        bottom: 900.0,
        x: match times.unwrap_or(Range { low: 0.0, high: 1.0 }) {
            range if range.high > range.low => range,
            point => point.widened(0.0),
        },
        y: values.unwrap_or(Range { low: 0.0, high: 1.0 }).widened(0.05),
    };
    let height = (whole.bottom - whole.top + gap) / strips as f64;
    let strip = |i: usize, whole: Panel| Panel {
        top: whole.top + height * i as f64,
        bottom: whole.top + height * (i + 1) as f64 - gap,
        ..whole
    };
    let ticks = strip(0, whole).y_ticks();
    whole.left = axes::left_margin(&ticks);

    axes::title(canvas, title, whole.left)?;
    for i in 0..strips {
        let panel = strip(i, whole);
        if values.is_some() {
            panel.grid(canvas, &ticks)?;
        }
        panel.y_axis(canvas, &ticks)?;
        if i + 1 < strips {
            canvas.line(
                &[(panel.left, panel.bottom), (panel.right, panel.bottom)],
                1.0,
                colour::GRID,
            )?;
        } else {
            panel.x_axis(canvas, Some("time (ms)"))?;
        }
    }
    whole.y_label(canvas, y_label)?;

    let many = series.len() > STRIPS;
    let mut names = Vec::with_capacity(series.len());
    for (i, (name, values)) in series.iter().enumerate() {
        let panel = strip(if strips > 1 { i } else { 0 }, whole);
        let hue = if many {
            colour::ramp(&colour::ORDER, i as f64 / (series.len() - 1) as f64)
        } else {
            colour::pick(i)
        };
        let width = if many { 1.2 } else { 2.0 };
        let end = curve(canvas, &panel, t, values, width, hue)?;
        names.push(SideLabel {
            y: match end {
                Some(y) if strips == 1 => y,
                _ => (panel.top + panel.bottom) / 2.0,
            },
            name: name.to_string(),
            colour: hue,
            remarks: Vec::new(),
            brief: String::new(),
        });
    }
    if values.is_none() || times.is_none() {
        whole.note(canvas, "no data")?;
    } else {
        let sides = (whole.top, whole.bottom);
        labels::column(canvas, whole.right + 16.0, sides, names)?;
    }
    ticks_above(canvas, &whole, marks)
}

/// Draws one series; the answer is the height at which it ends.
fn curve(
    canvas: &mut Canvas,
    panel: &Panel,
    t: &[f64],
    values: &[f32],
    width: f64,
    hue: RGBColor,
) -> std::result::Result<Option<f64>, String> {
    let mut end = None;
    let finite = |&(t, v): &(f64, f64)| t.is_finite() && v.is_finite();
    let pairs: Vec<(f64, f64)> = t.iter().zip(values).map(|(&t, &v)| (t, f64::from(v))).collect();
    for piece in pairs.split(|pair| !finite(pair)).filter(|p| !p.is_empty()) {
        let places: Vec<_> = piece.iter().map(|&(t, v)| panel.at(t, v)).collect();
        end = places.last().map(|p| p.1);
        canvas.line(&condensed(&places), width, hue)?;
    }
    Ok(end)
}

/// The same line with at most four points (first, lowest, highest, last) in
/// each stretch of points that share half a pixel column.
fn condensed(places: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let column = |p: &(f64, f64)| (p.0 * 2.0).floor();
    let mut kept = Vec::new();
    for stretch in places.chunk_by(|a, b| column(a) == column(b)) {
        if stretch.len() <= 4 {
            kept.extend_from_slice(stretch);
            continue;
        }
        let height = |&i: &usize, &j: &usize| stretch[i].1.total_cmp(&stretch[j].1);
        let mut picks = vec![0, stretch.len() - 1];
        picks.extend((0..stretch.len()).min_by(height));
        picks.extend((0..stretch.len()).max_by(height));
        picks.sort_unstable();
        picks.dedup();
        kept.extend(picks.into_iter().map(|i| stretch[i]));
    }
    kept
}

/// Draws the marked times as ticks above the panel.
fn ticks_above(canvas: &mut Canvas, panel: &Panel, marks: Option<&[f64]>) -> Drawn {
    let Some(marks) = marks else { return Ok(()) };
    let (top, bottom) = (panel.top - 40.0, panel.top - 18.0);
    for &time in marks {
        if time >= panel.x.low && time <= panel.x.high {
            let (x, _) = panel.at(time, panel.y.low);
            canvas.line(&[(x, top), (x, bottom)], 2.0, colour::INK)?;
        }
    }
    let at = (panel.right + 16.0, bottom - 4.0);
    canvas.text("spikes", at, SMALL, Align::Left)
}

#[cfg(test)]
mod tests {
    use super::condensed;

    #[test]
    fn condensing_keeps_the_extremes_in_order() {
        let heights = [5.0, 1.0, 4.0, 9.0, 3.0, 6.0];
        let dense: Vec<_> = (0..6).map(|i| (f64::from(i) * 0.01, heights[i as usize])).collect();
        let kept: Vec<f64> = condensed(&dense).iter().map(|p| p.1).collect();
        assert_eq!(kept, [5.0, 1.0, 9.0, 6.0]);
        let sparse: Vec<_> = (0..6).map(|i| (f64::from(i), 0.0)).collect();
        assert_eq!(condensed(&sparse), sparse);
    }
}
