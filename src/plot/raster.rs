//! Spike rasters with the firing rate of each population.

use std::path::Path;

use super::axes::{self, Panel, Range, SMALL};
use super::canvas::{Align, Canvas, Mark, picture};
use super::labels::{self, SideLabel};
use super::{Drawn, colour, font};
use crate::{Error, Result};

/// Spikes drawn at most; beyond this only every n-th neuron is shown.
const MOST_SPIKES: usize = 150_000;

/// Spike events of one population: event `i` is a spike of neuron
/// `indices[i]` at step `steps[i]`, in any order.
#[derive(Clone, Copy, Debug)]
pub struct RasterGroup<'a> {
    /// Name of the population, drawn beside its spikes.
    pub name: &'a str,
    /// Number of neurons, with or without spikes.
    pub size: usize,
    /// Step of each spike.
    pub steps: &'a [u64],
    /// Index of the neuron of each spike, below `size`.
    pub indices: &'a [u32],
}

/// The stretch of time that a raster shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Time of step 0 in milliseconds.
    pub t0_ms: f64,
    /// Length of a step in milliseconds.
    pub dt_ms: f64,
    /// Number of steps, from step 0 on.
    pub steps: u64,
}

impl Span {
    fn length_ms(&self) -> f64 {
        self.dt_ms * self.steps as f64
    }
}

/// Draws the spikes of one or more populations over time, and below them the
/// firing rate of each population.
///
/// The populations are stacked, the first one at the bottom; each has its own
/// colour, its name and its mean rate beside it. Marks shrink and turn
/// translucent as they get denser. Beyond 150,000 spikes only every n-th
/// neuron is shown, and the axis says so; rates always count all neurons. The
/// rate is counted in bins of 1 ms, or of 1/500 to 1/200 of a longer span, and
/// smoothed over neighbouring bins; the picture states both lengths. With more
/// populations than there are colours, the lower panel shows one rate, that of
/// all neurons.
///
/// Spikes at or after the end of `span` are outside the picture and count in
/// no rate.
///
/// # Errors
///
/// [`Error::Plot`] if the extension is neither `.png` nor `.svg`, if `steps`
/// and `indices` of a group differ in length, if an index is not below the
/// group's `size`, if `span` has a step that is not positive, or if the file
/// cannot be written.
///
/// # Examples
///
/// ```
/// use dsrunner::plot::{RasterGroup, Span, raster};
///
/// let excitatory = RasterGroup {
///     name: "E",
///     size: 4,
///     steps: &[10, 250, 400, 790],
///     indices: &[0, 3, 1, 2],
/// };
/// let inhibitory = RasterGroup {
///     name: "I",
///     size: 1,
///     steps: &[30, 420],
///     indices: &[0, 0],
/// };
/// let span = Span { t0_ms: 0.0, dt_ms: 0.1, steps: 1000 };
/// let path = std::env::temp_dir().join("dsrunner-doc-raster.svg");
/// raster(&path, "A small network", &[excitatory, inhibitory], span)?;
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), dsrunner::Error>(())
/// ```
pub fn raster(
    path: impl AsRef<Path>,
    title: &str,
    groups: &[RasterGroup],
    span: Span,
) -> Result<()> {
    let path = path.as_ref();
    check(groups, span)
        .map_err(|reason| Error::Plot { path: path.display().to_string(), reason })?;
    picture(path, (1600, 1000), |canvas| paint(canvas, title, groups, span))
}

fn check(groups: &[RasterGroup], span: Span) -> Drawn {
    if !(span.t0_ms.is_finite() && span.length_ms().is_finite() && span.dt_ms > 0.0) {
        return Err(format!(
            "a span needs a finite start and a positive step, not {} ms and {} ms",
            span.t0_ms, span.dt_ms
        ));
    }
    for group in groups {
        let (name, steps, indices) = (group.name, group.steps.len(), group.indices.len());
        if steps != indices {
            return Err(format!(
                "population `{name}` has {steps} spike steps but {indices} spike indices"
            ));
        }
        let highest = group.indices.iter().max();
        if let Some(index) = highest.filter(|&&i| i as usize >= group.size) {
            return Err(format!(
                "population `{name}` has {} neurons but a spike with index {index}",
                group.size
            ));
        }
    }
    Ok(())
}

