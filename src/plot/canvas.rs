//! The surface that every picture is painted on.
//!
//! Painting takes picture coordinates (pixels, origin at the top left, with
//! fractions). A PNG is painted three times too large and averaged down, which
//! smooths every edge; an SVG has ten units to a pixel, so that its whole
//! numbers still place things finely.

use std::fmt::{Display, Write as _};
use std::path::Path;

use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, FontTransform, RGBColor, ShapeStyle, TextStyle,
};

use super::{Drawn, font};
use crate::{Error, Result};

const PNG_SCALE: u32 = 3;
const SVG_SCALE: u32 = 10;

/// How a text looks.
#[derive(Clone, Copy)]
pub(super) struct Face {
    pub size: f64,
    pub colour: RGBColor,
    /// Somewhat heavier strokes, in a PNG.
    pub bold: bool,
}

/// Which part of a text sits at its given place.
#[derive(Clone, Copy)]
pub(super) enum Align {
    Left,
    Centre,
    Right,
    /// Centred and turned to read upwards.
    Upwards,
}

/// Size and look of the marks in [`Canvas::marks`].
#[derive(Clone, Copy)]
pub(super) struct Mark {
    pub width: f64,
    pub height: f64,
    pub colour: RGBColor,
    /// Opacity; marks on top of each other add up.
    pub alpha: f64,
    /// Whether neighbouring marks share edges, as the cells of a grid do.
    pub tiled: bool,
}

enum Surface<'a> {
    Png(BitMapBackend<'a>),
    Svg {
        page: SVGBackend<'a>,
        /// Marks as compact paths; they end up beneath all of `page`.
        marks: &'a mut String,
    },
}

/// A picture in the making.
pub(super) struct Canvas<'a> {
    surface: Surface<'a>,
    scale: f64,
    /// Width and height in pixels.
    pub size: (f64, f64),
}

/// Paints a picture of `size` pixels and writes it to `path`.
pub(super) fn picture(
    path: &Path,
    size: (u32, u32),
    paint: impl FnOnce(&mut Canvas) -> Drawn,
) -> Result<()> {
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    match extension.as_deref() {
        Some("png") => png(path, size, paint),
        Some("svg") => svg(path, size, paint),
        _ => Err("the file name must end in .png or .svg".into()),
    }
    .map_err(|reason| Error::Plot { path: path.display().to_string(), reason })
}

fn png(path: &Path, size: (u32, u32), paint: impl FnOnce(&mut Canvas) -> Drawn) -> Drawn {
    let (width, height) = (size.0 * PNG_SCALE, size.1 * PNG_SCALE);
    let mut large = vec![255; width as usize * height as usize * 3];
    paint(&mut Canvas {
        surface: Surface::Png(BitMapBackend::with_buffer(&mut large, (width, height))),
        scale: f64::from(PNG_SCALE),
        size: (f64::from(size.0), f64::from(size.1)),
    })?;

    let small = averaged(&large, width as usize, PNG_SCALE as usize);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, size.0, size.1);
    encoder.set_color(png::ColorType::Rgb);
    let mut encoder = encoder.write_header().map_err(reason)?;
    encoder.write_image_data(&small).map_err(reason)?;
    encoder.finish().map_err(reason)?;
    std::fs::write(path, file).map_err(reason)
}

/// The RGB image `large` with each block of `side` by `side` pixels as one.
fn averaged(large: &[u8], width: usize, side: usize) -> Vec<u8> {
    let mut small = Vec::with_capacity(large.len() / (side * side));
    for rows in large.chunks_exact(width * 3 * side) {
        for x in (0..width * 3).step_by(side * 3) {
            let mut sum = [0_usize; 3];
            for row in rows.chunks_exact(width * 3) {
                for pixel in row[x..x + side * 3].chunks_exact(3) {
                    for (sum, &part) in sum.iter_mut().zip(pixel) {
                        *sum += usize::from(part);
                    }
                }
            }
            small.extend(sum.map(|s| ((s + side * side / 2) / (side * side)) as u8));
        }
    }
    small
}

