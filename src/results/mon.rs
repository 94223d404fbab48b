//! What a run recorded.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ndarray::ArrayD;

use super::recorder::{RecordedTrace, Recorder};
use crate::backend::{ChunkRows, DeviceRows};
use crate::error::{Error, Result};
use crate::records::Events;
use crate::terms::Element;

/// The results of the last run, by key in the order of the monitors, and the times of its steps.
///
/// The key of a monitor is the name that it was given, else its path as given, or the expression. That of one by handle is
/// [`Variable::path`](crate::Variable::path).
///
/// A row is the value after a step; the state before the run is a row only with
/// [`include_initial`](crate::Monitor::include_initial). Arrays have the shape `(rows, ...)`; those of a
/// [`Batch`](crate::Batch) `(replicas, rows, ...)`, unless the builder says otherwise.
///
/// ```
/// use dsrunner::{DSRunner, neurons};
///
/// let mut runner = DSRunner::builder(neurons::lif(2))
///     .input(("input", 30.0))
///     .monitors(["V", "spike"])
///     .progress_bar(false)
///     .build()?;
/// runner.run(20.0)?;
/// let mon = runner.mon();
/// assert_eq!(mon.keys().collect::<Vec<_>>(), ["V", "spike"]);
/// assert_eq!(mon.get::<f32>("V")?.shape(), &[200, 2]);
/// assert_eq!(mon.get::<bool>("spike")?.iter().filter(|s| **s).count(), 2);
/// assert_eq!(mon.events("spike")?.indices, [0, 1]);
/// assert!((mon.ts()[1] - 0.1).abs() < 1e-12);
/// # Ok::<(), dsrunner::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Mon {
    /// Of the monitors; the traces behind theirs are of the outputs.
    keys: Vec<String>,
    pub(crate) filing: Recorder,
    /// The steps that were executed.
    pub(crate) executed: Range<u64>,
    pub(crate) clock: Times,
    /// Whether arrays of several axes have their replicas first.
    batch_first: bool,
    store: Mutex<Store>,
}

/// How steps become times.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times {
    pub t0: f64,
    pub dt: f64,
    /// Whether a step's time is that of its end.
    pub at_end: bool,
}

impl Times {
    fn of(&self, step: i64) -> f64 {
        self.t0 + (step + i64::from(self.at_end)) as f64 * self.dt
    }
}

/// Traces, and chunks that are still on the device.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store {
    pub traces: Vec<RecordedTrace>,
    waiting: Vec<(Range<u64>, Arc<dyn DeviceRows>)>,
}

impl Mon {
    /// Results without a row, the first `monitors` of them of monitors.
    pub(crate) fn new(
        traces: Vec<RecordedTrace>,
        monitors: usize,
        filing: Recorder,
        clock: Times,
        batch_first: bool,
    ) -> Self {
        let keys = traces[..monitors].iter().map(|t| t.key.clone()).collect();
        let executed = filing.run.start..filing.run.start;
        let store = Mutex::new(Store { traces, waiting: Vec::new() });
        Self { keys, filing, executed, clock, batch_first, store }
    }

    /// The results of the outputs, which are taken away from those of the monitors.
    pub(crate) fn split(&mut self) -> Result<Self> {
        let monitors = self.keys.len();
        if self.traces().len() > monitors {
            self.fetch().map(drop)?;
        }
        let outputs = self.traces().split_off(monitors);
        let (filing, times) = (self.filing.clone(), self.clock);
        let mut split = Self::new(outputs, 0, filing, times, self.batch_first);
        split.keys = split.traces().iter().map(|t| t.key.clone()).collect();
        split.executed = self.executed.clone();
        Ok(split)
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        // a store that a panic left is as good as the traces in it
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn traces(&mut self) -> &mut Vec<RecordedTrace> {
        &mut self.store.get_mut().unwrap_or_else(PoisonError::into_inner).traces
    }

    /// Files the rows of some steps, or notes where they are.
    pub(crate) fn add(&mut self, steps: Range<u64>, rows: ChunkRows) -> Result<()> {
        self.executed.end = steps.end;
        let store = self.store.get_mut().unwrap_or_else(PoisonError::into_inner);
        match rows {
            ChunkRows::Host(rows) => self.filing.file(&mut store.traces, steps, &rows),
            ChunkRows::Device(rows) => {
                store.waiting.push((steps, rows));
                Ok(())
            }
        }
    }

    /// Copies what is still on the device to the host.
    pub(crate) fn fetch(&self) -> Result<MutexGuard<'_, Store>> {
        let mut store = self.lock();
        let Store { traces, waiting } = &mut *store;
        for (steps, rows) in waiting.drain(..) {
            self.filing.file(traces, steps, &rows.fetch()?)?;
        }
        Ok(store)
    }

