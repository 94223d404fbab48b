//! Where recorded rows go while a run goes on.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::ArrayD;

use super::results::{Element, Events, array};
use crate::error::{Error, Result};
use crate::model::Kind;

/// Takes the rows of a monitor, chunk by chunk, so that a run of any length needs no more memory.
///
/// ```
/// use dsrunner::{DSRunner, Monitor, Sink, neurons};
/// use std::sync::{Arc, atomic::{AtomicUsize, Ordering}};
///
/// let count = Arc::new(AtomicUsize::new(0));
/// let counter = count.clone();
/// let mut runner = DSRunner::builder(neurons::lif(100))
///     .input(("input", 30.0))
///     .monitor(Monitor::of("spike").sink(Sink::callback(move |rows| {
///         counter.fetch_add(rows.events()?.steps.len(), Ordering::Relaxed);
///         Ok(())
///     })))
///     .memory_efficient(true)
///     .progress_bar(false)
///     .build()?;
/// runner.run(20.0)?;
/// assert_eq!(count.load(Ordering::Relaxed), 100);
/// # Ok::<(), dsrunner::Error>(())
/// ```
#[derive(Clone)]
pub struct Sink(Arc<Mutex<Kept>>);

type Callback = Box<dyn FnMut(&Recorded<'_>) -> Result<()> + Send>;

enum Kept {
    Callback(Callback),
    Npy(NpyFile),
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sink")
    }
}

impl Sink {
    /// Hands the rows to a closure; an error of it ends the run, with everything before kept.
    pub fn callback(closure: impl FnMut(&Recorded<'_>) -> Result<()> + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Kept::Callback(Box::new(closure)))))
    }

    /// Writes the rows to a file in numpy's format `.npy`, of shape `(rows, ...)`: f32, i32, u32 or bool. Of a monitor with
    /// [`events`](crate::Monitor::events) it has the shape `(events, 2)` and type u64: step and index of each.
    ///
    /// A file that is there is overwritten when the first rows come; further runs of the runner append. The file is whole
    /// after each chunk: where the program is killed, it has all rows up to the last chunk.
    pub fn npy(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_path_buf();
        Self(Arc::new(Mutex::new(Kept::Npy(NpyFile { path, file: None, header: None, rows: 0 }))))
    }

    /// Hands rows over.
    pub(super) fn give(&self, rows: &Recorded<'_>, as_events: bool) -> Result<()> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Kept::Callback(closure) => closure(rows),
            Kept::Npy(file) => file.append(rows, as_events),
        }
    }
}

/// Some rows of a monitor, as a sink gets them.
#[derive(Debug)]
pub struct Recorded<'a> {
    key: &'a str,
    kind: Kind,
    row_shape: &'a [usize],
    steps: Vec<i64>,
    /// A word each, in the order of the rows.
    words: Vec<u32>,
}

impl<'a> Recorded<'a> {
    pub(super) fn new(
        key: &'a str,
        kind: Kind,
        row_shape: &'a [usize],
        steps: Vec<i64>,
        words: Vec<u32>,
    ) -> Self {
        Self { key, kind, row_shape, steps, words }
    }

    /// Key of the monitor.
    pub fn key(&self) -> &str {
        self.key
    }

    /// The step of each row; -1 for the values before step 0.
    pub fn steps(&self) -> &[i64] {
        &self.steps
    }

    /// The rows, `(rows, ...)`; of a batch the copies are the second axis.
    ///
    /// # Errors
    /// [`Error::Kind`] where they are of another type.
    pub fn get<T: Element>(&self) -> Result<ArrayD<T>> {
        let shape: Vec<usize> =
            std::iter::once(self.steps.len()).chain(self.row_shape.iter().copied()).collect();
        array(self.key, self.kind, &shape, &self.words)
    }

