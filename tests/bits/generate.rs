//! Random texts.

use dsrunner::{Method, Model};
use fastrand::Rng;

use crate::forms::{self, MASK, W};
use crate::node::{Node, Sort};
use crate::text::{FLOATS, INTEGERS, NATURALS, Step, Text, variables};

/// A text by that seed.
pub fn text(seed: u64) -> Text {
    let mut rng = Rng::with_seed(seed);
    let step = match rng.usize(..5) {
        0 => {
            let methods = [Method::EXP_EULER, Method::EULER, Method::MIDPOINT, Method::RK4];
            Step::Derivative(methods[rng.usize(..methods.len())])
        }
        _ => Step::Update,
    };
    let mut writer = Writer { rng, step, scope: Vec::new(), names: 0, depth: 0 };
    let mut text = Text { step, statements: Vec::new(), results: Vec::new() };
    text.results.resize(variables(step).len(), None);
    let accepted = |text: &Text| Model::from_wgsl("Bits", &text.source(false)).is_ok();
    for _ in 0..writer.rng.usize(..8) {
        let before = writer.scope.len();
        let statement = writer.statement();
        text.statements.push(statement);
        // what constants give may be refused
        if !accepted(&text) {
            text.statements.pop();
            writer.scope.truncate(before);
        }
    }
    for (k, name) in variables(step).iter().enumerate() {
        let sort = match name.as_bytes()[0] {
            b'f' => Sort::F,
            b'i' => Sort::I,
            _ => Sort::U,
        };
        let depth = writer.rng.usize(1..5);
        text.results[k] = Some(writer.piece(sort, depth));
        if !accepted(&text) {
            text.results[k] = None;
        }
    }
    text
}

struct Writer {
    rng: Rng,
    step: Step,
    /// Names with what they are, and whether they can be written to.
    scope: Vec<(String, Sort, bool)>,
    names: usize,
    /// Loops and branches around.
    depth: usize,
}