/// What the picture needs to know of one population.
struct RasterRows<'a> {
    group: &'a RasterGroup<'a>,
    /// Row of neuron 0; the neurons of all populations are stacked.
    first: f64,
    /// Number of spikes within the span.
    spikes: usize,
}

impl RasterRows<'_> {
    fn size(&self) -> f64 {
        self.group.size as f64
    }

    /// Step and index of the spikes within the span.
    fn spikes(&self, span: Span) -> impl Iterator<Item = (u64, u32)> {
        let all = self.group.steps.iter().zip(self.group.indices);
        all.map(|(&step, &index)| (step, index)).filter(move |&(step, _)| step < span.steps)
    }
}

fn paint(canvas: &mut Canvas, title: &str, groups: &[RasterGroup], span: Span) -> Drawn {
    let mut rows = Vec::with_capacity(groups.len());
    let mut total = 0.0;
    for group in groups {
        let spikes = group.steps.iter().filter(|&&s| s < span.steps).count();
        rows.push(RasterRows { group, first: total, spikes });
        total += group.size as f64;
    }

    let time = Range { low: span.t0_ms, high: span.t0_ms + span.length_ms() };
    // A span of no length still gets an axis.
    let time = if time.high > time.low { time } else { Range { high: time.low + 1.0, ..time } };
    let many = rows.len() > colour::DISTINCT;
    let (bin_ms, mut rates) = rates(&rows, span);
    if many {
        rates = vec![mean(&rows, &rates)];
    }
    let highest = rates.iter().flatten().copied().fold(0.0, f64::max);

    let mut upper = Panel {
        left: 0.0,
        right: canvas.size.0 - labels::margin(groups.iter().map(|g| g.name)),
        top: 100.0,
        bottom: 650.0,
        x: time,
        y: Range { low: 0.0, high: f64::max(total, 1.0) },
    };
    let mut lower = Panel {
        top: 700.0,
        bottom: 900.0,
        y: Range { low: 0.0, high: if highest > 0.0 { highest * 1.08 } else { 1.0 } },
        ..upper
    };
    let index_ticks = if many { upper.y.ticks(6.0) } else { index_ticks(&rows, &upper) };
    let rate_ticks = lower.y.ticks(4.0);
    upper.left = axes::left_margin(index_ticks.iter().chain(&rate_ticks));
    lower.left = upper.left;

    axes::title(canvas, title, upper.left)?;
    let every = spikes(canvas, &upper, &rows, span)?;
    for row in &rows {
        if row.first > 0.0 && row.group.size > 0 {
            let (_, y) = upper.at(time.low, row.first);
            canvas.line(&[(upper.left, y), (upper.right, y)], 1.0, colour::GRID)?;
        }
    }
    upper.x_axis(canvas, None)?;
    upper.y_axis(canvas, &index_ticks)?;
    upper.y_label(
        canvas,
        &match every {
            1 => "neuron index".to_string(),
            n => format!("neuron index (every {} shown)", font::ordinal(n)),
        },
    )?;
    if rows.iter().all(|row| row.spikes == 0) {
        upper.note(canvas, "no spikes")?;
    }
    names(canvas, &upper, &rows, span)?;

    lower.grid(canvas, &rate_ticks)?;
    for (i, rate) in rates.iter().enumerate().rev() {
        let centre = |bin: usize| (time.low + (bin as f64 + 0.5) * bin_ms).min(time.high);
        let curve = rate.iter().enumerate();
        let curve: Vec<_> = curve.map(|(b, &r)| lower.at(centre(b), r)).collect();
        if !curve.is_empty() {
            canvas.line(&curve, 2.2, if many { colour::INK } else { colour::pick(i) })?;
        }
    }
    lower.x_axis(canvas, Some("time (ms)"))?;
    lower.y_axis(canvas, &rate_ticks)?;
    lower.y_label(canvas, "rate (Hz)")?;
    if rates.iter().any(|rate| !rate.is_empty()) {
        let x = lower.right + 20.0;
        let smooth = axes::number(bin_ms * SMOOTHING, bin_ms * 0.1);
        let bin = axes::number(bin_ms, bin_ms * 0.1);
        let lines = [
            if many { "all neurons".into() } else { String::new() },
            format!("{} ms bins,", short(&bin)),
            format!("Gaussian σ {} ms", short(&smooth)),
        ];
        for (line, text) in lines.into_iter().filter(|text| !text.is_empty()).enumerate() {
            let y = lower.top + 20.0 + 27.0 * line as f64;
            canvas.text(&text, (x, y), SMALL, Align::Left)?;
        }
    }
    Ok(())
}

