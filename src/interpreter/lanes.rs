//! The inner loops: every operation of a [`Bytecode`] over chunks of lanes, compiled once per instruction set and chosen at
//! run time.

use super::bytecode::{CHUNK, Operand};
use super::math;
use crate::scalar::{Code, ScalarOp};

type LaneChunk = [u32; CHUNK];

/// The instruction sets that the interpreter is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InstructionSet {
    /// What every processor of the target has.
    Baseline,
    /// 8 lanes.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 16 lanes.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl InstructionSet {
    /// The widest one that this processor has.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") {
                return Self::Avx2;
            }
        }
        Self::Baseline
    }

    /// All that this processor has, the narrowest first.
    #[cfg(test)]
    pub(super) fn all() -> Vec<Self> {
        let widest = Self::detect();
        let all = [
            Self::Baseline,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512,
        ];
        let last = all.iter().position(|&set| set == widest).unwrap_or(0);
        all[..=last].to_vec()
    }

    /// Its usual name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "AVX2",
            Self::Baseline if cfg!(target_arch = "aarch64") => "NEON",
            Self::Baseline => "baseline",
        }
    }
}

/// Where a lane that writes nothing writes.
const NOWHERE: u32 = u32::MAX;

/// Executes `ops` on `lanes` lanes of each column; the rest of the last chunk is computed too, but ends no loop.
///
/// # Safety
/// Every slot of `ops` indexes `table`; the pointer there is valid for reads, and for writes where it is a destination,
/// of as many words as the chunks of `lanes` lanes have (for reads of `CHUNK` words where the slot's step is 0), and no other thread uses that memory
/// during the call. Two slots may be the same memory, but not overlap otherwise. The memory of an operation is in `table` at its
/// `to`, and has all words that lanes name there, but for those that write nowhere.
pub(crate) unsafe fn execute(
    set: InstructionSet,
    ops: &[ScalarOp<Operand>],
    table: &[*mut u32],
    lanes: usize,
) {
    // SAFETY: the caller's promise is handed on; `set` comes from `detect`, so the processor has the features.
    unsafe {
        match set {
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => play_avx512(ops, table, lanes),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => play_avx2(ops, table, lanes),
            InstructionSet::Baseline => play_any(ops, table, lanes),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn play_avx512(ops: &[ScalarOp<Operand>], table: &[*mut u32], lanes: usize) {
    // SAFETY: as promised to `execute`.
    unsafe { play_any(ops, table, lanes) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn play_avx2(ops: &[ScalarOp<Operand>], table: &[*mut u32], lanes: usize) {
    // SAFETY: as promised to `execute`.
    unsafe { play_any(ops, table, lanes) }
}

/// A lane's bits as a value and back.
trait Lane: Copy {
    fn get(bits: u32) -> Self;
    fn bits(self) -> u32;
}
impl Lane for f32 {
    #[inline(always)]
    fn get(bits: u32) -> Self {
        f32::from_bits(bits)
    }
    #[inline(always)]
    fn bits(self) -> u32 {
        self.to_bits()
    }
}
impl Lane for i32 {
    #[inline(always)]
    fn get(bits: u32) -> Self {
        bits as i32
    }
    #[inline(always)]
    fn bits(self) -> u32 {
        self as u32
    }
}
impl Lane for u32 {
    #[inline(always)]
    fn get(bits: u32) -> Self {
        bits
    }
    #[inline(always)]
    fn bits(self) -> u32 {
        self
    }
}
impl Lane for bool {
    #[inline(always)]
    fn get(bits: u32) -> Self {
        bits != 0
    }
    #[inline(always)]
    fn bits(self) -> u32 {
        if self { u32::MAX } else { 0 }
    }
}

#[inline(always)]
unsafe fn load(table: &[*mut u32], slot: Operand, chunk: usize) -> LaneChunk {
    // SAFETY: as promised to `execute`; the read is by value, so an equal destination does no harm.
    unsafe {
        (*table.get_unchecked(slot.index as usize))
            .add(chunk * slot.step as usize)
            .cast::<LaneChunk>()
            .read_unaligned()
    }
}

#[inline(always)]
unsafe fn store(table: &[*mut u32], slot: Operand, chunk: usize, value: LaneChunk) {
    // SAFETY: as promised to `execute`. A destination is a column, or there is only one chunk, so its step need not be read.
    unsafe {
        (*table.get_unchecked(slot.index as usize))
            .add(chunk * CHUNK)
            .cast::<LaneChunk>()
            .write_unaligned(value)
    }
}

#[inline(always)]
unsafe fn play_any(ops: &[ScalarOp<Operand>], table: &[*mut u32], lanes: usize) {
    let chunks = lanes.div_ceil(CHUNK);
    let mut pc = 0;
    while pc < ops.len() {
        let op = ops[pc];
        pc += 1;
        // A macro, not a function that takes a closure: its body must be compiled with the features of the function that
        // it ends up in, and only code that is certainly inlined is.
        macro_rules! lanes {
            (|$($x:ident : $t:ty),+| $body:expr) => {{
                let [$($x,)+ ..] = op.args;
                for chunk in 0..chunks {
                    $(let $x = load(table, $x, chunk);)+
                    let mut out = [0u32; CHUNK];
                    for (lane, out) in out.iter_mut().enumerate() {
                        $(let $x = <$t as Lane>::get($x[lane]);)+
                        *out = Lane::bits($body);
                    }
                    store(table, op.dst, chunk, out);
                }
            }};
        }
        // The lanes that there are write one after the other, so that atomics add up.
        macro_rules! writes {
            (|$old:ident : $t:ty, $new:ident, $third:ident| $body:expr) => {{
                let memory = *table.get_unchecked(op.to as usize);
                for chunk in 0..chunks {
                    let index = load(table, op.args[0], chunk);
                    let new = load(table, op.args[1], chunk);
                    let third = load(table, op.args[2], chunk);
                    let mut out = [0u32; CHUNK];
                    for lane in 0..CHUNK.min(lanes - chunk * CHUNK) {
                        if index[lane] == NOWHERE {
                            continue;
                        }
                        let word = memory.add(index[lane] as usize);
                        let $old = <$t as Lane>::get(*word);
                        let ($new, $third) = (<$t as Lane>::get(new[lane]), third[lane]);
                        out[lane] = *word;
                        *word = Lane::bits($body);
                    }
                    if op.code != Code::Scatter {
                        store(table, op.dst, chunk, out);
                    }
                }
            }};
        }
        // SAFETY: as promised to `execute`.
        unsafe {
            match op.code {
                Code::Copy => lanes!(|x: u32| x),
                Code::Not => lanes!(|x: u32| !x),
                Code::NegF => lanes!(|x: f32| -x),
                Code::NegI => lanes!(|x: i32| x.wrapping_neg()),
                Code::AbsF => lanes!(|x: f32| x.abs()),
                Code::AbsI => lanes!(|x: i32| x.wrapping_abs()),
                Code::SignF => lanes!(|x: f32| math::pinned_sign(x)),
                Code::SignI => lanes!(|x: i32| x.signum()),
                Code::FloorF => lanes!(|x: f32| x.floor()),
                Code::CeilF => lanes!(|x: f32| x.ceil()),
                Code::RoundF => lanes!(|x: f32| x.round_ties_even()),
                Code::TruncF => lanes!(|x: f32| x.trunc()),
                Code::FractF => lanes!(|x: f32| math::pinned_fract(x)),
                Code::SqrtF => lanes!(|x: f32| x.sqrt()),
                Code::InverseSqrtF => lanes!(|x: f32| math::pinned_inverse_sqrt(x)),
                Code::ExpF => lanes!(|x: f32| math::pinned_exp(x)),
                Code::Exp2F => lanes!(|x: f32| math::pinned_exp2(x)),
                Code::LogF => lanes!(|x: f32| math::pinned_log(x)),
                Code::Log2F => lanes!(|x: f32| math::pinned_log2(x)),
                Code::SinF => lanes!(|x: f32| math::pinned_sin(x)),
                Code::CosF => lanes!(|x: f32| math::pinned_cos(x)),
                Code::TanF => lanes!(|x: f32| math::pinned_tan(x)),
                Code::AsinF => lanes!(|x: f32| math::pinned_asin(x)),
                Code::AcosF => lanes!(|x: f32| math::pinned_acos(x)),
                Code::AtanF => lanes!(|x: f32| math::pinned_atan(x)),
                Code::SinhF => lanes!(|x: f32| math::pinned_sinh(x)),
                Code::CoshF => lanes!(|x: f32| math::pinned_cosh(x)),
                Code::TanhF => lanes!(|x: f32| math::pinned_tanh(x)),
                Code::AsinhF => lanes!(|x: f32| math::pinned_asinh(x)),
                Code::AcoshF => lanes!(|x: f32| math::pinned_acosh(x)),
                Code::AtanhF => lanes!(|x: f32| math::pinned_atanh(x)),
                Code::ExprelF => lanes!(|x: f32| math::pinned_exprel(x)),
                Code::FlushF => lanes!(|x: u32| math::flushed(x)),
                Code::FtoI => lanes!(|x: f32| math::to_i32(x)),
                Code::FtoU => lanes!(|x: f32| math::to_u32(x)),
                Code::ItoF => lanes!(|x: i32| x as f32),
                Code::UtoF => lanes!(|x: u32| x as f32),
                Code::BtoF => lanes!(|x: bool| if x { 1.0f32 } else { 0.0 }),
                Code::BtoI => lanes!(|x: bool| if x { 1u32 } else { 0 }),
                Code::FtoB => lanes!(|x: f32| x != 0.0),
                Code::ItoB => lanes!(|x: u32| x != 0),
                Code::CountOneBits => lanes!(|x: u32| x.count_ones()),
                Code::ReverseBits => lanes!(|x: u32| x.reverse_bits()),
                Code::CountLeadingZeros => lanes!(|x: u32| x.leading_zeros()),
                Code::CountTrailingZeros => lanes!(|x: u32| x.trailing_zeros()),
                Code::AddF => lanes!(|x: f32, y: f32| x + y),
                Code::SubF => lanes!(|x: f32, y: f32| x - y),
                Code::MulF => lanes!(|x: f32, y: f32| x * y),
                Code::DivF => lanes!(|x: f32, y: f32| x / y),
                Code::RemF => lanes!(|x: f32, y: f32| math::pinned_rem(x, y)),
                Code::MinF => lanes!(|x: f32, y: f32| math::pinned_min(x, y)),
                Code::MaxF => lanes!(|x: f32, y: f32| math::pinned_max(x, y)),
                Code::PowF => lanes!(|x: f32, y: f32| math::pinned_pow(x, y)),
                Code::Atan2F => lanes!(|x: f32, y: f32| math::pinned_atan2(x, y)),
                Code::AddI => lanes!(|x: u32, y: u32| x.wrapping_add(y)),
                Code::SubI => lanes!(|x: u32, y: u32| x.wrapping_sub(y)),
                Code::MulI => lanes!(|x: u32, y: u32| x.wrapping_mul(y)),
                Code::DivI => lanes!(|x: i32, y: i32| math::div_i32(x, y)),
                Code::DivU => {
                    lanes!(|x: u32, y: u32| x.checked_div(y).unwrap_or(x))
                }
                Code::RemI => lanes!(|x: i32, y: i32| math::rem_i32(x, y)),
                Code::RemU => {
                    lanes!(|x: u32, y: u32| x.checked_rem(y).unwrap_or(0))
                }
                Code::MinI => lanes!(|x: i32, y: i32| x.min(y)),
                Code::MaxI => lanes!(|x: i32, y: i32| x.max(y)),
                Code::MinU => lanes!(|x: u32, y: u32| x.min(y)),
                Code::MaxU => lanes!(|x: u32, y: u32| x.max(y)),
                Code::And => lanes!(|x: u32, y: u32| x & y),
                Code::Or => lanes!(|x: u32, y: u32| x | y),
                Code::Xor => lanes!(|x: u32, y: u32| x ^ y),
                Code::Shl => lanes!(|x: u32, y: u32| x.wrapping_shl(y)),
                Code::ShrI => lanes!(|x: i32, y: u32| x.wrapping_shr(y)),
                Code::ShrU => lanes!(|x: u32, y: u32| x.wrapping_shr(y)),
                Code::EqF => lanes!(|x: f32, y: f32| x == y),
                Code::NeF => lanes!(|x: f32, y: f32| x != y),
                Code::LtF => lanes!(|x: f32, y: f32| x < y),
                Code::LeF => lanes!(|x: f32, y: f32| x <= y),
                Code::EqI => lanes!(|x: u32, y: u32| x == y),
                Code::NeI => lanes!(|x: u32, y: u32| x != y),
                Code::LtI => lanes!(|x: i32, y: i32| x < y),
                Code::LeI => lanes!(|x: i32, y: i32| x <= y),
                Code::LtU => lanes!(|x: u32, y: u32| x < y),
                Code::LeU => lanes!(|x: u32, y: u32| x <= y),
                Code::Select => lanes!(|m: bool, x: u32, y: u32| if m { x } else { y }),
                Code::MulAddF => lanes!(|x: f32, y: f32, z: f32| x * y + z),
                Code::MulSubF => lanes!(|x: f32, y: f32, z: f32| x * y - z),
                Code::SubMulF => lanes!(|x: f32, y: f32, z: f32| z - x * y),
                Code::AddMulF => lanes!(|x: f32, y: f32, z: f32| (x + y) * z),
                Code::DiffMulF => lanes!(|x: f32, y: f32, z: f32| (x - y) * z),
                Code::Gather => {
                    let memory = *table.get_unchecked(op.to as usize);
                    for chunk in 0..chunks {
                        let index = load(table, op.args[0], chunk);
                        store(table, op.dst, chunk, index.map(|k| *memory.add(k as usize)));
                    }
                }
                Code::Scatter | Code::AtomicExchange => writes!(|_old: u32, new, _third| new),
                Code::AtomicAdd => writes!(|old: u32, new, _third| old.wrapping_add(new)),
                Code::AtomicSub => writes!(|old: u32, new, _third| old.wrapping_sub(new)),
                Code::AtomicAnd => writes!(|old: u32, new, _third| old & new),
                Code::AtomicOr => writes!(|old: u32, new, _third| old | new),
                Code::AtomicXor => writes!(|old: u32, new, _third| old ^ new),
                Code::AtomicMinI => writes!(|old: i32, new, _third| old.min(new)),
                Code::AtomicMinU => writes!(|old: u32, new, _third| old.min(new)),
                Code::AtomicMaxI => writes!(|old: i32, new, _third| old.max(new)),
                Code::AtomicMaxU => writes!(|old: u32, new, _third| old.max(new)),
                Code::CompareExchange => {
                    writes!(|old: u32, new, third| if old == third { new } else { old })
                }
                Code::ExitIfNone => {
                    let mut any = 0;
                    for chunk in 0..chunks {
                        let mask = load(table, op.args[0], chunk);
                        // lanes of no element may never leave
                        let living = mask.iter().take(lanes - chunk * CHUNK);
                        any = living.fold(any, |any, lane| any | lane);
                    }
                    if any == 0 {
                        pc = op.to as usize;
                    }
                }
                Code::Jump => pc = op.to as usize,
            }
        }
    }
}

/// The instruction set that the interpreter uses on this processor.
pub(crate) fn instruction_set() -> &'static str {
    InstructionSet::detect().name()
}