impl Writer {
    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.rng.usize(..of.len())]
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    /// A piece of at most so many levels.
    fn piece(&mut self, sort: Sort, levels: usize) -> Node {
        if levels == 0 || self.rng.usize(..6) == 0 {
            return self.leaf(sort);
        }
        let (form, sorts) = *match sort {
            Sort::F => self.one(forms::FLOATS),
            Sort::I => self.one(forms::INTEGERS),
            Sort::U => self.one(forms::NATURALS),
            Sort::B => self.one(forms::TRUTHS),
            Sort::V(_) => self.one(forms::VECTORS),
            Sort::M(_) => self.one(forms::MASKS),
            Sort::Statement => return self.statement(),
        };
        let width = match sort {
            Sort::V(width) | Sort::M(width) => width,
            _ => self.rng.usize(2..5),
        };
        let mut parts = Vec::with_capacity(sorts.len());
        for &sort in sorts {
            let sort = match sort {
                W => Sort::V(width),
                MASK => Sort::M(width),
                sort => sort,
            };
            parts.push(self.piece(sort, levels - 1));
        }
        // constants among themselves are one constant
        if !parts.is_empty() && parts.iter().all(|part| part.constant) && self.rng.usize(..8) > 0 {
            let k = self.rng.usize(..parts.len());
            parts[k] = self.variable(parts[k].sort);
        }
        Node::of(sort, &form.replace('N', &width.to_string()), parts)
    }

    fn leaf(&mut self, sort: Sort) -> Node {
        if self.rng.bool() { self.variable(sort) } else { self.literal(sort) }
    }

    fn variable(&mut self, sort: Sort) -> Node {
        let named: Vec<String> =
            self.scope.iter().filter(|(_, s, _)| *s == sort).map(|(n, ..)| n.clone()).collect();
        if !named.is_empty() && self.rng.bool() {
            return Node::leaf(sort, self.one(&named).clone(), false);
        }
        let whole = self.step == Step::Update;
        let text = match sort {
            Sort::F => match self.rng.usize(..6) {
                0 => "p.a".into(),
                1 => "p.b".into(),
                2 => ["h.dt", "h.t"][self.rng.usize(..2)].into(),
                _ => format!("s.{}", self.one(&FLOATS)),
            },
            Sort::I if whole && self.rng.usize(..4) > 0 => format!("s.{}", self.one(&INTEGERS)),
            Sort::I => "p.n".into(),
            Sort::U if whole && self.rng.usize(..4) > 0 => format!("s.{}", self.one(&NATURALS)),
            Sort::U => ["p.m", "h.i"][self.rng.usize(..2)].into(),
            Sort::B => format!("(s.{} > s.{})", self.one(&FLOATS), self.one(&FLOATS)),
            Sort::V(width) | Sort::M(width) => {
                let part = if matches!(sort, Sort::V(_)) { Sort::F } else { Sort::B };
                let kind = if part == Sort::F { "f32" } else { "bool" };
                let parts = (0..width).map(|_| self.leaf(part)).collect();
                let holes = vec!["$"; width].join(", ");
                let mut node = Node::of(sort, &format!("vec{width}<{kind}>({holes})"), parts);
                node.constant = false;
                return node;
            }
            Sort::Statement => String::new(),
        };
        Node::leaf(sort, text, false)
    }

    fn literal(&mut self, sort: Sort) -> Node {
        let text: String = match sort {
            Sort::F if self.rng.usize(..5) == 0 => {
                format!("{:.3}", self.rng.f32() * 2f32.powi(self.rng.i32(..9)))
            }
            Sort::F => (*self.one(&forms::SPECIAL_FLOATS)).into(),
            Sort::I => (*self.one(&forms::SPECIAL_INTEGERS)).into(),
            Sort::U => (*self.one(&forms::SPECIAL_NATURALS)).into(),
            Sort::B => ["true", "false"][self.rng.usize(..2)].into(),
            _ => return self.variable(sort),
        };
        Node::leaf(sort, text, true)
    }

    fn any_sort(&mut self) -> Sort {
        match self.rng.usize(..8) {
            0 => Sort::I,
            1 => Sort::U,
            2 => Sort::B,
            3 => Sort::V(self.rng.usize(2..5)),
            _ => Sort::F,
        }
    }

    /// Statements whose names end with them.
    fn inner(&mut self) -> Node {
        let before = self.scope.len();
        self.depth += 1;
        let count = self.rng.usize(1..3);
        let parts: Vec<Node> = (0..count).map(|_| self.statement()).collect();
        self.depth -= 1;
        self.scope.truncate(before);
        Node::of(Sort::Statement, &"$ ".repeat(count), parts)
    }

    fn statement(&mut self) -> Node {
        // drivers unroll loops, and take minutes for many functions within functions
        let levels = if self.depth == 0 { self.rng.usize(1..4) } else { 1 };
        let choice = if self.depth < 2 { self.rng.usize(..9) } else { self.rng.usize(..5) };
        match choice {
            0..=2 => {
                let (sort, writable) = (self.any_sort(), self.rng.bool());
                let value = self.piece(sort, levels);
                // `let` of a constant is a constant, by which naga refuses what it cannot compute
                let writable = writable || value.constant;
                let name = self.name();
                self.scope.push((name.clone(), sort, writable));
                let keyword = if writable { "var" } else { "let" };
                let kind = match sort {
                    Sort::F => "f32".into(),
                    Sort::I => "i32".into(),
                    Sort::U => "u32".into(),
                    Sort::B => "bool".into(),
                    Sort::V(n) => format!("vec{n}<f32>"),
                    _ => String::new(),
                };
                Node::of(Sort::Statement, &format!("{keyword} {name}: {kind} = $;"), vec![value])
            }
            3 | 4 => {
                let writable: Vec<(String, Sort)> = self
                    .scope
                    .iter()
                    .filter(|(.., w)| *w)
                    .map(|(n, s, _)| (n.clone(), *s))
                    .collect();
                if writable.is_empty() {
                    let name = self.name();
                    self.scope.push((name.clone(), Sort::F, true));
                    return Node::leaf(Sort::Statement, format!("var {name}: f32;"), false);
                }
                let (name, sort) = self.one(&writable).clone();
                let value = self.piece(sort, levels);
                Node::of(Sort::Statement, &format!("{name} = $;"), vec![value])
            }
            5 | 6 => {
                let condition = self.piece(Sort::B, levels);
                let (yes, no) = (self.inner(), self.inner());
                Node::of(Sort::Statement, "if $ { $} else { $}", vec![condition, yes, no])
            }
            7 => {
                let name = self.name();
                let turns = self.rng.usize(1..4);
                self.scope.push((name.clone(), Sort::I, false));
                let (body, leave) = (self.inner(), self.piece(Sort::B, 2));
                self.scope.retain(|(n, ..)| *n != name);
                let form = format!(
                    "for (var {name} = 0; {name} < {turns}; {name}++) {{ $if $ {{ break; }} }}"
                );
                Node::of(Sort::Statement, &form, vec![body, leave])
            }
            _ => {
                let selector = self.piece(Sort::I, levels);
                let parts = vec![selector, self.inner(), self.inner()];
                Node::of(Sort::Statement, "switch $ & 3 { case 0, 2: { $} default: { $} }", parts)
            }
        }
    }
}
