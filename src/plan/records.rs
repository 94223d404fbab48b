//! Monitors as gathers of addresses.

use std::ops::Range;

use super::select::{Offsets, Selected};
use super::sites::{GroupSite, names_of, units_of, variables_of};
use super::step::{Cadence, Fold, Op, Work};
use super::{Gather, Plan, Record, Role, Scale, expressions};
use crate::error::{Error, Result, number};
use crate::input::{InputFunction, Wgsl};
use crate::model::{Kind, Unit};
use crate::monitor::{Monitor, MonitorRead, Reduction, What};

/// A monitor's closure.
pub(crate) enum HostRecord {
    Func(InputFunction),
    Read(MonitorRead),
}

/// For each group whether a monitor or an output wants the sum of one of its inputs, which a step then has to store.
pub(super) fn observed_inputs(
    groups: &[GroupSite<'_>],
    monitors: &[Monitor],
    outputs: &[(String, String)],
) -> Vec<bool> {
    let wanted = |site: &GroupSite<'_>| {
        units_of(site).into_iter().any(|(unit, node, _, resolved)| {
            let variables = variables_of(resolved, unit).into_iter();
            let mut inputs = variables.filter(|variable| variable.role == Role::Input);
            inputs.any(|input| {
                let names = names_of(node, &input.name);
                monitors.iter().any(|m| match &m.what {
                    What::Variable(target) => names.contains(&target.path),
                    What::Wgsl(_, Wgsl(text)) => text.contains(&input.name),
                    What::Func(_) => false,
                    What::Read(_) => true,
                }) || outputs.iter().any(|(_, path)| names.contains(path))
            })
        })
    };
    groups.iter().map(wanted).collect()
}

/// Adds the monitors to the plan; what they need of the host is returned.
pub(super) fn compile(plan: &mut Plan, monitors: &[Monitor], t0: f64) -> Result<Vec<HostRecord>> {
    let mut host = Vec::new();
    for monitor in monitors {
        let key = key(plan, monitor)?;
        one(plan, monitor, &key, t0, &mut host)?;
    }
    plan.monitors = plan.records.len();
    Ok(host)
}

/// Adds the outputs of the target: those it declared, or what a group has.
pub(super) fn outputs(plan: &mut Plan, declared: Vec<(String, String)>) -> Result<()> {
    let outputs = match declared.is_empty() {
        false => declared,
        true => {
            let own = plan.slots.iter().filter(|slot| slot.node().is_empty());
            let spikes = own.clone().any(|slot| slot.role == Role::Spike);
            let role = if spikes { Role::Spike } else { Role::State };
            let own = own.filter(|slot| slot.role == role && slot.unit == Unit::Element);
            own.map(|slot| (slot.path().to_string(), slot.path().to_string())).collect()
        }
    };
    for (key, path) in outputs {
        let values = values(plan, &Monitor::of(path), &key)?;
        let cadence =
            plan.cadence(Cadence { every: 1, window: None, per: None, initial: false, row: 0 });
        let gather = values.gather();
        let (kind, shape) = (values.kind, values.shape);
        let (scale, events, sparse) = (Scale::None, false, values.spikes);
        plan.record(Record { key, kind, shape, cadence, offset: 0, gather, scale, events, sparse });
    }
    Ok(())
}

fn key(plan: &Plan, monitor: &Monitor) -> Result<String> {
    let key = monitor.key().ok_or_else(|| Error::Monitor {
        key: String::new(),
        reason: "a closure needs a key; give one by `.named(..)` or in a map".into(),
    })?;
    let wrong = |reason: &str| Error::Monitor { key: key.clone(), reason: reason.into() };
    if monitor.key.as_deref() == Some("") {
        return Err(wrong("its key is empty; give one by `.named(..)`, or leave it to the path"));
    }
    if key == "ts" {
        return Err(wrong("the key `ts` is reserved for the times of the steps; give another one"));
    }
    if plan.records.iter().any(|r| r.key == key) {
        return Err(wrong(
            "there are two monitors of this key; give one of them another by `.named(..)`",
        ));
    }
    Ok(key)
}

/// The words that a monitor is about, before reductions.
struct Values {
    /// Whether they are spikes, of which there are few.
    spikes: bool,
    kind: Kind,
    shape: Vec<usize>,
    base: usize,
    offsets: Offsets,
}

impl Values {
    fn gather(&self) -> Gather {
        match self.offsets {
            Offsets::Range { start, count } if self.kind == Kind::Bool => {
                Gather::Flags { address: self.base + start, count }
            }
            Offsets::Range { start, count } => Gather::Range { address: self.base + start, count },
            Offsets::List(_) => Gather::List(self.addresses()),
        }
    }

