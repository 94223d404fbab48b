//! Values that a user gives: scalars and arrays of any shape, and how initial values are drawn.

use std::sync::Arc;

use ndarray::{ArrayBase, Data, Dimension};

use crate::error::{Error, Result, number};
use crate::random::RandomStream;

/// A number that a value may consist of.
pub trait Number: Copy {
    /// The number as f64; all types here convert without loss.
    fn to_f64(self) -> f64;
}

macro_rules! numbers {
    ($($ty:ty),*) => {$(
        impl Number for $ty {
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
        }
    )*};
}
numbers!(f32, f64, i32, u32, bool);

/// A scalar or an array.
///
/// Made from numbers, vectors, slices, and `ndarray` arrays by `into()`. It broadcasts like numpy's arrays, but never
/// changes the shape of what it is given to.
///
/// ```
/// use dsrunner::Value;
///
/// assert_eq!(Value::from(20.0).shape(), &[] as &[usize]);
/// assert_eq!(Value::from(vec![1.0, 2.0]).shape(), &[2]);
/// assert_eq!(Value::from(ndarray::arr2(&[[1, 2], [3, 4]])).shape(), &[2, 2]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    shape: Vec<usize>,
    data: Arc<[f64]>,
}

impl Value {
    /// Lengths of its axes; none for a scalar.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its first two axes in the other order, if there are two.
    pub(crate) fn swapped(&self) -> Option<Self> {
        let [first, second, rest @ ..] = &self.shape[..] else { return None };
        let inner: usize = rest.iter().product();
        let places = (0..*second).flat_map(|s| (0..*first).map(move |f| (f * second + s) * inner));
        let data = places.flat_map(|at| &self.data[at..at + inner]).copied().collect();
        let shape = [*second, *first].into_iter().chain(rest.iter().copied()).collect();
        Some(Self { shape, data })
    }

    /// Its numbers in row-major order.
    pub fn data(&self) -> &[f64] {
        &self.data
    }

    /// Its numbers broadcast to `shape`: one where it is the same everywhere, else one for each place.
    pub(crate) fn broadcast(&self, what: &str, shape: &[usize]) -> Result<Vec<f64>> {
        broadcast(&self.data, &self.shape, shape)
            .ok_or_else(|| Error::shape(what, &self.shape, shape))
    }
}

/// Numbers of shape `from` broadcast to `to`, by the rules of numpy; a single number stays single.
pub(crate) fn broadcast(data: &[f64], from: &[usize], to: &[usize]) -> Option<Vec<f64>> {
    if data.len() == 1 && broadcasts(from, to) {
        return Some(data.to_vec());
    }
    let places = broadcast_places(from, to)?;
    Some(places.into_iter().map(|place| data[place]).collect())
}

fn broadcasts(from: &[usize], to: &[usize]) -> bool {
    from.len() <= to.len()
        && from.iter().rev().zip(to.iter().rev()).all(|(&f, &t)| f == t || f == 1)
}

