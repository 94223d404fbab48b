//! Colours: a palette that stays distinct for colour-blind readers, and ramps.

use plotters::style::RGBColor;

/// Titles and labels.
pub(super) const INK: RGBColor = RGBColor(0x26, 0x26, 0x26);
/// Numbers on the axes and notes.
pub(super) const MUTED: RGBColor = RGBColor(0x5a, 0x5a, 0x5a);
/// Axis lines and ticks.
pub(super) const AXIS: RGBColor = RGBColor(0x9a, 0x9a, 0x9a);
/// Lines behind the data.
pub(super) const GRID: RGBColor = RGBColor(0xe9, 0xe9, 0xe9);

const PALETTE: [RGBColor; 8] = [
    RGBColor(0x1f, 0x77, 0xb4), // blue
    RGBColor(0xd9, 0x48, 0x0f), // red-orange
    RGBColor(0x00, 0x8f, 0x6b), // green
    RGBColor(0xb8, 0x4b, 0x93), // pink
    RGBColor(0xc9, 0x8a, 0x00), // amber
    RGBColor(0x5b, 0x4b, 0xb5), // violet
    RGBColor(0x3f, 0xa9, 0xdb), // sky
    RGBColor(0x7a, 0x52, 0x30), // brown
];

/// Ramp for the order of things (time along a trajectory, one line of many).
pub(super) const ORDER: [RGBColor; 5] = [
    RGBColor(0x26, 0x0f, 0x84),
    RGBColor(0x7b, 0x0c, 0xa3),
    RGBColor(0xc6, 0x3d, 0x7c),
    RGBColor(0xec, 0x72, 0x4b),
    RGBColor(0xf5, 0xa6, 0x2a),
];

/// Ramp for amounts, from few to many.
pub(super) const AMOUNT: [RGBColor; 5] = [
    RGBColor(0xbf, 0xdc, 0xec),
    RGBColor(0x74, 0xb3, 0xd8),
    RGBColor(0x2f, 0x7f, 0xbc),
    RGBColor(0x16, 0x4a, 0x8a),
    RGBColor(0x0b, 0x17, 0x3f),
];

/// Ramp for values of a field, whose lightness tells them apart too.
pub(super) const FIELD: [RGBColor; 5] = [
    RGBColor(0x44, 0x01, 0x54),
    RGBColor(0x3b, 0x52, 0x8b),
    RGBColor(0x21, 0x91, 0x8c),
    RGBColor(0x5e, 0xc9, 0x62),
    RGBColor(0xfd, 0xe7, 0x25),
];

/// How many named things have a colour of their own.
pub(super) const DISTINCT: usize = PALETTE.len();

/// Colour of the `index`-th of several named things.
pub(super) fn pick(index: usize) -> RGBColor {
    PALETTE[index % PALETTE.len()]
}

/// Colour at `at` (0 to 1) of a ramp through `stops`.
pub(super) fn ramp(stops: &[RGBColor; 5], at: f64) -> RGBColor {
    let place = at.clamp(0.0, 1.0) * (stops.len() - 1) as f64;
    let below = (place as usize).min(stops.len() - 2);
    let part = place - below as f64;
    let (a, b) = (stops[below], stops[below + 1]);
    let mix = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * part).round() as u8;
    RGBColor(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}
