//! Ids of elements: how a file names them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;

use super::csv::Csv;
use crate::error::{Error, Explained, Result};

/// What a file calls an element: an integer or a text.
///
/// Made from both by `into()`. Spaces around it do not count, and integers are equal by value. Other numbers are texts:
/// `12.0` is not `12`. The ids of a list or a column are all integers, or none is, so that no element goes by two.
///
/// ```
/// use dsrunner::Id;
///
/// assert_eq!(Id::from(" 007 "), Id::from(7));
/// assert_ne!(Id::from("n7"), Id::from("N7"));
/// assert!(Id::from(10) < Id::from("1 a"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(IdKind);

/// Integers come before texts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum IdKind {
    Integer(i128),
    Text(Arc<str>),
}

impl Id {
    /// A text, even where it looks like an integer, as a table read by [`Csv::texts`] has it.
    ///
    /// ```
    /// use dsrunner::Id;
    ///
    /// assert_ne!(Id::text("7"), Id::from("7"));
    /// assert_ne!(Id::text("7"), Id::text("007"));
    /// ```
    pub fn text(text: &str) -> Self {
        Self(IdKind::Text(text.trim().into()))
    }

    /// Whether both are integers, or neither is.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.is_integer() == other.is_integer()
    }

    pub(super) fn is_integer(&self) -> bool {
        matches!(self.0, IdKind::Integer(_))
    }

    /// What it is, for people.
    pub(super) fn sort(&self) -> &'static str {
        if self.is_integer() { "an integer" } else { "no integer" }
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        text.trim()
            .parse()
            .map_or_else(|_| Self::text(text), |integer| Self(IdKind::Integer(integer)))
    }
}

impl From<&String> for Id {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<String> for Id {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<&Id> for Id {
    fn from(id: &Id) -> Self {
        id.clone()
    }
}

macro_rules! integers {
    ($($ty:ty),*) => {$(
        impl From<$ty> for Id {
            fn from(integer: $ty) -> Self {
                Self(IdKind::Integer(integer as i128))
            }
        }
    )*};
}
integers!(i32, i64, u32, u64, usize);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            IdKind::Integer(integer) => integer.fmt(f),
            IdKind::Text(text) => text.fmt(f),
        }
    }
}

/// The ids of a group's elements, in the order of the elements.
///
/// ```
/// use dsrunner::Ids;
///
/// let ids = Ids::new(["n1", "n2", "n30"])?;
/// assert_eq!(ids.len(), 3);
/// assert_eq!(ids.position("n2"), Some(1));
/// assert_eq!(ids.position("n3"), None);
/// assert_eq!(Ids::new([9, 30])?.position("30"), Some(1));
/// assert!(Ids::new(["9", "9.0"]).is_err());
/// # Ok::<(), dsrunner::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ids {
    list: Vec<Id>,
    index: HashMap<Id, u32>,
}

impl Ids {
    /// From a list.
    ///
    /// # Errors
    /// [`Error::Setting`] where an id stands there twice, or only some are integers.
    pub fn new<I: Into<Id>>(ids: impl IntoIterator<Item = I>) -> Result<Self> {
        let wrong = |given: String| Error::Setting {
            setting: "ids",
            given,
            wanted: "ids that stand there once".into(),
        };
        let mut all = Self::default();
        for (at, id) in ids.into_iter().enumerate() {
            let id = id.into();
            if let Some(other) = all.list.first().filter(|other| !other.is_like(&id)) {
                let (sort, other_sort) = (id.sort(), other.sort());
                return Err(Error::Setting {
                    setting: "ids",
                    given: format!("`{other}` at 0, {other_sort}, and `{id}` at {at}, {sort}"),
                    wanted: "ids of which all are integers, or none".into(),
                });
            }
            let first = all.intern(&id).map_err(wrong)? as usize;
            if first < at {
                return Err(wrong(format!("`{id}` at both {first} and {at}")));
            }
        }
        Ok(all)
    }

    /// From a column of a table.
    ///
    /// ```
    /// use dsrunner::{Ids, neurons};
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("cells.csv");
    /// # std::fs::write(&path, "id, layer\n4, L2\n2, L5\n").unwrap();
    /// let ids = Ids::from_csv(path, "id")?;
    /// let cells = neurons::lif(ids.len());
    /// # assert_eq!(ids.iter().map(ToString::to_string).collect::<Vec<_>>(), ["4", "2"]);
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::File`] where the table cannot be read, a row has no id, two have one, or only some are integers.
    pub fn from_csv(table: impl Into<Csv>, column: &str) -> Result<Self> {
        let table = table.into();
        let (mut all, mut sort) = (Self::default(), Sort::default());
        let mut lines = Vec::new();
        table.rows(&[column], |line, fields| {
            let id = sort.id(&table, fields[0], column)?;
            let first = all.intern(&id)? as usize;
            if let Some(earlier) = lines.get(first) {
                return Err(format!(
                    "`{column}` is `{id}`, as in line {earlier}; each id must stand there once"
                ));
            }
            lines.push(line);
            Ok(())
        })?;
        Ok(all)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The number of the element of an id.
    pub fn position(&self, id: impl Into<Id>) -> Option<usize> {
        self.index.get(&id.into()).map(|&position| position as usize)
    }

    /// The ids in the order of the elements.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Id> {
        self.list.iter()
    }

    /// The position of an id as connectivity has it.
    pub(super) fn index(&self, id: &Id) -> Option<u32> {
        self.index.get(id).copied()
    }

    /// The id of a position that was given here.
    pub(super) fn get(&self, position: u32) -> &Id {
        &self.list[position as usize]
    }

    /// The position of an id, which is put to the end where it is new.
    pub(super) fn intern(&mut self, id: &Id) -> Explained<u32> {
        match self.index.entry(id.clone()) {
            Entry::Occupied(entry) => Ok(*entry.get()),
            Entry::Vacant(entry) => {
                let position = u32::try_from(self.list.len())
                    .map_err(|_| "more than 2^32 ids; divide the network".to_string())?;
                self.list.push(id.clone());
                Ok(*entry.insert(position))
            }
        }
    }

    pub(super) fn sorted(&self) -> Self {
        let mut list = self.list.clone();
        list.sort_unstable();
        let index = list.iter().cloned().zip(0..).collect();
        Self { list, index }
    }
}

/// Of what sort the ids of a column are: that of the first.
#[derive(Default)]
pub(super) struct Sort(Option<Id>);

impl Sort {
    /// The id in a field of the column, where there is one, and of that sort.
    pub fn id(&mut self, table: &Csv, field: &str, column: &str) -> Explained<Id> {
        if field.is_empty() {
            return Err(format!("`{column}` is empty, but must be an id"));
        }
        if table.has_texts() {
            return Ok(Id::text(field));
        }
        // two long integers may have become one number
        if field.contains(['e', 'E']) && field.parse::<f64>().is_ok() {
            return Err(format!(
                "`{column}` is `{field}`, a number with an exponent, which may have lost digits; write ids in full, or take \
                 them as texts by `Csv::texts`"
            ));
        }
        let id = Id::from(field);
        let first = self.0.get_or_insert_with(|| id.clone());
        if !first.is_like(&id) {
            return Err(format!(
                "`{column}` is `{id}`, {}, but `{first}` before it is {}; of the ids of a column all are integers, or none: \
                 write them in one way, or take them as texts by `Csv::texts`",
                id.sort(),
                first.sort()
            ));
        }
        Ok(id)
    }
}