    /// Those that are true, of bool rows.
    ///
    /// # Errors
    /// [`Error::Kind`] where they are of another type.
    pub fn events(&self) -> Result<Events> {
        if self.kind != Kind::Bool {
            let (held, asked) = (self.kind.name(), Kind::Bool.name());
            return Err(Error::Kind { key: self.key.into(), held, asked });
        }
        let width = self.row_shape.iter().product::<usize>().max(1);
        let mut events = Events::default();
        let rows = self.steps.iter().zip(self.words.chunks_exact(width));
        // the values before step 0 are no events of any step
        for (&step, row) in rows.filter(|(step, _)| **step >= 0) {
            for (index, _) in (0..).zip(row).filter(|(_, word)| **word != 0) {
                events.steps.push(step as u64);
                events.indices.push(index);
            }
        }
        Ok(events)
    }
}

/// A `.npy` file that grows. Libraries write such files whole; here the header is written anew after each chunk, so that
/// the file can be read at any moment.
struct NpyFile {
    path: PathBuf,
    file: Option<File>,
    /// Type and row shape, which stay the same.
    header: Option<(String, Vec<usize>)>,
    rows: u64,
}

/// Bytes of the header: a multiple of 64, with room for 20 digits in each of many axes.
const HEADER: usize = 256;

impl NpyFile {
    fn append(&mut self, rows: &Recorded<'_>, as_events: bool) -> Result<()> {
        let (type_name, shape, bytes, count): (&str, Vec<usize>, Vec<u8>, usize) = if as_events {
            let events = rows.events()?;
            let pairs = events.steps.iter().zip(&events.indices);
            let bytes = pairs.flat_map(|(&s, &i)| [s.to_le_bytes(), u64::from(i).to_le_bytes()]);
            ("<u8", vec![2], bytes.flatten().collect(), events.steps.len())
        } else {
            let words = rows.words.iter();
            let (name, bytes) = match rows.kind {
                Kind::F32 => ("<f4", words.flat_map(|w| w.to_le_bytes()).collect()),
                Kind::I32 => ("<i4", words.flat_map(|w| w.to_le_bytes()).collect()),
                Kind::U32 => ("<u4", words.flat_map(|w| w.to_le_bytes()).collect()),
                Kind::Bool => ("|b1", words.map(|&w| w as u8).collect()),
            };
            (name, rows.row_shape.to_vec(), bytes, rows.steps.len())
        };
        let header = (type_name.to_string(), shape.clone());
        match &self.header {
            Some(known) if *known != header => {
                return Err(Error::Monitor {
                    key: rows.key.into(),
                    reason: format!(
                        "its rows are {type_name} of shape {shape:?}, but `{}` has {} of shape {:?}; give each monitor a sink of its own",
                        self.path.display(),
                        known.0,
                        known.1
                    ),
                });
            }
            _ => self.header = Some(header),
        }
        self.write(type_name, &shape, &bytes, count as u64).map_err(|error| Error::File {
            path: self.path.display().to_string(),
            place: None,
            reason: format!("rows of monitor `{}` cannot be written: {error}", rows.key),
        })
    }

    fn write(
        &mut self,
        type_name: &str,
        row_shape: &[usize],
        bytes: &[u8],
        count: u64,
    ) -> std::io::Result<()> {
        if self.file.is_none() {
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).open(&self.path)?;
            file.write_all(&header(type_name, 0, row_shape))?;
            self.file = Some(file);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        file.seek(SeekFrom::End(0))?;
        file.write_all(bytes)?;
        self.rows += count;
        // rows that the header does not count yet are ignored by readers, so this order is safe
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&header(type_name, self.rows, row_shape))
    }
}

/// The header of version 1.0: a Python dictionary, padded by spaces.
fn header(type_name: &str, rows: u64, row_shape: &[usize]) -> [u8; HEADER] {
    let axes: String = row_shape.iter().map(|n| format!("{n}, ")).collect();
    let text =
        format!("{{'descr': '{type_name}', 'fortran_order': False, 'shape': ({rows}, {axes}), }}");
    let mut header = [b' '; HEADER];
    header[..8].copy_from_slice(b"\x93NUMPY\x01\x00");
    header[8..10].copy_from_slice(&(HEADER as u16 - 10).to_le_bytes());
    let room = text.len().min(HEADER - 11);
    header[10..10 + room].copy_from_slice(&text.as_bytes()[..room]);
    header[HEADER - 1] = b'\n';
    header
}
