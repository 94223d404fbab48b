//! What a run recorded.

use bytemuck::Pod;
use ndarray::{ArrayD, IxDyn};

use crate::error::{Error, Result};
use crate::model::Kind;

/// A type that recorded values and variables may be read as.
pub trait Element: Copy + private::Sealed {
    /// The kind of variable that it is for.
    const KIND: Kind;
}

mod private {
    pub trait Sealed {
        fn from_bits(bits: &[u32]) -> Vec<Self>
        where
            Self: Sized;
    }
}
use private::Sealed;

fn cast<T: Pod>(bits: &[u32]) -> Vec<T> {
    bytemuck::cast_slice(bits).to_vec()
}

macro_rules! elements {
    ($($ty:ty, $kind:ident, $cast:expr;)*) => {$(
        impl Sealed for $ty {
            fn from_bits(bits: &[u32]) -> Vec<Self> {
                $cast(bits)
            }
        }
        impl Element for $ty {
            const KIND: Kind = Kind::$kind;
        }
    )*};
}
elements! {
    f32, F32, cast;
    i32, I32, cast;
    u32, U32, cast;
    bool, Bool, |bits: &[u32]| bits.iter().map(|&b| b != 0).collect();
}

/// An array from the bits of its elements.
pub(crate) fn array<T: Element>(
    key: &str,
    kind: Kind,
    shape: &[usize],
    bits: &[u32],
) -> Result<ArrayD<T>> {
    if kind != T::KIND {
        return Err(Error::Kind { key: key.into(), held: kind.name(), asked: T::KIND.name() });
    }
    ArrayD::from_shape_vec(IxDyn(shape), T::from_bits(bits)).map_err(|error| Error::Monitor {
        key: key.into(),
        reason: format!(
            "its values do not fill its shape ({error}); this is a defect of the library"
        ),
    })
}

/// Spikes as events, ordered by step, then by index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Events {
    /// The step of each spike, counted over all runs since the last reset.
    pub steps: Vec<u64>,
    /// The element of each spike: its place among the recorded ones.
    pub indices: Vec<u32>,
}

/// The history of one monitor.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    pub key: String,
    pub kind: Kind,
    /// Shape of one row.
    pub row_shape: Vec<usize>,
    /// One bit per element, each row starting a new word; else one word per element.
    pub packed: bool,
    pub rows: usize,
    pub words: Vec<u32>,
}

impl Trace {
    fn width(&self) -> usize {
        self.row_shape.iter().product()
    }

    fn bits(&self) -> Vec<u32> {
        if !self.packed {
            return self.words.clone();
        }
        let width = self.width();
        let row_words = width.div_ceil(32);
        let mut bits = Vec::with_capacity(self.rows * width);
        for row in 0..self.rows {
            let words = &self.words[row * row_words..(row + 1) * row_words];
            bits.extend((0..width).map(|k| words[k / 32] >> (k % 32) & 1));
        }
        bits
    }
}

/// The results of the last run, by key in the order of the monitors, and the times of its steps.
///
/// A row is the value after a step; the initial state is not a row. Arrays have the shape `(steps, ...)`.
///
/// ```
/// use dsrunner::{DSRunner, neurons};
///
/// let mut runner = DSRunner::builder(neurons::lif(2))
///     .input(("input", 30.0))
///     .monitors(["V", "spike"])
///     .progress_bar(false)
///     .build()?;
/// runner.run(20.0)?;
/// let mon = runner.mon();
/// assert_eq!(mon.keys().collect::<Vec<_>>(), ["V", "spike"]);
/// assert_eq!(mon.get::<f32>("V")?.shape(), &[200, 2]);
/// assert_eq!(mon.get::<bool>("spike")?.iter().filter(|s| **s).count(), 2);
/// assert_eq!(mon.events("spike")?.indices, [0, 1]);
/// assert!((mon.ts()[1] - 0.1).abs() < 1e-12);
/// # Ok::<(), dsrunner::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Mon {
    pub(crate) traces: Vec<Trace>,
    pub(crate) ts: Vec<f64>,
    pub(crate) first_step: u64,
}

impl Mon {
    /// Keys of the monitors, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.traces.iter().map(|t| t.key.as_str())
    }

    /// Time at the start of each step.
    pub fn ts(&self) -> &[f64] {
        &self.ts
    }

    fn trace(&self, key: &str) -> Result<&Trace> {
        self.traces
            .iter()
            .find(|t| t.key == key)
            .ok_or_else(|| Error::unknown("monitor", key, self.keys().map(String::from)))
    }

    /// The history of one monitor, `(steps, ...)`.
    ///
    /// # Errors
    /// [`Error::UnknownPath`] where there is no such monitor, [`Error::Kind`] where its values are of another type.
    pub fn get<T: Element>(&self, key: &str) -> Result<ArrayD<T>> {
        let trace = self.trace(key)?;
        let shape: Vec<usize> =
            std::iter::once(trace.rows).chain(trace.row_shape.iter().copied()).collect();
        if trace.packed {
            return array(key, trace.kind, &shape, &trace.bits());
        }
        array(key, trace.kind, &shape, &trace.words)
    }

    /// The spikes of a bool monitor as events.
    ///
    /// # Errors
    /// As [`Mon::get`].
    pub fn events(&self, key: &str) -> Result<Events> {
        let trace = self.trace(key)?;
        if trace.kind != Kind::Bool {
            return Err(Error::Kind {
                key: key.into(),
                held: trace.kind.name(),
                asked: Kind::Bool.name(),
            });
        }
        let mut events = Events::default();
        let row_words = if trace.packed { trace.width().div_ceil(32) } else { trace.width() };
        if row_words == 0 {
            return Ok(events);
        }
        for (row, words) in trace.words.chunks_exact(row_words).enumerate() {
            let step = self.first_step + row as u64;
            for (k, &word) in words.iter().enumerate() {
                if !trace.packed {
                    if word != 0 {
                        events.steps.push(step);
                        events.indices.push(k as u32);
                    }
                    continue;
                }
                let mut rest = word;
                while rest != 0 {
                    events.steps.push(step);
                    events.indices.push(k as u32 * 32 + rest.trailing_zeros());
                    rest &= rest - 1;
                }
            }
        }
        Ok(events)
    }
}
