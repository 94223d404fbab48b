//! What a program is made of, and what it is: structures of models, members of the argument and of the result.

use std::sync::Arc;

use naga::Function;

use super::definition::Model;
use super::inner::ModelMember;
use super::library;
use super::primitives::primitive;
use super::source::SourceText;
use super::supported;
use crate::error::{Error, Result};
use crate::integrate::Method;
use crate::scalar::{
    Access, Code, LoopLimit, LoopSite, Lowered, Memories, Memory, Options, fed, iterations,
    iterations_once, loops, lower,
};
use crate::terms::Kind;

/// What makes one program: groups with equal structures share it, and the dispatch.
#[derive(Debug, Clone)]
pub(crate) struct Archetype {
    pub element: Model,
    pub method: Method,
    pub afferents: Vec<AfferentProjection>,
    /// Whether the currents are part of the element's derivative.
    pub ltc: bool,
    /// Whether the sums of the inputs are wanted after the step.
    pub observe_inputs: bool,
}

/// One projection onto the element: the synapse's dynamics and the current that it makes.
#[derive(Debug, Clone)]
pub(crate) struct AfferentProjection {
    pub synapse: Model,
    pub method: Method,
    pub output: Model,
}

impl PartialEq for Archetype {
    fn eq(&self, other: &Self) -> bool {
        self.element.same(&other.element)
            && self.method == other.method
            && self.ltc == other.ltc
            && self.observe_inputs == other.observe_inputs
            && self.afferents.len() == other.afferents.len()
            && self.afferents.iter().zip(&other.afferents).all(|(a, b)| {
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
pub(crate) enum ProgramArgument {
    State(Unit, usize),
    Param(Unit, usize),
    Derived(Unit, usize),
    Input(Unit, usize),
    /// The fixed-point sum of the events that arrive on an afferent, i32.
    Accumulator(usize),
    /// What one count of that sum is worth.
    Quantum(usize),
    Time,
    Dt,
    Step,
    StepHigh,
    /// The part of the step at which a stage of it begins.
    Stage,
    /// Time as two numbers, the second what the first leaves.
    TimeHigh,
    TimeLow,
    /// What keys the random numbers of a unit in a replica of the system, as two words.
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
    /// The number of its workgroup among those that an engine executes at a time.
    Slot,
}

impl ProgramArgument {
    /// The members of the structure `Shared` but the last, which a step's stage gives.
    pub(super) const SHARED: [Self; 6] =
        [Self::Time, Self::Dt, Self::Step, Self::StepHigh, Self::TimeHigh, Self::TimeLow];

    /// The members of the structure `Random` of a unit.
    pub(super) fn random(unit: Unit) -> [Self; 5] {
        [Self::Key(unit), Self::KeyHigh(unit), Self::Element, Self::Step, Self::StepHigh]
    }

    /// Type of the member.
    pub(super) fn kind(self, archetype: &Archetype) -> Kind {
        match self {
            Self::State(unit, k) => archetype.model(unit).inner().state[k].kind,
            Self::Param(unit, k) => archetype.model(unit).inner().params[k].kind,
            Self::Derived(unit, k) => archetype.model(unit).inner().derived[k].kind,
            Self::Input(..) | Self::Quantum(_) => Kind::F32,
            Self::Accumulator(_) => Kind::I32,
            other => other.clock_kind(),
        }
    }

    /// Type of a member that tells of the clock or of the element.
    pub(super) fn clock_kind(self) -> Kind {
        match self {
            Self::Time | Self::TimeHigh | Self::TimeLow | Self::Dt | Self::Stage => Kind::F32,
            _ => Kind::U32,
        }
    }
}

/// Where a member of the result goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ProgramResult {
    State(Unit, usize),
    Input(Unit, usize),
    /// 1 where the element spikes, else 0.
    Spike,
    /// Zero: the sum has been used.
    Accumulator(usize),
    /// Results of the functions that run on the host.
    Value(usize),
}

/// A validated program. A text becomes one in these stages, each done once: models, an expression or a kernel as they are given;
/// their IR; the composed text; its IR; the operations of its function.
#[derive(Debug)]
pub(crate) struct Program {
    /// Names of the models, for people.
    pub name: String,
    /// What it was made of where that is no model.
    pub given: Option<SourceText>,
    /// The composed text; none where a model's own function is the program.
    pub text: String,
    pub module: Arc<naga::Module>,
    /// The function that is executed.
    pub entry: &'static str,
    /// Its operations, where each scalar of its argument is a column of its number. Those of a kernel are on arrays of the lengths
    /// that its text has, or of one element.
    pub operations: Arc<Lowered>,
    /// What stands before the names of each model's functions; an empty one in a text of the model's own.
    pub prefixes: Vec<String>,
    /// The models in the same order; none of an expression or a kernel.
    pub models: Vec<Model>,
    pub program_arguments: Vec<ProgramArgument>,
    pub argument_kinds: Vec<Kind>,
    pub program_results: Vec<ProgramResult>,
    pub result_kinds: Vec<Kind>,
}

impl Program {
    /// Expressions of all its functions, which say how long it takes to compile.
    pub(crate) fn expressions(&self) -> usize {
        self.module.functions.iter().map(|(_, function)| function.expressions.len()).sum()
    }

    /// Iterations of its loops in a step at most; none where that is not known.
    pub(crate) fn iterations(&self) -> Option<usize> {
        iterations(&self.module, self.advance()?)
    }

    /// Whether its loops are known to end within so many iterations of a step.
    pub(crate) fn ends_within(&self, limit: usize) -> bool {
        self.iterations().is_some_and(|all| all <= limit)
    }

    /// Iterations of the loops that are counted, and of the others, in a step where each of the first goes round once.
    pub(crate) fn iterations_once(&self) -> Option<[usize; 2]> {
        iterations_once(&self.module, self.advance()?, &|function| self.counts(function))
    }

    /// The loops that are counted where they may not end, each before those within it.
    pub(crate) fn loop_sites(&self) -> impl Iterator<Item = LoopSite> {
        let functions = self.module.functions.iter().map(|(_, function)| function);
        functions.filter(|function| self.counts(function)).flat_map(|function| {
            (0..loops(function).len()).map(|number| LoopSite {
                function: function.name.clone().unwrap_or_default(),
                number,
            })
        })
    }

    /// Whether the loops of a function are counted: all but those of the library, which end.
    fn counts(&self, function: &Function) -> bool {
        let (_, name) = self.own(function.name.as_deref().unwrap_or_default());
        !library::has(name)
    }

    fn advance(&self) -> Option<&Function> {
        let mut functions = self.module.functions.iter().map(|(_, function)| function);
        functions.find(|function| function.name.as_deref() == Some(self.entry))
    }

    /// With its operations on these memories: what one engine cannot run, no engine runs, since systems move between them.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for what operations on scalars cannot express.
    pub(super) fn with_operations(self, memories: &[Memory]) -> Result<Self> {
        let inputs: Vec<Access> = (0..self.program_arguments.len()).map(Access::Column).collect();
        let operations = self.lower_kernel(&inputs, memories, false, None)?;
        Ok(Self { operations: Arc::new(operations), ..self })
    }

    /// Its operations, for one way of giving its arguments.
    pub(crate) fn lower(&self, inputs: &[Access]) -> Lowered {
        fed(&self.operations, inputs)
    }

    /// The same with loops that end after so many iterations, and tell it; those are left alone that end before.
    ///
    /// # Errors
    /// As [`Program::with_operations`].
    pub(crate) fn lower_bounded(&self, inputs: &[Access], limit: u32) -> Result<Lowered> {
        if self.ends_within(limit as usize) {
            return Ok(self.lower(inputs));
        }
        // counting is a part of what loops do, so that this is another program
        self.lowered(inputs, false, Some(limit), Memories::default())
    }

    /// The same with what they tell of the indexes that they use.
    ///
    /// # Errors
    /// As [`Program::with_operations`].
    pub(crate) fn lower_bounds_checked(&self, inputs: &[Access], limit: u32) -> Result<Lowered> {
        self.lowered(inputs, true, Some(limit), Memories::default())
    }

    /// The operations of a kernel's `advance` on memories of these lengths.
    ///
    /// # Errors
    /// As [`Program::with_operations`].
    pub(crate) fn lower_kernel(
        &self,
        inputs: &[Access],
        memories: &[Memory],
        check_bounds: bool,
        limit: Option<u32>,
    ) -> Result<Lowered> {
        let slot = self
            .program_arguments
            .iter()
            .position(|f| *f == ProgramArgument::Invocation(Invocation::Slot));
        self.lowered(inputs, check_bounds, limit, Memories { all: memories, slot })
    }

    fn lowered(
        &self,
        inputs: &[Access],
        check_bounds: bool,
        limit: Option<u32>,
        memories: Memories<'_>,
    ) -> Result<Lowered> {
        let primitive = |name: &str| prefixed_primitive(self.prefixes.iter(), name);
        let counts = |function: &Function| self.counts(function);
        let bound = limit
            .filter(|&limit| !self.ends_within(limit as usize))
            .map(|iterations| LoopLimit { iterations, counts: &counts });
        let options = Options { primitive: &primitive, loops: true, check_bounds, bound, memories };
        lower(&self.module, self.entry, inputs, &options).map_err(|lowering_error| {
            Error::Unsupported {
                model: self.name.clone(),
                construct: lowering_error.what,
                location: None,
                help: supported::PLAINER.into(),
            }
        })
    }
}

pub(super) fn prefixed_primitive<'a>(
    mut prefixes: impl Iterator<Item = &'a String>,
    name: &str,
) -> Option<Code> {
    prefixes.find_map(|prefix| primitive(unprefixed(prefix, name)?))
}

/// A name without the prefix of its model, if it has that; one in a text of the model's own has none.
pub(super) fn unprefixed<'n>(prefix: &str, name: &'n str) -> Option<&'n str> {
    if prefix.is_empty() { Some(name) } else { name.strip_prefix(prefix)?.strip_prefix('_') }
}

