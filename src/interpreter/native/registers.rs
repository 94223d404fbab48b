//! Which value is in which register. A value that is needed last leaves first.

use crate::scalar::{Code, Lowered, Origin, ScalarOp, ValueId};

/// Where a value is that is in no register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    Constant(u32),
    Uniform(usize),
    Column(usize),
    /// A place of the scratch memory.
    Operand(u32),
}

/// What has to be done to make room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spill {
    pub register: u8,
    pub slot: u32,
}

pub(super) struct Registers<'a> {
    lowered: &'a Lowered,
    uniforms: &'a [Option<usize>],
    /// Operations that read each value, in order; results are read behind the last, one after the other.
    uses: Vec<Vec<u32>>,
    /// Values that more than one block of operations knows, and those that are written more than once: they are always in
    /// their slot.
    shared: Vec<bool>,
    holds: Vec<Option<ValueId>>,
    register_of: Vec<Option<u8>>,
    slot_of: Vec<Option<u32>>,
    free_slots: Vec<u32>,
    /// Slots in use; the first is the caller's.
    pub slots: u32,
    /// The operation at hand.
    pub at: u32,
}

impl<'a> Registers<'a> {
    pub(super) fn new(
        lowered: &'a Lowered,
        uniforms: &'a [Option<usize>],
        stores: &[(ValueId, usize)],
        registers: usize,
    ) -> Self {
        let count = lowered.values.len();
        let end = lowered.body.len() as u32;
        let blocks = blocks(lowered);
        let mut uses = vec![Vec::new(); count];
        let mut shared: Vec<bool> =
            lowered.values.iter().map(|origin| *origin == Origin::Cell).collect();
        let mut home: Vec<Option<u32>> = vec![None; count];
        let mut known = |value: ValueId, block: u32, shared: &mut Vec<bool>| {
            let first = *home[value as usize].get_or_insert(block);
            shared[value as usize] |= first != block;
        };
        for (at, op) in lowered.body.iter().enumerate() {
            for &arg in &op.args[..op.code.arity()] {
                known(arg, blocks[at], &mut shared);
                let uses: &mut Vec<u32> = &mut uses[arg as usize];
                if uses.last() != Some(&(at as u32)) {
                    uses.push(at as u32);
                }
            }
            if op.code.has_result() {
                known(op.dst, blocks[at], &mut shared);
            }
        }
        for (&(value, _), at) in stores.iter().zip(end..) {
            known(value, blocks[lowered.body.len()], &mut shared);
            uses[value as usize].push(at);
        }
        Self {
            lowered,
            uniforms,
            uses,
            shared,
            holds: vec![None; registers],
            register_of: vec![None; count],
            slot_of: vec![None; count],
            free_slots: Vec::new(),
            slots: 1,
            at: 0,
        }
    }

    pub(super) fn register(&self, value: ValueId) -> Option<u8> {
        self.register_of[value as usize]
    }

    /// Where to load a value from that is in no register.
    pub(super) fn home(&self, value: ValueId) -> Option<Home> {
        match (self.lowered.values[value as usize], self.uniforms.get(value as usize)) {
            (Origin::Constant(bits), _) => Some(Home::Constant(bits)),
            (Origin::Column(column), _) => Some(Home::Column(column)),
            (_, Some(&Some(rank))) => Some(Home::Uniform(rank)),
            _ => self.slot_of[value as usize].map(Home::Operand),
        }
    }

    /// When a value is read next after the operation at hand.
    fn next_use(&self, value: ValueId) -> Option<u32> {
        let uses = &self.uses[value as usize];
        uses.get(uses.partition_point(|&at| at <= self.at)).copied()
    }

    /// The last operation that reads a value, where selections alone do, by it, in the block at hand.
    pub(super) fn last_selection(&self, value: ValueId) -> Option<u32> {
        let uses = &self.uses[value as usize];
        let selects = |&at: &u32| {
            let op = self.lowered.body.get(at as usize);
            op.is_some_and(|op| op.code == Code::Select && !op.args[1..].contains(&value))
        };
        let all = !self.shared[value as usize] && uses.iter().all(selects);
        uses.last().copied().filter(|_| all)
    }

