//! A function while it is lowered.

use std::collections::HashMap;

use naga::{Expression as Ex, Function, GlobalVariable, Handle, LocalVariable, Module};

use super::blocks::looping;
use super::code::{Code, ScalarOp, ValueId};
use super::lowered::{IndexSite, LoopSite, Lowered, Origin};
use super::value::{LaneKind, LoweredValue, Res, Scalar, VariablePath};
use crate::limits;

/// The iterations of loops, counted.
#[derive(Clone, Copy)]
pub(crate) struct LoopLimit<'a> {
    /// How often all of a lane may go round.
    pub iterations: u32,
    /// Whether those of a function are counted.
    pub counts: &'a dyn Fn(&Function) -> bool,
}

/// How a function is lowered.
pub(crate) struct Options<'a> {
    /// The functions that are one operation, by name.
    pub primitive: &'a dyn Fn(&str) -> Option<Code>,
    /// Whether loops are taken.
    pub loops: bool,
    /// Whether indexes that are known at run time only are watched.
    pub check_bounds: bool,
    /// Which loops are counted, if any are.
    pub bound: Option<LoopLimit<'a>>,
    /// What a kernel has beside its argument.
    pub memories: Memories<'a>,
}

/// All operations for themselves, loops as they are, nothing checked.
impl Default for Options<'_> {
    fn default() -> Self {
        let memories = Memories::default();
        Self { primitive: &|_| None, loops: true, check_bounds: false, bound: None, memories }
    }
}

/// A global variable of a kernel, an array or a single word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Words of it, or of a workgroup's.
    pub length: usize,
    /// Whether each workgroup has one of its own, at the place of its slot.
    pub of_workgroup: bool,
}

/// What a kernel has beside its argument, which is one structure.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memories<'a> {
    /// Those in storage and in workgroups, in the order of the module.
    pub all: &'a [Memory],
    /// The member of the argument that is the slot of the workgroup.
    pub slot: Option<usize>,
}

pub(super) type Globals = HashMap<Handle<GlobalVariable>, LoweredValue>;

/// What is watched while lowering: a variable each, so that loops carry them.
pub(super) struct BoundsWatch {
    pub sites: Vec<IndexSite>,
    pub fault: VariablePath,
    pub index: VariablePath,
}

/// What is counted while lowering: a variable each, so that loops carry them.
pub(super) struct LoopBound {
    pub limit: u32,
    pub sites: Vec<LoopSite>,
    pub count: VariablePath,
    pub endless: VariablePath,
}

/// The lanes that execute the statement at hand.
#[derive(Debug, Clone, Copy)]
pub(super) enum ExecutionMask {
    All,
    Some(Scalar),
    None,
}

pub(super) struct Frame<'m> {
    pub function: &'m Function,
    pub arguments: Vec<LoweredValue>,
    pub cache: HashMap<Handle<Ex>, LoweredValue>,
    pub locals: HashMap<Handle<LocalVariable>, usize>,
    /// Variable that holds the result.
    pub result: Option<usize>,
    /// Variable that tells which lanes have returned; there where a loop needs it.
    pub returned: Option<usize>,
}

pub(super) struct Lowering<'m> {
    pub module: &'m Module,
    pub options: &'m Options<'m>,
    pub out: Lowered,
    pub variables: Vec<LoweredValue>,
    pub globals: Globals,
    pub frames: Vec<Frame<'m>>,
    pub execution_mask: ExecutionMask,
    /// For each loop around the statement at hand: the lanes that went on to its continuing part.
    pub continued: Vec<ExecutionMask>,
    /// For each loop (none) and switch (the lanes that left it) around the statement at hand.
    pub breaks: Vec<Option<ExecutionMask>>,
    pub known: HashMap<(Code, [ValueId; 3]), Scalar>,
    /// By bits, truths for themselves: numbers of any type are the same constant, as which they are written back, truths are none.
    constants: HashMap<(u32, bool), ValueId>,
    pub check_bounds: Option<BoundsWatch>,
    pub bound: Option<LoopBound>,
    /// The statement of the outermost function at hand.
    pub at: naga::Span,
    /// Which functions have a loop, or call one that has.
    pub looping: Vec<bool>,
    /// Blocks around the statement at hand, those of callers among them.
    pub depth: usize,
    /// How much was done so far: operations, expressions, statements, parts of values.
    pub work: usize,
}

impl<'m> Lowering<'m> {
    pub(super) fn new(module: &'m Module, options: &'m Options<'m>) -> Self {
        Self {
            module,
            options,
            out: Lowered::default(),
            variables: Vec::new(),
            globals: Globals::new(),
            frames: Vec::new(),
            execution_mask: ExecutionMask::All,
            continued: Vec::new(),
            breaks: Vec::new(),
            known: HashMap::new(),
            constants: HashMap::new(),
            check_bounds: None,
            bound: None,
            at: naga::Span::UNDEFINED,
            looping: looping(module),
            depth: 0,
            work: 0,
        }
    }