    /// Keys of the monitors, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(String::as_str)
    }

    /// The time of each step of the run: of its start, unless the builder says
    /// [`ts_at_end`](crate::RunnerBuilder::ts_at_end).
    pub fn ts(&self) -> Vec<f64> {
        self.executed.clone().map(|step| self.clock.of(step as i64)).collect()
    }

    fn place(&self, key: &str) -> Result<usize> {
        let place = self.keys.iter().position(|k| k == key);
        place.ok_or_else(|| Error::unknown("monitor", key, self.keys.iter().cloned()))
    }

    /// The step of each row of a monitor; one less than the run's first for the values before the run.
    ///
    /// # Errors
    /// [`Error::UnknownPath`] where there is no such monitor.
    pub fn steps(&self, key: &str) -> Result<Vec<i64>> {
        let store = self.fetch()?;
        let RecordedTrace { sampling, rows, .. } = store.traces[self.place(key)?];
        drop(store);
        let sampling = &self.filing.samplings[sampling];
        let initial = sampling.initial.then_some(self.filing.run.start as i64 - 1);
        let due = sampling.steps(self.filing.run.clone());
        let executed = due.take_while(|&step| step < self.executed.end).map(|step| step as i64);
        // a closure that failed has a row less
        Ok(initial.into_iter().chain(executed).take(rows).collect())
    }

    /// The time of each row of a monitor.
    ///
    /// # Errors
    /// As [`Mon::steps`].
    pub fn times(&self, key: &str) -> Result<Vec<f64>> {
        Ok(self.steps(key)?.into_iter().map(|step| self.clock.of(step)).collect())
    }

    /// The history of one monitor, `(rows, ...)`, or `(replicas, rows, ...)`. What is still on the device is copied.
    ///
    /// # Errors
    /// [`Error::UnknownPath`] where there is no such monitor, [`Error::Kind`] where its values are of another type,
    /// [`Error::Monitor`] where a sink has them or a sum is beyond its type, [`Error::Device`].
    pub fn get<T: Element>(&self, key: &str) -> Result<ArrayD<T>> {
        let place = self.place(key)?;
        let steps = self.steps(key)?;
        let store = self.fetch()?;
        let trace = &store.traces[place];
        let mut array = trace.array::<T>(&steps)?;
        // what a closure gives has no axis of replicas
        if self.batch_first && array.ndim() > 1 && trace.host.is_none() {
            array.swap_axes(0, 1);
        }
        Ok(array)
    }

    /// The spikes of a bool monitor as events; those of the values before the run are none. Of a batch, an index counts through
    /// the replicas.
    ///
    /// # Errors
    /// As [`Mon::get`].
    pub fn events(&self, key: &str) -> Result<Events> {
        let place = self.place(key)?;
        let steps = self.steps(key)?;
        let store = self.fetch()?;
        let initial = self.filing.samplings[store.traces[place].sampling].initial;
        store.traces[place].events(&steps, usize::from(initial))
    }
}

impl Clone for Mon {
    fn clone(&self) -> Self {
        Self {
            keys: self.keys.clone(),
            filing: self.filing.clone(),
            executed: self.executed.clone(),
            clock: self.clock,
            batch_first: self.batch_first,
            store: Mutex::new(self.lock().clone()),
        }
    }
}
