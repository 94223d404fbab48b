//! From numbered values to operands: drops what nobody needs, lets results go straight to their column, and shares
//! registers between values that do not live at the same time.

use super::bytecode::{Bytecode, CHUNK, Operand};
use super::fuse::fuse;
use crate::scalar::{Access, Code, Lowered, Origin, ScalarOp, ValueId};

/// Turns a lowered function into a bytecode. `outputs[k]` is the column that member `k` of the result goes to.
pub(super) fn allocate(mut lowered: Lowered, inputs: &[Access], outputs: &[usize]) -> Bytecode {
    let columns = inputs
        .iter()
        .filter_map(|access| match access {
            Access::Column(column) => Some(column + 1),
            Access::Uniform => None,
        })
        .chain(outputs.iter().map(|column| column + 1))
        .max()
        .unwrap_or(0);
    let stores = write_outputs(&mut lowered, outputs);
    eliminate_dead_code(&mut lowered, &stores);
    let prologue_reads = drop_unused_once(&mut lowered, &stores);
    let in_loop = loops(&lowered.body);
    fuse(&mut lowered, &stores, &in_loop);
    eliminate_dead_code(&mut lowered, &stores);
    let direct = direct_stores(&lowered, &stores);
    let mut homes: Vec<Option<Storage>> = lowered.values.iter().map(|&o| home_of(o)).collect();
    for &(value, column) in &direct {
        homes[value as usize] = Some(Storage::Column(column));
    }
    // stores that could not be direct become copies at the end of the body
    let mut body = std::mem::take(&mut lowered.body);
    for &(value, column) in stores.iter().filter(|store| !direct.contains(store)) {
        lowered.values.push(Origin::Body);
        homes.push(Some(Storage::Column(column)));
        let dst = lowered.values.len() as ValueId - 1;
        body.push(ScalarOp { code: Code::Copy, dst, args: [value; 3], to: 0 });
    }
    let registers = assign_registers(&body, &mut homes);
    let mut uniforms = Vec::new();
    let mut uniform_inputs = vec![None; inputs.len()];
    let mut prologue_inputs = vec![false; inputs.len()];
    let mut uniform_of = vec![None; lowered.values.len()];
    for (value, &origin) in lowered.values.iter().enumerate() {
        if origin.is_uniform() {
            if let Origin::UniformInput(member) = origin {
                uniform_inputs[member] = Some(uniforms.len());
                prologue_inputs[member] |= prologue_reads[value];
            }
            uniform_of[value] = Some(uniforms.len());
            uniforms.push(if let Origin::Constant(bits) = origin { bits } else { 0 });
        }
    }
    let slot = |value: ValueId| match (uniform_of[value as usize], homes[value as usize]) {
        (Some(uniform), _) => Operand { index: (columns + registers + uniform) as u16, step: 0 },
        (None, Some(Storage::Column(column))) => {
            Operand { index: column as u16, step: CHUNK as u16 }
        }
        (None, Some(Storage::Register(register))) => {
            Operand { index: (columns + register) as u16, step: CHUNK as u16 }
        }
        // a value that nothing reads has no operation left
        (None, None) => Operand { index: 0, step: 0 },
    };
    // what the table has before memories
    let before = columns + registers + uniforms.len();
    let on_memory = body.iter().filter(|op| op.code.on_memory());
    let memories = on_memory.map(|op| op.to as usize + 1).max().unwrap_or(0);
    let place = |ops: &[ScalarOp<ValueId>]| {
        ops.iter()
            .map(|op| {
                let to = if op.code.on_memory() { op.to + before as u32 } else { op.to };
                ScalarOp { code: op.code, dst: slot(op.dst), args: op.args.map(slot), to }
            })
            .collect::<Vec<_>>()
    };
    Bytecode {
        prologue: place(&lowered.prologue),
        body: place(&body),
        columns,
        registers,
        memories,
        uniforms,
        uniform_inputs,
        prologue_inputs,
    }
}