    fn addresses(&self) -> Vec<u32> {
        self.offsets.iter().map(|offset| (self.base + offset) as u32).collect()
    }
}

fn one(
    plan: &mut Plan,
    monitor: &Monitor,
    key: &str,
    t0: f64,
    host: &mut Vec<HostRecord>,
) -> Result<()> {
    let wrong = |reason: String| Error::Monitor { key: key.into(), reason };
    let window = match &monitor.window {
        Some(times) => Some(steps_of(times, t0, plan.dt).map_err(wrong)?),
        None => None,
    };
    check(monitor).map_err(|reason| wrong(reason.into()))?;
    let cadence = plan.cadence(Cadence {
        every: monitor.every,
        window,
        per: monitor.per.map(|(steps, _)| steps),
        initial: monitor.initial,
        row: 0,
    });
    let closure = match &monitor.what {
        What::Func(function) => Some(HostRecord::Func(function.clone())),
        What::Read(read) => Some(HostRecord::Read(read.clone())),
        What::Variable(_) | What::Wgsl(..) => None,
    };
    if let Some(closure) = closure {
        let gather = Gather::Host(host.len());
        host.push(closure);
        let (key, kind, shape) = (key.into(), Kind::F32, Vec::new());
        let (scale, events, sparse) = (Scale::None, false, false);
        plan.record(Record { key, kind, shape, cadence, offset: 0, gather, scale, events, sparse });
        return Ok(());
    }
    let mut values = values(plan, monitor, key)?;
    if monitor.events && values.kind != Kind::Bool {
        return Err(wrong(format!(
            "only bool values are events, such as `spike`, but these are {}",
            values.kind.name()
        )));
    }
    let mut scale = Scale::None;
    let means = [monitor.reduction, monitor.per.map(|(_, reduction)| reduction)];
    if means.contains(&Some(Reduction::Mean)) && matches!(values.kind, Kind::I32 | Kind::U32) {
        // their sum may not fit into 32 bits
        let count = values.offsets.len();
        let work = Work::Copy { from: values.addresses(), as_f32: Some(values.kind) };
        let base = plan.column(format!("f32 for {key}"), work, count);
        let offsets = Offsets::Range { start: 0, count };
        values = Values { spikes: false, kind: Kind::F32, base, offsets, ..values };
    }
    if let Some(reduction) = monitor.reduction {
        let count = values.offsets.len();
        if count == 0 {
            return Err(wrong("there is nothing to reduce: the index chooses no element".into()));
        }
        let work = Work::Reduce {
            fold: reduction.fold(),
            kind: values.kind.folded(),
            from: values.addresses(),
        };
        let base = plan.column(format!("{reduction:?} for {key}"), work, 1);
        if reduction == Reduction::Mean {
            scale = Scale::Elements(count as u32);
        }
        let kind = reduction.kind(values.kind);
        // the copies of a system are reduced with the rest
        let offsets = Offsets::Range { start: 0, count: 1 };
        values = Values { spikes: false, kind, shape: vec![], base, offsets };
    }
    if let Some((_, reduction)) = monitor.per {
        let work = Work::Accumulate {
            fold: reduction.fold(),
            kind: values.kind.folded(),
            from: values.addresses(),
            cadence,
        };
        let count = values.offsets.len();
        let base = plan.column(format!("{reduction:?} for {key}"), work, count);
        if reduction == Reduction::Mean {
            scale = Scale::Steps;
        }
        let (kind, offsets) = (reduction.kind(values.kind), Offsets::Range { start: 0, count });
        values = Values { spikes: false, kind, base, offsets, ..values };
    }
    let gather = values.gather();
    // what was before the run is a row, but no event
    let sparse = monitor.events || values.spikes && !monitor.initial;
    let (key, kind, shape, events) = (key.into(), values.kind, values.shape, monitor.events);
    plan.record(Record { key, kind, shape, cadence, offset: 0, gather, scale, events, sparse });
    Ok(())
}

/// What does not go together.
fn check(monitor: &Monitor) -> std::result::Result<(), &'static str> {
    let closure = matches!(monitor.what, What::Func(_) | What::Read(_));
    let reduced = monitor.reduction.is_some() || monitor.per.is_some();
    match monitor {
        m if m.every == 0 => Err("`every` is 0, but must be at least 1"),
        m if m.per.is_some_and(|(steps, _)| steps == 0) => {
            Err("`per` is of 0 steps, but must be of at least 1")
        }
        m if m.per.is_some() && (m.every > 1 || m.window.is_some() || m.initial) => Err(
            "`per` makes its rows of all steps; give it without `every`, `window` and `include_initial`",
        ),
        m if closure && m.initial => Err(
            "`include_initial` asks for the values before the run, but a closure is called after each step; leave it out",
        ),
        m if closure && (m.index.is_some() || reduced || m.events) => {
            Err("a closure gives its values as they are recorded; do the rest inside it")
        }
        m if m.events && (reduced || m.initial) => Err(
            "events are recorded as they are; give `events` without reductions and `include_initial`",
        ),
        m if m.reduction == Some(Reduction::Mean)
            && m.per.is_some_and(|(_, r)| r == Reduction::Mean) =>
        {
            Err("the mean of means is not made on the device; take the sum of one of them")
        }
        m if m.reduction == Some(Reduction::Mean) && m.per.is_some() => Err(
            "the mean over elements is made on the host; with `per`, take the sum over elements",
        ),
        _ => Ok(()),
    }
}

