//! Edges by the ids of their ends.

use super::csv::Csv;
use super::ids::{Id, Ids, given};
use crate::connect::Connect;
use crate::error::{Explained, Result};

/// The edges of a table: a source, a target and perhaps a weight a row.
///
/// ```
/// use dsrunner::{EdgeList, Ids, Network, Projection, neurons};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("edges.csv");
/// # std::fs::write(&path, "pre,post,synapses\n17,4,3\n4,9,12\n").unwrap();
/// let edges = EdgeList::from_csv_weighted(path, "pre", "post", "synapses")?;
/// let ids = edges.ids(); // or `Ids::from_csv`, where a table of cells gives the order
/// let cells = neurons::lif(ids.len());
/// let pairs = edges.between(&ids, &ids)?;
/// let recurrent = Projection::new(&cells, &cells).connect(pairs.connect()).weight(pairs.weights);
/// let net = Network::new().with("cells", cells).with("recurrent", recurrent);
/// # dsrunner::DSRunner::builder(net).device("cpu").build()?;
/// # Ok::<(), dsrunner::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct EdgeList {
    table: Csv,
    /// In the order in which they come; sources and targets are positions in it.
    ids: Ids,
    sources: Vec<u32>,
    targets: Vec<u32>,
    weights: Vec<f64>,
    lines: Vec<usize>,
}

/// The edges between two groups, by the positions of their ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Pairs {
    /// The source of each edge.
    pub pre: Vec<u32>,
    /// The target of each edge.
    pub post: Vec<u32>,
    /// The weight of each edge; 1 where the table has none.
    pub weights: Vec<f64>,
}

impl EdgeList {
    /// The edges of a table, of weight 1 each.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) where the table cannot be read, or an edge lacks an end.
    pub fn from_csv(table: impl Into<Csv>, source: &str, target: &str) -> Result<Self> {
        let mut edges = Self::of(table.into());
        edges.table.clone().rows([source, target], |line, [from, to]| {
            edges.push(line, given(from, source)?, given(to, target)?, 1.0)
        })?;
        Ok(edges)
    }

    /// The edges of a table, with weights from a column of it.
    ///
    /// # Errors
    /// Those of [`EdgeList::from_csv`], and a weight that is no finite number.
    pub fn from_csv_weighted(
        table: impl Into<Csv>,
        source: &str,
        target: &str,
        weight: &str,
    ) -> Result<Self> {
        let mut edges = Self::of(table.into());
        edges.table.clone().rows([source, target, weight], |line, [from, to, number]| {
            let number = finite(number, weight)?;
            edges.push(line, given(from, source)?, given(to, target)?, number)
        })?;
        Ok(edges)
    }

    fn of(table: Csv) -> Self {
        let (ids, sources, targets) = (Ids::default(), Vec::new(), Vec::new());
        Self { table, ids, sources, targets, weights: Vec::new(), lines: Vec::new() }
    }

    fn push(&mut self, line: usize, source: Id, target: Id, weight: f64) -> Explained<()> {
        self.sources.push(self.ids.intern(&source)?);
        self.targets.push(self.ids.intern(&target)?);
        self.weights.push(weight);
        self.lines.push(line);
        Ok(())
    }

    /// How many edges there are.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// All ids that are an end of an edge, sorted: integers by value, then texts.
    pub fn ids(&self) -> Ids {
        self.ids.sorted()
    }

    /// The edges as positions in the ids of two groups, in the order of the table.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) where an edge begins or ends at an id that is not in the list.
    pub fn between(&self, pre: &Ids, post: &Ids) -> Result<Pairs> {
        Ok(Pairs {
            pre: self.positions(&self.sources, pre, "source")?,
            post: self.positions(&self.targets, post, "target")?,
            weights: self.weights.clone(),
        })
    }

    fn positions(&self, ends: &[u32], ids: &Ids, what: &str) -> Result<Vec<u32>> {
        let known: Vec<Option<u32>> = self.ids.iter().map(|id| ids.index(id)).collect();
        let position = |(at, &end): (usize, &u32)| {
            known[end as usize].ok_or_else(|| {
                let (id, count) = (self.ids.get(end), ids.len());
                let reason = format!(
                    "the {what} `{id}` is none of the {count} ids of the {what}s; add it to \
                     them, or leave out the edge"
                );
                self.table.wrong_line(self.lines[at], reason)
            })
        };
        ends.iter().enumerate().map(position).collect()
    }
}

impl Pairs {
    /// The pairs as connectivity; give the weights to the projection too.
    pub fn connect(&self) -> Connect {
        Connect::coo(&self.pre[..], &self.post[..])
    }
}

fn finite(field: &str, column: &str) -> Explained<f64> {
    match field.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err(format!("`{column}` is `{field}`, but must be a finite number")),
        Err(_) if field.is_empty() => Err(format!("`{column}` is empty, but must be a number")),
        Err(_) => Err(format!("`{column}` is `{field}`, but must be a number")),
    }
}
