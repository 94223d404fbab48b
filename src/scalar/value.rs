//! Values while lowering: scalars with their type, what is composed of them, and places in variables.

use naga::{Handle, Module, ScalarKind, TypeInner};

use super::code::ValueId;

/// What cannot be lowered, in a few words, and where: the statements around it, the innermost first.
#[derive(Debug, Clone)]
pub(crate) struct LoweringError {
    pub what: String,
    pub spans: Vec<naga::Span>,
}

pub(super) type Res<T> = Result<T, LoweringError>;

impl LoweringError {
    pub(crate) fn at(what: &str, span: naga::Span) -> Self {
        Self { what: what.into(), spans: vec![span] }
    }

    pub(super) fn within(mut self, span: naga::Span) -> Self {
        self.spans.push(span);
        self
    }
}

impl From<String> for LoweringError {
    fn from(what: String) -> Self {
        Self { what, spans: Vec::new() }
    }
}

impl From<&str> for LoweringError {
    fn from(what: &str) -> Self {
        what.to_string().into()
    }
}

/// Type of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LaneKind {
    F,
    I,
    U,
    B,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scalar {
    pub id: ValueId,
    pub kind: LaneKind,
}

#[derive(Debug, Clone)]
pub(super) enum LoweredValue {
    Scalar(Scalar),
    Composite(Vec<LoweredValue>),
    Pointer(VariablePath),
    Memory(Cell),
}

/// Part of a local variable.
#[derive(Debug, Clone)]
pub(super) struct VariablePath {
    pub variable: usize,
    pub path: Vec<ElementIndex>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum ElementIndex {
    Static(usize),
    Dynamic(Dynamic),
}

/// An index that is known at run time only.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dynamic {
    pub scalar: Scalar,
    /// Number of its site where indexes are watched.
    pub site: Option<usize>,
}

impl LaneKind {
    pub(super) fn of(kind: ScalarKind) -> Res<Self> {
        Ok(match kind {
            ScalarKind::Float => Self::F,
            ScalarKind::Sint => Self::I,
            ScalarKind::Uint => Self::U,
            ScalarKind::Bool => Self::B,
            _ => return Err("an abstract number is left without a type".into()),
        })
    }

    pub(super) fn of_type(module: &Module, ty: Handle<naga::Type>) -> Res<Self> {
        match module.types[ty].inner {
            TypeInner::Scalar(s) => Self::of(s.kind),
            _ => Err(format!("{} is not a scalar", type_name(module, ty)).into()),
        }
    }
}

pub(super) fn type_name(module: &Module, ty: Handle<naga::Type>) -> String {
    module.types[ty].name.clone().unwrap_or_else(|| "the type of an expression".into())
}

impl LoweredValue {
    /// All scalars that it consists of, in order.
    pub(super) fn scalars(&self) -> Res<Vec<Scalar>> {
        let mut scalars = Vec::new();
        self.flatten(&mut scalars)?;
        Ok(scalars)
    }

    fn flatten(&self, out: &mut Vec<Scalar>) -> Res<()> {
        match self {
            Self::Scalar(s) => out.push(*s),
            Self::Composite(parts) => parts.iter().try_for_each(|part| part.flatten(out))?,
            Self::Pointer(_) | Self::Memory(_) => return Err("a pointer is used as a value".into()),
        }
        Ok(())
    }

    pub(super) fn scalar(self) -> Res<Scalar> {
        match self {
            Self::Scalar(s) => Ok(s),
            _ => Err("a vector where a scalar is wanted".into()),
        }
    }

    pub(super) fn part(self, k: usize) -> Res<Self> {
        match self {
            Self::Composite(parts) => {
                parts.into_iter().nth(k).ok_or_else(|| "an index out of range".into())
            }
            _ => Err("an index into a scalar".into()),
        }
    }

    /// The same shape with other scalars.
    pub(super) fn rebuilt(&self, scalars: &mut impl Iterator<Item = Scalar>) -> Self {
        match self {
            Self::Scalar(old) => Self::Scalar(scalars.next().unwrap_or(*old)),
            Self::Composite(parts) => {
                Self::Composite(parts.iter().map(|p| p.rebuilt(scalars)).collect())
            }
            Self::Pointer(place) => Self::Pointer(place.clone()),
            Self::Memory(cell) => Self::Memory(*cell),
        }
    }
}

/// A memory, or a word of one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) memory: usize,
    pub(super) kind: LaneKind,
    /// Where the word is, once that is known; within the memory, whatever the lane.
    pub(super) index: Option<Scalar>,
}
