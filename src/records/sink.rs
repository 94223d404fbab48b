//! Where recorded rows go while a run goes on.

use std::collections::VecDeque;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ndarray::ArrayD;

use super::events::Events;
use crate::error::{Error, Result};
use crate::terms::{Element, Kind, array};

/// Takes the rows of a monitor, chunk by chunk, so that a run of any length needs no more memory.
///
/// A sink that fails ends the run, and loses nothing: the rows that it did not take wait, [`Sink::waiting`] of them, and are
/// handed over again before the next run, which is an error before its first step where that fails too. So what the sink took
/// and what waits are the rows of all steps that were executed, each once.
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

struct Kept {
    to: To,
    /// What it did not take yet, the oldest first.
    waiting: VecDeque<SinkRows>,
    /// Whether it failed since it was last asked to catch up.
    failed: bool,
}

enum To {
    Callback(Callback),
    Npy(NpyFile),
}

/// Some rows of a monitor.
#[derive(Debug)]
pub(crate) struct SinkRows {
    pub key: String,
    pub kind: Kind,
    pub row_shape: Vec<usize>,
    /// The step of each row.
    pub steps: Vec<i64>,
    /// A word each, in the order of the rows.
    pub words: Vec<u32>,
    pub as_events: bool,
}

impl Kept {
    fn hand_over(&mut self) -> Result<()> {
        while let Some(rows) = self.waiting.front() {
            let recorded = Recorded(rows);
            // after a panic it has failed, too
            self.failed = true;
            match &mut self.to {
                To::Callback(closure) => closure(&recorded)?,
                To::Npy(file) => file.append(&recorded)?,
            }
            self.failed = false;
            self.waiting.pop_front();
        }
        Ok(())
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sink")
    }
}

impl Sink {
    /// Hands the rows to a closure; an error of it ends the run, with everything before kept, and it gets the same rows again
    /// before the next.
    pub fn callback(closure: impl FnMut(&Recorded<'_>) -> Result<()> + Send + 'static) -> Self {
        Self::new(To::Callback(Box::new(closure)))
    }

    /// Writes the rows to a file in numpy's format `.npy`, of shape `(rows, ...)`: f32, i32, u32 or bool. Of a monitor with
    /// [`events`](crate::Monitor::events) it has the shape `(events, 2)` and type u64: step and index of each.
    ///
    /// A file that is there is overwritten when the first rows come; further runs of the runner append. The file is whole
    /// after each chunk: where the program is killed, it has all rows up to the last chunk.
    pub fn npy(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_path_buf();
        Self::new(To::Npy(NpyFile { path, file: None, header: None, rows: 0, bytes: 0 }))
    }

    fn new(to: To) -> Self {
        Self(Arc::new(Mutex::new(Kept { to, waiting: VecDeque::new(), failed: false })))
    }

    /// How many rows it did not take yet, since it failed.
    ///
    /// ```
    /// use dsrunner::{DSRunner, Error, Monitor, Sink, Steps, neurons};
    /// use std::sync::{Arc, atomic::{AtomicBool, Ordering}};
    ///
    /// let full = Arc::new(AtomicBool::new(true));
    /// let disk = full.clone();
    /// let sink = Sink::callback(move |rows| match disk.load(Ordering::Relaxed) {
    ///     true => Err(Error::Monitor { key: rows.key().into(), reason: "no space".into() }),
    ///     false => Ok(()),
    /// });
    /// let mut runner = DSRunner::builder(neurons::lif(2))
    ///     .monitor(Monitor::of("V").sink(sink.clone()))
    ///     .memory_efficient(true)
    ///     .progress_bar(false)
    ///     .build()?;
    /// assert!(runner.run(Steps(5)).is_err());
    /// assert_eq!((sink.waiting(), runner.i()), (5, 5));
    /// full.store(false, Ordering::Relaxed);
    /// runner.run(Steps(5))?; // the rows of all ten steps
    /// assert_eq!(sink.waiting(), 0);
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn waiting(&self) -> usize {
        self.lock().waiting.iter().map(|rows| rows.steps.len()).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // rows leave the list when they were taken, so a panic leaves it as it is
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands rows over; where it failed before, they wait.
    pub(crate) fn give(&self, rows: SinkRows) -> Result<()> {
        let mut kept = self.lock();
        kept.waiting.push_back(rows);
        if kept.failed { Ok(()) } else { kept.hand_over() }
    }

    /// Hands over what waits.
    pub(crate) fn catch_up(&self) -> Result<()> {
        let mut kept = self.lock();
        kept.failed = false;
        kept.hand_over()
    }

    /// Drops what waits, of a run that was none.
    pub(crate) fn forget(&self) {
        self.lock().waiting.clear();
    }
}

/// Some rows of a monitor, as a sink gets them.
#[derive(Debug)]
pub struct Recorded<'a>(&'a SinkRows);

impl Recorded<'_> {
    /// Key of the monitor.
    pub fn key(&self) -> &str {
        &self.0.key
    }

