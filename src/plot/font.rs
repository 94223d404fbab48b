//! The built-in font: glyphs, text widths and shortening.

use std::sync::OnceLock;

use ab_glyph::{Font, FontRef, Glyph, OutlinedGlyph, ScaleFont, point};

/// Fonts that an SVG asks its viewer for; the built-in one comes first.
pub(super) const FAMILY: &str = "Ubuntu, Helvetica Neue, Arial, sans-serif";

fn font() -> Option<&'static FontRef<'static>> {
    static FONT: OnceLock<Option<FontRef<'static>>> = OnceLock::new();
    let read = || FontRef::try_from_slice(epaint_default_fonts::UBUNTU_LIGHT).ok();
    FONT.get_or_init(read).as_ref()
}

/// The glyphs of `text` in a row, and the width of the row. The first one
/// starts at 0 on the base line; all are empty if the font cannot be read.
fn row(text: &str, size: f64) -> (Vec<Glyph>, f64) {
    let Some((font, scale)) = font().and_then(|f| Some((f, f.pt_to_px_scale(size as f32 * 0.75)?)))
    else {
        return (Vec::new(), 0.0);
    };
    let scaled = font.as_scaled(scale);
    let (mut glyphs, mut x, mut last) = (Vec::new(), 0.0, None);
    for id in text.chars().map(|c| font.glyph_id(c)) {
        if let Some(last) = last {
            x += scaled.kern(last, id);
        }
        glyphs.push(id.with_scale_and_position(scale, point(x, 0.0)));
        x += scaled.h_advance(id);
        last = Some(id);
    }
    (glyphs, f64::from(x))
}

/// Width of `text` in pixels at a size in pixels per em.
pub(super) fn width(text: &str, size: f64) -> f64 {
    row(text, size).1
}

/// Outlines of `text`; the first glyph starts at 0 on the base line.
pub(super) fn outlines(text: &str, size: f64) -> impl Iterator<Item = OutlinedGlyph> {
    let glyphs = row(text, size).0.into_iter();
    glyphs.filter_map(|glyph| font()?.outline_glyph(glyph))
}

/// `text` on one line, cut with an ellipsis where it is wider than `room`.
pub(super) fn fit(text: &str, size: f64, room: f64) -> String {
    let mut line: String = text
        .chars()
        .map(|c| match c {
            // Not allowed in XML, and nothing to see elsewhere.
            '\u{fffe}' | '\u{ffff}' => ' ',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect();
    if width(&line, size) <= room {
        return line;
    }
    while line.pop().is_some() {
        let cut = format!("{}…", line.trim_end());
        if width(&cut, size) <= room {
            return cut;
        }
    }
    line
}

/// `count`, from five digits on with its thousands set apart, as in `12,500`.
pub(super) fn count(count: usize) -> String {
    let digits = count.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `number` as an ordinal, as in `2nd`.
pub(super) fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{}{ending}", count(number))
}

#[cfg(test)]
mod tests {
    use super::{count, fit, ordinal, width};

    #[test]
    fn long_texts_are_cut_to_fit() {
        let whole = "a rather long title";
        assert_eq!(fit(whole, 20.0, 1000.0), whole);
        let cut = fit(whole, 20.0, 100.0);
        assert!(cut.starts_with("a rat") && cut.ends_with('…'), "{cut}");
        assert!(width(&cut, 20.0) <= 100.0);
        assert_eq!(fit("two\nlines\u{0}", 20.0, 1000.0), "two lines ");
        assert_eq!(fit(whole, 20.0, 1.0), "");
    }

    #[test]
    fn widths_grow_with_the_size() {
        let (small, large) = (width("neuron", 10.0), width("neuron", 20.0));
        assert!(small > 20.0 && (large - 2.0 * small).abs() < 0.1);
    }

    #[test]
    fn counts_read_well() {
        assert_eq!([0, 9999, 12_500, 1_000_000].map(count), ["0", "9999", "12,500", "1,000,000"]);
        assert_eq!(
            [2, 3, 4, 11, 21, 112].map(ordinal),
            ["2nd", "3rd", "4th", "11th", "21st", "112th"]
        );
    }
}
