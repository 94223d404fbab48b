//! Joins pairs of operations, so that the first result stays in a vector register: the inner loops wait for their loads
//! and stores, not for arithmetic. Both operations still round, so the bits do not change.

use crate::scalar::{Code, Lowered, Origin, ScalarOp, ValueId};

/// Rewrites the second operation of each pair. The first one is then unused.
///
/// `stores` are the values that something outside the body reads, `loops` the ranges of operations that may run more
/// than once; those are left as they are, since there nothing unused is dropped.
pub(super) fn fuse(lowered: &mut Lowered, stores: &[(ValueId, usize)], loops: &[(usize, usize)]) {
    let mut uses = vec![0u32; lowered.values.len()];
    let read = lowered.body.iter().flat_map(|op| &op.args[..op.code.arity()]);
    for &value in read.chain(stores.iter().map(|(value, _)| value)) {
        uses[value as usize] += 1;
    }
    // the operation that made a value which one operation alone reads, and whose operands are never written again
    let mut made: Vec<Option<ScalarOp<ValueId>>> = vec![None; lowered.values.len()];
    for at in 0..lowered.body.len() {
        if loops.iter().any(|&(from, to)| from <= at && at < to) {
            continue;
        }
        let op = &mut lowered.body[at];
        if let Some((code, args)) = joined(op, &made) {
            (op.code, op.args) = (code, args);
        }
        let fixed = |&arg: &ValueId| lowered.values[arg as usize] != Origin::Cell;
        if op.code.has_result() && uses[op.dst as usize] == 1 && op.args.iter().all(fixed) {
            made[op.dst as usize] = Some(*op);
        }
    }
}

/// The one operation that `op` and the one before it are.
fn joined(
    op: &ScalarOp<ValueId>,
    made: &[Option<ScalarOp<ValueId>>],
) -> Option<(Code, [ValueId; 3])> {
    let [x, y, _] = op.args;
    let pair = |first: Code, value: ValueId, other: ValueId, code: Code| {
        let first = made[value as usize].filter(|op| op.code == first)?;
        Some((code, [first.args[0], first.args[1], other]))
    };
    match op.code {
        Code::AddF => {
            pair(Code::MulF, x, y, Code::MulAddF).or_else(|| pair(Code::MulF, y, x, Code::MulAddF))
        }
        Code::SubF => {
            pair(Code::MulF, x, y, Code::MulSubF).or_else(|| pair(Code::MulF, y, x, Code::SubMulF))
        }
        Code::MulF => pair(Code::AddF, x, y, Code::AddMulF)
            .or_else(|| pair(Code::AddF, y, x, Code::AddMulF))
            .or_else(|| pair(Code::SubF, x, y, Code::DiffMulF))
            .or_else(|| pair(Code::SubF, y, x, Code::DiffMulF)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fuses `value 2 = first(0, 1)`, `value 3 = second(args)`.
    fn fused(origin: Origin, first: Code, second: Code, args: [ValueId; 2]) -> ScalarOp<ValueId> {
        let op = |code, dst, [a, b]: [ValueId; 2]| ScalarOp { code, dst, args: [a, b, a], to: 0 };
        let mut lowered = Lowered {
            values: vec![origin, Origin::Column(1), Origin::Body, Origin::Body],
            body: vec![op(first, 2, [0, 1]), op(second, 3, args)],
            ..Lowered::default()
        };
        fuse(&mut lowered, &[(3, 0)], &[]);
        lowered.body[1]
    }

    #[test]
    fn pairs() {
        let cases = [
            (Code::MulF, Code::AddF, [2, 1], Code::MulAddF),
            (Code::MulF, Code::AddF, [1, 2], Code::MulAddF),
            (Code::MulF, Code::SubF, [2, 1], Code::MulSubF),
            (Code::MulF, Code::SubF, [1, 2], Code::SubMulF),
            (Code::AddF, Code::MulF, [1, 2], Code::AddMulF),
            (Code::SubF, Code::MulF, [2, 1], Code::DiffMulF),
        ];
        for (first, second, args, code) in cases {
            let op = fused(Origin::Column(0), first, second, args);
            assert_eq!((op.code, op.args), (code, [0, 1, 1]));
        }
    }

    #[test]
    fn a_result_that_is_read_twice_stays() {
        let op = fused(Origin::Column(0), Code::MulF, Code::AddF, [2, 2]);
        assert_eq!(op.code, Code::AddF);
    }

    #[test]
    fn what_may_be_written_between_stays() {
        let op = fused(Origin::Cell, Code::MulF, Code::AddF, [2, 1]);
        assert_eq!(op.code, Code::AddF);
    }
}
