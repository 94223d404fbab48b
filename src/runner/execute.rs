//! The loop over chunks, and the loop over steps.

use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::handles::OnEngine;
use super::progress::Bar;
use super::run::DSRunner;
use super::settings::is_stepwise;
use crate::backend::{Beyond, BoundsChecks, Chunk, ChunkRows};
use crate::error::{Error, Result};
use crate::inputs::{InputHandle, ReadHandle};
use crate::limits::{self, deep};
use crate::plan::{HostRecord, Role, Schedule, StepOp, words};
use crate::results::{Mon, RecordedTrace, Recorder, Times, records_initial};
use crate::terms::Shared;

/// Chunks that may be under way at a time: one is executed while the one before is read back.
const IN_FLIGHT: usize = 2;

/// Rows of the changing inputs, as far as they could be filled, and why not further.
struct Filled {
    rows: Vec<u32>,
    data_rows: Vec<u32>,
    steps: usize,
    failure: Option<Error>,
}

impl DSRunner {
    /// Executes the steps of a run.
    pub(super) fn execute(&mut self, run: Range<u64>, bar: &Bar) -> Result<()> {
        let initial = self.record_initial(&run);
        initial.and_then(|()| match is_stepwise(&self.settings, &self.host) {
            true => self.execute_stepwise(&run, bar),
            false => self.execute_chunks(&run, bar),
        })
    }

    fn execute_chunks(&mut self, run: &Range<u64>, bar: &Bar) -> Result<()> {
        let mut submitted = run.start;
        let mut failure = None;
        while submitted < run.end && failure.is_none() && !self.cancelled.load(Ordering::Relaxed) {
            let steps = ((run.end - submitted) as usize)
                .min(self.engine.chunk_steps())
                .min(self.settings.chunk)
                .min(self.data.as_ref().map_or(usize::MAX, |data| data.inputs.chunk_steps()));
            let filled = self.fill(submitted, steps);
            failure = filled.failure;
            let end = submitted + filled.steps as u64;
            if filled.steps > 0 {
                let mut chunk = self.chunk(run, submitted..end, 0..self.plan.step.len());
                (chunk.rows, chunk.data_rows) = (filled.rows, filled.data_rows);
                chunk.cancelled = self.cancelled.clone();
                match self.engine.submit(chunk) {
                    Ok(0) => break,
                    Ok(_) => {
                        self.unfinalized = true;
                        self.waiting.push_back(filled.steps);
                        submitted = end;
                    }
                    Err(error) => failure = Some(error),
                }
            }
            if self.waiting.len() >= IN_FLIGHT {
                self.take(bar, &mut failure)?;
            }
        }
        while !self.waiting.is_empty() {
            self.take(bar, &mut failure)?;
        }
        failure.map_or(Ok(()), Err)
    }

    /// Collects a chunk and files what it recorded. Its steps have been executed, so where a sink or a closure fails, the rest is
    /// filed all the same, and so are chunks that are under way.
    fn take(&mut self, bar: &Bar, failure: &mut Option<Error>) -> Result<()> {
        let Some(rows) = self.engine.collect()? else { return Ok(()) };
        let Some(steps) = self.waiting.pop_front() else { return Ok(()) };
        let steps = self.step..self.step + steps as u64;
        self.step = steps.end;
        bar.inc(steps.end - steps.start);
        let filed = self.mon.add(steps.clone(), rows);
        let asked = steps.map(|step| self.ask_monitors(step)).fold(Ok(()), Result::and);
        if let Err(error) = filed.and(asked) {
            failure.get_or_insert(error);
        }
        Ok(())
    }

    /// Steps one by one, each in parts between which the host does its own.
    fn execute_stepwise(&mut self, run: &Range<u64>, bar: &Bar) -> Result<()> {
        for step in run.clone() {
            if self.cancelled.load(Ordering::Relaxed) {
                break;
            }
            let filled = self.fill(step, 1);
            if let Some(failure) = filled.failure {
                return Err(failure);
            }
            self.unfinalized = true;
            let recorded = self.execute_step(run, step, &filled)?;
            self.step = step + 1;
            bar.inc(1);
            recorded?;
        }
        Ok(())
    }

    /// Executes a step. The inner result is that of sinks and closures of monitors, after which the step comes to its end all the
    /// same.
    fn execute_step(&mut self, run: &Range<u64>, step: u64, filled: &Filled) -> Result<Result<()>> {
        let mut filed = Ok(());
        let plan = self.plan.clone();
        let checked = !self.settings.jit.predict;
        let mut from = 0;
        for (at, &op) in plan.step.iter().enumerate() {
            // monitors' closures come when all else is done and inputs are not cleared yet
            let done = plan.step.get(at + 1) == Some(&StepOp::Clear);
            let ends = done || at + 1 == plan.step.len() || matches!(op, StepOp::Call(_));
            if !(checked || ends) {
                continue;
            }
            let part = from..at + 1;
            from = at + 1;
            if checked {
                self.check_indexes(op, step)?;
            }
            let mut chunk = self.chunk(run, step..step + 1, part.clone());
            chunk.rows.clone_from(&filled.rows);
            chunk.data_rows.clone_from(&filled.data_rows);
            self.engine.submit(chunk)?;
            let recorded = self.engine.collect()?;
            if plan.step[part].contains(&StepOp::Record)
                && let Some(rows) = recorded
            {
                filed = filed.and(self.mon.add(step..step + 1, rows));
            }
            if let StepOp::Call(k) = op {
                self.call(k, step)?;
            }
            if checked {
                self.check(op, step)?;
            }
            if done {
                self.mon.executed.end = step + 1;
                filed = filed.and(self.ask_monitors(step));
            }
        }
        Ok(filed)
    }

