//! The modules of a crate: what each defines, what it imports, and which paths its code names.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::words::{Kind, Token, tokens};

/// A `use` of one name, or of all that a module has.
#[derive(Debug)]
pub struct Import {
    pub path: Vec<String>,
    /// What it is called here; `*` for all.
    pub alias: String,
    pub line: usize,
    /// Whether others see it here, too.
    pub shared: bool,
}

#[derive(Debug, Default)]
pub struct Module {
    /// The number of its file.
    pub file: usize,
    pub parent: Option<usize>,
    pub children: HashMap<String, usize>,
    pub items: HashSet<String>,
    pub imports: Vec<Import>,
    /// Paths in its code, with their lines.
    pub paths: Vec<(Vec<String>, usize)>,
    /// Words of its code outside of imports, with the first line of each.
    pub words: HashMap<String, usize>,
    /// Types to which functions are added that others may call, with the lines.
    pub impls: Vec<(Vec<String>, usize)>,
    /// Whether it has text of other files in it, whose items are not known here.
    pub includes: bool,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Found {
    Module(usize),
    /// An item of that module.
    Item(usize),
}

#[derive(Debug, Default)]
pub struct Crate {
    /// Paths of the files from the crate's source folder.
    pub files: Vec<String>,
    pub modules: Vec<Module>,
}

impl Crate {
    /// Reads `lib.rs` of a folder and all modules that it leads to, without what is for tests alone.
    pub fn read(folder: &Path) -> Self {
        let mut all = Self::default();
        all.file(folder, Path::new("lib.rs"), PathBuf::new(), None);
        all
    }

    /// Reads a file; its own modules are in the folder `inside`.
    fn file(&mut self, root: &Path, path: &Path, inside: PathBuf, parent: Option<usize>) -> usize {
        let text = std::fs::read_to_string(root.join(path))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self.files.push(path.to_string_lossy().replace('\\', "/"));
        self.modules.push(Module { file: self.files.len() - 1, parent, ..Module::default() });
        let module = self.modules.len() - 1;
        let tokens = tokens(&text);
        self.block(root, &inside, module, &tokens);
        module
    }

