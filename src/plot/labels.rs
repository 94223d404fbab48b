//! Names beside the data they belong to.

use plotters::style::RGBColor;

use super::axes::{MIDDLE, SMALL};
use super::canvas::{Align, Canvas, Face};
use super::{Drawn, font};

const LINE: f64 = 27.0;
const NAME: f64 = 22.0;

/// A name, in the colour of its data, with remarks below or beside it.
pub(super) struct SideLabel {
    /// Where the middle of the label should be, if there is room.
    pub y: f64,
    pub name: String,
    pub colour: RGBColor,
    /// Further lines, where there is room for those of all labels.
    pub remarks: Vec<String>,
    /// What follows the name where there is none.
    pub brief: String,
}

impl SideLabel {
    fn height(&self) -> f64 {
        LINE * (1 + self.remarks.len()) as f64
    }
}

/// Room that a column of labels needs beside a panel: for remarks below the names, and for a rate beside the longest one.
pub(super) fn margin<'a>(names: impl Iterator<Item = &'a str>) -> f64 {
    let longest = names.map(|name| font::width(name, NAME)).fold(0.0, f64::max);
    (longest + font::width("999.9 Hz", SMALL.size) + 64.0).clamp(220.0, 400.0)
}

/// Writes labels in a column at `x`, each as near to its place as the others
/// allow and all between `top` and `bottom`.
pub(super) fn column(
    canvas: &mut Canvas,
    x: f64,
    (mut top, bottom): (f64, f64),
    mut labels: Vec<SideLabel>,
) -> Drawn {
    let needed: f64 = labels.iter().map(SideLabel::height).sum();
    if needed > bottom - top {
        for label in &mut labels {
            label.remarks.clear();
        }
    } else {
        for label in &mut labels {
            label.brief.clear();
        }
    }
    let most = ((bottom - top) / LINE) as usize;
    if labels.len() > most {
        let every = labels.len().div_ceil(most.saturating_sub(1).max(1));
        labels = labels.into_iter().step_by(every).collect();
        let text = format!("1 in {every} named:");
        let base = top + LINE / 2.0 + SMALL.size * MIDDLE;
        canvas.text(&text, (x, base), SMALL, Align::Left)?;
        top += LINE;
    }
    labels.sort_by(|a, b| a.y.total_cmp(&b.y));

    let heights: Vec<f64> = labels.iter().map(SideLabel::height).collect();
    let wanted: Vec<f64> = labels.iter().map(|l| l.y - l.height() / 2.0).collect();
    let dot = x + 6.0;
    let x = x + 20.0;
    let room = canvas.size.0 - x - 12.0;
    let named = labels.iter().map(|l| font::width(&l.name, NAME) + 12.0);
    let beside = named.fold(0.0, f64::max);
    for (label, start) in labels.iter().zip(spread(&wanted, &heights, top, bottom)) {
        let mut base = start + LINE / 2.0 + SMALL.size * MIDDLE;
        let name = Face { size: NAME, colour: label.colour, bold: true };
        canvas.line(&[(dot, start + LINE / 2.0)], 11.0, label.colour)?;
        let text = font::fit(&label.name, name.size, room);
        canvas.text(&text, (x, base), name, Align::Left)?;
        if room > beside {
            let text = font::fit(&label.brief, SMALL.size, room - beside);
            canvas.text(&text, (x + beside, base), SMALL, Align::Left)?;
        }
        for remark in &label.remarks {
            base += LINE;
            let text = font::fit(remark, SMALL.size, room);
            canvas.text(&text, (x, base), SMALL, Align::Left)?;
        }
    }
    Ok(())
}

/// Starts of intervals of the given lengths, in the same order, close to
/// `wanted`, without overlap and between `low` and `high` where they fit.
fn spread(wanted: &[f64], lengths: &[f64], low: f64, high: f64) -> Vec<f64> {
    let mut starts = Vec::with_capacity(wanted.len());
    let mut free = low;
    for (&start, &length) in wanted.iter().zip(lengths) {
        let start = start.max(free);
        starts.push(start);
        free = start + length;
    }
    let mut limit = high;
    for (start, &length) in starts.iter_mut().zip(lengths).rev() {
        *start = start.min(limit - length);
        limit = *start;
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn labels_stay_apart_and_inside() {
        assert_eq!(spread(&[10.0, 12.0, 95.0], &[20.0; 3], 0.0, 100.0), [10.0, 30.0, 80.0]);
        assert_eq!(spread(&[90.0, 92.0, -5.0], &[20.0; 3], 0.0, 100.0), [40.0, 60.0, 80.0]);
    }
}