/// A decimal number without trailing zeros.
fn short(number: &str) -> &str {
    if number.contains('.') && !number.contains('e') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    }
}

/// Ticks with the indices of each population, which start from 0 in each.
fn index_ticks(rows: &[RasterRows], panel: &Panel) -> Vec<(f64, String)> {
    let mut ticks: Vec<(f64, String)> = Vec::new();
    let height = |neurons: f64| neurons * (panel.bottom - panel.top) / panel.y.high;
    for row in rows.iter().filter(|row| row.group.size > 0) {
        let near = |tick: &(f64, String)| height(row.first + 0.5 - tick.0) < 24.0;
        while ticks.last().is_some_and(|t| t.1 != "0" && near(t)) {
            ticks.pop();
        }
        if ticks.last().is_some_and(near) {
            continue;
        }
        let range = Range { low: 0.0, high: row.size() - 1.0 };
        let own = range.ticks((height(row.size()) / 65.0).min(row.size()));
        if own.is_empty() {
            ticks.push((row.first + 0.5, "0".into()));
        }
        let whole = own.into_iter().filter(|(v, _)| v.fract() == 0.0 && *v < row.size());
        ticks.extend(whole.map(|(v, text)| (row.first + v + 0.5, text)));
    }
    ticks
}

/// Draws the spikes; the answer n says that every n-th neuron is shown.
fn spikes(
    canvas: &mut Canvas,
    panel: &Panel,
    rows: &[RasterRows],
    span: Span,
) -> std::result::Result<usize, String> {
    let total: usize = rows.iter().map(|row| row.spikes).sum();
    let every = total.div_ceil(MOST_SPIKES).max(1);
    let (width, height) = (panel.right - panel.left, panel.bottom - panel.top);
    let density = (total / every).max(1) as f64 / (width * height);
    let room = height / panel.y.high * every as f64;

    // Bars for few neurons, dots for many; together they cover some 20 % of
    // the panel if there are enough of them.
    let side = (0.2 / density).sqrt().clamp(1.0, 4.0);
    let tall = (room * 0.7).min(18.0);
    let (wide, tall) =
        if tall > side { ((0.2 / (density * tall)).clamp(1.0, 2.2), tall) } else { (side, side) };
    let alpha = (0.6 / (density * wide * tall)).sqrt().clamp(0.3, 0.9);

    for (i, row) in rows.iter().enumerate() {
        let places: Vec<_> = row
            .spikes(span)
            .filter(|&(_, index)| (index as usize).is_multiple_of(every))
            .map(|(step, index)| {
                let time = span.t0_ms + step as f64 * span.dt_ms;
                panel.at(time, row.first + f64::from(index) + 0.5)
            })
            .collect();
        let mark = Mark { width: wide, height: tall, colour: colour::pick(i), alpha, tiled: false };
        canvas.marks(&places, mark)?;
    }
    Ok(every)
}

/// Writes name, size and mean rate of each population beside its spikes.
fn names(canvas: &mut Canvas, panel: &Panel, rows: &[RasterRows], span: Span) -> Drawn {
    let seconds = span.length_ms() / 1000.0;
    let labels = rows
        .iter()
        .enumerate()
        .map(|(i, row)| {
            let rate = row.spikes as f64 / (row.size() * seconds);
            let mut remarks = vec![match row.group.size {
                1 => "1 neuron".to_string(),
                n => format!("{} neurons", font::count(n)),
            }];
            let mut brief = String::new();
            if rate.is_finite() {
                remarks.push(format!("mean {rate:.1} Hz"));
                brief = format!("{rate:.1} Hz");
            }
            SideLabel {
                y: panel.at(panel.x.low, row.first + row.size() / 2.0).1,
                name: row.group.name.to_string(),
                colour: colour::pick(i),
                remarks,
                brief,
            }
        })
        .collect();
    labels::column(canvas, panel.right + 20.0, (panel.top, panel.bottom), labels)
}