    /// Reads the tokens of a module.
    fn block(&mut self, root: &Path, inside: &Path, module: usize, tokens: &[Token]) {
        let (mut at, mut depth, mut elsewhere) = (0, 0usize, None);
        while let Some(token) = tokens.get(at) {
            if token.is('#') {
                let end = at + attribute(&tokens[at..]);
                let words: Vec<&Token> = tokens[at..end].iter().collect();
                let says = |word: &str| words.iter().any(|t| t.says(word));
                if (says("cfg") && says("test") && !says("not"))
                    || words.get(2).is_some_and(|t| t.says("test"))
                {
                    at = end + item(&tokens[end..]);
                    continue;
                }
                if says("path") {
                    elsewhere =
                        words.iter().find(|t| t.kind == Kind::Quoted).map(|t| t.text.clone());
                }
                at = end;
                continue;
            }
            if depth == 0 && token.says("mod") {
                let name = tokens[at + 1].text.clone();
                let child = if tokens[at + 2].is(';') {
                    at += 3;
                    let path = match elsewhere.take() {
                        Some(path) => inside.join(path),
                        None if root.join(inside).join(format!("{name}.rs")).exists() => {
                            inside.join(format!("{name}.rs"))
                        }
                        None => inside.join(&name).join("mod.rs"),
                    };
                    let here = inside.join(
                        path.file_stem()
                            .filter(|s| *s != "mod")
                            .map_or(name.clone(), |s| s.to_string_lossy().into_owned()),
                    );
                    self.file(root, &path, here, Some(module))
                } else {
                    let end = at + 2 + group(&tokens[at + 2..]);
                    let file = self.modules[module].file;
                    self.modules.push(Module { file, parent: Some(module), ..Module::default() });
                    let child = self.modules.len() - 1;
                    self.block(root, &inside.join(&name), child, &tokens[at + 3..end - 1]);
                    at = end;
                    child
                };
                self.modules[module].children.entry(name).or_insert(child);
                continue;
            }
            if token.says("use") {
                let shared = at > 0 && (tokens[at - 1].says("pub") || tokens[at - 1].is(')'));
                let length = tokens[at..].iter().position(|t| t.is(';')).unwrap_or(1);
                imports(
                    &tokens[at + 1..at + length],
                    Vec::new(),
                    shared,
                    &mut self.modules[module].imports,
                );
                at += length + 1;
                continue;
            }
            let here = &mut self.modules[module];
            match token.kind {
                Kind::Sign('{') => depth += 1,
                Kind::Sign('}') => depth -= 1,
                Kind::Word => {
                    if depth == 0
                        && let Some(name) = defined(&tokens[at..])
                    {
                        here.items.insert(name.into());
                    }
                    if token.says("include") {
                        here.includes = true;
                    }
                    if depth == 0 && token.says("impl") {
                        here.impls.extend(inherent(&tokens[at..]).map(|of| (of, token.line)));
                    }
                    let path = path(&tokens[at..]);
                    here.words.entry(token.text.clone()).or_insert(token.line);
                    let follows = at > 1 && tokens[at - 1].is(':') && tokens[at - 2].is(':');
                    if path.len() > 1 && !follows {
                        here.paths.push((path, token.line));
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// What a path means in a module; none where it leads out of the crate or to what is local.
    pub fn find(&self, at: usize, path: &[String]) -> Option<Found> {
        self.follow(at, path, false, 0)
    }

    fn follow(&self, at: usize, path: &[String], goes_on: bool, depth: usize) -> Option<Found> {
        let mut found = Found::Module(at);
        for (k, name) in path.iter().enumerate() {
            let Found::Module(module) = found else { break };
            found = match name.as_str() {
                "crate" => Found::Module(0),
                "self" => found,
                "super" => Found::Module(self.modules[module].parent?),
                name => self.look_up(module, name, goes_on || k + 1 < path.len(), depth)?,
            };
        }
        Some(found)
    }

    /// What a name means in a module: a module rather than an item where the path goes on.
    fn look_up(&self, at: usize, name: &str, goes_on: bool, depth: usize) -> Option<Found> {
        let module = &self.modules[at];
        let child = module.children.get(name).map(|child| Found::Module(*child));
        let own = module.items.contains(name).then_some(Found::Item(at));
        let found = if goes_on { child } else { own };
        // an import that leads to itself
        if found.is_some() || depth > 16 {
            return found;
        }
        let named = module.imports.iter().filter(|i| i.alias == name && i.path != [name]);
        let named = named.filter_map(|i| self.follow(at, &i.path, goes_on, depth + 1));
        let named: Vec<Found> = named.collect();
        let is_wanted = |found: &&Found| matches!(found, Found::Module(_)) == goes_on;
        let wanted = named.iter().find(is_wanted).or(named.first()).copied();
        let globs = module.imports.iter().filter(|i| i.alias == "*");
        let mut globs = globs.filter_map(|i| self.follow(at, &i.path, true, depth + 1));
        wanted
            .or(own)
            .or(child)
            .or_else(|| {
                globs.find_map(|found| match found {
                    Found::Module(of) if of != at => self.look_up(of, name, goes_on, depth + 1),
                    _ => None,
                })
            })
            .or(module.includes.then_some(Found::Item(at)))
    }
}

/// Tokens of an attribute.
fn attribute(tokens: &[Token]) -> usize {
    let open = tokens.iter().position(|t| t.is('[')).unwrap_or(0);
    open + group(&tokens[open..])
}

/// Tokens of a group in brackets, which is the first.
fn group(tokens: &[Token]) -> usize {
    let mut depth = 0;
    for (k, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Sign('{' | '[' | '(') => depth += 1,
            Kind::Sign('}' | ']' | ')') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return k + 1;
        }
    }
    tokens.len()
}

/// Tokens of an item, with the attributes before it.
fn item(tokens: &[Token]) -> usize {
    let mut at = 0;
    while tokens.get(at).is_some_and(|t| t.is('#')) {
        at += attribute(&tokens[at..]);
    }
    let mut head = tokens[at..].iter().take_while(|t| !t.is('{') && !t.is(';'));
    let is_use = head.any(|t| t.says("use"));
    while let Some(token) = tokens.get(at) {
        match token.kind {
            Kind::Sign(';') => return at + 1,
            Kind::Sign('{' | '(' | '[') => {
                let braces = token.is('{');
                at += group(&tokens[at..]);
                if braces && !is_use {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    at
}

/// The name of the item that a word begins.
fn defined(tokens: &[Token]) -> Option<&str> {
    let words = ["fn", "struct", "enum", "union", "trait", "type", "const", "static"];
    let name = tokens.get(1)?;
    if tokens[0].says("macro_rules") {
        return Some(&tokens.get(2)?.text);
    }
    let begins = words.iter().any(|word| tokens[0].says(word));
    (begins && name.kind == Kind::Word).then_some(name.text.as_str())
}

/// The type of an `impl` that is not of a trait, and that has functions which other files may call.
fn inherent(tokens: &[Token]) -> Option<Vec<String>> {
    let body = tokens.iter().position(|t| t.is('{'))?;
    let head = &tokens[1..body];
    let (mut depth, mut start) = (0, None);
    for (k, token) in head.iter().enumerate() {
        match token.kind {
            Kind::Sign('<') => depth += 1,
            // the end of generics, not of an arrow
            Kind::Sign('>') if k == 0 || !head[k - 1].is('-') => depth -= 1,
            Kind::Word if depth == 0 && token.says("for") => return None,
            Kind::Word if depth == 0 && start.is_none() => start = Some(k),
            _ => {}
        }
    }
    let mut functions = tokens[body..body + group(&tokens[body..])].iter();
    functions.any(|t| t.says("pub")).then_some(path(&head[start?..]))
}

/// The names of a path that begins here.
fn path(tokens: &[Token]) -> Vec<String> {
    let mut path = vec![tokens[0].text.clone()];
    let mut rest = &tokens[1..];
    while let [a, b, name, ..] = rest {
        if !(a.is(':') && b.is(':') && name.kind == Kind::Word) {
            break;
        }
        path.push(name.text.clone());
        rest = &rest[3..];
    }
    path
}

/// The imports of a tree after its first names.
fn imports(tokens: &[Token], mut first: Vec<String>, shared: bool, into: &mut Vec<Import>) {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let line = token.line;
        match token.kind {
            Kind::Word if token.says("as") => {
                let alias = tokens[at + 1].text.clone();
                into.push(Import { path: first, alias, line, shared });
                return;
            }
            Kind::Word => first.push(token.text.clone()),
            Kind::Sign('*') => {
                into.push(Import { path: first, alias: "*".into(), line, shared });
                return;
            }
            Kind::Sign('{') => {
                let inner = &tokens[at + 1..at + group(&tokens[at..]) - 1];
                let (mut depth, mut start) = (0, 0);
                for k in 0..=inner.len() {
                    match inner.get(k).map(|t| &t.kind) {
                        Some(Kind::Sign('{')) => depth += 1,
                        Some(Kind::Sign('}')) => depth -= 1,
                        Some(Kind::Sign(',')) | None if depth == 0 => {
                            imports(&inner[start..k], first.clone(), shared, into);
                            start = k + 1;
                        }
                        _ => {}
                    }
                }
                return;
            }
            _ => {}
        }
        at += 1;
    }
    let Some(line) = tokens.first().map(|t| t.line) else { return };
    let Some(alias) = first.iter().rev().find(|name| *name != "self").cloned() else { return };
    into.push(Import { path: first, alias, line, shared });
}