fn values(plan: &mut Plan, monitor: &Monitor, key: &str) -> Result<Values> {
    let wrong = |reason: String| Error::Monitor { key: key.into(), reason };
    let mut values = match &monitor.what {
        What::Variable(target) => {
            let Selected { slot, shape, offsets } = plan.select("variable", target)?;
            if slot.role == Role::Param {
                return Err(wrong(
                    "it is a parameter, which does not change during a run; read it by `get`"
                        .into(),
                ));
            }
            let spikes = slot.role == Role::Spike;
            Values { spikes, kind: slot.kind, shape, base: slot.address, offsets }
        }
        What::Wgsl(node, Wgsl(text)) => {
            let slot = plan.slot_of_node(node)?.clone();
            let what = format!("expression for {key}");
            let kinds = [Kind::F32, Kind::Bool, Kind::I32, Kind::U32];
            let found = expressions::compile(plan, &what, text, &slot, &kinds)?;
            let offsets = Offsets::Range { start: 0, count: slot.words };
            let (kind, shape, base) = (found.kind, slot.shape, found.address);
            Values { spikes: false, kind, shape, base, offsets }
        }
        What::Func(_) | What::Read(_) => return Err(wrong("a closure has no elements".into())),
    };
    if let Some(index) = &monitor.index {
        values.offsets = values.offsets.pick(&mut values.shape, 0, index).map_err(wrong)?;
    }
    Ok(values)
}

/// The steps that start within some times.
fn steps_of(times: &Range<f64>, t0: f64, dt: f64) -> std::result::Result<Range<u64>, String> {
    let (start, end) = (number(times.start), number(times.end));
    if !(times.start < times.end && times.start.is_finite()) {
        return Err(format!(
            "the window from {start} to {end} has no time in it; give a start before its end"
        ));
    }
    // a time that is a step's but for rounding is meant to be the step's
    let step = |time: f64| {
        let at = (time - t0) / dt;
        let nearest = at.round();
        let step = if (at - nearest).abs() < 1e-6 { nearest } else { at.ceil() };
        // the cast saturates: times before the start are step 0, infinity the last step
        step as u64
    };
    let steps = step(times.start)..step(times.end);
    if steps.is_empty() {
        return Err(match times.end <= t0 {
            true => format!("the window from {start} to {end} ends before the first step, at {t0}"),
            false => format!(
                "no step of {dt} starts in the window from {start} to {end}; make it longer"
            ),
        });
    }
    Ok(steps)
}

impl Reduction {
    fn fold(self) -> Fold {
        match self {
            Self::Mean | Self::Sum => Fold::Sum,
            Self::Min => Fold::Min,
            Self::Max => Fold::Max,
        }
    }

    /// The kind of what is recorded.
    fn kind(self, of: Kind) -> Kind {
        match self {
            // the division comes at the end, on the host
            Self::Mean | Self::Sum => of.folded(),
            Self::Min | Self::Max => of,
        }
    }
}

impl Kind {
    /// The kind as which values are added and compared.
    fn folded(self) -> Self {
        if self == Self::Bool { Self::U32 } else { self }
    }
}

impl Plan {
    /// The number of a cadence, which all that have it share.
    fn cadence(&mut self, wanted: Cadence) -> usize {
        let same = |c: &Cadence| Cadence { row: 0, ..c.clone() } == wanted;
        self.cadences.iter().position(same).unwrap_or_else(|| {
            self.cadences.push(wanted.clone());
            self.cadences.len() - 1
        })
    }

    /// Adds a record at the end of its cadence's row.
    fn record(&mut self, record: Record) {
        let row = &mut self.cadences[record.cadence].row;
        let record = Record { offset: *row, ..record };
        *row += record.words();
        self.records.push(record);
    }

    /// Ends the step.
    pub(super) fn end_of_step(&mut self) {
        if self.records.iter().any(|r| r.words() > 0) {
            self.step.push(Op::Record);
        }
        self.step.push(Op::Clear);
    }
}
