//! What a program is made of, and what it is: structures of models, members of the argument and of the result.

use super::jacobian::primitive;
use super::{Kind, Member, Model};
use crate::error::{Error, Result};
use crate::integrate::Method;
use crate::scalar::{Access, Code, Lowered, Memories, Memory, Options, lower};

/// What makes one program: groups with equal structures share it, and the dispatch.
#[derive(Debug, Clone)]
pub(crate) struct Structure {
    pub element: Model,
    pub method: Method,
    pub arms: Vec<Arm>,
    /// Whether the currents are part of the element's derivative.
    pub ltc: bool,
    /// Whether the sums of the inputs are wanted after the step.
    pub observe_inputs: bool,
}

/// One projection onto the element: the synapse's dynamics and the current that it makes.
#[derive(Debug, Clone)]
pub(crate) struct Arm {
    pub synapse: Model,
    pub method: Method,
    pub output: Model,
}

impl PartialEq for Structure {
    fn eq(&self, other: &Self) -> bool {
        self.element.same(&other.element)
            && self.method == other.method
            && self.ltc == other.ltc
            && self.observe_inputs == other.observe_inputs
            && self.arms.len() == other.arms.len()
            && self.arms.iter().zip(&other.arms).all(|(a, b)| {
                a.synapse.same(&b.synapse) && a.method == b.method && a.output.same(&b.output)
            })
    }
}

/// A model's place in a structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Unit {
    Element,
    Synapse(usize),
    Output(usize),
}

/// What a member of the argument structure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Feed {
    State(Unit, usize),
    Param(Unit, usize),
    Derived(Unit, usize),
    Input(Unit, usize),
    /// The fixed-point sum of the events that arrive on an arm, i32.
    Arrivals(usize),
    /// What one count of that sum is worth.
    Quantum(usize),
    Time,
    Dt,
    Step,
    StepHigh,
    /// Time as two numbers, the second what the first leaves.
    TimeHigh,
    TimeLow,
    /// What keys the random numbers of a unit in a copy of the system, as two words.
    Key(Unit),
    KeyHigh(Unit),
    /// Number of the element in its group.
    Element,
    /// Which invocation of a kernel it is.
    Invocation(Invocation),
}

/// What tells an invocation of a kernel from others; places have three axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Invocation {
    /// Its place among all.
    Global(usize),
    /// Its place in its workgroup, and the number there.
    Local(usize),
    Index,
    /// The place of its workgroup among all, and how many there are.
    Workgroup(usize),
    Workgroups(usize),
    /// The number of its workgroup among those that an engine plays at a time.
    Slot,
}

impl Feed {
    /// The members of the structure `Shared` but the last, which a step's stage gives.
    pub(super) const SHARED: [Self; 6] =
        [Self::Time, Self::Dt, Self::Step, Self::StepHigh, Self::TimeHigh, Self::TimeLow];

    /// The members of the structure `Random` of a unit.
    pub(super) fn random(unit: Unit) -> [Self; 5] {
        [Self::Key(unit), Self::KeyHigh(unit), Self::Element, Self::Step, Self::StepHigh]
    }

    /// Type of the member.
    pub(super) fn kind(self, structure: &Structure) -> Kind {
        match self {
            Self::State(unit, k) => structure.model(unit).inner().state[k].kind,
            Self::Param(unit, k) => structure.model(unit).inner().params[k].kind,
            Self::Derived(unit, k) => structure.model(unit).inner().derived[k].kind,
            Self::Input(..) | Self::Quantum(_) => Kind::F32,
            Self::Arrivals(_) => Kind::I32,
            other => other.clock_kind(),
        }
    }

    /// Type of a member that tells of the clock or of the element.
    pub(super) fn clock_kind(self) -> Kind {
        match self {
            Self::Time | Self::TimeHigh | Self::TimeLow | Self::Dt => Kind::F32,
            _ => Kind::U32,
        }
    }
}

/// Where a member of the result goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sink {
    State(Unit, usize),
    Input(Unit, usize),
    /// 1 where the element spikes, else 0.
    Spike,
    /// Zero: the sum has been used.
    Arrivals(usize),
    /// Results of the functions that run on the host.
    Value(usize),
}

/// A composed and validated program.
#[derive(Debug)]
pub(crate) struct Program {
    /// Names of the models, for people.
    pub name: String,
    pub text: String,
    pub module: naga::Module,
    /// What stands before the names of each model's functions.
    pub prefixes: Vec<String>,
    /// The models in the same order; none of an expression.
    pub models: Vec<Model>,
    pub feeds: Vec<Feed>,
    pub feed_kinds: Vec<Kind>,
    pub sinks: Vec<Sink>,
    pub sink_kinds: Vec<Kind>,
}

impl Program {
    /// Expressions of all its functions, which say how long it takes to compile.
    pub(crate) fn expressions(&self) -> usize {
        self.module.functions.iter().map(|(_, function)| function.expressions.len()).sum()
    }

