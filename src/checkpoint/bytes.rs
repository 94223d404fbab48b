//! Elements as the bytes that files have, bit by bit.

use std::borrow::Cow;

use ndarray::{ArrayViewD, IxDyn};

use super::{Item, StateArray, StateData};
use crate::error::Explained;

/// The bytes of all elements, the lowest of each first.
pub(super) fn of(data: &StateData) -> Cow<'_, [u8]> {
    macro_rules! bytes {
        ($($item:ident)*) => {
            match data {
                StateData::Bool(data) => Cow::Borrowed(bytemuck::cast_slice(data)),
                $(
                    StateData::$item(data) if cfg!(target_endian = "little") => {
                        Cow::Borrowed(bytemuck::cast_slice(data))
                    }
                    StateData::$item(data) => data.iter().flat_map(|x| x.to_le_bytes()).collect(),
                )*
            }
        };
    }
    bytes!(F32 F64 I32 U32 I64 U64)
}

/// The array that bytes are, the lowest of each element first.
pub(super) fn array(item: Item, shape: &[usize], bytes: &[u8]) -> Explained<StateArray> {
    macro_rules! data {
        ($($item:ident $ty:ident)*) => {
            match item {
                Item::Bool => StateData::Bool(bools(bytes)?),
                $(
                    Item::$item => StateData::$item(
                        bytes.as_chunks().0.iter().map(|&x| $ty::from_le_bytes(x)).collect()
                    ),
                )*
            }
        };
    }
    let data = data!(F32 f32 F64 f64 I32 i32 U32 u32 I64 i64 U64 u64);
    StateArray::new(shape, data).map_err(|error| error.to_string())
}

fn bools(bytes: &[u8]) -> Explained<Vec<bool>> {
    let one = |(at, &byte): (usize, &u8)| match byte {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(format!("element {at} is {byte}, but a bool must be 0 or 1")),
    };
    bytes.iter().enumerate().map(one).collect()
}

/// Turns the bytes of each element around.
pub(super) fn swap(item: Item, bytes: &mut [u8]) {
    bytes.chunks_exact_mut(item.size()).for_each(<[u8]>::reverse);
}

/// Row by row what was column by column.
pub(super) fn rows(item: Item, shape: &[usize], bytes: &[u8]) -> Explained<Vec<u8>> {
    // columns of a shape are rows of the shape with its axes turned around
    let turned: Vec<usize> = shape.iter().rev().copied().chain([item.size()]).collect();
    let axes: Vec<usize> = (0..shape.len()).rev().chain([shape.len()]).collect();
    let view = ArrayViewD::from_shape(IxDyn(&turned), bytes).map_err(|error| error.to_string())?;
    Ok(view.permuted_axes(IxDyn(&axes)).iter().copied().collect())
}
