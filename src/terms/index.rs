//! Which elements along an axis.

use std::ops::{Range, RangeFrom, RangeFull, RangeTo};

/// Which elements of a variable are recorded, along its first axis. Negative numbers count from the end.
///
/// ```
/// use dsrunner::{Index, Monitor};
///
/// let one = Monitor::from(("E.V", 3));
/// let last = Monitor::from(("E.V", -1));
/// let some = Monitor::from(("E.V", [0, 5, 5]));
/// let first_ten = Monitor::from(("E.V", ..10));
/// let masked = Monitor::from(("E.V", vec![true, false, true]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Index {
    /// One element; the axis stays, with length 1.
    One(i64),
    /// These elements, in this order, repeats allowed.
    List(Vec<i64>),
    /// From `start` (default 0) to before `end` (default the length).
    Range {
        /// The first element.
        start: Option<i64>,
        /// The element after the last.
        end: Option<i64>,
    },
    /// The elements where the mask is true; it is as long as the axis.
    Mask(Vec<bool>),
}

/// An index of any type; one that does not fit is out of every range.
fn whole(index: impl TryInto<i64>) -> i64 {
    index.try_into().unwrap_or(i64::MAX)
}

macro_rules! indices {
    ($($ty:ty),*) => {$(
        impl From<$ty> for Index {
            fn from(index: $ty) -> Self {
                Self::One(whole(index))
            }
        }
        impl From<Vec<$ty>> for Index {
            fn from(list: Vec<$ty>) -> Self {
                Self::List(list.into_iter().map(whole).collect())
            }
        }
        impl<const N: usize> From<[$ty; N]> for Index {
            fn from(list: [$ty; N]) -> Self {
                Self::from(list.to_vec())
            }
        }
        impl From<Range<$ty>> for Index {
            fn from(range: Range<$ty>) -> Self {
                Self::Range { start: Some(whole(range.start)), end: Some(whole(range.end)) }
            }
        }
        impl From<RangeTo<$ty>> for Index {
            fn from(range: RangeTo<$ty>) -> Self {
                Self::Range { start: None, end: Some(whole(range.end)) }
            }
        }
        impl From<RangeFrom<$ty>> for Index {
            fn from(range: RangeFrom<$ty>) -> Self {
                Self::Range { start: Some(whole(range.start)), end: None }
            }
        }
    )*};
}

indices!(i32, i64, usize);

impl From<RangeFull> for Index {
    fn from(_: RangeFull) -> Self {
        Self::Range { start: None, end: None }
    }
}

impl From<Vec<bool>> for Index {
    fn from(mask: Vec<bool>) -> Self {
        Self::Mask(mask)
    }
}

impl Index {
    /// The elements of an axis of that length.
    ///
    /// # Errors
    /// What is wrong with the index, in words.
    pub(crate) fn resolve(&self, length: usize) -> Result<Vec<usize>, String> {
        let place = |index: i64, count: usize| {
            let Some(last) = count.checked_sub(1) else {
                return Err(format!("index {index} is out of range: there is no element"));
            };
            let at = if index < 0 { index + count as i64 } else { index };
            usize::try_from(at).ok().filter(|&at| at < count).ok_or_else(|| {
                format!(
                    "index {index} is out of range for {length} elements; give -{length} to {last}"
                )
            })
        };
        match self {
            Self::One(index) => Ok(vec![place(*index, length)?]),
            Self::List(list) => list.iter().map(|&i| place(i, length)).collect(),
            Self::Range { start, end } => {
                // an end may be the length itself
                let bound = |index: i64| {
                    if index < 0 { place(index, length) } else { place(index, length + 1) }
                };
                let start = bound(start.unwrap_or(0))?;
                let end = end.map_or(Ok(length), bound)?;
                if start > end {
                    return Err(format!("the range from {start} to {end} runs backwards"));
                }
                Ok((start..end).collect())
            }
            Self::Mask(mask) if mask.len() != length => Err(format!(
                "a mask of {} values for {length} elements; it must be as long as the axis",
                mask.len()
            )),
            Self::Mask(mask) => {
                Ok(mask.iter().enumerate().filter(|(_, m)| **m).map(|(k, _)| k).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_count_from_both_ends() {
        assert_eq!(Index::from(-1).resolve(4).unwrap(), [3]);
        assert_eq!(Index::from([0, -4, 2]).resolve(4).unwrap(), [0, 0, 2]);
        assert_eq!(Index::from(1..4).resolve(4).unwrap(), [1, 2, 3]);
        assert_eq!(Index::from(-2..).resolve(4).unwrap(), [2, 3]);
        assert_eq!(Index::from(..-1).resolve(4).unwrap(), [0, 1, 2]);
        assert_eq!(Index::from(..).resolve(2).unwrap(), [0, 1]);
        assert_eq!(Index::from(vec![true, false]).resolve(2).unwrap(), [0]);
        for (index, message) in [
            (Index::from(4), "index 4 is out of range for 4 elements"),
            (Index::from(..6), "index 6 is out of range"),
            (Index::Range { start: Some(3), end: Some(1) }, "runs backwards"),
            (Index::from(vec![true]), "must be as long as the axis"),
        ] {
            let error = index.resolve(4).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
