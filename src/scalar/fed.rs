//! A function that was lowered once, for all ways of feeding it.

use super::code::Access;
use super::lowered::{Lowered, Origin};

/// The same function where its scalars are given as `inputs` say, after it was lowered with each of them a column of its number.
/// Lowering it anew would give the same: only where an operation goes depends on it, the prologue or the body.
pub(crate) fn fed(lowered: &Lowered, inputs: &[Access]) -> Lowered {
    let mut out = lowered.clone();
    for origin in &mut out.values {
        let Origin::Column(member) = *origin else { continue };
        *origin = match inputs.get(member) {
            Some(&Access::Column(column)) => Origin::Column(column),
            Some(Access::Uniform) => Origin::UniformInput(member),
            None => continue,
        };
    }
    // for each operation of the body where it is now, or the one that comes after it
    let mut places = Vec::with_capacity(out.body.len() + 1);
    let mut body = Vec::with_capacity(out.body.len());
    for op in std::mem::take(&mut out.body) {
        places.push(body.len() as u32);
        let used = &op.args[..op.code.arity()];
        let stays = op.code.is_control()
            || op.code.on_memory()
            // what is written again is no function of its operands alone
            || out.values[op.dst as usize] != Origin::Body
            || used.iter().any(|&arg| !out.values[arg as usize].is_uniform());
        if stays {
            body.push(op);
        } else {
            out.values[op.dst as usize] = Origin::Prologue;
            out.prologue.push(op);
        }
    }
    places.push(body.len() as u32);
    for op in body.iter_mut().filter(|op| op.code.is_control()) {
        op.to = places[op.to as usize];
    }
    out.body = body;
    // values are numbered as they are made
    out.prologue.sort_by_key(|op| op.dst);
    out
}

#[cfg(test)]
mod tests {
    use super::fed;
    use crate::scalar::{Access, Lowered, Options, lower};

    /// Loops, branches, arrays, calls; what depends on one, on another, on none of the arguments.
    const TEXT: &str = "
        struct Pair { a: f32, b: f32 }
        fn slow(x: f32, n: u32) -> f32 {
            var sum = 0.0;
            var t = array<f32, 3>(x, 2.0 * x, 1.0);
            for (var k = 0u; k < n; k++) {
                if sum > 10.0 { break; }
                sum += t[k % 3u] * sqrt(x) + exp(1.0 / x);
            }
            return sum;
        }
        fn f(p: Pair, n: u32, y: f32) -> Pair {
            var c = p.a * p.a;
            switch n { case 1u: { c += y; } case 2u: { c -= p.b; } default: {} }
            while c < y { c = c * 1.5 + slow(p.b, n); }
            return Pair(slow(p.a, 3u) + c, select(p.b, y, n > 2u && p.b < 1.0));
        }";

    fn lowered(inputs: &[Access]) -> Lowered {
        let module = naga::front::wgsl::parse_str(TEXT).unwrap();
        lower(&module, "f", inputs, &Options::default()).unwrap()
    }

    #[test]
    fn lowered_once_is_lowered_anew() {
        let columns: Vec<Access> = (0..4).map(Access::Column).collect();
        let whole = lowered(&columns);
        for ways in 0..16u32 {
            let way = |k: usize| match ways >> k & 1 {
                0 => Access::Uniform,
                // in another order
                _ => Access::Column(7 - k),
            };
            let inputs: Vec<Access> = (0..4).map(way).collect();
            let (once, anew) = (fed(&whole, &inputs), lowered(&inputs));
            assert!(format!("{once:?}") == format!("{anew:?}"), "{inputs:?}");
        }
    }
}
