//! Puts a prefix before every name of a module, in the IR, and writes it back as WGSL, so that several models can stand
//! in one text. Names inside functions stay.

use naga::{Module, Span, Type, UniqueArena};

use super::validity::validate;

/// The prefix of the model number `k` of a text. The number keeps it apart from all names that are not a model's; and since
/// the writer joins underscores that follow each other and drops those at the end of a name, the prefix has none.
pub(super) fn of(k: usize, name: &str) -> String {
    let number = format!("m{k}");
    let words = name.split('_').filter(|word| !word.is_empty());
    std::iter::once(number.as_str()).chain(words).collect::<Vec<_>>().join("_").to_lowercase()
}

/// Operators of an expression that are written within each other's brackets. naga's parser goes 200 deep.
const WRITTEN_DEPTH: usize = 32;

/// Gives names to parts of deep expressions, so that the writer writes each as a statement of its own.
fn name_deep(function: &mut naga::Function) {
    use naga::Expression as Ex;
    let mut depths: Vec<usize> = Vec::with_capacity(function.expressions.len());
    for (handle, expression) in function.expressions.iter() {
        let mut depth = 0;
        let mut within = |operand: naga::Handle<Ex>| depth = depth.max(depths[operand.index()] + 1);
        let mut can_be_named = true;
        match expression {
            Ex::Unary { expr, .. } | Ex::As { expr, .. } => within(*expr),
            Ex::Binary { left, right, .. } => [*left, *right].into_iter().for_each(within),
            Ex::Select { condition, accept, reject } => {
                [*condition, *accept, *reject].into_iter().for_each(within);
            }
            Ex::Math { arg, arg1, arg2, arg3, .. } => {
                [Some(*arg), *arg1, *arg2, *arg3].into_iter().flatten().for_each(within);
            }
            Ex::Relational { argument, .. } => within(*argument),
            Ex::Compose { components, .. } => components.iter().copied().for_each(within),
            Ex::Splat { value, .. } => within(*value),
            Ex::Swizzle { vector, .. } => within(*vector),
            // what these are may be a pointer, which a `let` would read
            Ex::Access { base, index } => {
                [*base, *index].into_iter().for_each(within);
                can_be_named = false;
            }
            Ex::AccessIndex { base, .. } | Ex::Load { pointer: base } => {
                within(*base);
                can_be_named = false;
            }
            _ => can_be_named = false,
        }
        if can_be_named && depth >= WRITTEN_DEPTH {
            function.named_expressions.entry(handle).or_insert_with(|| "part".into());
            depth = 0;
        }
        depths.push(depth);
    }
}

/// The module as WGSL text in which every structure, function and constant is named `prefix_name`.
pub(super) fn prefixed(module: &Module, prefix: &str) -> Result<String, String> {
    let mut module = module.clone();
    let renamed = |name: &Option<String>| name.as_ref().map(|name| format!("{prefix}_{name}"));
    let mut types = UniqueArena::new();
    for (handle, ty) in module.types.iter() {
        // the arena is rebuilt in order, so every handle inside stays valid
        let span: Span = module.types.get_span(handle);
        types.insert(Type { name: renamed(&ty.name), inner: ty.inner.clone() }, span);
    }
    module.types = types;
    for (_, constant) in module.constants.iter_mut() {
        constant.name = renamed(&constant.name);
    }
    for (_, function) in module.functions.iter_mut() {
        function.name = renamed(&function.name);
        name_deep(function);
    }
    for (_, variable) in module.global_variables.iter_mut() {
        variable.name = renamed(&variable.name);
    }
    let info = validate(&module).map_err(|error| error.as_inner().to_string())?;
    naga::back::wgsl::write_string(&module, &info, naga::back::wgsl::WriterFlags::empty())
        .map_err(|error| error.to_string())
}
