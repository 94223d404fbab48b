//! Pictures of results: spike rasters, traces over time, phase planes and fields.
//!
//! Each function draws one picture and writes it to a file. The extension of
//! the path decides the format, `.png` or `.svg`; any other extension is an
//! error. The fonts are built in, so a PNG needs nothing installed on the
//! machine. An SVG names its fonts (Ubuntu, then Helvetica or Arial) and the
//! viewer supplies them.
//!
//! Values that are not finite never stop a picture: a line has a gap there and
//! a point is left out. Data without any finite value give empty axes with a
//! note.

mod axes;
mod canvas;
mod colour;
mod field;
mod font;
mod key;
mod labels;
mod phase;
mod raster;
mod traces;

pub use field::field;
pub use phase::phase;
pub use raster::{RasterGroup, Span, raster};
pub use traces::traces;

/// Outcome of a drawing step; the text is the reason of a failure and becomes
/// part of [`Error::Plot`](crate::Error::Plot), which adds the path.
type Drawn = std::result::Result<(), String>;

#[cfg(test)]
mod tests;
