//! Value ranges, tick marks and the panel that data are drawn in.

use super::canvas::{Align, Canvas, Face};
use super::{Drawn, colour, font};

/// The picture's title.
pub(super) const TITLE: Face = Face { size: 30.0, colour: colour::INK, bold: true };
/// Names of the axes.
pub(super) const LABEL: Face = Face { size: 23.0, colour: colour::INK, bold: false };
/// Numbers on the axes and remarks.
pub(super) const SMALL: Face = Face { size: 20.0, colour: colour::MUTED, bold: false };

const TICK: f64 = 7.0;
/// Part of a text's size by which its middle lies above its base line.
pub(super) const MIDDLE: f64 = 0.34;

/// An interval of finite values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    pub low: f64,
    pub high: f64,
}

impl Range {
    /// The smallest range with all finite values, or none if there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        values.into_iter().filter(|v| v.is_finite()).fold(None, |range: Option<Self>, v| {
            let Range { low, high } = range.unwrap_or(Range { low: v, high: v });
            Some(Range { low: low.min(v), high: high.max(v) })
        })
    }

    /// The range with `part` of its length added at both ends; one that is
    /// hardly longer than a point grows to a visible length.
    pub fn widened(self, part: f64) -> Self {
        let size = self.low.abs().max(self.high.abs());
        let length = self.high - self.low;
        let more = if length > size * 1e-9 {
            length * part
        } else if size > 0.0 {
            size * 0.1
        } else {
            1.0
        };
        Range { low: self.low - more, high: self.high + more }
    }

    /// Where `value` lies, from 0 at the low end to 1 at the high end.
    pub fn part(self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// About `most` round values in the range, each with its text.
    pub fn ticks(self, most: f64) -> Vec<(f64, String)> {
        let step = round_up((self.high - self.low) / most.max(1.0));
        if !(step.is_finite() && step > 0.0) {
            return Vec::new();
        }
        // A time axis that ends one step short of a round time still names it.
        let slack = (self.high - self.low) * 0.002;
        let first = ((self.low - slack) / step).ceil();
        (0..200)
            .map(|i| (first + f64::from(i)) * step)
            .take_while(|&v| v <= self.high + slack)
            .map(|v| if v.abs() < step * 1e-6 { 0.0 } else { v })
            .map(|v| (v, number(v, step)))
            .collect()
    }
}

/// The next of 1, 2, 5, 10, 20, … (and their fractions) that is not below `value`.
pub(super) fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let lead = value / power;
    let round = [1.0, 2.0, 5.0].into_iter().find(|&r| lead <= r * (1.0 + 1e-9)).unwrap_or(10.0);
    round * power
}

/// `value` with as many digits as tell it from its neighbours `step` away.
pub(super) fn number(value: f64, step: f64) -> String {
    let place = (step.log10() + 1e-9).floor() as i32;
    let size = value.abs().max(step);
    let text = if value == 0.0 {
        "0".into()
    } else if size >= 1e6 || place < -6 {
        let digits = ((size.log10() + 1e-9).floor() as i32 - place).clamp(0, 17);
        format!("{value:.*e}", digits.unsigned_abs() as usize)
    } else {
        let digits = (-place).clamp(0, 17).unsigned_abs() as usize;
        let text = format!("{value:.digits$}");
        if digits == 0 && size >= 1e4 {
            let sign = if value < 0.0 { "-" } else { "" };
            format!("{sign}{}", font::count(value.abs().round() as usize))
        } else {
            text
        }
    };
    text.replace('-', "−")
}

/// A rectangle of the picture with an x and a y range.
#[derive(Clone, Copy)]
pub(super) struct Panel {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
    pub x: Range,
    pub y: Range,
}

