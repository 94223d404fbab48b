//! Pieces of a text as trees, so that they can be made and shortened.

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sort {
    F,
    I,
    U,
    B,
    /// A vector of f32 of this width.
    V(usize),
    /// A vector of bool of this width.
    M(usize),
    Statement,
}

/// A piece: text around pieces.
#[derive(Debug, Clone)]
pub struct Node {
    pub sort: Sort,
    /// One more than there are parts.
    pub around: Vec<String>,
    pub parts: Vec<Node>,
    /// Whether it is known while a text is parsed.
    pub constant: bool,
}

impl Node {
    /// A piece without parts.
    pub fn leaf(sort: Sort, text: impl Into<String>, constant: bool) -> Self {
        Self { sort, around: vec![text.into()], parts: Vec::new(), constant }
    }

    /// `$` in the form stands for a part.
    pub fn of(sort: Sort, form: &str, parts: Vec<Self>) -> Self {
        let around: Vec<String> = form.split('$').map(String::from).collect();
        assert_eq!(around.len(), parts.len() + 1, "{form}");
        let constant = !parts.is_empty() && parts.iter().all(|part| part.constant);
        Self { sort, around, parts, constant }
    }

    pub fn text(&self) -> String {
        let mut text = self.around[0].clone();
        for (part, after) in self.parts.iter().zip(&self.around[1..]) {
            text += &part.text();
            text += after;
        }
        text
    }

    /// How many pieces it has, itself among them.
    pub fn size(&self) -> usize {
        1 + self.parts.iter().map(Self::size).sum::<usize>()
    }

    /// Itself with another piece in the place of one, counted from itself on.
    pub fn with(&self, at: usize, piece: &Self) -> Self {
        if at == 0 {
            return piece.clone();
        }
        let mut out = self.clone();
        let mut before = 1;
        for part in &mut out.parts {
            let size = part.size();
            if at < before + size {
                *part = part.with(at - before, piece);
                return out;
            }
            before += size;
        }
        out
    }

    /// The piece of that number.
    pub fn at(&self, at: usize) -> Option<&Self> {
        if at == 0 {
            return Some(self);
        }
        let mut before = 1;
        for part in &self.parts {
            let size = part.size();
            if at < before + size {
                return part.at(at - before);
            }
            before += size;
        }
        None
    }
}
