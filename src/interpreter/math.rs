//! Scalar functions that the inner loops inline into every lane. Multiply and add stay unfused and no order changes, so
//! that every instruction set, and every device whose arithmetic is pinned, gives the same bits.

/// The elementary functions, from the text that GPUs compile, and what it needs of WGSL.
// the generated code keeps the shape and the digits of its source
#[allow(clippy::all, dead_code)]
mod pinned {
    #[inline(always)]
    fn pinned_float(bits: u32) -> f32 {
        f32::from_bits(bits)
    }

    #[inline(always)]
    fn pinned_bits(x: f32) -> u32 {
        x.to_bits()
    }

    // Not an `if`: where several selects share a condition, that may become branches, and the loop around them is then
    // not vectorised.
    #[inline(always)]
    fn select(if_false: f32, if_true: f32, condition: bool) -> f32 {
        std::hint::select_unpredictable(condition, if_true, if_false)
    }

    #[inline(always)]
    fn pinned_select(if_false: u32, if_true: u32, condition: bool) -> u32 {
        std::hint::select_unpredictable(condition, if_true, if_false)
    }

    #[inline(always)]
    fn pinned_sum(a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }

    #[inline(always)]
    fn pinned_difference(a: u32, b: u32) -> u32 {
        a.wrapping_sub(b)
    }

    #[inline(always)]
    fn pinned_product(a: u32, b: u32) -> u32 {
        a.wrapping_mul(b)
    }

    #[inline(always)]
    fn abs(x: f32) -> f32 {
        x.abs()
    }

    #[inline(always)]
    fn sqrt(x: f32) -> f32 {
        x.sqrt()
    }

    #[inline(always)]
    fn floor(x: f32) -> f32 {
        x.floor()
    }

    #[inline(always)]
    fn trunc(x: f32) -> f32 {
        x.trunc()
    }

    include!(concat!(env!("OUT_DIR"), "/pinned.rs"));
}

pub(crate) use pinned::*;

/// Like WGSL's, which takes the nearest number that both types have.
#[inline(always)]
pub(crate) fn to_i32(x: f32) -> i32 {
    const MOST: f32 = 2_147_483_520.0;
    (if x > MOST { MOST } else { x }) as i32
}

/// Like WGSL's, which takes the nearest number that both types have.
#[inline(always)]
pub(crate) fn to_u32(x: f32) -> u32 {
    const MOST: f32 = 4_294_967_040.0;
    (if x > MOST { MOST } else { x }) as u32
}

/// Like WGSL's: `x / 0` and the one overflow give `x`.
#[inline(always)]
pub(crate) fn div_i32(x: i32, y: i32) -> i32 {
    x.checked_div(y).unwrap_or(x)
}

/// Like WGSL's: `x % 0` and the one overflow give 0.
#[inline(always)]
pub(crate) fn rem_i32(x: i32, y: i32) -> i32 {
    x.checked_rem(y).unwrap_or(0)
}

/// The bits of an f32, but of a zero of its sign for denormal numbers.
#[inline(always)]
pub(crate) fn flushed(bits: u32) -> u32 {
    if bits & 0x7f80_0000 == 0 { bits & 0x8000_0000 } else { bits }
}

#[cfg(test)]
mod accuracy;
#[cfg(test)]
mod rounding;
