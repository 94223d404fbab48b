//! What an expression indexes, and where, for people. Composed programs are written anew from their models, so a place in
//! the user's text is found by the name of the function and by what is indexed there.

use naga::front::Typifier;
use naga::proc::ResolveContext;
use naga::{Expression as Ex, Function, Handle, Module, TypeInner};

use super::definition::Model;
use super::inner::Inner;
use super::program::{Program, unprefixed};
use crate::error::{Error, Location};
use crate::scalar::{IndexSite, LoopSite, loops};

/// What to do where loops go round more often than the runner allows.
pub(crate) const ALLOW: &str = "let them end, or allow more by `loop_limit`";

/// A function whose expressions are told by the names in them.
struct Reader<'a> {
    module: &'a Module,
    function: &'a Function,
    /// A name as the user wrote it.
    own: &'a dyn Fn(&str) -> String,
}

impl Program {
    /// What is indexed at a site, and where that is.
    pub(crate) fn indexed(&self, site: &IndexSite) -> String {
        let Some(function) = function(&self.module, &site.function) else {
            return "an array".into();
        };
        let own = |name: &str| self.own(name).1.to_string();
        let reader = Reader { module: &self.module, function, own: &own };
        let text = reader.text(site.access);
        let (model, name) = self.own(&site.function);
        let found = model.zip(text.as_ref());
        let found = found.and_then(|(model, text)| place(model.inner(), name, text));
        let place = match (found, model) {
            (Some(Location { file, line, column, .. }), _) => format!("at {file}:{line}:{column}"),
            (None, Some(model)) => format!("in `{name}` of model `{}`", model.name()),
            (None, None) => format!("in the {}", self.name),
        };
        let text = text.map_or_else(String::new, |text| format!("`{text}` "));
        format!("{} ({text}{place})", reader.base(site.access))
    }

    /// A loop of a node that went round too often, with its place in the user's text as far as that is known.
    pub(crate) fn endless(
        &self,
        site: &LoopSite,
        node: &str,
        limit: u32,
        help: &'static str,
    ) -> Error {
        let (model, name) = self.own(&site.function);
        let found = model.and_then(|model| {
            let inner = model.inner();
            let (_, span) = *loops(function(&inner.module, name)?).get(site.number)?;
            let start = span.to_range()?.start;
            let own = start < inner.source.len();
            own.then(|| Location::of(&inner.file, &inner.source, start))
        });
        Error::EndlessLoop {
            node: node.into(),
            function: name.into(),
            limit,
            help,
            location: found.map(Box::new),
        }
    }

    /// A name as the user wrote it, and the model that it belongs to, where it has the model's prefix.
    pub(super) fn own<'n>(&self, name: &'n str) -> (Option<&Model>, &'n str) {
        // nothing was written anew where the text is the model's own
        let name = if self.text.is_empty() { name } else { unwritten(name) };
        let mut prefixes = self.prefixes.iter().enumerate();
        let found =
            prefixes.find_map(|(k, prefix)| Some((self.models.get(k), unprefixed(prefix, name)?)));
        found.unwrap_or((None, name))
    }
}

/// A name without the ending that the writer may have given it, `_` or `_1` and so on, to keep it apart from others.
fn unwritten(name: &str) -> &str {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    stem.strip_suffix('_').filter(|own| !own.is_empty()).unwrap_or(name)
}

fn function<'m>(module: &'m Module, name: &str) -> Option<&'m Function> {
    let mut functions = module.functions.iter().map(|(_, f)| f);
    functions.find(|f| f.name.as_deref() == Some(name))
}

/// Where a model's own text has that expression, if it stands on one line only.
fn place(model: &Inner, name: &str, text: &str) -> Option<Location> {
    let function = function(&model.module, name)?;
    let reader = Reader { module: &model.module, function, own: &str::to_string };
    let found = function
        .expressions
        .iter()
        .filter(|(handle, _)| reader.text(*handle).as_deref() == Some(text));
    let starts = found.filter_map(|(handle, _)| function.expressions.get_span(handle).to_range());
    let own = starts.filter(|range| range.end <= model.source.len());
    let mut places = own.map(|range| Location::of(&model.file, &model.source, range.start));
    let first = places.next()?;
    places.all(|place| place.line == first.line).then_some(first)
}

impl Reader<'_> {
    /// The expression with the names in it; none where it has none.
    fn text(&self, handle: Handle<Ex>) -> Option<String> {
        let name = |name: &Option<String>| name.as_deref().map(self.own);
        // the writer's own names for what it computes once tell nothing
        let named = self.function.named_expressions.get(&handle).filter(|n| !n.starts_with("_e"));
        named.map(|n| (self.own)(n)).or_else(|| match self.function.expressions[handle] {
            Ex::LocalVariable(local) => name(&self.function.local_variables[local].name),
            Ex::FunctionArgument(k) => name(&self.function.arguments[k as usize].name),
            Ex::Constant(constant) => name(&self.module.constants[constant].name),
            Ex::GlobalVariable(global) => name(&self.module.global_variables[global].name),
            Ex::Load { pointer } => self.text(pointer),
            Ex::Access { base, index } => {
                let index = self.text(index).unwrap_or_else(|| "..".into());
                Some(format!("{}[{index}]", self.text(base)?))
            }
            Ex::AccessIndex { base, index } => match self.inner(base)? {
                TypeInner::Struct { members, .. } => {
                    let member = name(&members.get(index as usize)?.name)?;
                    Some(format!("{}.{member}", self.text(base)?))
                }
                _ => Some(format!("{}[{index}]", self.text(base)?)),
            },
            _ => None,
        })
    }

    /// What an expression indexes, by its name or else by its type.
    fn base(&self, access: Handle<Ex>) -> String {
        let Ex::Access { base, .. } = self.function.expressions[access] else {
            return "an array".into();
        };
        let text = self.text(base).map(|text| format!("`{text}`"));
        text.unwrap_or_else(|| {
            match self.inner(base) {
                Some(TypeInner::Vector { .. }) => "a vector",
                Some(TypeInner::Matrix { .. }) => "a matrix",
                _ => "an array",
            }
            .into()
        })
    }

    /// The type of an expression, or of what it points to.
    fn inner(&self, handle: Handle<Ex>) -> Option<TypeInner> {
        let Self { module, function, .. } = self;
        let (locals, arguments) = (&function.local_variables, &function.arguments);
        let context = ResolveContext::with_locals(module, locals, arguments);
        let mut typifier = Typifier::new();
        typifier.grow(handle, &function.expressions, &context).ok()?;
        Some(match typifier.get(handle, &module.types) {
            TypeInner::Pointer { base, .. } => module.types[*base].inner.clone(),
            TypeInner::ValuePointer { size: Some(size), scalar, .. } => {
                TypeInner::Vector { size: *size, scalar: *scalar }
            }
            inner => inner.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::unwritten;

    #[test]
    fn names_as_they_were() {
        for (written, own) in [
            ("table", "table"),
            ("t1_", "t1"),
            ("k_1", "k"),
            ("k_1_", "k_1"),
            ("t1_2", "t1"),
            ("_1", "_1"),
        ] {
            assert_eq!(unwritten(written), own);
        }
    }
}