/// For each place of an array of shape `to` that of one of shape `from` which broadcasts to it.
pub(crate) fn broadcast_places(from: &[usize], to: &[usize]) -> Option<Vec<usize>> {
    if !broadcasts(from, to) {
        return None;
    }
    let lead = to.len() - from.len();
    let count = to.iter().product();
    let mut out = Vec::with_capacity(count);
    let mut index = vec![0usize; to.len()];
    for _ in 0..count {
        let at = from
            .iter()
            .zip(&index[lead..])
            .fold(0, |at, (&length, &i)| at * length + if length == 1 { 0 } else { i });
        out.push(at);
        for axis in (0..to.len()).rev() {
            index[axis] += 1;
            if index[axis] < to[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    Some(out)
}

impl<T: Number> From<T> for Value {
    fn from(number: T) -> Self {
        Self { shape: Vec::new(), data: [number.to_f64()].into() }
    }
}

impl<T: Number> From<Vec<T>> for Value {
    fn from(numbers: Vec<T>) -> Self {
        Self::from(&numbers[..])
    }
}

impl<T: Number> From<&[T]> for Value {
    fn from(numbers: &[T]) -> Self {
        Self { shape: vec![numbers.len()], data: numbers.iter().map(|x| x.to_f64()).collect() }
    }
}

impl<T: Number, const N: usize> From<[T; N]> for Value {
    fn from(numbers: [T; N]) -> Self {
        Self::from(&numbers[..])
    }
}

impl<T: Number, S: Data<Elem = T>, D: Dimension> From<ArrayBase<S, D>> for Value {
    fn from(array: ArrayBase<S, D>) -> Self {
        Self { shape: array.shape().to_vec(), data: array.iter().map(|x| x.to_f64()).collect() }
    }
}

/// Initial values of a variable: given, or [drawn](crate#random-numbers) per element from the runner's seed, the node's path and the
/// variable's name.
///
/// ```
/// use dsrunner::{Init, neurons};
///
/// let group = neurons::lif(100).init("V", Init::normal(-55.0, 2.0));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Init {
    /// The same for all, or one per element.
    Value(Value),
    /// Uniform in [low, high).
    Uniform {
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
    },
    /// Normal.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation, not negative.
        std: f64,
    },
}

impl Init {
    /// Uniform in [low, high).
    pub fn uniform(low: f64, high: f64) -> Self {
        Self::Uniform { low, high }
    }

    /// Normal with mean and standard deviation.
    pub fn normal(mean: f64, std: f64) -> Self {
        Self::Normal { mean, std }
    }

    /// The initial values for a variable of this shape; `stream` makes the random stream of an element.
    pub(crate) fn values(
        &self,
        what: &str,
        shape: &[usize],
        stream: impl Fn(u64) -> RandomStream,
    ) -> Result<Vec<f64>> {
        let count: usize = shape.iter().product();
        let wrong = |given: String, wanted: &str| Error::Setting {
            setting: "init",
            given: format!("{given} for `{what}`"),
            wanted: wanted.into(),
        };
        match *self {
            Self::Value(ref value) => {
                let values = value.broadcast(what, shape)?;
                Ok(if values.len() == 1 { vec![values[0]; count] } else { values })
            }
            Self::Uniform { low, high } if low.is_finite() && high.is_finite() && low <= high => {
                Ok((0..count as u64).map(|k| low + (high - low) * stream(k).uniform()).collect())
            }
            Self::Normal { mean, std } if mean.is_finite() && std.is_finite() && std >= 0.0 => {
                Ok((0..count as u64).map(|k| mean + std * stream(k).normal()).collect())
            }
            Self::Uniform { low, high } => Err(wrong(
                format!("uniform from {} to {}", number(low), number(high)),
                "between finite bounds, low before high",
            )),
            Self::Normal { mean, std } => Err(wrong(
                format!("normal({}, {})", number(mean), number(std)),
                "of finite mean and a standard deviation of at least 0",
            )),
        }
    }
}

impl<V: Into<Value>> From<V> for Init {
    fn from(value: V) -> Self {
        Self::Value(value.into())
    }
}

/// The shape of a group: a length, or several for a group on a grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape(pub(crate) Vec<usize>);

impl Shape {
    /// Number of elements.
    pub fn elements(&self) -> usize {
        elements(&self.0)
    }
}

/// Number of elements of a shape; the largest there is where it cannot be counted, which no limit lets through.
pub(crate) fn elements(shape: &[usize]) -> usize {
    if shape.contains(&0) { 0 } else { shape.iter().fold(1, |count, &n| count.saturating_mul(n)) }
}

impl From<usize> for Shape {
    fn from(length: usize) -> Self {
        Self(vec![length])
    }
}

impl From<(usize, usize)> for Shape {
    fn from((rows, columns): (usize, usize)) -> Self {
        Self(vec![rows, columns])
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(lengths: [usize; N]) -> Self {
        Self(lengths.to_vec())
    }
}

impl From<Vec<usize>> for Shape {
    fn from(lengths: Vec<usize>) -> Self {
        Self(lengths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasts_like_numpy() {
        let rows = [1.0, 2.0];
        assert_eq!(broadcast(&rows, &[2], &[3, 2]).unwrap(), [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
        assert_eq!(broadcast(&rows, &[2, 1], &[2, 3]).unwrap(), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
        assert_eq!(broadcast(&[4.0], &[1], &[5]).unwrap(), [4.0]);
        assert!(broadcast(&rows, &[2], &[3]).is_none());
        assert!(broadcast(&rows, &[2, 1], &[2]).is_none());
    }
}
