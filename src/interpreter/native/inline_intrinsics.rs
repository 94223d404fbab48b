//! Elementary functions as the operations that their text consists of, in place.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::scalar::{Access, Code, Lowered, Options, Origin, ScalarOp, ValueId, lower};

/// The text that the interpreter's functions are made of, too.
static LIBRARY: LazyLock<Option<naga::Module>> = LazyLock::new(|| {
    const TEXTS: [&str; 4] = [
        include_str!("../../../shaders/lib/bits.wgsl"),
        include_str!("../../../shaders/lib/divide.wgsl"),
        include_str!("../../../shaders/lib/builtins.wgsl"),
        include_str!("../../../shaders/lib/pinned.wgsl"),
    ];
    naga::front::wgsl::parse_str(&TEXTS.join("\n")).ok()
});

static FUNCTIONS: LazyLock<Mutex<HashMap<Code, Option<Lowered>>>> = LazyLock::new(Mutex::default);

/// Name of the function that an operation is.
fn function(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::SignF => "pinned_sign",
        Code::FractF => "pinned_fract",
        Code::InverseSqrtF => "pinned_inverse_sqrt",
        Code::ExpF => "pinned_exp",
        Code::Exp2F => "pinned_exp2",
        Code::LogF => "pinned_log",
        Code::Log2F => "pinned_log2",
        Code::SinF => "pinned_sin",
        Code::CosF => "pinned_cos",
        Code::TanF => "pinned_tan",
        Code::AsinF => "pinned_asin",
        Code::AcosF => "pinned_acos",
        Code::AtanF => "pinned_atan",
        Code::SinhF => "pinned_sinh",
        Code::CoshF => "pinned_cosh",
        Code::TanhF => "pinned_tanh",
        Code::AsinhF => "pinned_asinh",
        Code::AcoshF => "pinned_acosh",
        Code::AtanhF => "pinned_atanh",
        Code::ExprelF => "pinned_exprel",
        Code::RemF => "pinned_rem",
        Code::MinF => "pinned_min",
        Code::MaxF => "pinned_max",
        Code::PowF => "pinned_pow",
        Code::Atan2F => "pinned_atan2",
        _ => return None,
    })
}

/// The function's own operations, expanded; its arguments are columns.
fn operations(code: Code) -> Option<Lowered> {
    let known = FUNCTIONS.lock().unwrap_or_else(PoisonError::into_inner).get(&code).cloned();
    if let Some(known) = known {
        return known;
    }
    let found = function(code).and_then(|name| {
        let inputs: Vec<Access> = (0..code.arity()).map(Access::Column).collect();
        expanded(&lower(LIBRARY.as_ref()?, name, &inputs, &Options::default()).ok()?)
    });
    FUNCTIONS.lock().unwrap_or_else(PoisonError::into_inner).insert(code, found.clone());
    found
}

/// The program with the operations of its functions instead of the functions; none where one has no such text.
pub(super) fn expanded(lowered: &Lowered) -> Option<Lowered> {
    let mut out = Lowered { body: Vec::new(), ..lowered.clone() };
    // where each operation has gone, for those that jump
    let mut places = Vec::with_capacity(lowered.body.len() + 1);
    for op in &lowered.body {
        places.push(out.body.len() as u32);
        match function(op.code) {
            None if op.code == Code::FlushF => flush(&mut out, op),
            None => out.body.push(*op),
            Some(_) => inline(&mut out, op, &operations(op.code)?),
        }
    }
    places.push(out.body.len() as u32);
    for (place, op) in lowered.body.iter().enumerate().filter(|(_, op)| op.code.is_control()) {
        out.body[places[place] as usize].to = places[op.to as usize];
    }
    Some(out)
}

/// A flush in the midst of a program.
fn flush(out: &mut Lowered, op: &ScalarOp<ValueId>) {
    let mut value = |origin| {
        out.values.push(origin);
        out.values.len() as ValueId - 1
    };
    let constants = [0x7f80_0000, 0, 1 << 31].map(|bits| value(Origin::Constant(bits)));
    let ([mask, none, sign], x) = (constants, op.args[0]);
    let [exponent, small, zero] = [Origin::Body; 3].map(value);
    let mut push = |code, dst, args| out.body.push(ScalarOp { code, dst, args, to: 0 });
    push(Code::And, exponent, [x, mask, mask]);
    push(Code::EqI, small, [exponent, none, none]);
    push(Code::And, zero, [x, sign, sign]);
    push(Code::Select, op.dst, [small, zero, x]);
}

/// Puts a function's operations at the end of the body.
fn inline(out: &mut Lowered, call: &ScalarOp<ValueId>, function: &Lowered) {
    let start = out.body.len() as u32;
    let result = function.outputs.first().copied();
    let mut ids = Vec::with_capacity(function.values.len());
    for (value, origin) in function.values.iter().enumerate() {
        ids.push(match *origin {
            Origin::Column(k) => call.args[k],
            // made once, so it is the result itself
            Origin::Body | Origin::Prologue if Some(value as ValueId) == result => call.dst,
            origin => {
                out.values.push(match origin {
                    // what the interpreter would compute once is computed where it is needed
                    Origin::Prologue => Origin::Body,
                    origin => origin,
                });
                out.values.len() as ValueId - 1
            }
        });
    }
    for op in function.prologue.iter().chain(&function.body) {
        let (dst, args) = (ids[op.dst as usize], op.args.map(|arg| ids[arg as usize]));
        let to = if op.code.is_control() {
            op.to + start + function.prologue.len() as u32
        } else {
            op.to
        };
        out.body.push(ScalarOp { code: op.code, dst, args, to });
    }
    let made = result.is_some_and(|value| {
        matches!(function.values[value as usize], Origin::Body | Origin::Prologue)
    });
    if let (false, Some(value)) = (made, result) {
        let value = ids[value as usize];
        out.body.push(ScalarOp { code: Code::Copy, dst: call.dst, args: [value; 3], to: 0 });
    }
}
