//! Monitors as gathers of addresses.

use std::ops::Range;

use super::data::{Gather, Plan, Record, Role, Scale};
use super::expressions;
use super::offsets::Offsets;
use super::select::Selected;
use super::sites::{GroupSite, names_of, units_of, variables_of};
use super::step::{DerivedWork, Fold, Number, SamplingSchedule, StepOp};
use crate::error::{Error, Result, number};
use crate::model::Unit;
use crate::random::Purpose;
use crate::records::{Monitor, MonitorRead, Reduction, What};
use crate::system::{Node, NodeKind};
use crate::terms::{InputFunction, Kind, Wgsl};

/// A monitor's closure.
pub(crate) enum HostRecord {
    Func(InputFunction),
    Read(MonitorRead),
}

/// For each group whether a monitor, an output or a kernel wants the sum of one of its inputs, which a step then has to store.
pub(super) fn observed_inputs(
    groups: &[GroupSite<'_>],
    nodes: &[Node],
    monitors: &[Monitor],
    outputs: &[(String, String)],
) -> Vec<bool> {
    let kernels = nodes.iter().filter_map(|node| match &node.kind {
        NodeKind::Kernel(kernel) => Some(&kernel.inner().bound),
        _ => None,
    });
    let bound: Vec<&String> = kernels.flatten().map(|(_, target)| &target.path).collect();
    let wanted = |site: &GroupSite<'_>| {
        units_of(site).into_iter().any(|(unit, node, resolved)| {
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
                    || bound.iter().any(|path| names.contains(path))
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
pub(super) fn outputs(plan: &mut Plan, declared: &[(String, String)]) -> Result<()> {
    let outputs = match declared.is_empty() {
        false => declared.to_vec(),
        true => {
            let own = plan.variables.iter().filter(|variable| variable.node().is_empty());
            let spikes = own.clone().any(|variable| variable.role == Role::Spike);
            let role = if spikes { Role::Spike } else { Role::State };
            let own =
                own.filter(|variable| variable.role == role && variable.unit == Unit::Element);
            own.map(|variable| (variable.path().to_string(), variable.path().to_string())).collect()
        }
    };
    for (key, path) in outputs {
        let values = values(plan, &Monitor::of(path), &key)?;
        let sampling = plan.sampling(SamplingSchedule {
            every: 1,
            window: None,
            per: None,
            initial: false,
            row: 0,
        });
        plan.record(values.record(key, sampling));
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
    number: Number,
    /// The largest that an integer can be.
    most: u64,
    shape: Vec<usize>,
    base: usize,
    /// Of two words where the number has two.
    offsets: Offsets,
}

impl Values {
    fn new(kind: Kind, shape: Vec<usize>, base: usize, offsets: Offsets) -> Self {
        let (number, most) = match kind {
            Kind::F32 => (Number::F32, 0),
            Kind::I32 => (Number::I32, u64::from(u32::MAX)),
            Kind::U32 => (Number::U32, u64::from(u32::MAX)),
            Kind::Bool => (Number::U32, 1),
        };
        Self { spikes: false, kind, number, most, shape, base, offsets }
    }

    /// What makes a reduction of so many of these.
    fn fold(&mut self, reduction: Reduction, terms: u64) -> Fold {
        match reduction {
            Reduction::Min => Fold::Min,
            Reduction::Max => Fold::Max,
            Reduction::Mean | Reduction::Sum => {
                self.most = self.most.saturating_mul(terms);
                match self.number {
                    Number::F32 => Fold::Sum,
                    Number::U32 if self.most <= u64::from(u32::MAX) => Fold::Sum,
                    _ => Fold::WideSum,
                }
            }
        }
    }

    /// The values of a column that a reduction made of these.
    fn reduced(self, reduction: Reduction, fold: Fold, shape: Vec<usize>, base: usize) -> Self {
        let (kind, number) = (reduction.kind(self.kind), fold.result(self.number));
        let offsets = Offsets::Range { start: 0, count: shape.iter().product() };
        Self { spikes: false, kind, number, most: self.most, shape, base, offsets }
    }

    /// A record of them as they are.
    fn record(self, key: String, sampling: usize) -> Record {
        Record {
            key,
            sampling,
            offset: 0,
            gather: self.gather(),
            is_wide: self.number == Number::I64,
            scale: Scale::None,
            events: false,
            sparse: self.spikes,
            kind: self.kind,
            shape: self.shape,
        }
    }

    fn gather(&self) -> Gather {
        match self.offsets {
            Offsets::Range { start: 0, count } if self.number == Number::I64 => {
                Gather::Range { address: self.base, count: 2 * count }
            }
            Offsets::Range { start, count } if self.kind == Kind::Bool => {
                Gather::Flags { address: self.base + start, count }
            }
            Offsets::Range { start, count } => Gather::Range { address: self.base + start, count },
            Offsets::List(_) => Gather::List(self.addresses()),
        }
    }

    fn addresses(&self) -> Vec<u32> {
        let words = self.number.words();
        self.offsets.iter().map(|offset| (self.base + words * offset) as u32).collect()
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
    let sampling = plan.sampling(SamplingSchedule {
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
        let values = Values::new(Kind::F32, Vec::new(), 0, Offsets::List(Vec::new()));
        let gather = Gather::Host(host.len());
        host.push(closure);
        plan.record(Record { gather, ..values.record(key.into(), sampling) });
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
    if let Some(reduction) = monitor.reduction {
        let count = values.offsets.len();
        if count == 0 {
            return Err(wrong("there is nothing to reduce: the index chooses no element".into()));
        }
        // the replicas of a system are reduced each for itself
        let shape = if plan.replicas.is_some() { vec![values.shape[0]] } else { Vec::new() };
        let each = count / shape.iter().product::<usize>();
        if reduction == Reduction::Mean {
            scale = Scale::Elements(each as u32);
        }
        let fold = values.fold(reduction, each as u64);
        let label = format!("{reduction:?} for {key}");
        let base = reduce(plan, &label, fold, values.number, values.addresses(), each);
        values = values.reduced(reduction, fold, shape, base);
    }
    if let Some((steps, reduction)) = monitor.per {
        if reduction == Reduction::Mean {
            scale = Scale::Steps;
        }
        let fold = values.fold(reduction, steps);
        let (of, from) = (values.number, values.addresses());
        let words = from.len() * fold.result(of).words();
        let work = DerivedWork::Accumulate { fold, of, from, sampling };
        let base = plan.derived_column(format!("{reduction:?} for {key}"), work, words);
        let shape = values.shape.clone();
        values = values.reduced(reduction, fold, shape, base);
    }
    // what was before the run is a row, but no event
    let sparse = monitor.events || values.spikes && !monitor.initial;
    let events = monitor.events;
    plan.record(Record { scale, events, sparse, ..values.record(key.into(), sampling) });
    Ok(())
}

/// Most values of a row that is reduced at once: drivers are known to end loops of more than 65,535 iterations, and a workgroup
/// of 256 invocations has a row.
const AT_ONCE: usize = 1 << 23;

/// Adds a column of one value for each row of so many; longer rows part by part, then the parts. The column's address.
fn reduce(
    plan: &mut Plan,
    label: &str,
    fold: Fold,
    of: Number,
    from: Vec<u32>,
    row: usize,
) -> usize {
    let (rows, parts) = (from.len() / row, row.div_ceil(AT_ONCE));
    let starts = (0..rows).flat_map(|k| (0..parts).map(move |part| k * row + part * AT_ONCE));
    let indptr = starts.chain([from.len()]).map(|start| start as u32).collect();
    let result = fold.result(of);
    let work = DerivedWork::Reduce { fold, of, indptr, from };
    let base = plan.derived_column(label.into(), work, rows * parts * result.words());
    if parts == 1 {
        return base;
    }
    let from = (0..rows * parts).map(|k| (base + k * result.words()) as u32).collect();
    reduce(plan, label, fold, result, from, parts)
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
            let Selected { variable, shape, offsets } = plan.select("variable", target)?;
            if variable.role == Role::Param {
                return Err(wrong(
                    "it is a parameter, which does not change during a run; read it by `get`"
                        .into(),
                ));
            }
            let spikes = variable.role == Role::Spike;
            Values { spikes, ..Values::new(variable.kind, shape, variable.address, offsets) }
        }
        What::Wgsl(node, Wgsl(text)) => {
            let variable = plan.slot_of_node(node)?.clone();
            let what = format!("expression for {key}");
            let kinds = [Kind::F32, Kind::Bool, Kind::I32, Kind::U32];
            let purpose = Purpose::Monitor(key);
            let found = expressions::compile(plan, &what, text, &variable, &kinds, purpose)?;
            let offsets = Offsets::Range { start: 0, count: variable.words };
            Values::new(found.kind, variable.shape, found.address, offsets)
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
    /// The kind of what is recorded.
    fn kind(self, of: Kind) -> Kind {
        match self {
            // the division comes at the end, on the host
            Self::Mean | Self::Sum if of == Kind::Bool => Kind::U32,
            _ => of,
        }
    }
}

impl Plan {
    /// The number of a sampling, which all that have it share.
    fn sampling(&mut self, wanted: SamplingSchedule) -> usize {
        let same = |c: &SamplingSchedule| SamplingSchedule { row: 0, ..c.clone() } == wanted;
        self.samplings.iter().position(same).unwrap_or_else(|| {
            self.samplings.push(wanted.clone());
            self.samplings.len() - 1
        })
    }

    /// Adds a record at the end of its sampling's row.
    fn record(&mut self, record: Record) {
        let row = &mut self.samplings[record.sampling].row;
        let record = Record { offset: *row, ..record };
        *row += record.words();
        self.records.push(record);
    }

    /// Ends the step.
    pub(super) fn end_of_step(&mut self) {
        if self.records.iter().any(|r| r.words() > 0) {
            self.step.push(StepOp::Record);
        }
        self.step.push(StepOp::Clear);
    }
}