    fn shared(&self, i: u64) -> Shared {
        let (t, dt) = (self.settings.t0 + i as f64 * self.plan.dt, self.plan.dt);
        Shared { t, dt, i, args: self.args.clone() }
    }

    fn call(&mut self, k: usize, step: u64) -> Result<()> {
        let shared = self.shared(step);
        let call = self.host.inputs.calls[k].clone();
        let mut call = call.lock().unwrap_or_else(PoisonError::into_inner);
        (*call)(
            &shared,
            &mut InputHandle::new(&mut OnEngine { plan: &self.plan, engine: self.engine.as_mut() }),
        )
    }

    /// Records what the closures of monitors give for a step that was executed.
    fn ask_monitors(&mut self, step: u64) -> Result<()> {
        if self.host.records.is_empty() {
            return Ok(());
        }
        let shared = self.shared(step);
        let Self { mon, host, engine, plan, .. } = self;
        let Recorder { samplings, run } = mon.filing.clone();
        let mut filed = Ok(());
        for trace in mon.traces() {
            let Some(k) = trace.host else { continue };
            if trace.ended || !samplings[trace.sampling].due(step, &run) {
                continue;
            }
            let value = match &host.records[k] {
                HostRecord::Func(function) => Ok(function(&shared)),
                HostRecord::Read(read) => {
                    let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
                    (*read)(
                        &shared,
                        &mut ReadHandle::new(&mut OnEngine { plan, engine: engine.as_mut() }),
                    )
                }
            };
            let wrong = |reason| Error::Monitor { key: trace.key.clone(), reason };
            let row = value.and_then(|value| {
                Ok((words(value.data(), trace.kind).map_err(wrong)?, value.shape().to_vec()))
            });
            filed = filed.and(match row {
                Ok((row, shape)) => trace.push_host(step, &shape, &row),
                Err(error) => {
                    trace.ended = true;
                    Err(error)
                }
            });
        }
        filed
    }

    /// Fails where an operation that is to be executed would use an index beyond the end.
    fn check_indexes(&mut self, op: StepOp, step: u64) -> Result<()> {
        let what = match op {
            StepOp::Update(_) => "found before its update",
            StepOp::Derive(_) => "found before it was evaluated",
            StepOp::Kernel(_) => "found before it ran",
            StepOp::Input(_)
            | StepOp::Call(_)
            | StepOp::Deliver(_)
            | StepOp::Record
            | StepOp::Clear => return Ok(()),
        };
        let Self { checks, engine, plan, settings, .. } = self;
        let checks = match checks {
            Some(checks) => checks,
            None => checks.insert(deep(|| BoundsChecks::new(plan.clone()))?),
        };
        match checks.find(op, settings.t0, step, engine.as_mut())? {
            Some(Beyond { node, what: found }) => Err(Error::Fault { step, node, what, found }),
            None => Ok(()),
        }
    }

    /// Fails where an operation left a value that is not finite in what it changed.
    fn check(&mut self, op: StepOp, step: u64) -> Result<()> {
        let plan = self.plan.clone();
        let data = self.data.as_ref().map(|data| data.inputs.clone());
        let data = data.iter().flat_map(|data| &data.inputs).map(|input| input.address);
        let data: Vec<usize> = data.collect();
        let changed = plan.variables.iter().filter(|variable| match op {
            StepOp::Deliver(0) => data.contains(&variable.address),
            StepOp::Input(k) => plan.inputs[k].address == variable.address,
            StepOp::Call(_) => matches!(variable.role, Role::State | Role::Input),
            StepOp::Update(at) => variable.population == at && variable.role == Role::State,
            StepOp::Kernel(k) => plan.kernels[k].writes(variable.address),
            StepOp::Derive(_) | StepOp::Deliver(_) | StepOp::Record | StepOp::Clear => false,
        });
        for variable in changed {
            if let Some(found) = self.non_finite_in(variable)?.first() {
                let node =
                    plan.populations[variable.population].members[variable.member].path.clone();
                let what = match op {
                    StepOp::Update(_) => "found after its update",
                    StepOp::Kernel(_) => "found after a kernel",
                    _ => "found after an input",
                };
                return Err(Error::Fault { step, node, what, found: found.to_string() });
            }
        }
        Ok(())
    }

