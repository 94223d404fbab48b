//! Edges by the ids of their ends.

use super::csv::Csv;
use super::ids::{Ids, Sort};
use crate::connect::Connect;
use crate::error::{Error, Explained, Result};

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
///
/// [`Csv::only`] leaves out rows, [`EdgeList::reader`] keeps further columns, [`EdgeList::within`] leaves out edges that end
/// elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct EdgeList {
    table: Csv,
    /// In the order in which they come; sources and targets are positions in it.
    ids: Ids,
    sources: Vec<u32>,
    targets: Vec<u32>,
    weights: Vec<f64>,
    lines: Vec<usize>,
    columns: Columns,
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
    /// How many edges of the list were left out; see [`EdgeList::within`].
    pub skipped: usize,
    columns: Columns,
}

/// What is kept beside the ends, an entry an edge.
#[derive(Debug, Clone, PartialEq, Default)]
struct Columns {
    numbers: Vec<(String, Vec<f64>)>,
    texts: Vec<(String, Vec<String>)>,
}

impl Columns {
    fn numbers(&self, column: &str) -> Result<&[f64]> {
        found(&self.numbers, "column of numbers", column)
    }

    fn texts(&self, column: &str) -> Result<&[String]> {
        found(&self.texts, "column of texts", column)
    }

    /// The entries of some edges.
    fn of(&self, edges: &[usize]) -> Self {
        Self { numbers: chosen(&self.numbers, edges), texts: chosen(&self.texts, edges) }
    }
}

fn found<'a, T>(
    columns: &'a [(String, Vec<T>)],
    what: &'static str,
    column: &str,
) -> Result<&'a [T]> {
    match columns.iter().find(|(name, _)| name == column) {
        Some((_, entries)) => Ok(entries),
        None => Err(Error::unknown(what, column, columns.iter().map(|(name, _)| name.clone()))),
    }
}

fn chosen<T: Clone>(columns: &[(String, Vec<T>)], edges: &[usize]) -> Vec<(String, Vec<T>)> {
    let of = |entries: &[T]| edges.iter().map(|&edge| entries[edge].clone()).collect();
    columns.iter().map(|(name, entries)| (name.clone(), of(entries))).collect()
}

/// Which columns of a table of edges are read; made by [`EdgeList::reader`].
///
/// ```
/// use dsrunner::{EdgeList, Network, Projection, neurons};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("edges.csv");
/// # std::fs::write(&path, "pre,post,w,delay,kind\n4,9,0.5,1.5,ad\n9,4,0.25,2,aa\n").unwrap();
/// let edges = EdgeList::reader(path, "pre", "post").weight("w").numbers("delay").texts("kind").read()?;
/// let ids = edges.ids();
/// let pairs = edges.between(&ids, &ids)?;
/// assert_eq!(pairs.texts("kind")?, ["ad", "aa"]);
/// let cells = neurons::lif(ids.len());
/// let recurrent = Projection::new(&cells, &cells)
///     .connect(pairs.connect())
///     .weight(&pairs.weights[..])
///     .delay(pairs.numbers("delay")?);
/// let net = Network::new().with("cells", cells).with("recurrent", recurrent);
/// # dsrunner::DSRunner::builder(net).device("cpu").build()?;
/// # Ok::<(), dsrunner::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct EdgeReader {
    table: Csv,
    source: String,
    target: String,
    weight: Option<String>,
    numbers: Vec<String>,
    texts: Vec<String>,
}

impl EdgeReader {
    /// Takes the weights of the edges from a column; without one they are 1.
    pub fn weight(mut self, column: &str) -> Self {
        self.weight = Some(column.into());
        self
    }

    /// Keeps a column of finite numbers, such as delays.
    pub fn numbers(mut self, column: &str) -> Self {
        self.numbers.push(column.into());
        self
    }

    /// Keeps a column as it is written.
    pub fn texts(mut self, column: &str) -> Self {
        self.texts.push(column.into());
        self
    }