impl Archetype {
    pub(crate) fn model(&self, unit: Unit) -> &Model {
        match unit {
            Unit::Element => &self.element,
            Unit::Synapse(afferent) => &self.afferents[afferent].synapse,
            Unit::Output(afferent) => &self.afferents[afferent].output,
        }
    }

    /// All units, the element first.
    pub(crate) fn units(&self) -> Vec<Unit> {
        let afferents = (0..self.afferents.len()).flat_map(|a| [Unit::Synapse(a), Unit::Output(a)]);
        std::iter::once(Unit::Element).chain(afferents).collect()
    }
}

/// The name of the member that an argument is.
pub(super) fn member_name(archetype: &Archetype, program_argument: ProgramArgument) -> String {
    let unit_name = |unit: Unit| match unit {
        Unit::Element => "e".to_string(),
        Unit::Synapse(afferent) => format!("a{afferent}"),
        Unit::Output(afferent) => format!("o{afferent}"),
    };
    let name = |unit: Unit, role: &str, members: &[ModelMember], k: usize| {
        format!("{}_{role}_{}", unit_name(unit), members[k].name)
    };
    match program_argument {
        ProgramArgument::State(u, k) => name(u, "state", &archetype.model(u).inner().state, k),
        ProgramArgument::Param(u, k) => name(u, "param", &archetype.model(u).inner().params, k),
        ProgramArgument::Derived(u, k) => {
            name(u, "derived", &archetype.model(u).inner().derived, k)
        }
        ProgramArgument::Input(u, k) => name(u, "input", &archetype.model(u).inner().inputs, k),
        ProgramArgument::Accumulator(afferent) => format!("a{afferent}_arrivals"),
        ProgramArgument::Quantum(afferent) => format!("a{afferent}_quantum"),
        ProgramArgument::Time => "t".into(),
        ProgramArgument::Dt => "dt".into(),
        ProgramArgument::Step => "i".into(),
        ProgramArgument::StepHigh => "i_high".into(),
        ProgramArgument::Stage => "stage".into(),
        ProgramArgument::TimeHigh => "t_hi".into(),
        ProgramArgument::TimeLow => "t_lo".into(),
        ProgramArgument::Key(u) => format!("{}_key", unit_name(u)),
        ProgramArgument::KeyHigh(u) => format!("{}_key_high", unit_name(u)),
        ProgramArgument::Element => "element".into(),
        ProgramArgument::Invocation(_) => "invocation".into(),
    }
}
