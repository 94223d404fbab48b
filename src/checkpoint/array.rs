//! Arrays of a state, of any type and shape.

use ndarray::{Array, ArrayD, Dimension, IxDyn};

use crate::error::{Error, Result};

/// The elements of a [`StateArray`], in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub enum StateData {
    /// 32-bit floating point.
    F32(Vec<f32>),
    /// 64-bit floating point.
    F64(Vec<f64>),
    /// 32-bit signed integers.
    I32(Vec<i32>),
    /// 32-bit unsigned integers.
    U32(Vec<u32>),
    /// 64-bit signed integers.
    I64(Vec<i64>),
    /// 64-bit unsigned integers.
    U64(Vec<u64>),
    /// True or false.
    Bool(Vec<bool>),
}

/// Type of an array's elements.
// without a format there is no file that says one
#[cfg_attr(not(feature = "checkpoint"), allow(dead_code))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    F32,
    F64,
    I32,
    U32,
    I64,
    U64,
    Bool,
}

impl Item {
    /// All there are, in words.
    #[cfg(feature = "checkpoint")]
    pub const ALL: &str = "f32, f64, i32, u32, i64, u64 or bool";

    /// Its name in Rust.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::I32 => "i32",
            Self::U32 => "u32",
            Self::I64 => "i64",
            Self::U64 => "u64",
            Self::Bool => "bool",
        }
    }

    /// How many bytes one takes in a file.
    #[cfg(feature = "checkpoint")]
    pub fn size(self) -> usize {
        match self {
            Self::Bool => 1,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }
}

/// An array of a state: what a state dictionary gives, and what files hold.
///
/// ```
/// use dsrunner::{StateArray, StateData};
/// use ndarray::{ArrayD, array};
///
/// let v = StateArray::from(array![[1.0f32, 2.0], [3.0, 4.0]]);
/// assert_eq!(v, StateArray::new([2, 2], StateData::F32(vec![1.0, 2.0, 3.0, 4.0]))?);
/// let back = ArrayD::<f32>::try_from(v)?;
/// assert_eq!(back[[1, 0]], 3.0);
/// # Ok::<(), dsrunner::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct StateArray {
    shape: Vec<usize>,
    data: StateData,
}

impl StateArray {
    /// An array of a shape, whose elements are given row by row. Without an axis it is a scalar.
    ///
    /// # Errors
    /// [`Error::Setting`] where the shape is not one of so many elements.
    pub fn new(shape: impl Into<Vec<usize>>, data: StateData) -> Result<Self> {
        let shape = shape.into();
        if elements(&shape) == Some(data.len()) {
            return Ok(Self { shape, data });
        }
        Err(Error::Setting {
            setting: "shape",
            given: format!("{shape:?}"),
            wanted: format!("a shape of as many elements as there are, {}", data.len()),
        })
    }

    /// The lengths of the axes; none where it is a scalar.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements, row by row.
    pub fn data(&self) -> &StateData {
        &self.data
    }

    /// Shape and elements.
    pub fn into_parts(self) -> (Vec<usize>, StateData) {
        (self.shape, self.data)
    }
}

/// How many elements a shape has, or none where that is beyond all numbers.
pub(crate) fn elements(shape: &[usize]) -> Option<usize> {
    // numpy counts no elements where one axis is empty, however long the others are
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1usize, |product, &length| product.checked_mul(length))
}

macro_rules! types {
    ($($ty:ident, $item:ident;)*) => {
        impl StateData {
            /// How many elements there are.
            pub fn len(&self) -> usize {
                match self {
                    $(Self::$item(data) => data.len(),)*
                }
            }

            /// Whether there is no element.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Name of the elements' type in Rust.
            pub fn type_name(&self) -> &'static str {
                match self {
                    $(Self::$item(_) => stringify!($ty),)*
                }
            }
        }

        #[cfg(feature = "checkpoint")]
        impl StateData {
            pub(crate) fn item(&self) -> Item {
                match self {
                    $(Self::$item(_) => Item::$item,)*
                }
            }
        }

        $(
            impl<D: Dimension> From<Array<$ty, D>> for StateArray {
                fn from(array: Array<$ty, D>) -> Self {
                    let shape = array.shape().to_vec();
                    Self { shape, data: StateData::$item(array.into_iter().collect()) }
                }
            }

            impl TryFrom<StateArray> for ArrayD<$ty> {
                type Error = Error;

                /// [`Error::Kind`] where the array holds elements of another type.
                fn try_from(array: StateArray) -> Result<Self> {
                    let StateData::$item(data) = array.data else {
                        return Err(Error::Kind {
                            key: "StateArray".into(),
                            held: array.data.type_name(),
                            asked: stringify!($ty),
                        });
                    };
                    let (given, wanted) = ([data.len()], array.shape);
                    Self::from_shape_vec(IxDyn(&wanted), data)
                        .map_err(|_| Error::shape("StateArray", &given, &wanted))
                }
            }
        )*
    };
}

types! {
    f32, F32;
    f64, F64;
    i32, I32;
    u32, U32;
    i64, I64;
    u64, U64;
    bool, Bool;
}
