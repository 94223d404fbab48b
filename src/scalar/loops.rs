//! Loops. Variables become cells: values that the end of the loop's body writes back, lane by lane for as long as the
//! lane runs.

use naga::{Block, Expression as Ex, Handle};

use super::blocks::has_return;
use super::code::{Code, ScalarOp};
use super::lowered::Origin;
use super::lowering::{ExecutionMask, Lowering};
use super::value::{LoweredValue, Res, Scalar};

impl<'m> Lowering<'m> {
    pub(super) fn repeat(
        &mut self,
        body: &'m Block,
        continuing: &'m Block,
        break_if: Option<Handle<Ex>>,
    ) -> Res<()> {
        if !self.options.loops {
            return Err("a loop".into());
        }
        let before = self.execution_mask;
        // every variable becomes cells, which the loop's end writes back
        let mut cells: Vec<(usize, Vec<Scalar>)> = Vec::new();
        for variable in 0..self.variables.len() {
            let value = self.variables[variable].clone();
            if matches!(value, LoweredValue::Pointer(_) | LoweredValue::Memory(_)) {
                continue;
            }
            let mut scalars = Vec::new();
            let value = self.with_cells(&value, &mut scalars);
            self.variables[variable] = value;
            cells.push((variable, scalars));
        }
        let mask = self.mask(before);
        let running = self.cell(mask);
        let known = self.known.clone();
        let head = self.out.body.len() as u32;
        let exit = self.out.body.len();
        self.control(Code::ExitIfNone, running);
        self.execution_mask = ExecutionMask::Some(running);
        self.continued.push(ExecutionMask::None);
        self.breaks.push(None);
        self.count_iteration(body)?;
        self.block(body)?;
        self.breaks.pop();
        let continued = self.continued.pop().unwrap_or(ExecutionMask::None);
        self.execution_mask = self.or(self.execution_mask, continued);
        self.block(continuing)?;
        if let Some(condition) = break_if {
            let condition = self.scalar(condition)?;
            let not = self.not(condition);
            self.execution_mask = self.and(self.execution_mask, not);
        }
        // write back what changed; first copy what is itself a cell, since writes happen one after the other
        let mut writes = Vec::new();
        for (variable, cells) in &cells {
            let now = self.variables[*variable].scalars()?;
            for (&cell, &value) in cells.iter().zip(&now) {
                if cell.id != value.id {
                    writes.push((cell, value));
                }
            }
        }
        let still = self.mask(self.execution_mask);
        writes.push((running, still));
        let mut sources = Vec::new();
        for &(_, value) in &writes {
            let is_cell = self.out.values[value.id as usize] == Origin::Cell;
            sources.push(if is_cell { self.copy(value, Origin::Body) } else { value });
        }
        for ((cell, _), source) in writes.iter().zip(sources) {
            self.out.body.push(ScalarOp {
                code: Code::Copy,
                dst: cell.id,
                args: [source.id; 3],
                to: 0,
            });
        }
        let jump = self.out.body.len();
        self.control(Code::Jump, running);
        self.out.body[jump].to = head;
        self.out.body[exit].to = self.out.body.len() as u32;
        // what the loop computed may not have been computed at all
        self.known = known;
        for (variable, scalars) in cells {
            let mut scalars = scalars.into_iter();
            self.variables[variable] = self.variables[variable].rebuilt(&mut scalars);
        }
        self.execution_mask = before;
        if let Some(returned) = self.frame().returned
            && has_return(body)
            && let LoweredValue::Scalar(returned) = self.variables[returned]
        {
            let not = self.not(returned);
            self.execution_mask = self.and(before, not);
        }
        Ok(())
    }

    fn with_cells(&mut self, value: &LoweredValue, cells: &mut Vec<Scalar>) -> LoweredValue {
        match value {
            LoweredValue::Scalar(s) => {
                let cell = self.cell(*s);
                cells.push(cell);
                LoweredValue::Scalar(cell)
            }
            LoweredValue::Composite(parts) => {
                LoweredValue::Composite(parts.iter().map(|p| self.with_cells(p, cells)).collect())
            }
            LoweredValue::Pointer(place) => LoweredValue::Pointer(place.clone()),
            LoweredValue::Memory(cell) => LoweredValue::Memory(*cell),
        }
    }

    fn cell(&mut self, initial: Scalar) -> Scalar {
        self.copy(initial, Origin::Cell)
    }

    fn copy(&mut self, value: Scalar, origin: Origin) -> Scalar {
        let copy = self.value(origin, value.kind);
        self.out.body.push(ScalarOp { code: Code::Copy, dst: copy.id, args: [value.id; 3], to: 0 });
        copy
    }

    fn control(&mut self, code: Code, mask: Scalar) {
        self.out.body.push(ScalarOp { code, dst: mask.id, args: [mask.id; 3], to: 0 });
    }
}
