//! Which file depends on which, and the circles among them.

use crate::modules::{Crate, Found};

/// A file that uses what another one defines.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrow {
    pub from: usize,
    pub to: usize,
    pub line: usize,
    /// The path as it is written.
    pub what: String,
}

/// All arrows of a crate, and the paths that lead to nothing.
pub fn arrows(all: &Crate) -> (Vec<Arrow>, Vec<String>) {
    let (mut arrows, mut lost): (Vec<Arrow>, Vec<String>) = (Vec::new(), Vec::new());
    for (at, module) in all.modules.iter().enumerate() {
        let from = module.file;
        let mut add = |path: &[String], line: usize, hands_on: bool| {
            let what = path.join("::");
            let to = match all.find(at, path) {
                Some(Found::Item(found)) => all.modules[found].file,
                // what is used of a module is told by the paths that go on from it
                Some(Found::Module(_)) => return,
                None if ["crate", "super", "self"].contains(&path[0].as_str()) => {
                    lost.push(format!("src/{}:{line} uses `{what}`, which", all.files[from]));
                    return;
                }
                None => return,
            };
            if from != to && !(hands_on && all.files[to].starts_with(&folder(&all.files[from]))) {
                arrows.push(Arrow { from, to, line, what });
            }
        };
        for import in module.imports.iter().filter(|import| import.alias != "*") {
            let used = module.words.get(&import.alias).filter(|_| import.shared);
            // a name that a module only hands on is used by those who take it there, where it comes from the module's own files
            add(&import.path, *used.unwrap_or(&import.line), import.shared && used.is_none());
        }
        for (path, line) in &module.paths {
            add(path, *line, false);
        }
    }
    (arrows, lost)
}

/// The folder that has a file's own modules.
fn folder(file: &str) -> String {
    match file {
        "lib.rs" => String::new(),
        file => file.strip_suffix("mod.rs").map_or(file.replace(".rs", "/"), String::from),
    }
}

/// Files that add functions, which others may call, to a type of another file: the file, the line, the type and its file.
pub fn strangers(all: &Crate) -> Vec<(&str, usize, String, &str)> {
    let mut strangers = Vec::new();
    for (at, module) in all.modules.iter().enumerate() {
        for (path, line) in &module.impls {
            if let Some(Found::Item(home)) = all.find(at, path) {
                let [file, home] = [module.file, all.modules[home].file];
                if file != home {
                    let [file, home] = [file, home].map(|file| all.files[file].as_str());
                    strangers.push((file, *line, path.join("::"), home));
                }
            }
        }
    }
    strangers
}

/// The strongly connected components of more than one file, by Tarjan's algorithm.
pub fn circles(files: usize, arrows: &[Arrow]) -> Vec<Vec<usize>> {
    let mut search = Search {
        arrows,
        index: vec![None; files],
        low: vec![0; files],
        waiting: Vec::new(),
        count: 0,
        found: Vec::new(),
    };
    for file in 0..files {
        if search.index[file].is_none() {
            search.visit(file);
        }
    }
    search.found
}

struct Search<'a> {
    arrows: &'a [Arrow],
    index: Vec<Option<usize>>,
    low: Vec<usize>,
    waiting: Vec<usize>,
    count: usize,
    found: Vec<Vec<usize>>,
}

impl Search<'_> {
    fn visit(&mut self, file: usize) {
        let number = self.count;
        (self.index[file], self.low[file]) = (Some(number), number);
        self.count += 1;
        self.waiting.push(file);
        for arrow in self.arrows.iter().filter(|arrow| arrow.from == file) {
            match self.index[arrow.to] {
                None => {
                    self.visit(arrow.to);
                    self.low[file] = self.low[file].min(self.low[arrow.to]);
                }
                Some(index) if self.waiting.contains(&arrow.to) => {
                    self.low[file] = self.low[file].min(index);
                }
                Some(_) => {}
            }
        }
        if self.low[file] == number {
            let at = self.waiting.iter().position(|f| *f == file).unwrap_or(0);
            let mut circle = self.waiting.split_off(at);
            if circle.len() > 1 {
                circle.sort_unstable();
                self.found.push(circle);
            }
        }
    }
}