    /// The bits of a constant.
    pub(super) fn constant(&self, value: ValueId) -> Option<u32> {
        match self.lowered.values[value as usize] {
            Origin::Constant(bits) => Some(bits),
            _ => None,
        }
    }

    /// The only operation that reads a value, where that is a selection by it, in the block at hand.
    pub(super) fn only_selection(&self, value: ValueId) -> Option<&ScalarOp<ValueId>> {
        let last = self.last_selection(value)?;
        let only = self.uses[value as usize].len() == 1;
        self.lowered.body.get(last as usize).filter(|_| only)
    }

    /// The operations between the one at hand and another.
    pub(super) fn until(&self, last: u32) -> &[ScalarOp<ValueId>] {
        &self.lowered.body[self.at as usize + 1..last as usize]
    }

    /// A register with nothing in it, not one of `pinned`; what was there may have to be stored before.
    pub(super) fn take(&mut self, pinned: &[u8]) -> (u8, Option<Spill>) {
        let free = |r: &usize| !pinned.contains(&(*r as u8));
        if let Some(register) =
            (0..self.holds.len()).filter(free).find(|&r| self.holds[r].is_none())
        {
            return (register as u8, None);
        }
        let far =
            |r: &usize| self.holds[*r].and_then(|value| self.next_use(value)).unwrap_or(u32::MAX);
        let register = (0..self.holds.len()).filter(free).max_by_key(far).unwrap_or(0);
        let mut spill = None;
        if let Some(value) = self.holds[register].take() {
            self.register_of[value as usize] = None;
            if self.home(value).is_none() && self.next_use(value).is_some() {
                spill = Some(Spill { register: register as u8, slot: self.slot(value) });
            }
        }
        (register as u8, spill)
    }

    /// The slot of a value, which it may get here.
    fn slot(&mut self, value: ValueId) -> u32 {
        if let Some(slot) = self.slot_of[value as usize] {
            return slot;
        }
        let slot = self.free_slots.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        });
        self.slot_of[value as usize] = Some(slot);
        slot
    }

    /// A value is in a register from here on.
    pub(super) fn put(&mut self, value: ValueId, register: u8) {
        if let Some(old) = self.register_of[value as usize].replace(register) {
            self.holds[usize::from(old)] = None;
        }
        self.holds[usize::from(register)] = Some(value);
    }

    /// The same where an operation made it: the slot in which it has to be, too.
    pub(super) fn made(&mut self, value: ValueId, register: u8) -> Option<u32> {
        self.put(value, register);
        self.shared[value as usize].then(|| self.slot(value))
    }

    /// Frees the registers of those of the values that the operation at hand is the last to read.
    pub(super) fn release(&mut self, values: &[ValueId]) {
        for &value in values {
            if self.next_use(value).is_none()
                && !self.shared[value as usize]
                && let Some(register) = self.register_of[value as usize].take()
            {
                self.holds[usize::from(register)] = None;
            }
        }
    }

    /// Frees their slots, when the operation has read them.
    pub(super) fn release_slots(&mut self, values: &[ValueId]) {
        for &value in values {
            if self.next_use(value).is_none() && !self.shared[value as usize] {
                self.free_slots.extend(self.slot_of[value as usize].take());
            }
        }
    }

    /// Forgets what is in registers, where a block ends.
    pub(super) fn flush(&mut self) {
        for value in self.holds.iter_mut().filter_map(Option::take) {
            self.register_of[value as usize] = None;
        }
    }
}

/// Whether an operation is one that others jump to.
pub(super) fn targets(lowered: &Lowered) -> Vec<bool> {
    let mut targets = vec![false; lowered.body.len() + 1];
    for op in lowered.body.iter().filter(|op| op.code.is_control()) {
        targets[op.to as usize] = true;
    }
    targets
}

/// The block of each operation, and of what comes behind the last: nothing jumps into the midst of one, or out of it.
fn blocks(lowered: &Lowered) -> Vec<u32> {
    let (targets, mut block) = (targets(lowered), 0);
    let mut blocks = Vec::with_capacity(targets.len());
    for (at, &target) in targets.iter().enumerate() {
        let ended = at > 0 && matches!(lowered.body[at - 1].code, Code::ExitIfNone | Code::Jump);
        block += u32::from(target || ended);
        blocks.push(block);
    }
    blocks
}