fn svg(path: &Path, size: (u32, u32), paint: impl FnOnce(&mut Canvas) -> Drawn) -> Drawn {
    let (width, height) = (size.0 * SVG_SCALE, size.1 * SVG_SCALE);
    let (mut page, mut marks) = (String::new(), String::new());
    paint(&mut Canvas {
        surface: Surface::Svg {
            page: SVGBackend::with_string(&mut page, (width, height)),
            marks: &mut marks,
        },
        scale: f64::from(SVG_SCALE),
        size: (f64::from(size.0), f64::from(size.1)),
    })?;

    // The page is wrapped anew, for a size in pixels and for the marks: its
    // first line is the opening tag and its last one the closing tag.
    let content = page.split_once('\n').map_or("", |(_, rest)| rest).trim_end();
    let content = content.strip_suffix("</svg>").unwrap_or(content);
    let text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" \
         viewBox=\"0 0 {width} {height}\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#FFFFFF\"/>\n{marks}\
         <g stroke-linecap=\"round\" stroke-linejoin=\"round\">\n{content}</g>\n</svg>\n",
        size.0, size.1
    );
    std::fs::write(path, text).map_err(reason)
}

fn reason(error: impl Display) -> String {
    error.to_string()
}

impl Canvas<'_> {
    fn units(&self, (x, y): (f64, f64)) -> (i32, i32) {
        let unit = |v: f64| (v * self.scale).round() as i32;
        (unit(x), unit(y))
    }

    /// Fills the rectangle between two corners, the upper left one first.
    pub fn block(&mut self, from: (f64, f64), to: (f64, f64), colour: RGBColor) -> Drawn {
        let (from, to) = (self.units(from), self.units(to));
        match &mut self.surface {
            Surface::Png(page) => page.draw_rect(from, to, &colour, true).map_err(reason),
            Surface::Svg { page, .. } => page.draw_rect(from, to, &colour, true).map_err(reason),
        }
    }

    /// Joins `points` by a line with round ends; a single point becomes a disc.
    pub fn line(&mut self, points: &[(f64, f64)], width: f64, colour: RGBColor) -> Drawn {
        let scale = self.scale;
        let points = thinned(points, 0.2);
        match &mut self.surface {
            Surface::Png(page) => {
                for pair in points.windows(2) {
                    let scaled = |p: (f64, f64)| (p.0 * scale, p.1 * scale);
                    stroke(page, scaled(pair[0]), scaled(pair[1]), width * scale / 2.0, colour)?;
                }
                Ok(())
            }
            Surface::Svg { page, .. } => {
                let unit = |v: f64| (v * scale).round() as i32;
                let style = ShapeStyle {
                    color: colour.to_rgba(),
                    filled: false,
                    stroke_width: unit(width).max(1).unsigned_abs(),
                };
                let path = points.iter().map(|p| (unit(p.0), unit(p.1)));
                page.draw_path(path, &style).map_err(reason)
            }
        }
    }

    /// Draws the same small rectangle around each of `centres`, beneath
    /// everything that is not a mark.
    pub fn marks(&mut self, centres: &[(f64, f64)], mark: Mark) -> Drawn {
        let scale = self.scale;
        let unit = |v: f64| (v * scale).round() as i32;
        let (width, height) = (unit(mark.width).max(1), unit(mark.height).max(1));
        match &mut self.surface {
            Surface::Png(page) => {
                let style = mark.colour.mix(mark.alpha);
                for &(x, y) in centres {
                    let (x, y) = (unit(x - mark.width / 2.0), unit(y - mark.height / 2.0));
                    page.draw_rect((x, y), (x + width, y + height), &style, true)
                        .map_err(reason)?;
                }
                Ok(())
            }
            Surface::Svg { marks, .. } => {
                // A path is painted in one go, so that marks add up only
                // across paths: neighbours in `centres` go to different ones.
                let paths = if mark.alpha < 1.0 { 8 } else { 1 };
                for first in 0..paths.min(centres.len()) {
                    let RGBColor(r, g, b) = mark.colour;
                    let edges = if mark.tiled { "crispEdges" } else { "auto" };
                    write!(
                        marks,
                        "<path stroke=\"#{r:02X}{g:02X}{b:02X}\" stroke-opacity=\"{:.2}\" \
                         stroke-width=\"{height}\" shape-rendering=\"{edges}\" d=\"",
                        mark.alpha
                    )
                    .map_err(reason)?;
                    for &(x, y) in centres.iter().skip(first).step_by(paths) {
                        let (x, y) = (unit(x - mark.width / 2.0), unit(y));
                        write!(marks, "M{x} {y}h{width}").map_err(reason)?;
                    }
                    marks.push_str("\"/>\n");
                }
                Ok(())
            }
        }
    }

    /// Writes one line of text; `at` is on its base line.
    pub fn text(&mut self, text: &str, at: (f64, f64), face: Face, align: Align) -> Drawn {
        let upwards = matches!(align, Align::Upwards);
        let scale = self.scale;
        match &mut self.surface {
            Surface::Png(page) => {
                let size = face.size * scale;
                let before = match align {
                    Align::Left => 0.0,
                    Align::Right => font::width(text, size),
                    Align::Centre | Align::Upwards => font::width(text, size) / 2.0,
                };
                // The font is light; repeats a third of a pixel apart give it weight.
                let repeats = if face.bold { 4 } else { 2 };
                for glyph in font::outlines(text, size) {
                    let corner = glyph.px_bounds().min;
                    let mut failure = None;
                    glyph.draw(|x, y, cover| {
                        let along = f64::from(corner.x) + f64::from(x) - before;
                        let down = f64::from(corner.y) + f64::from(y);
                        for shift in 0..repeats {
                            let along = along + f64::from(shift);
                            let (dx, dy) = if upwards { (down, -along) } else { (along, down) };
                            let place = (
                                (at.0 * scale + dx).round() as i32,
                                (at.1 * scale + dy).round() as i32,
                            );
                            let shade = face.colour.mix(f64::from(cover)).to_backend_color();
                            if let Err(error) = page.draw_pixel(place, shade) {
                                failure = Some(error);
                            }
                        }
                    });
                    failure.map_or(Ok(()), |error| Err(reason(error)))?;
                }
                Ok(())
            }
            Surface::Svg { page, .. } => {
                let anchor = match align {
                    Align::Left => HPos::Left,
                    Align::Right => HPos::Right,
                    Align::Centre | Align::Upwards => HPos::Center,
                };
                // The backend divides the size by 1.24 and, anchored at the
                // top, puts the base line 0.76 of the result below the anchor.
                let size = face.size * 1.24 * scale;
                let drop = face.size * 0.76;
                let (at, turn) = if upwards {
                    ((at.0 - drop, at.1), FontTransform::Rotate270)
                } else {
                    ((at.0, at.1 - drop), FontTransform::None)
                };
                let font = FontDesc::new(FontFamily::Name(font::FAMILY), size, FontStyle::Normal);
                let style = TextStyle::from(font.transform(turn))
                    .color(&face.colour)
                    .pos(Pos::new(anchor, VPos::Top));
                let place = ((at.0 * scale).round() as i32, (at.1 * scale).round() as i32);
                page.draw_text(text, &style, place).map_err(reason)
            }
        }
    }
}

