//! Phase planes: trajectories and clouds of points.

use std::collections::BTreeMap;
use std::path::Path;

use plotters::style::WHITE;

use super::axes::{self, MIDDLE, Panel, Range, SMALL};
use super::canvas::{Align, Canvas, Mark, picture};
use super::key::key;
use super::{Drawn, colour, font};
use crate::{Error, Result};

/// Above this many points the cloud is drawn as a density.
const SINGLE_POINTS: usize = 3000;

/// Draws trajectories and a cloud of points in the plane of two variables.
///
/// `axes` names the two variables. Each trajectory of `lines` and the cloud
/// `points` are given by their x and y values. A single trajectory without
/// points changes its colour from start to end; several have a colour each.
/// A cloud of more than 3000 points is counted in small cells and drawn as a
/// density with logarithmic colours, with the trajectories on top.
///
/// A pair with a value that is not finite is left out; in a trajectory it
/// leaves a gap.
///
/// # Errors
///
/// [`Error::Plot`] if the extension is neither `.png` nor `.svg`, if x and y
/// values of a trajectory or of the points differ in number, or if the file
/// cannot be written.
///
/// # Examples
///
/// ```
/// use dsrunner::plot::phase;
///
/// let angle = |i: i32| i as f32 * 0.05;
/// let x: Vec<f32> = (0..400).map(|i| angle(i).cos() * (-0.1 * angle(i)).exp()).collect();
/// let y: Vec<f32> = (0..400).map(|i| angle(i).sin() * (-0.1 * angle(i)).exp()).collect();
/// let path = std::env::temp_dir().join("dsrunner-doc-phase.svg");
/// phase(&path, "Damped oscillator", ("x", "v"), &[(&x, &y)], None)?;
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), dsrunner::Error>(())
/// ```
pub fn phase(
    path: impl AsRef<Path>,
    title: &str,
    axes: (&str, &str),
    lines: &[(&[f32], &[f32])],
    points: Option<(&[f32], &[f32])>,
) -> Result<()> {
    let path = path.as_ref();
    let named = lines
        .iter()
        .enumerate()
        .map(|(i, pair)| (format!("trajectory {i} has"), pair))
        .chain(points.iter().map(|pair| ("the points have".into(), pair)));
    for (what, (x, y)) in named {
        if x.len() != y.len() {
            return Err(Error::Plot {
                path: path.display().to_string(),
                reason: format!("{what} {} x values but {} y values", x.len(), y.len()),
            });
        }
    }
    picture(path, (1300, 1000), |canvas| paint(canvas, title, axes, lines, points))
}

/// Pairs of values; both are NaN where one is not finite.
fn pairs<'a>(&(x, y): &(&'a [f32], &'a [f32])) -> impl Iterator<Item = (f64, f64)> + 'a {
    x.iter().zip(y).map(|(&x, &y)| {
        if x.is_finite() && y.is_finite() {
            (f64::from(x), f64::from(y))
        } else {
            (f64::NAN, f64::NAN)
        }
    })
}

fn paint(
    canvas: &mut Canvas,
    title: &str,
    names: (&str, &str),
    lines: &[(&[f32], &[f32])],
    points: Option<(&[f32], &[f32])>,
) -> Drawn {
    let all = || lines.iter().chain(points.iter()).flat_map(pairs);
    let ranges = (Range::of(all().map(|p| p.0)), Range::of(all().map(|p| p.1)));
    let unit = Range { low: 0.0, high: 1.0 };
    let mut panel = Panel {
        left: 0.0,
        right: canvas.size.0 - 170.0,
        top: 100.0,
        bottom: 900.0,
        x: ranges.0.unwrap_or(unit).widened(0.04),
        y: ranges.1.unwrap_or(unit).widened(0.04),
    };
    let y_ticks = panel.y_ticks();
    panel.left = axes::left_margin(&y_ticks);

    axes::title(canvas, title, panel.left)?;
    panel.x_axis(canvas, Some(names.0))?;
    panel.y_axis(canvas, &y_ticks)?;
    panel.y_label(canvas, names.1)?;
    if ranges.0.is_none() {
        return panel.note(canvas, "no data");
    }

    if let Some(points) = points {
        let places: Vec<_> =
            pairs(&points).filter(|p| p.0.is_finite()).map(|(x, y)| panel.at(x, y)).collect();
        cloud(canvas, &panel, &places)?;
    }
    for (i, line) in lines.iter().enumerate() {
        let values: Vec<_> = pairs(line).collect();
        let pieces: Vec<Vec<_>> = values
            .split(|p| p.0.is_nan())
            .filter(|piece| !piece.is_empty())
            .map(|piece| piece.iter().map(|&(x, y)| panel.at(x, y)).collect())
            .collect();
        if lines.len() == 1 && points.is_none() {
            graded(canvas, &pieces)?;
            let ends = [(0.0, "start".into()), (1.0, "end".into())];
            key(canvas, &panel, &["time"], &colour::ORDER, &ends)?;
            continue;
        }
        let (hue, width) = match (points, lines.len()) {
            (Some(_), 1) => (colour::pick(1), 1.8),
            (_, 2..=8) => (colour::pick(i), 2.0),
            (_, n) => (colour::ramp(&colour::ORDER, i as f64 / (n - 1) as f64), 1.4),
        };
        for piece in &pieces {
            if points.is_some() {
                canvas.line(piece, width + 1.8, WHITE)?;
            }
            canvas.line(piece, width, hue)?;
        }
        if let Some(start) = pieces.first().and_then(|piece| piece.first()) {
            if points.is_some() {
                canvas.line(&[*start], 13.0, WHITE)?;
            }
            canvas.line(&[*start], 9.0, hue)?;
        }
    }
    if lines.is_empty() || (lines.len() == 1 && points.is_none()) {
        return Ok(());
    }
    let (x, y) = (panel.right + 43.0, panel.bottom - 20.0);
    canvas.line(&[(x, y - SMALL.size * MIDDLE)], 9.0, SMALL.colour)?;
    canvas.text("start", (x + 18.0, y), SMALL, Align::Left)
}