    /// Reads the table.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be read, an edge lacks an end, ids of a column are integers and others, or what is to
    /// be a finite number is none.
    pub fn read(self) -> Result<EdgeList> {
        let Self { table, source, target, weight, numbers, texts } = self;
        let ends = [&source[..], &target[..]].into_iter();
        let further = weight.iter().chain(&numbers).chain(&texts).map(String::as_str);
        let wanted: Vec<&str> = ends.chain(further).collect();
        let mut edges = EdgeList {
            table: table.clone(),
            ids: Ids::default(),
            sources: Vec::new(),
            targets: Vec::new(),
            weights: Vec::new(),
            lines: Vec::new(),
            columns: Columns {
                numbers: numbers.iter().map(|name| (name.clone(), Vec::new())).collect(),
                texts: texts.iter().map(|name| (name.clone(), Vec::new())).collect(),
            },
        };
        let mut sorts = [Sort::default(), Sort::default()];
        table.rows(&wanted, |line, fields| {
            let mut named = wanted.iter().copied().zip(fields.iter().copied());
            let mut next = || named.next().unwrap_or_default();
            let ends = [next(), next()];
            edges.weights.push(if weight.is_some() { finite(next())? } else { 1.0 });
            for (_, entries) in &mut edges.columns.numbers {
                entries.push(finite(next())?);
            }
            for (_, entries) in &mut edges.columns.texts {
                entries.push(next().1.into());
            }
            let lists = [&mut edges.sources, &mut edges.targets];
            for ((list, sort), (column, field)) in lists.into_iter().zip(&mut sorts).zip(ends) {
                list.push(edges.ids.intern(&sort.id(&table, field, column)?)?);
            }
            edges.lines.push(line);
            Ok(())
        })?;
        Ok(edges)
    }
}

impl EdgeList {
    /// The edges of a table, of weight 1 each.
    ///
    /// # Errors
    /// Those of [`EdgeReader::read`].
    pub fn from_csv(table: impl Into<Csv>, source: &str, target: &str) -> Result<Self> {
        Self::reader(table, source, target).read()
    }

    /// The edges of a table, with weights from a column of it.
    ///
    /// # Errors
    /// Those of [`EdgeReader::read`].
    pub fn from_csv_weighted(
        table: impl Into<Csv>,
        source: &str,
        target: &str,
        weight: &str,
    ) -> Result<Self> {
        Self::reader(table, source, target).weight(weight).read()
    }