    /// Counts what is done, and fails where it is too much.
    pub(super) fn spend(&mut self, work: usize) -> Res<()> {
        self.work = self.work.saturating_add(work);
        if self.work <= limits::OPERATIONS {
            return Ok(());
        }
        Err(format!(
            "a program of more than {} operations, once its calls are written out (keep what a function gives in a `let`, and use \
             it twice, instead of a second call; use smaller arrays)",
            limits::OPERATIONS
        )
        .into())
    }

    pub(super) fn value(&mut self, origin: Origin, kind: LaneKind) -> Scalar {
        self.out.values.push(origin);
        self.out.kinds.push(kind);
        self.out.spans.push(self.at);
        Scalar { id: self.out.values.len() as ValueId - 1, kind }
    }

    pub(super) fn constant(&mut self, bits: u32, kind: LaneKind) -> Scalar {
        let key = (bits, kind == LaneKind::B);
        if let Some(&id) = self.constants.get(&key) {
            return Scalar { id, kind };
        }
        let scalar = self.value(Origin::Constant(bits), kind);
        self.constants.insert(key, scalar.id);
        scalar
    }

    fn is_uniform(&self, scalar: Scalar) -> bool {
        self.out.values[scalar.id as usize].is_uniform()
    }

    pub(super) fn bits(&self, scalar: Scalar) -> Option<u32> {
        match self.out.values[scalar.id as usize] {
            Origin::Constant(bits) => Some(bits),
            _ => None,
        }
    }

    /// Adds an operation, or finds the value that an equal one gave.
    pub(super) fn op(&mut self, code: Code, args: &[Scalar], kind: LaneKind) -> Scalar {
        self.work += 1;
        let first = args[0].id;
        let id = |k: usize| args.get(k).map_or(first, |s| s.id);
        let ids = [id(0), id(1), id(2)];
        if let Some(&known) = self.known.get(&(code, ids)) {
            return Scalar { kind, ..known };
        }
        let uniform = args.iter().all(|&s| self.is_uniform(s));
        let origin = if uniform { Origin::Prologue } else { Origin::Body };
        let dst = self.value(origin, kind);
        let op = ScalarOp { code, dst: dst.id, args: ids, to: 0 };
        if uniform {
            self.out.prologue.push(op);
        } else {
            self.out.body.push(op);
        }
        // what was read from a cell is old after the next write to it
        if !args.iter().any(|s| self.out.values[s.id as usize] == Origin::Cell) {
            self.known.insert((code, ids), dst);
        }
        dst
    }

    pub(super) fn select(&mut self, mask: Scalar, yes: Scalar, no: Scalar) -> Scalar {
        if yes.id == no.id {
            return yes;
        }
        match self.bits(mask) {
            Some(0) => no,
            Some(_) => yes,
            None => self.op(Code::Select, &[mask, yes, no], yes.kind),
        }
    }

    pub(super) fn select_value(
        &mut self,
        mask: Scalar,
        yes: &LoweredValue,
        no: &LoweredValue,
    ) -> Res<LoweredValue> {
        Ok(match (yes, no) {
            (LoweredValue::Scalar(yes), LoweredValue::Scalar(no)) => {
                LoweredValue::Scalar(self.select(mask, *yes, *no))
            }
            (LoweredValue::Composite(yes), LoweredValue::Composite(no)) => LoweredValue::Composite(
                yes.iter()
                    .zip(no)
                    .map(|(y, n)| self.select_value(mask, y, n))
                    .collect::<Res<_>>()?,
            ),
            _ => return Err("a pointer is selected".into()),
        })
    }

    pub(super) fn truth(&mut self, value: bool) -> Scalar {
        self.constant(if value { u32::MAX } else { 0 }, LaneKind::B)
    }

    pub(super) fn and(&mut self, execution_mask: ExecutionMask, mask: Scalar) -> ExecutionMask {
        match (execution_mask, self.bits(mask)) {
            (ExecutionMask::None, _) | (_, Some(0)) => ExecutionMask::None,
            (execution_mask, Some(_)) => execution_mask,
            (ExecutionMask::All, None) => ExecutionMask::Some(mask),
            (ExecutionMask::Some(a), None) => {
                ExecutionMask::Some(self.op(Code::And, &[a, mask], LaneKind::B))
            }
        }
    }

    pub(super) fn or(&mut self, a: ExecutionMask, b: ExecutionMask) -> ExecutionMask {
        match (a, b) {
            (ExecutionMask::All, _) | (_, ExecutionMask::All) => ExecutionMask::All,
            (ExecutionMask::None, x) | (x, ExecutionMask::None) => x,
            (ExecutionMask::Some(a), ExecutionMask::Some(b)) => {
                ExecutionMask::Some(self.op(Code::Or, &[a, b], LaneKind::B))
            }
        }
    }

    pub(super) fn mask(&mut self, execution_mask: ExecutionMask) -> Scalar {
        match execution_mask {
            ExecutionMask::All => self.truth(true),
            ExecutionMask::None => self.truth(false),
            ExecutionMask::Some(mask) => mask,
        }
    }

    pub(super) fn not(&mut self, condition: Scalar) -> Scalar {
        match self.bits(condition) {
            Some(bits) => self.truth(bits == 0),
            None => self.op(Code::Not, &[condition], LaneKind::B),
        }
    }
}