/// Removes what is computed once and read by nothing. Tells which values the rest reads.
fn drop_unused_once(lowered: &mut Lowered, stores: &[(ValueId, usize)]) -> Vec<bool> {
    let (mut used, mut reads) =
        (vec![false; lowered.values.len()], vec![false; lowered.values.len()]);
    let body = lowered.body.iter().flat_map(|op| &op.args[..op.code.arity()]);
    for &value in body.chain(stores.iter().map(|(value, _)| value)) {
        used[value as usize] = true;
    }
    let mut kept = Vec::with_capacity(lowered.prologue.len());
    for op in lowered.prologue.drain(..).rev() {
        if used[op.dst as usize] || op.code.writes_memory() {
            for &arg in &op.args[..op.code.arity()] {
                (used[arg as usize], reads[arg as usize]) = (true, true);
            }
            kept.push(op);
        }
    }
    kept.reverse();
    lowered.prologue = kept;
    reads
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Storage {
    Column(usize),
    Register(usize),
}

fn home_of(origin: Origin) -> Option<Storage> {
    match origin {
        Origin::Column(column) => Some(Storage::Column(column)),
        _ => None,
    }
}

/// The values to store and where. A value that is read from another column is copied first, since that column may be
/// written before this one; a column that keeps its own value needs no store.
fn write_outputs(lowered: &mut Lowered, outputs: &[usize]) -> Vec<(ValueId, usize)> {
    let mut stores = Vec::new();
    for (k, &column) in outputs.iter().enumerate() {
        let value = lowered.outputs[k];
        match lowered.values[value as usize] {
            Origin::Column(from) if from == column => {}
            Origin::Column(_) => {
                lowered.values.push(Origin::Body);
                let dst = lowered.values.len() as ValueId - 1;
                lowered.body.push(ScalarOp { code: Code::Copy, dst, args: [value; 3], to: 0 });
                stores.push((dst, column));
            }
            _ => stores.push((value, column)),
        }
    }
    stores
}

/// Removes operations whose result nothing reads. Everything inside a loop stays: its reads may come before its writes.
pub(super) fn eliminate_dead_code(lowered: &mut Lowered, stores: &[(ValueId, usize)]) {
    let mut used = vec![false; lowered.values.len()];
    for &(value, _) in stores {
        used[value as usize] = true;
    }
    let in_loop = loops(&lowered.body);
    let inside = |at: usize| in_loop.iter().any(|&(from, to)| from <= at && at < to);
    let mut keep = vec![false; lowered.body.len()];
    for (at, op) in lowered.body.iter().enumerate().rev() {
        let is_cell = op.code.has_result() && lowered.values[op.dst as usize] == Origin::Cell;
        if is_cell || inside(at) || op.code.writes_memory() || used[op.dst as usize] {
            keep[at] = true;
            for &arg in &op.args[..op.code.arity()] {
                used[arg as usize] = true;
            }
        }
    }
    // jumps move with the operations between
    let mut new_index = Vec::with_capacity(keep.len() + 1);
    let mut count = 0;
    for &kept in &keep {
        new_index.push(count);
        count += u32::from(kept);
    }
    new_index.push(count);
    for op in lowered.body.iter_mut().filter(|op| op.code.is_control()) {
        op.to = new_index[op.to as usize];
    }
    let mut kept = keep.iter();
    lowered.body.retain(|_| kept.next().copied().unwrap_or(true));
    let mut prologue = std::mem::take(&mut lowered.prologue);
    prologue.reverse();
    prologue.retain(|op| {
        let needed = used[op.dst as usize];
        if needed {
            for &arg in &op.args[..op.code.arity()] {
                used[arg as usize] = true;
            }
        }
        needed
    });
    prologue.reverse();
    lowered.prologue = prologue;
}

/// Ranges of operations that may run more than once.
fn loops(body: &[ScalarOp<ValueId>]) -> Vec<(usize, usize)> {
    body.iter()
        .enumerate()
        .filter(|(_, op)| op.code == Code::Jump)
        .map(|(at, op)| (op.to as usize, at + 1))
        .collect()
}

/// Stores whose value can be computed in place: nothing reads the column's old value after the operation that makes it.
fn direct_stores(lowered: &Lowered, stores: &[(ValueId, usize)]) -> Vec<(ValueId, usize)> {
    let in_loop = loops(&lowered.body);
    let mut direct: Vec<(ValueId, usize)> = Vec::new();
    for &(value, column) in stores {
        let taken = direct.iter().any(|&(v, _)| v == value);
        if taken || lowered.values[value as usize] != Origin::Body {
            continue;
        }
        let Some(made) = lowered.body.iter().position(|op| op.code.has_result() && op.dst == value)
        else {
            continue;
        };
        let looped = in_loop.iter().any(|&(from, to)| from <= made && made < to);
        let read_later = lowered.body[made + 1..].iter().any(|op| {
            op.args[..op.code.arity()]
                .iter()
                .any(|&arg| lowered.values[arg as usize] == Origin::Column(column))
        });
        if !looped && !read_later {
            direct.push((value, column));
        }
    }
    direct
}

/// Linear scan: a register is free again after the last use of its value, at the end of a loop where the value comes
/// from before it.
fn assign_registers(body: &[ScalarOp<ValueId>], homes: &mut [Option<Storage>]) -> usize {
    let mut first = vec![usize::MAX; homes.len()];
    let mut last = vec![0; homes.len()];
    for (at, op) in body.iter().enumerate() {
        let read = op.args[..op.code.arity()].iter().copied();
        for value in read.chain(op.code.has_result().then_some(op.dst)) {
            first[value as usize] = first[value as usize].min(at);
            last[value as usize] = last[value as usize].max(at);
        }
    }
    for &(from, to) in &loops(body) {
        for value in 0..homes.len() {
            if first[value] < from && last[value] >= from && last[value] < to {
                last[value] = to - 1;
            }
        }
    }
    let mut free: Vec<usize> = Vec::new();
    let mut live: Vec<(usize, usize)> = Vec::new();
    let mut count = 0;
    for (at, op) in body.iter().enumerate() {
        live.retain(|&(until, register)| {
            // the last reader may write to the register that it reads: lanes are loaded before they are stored
            let ends = until <= at;
            if ends {
                free.push(register);
            }
            !ends
        });
        if op.code.has_result() && homes[op.dst as usize].is_none() {
            let register = free.pop().unwrap_or_else(|| {
                count += 1;
                count - 1
            });
            homes[op.dst as usize] = Some(Storage::Register(register));
            live.push((last[op.dst as usize], register));
        }
    }
    count
}
