//! Memory that the invocations of a kernel share: global variables in storage and in workgroups. Lanes execute in lockstep,
//! so what one wrote all others see at the next operation, and a barrier has nothing to do.

use naga::{AddressSpace, AtomicFunction, Expression as Ex, Handle, TypeInner};

use super::code::{Code, ScalarOp};
use super::lowered::Origin;
use super::lowering::{ExecutionMask, Globals, Lowering, Memory};
use super::value::{Cell, Dynamic, LaneKind, LoweredValue, Res, Scalar, VariablePath};

/// What lanes that are not at work have for an index where something is written.
const NOWHERE: u32 = u32::MAX;

impl Lowering<'_> {
    /// What stands for the global variables: memories, and variables of an invocation's own.
    pub(super) fn globals(&mut self) -> Res<Globals> {
        let (module, mut globals, mut memory) = (self.module, Globals::new(), 0);
        for (handle, global) in module.global_variables.iter() {
            let value = match global.space {
                AddressSpace::Private => {
                    let initial = match global.init {
                        Some(init) => self.global_expression(init)?,
                        None => self.zero(global.ty)?,
                    };
                    LoweredValue::Pointer(VariablePath {
                        variable: self.new_variable(initial),
                        path: vec![],
                    })
                }
                _ => {
                    memory += 1;
                    let kind = self.element_kind(global.ty)?;
                    LoweredValue::Memory(Cell { memory: memory - 1, kind, index: None })
                }
            };
            globals.insert(handle, value);
        }
        Ok(globals)
    }

    fn element_kind(&self, ty: Handle<naga::Type>) -> Res<LaneKind> {
        match self.module.types[ty].inner {
            TypeInner::Array { base, .. } => self.element_kind(base),
            TypeInner::Scalar(scalar) | TypeInner::Atomic(scalar) => LaneKind::of(scalar.kind),
            _ => Err("a global variable that is not an array of scalars".into()),
        }
    }

    /// How many elements the array has.
    pub(super) fn array_length(&mut self, pointer: Handle<Ex>) -> Res<Scalar> {
        match self.expression(pointer)? {
            LoweredValue::Memory(cell) => {
                let length = self.options.memories.all[cell.memory].length;
                Ok(self.constant(length as u32, LaneKind::U))
            }
            _ => Err("the length of something that is not a global array".into()),
        }
    }

    /// The element of a memory; the nearest one where the index is out of range.
    pub(super) fn element(&mut self, cell: Cell, index: Dynamic) -> Res<LoweredValue> {
        let length = self.options.memories.all[cell.memory].length;
        let index = self.clamped(index, length)?;
        self.at(cell, index)
    }

    /// The same where the index was known when the text was parsed.
    pub(super) fn fixed_element(&mut self, cell: Cell, index: u32) -> Res<LoweredValue> {
        let scalar = self.constant(index, LaneKind::U);
        self.element(cell, Dynamic { scalar, site: None })
    }

    fn at(&mut self, cell: Cell, index: Scalar) -> Res<LoweredValue> {
        let Memory { length, of_workgroup } = self.options.memories.all[cell.memory];
        let index = if of_workgroup {
            let slot = self.options.memories.slot.and_then(|k| {
                let argument = self.frames.first()?.arguments.first()?.clone();
                argument.part(k).ok()?.scalar().ok()
            });
            let slot = slot.ok_or("a workgroup's memory without its slot")?;
            let length = self.constant(length as u32, LaneKind::U);
            let start = self.op(Code::MulI, &[slot, length], LaneKind::U);
            self.op(Code::AddI, &[start, index], LaneKind::U)
        } else {
            index
        };
        Ok(LoweredValue::Memory(Cell { index: Some(index), ..cell }))
    }

    /// Where a word is; the only one of a memory that is not an array.
    fn word(&mut self, cell: Cell) -> Res<Scalar> {
        if let Some(index) = cell.index {
            return Ok(index);
        }
        let zero = self.constant(0, LaneKind::U);
        match self.at(cell, zero)? {
            LoweredValue::Memory(Cell { index: Some(index), .. }) => Ok(index),
            _ => Err("a memory without a place".into()),
        }
    }

    pub(super) fn fetch(&mut self, cell: Cell) -> Res<Scalar> {
        let index = self.word(cell)?;
        Ok(self.on_memory(Code::Gather, cell, &[index]))
    }

    pub(super) fn put(&mut self, cell: Cell, value: Scalar) -> Res<()> {
        let index = self.masked(cell)?;
        self.on_memory(Code::Scatter, cell, &[index, value]);
        Ok(())
    }

    /// What an atomic operation gives: what was there before, with whether it was exchanged where that may fail.
    pub(super) fn atomic(
        &mut self,
        cell: Cell,
        function: &AtomicFunction,
        value: Scalar,
    ) -> Res<LoweredValue> {
        let index = self.masked(cell)?;
        let signed = cell.kind == LaneKind::I;
        let code = match *function {
            AtomicFunction::Add => Code::AtomicAdd,
            AtomicFunction::Subtract => Code::AtomicSub,
            AtomicFunction::And => Code::AtomicAnd,
            AtomicFunction::InclusiveOr => Code::AtomicOr,
            AtomicFunction::ExclusiveOr => Code::AtomicXor,
            AtomicFunction::Min if signed => Code::AtomicMinI,
            AtomicFunction::Min => Code::AtomicMinU,
            AtomicFunction::Max if signed => Code::AtomicMaxI,
            AtomicFunction::Max => Code::AtomicMaxU,
            AtomicFunction::Exchange { compare: None } => Code::AtomicExchange,
            AtomicFunction::Exchange { compare: Some(compare) } => {
                let compare = self.scalar(compare)?;
                let old = self.on_memory(Code::CompareExchange, cell, &[index, value, compare]);
                let same = self.op(Code::EqI, &[old, compare], LaneKind::B);
                return Ok(LoweredValue::Composite(vec![
                    LoweredValue::Scalar(old),
                    LoweredValue::Scalar(same),
                ]));
            }
        };
        Ok(LoweredValue::Scalar(self.on_memory(code, cell, &[index, value])))
    }

    /// Where lanes that are at work write.
    fn masked(&mut self, cell: Cell) -> Res<Scalar> {
        let index = self.word(cell)?;
        Ok(match self.execution_mask {
            ExecutionMask::All => index,
            ExecutionMask::None => self.constant(NOWHERE, LaneKind::U),
            ExecutionMask::Some(mask) => {
                let nowhere = self.constant(NOWHERE, LaneKind::U);
                self.select(mask, index, nowhere)
            }
        })
    }

    /// An operation on memory, which is never done twice, left out, or moved.
    fn on_memory(&mut self, code: Code, cell: Cell, args: &[Scalar]) -> Scalar {
        let id = |k: usize| args.get(k).map_or(args[0].id, |s| s.id);
        let ids = [id(0), id(1), id(2)];
        let dst = match code.has_result() {
            true => self.value(Origin::Body, cell.kind),
            false => args[0],
        };
        self.out.body.push(ScalarOp { code, dst: dst.id, args: ids, to: cell.memory as u32 });
        dst
    }
}