impl Panel {
    /// Where the point (`x`, `y`) lies on the picture.
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (
            self.left + (self.right - self.left) * self.x.part(x),
            self.bottom - (self.bottom - self.top) * self.y.part(y),
        )
    }

    /// Ticks for the x axis at a readable distance.
    pub fn x_ticks(&self) -> Vec<(f64, String)> {
        self.x.ticks((self.right - self.left) / 120.0)
    }

    /// Ticks for the y axis at a readable distance.
    pub fn y_ticks(&self) -> Vec<(f64, String)> {
        self.y.ticks((self.bottom - self.top) / 60.0)
    }

    /// The axis line and ticks at the bottom, with numbers and a label unless
    /// a panel below has them.
    pub fn x_axis(&self, canvas: &mut Canvas, label: Option<&str>) -> Drawn {
        let line = |canvas: &mut Canvas, from, to| canvas.line(&[from, to], 1.4, colour::AXIS);
        line(canvas, (self.left, self.bottom), (self.right, self.bottom))?;
        for (value, text) in self.x_ticks() {
            let (x, _) = self.at(value, self.y.low);
            line(canvas, (x, self.bottom), (x, self.bottom + TICK))?;
            if label.is_some() {
                let at = (x, self.bottom + TICK + 22.0);
                canvas.text(&text, at, SMALL, Align::Centre)?;
            }
        }
        let Some(label) = label else { return Ok(()) };
        let middle = (self.left + self.right) / 2.0;
        let text = font::fit(label, LABEL.size, self.right - self.left);
        canvas.text(&text, (middle, self.bottom + 66.0), LABEL, Align::Centre)
    }

    /// The axis line at the left with the given ticks.
    pub fn y_axis(&self, canvas: &mut Canvas, ticks: &[(f64, String)]) -> Drawn {
        let line = |canvas: &mut Canvas, from, to| canvas.line(&[from, to], 1.4, colour::AXIS);
        line(canvas, (self.left, self.top), (self.left, self.bottom))?;
        for (value, text) in ticks {
            let (_, y) = self.at(self.x.low, *value);
            line(canvas, (self.left - TICK, y), (self.left, y))?;
            let at = (self.left - TICK - 6.0, y + SMALL.size * MIDDLE);
            canvas.text(text, at, SMALL, Align::Right)?;
        }
        Ok(())
    }

    /// Faint lines across the panel at the given ticks.
    pub fn grid(&self, canvas: &mut Canvas, ticks: &[(f64, String)]) -> Drawn {
        for (value, _) in ticks {
            let (_, y) = self.at(self.x.low, *value);
            if y < self.bottom - 1.0 {
                canvas.line(&[(self.left, y), (self.right, y)], 1.0, colour::GRID)?;
            }
        }
        Ok(())
    }

    /// A label that reads upwards, beside the numbers of the y axis.
    pub fn y_label(&self, canvas: &mut Canvas, label: &str) -> Drawn {
        let text = font::fit(label, LABEL.size, (self.bottom - self.top) + 60.0);
        let middle = (self.top + self.bottom) / 2.0;
        canvas.text(&text, (46.0, middle), LABEL, Align::Upwards)
    }

    /// A remark in the middle of a panel that has nothing to show.
    pub fn note(&self, canvas: &mut Canvas, text: &str) -> Drawn {
        let middle =
            ((self.left + self.right) / 2.0, (self.top + self.bottom) / 2.0 + LABEL.size * MIDDLE);
        let face = Face { colour: colour::MUTED, ..LABEL };
        canvas.text(text, middle, face, Align::Centre)
    }
}

/// The x position right of the y labels and of the widest of `ticks`.
pub(super) fn left_margin<'a>(ticks: impl IntoIterator<Item = &'a (f64, String)>) -> f64 {
    let widest =
        ticks.into_iter().map(|(_, text)| font::width(text, SMALL.size)).fold(20.0, f64::max);
    46.0 + 20.0 + widest + 6.0 + TICK
}

/// Writes the picture's title above its panels.
pub(super) fn title(canvas: &mut Canvas, text: &str, left: f64) -> Drawn {
    let text = font::fit(text, TITLE.size, canvas.size.0 - left - 40.0);
    canvas.text(&text, (left, 58.0), TITLE, Align::Left)
}

#[cfg(test)]
mod tests {
    use super::{Range, number, round_up};

    fn texts(low: f64, high: f64, most: f64) -> Vec<String> {
        let ticks = Range { low, high }.ticks(most);
        ticks.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(texts(-68.1, -49.3, 4.0), ["−65", "−60", "−55", "−50"]);
        assert_eq!(texts(-0.12, 0.31, 3.0), ["0", "0.2"]);
        assert_eq!(texts(0.0, 20_000.0, 2.0), ["0", "10,000", "20,000"]);
        assert_eq!(texts(0.0, 3e7, 3.0), ["0", "1e7", "2e7", "3e7"]);
        assert_eq!(texts(0.0, 2e-9, 2.0), ["0", "1e−9", "2e−9"]);
        assert!(texts(1.0, 1.0, 5.0).is_empty());
        assert!(texts(f64::MIN, f64::MAX, 5.0).is_empty());
    }

    #[test]
    fn steps_are_one_two_or_five() {
        let steps = [0.7, 1.0, 1.1, 3.0, 7.0, 0.011].map(round_up);
        assert_eq!(steps, [1.0, 1.0, 2.0, 5.0, 10.0, 0.02]);
    }

    #[test]
    fn numbers_have_the_digits_of_their_step() {
        assert_eq!(number(0.30000000000000004, 0.1), "0.3");
        assert_eq!(number(2.5, 0.25), "2.5");
        assert_eq!(number(-12_500.0, 500.0), "−12,500");
        assert_eq!(number(1.25e8, 5e6), "1.25e8");
    }

    #[test]
    fn a_range_skips_values_that_are_not_finite() {
        let values = [f64::NAN, 2.0, f64::INFINITY, -1.0];
        let range = Range { low: -1.0, high: 2.0 };
        assert_eq!(Range::of(values), Some(range));
        assert_eq!(Range::of([f64::NAN]), None);
        let point = Range { low: -65.0, high: -65.0 }.widened(0.05);
        assert!(point.low < -65.0 && point.high > -65.0);
    }
}
