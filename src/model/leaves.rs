//! What a function takes and gives, scalar by scalar.

use naga::{Function, Module, TypeInner};

/// The scalars of a function's arguments, in their order: number of the argument, and how the function writes them.
pub(super) fn leaves(module: &Module, name: &str) -> Vec<(usize, String)> {
    let mut leaves = Vec::new();
    for (k, argument) in function(module, name).into_iter().flat_map(|f| &f.arguments).enumerate() {
        let name = argument.name.clone().unwrap_or_default();
        match members(module, argument.ty) {
            Some(members) => leaves.extend(members.map(|member| (k, format!("{name}.{member}")))),
            None => leaves.push((k, name)),
        }
    }
    leaves
}

/// Names of the members of the structure that it returns; none where it returns none.
pub(super) fn results(module: &Module, name: &str) -> Vec<String> {
    let result = function(module, name).and_then(|f| f.result.as_ref());
    let members = result.and_then(|result| members(module, result.ty));
    members.into_iter().flatten().map(String::from).collect()
}

fn function<'m>(module: &'m Module, name: &str) -> Option<&'m Function> {
    let mut functions = module.functions.iter().map(|(_, function)| function);
    functions.find(|function| function.name.as_deref() == Some(name))
}

fn members(
    module: &Module,
    ty: naga::Handle<naga::Type>,
) -> Option<impl Iterator<Item = &str> + '_> {
    match &module.types[ty].inner {
        TypeInner::Struct { members, .. } => {
            Some(members.iter().map(|member| member.name.as_deref().unwrap_or_default()))
        }
        _ => None,
    }
}
