//! Who calls whom in a text.

use std::collections::HashSet;

use naga::{Block, Function, Handle, Module, Statement};

/// The functions that start within so many bytes of the text and that nothing calls.
pub(super) fn uncalled(module: &Module, length: usize) -> Vec<Handle<Function>> {
    let mut called = HashSet::new();
    let entries = module.entry_points.iter().map(|entry| &entry.function);
    let functions = module.functions.iter().map(|(_, function)| function);
    functions.chain(entries).for_each(|function| collect(&function.body, &mut called));
    let own = |handle: Handle<Function>| {
        let range = module.functions.get_span(handle).to_range();
        range.is_some_and(|range| range.start < length)
    };
    let all = module.functions.iter().map(|(handle, _)| handle);
    all.filter(|handle| own(*handle) && !called.contains(handle)).collect()
}

fn collect(block: &Block, called: &mut HashSet<Handle<Function>>) {
    for statement in block.iter() {
        match statement {
            Statement::Call { function, .. } => drop(called.insert(*function)),
            Statement::Block(block) => collect(block, called),
            Statement::If { accept, reject, .. } => {
                collect(accept, called);
                collect(reject, called);
            }
            Statement::Switch { cases, .. } => {
                cases.iter().for_each(|case| collect(&case.body, called));
            }
            Statement::Loop { body, continuing, .. } => {
                collect(body, called);
                collect(continuing, called);
            }
            _ => {}
        }
    }
}