/// Width of the smoothing of the rates in bins.
const SMOOTHING: f64 = 1.5;

/// The length of a bin in ms and the smoothed rate in Hz of each population
/// in each bin.
fn rates(rows: &[RasterRows], span: Span) -> (f64, Vec<Vec<f64>>) {
    if span.steps == 0 {
        return (1.0, Vec::new());
    }
    let wanted = axes::round_up(span.length_ms() / 500.0).max(1.0);
    let per_bin = ((wanted / span.dt_ms).round() as u64).clamp(1, span.steps);
    let bins = span.steps.div_ceil(per_bin) as usize;
    let rates = rows
        .iter()
        .map(|row| {
            if row.group.size == 0 {
                return Vec::new();
            }
            let mut counts = vec![0.0; bins];
            for (step, _) in row.spikes(span) {
                counts[(step / per_bin) as usize] += 1.0;
            }
            let rate = |(bin, count): (usize, f64)| {
                let steps = per_bin.min(span.steps - bin as u64 * per_bin);
                count * 1000.0 / (row.size() * span.dt_ms * steps as f64)
            };
            let rates: Vec<f64> = counts.into_iter().enumerate().map(rate).collect();
            smoothed(&rates)
        })
        .collect();
    (per_bin as f64 * span.dt_ms, rates)
}

/// The rate of all neurons from those of the populations.
fn mean(rows: &[RasterRows], rates: &[Vec<f64>]) -> Vec<f64> {
    let total = rows.iter().map(RasterRows::size).sum::<f64>().max(1.0);
    let bins = rates.iter().map(Vec::len).max().unwrap_or(0);
    let part = |bin: usize, (row, rate): (&RasterRows, &Vec<f64>)| {
        rate.get(bin).map_or(0.0, |r| r * row.size() / total)
    };
    (0..bins).map(|bin| rows.iter().zip(rates).map(|pair| part(bin, pair)).sum()).collect()
}

/// Weighted means over neighbouring values (a Gaussian window).
fn smoothed(values: &[f64]) -> Vec<f64> {
    let reach = (3.0 * SMOOTHING).ceil() as usize;
    (0..values.len())
        .map(|at| {
            let from = at.saturating_sub(reach);
            let near = &values[from..(at + reach + 1).min(values.len())];
            let (mut sum, mut weights) = (0.0, 0.0);
            for (i, value) in near.iter().enumerate() {
                let off = ((from + i) as f64 - at as f64) / SMOOTHING;
                let weight = (-0.5 * off * off).exp();
                sum += weight * value;
                weights += weight;
            }
            sum / weights
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{RasterGroup, RasterRows, Span, rates};

    fn of(group: &RasterGroup, span: Span) -> (f64, Vec<f64>) {
        let rows = RasterRows { group, first: 0.0, spikes: 0 };
        let (bin, mut rates) = rates(&[rows], span);
        (bin, rates.remove(0))
    }

    #[test]
    fn regular_spikes_have_a_flat_rate() {
        // Ten neurons, one spike in each step of 0.5 ms; the last bin is cut short.
        let span = Span { t0_ms: 0.0, dt_ms: 0.5, steps: 1999 };
        let steps: Vec<u64> = (0..5000).collect();
        let indices: Vec<u32> = (0..5000).map(|i| i % 10).collect();
        let group = RasterGroup { name: "E", size: 10, steps: &steps, indices: &indices };
        let (bin, rate) = of(&group, span);
        assert_eq!(bin, 2.0);
        assert_eq!(rate.len(), 500);
        assert!(rate.iter().all(|r| (r - 200.0).abs() < 1e-9), "{rate:?}");
    }

    #[test]
    fn smoothing_keeps_the_number_of_spikes() {
        let span = Span { t0_ms: 0.0, dt_ms: 0.1, steps: 1000 };
        let group =
            RasterGroup { name: "E", size: 4, steps: &[500, 501, 502], indices: &[0, 1, 2] };
        let (bin, rate) = of(&group, span);
        let spikes: f64 = rate.iter().map(|r| r * bin / 1000.0 * 4.0).sum();
        assert!((spikes - 3.0).abs() < 1e-9, "{spikes}");
        let peak = rate.iter().copied().fold(0.0, f64::max);
        assert_eq!(rate[50], peak);
    }
}
