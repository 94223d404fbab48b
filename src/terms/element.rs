//! Words as values of their types.

use bytemuck::Pod;
use ndarray::{ArrayD, IxDyn};

use super::kind::Kind;
use crate::error::{Error, Result};

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