/// `points` without those closer than `gap` to the one before; at least two.
fn thinned(points: &[(f64, f64)], gap: f64) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for &point in points {
        let near = kept.last().is_some_and(|last| (point.0 - last.0).hypot(point.1 - last.1) < gap);
        if !near {
            kept.push(point);
        }
    }
    kept.extend(points.last());
    kept
}

/// Fills all pixels within `radius` of the segment from `a` to `b`.
fn stroke(
    page: &mut BitMapBackend,
    a: (f64, f64),
    b: (f64, f64),
    radius: f64,
    colour: RGBColor,
) -> Drawn {
    let length = (b.0 - a.0).hypot(b.1 - a.1);
    let side = if length > 0.0 {
        ((b.1 - a.1) / length * radius, (a.0 - b.0) / length * radius)
    } else {
        (0.0, 0.0)
    };
    let top = (a.1.min(b.1) - radius).ceil() as i32;
    let bottom = (a.1.max(b.1) + radius).floor() as i32;
    for row in top..=bottom {
        let y = f64::from(row);
        // The row cuts the shape (two discs and the band between them) in one
        // piece, so its ends are the outermost crossings.
        let (mut left, mut right) = (f64::INFINITY, f64::NEG_INFINITY);
        for end in [a, b] {
            let off = y - end.1;
            if off.abs() <= radius {
                let half = (radius * radius - off * off).sqrt();
                left = left.min(end.0 - half);
                right = right.max(end.0 + half);
            }
        }
        for side in [side, (-side.0, -side.1)] {
            let (from, to) = ((a.0 + side.0, a.1 + side.1), (b.0 + side.0, b.1 + side.1));
            let part = (y - from.1) / (to.1 - from.1);
            if (0.0..=1.0).contains(&part) {
                let x = from.0 + (to.0 - from.0) * part;
                left = left.min(x);
                right = right.max(x);
            }
        }
        let (left, right) = (left.ceil() as i32, right.floor() as i32);
        if left <= right {
            page.draw_line((left, row), (right, row), &colour).map_err(reason)?;
        }
    }
    Ok(())
}