    /// Records the values before a run, for the monitors that want them.
    fn record_initial(&mut self, run: &Range<u64>) -> Result<()> {
        if !records_initial(&self.plan) {
            return Ok(());
        }
        let after = self
            .plan
            .step
            .iter()
            .rposition(|op| !matches!(op, StepOp::Derive(_) | StepOp::Record | StepOp::Clear));
        let ops = after.map_or(0, |at| at + 1)..self.plan.step.len() - 1;
        if !self.settings.jit.predict {
            let plan = self.plan.clone();
            plan.step[ops.clone()].iter().try_for_each(|&op| self.check_indexes(op, run.start))?;
        }
        let chunk = Chunk {
            schedule: Schedule::initial(&self.plan.samplings),
            rows: vec![0; self.plan.input_row],
            data: None,
            keep: false,
            ..self.chunk(run, run.start..run.start + 1, ops)
        };
        self.engine.submit(chunk)?;
        let Some(ChunkRows::Host(rows)) = self.engine.collect()? else { return Ok(()) };
        let filing = self.mon.filing.clone();
        filing.file_initial(self.mon.traces(), &rows)
    }

    /// A chunk without the rows of its inputs.
    fn chunk(&self, run: &Range<u64>, steps: Range<u64>, ops: Range<usize>) -> Chunk {
        Chunk {
            first: steps.start,
            t0: self.settings.t0,
            steps: (steps.end - steps.start) as usize,
            rows: Vec::new(),
            data: self.data.as_ref().map(|data| data.inputs.clone()),
            data_rows: Vec::new(),
            starts_run: steps.start == run.start,
            ops,
            schedule: Schedule::new(&self.plan.samplings, run, steps),
            keep: !self.settings.memory_efficient,
            cancelled: Arc::default(),
        }
    }

    /// Values of the changing inputs for some steps.
    fn fill(&mut self, first: u64, steps: usize) -> Filled {
        let width = self.plan.input_row;
        let (mut rows, mut data_rows) = (vec![0; steps * width], Vec::new());
        if let Some(data) = &self.data {
            data_rows = vec![0; steps * data.inputs.row];
        }
        for k in 0..steps {
            if let Err(failure) = self.fill_step(first + k as u64, k, &mut rows, &mut data_rows) {
                rows.truncate(k * width);
                return Filled { rows, data_rows, steps: k, failure: Some(failure) };
            }
        }
        Filled { rows, data_rows, steps, failure: None }
    }

    fn fill_step(
        &mut self,
        step: u64,
        k: usize,
        rows: &mut [u32],
        data_rows: &mut [u32],
    ) -> Result<()> {
        let (shared, width) = (self.shared(step), self.plan.input_row);
        for source in &mut self.host.inputs.sources {
            source.fill(&shared, &mut rows[k * width..(k + 1) * width])?;
        }
        if let Some(data) = &mut self.data {
            let width = data.inputs.row;
            for source in &mut data.sources {
                source.fill(&shared, &mut data_rows[k * width..(k + 1) * width])?;
            }
        }
        Ok(())
    }

    /// Results without a row.
    pub(super) fn empty_results(&self, run: Range<u64>) -> Mon {
        let sinks = self.settings.sinks.iter().map(Option::as_ref);
        let records = self.plan.records.iter().zip(sinks.chain(std::iter::repeat(None)));
        let traces = records.map(|(record, sink)| RecordedTrace::new(record, sink)).collect();
        let filing = Recorder { samplings: self.plan.samplings.clone(), run };
        let (t0, dt, at_end) = (self.settings.t0, self.plan.dt, self.settings.ts_at_end);
        let times = Times { t0, dt, at_end };
        Mon::new(traces, self.plan.monitors, filing, times, self.settings.batch_first)
    }

    /// Makes room for all rows of a run that is to be kept whole.
    pub(super) fn make_room(&self, mon: &mut Mon) -> Result<()> {
        if self.settings.memory_efficient {
            return Ok(());
        }
        const HELP: &str = "set `memory_efficient(true)`, which streams rows to the host, and may give them to sinks";
        let Recorder { samplings, run } = mon.filing.clone();
        let words: u128 = samplings.iter().map(|c| u128::from(c.rows(&run)) * c.row as u128).sum();
        let what = || format!("the history of {} steps", run.end - run.start);
        if let Some(most) = self.engine.recorded_words().filter(|&most| words > most.into()) {
            return Err(Error::Limit {
                what: what(),
                needed: format!("memory for {} bytes", 4 * words),
                available: "less".into(),
                device: format!("{}, with room for {} bytes,", self.device(), 4 * u128::from(most)),
                help: HELP,
            });
        }
        let rows = |trace: &RecordedTrace| samplings[trace.sampling].rows(&run);
        let bytes: u128 = mon.traces().iter().map(|trace| trace.bytes(rows(trace))).sum();
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        limits::room(bytes, what, HELP)?;
        let mut traces = mon.traces().iter_mut();
        if traces.all(|trace| trace.reserve(rows(trace))) {
            return Ok(());
        }
        Err(limits::lack(bytes, what(), HELP))
    }
}
