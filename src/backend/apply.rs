//! What an input does to words, in the arithmetic that all engines share.

use std::ops::{Add, Div, Mul, Sub};

use crate::plan::Offsets;
use crate::terms::{Kind, Operation};

/// Applies values to some elements of a variable: the `k`th of them gets `values[k * stride]`.
pub(crate) fn apply_at(
    operation: Operation,
    kind: Kind,
    variable: &mut [u32],
    offsets: &Offsets,
    values: &[u32],
    stride: usize,
) {
    match offsets {
        // there is no value for no element
        Offsets::Range { count: 0, .. } => {}
        &Offsets::Range { start, count } => {
            apply(operation, kind, &mut variable[start..][..count], values, stride);
        }
        Offsets::List(list) => {
            for (k, &offset) in list.iter().enumerate() {
                let target = &mut variable[offset..=offset];
                apply(operation, kind, target, &values[k * stride..], 0);
            }
        }
    }
}

/// Applies values to targets: target `k` gets `values[k * stride]`.
fn apply(operation: Operation, kind: Kind, target: &mut [u32], values: &[u32], stride: usize) {
    // one loop for each kind and operation, so that each is compiled to vector instructions
    macro_rules! loops {
        ($from:expr, $to:expr, $add:expr, $sub:expr, $mul:expr, $div:expr) => {
            match operation {
                Operation::Add => {
                    combine(target, values, stride, |a, b| $to($add($from(a), $from(b))))
                }
                Operation::Sub => {
                    combine(target, values, stride, |a, b| $to($sub($from(a), $from(b))))
                }
                Operation::Mul => {
                    combine(target, values, stride, |a, b| $to($mul($from(a), $from(b))))
                }
                Operation::Div => {
                    combine(target, values, stride, |a, b| $to($div($from(a), $from(b))))
                }
                Operation::Set => combine(target, values, stride, |_, b| b),
            }
        };
    }
    match kind {
        Kind::F32 => loops!(f32::from_bits, f32::to_bits, f32::add, f32::sub, f32::mul, f32::div),
        Kind::I32 => loops!(
            |bits: u32| bits as i32,
            |value: i32| value as u32,
            i32::wrapping_add,
            i32::wrapping_sub,
            i32::wrapping_mul,
            |a: i32, b: i32| a.checked_div(b).unwrap_or(a)
        ),
        Kind::U32 | Kind::Bool => loops!(
            |bits: u32| bits,
            |value: u32| value,
            u32::wrapping_add,
            u32::wrapping_sub,
            u32::wrapping_mul,
            |a: u32, b: u32| a.checked_div(b).unwrap_or(a)
        ),
    }
}

fn combine(target: &mut [u32], values: &[u32], stride: usize, op: impl Fn(u32, u32) -> u32) {
    if stride == 0 {
        let value = values[0];
        target.iter_mut().for_each(|t| *t = op(*t, value));
    } else {
        target.iter_mut().zip(values).for_each(|(t, &v)| *t = op(*t, v));
    }
}