    /// Iterations of its loops in a step at most; none where that is not known.
    pub(crate) fn iterations(&self) -> Option<usize> {
        let mut functions = self.module.functions.iter().map(|(_, function)| function);
        let advance = functions.find(|function| function.name.as_deref() == Some("advance"))?;
        super::iterations::of(&self.module, advance)
    }

    /// The operations of `advance`, for one way of feeding it.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for what operations on scalars cannot express.
    pub(crate) fn lower(&self, inputs: &[Access]) -> Result<Lowered> {
        self.lowered(inputs, false, None, Memories::default())
    }

    /// The same with loops that end after so many iterations, and tell it; those are left alone that end before.
    ///
    /// # Errors
    /// As [`Program::lower`].
    pub(crate) fn lower_bounded(&self, inputs: &[Access], limit: u32) -> Result<Lowered> {
        self.lowered(inputs, false, Some(limit), Memories::default())
    }

    /// The same with what they tell of the indexes that they use.
    ///
    /// # Errors
    /// As [`Program::lower`].
    pub(crate) fn lower_watched(&self, inputs: &[Access], limit: u32) -> Result<Lowered> {
        self.lowered(inputs, true, Some(limit), Memories::default())
    }

    /// The operations of a kernel's `advance` on memories of these lengths.
    ///
    /// # Errors
    /// As [`Program::lower`].
    pub(crate) fn lower_kernel(
        &self,
        inputs: &[Access],
        memories: &[Memory],
        watch: bool,
        limit: Option<u32>,
    ) -> Result<Lowered> {
        let slot = self.feeds.iter().position(|f| *f == Feed::Invocation(Invocation::Slot));
        self.lowered(inputs, watch, limit, Memories { all: memories, slot })
    }

    fn lowered(
        &self,
        inputs: &[Access],
        watch: bool,
        limit: Option<u32>,
        memories: Memories<'_>,
    ) -> Result<Lowered> {
        let primitive = |name: &str| prefixed_primitive(self.prefixes.iter(), name);
        let ends = |limit: &u32| self.iterations().is_some_and(|all| all <= *limit as usize);
        let bound = limit.filter(|limit| !ends(limit));
        let options = Options { primitive: &primitive, loops: true, watch, bound, memories };
        lower(&self.module, "advance", inputs, &options).map_err(|refusal| Error::Unsupported {
            model: self.name.clone(),
            construct: refusal.what,
            location: None,
            help: super::PLAINER.into(),
        })
    }
}

pub(super) fn prefixed_primitive<'a>(
    mut prefixes: impl Iterator<Item = &'a String>,
    name: &str,
) -> Option<Code> {
    prefixes.find_map(|prefix| primitive(name.strip_prefix(prefix.as_str())?.strip_prefix('_')?))
}

impl Structure {
    pub(crate) fn model(&self, unit: Unit) -> &Model {
        match unit {
            Unit::Element => &self.element,
            Unit::Synapse(arm) => &self.arms[arm].synapse,
            Unit::Output(arm) => &self.arms[arm].output,
        }
    }

    /// All units, the element first.
    pub(crate) fn units(&self) -> Vec<Unit> {
        let arms = (0..self.arms.len()).flat_map(|a| [Unit::Synapse(a), Unit::Output(a)]);
        std::iter::once(Unit::Element).chain(arms).collect()
    }
}

/// The name of the member that a feed is.
pub(super) fn member_name(structure: &Structure, feed: Feed) -> String {
    let unit_name = |unit: Unit| match unit {
        Unit::Element => "e".to_string(),
        Unit::Synapse(arm) => format!("a{arm}"),
        Unit::Output(arm) => format!("o{arm}"),
    };
    let name = |unit: Unit, role: &str, members: &[Member], k: usize| {
        format!("{}_{role}_{}", unit_name(unit), members[k].name)
    };
    match feed {
        Feed::State(u, k) => name(u, "state", &structure.model(u).inner().state, k),
        Feed::Param(u, k) => name(u, "param", &structure.model(u).inner().params, k),
        Feed::Derived(u, k) => name(u, "derived", &structure.model(u).inner().derived, k),
        Feed::Input(u, k) => name(u, "input", &structure.model(u).inner().inputs, k),
        Feed::Arrivals(arm) => format!("a{arm}_arrivals"),
        Feed::Quantum(arm) => format!("a{arm}_quantum"),
        Feed::Time => "t".into(),
        Feed::Dt => "dt".into(),
        Feed::Step => "i".into(),
        Feed::StepHigh => "i_high".into(),
        Feed::TimeHigh => "t_hi".into(),
        Feed::TimeLow => "t_lo".into(),
        Feed::Key(u) => format!("{}_key", unit_name(u)),
        Feed::KeyHigh(u) => format!("{}_key_high", unit_name(u)),
        Feed::Element => "element".into(),
        Feed::Invocation(_) => "invocation".into(),
    }
}