/// Draws one trajectory in colours from its start to its end.
fn graded(canvas: &mut Canvas, pieces: &[Vec<(f64, f64)>]) -> Drawn {
    const SHADES: usize = 128;
    let total: usize = pieces.iter().map(Vec::len).sum();
    let length = total.div_ceil(SHADES).max(1);
    let mut done = 0;
    for piece in pieces {
        let mut start = 0;
        while start < piece.len() {
            // One more point joins the stretch to the next one.
            let end = (start + length + 1).min(piece.len());
            let hue = colour::ramp(&colour::ORDER, (done + start) as f64 / total as f64);
            canvas.line(&piece[start..end], 1.5, hue)?;
            start += length;
        }
        done += piece.len();
    }
    Ok(())
}

/// Draws points, few ones singly and many as counts in cells.
fn cloud(canvas: &mut Canvas, panel: &Panel, places: &[(f64, f64)]) -> Drawn {
    if places.len() <= SINGLE_POINTS {
        let side = if places.len() < 500 { 6.0 } else { 4.0 };
        let mark = Mark {
            width: side,
            height: side,
            colour: colour::AMOUNT[3],
            alpha: 0.55,
            tiled: false,
        };
        return canvas.marks(places, mark);
    }
    let (side, cells) = counted(places);
    let most = cells.values().copied().max().unwrap_or(1);
    let level = |count: usize| (count as f64).ln() / (most.max(2) as f64).ln();

    const SHADES: usize = 48;
    let mut shades: Vec<Vec<(f64, f64)>> = vec![Vec::new(); SHADES];
    for (&(row, column), &count) in &cells {
        let shade = (level(count) * (SHADES - 1) as f64).round() as usize;
        let centre = |n: i32| (f64::from(n) + 0.5) * side;
        shades[shade.min(SHADES - 1)].push((centre(column), centre(row)));
    }
    for (shade, places) in shades.iter().enumerate() {
        let mark = Mark {
            width: side,
            height: side,
            colour: colour::ramp(&colour::AMOUNT, shade as f64 / (SHADES - 1) as f64),
            alpha: 1.0,
            tiled: true,
        };
        canvas.marks(places, mark)?;
    }

    let mut ticks: Vec<(f64, String)> = vec![(0.0, "1".into())];
    let mut count = 10;
    while count <= most {
        ticks.push((level(count), font::count(count)));
        count *= 10;
    }
    if ticks.last().is_none_or(|t| t.0 < 0.85) {
        ticks.push((level(most), font::count(most)));
    }
    let title = ["points", "per cell"];
    key(canvas, panel, &title, &colour::AMOUNT, &ticks)
}

/// Counts points in square cells, by row and column. The cells have the
/// smallest side at which an occupied cell holds a few points.
fn counted(places: &[(f64, f64)]) -> (f64, BTreeMap<(i32, i32), usize>) {
    let count = |side: f64| {
        let mut cells = BTreeMap::new();
        for &(x, y) in places {
            let cell = ((y / side) as i32, (x / side) as i32);
            *cells.entry(cell).or_insert(0) += 1;
        }
        (side, cells)
    };
    for side in [2.0, 3.0, 4.0] {
        let (side, cells) = count(side);
        if cells.len() >= 1000 && places.len() >= cells.len() * 4 {
            return (side, cells);
        }
    }
    count(5.0)
}
