//! Functions, which are inlined, and statements, whose branches become masks.

use std::collections::HashMap;

use naga::{Block, Function, Statement as St};

use super::blocks::{any_statement, has_loop, leaves, reaches_loop};
use super::code::Code;
use super::lowering::{ExecutionMask, Frame, Lowering};
use super::value::{LaneKind, LoweredValue, Res, Scalar, VariablePath};
use crate::limits;

impl<'m> Lowering<'m> {
    pub(super) fn call(
        &mut self,
        function: &'m Function,
        arguments: Vec<LoweredValue>,
    ) -> Res<Option<LoweredValue>> {
        if self.frames.len() > 64 {
            return Err("functions that call each other more than 64 deep".into());
        }
        let mut frame = Frame {
            function,
            arguments,
            cache: HashMap::new(),
            locals: HashMap::new(),
            result: None,
            returned: None,
        };
        if let Some(result) = &function.result {
            let zero = self.zero(result.ty)?;
            frame.result = Some(self.new_variable(zero));
        }
        if has_loop(&function.body) {
            let none = self.truth(false);
            frame.returned = Some(self.new_variable(LoweredValue::Scalar(none)));
        }
        self.frames.push(frame);
        for (handle, local) in function.local_variables.iter() {
            let init = match local.init {
                Some(init) => self.expression(init)?,
                None => self.zero(local.ty)?,
            };
            let variable = self.new_variable(init);
            self.frame().locals.insert(handle, variable);
        }
        let caller = self.execution_mask;
        // what lanes compute that did not call is not used: no mask is needed, but for what would not end, for what is
        // written through pointers or to shared memory, and where lanes are watched
        let pointers = function.arguments.iter().any(|argument| {
            matches!(self.module.types[argument.ty].inner, naga::TypeInner::Pointer { .. })
        });
        let shares = !self.options.memories.all.is_empty();
        let free = !pointers
            && !shares
            && self.check_bounds.is_none()
            && !matches!(caller, ExecutionMask::None);
        if free && !reaches_loop(&self.looping, &function.body) {
            self.execution_mask = ExecutionMask::All;
        }
        self.block(&function.body)?;
        self.execution_mask = caller;
        let result = self.frames.pop().and_then(|frame| frame.result);
        Ok(result.map(|variable| self.variables[variable].clone()))
    }

    pub(super) fn new_variable(&mut self, value: LoweredValue) -> usize {
        self.variables.push(value);
        self.variables.len() - 1
    }

    pub(super) fn frame(&mut self) -> &mut Frame<'m> {
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    pub(super) fn block(&mut self, block: &'m Block) -> Res<()> {
        if self.depth >= limits::INLINED_BLOCKS {
            return Err(format!(
                "blocks that are nested more than {} deep, once calls are written out",
                limits::INLINED_BLOCKS
            )
            .into());
        }
        self.depth += 1;
        let outcome = self.statements(block);
        self.depth -= 1;
        outcome
    }

    fn statements(&mut self, block: &'m Block) -> Res<()> {
        for (statement, &span) in block.span_iter() {
            if matches!(self.execution_mask, ExecutionMask::None) {
                break;
            }
            if self.frames.len() == 1 {
                self.at = span;
            }
            self.spend(1)
                .and_then(|()| self.statement(statement))
                .map_err(|lowering_error| lowering_error.within(span))?;
        }
        Ok(())
    }

