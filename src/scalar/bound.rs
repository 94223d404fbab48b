//! Loops that may not end, bounded: how often all loops of a lane go round in a step is counted, and where that is too often the
//! lane leaves each of them, and tells the one that it was in.

use naga::Block;

use super::code::Code;
use super::iterations::loops;
use super::lowered::{Bounded, LoopSite};
use super::lowering::{LoopBound, Lowering};
use super::value::{LaneKind, LoweredValue, Res, VariablePath};

impl Lowering<'_> {
    pub(super) fn start_counting(&mut self, limit: u32) {
        let zero = self.constant(0, LaneKind::U);
        let mut place = || VariablePath {
            variable: self.new_variable(LoweredValue::Scalar(zero)),
            path: vec![],
        };
        let (count, endless) = (place(), place());
        self.bound = Some(LoopBound { limit, sites: Vec::new(), count, endless });
    }

    /// What was counted, if there was a loop.
    pub(super) fn bounded(&mut self) -> Res<Option<Bounded>> {
        let Some(LoopBound { sites, endless, .. }) = self.bound.take() else { return Ok(None) };
        if sites.is_empty() {
            return Ok(None);
        }
        let endless = self.read(&endless)?.scalar()?.id;
        Ok(Some(Bounded { sites, endless }))
    }

    /// Leaves out the lanes at hand that had too many iterations.
    pub(super) fn leave_endless(&mut self) -> Res<()> {
        let Some(bound) = self.bound.as_ref() else { return Ok(()) };
        let endless = bound.endless.clone();
        let (noted, zero) = (self.read(&endless)?.scalar()?, self.constant(0, LaneKind::U));
        let within = self.op(Code::EqI, &[noted, zero], LaneKind::B);
        self.execution_mask = self.and(self.execution_mask, within);
        Ok(())
    }

    /// Counts an iteration of the loop of that body for the lanes at hand, and lets those leave that had too many.
    pub(super) fn count_iteration(&mut self, body: &Block) -> Res<()> {
        let function = self.frame().function;
        let counts = self.options.bound.is_some_and(|limit| (limit.counts)(function));
        let Some(bound) = self.bound.as_mut().filter(|_| counts) else { return Ok(()) };
        let number = loops(function).iter().position(|(own, _)| std::ptr::eq(*own, body));
        let site = LoopSite {
            function: function.name.clone().unwrap_or_default(),
            number: number.unwrap_or(0),
        };
        let at = bound.sites.iter().position(|known| *known == site).unwrap_or_else(|| {
            bound.sites.push(site);
            bound.sites.len() - 1
        });
        let (limit, count, endless) = (bound.limit, bound.count.clone(), bound.endless.clone());
        let (limit, one) = (self.constant(limit, LaneKind::U), self.constant(1, LaneKind::U));
        let (zero, number) =
            (self.constant(0, LaneKind::U), self.constant(at as u32 + 1, LaneKind::U));
        let before = self.read(&count)?.scalar()?;
        let now = self.op(Code::AddI, &[before, one], LaneKind::U);
        self.assign(&count, LoweredValue::Scalar(now))?;
        let beyond = self.op(Code::LtU, &[limit, now], LaneKind::B);
        let noted = self.read(&endless)?.scalar()?;
        let first = self.op(Code::EqI, &[noted, zero], LaneKind::B);
        let running = self.execution_mask;
        self.execution_mask = self.and(running, beyond);
        self.execution_mask = self.and(self.execution_mask, first);
        self.assign(&endless, LoweredValue::Scalar(number))?;
        let within = self.not(beyond);
        self.execution_mask = self.and(running, within);
        Ok(())
    }
}
