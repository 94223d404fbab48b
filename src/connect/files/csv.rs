//! Tables as text: which file, how it is written, and its rows.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::error::{Error, Explained, Result, nearest, quoted};

/// A table as text: one line of column names, then a row a line.
///
/// Any path is one, with commas between the fields. Spaces around a field are left out; a field in quotes may hold
/// delimiters and line ends, where the quote stands right behind the delimiter. Empty lines and a byte order mark are
/// skipped.
///
/// ```
/// use dsrunner::{Csv, EdgeList};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("edges.tsv");
/// # std::fs::write(&path, "# of the left column\npre\tpost\na\tb\n").unwrap();
/// let table = Csv::new(path).delimiter(b'\t').comments(b'#');
/// let edges = EdgeList::from_csv(table, "pre", "post")?;
/// assert_eq!(edges.len(), 1);
/// # Ok::<(), dsrunner::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Csv {
    path: PathBuf,
    delimiter: u8,
    comments: Option<u8>,
    texts: bool,
    filters: Vec<Filter>,
}

/// Which rows count.
#[derive(Clone)]
struct Filter {
    column: String,
    keep: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.column.fmt(f)
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        let same = std::ptr::addr_eq(Arc::as_ptr(&self.keep), Arc::as_ptr(&other.keep));
        self.column == other.column && same
    }
}

impl Eq for Filter {}

impl Csv {
    /// A table with commas between the fields, and no comments.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let (texts, filters) = (false, Vec::new());
        Self { path: path.into(), delimiter: b',', comments: None, texts, filters }
    }

    /// Sets what stands between the fields.
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = delimiter;
        self
    }

    /// Skips the lines that begin with `mark`.
    pub fn comments(mut self, mark: u8) -> Self {
        self.comments = Some(mark);
        self
    }

    /// Takes ids as texts, whatever they look like, so that `12`, `012` and `12.0` are three. Without it ids are integers where
    /// all of a column are.
    ///
    /// ```
    /// use dsrunner::{Csv, Id, Ids};
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("cells.csv");
    /// # std::fs::write(&path, "id\n12e4\n77\na3\n").unwrap();
    /// let ids = Ids::from_csv(Csv::new(path).texts(), "id")?; // 12e4, 77, a3
    /// assert_eq!(ids.position(Id::text("77")), Some(1));
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn texts(mut self) -> Self {
        self.texts = true;
        self
    }

    /// Leaves out the rows whose field in `column` does not pass, in whatever is read of the table. Given again, rows must pass
    /// all.
    ///
    /// ```
    /// use dsrunner::{Csv, EdgeList};
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("edges.csv");
    /// # std::fs::write(&path, "pre,post,n,kind\n1,2,9,ad\n2,1,3,ad\n1,1,7,aa\n").unwrap();
    /// let strong = Csv::new(path)
    ///     .only("kind", |kind| kind == "ad")
    ///     .only("n", |n| n.parse().is_ok_and(|n: u32| n >= 5));
    /// let edges = EdgeList::from_csv(strong, "pre", "post")?;
    /// assert_eq!(edges.len(), 1);
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn only(
        mut self,
        column: &str,
        keep: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.filters.push(Filter { column: column.into(), keep: Arc::new(keep) });
        self
    }

    pub(super) fn has_texts(&self) -> bool {
        self.texts
    }

    pub(super) fn wrong_line(&self, line: usize, reason: impl Into<String>) -> Error {
        Error::file(&self.path, Some(format!("line {line}")), reason)
    }

    /// Gives the fields of the named columns to `each`, row by row with the number of the row's line.
    pub(super) fn rows(
        &self,
        columns: &[&str],
        mut each: impl FnMut(usize, &[&str]) -> Explained<()>,
    ) -> Result<()> {
        let filters = self.filters.iter().map(|filter| &filter.column[..]);
        let wanted: Vec<&str> = columns.iter().copied().chain(filters).collect();
        let text = self.text()?;
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(Trim::All)
            .delimiter(self.delimiter)
            .comment(self.comments)
            .from_reader(text.as_bytes());
        let mut lines = Lines { text: text.as_bytes(), comments: self.comments, at: 0, line: 1 };
        let mut row = StringRecord::new();
        let mut header: Option<CsvHeader> = None;
        while reader
            .read_record(&mut row)
            .map_err(|error| Error::file(&self.path, None, format!("cannot be read: {error}")))?
        {
            let line = lines.of(&row);
            let done = match &header {
                None => CsvHeader::new(&row, line, &wanted).map(|found| header = Some(found)),
                Some(header) => header.fields(&row).and_then(|fields| {
                    let (fields, rest) = fields.split_at(columns.len());
                    let mut filters = self.filters.iter().zip(rest);
                    match filters.all(|(filter, field)| (filter.keep)(field)) {
                        true => each(line, fields),
                        false => Ok(()),
                    }
                }),
            };
            done.map_err(|reason| self.wrong_line(line, reason))?;
        }
        if header.is_none() {
            let reason = "is empty, but must begin with a line of column names";
            return Err(Error::file(&self.path, None, reason));
        }
        Ok(())
    }

    fn text(&self) -> Result<String> {
        let bytes = std::fs::read(&self.path).map_err(|error| unreadable(&self.path, &error))?;
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Err(Error::file(&self.path, None, "is UTF-16; save the file as UTF-8"));
        }
        if let Some(at) = bytes.iter().position(|&byte| byte == 0) {
            let reason = "has a zero byte, as UTF-16 has them; save the file as UTF-8";
            return Err(self.wrong_line(line_ends(&bytes[..at]) + 1, reason));
        }
        let mut text = String::from_utf8(bytes).map_err(|error| {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            self.wrong_line(line_ends(before) + 1, "is not UTF-8; save the file as UTF-8")
        })?;
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        Ok(text)
    }
}