    /// Starts to say which columns of a table are read: those of the ends, and further ones.
    pub fn reader(table: impl Into<Csv>, source: &str, target: &str) -> EdgeReader {
        EdgeReader {
            table: table.into(),
            source: source.into(),
            target: target.into(),
            weight: None,
            numbers: Vec::new(),
            texts: Vec::new(),
        }
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

    /// A column of numbers that was kept, an entry an edge.
    ///
    /// # Errors
    /// [`Error::UnknownPath`] where there is none of this name.
    pub fn numbers(&self, column: &str) -> Result<&[f64]> {
        self.columns.numbers(column)
    }

    /// A column of texts that was kept, an entry an edge.
    ///
    /// # Errors
    /// [`Error::UnknownPath`] where there is none of this name.
    pub fn texts(&self, column: &str) -> Result<&[String]> {
        self.columns.texts(column)
    }

    /// The edges as positions in the ids of two groups, in the order of the table.
    ///
    /// # Errors
    /// [`Error::File`] where an edge begins or ends at an id that is not in the list.
    pub fn between(&self, pre: &Ids, post: &Ids) -> Result<Pairs> {
        self.check_sorts(pre, post)?;
        let ends = [(&self.sources, pre, "source"), (&self.targets, post, "target")];
        for edge in 0..self.len() {
            for (ends, ids, what) in ends {
                let (id, count) = (self.ids.get(ends[edge]), ids.len());
                if ids.index(id).is_none() {
                    let reason = format!(
                        "the {what} `{id}` is none of the {count} ids of the {what}s; add it to \
                         them, or leave out the edge"
                    );
                    return Err(self.table.wrong_line(self.lines[edge], reason));
                }
            }
        }
        self.within(pre, post)
    }

    /// The same without the edges that begin or end at ids that are not in the lists: those within a part of a network.
    /// [`Pairs::skipped`] tells how many these are.
    ///
    /// ```
    /// use dsrunner::{EdgeList, Ids};
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("edges.csv");
    /// # std::fs::write(&path, "pre,post\n17,4\n4,9\n9,4\n").unwrap();
    /// let edges = EdgeList::from_csv(path, "pre", "post")?; // 17 -> 4, 4 -> 9, 9 -> 4
    /// let some = Ids::new([4, 9])?;
    /// let pairs = edges.within(&some, &some)?;
    /// assert_eq!((pairs.pre, pairs.post, pairs.skipped), (vec![0, 1], vec![1, 0], 1));
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::File`] where ids of the edges are integers and those of a list are texts, or the other way round, since none
    /// would be in it.
    pub fn within(&self, pre: &Ids, post: &Ids) -> Result<Pairs> {
        self.check_sorts(pre, post)?;
        let known = |ids: &Ids| self.ids.iter().map(|id| ids.index(id)).collect();
        let (from, to): (Vec<Option<u32>>, Vec<Option<u32>>) = (known(pre), known(post));
        let mut edges = Vec::with_capacity(self.len());
        let (mut sources, mut targets) = (Vec::new(), Vec::new());
        for (edge, (&source, &target)) in self.sources.iter().zip(&self.targets).enumerate() {
            if let (Some(source), Some(target)) = (from[source as usize], to[target as usize]) {
                edges.push(edge);
                sources.push(source);
                targets.push(target);
            }
        }
        Ok(Pairs {
            pre: sources,
            post: targets,
            weights: edges.iter().map(|&edge| self.weights[edge]).collect(),
            skipped: self.len() - edges.len(),
            columns: self.columns.of(&edges),
        })
    }

    /// Fails where no id of a column can be in its list, since the ones are integers and the others texts.
    fn check_sorts(&self, pre: &Ids, post: &Ids) -> Result<()> {
        for (ends, ids, what) in [(&self.sources, pre, "source"), (&self.targets, post, "target")] {
            // a column has ids of one sort
            let Some(id) = ends.first().map(|&end| self.ids.get(end)) else { continue };
            let other = ids.iter().next().filter(|_| ids.iter().all(|own| !own.is_like(id)));
            if let Some(own) = other {
                let are = if own.is_integer() { "are" } else { "are none" };
                let reason = format!(
                    "the {what} `{id}` is {}, but the ids of the {what}s {are}, such as `{own}`; write both in one way, or \
                     take both as texts by `Csv::texts`",
                    id.sort()
                );
                return Err(self.table.wrong_line(self.lines[0], reason));
            }
        }
        Ok(())
    }
}

impl Pairs {
    /// The pairs as connectivity; give the weights to the projection too.
    pub fn connect(&self) -> Connect {
        Connect::coo(&self.pre[..], &self.post[..])
    }

    /// A column of numbers that was kept, an entry a pair.
    ///
    /// # Errors
    /// [`Error::UnknownPath`] where there is none of this name.
    pub fn numbers(&self, column: &str) -> Result<&[f64]> {
        self.columns.numbers(column)
    }

    /// A column of texts that was kept, an entry a pair.
    ///
    /// # Errors
    /// [`Error::UnknownPath`] where there is none of this name.
    pub fn texts(&self, column: &str) -> Result<&[String]> {
        self.columns.texts(column)
    }
}

fn finite((column, field): (&str, &str)) -> Explained<f64> {
    match field.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err(format!("`{column}` is `{field}`, but must be a finite number")),
        Err(_) if field.is_empty() => Err(format!("`{column}` is empty, but must be a number")),
        Err(_) => Err(format!("`{column}` is `{field}`, but must be a number")),
    }
}