    /// The step of each row; -1 for the values before step 0.
    pub fn steps(&self) -> &[i64] {
        &self.0.steps
    }

    /// The rows, `(rows, ...)`; of a batch the replicas are the second axis.
    ///
    /// # Errors
    /// [`Error::Kind`] where they are of another type.
    pub fn get<T: Element>(&self) -> Result<ArrayD<T>> {
        let SinkRows { key, kind, row_shape, steps, words, .. } = self.0;
        let shape: Vec<usize> =
            std::iter::once(steps.len()).chain(row_shape.iter().copied()).collect();
        array(key, *kind, &shape, words)
    }

    /// Those that are true, of bool rows.
    ///
    /// # Errors
    /// [`Error::Kind`] where they are of another type.
    pub fn events(&self) -> Result<Events> {
        let SinkRows { key, kind, row_shape, steps, words, .. } = self.0;
        if *kind != Kind::Bool {
            let (held, asked) = (kind.name(), Kind::Bool.name());
            return Err(Error::Kind { key: key.clone(), held, asked });
        }
        let width = row_shape.iter().product::<usize>().max(1);
        let mut events = Events::default();
        let rows = steps.iter().zip(words.chunks_exact(width));
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
    /// Bytes of the rows.
    bytes: u64,
}

/// Bytes of the header: a multiple of 64, with room for 20 digits in each of many axes.
const HEADER: usize = 256;

impl NpyFile {
    fn append(&mut self, recorded: &Recorded<'_>) -> Result<()> {
        let rows = recorded.0;
        let (type_name, shape, bytes, count): (&str, Vec<usize>, Vec<u8>, usize) = if rows.as_events
        {
            let events = recorded.events()?;
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
            (name, rows.row_shape.clone(), bytes, rows.steps.len())
        };
        let header = (type_name.to_string(), shape.clone());
        match &self.header {
            Some(known) if *known != header => {
                return Err(Error::Monitor {
                    key: rows.key.clone(),
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
        let (rows, end) = (self.rows + count, HEADER as u64 + self.bytes);
        // rows that the header does not count yet are ignored by readers, so this order is safe
        let written = file
            .seek(SeekFrom::Start(end))
            .and_then(|_| file.write_all(bytes))
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(&header(type_name, rows, row_shape)));
        match written {
            Ok(()) => (self.rows, self.bytes) = (rows, self.bytes + bytes.len() as u64),
            // what was written of them goes, as far as that can be; they are written again in the same place
            Err(_) => file.set_len(end).unwrap_or_default(),
        }
        written
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that takes a part of the rows, and no more, is one that is full.
    #[cfg(target_os = "linux")]
    #[test]
    fn rows_are_written_again_behind_those_that_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        let rows = |steps: std::ops::Range<i64>| SinkRows {
            key: "x".into(),
            kind: Kind::U32,
            row_shape: vec![3],
            words: steps.clone().flat_map(|step| [step as u32; 3]).collect(),
            steps: steps.collect(),
            as_events: false,
        };
        let mut file = NpyFile { path: path.clone(), file: None, header: None, rows: 0, bytes: 0 };
        file.append(&Recorded(&rows(0..4))).unwrap();
        // a write that came to a part of the rows before the disk was full
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let whole = file.file.replace(full).unwrap();
        let error = file.append(&Recorded(&rows(4..9))).unwrap_err().to_string();
        assert!(error.contains("x.npy: rows of monitor `x` cannot be written: "), "{error}");
        let mut torn = OpenOptions::new().append(true).open(&path).unwrap();
        torn.write_all(&[7; 17]).unwrap();
        file.file = Some(whole);
        file.append(&Recorded(&rows(4..9))).unwrap();
        let written = std::fs::read(&path).unwrap();
        let wanted = (0..9u32).flat_map(|step| [step; 3]).flat_map(u32::to_le_bytes);
        assert_eq!(written, [header("<u4", 9, &[3]).into(), wanted.collect::<Vec<u8>>()].concat());
    }
}
