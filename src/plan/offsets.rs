//! Which words of a variable.

use crate::error::Explained;
use crate::terms::Index;

/// Which words of a variable, from its first on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Offsets {
    Range { start: usize, count: usize },
    List(Vec<usize>),
}

impl Offsets {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Range { count, .. } => *count,
            Self::List(list) => list.len(),
        }
    }

    pub(crate) fn at(&self, k: usize) -> usize {
        match self {
            Self::Range { start, .. } => start + k,
            Self::List(list) => list[k],
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).map(|k| self.at(k))
    }

    /// Those of them that an index along an axis of their shape chooses; the shape becomes that of the chosen ones.
    pub(super) fn pick(&self, shape: &mut [usize], axis: usize, index: &Index) -> Explained<Self> {
        let Some(&length) = shape.get(axis) else {
            return Err("it has no axis to index: it is the same for all elements".into());
        };
        let rows = index.resolve(length)?;
        let outer: usize = shape[..axis].iter().product();
        let inner: usize = shape[axis + 1..].iter().product();
        let words = (0..outer).flat_map(|o| {
            rows.iter().flat_map(move |&r| (0..inner).map(move |k| (o * length + r) * inner + k))
        });
        let list: Vec<usize> = words.map(|k| self.at(k)).collect();
        shape[axis] = rows.len();
        let start = list.first().copied().unwrap_or(0);
        Ok(if list.iter().enumerate().all(|(k, &at)| at == start + k) {
            Self::Range { start, count: list.len() }
        } else {
            Self::List(list)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picks_along_an_axis() {
        let all = Offsets::Range { start: 0, count: 12 };
        let mut shape = [3, 4];
        let rows = all.pick(&mut shape, 0, &Index::from(1..3)).unwrap();
        assert_eq!((rows.clone(), shape), (Offsets::Range { start: 4, count: 8 }, [2, 4]));
        let columns = rows.pick(&mut shape, 1, &Index::from([3, 0])).unwrap();
        assert_eq!((columns, shape), (Offsets::List(vec![7, 4, 11, 8]), [2, 2]));
        assert!(all.pick(&mut [], 0, &Index::from(0)).unwrap_err().contains("no axis"));
    }
}