impl<P: Into<PathBuf>> From<P> for Csv {
    fn from(path: P) -> Self {
        Self::new(path)
    }
}

/// A file that the operating system does not give.
pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::file(path, None, format!("cannot be read: {error}"))
}

/// The names of what there is, behind the word "there".
pub(super) fn are(names: &[String]) -> String {
    match names {
        [] => "is none at all".into(),
        [only] => format!("is `{only}`"),
        _ => format!("are {}", quoted(names)),
    }
}

/// Where the wanted columns are.
struct CsvHeader {
    line: usize,
    names: Vec<String>,
    wanted: Vec<usize>,
}

impl CsvHeader {
    fn new(row: &StringRecord, line: usize, columns: &[&str]) -> Explained<Self> {
        let names: Vec<String> = row.iter().map(String::from).collect();
        let mut wanted = Vec::with_capacity(columns.len());
        for &column in columns {
            let mut found = (0..names.len()).filter(|&k| names[k] == column);
            match (found.next(), found.next()) {
                (Some(at), None) => wanted.push(at),
                (Some(_), Some(_)) => {
                    return Err(format!("two columns are `{column}`; give one another name"));
                }
                (None, _) => return Err(missing(column, &names)),
            }
        }
        Ok(Self { line, names, wanted })
    }

    fn fields<'a>(&self, row: &'a StringRecord) -> Explained<Vec<&'a str>> {
        if row.len() != self.names.len() {
            return Err(format!(
                "has {}, but must have {}, as line {} does: {}",
                fields(row.len()),
                self.names.len(),
                self.line,
                quoted(&self.names)
            ));
        }
        Ok(self.wanted.iter().map(|&at| &row[at]).collect())
    }
}

fn missing(column: &str, names: &[String]) -> String {
    let there = match &nearest(column, names)[..] {
        [] => "; there".into(),
        [best, ..] => format!("; did you mean `{best}`? There"),
    };
    format!("no column `{column}`{there} {}", are(names))
}

fn fields(count: usize) -> String {
    if count == 1 { "1 field".into() } else { format!("{count} fields") }
}

/// Counts lines. The reader's own count is that of the end of the row before, which is another line where empty lines
/// or comments follow, or where lines end with two characters.
struct Lines<'a> {
    text: &'a [u8],
    comments: Option<u8>,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line where a row begins, which follows the row of the call before.
    fn of(&mut self, row: &StringRecord) -> usize {
        let mut start = row.position().map_or(0, |position| position.byte() as usize);
        while let Some(&byte) = self.text.get(start) {
            match byte {
                b'\r' | b'\n' => start += 1,
                _ if Some(byte) == self.comments => {
                    let rest = &self.text[start..];
                    start += rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
                }
                _ => break,
            }
        }
        self.line += line_ends(&self.text[self.at..start]);
        self.at = start;
        self.line
    }
}

fn line_ends(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte == b'\n').count()
}
