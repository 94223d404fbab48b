//! Puts a prefix before every name of a module, in the IR, and writes it back as WGSL, so that several models can stand
//! in one text. Names inside functions stay.

use naga::back::wgsl::{WriterFlags, write_string};
use naga::keywords::wgsl::{BUILTIN_IDENTIFIER_SET, RESERVED_SET};
use naga::proc::{CaseInsensitiveKeywordSet, NameKey, Namer};
use naga::valid::ModuleInfo;
use naga::{FastHashMap, Module, Span, Type, UniqueArena};

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

/// A module as text in which every structure, function, constant and global variable is named `prefix_name`.
pub(super) struct Prefixed {
    pub text: String,
    module: Module,
    names: FastHashMap<NameKey, String>,
}

impl Prefixed {
    /// `info` is the validator's of the module. It does for the one with other names, since it tells of things by their numbers,
    /// which stay.
    pub(super) fn new(module: &Module, info: &ModuleInfo, prefix: &str) -> Result<Self, String> {
        let module = renamed(module, prefix);
        let text = write_string(&module, info, WriterFlags::empty()).map_err(|e| e.to_string())?;
        // those that the writer gives, without reading its text again
        let mut names = FastHashMap::default();
        Namer::default().reset(
            &module,
            &RESERVED_SET,
            &BUILTIN_IDENTIFIER_SET,
            CaseInsensitiveKeywordSet::empty(),
            &["__", "_naga"],
            &mut names,
        );
        Ok(Self { text, module, names })
    }

    /// Names of the members of a structure, which has that name with the prefix, as written.
    pub(super) fn members(&self, structure: &str) -> Vec<String> {
        let types = self.module.types.iter();
        let found = types.filter(|(_, ty)| ty.name.as_deref() == Some(structure));
        found
            .filter_map(|(handle, ty)| match &ty.inner {
                naga::TypeInner::Struct { members, .. } => Some((handle, members.len() as u32)),
                _ => None,
            })
            .flat_map(|(handle, count)| (0..count).map(move |k| NameKey::StructMember(handle, k)))
            .filter_map(|key| self.names.get(&key).cloned())
            .collect()
    }

    /// Names of the global variables, as written.
    pub(super) fn globals(&self) -> Vec<String> {
        let handles = self.module.global_variables.iter().map(|(handle, _)| handle);
        handles
            .filter_map(|handle| self.names.get(&NameKey::GlobalVariable(handle)).cloned())
            .collect()
    }
}

fn renamed(module: &Module, prefix: &str) -> Module {
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
    module
}

#[cfg(test)]
mod tests {
    use super::Prefixed;
    use crate::model::validate;

    /// Names that the writer changes: they end in digits, are reserved, stand twice once they are plain, or are the writer's own.
    #[test]
    fn names_are_those_in_the_text() {
        let text = "
            struct S { x1: f32, _e: f32, x_2: f32, a__b: f32, a_b: f32, exp: f32, naïve: f32, type_: f32 }
            struct S_ { f32_: f32, self_: u32, k_: i32, k_1: i32 }
            var<private> t1: f32;
            var<private> t_1: S;
            @group(0) @binding(0) var<storage, read_write> out: array<f32>;
            fn f(s: S, o: S_) -> f32 { t1 = s.x1; out[0] = t1; return s.a__b + t_1.exp + o.f32_; }";
        let module = naga::front::wgsl::parse_str(text).unwrap();
        let prefixed = Prefixed::new(&module, &validate(&module).unwrap(), "m0_p").unwrap();
        let read = naga::front::wgsl::parse_str(&prefixed.text).unwrap();
        validate(&read).unwrap();
        let mut structures = 0;
        for ((_, own), (_, ty)) in prefixed.module.types.iter().zip(read.types.iter()) {
            if let naga::TypeInner::Struct { members, .. } = &ty.inner {
                let written: Vec<_> = members.iter().filter_map(|m| m.name.clone()).collect();
                assert_eq!(prefixed.members(own.name.as_deref().unwrap()), written);
                structures += 1;
            }
        }
        assert_eq!(structures, 2);
        let globals = read.global_variables.iter().filter_map(|(_, g)| g.name.clone());
        assert_eq!(prefixed.globals(), globals.collect::<Vec<_>>());
    }
}