    fn statement(&mut self, statement: &'m St) -> Res<()> {
        match statement {
            St::Emit(range) => {
                for handle in range.clone() {
                    let span = self.frame().function.expressions.get_span(handle);
                    let value = self
                        .evaluate(handle)
                        .map_err(|lowering_error| lowering_error.within(span))?;
                    self.frame().cache.insert(handle, value);
                }
            }
            St::Block(block) => self.block(block)?,
            St::If { condition, accept, reject } => {
                let condition = self.scalar(*condition)?;
                self.branch(condition, accept, reject)?;
            }
            St::Switch { selector, cases } => {
                let selector = self.scalar(*selector)?;
                self.switch(selector, cases)?;
            }
            St::Loop { body, continuing, break_if } => self.repeat(body, continuing, *break_if)?,
            St::Break => {
                if let Some(Some(left)) = self.breaks.last().copied() {
                    let innermost = self.breaks.len() - 1;
                    self.breaks[innermost] = Some(self.or(left, self.execution_mask));
                }
                self.execution_mask = ExecutionMask::None;
            }
            St::Continue => {
                let innermost =
                    self.continued.len().checked_sub(1).ok_or("`continue` outside a loop")?;
                self.continued[innermost] = self.or(self.continued[innermost], self.execution_mask);
                self.execution_mask = ExecutionMask::None;
            }
            St::Return { value } => {
                if let (Some(value), Some(result)) = (value, self.frame().result) {
                    let value = self.expression(*value)?;
                    self.assign(&VariablePath { variable: result, path: Vec::new() }, value)?;
                }
                if let Some(returned) = self.frame().returned {
                    let yes = self.truth(true);
                    self.assign(
                        &VariablePath { variable: returned, path: Vec::new() },
                        LoweredValue::Scalar(yes),
                    )?;
                }
                self.execution_mask = ExecutionMask::None;
            }
            St::Store { pointer, value } => {
                let value = self.expression(*value)?;
                match self.expression(*pointer)? {
                    LoweredValue::Pointer(place) => self.assign(&place, value)?,
                    LoweredValue::Memory(cell) => self.put(cell, value.scalar()?)?,
                    _ => return Err("a store to something that is not a variable".into()),
                }
            }
            St::Atomic { pointer, fun, value, result } => {
                let value = self.scalar(*value)?;
                let LoweredValue::Memory(cell) = self.expression(*pointer)? else {
                    return Err("an atomic operation on something that is not shared".into());
                };
                let old = self.atomic(cell, fun, value)?;
                if let Some(handle) = result {
                    self.frame().cache.insert(*handle, old);
                }
            }
            St::WorkGroupUniformLoad { pointer, result } => {
                let LoweredValue::Memory(cell) = self.expression(*pointer)? else {
                    return Err("a uniform load of something that workgroups do not share".into());
                };
                let value = self.fetch(cell)?;
                self.frame().cache.insert(*result, LoweredValue::Scalar(value));
            }
            // lanes execute in lockstep
            St::ControlBarrier(_) | St::MemoryBarrier(_) => {}
            St::Call { function, arguments, result } => {
                let arguments =
                    arguments.iter().map(|&a| self.expression(a)).collect::<Res<Vec<_>>>()?;
                let callee = &self.module.functions[*function];
                let primitive = callee.name.as_deref().and_then(self.options.primitive);
                let value = match primitive {
                    Some(code) => {
                        Some(self.each(&arguments, &mut |s, a| Ok(s.op(code, a, LaneKind::F)))?)
                    }
                    None => self.call(callee, arguments)?,
                };
                if let (Some(handle), Some(value)) = (result, value) {
                    self.frame().cache.insert(*handle, value);
                }
            }
            _ => {
                return Err(
                    "a statement that models and kernels cannot have (a subgroup, an image)".into(),
                );
            }
        }
        Ok(())
    }

    fn branch(&mut self, condition: Scalar, accept: &'m Block, reject: &'m Block) -> Res<()> {
        let before = self.execution_mask;
        self.execution_mask = self.and(before, condition);
        self.block(accept)?;
        let after_accept = self.execution_mask;
        let not = self.not(condition);
        self.execution_mask = self.and(before, not);
        self.block(reject)?;
        // where no lane leaves early, the lanes of both branches are those before: no mask to compute
        self.execution_mask = if any_statement(accept, &leaves) || any_statement(reject, &leaves) {
            self.or(after_accept, self.execution_mask)
        } else {
            before
        };
        Ok(())
    }

    fn switch(&mut self, selector: Scalar, cases: &'m [naga::SwitchCase]) -> Res<()> {
        let before = self.execution_mask;
        let mut matched_any = self.truth(false);
        let mut default_mask = None;
        // masks of all cases first: `default` takes what no other case matches
        let mut masks = Vec::with_capacity(cases.len());
        for case in cases {
            let bits = match case.value {
                naga::SwitchValue::I32(v) => v as u32,
                naga::SwitchValue::U32(v) => v,
                naga::SwitchValue::Default => {
                    masks.push(None);
                    continue;
                }
            };
            let value = self.constant(bits, selector.kind);
            let mask = self.op(Code::EqI, &[selector, value], LaneKind::B);
            matched_any = self.op(Code::Or, &[matched_any, mask], LaneKind::B);
            masks.push(Some(mask));
        }
        let mut after = ExecutionMask::None;
        let mut falling = ExecutionMask::None;
        for (case, mask) in cases.iter().zip(masks) {
            let mask = match mask {
                Some(mask) => mask,
                None => match default_mask {
                    Some(mask) => mask,
                    None => {
                        let mask = self.not(matched_any);
                        default_mask = Some(mask);
                        mask
                    }
                },
            };
            let entering = self.and(before, mask);
            self.execution_mask = self.or(entering, falling);
            self.breaks.push(Some(ExecutionMask::None));
            self.block(&case.body)?;
            if let Some(Some(left)) = self.breaks.pop() {
                after = self.or(after, left);
            }
            if case.fall_through {
                falling = self.execution_mask;
            } else {
                after = self.or(after, self.execution_mask);
                falling = ExecutionMask::None;
            }
        }
        if default_mask.is_none() {
            let none = self.not(matched_any);
            let passing = self.and(before, none);
            after = self.or(after, passing);
        }
        self.execution_mask = after;
        Ok(())
    }
}
