//! What there is in the blocks of functions.

use naga::{Block, Module, Statement as St};

/// Which functions of a module, by their place, have a loop or call one that has. Those that are called come first.
pub(super) fn looping(module: &Module) -> Vec<bool> {
    let mut looping = Vec::with_capacity(module.functions.len());
    for (_, function) in module.functions.iter() {
        let reaches = reaches_loop(&looping, &function.body);
        looping.push(reaches);
    }
    looping
}

/// Whether the block, or a function that it calls, has a loop.
pub(super) fn reaches_loop(looping: &[bool], block: &Block) -> bool {
    any_statement(block, &|statement| match statement {
        St::Loop { .. } => true,
        St::Call { function, .. } => looping.get(function.index()).is_none_or(|&loops| loops),
        _ => false,
    })
}

/// Whether any statement, at any depth, satisfies `test`.
pub(super) fn any_statement(block: &Block, test: &dyn Fn(&St) -> bool) -> bool {
    let inside = |b: &Block| any_statement(b, test);
    block.iter().any(|s| {
        test(s)
            || match s {
                St::Block(b) => inside(b),
                St::If { accept, reject, .. } => inside(accept) || inside(reject),
                St::Switch { cases, .. } => cases.iter().any(|c| inside(&c.body)),
                St::Loop { body, continuing, .. } => inside(body) || inside(continuing),
                _ => false,
            }
    })
}

pub(super) fn has_loop(block: &Block) -> bool {
    any_statement(block, &|s| matches!(s, St::Loop { .. }))
}

pub(super) fn has_return(block: &Block) -> bool {
    any_statement(block, &|s| matches!(s, St::Return { .. }))
}

/// Statements after which a lane does not go on with the next one.
pub(super) fn leaves(statement: &St) -> bool {
    matches!(statement, St::Return { .. } | St::Break | St::Continue)
}
