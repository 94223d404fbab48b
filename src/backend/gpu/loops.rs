//! Loops that are not known to end, in kernels: how often all of an invocation go round in a step is counted, and where that is too
//! often it leaves each of them, and tells the one that it was in.

use naga::{Block, Expression, Function, Handle, Literal, Module, Span, Statement};

use super::adapters::DeviceLimits;
use crate::error::Error;
use crate::model::{ALLOW, Program};
use crate::plan::Plan;

const TEXT: &str = include_str!("../../../shaders/kernels/loops.wgsl");
/// What to do where the device allows less than the runner.
const DEVICE: &str =
    "let them end sooner, or use the CPU engine: this device ends loops that go round more often";
const COUNTS: &str = "too_many_iterations";

/// The loops of a kernel's program.
#[derive(Clone, Copy)]
pub(super) struct Loops<'a> {
    program: &'a Program,
    /// How often they may go round; none where they are known to end sooner.
    pub limit: Option<u32>,
    /// The word in which the first member tells of a loop that did not end.
    word: usize,
}

impl<'a> Loops<'a> {
    /// Of the update of a population. Its generator goes round once for each member and each input at most.
    pub(super) fn of_population(plan: &'a Plan, at: usize, device_limits: DeviceLimits) -> Self {
        let members = |at: usize| plan.populations[at].members.len();
        let generator = members(at) + plan.inputs.len();
        let program = &plan.populations[at].program;
        let word = (0..at).map(members).sum();
        Self { program, limit: limit(program, plan.loop_limit, device_limits, generator), word }
    }

    /// Of a user's kernel.
    pub(super) fn of_kernel(plan: &'a Plan, k: usize, device_limits: DeviceLimits) -> Self {
        let program = &plan.kernels[k].text.program;
        let members = plan.populations.iter().map(|population| population.members.len());
        let word = members.sum::<usize>() + k;
        Self { program, limit: limit(program, plan.loop_limit, device_limits, 0), word }
    }

    /// What stands before the program, where the words are bound there: what counts, if anything does.
    pub(super) fn text(&self, binding: usize) -> String {
        let Some(limit) = self.limit else { return "fn tell_endless(member: u32) {}\n".into() };
        format!(
            "const LOOP_LIMIT: u32 = {limit}u;\nconst FIRST_ENDLESS: u32 = {}u;\n\
             @group(0) @binding({binding}) var<storage, read_write> endless: array<atomic<u32>>;\n\n{TEXT}\n",
            self.word
        )
    }

    /// Lets the loops of a module that has the program and its [`Self::text`] count.
    ///
    /// # Errors
    /// In words, where there is nothing that counts.
    pub(super) fn count(&self, module: &mut Module) -> Result<(), String> {
        if self.limit.is_none() {
            return Ok(());
        }
        let is_it = |function: &Function| function.name.as_deref() == Some(COUNTS);
        let counts = module.functions.iter().find(|(_, function)| is_it(function));
        let Some(counts) = counts.map(|(handle, _)| handle) else {
            return Err(format!("there is no function `{COUNTS}`"));
        };
        let mut number = 0;
        let sites: Vec<String> = self.program.loop_sites().map(|site| site.function).collect();
        for (_, function) in module.functions.iter_mut() {
            let own = |site: &String| function.name.as_ref() == Some(site);
            if sites.iter().any(own) {
                let mut body = std::mem::take(&mut function.body);
                count(function, &mut body, counts, &mut number);
                function.body = body;
            }
        }
        Ok(())
    }

    /// That of a node whose loop of that number did not end.
    fn error(&self, number: usize, node: &str, plan: &Plan) -> Option<Error> {
        let (site, limit) = (self.program.loop_sites().nth(number)?, self.limit?);
        let help = if limit < plan.loop_limit { DEVICE } else { ALLOW };
        Some(self.program.endless(&site, node, limit, help))
    }
}

/// How often the loops of a program may go round for an element in a step, on a device that may itself end them; none where they
/// are known to end.
fn limit(
    program: &Program,
    allowed: u32,
    device_limits: DeviceLimits,
    generator: usize,
) -> Option<u32> {
    let room = device_limits.iterations.saturating_sub(generator);
    if program.ends_within(room.min(allowed as usize)) {
        return None;
    }
    let most = match (device_limits.iterations, program.iterations_once()) {
        (usize::MAX, _) => room,
        // a single loop goes round as often as the slowest invocation of a vector wants
        (_, Some([1, 0])) => room.saturating_sub(1),
        // several may do so for one invocation after the other, each time with the loops that are not counted
        (_, Some([_, others])) => {
            (room / device_limits.vector).saturating_sub(others) / (1 + others)
        }
        (_, None) => 0,
    };
    Some(u32::try_from(most).map_or(allowed, |most| most.min(allowed)))
}

/// Lets the loops of a block count, each before those within it, as [`Program::loop_sites`] numbers them.
fn count(function: &mut Function, block: &mut Block, counts: Handle<Function>, number: &mut u32) {
    for statement in block.iter_mut() {
        match statement {
            Statement::Block(inner) => count(function, inner, counts, number),
            Statement::If { accept, reject, .. } => {
                count(function, accept, counts, number);
                count(function, reject, counts, number);
            }
            Statement::Switch { cases, .. } => {
                cases.iter_mut().for_each(|case| count(function, &mut case.body, counts, number));
            }
            Statement::Loop { body, continuing, .. } => {
                *number += 1;
                let literal = Expression::Literal(Literal::U32(*number));
                let site = function.expressions.append(literal, Span::UNDEFINED);
                let result = Expression::CallResult(counts);
                let result = function.expressions.append(result, Span::UNDEFINED);
                count(function, body, counts, number);
                count(function, continuing, counts, number);
                let call = Statement::Call {
                    function: counts,
                    arguments: vec![site],
                    result: Some(result),
                };
                let leave = Block::from_vec(vec![Statement::Break]);
                let leave =
                    Statement::If { condition: result, accept: leave, reject: Block::new() };
                let mut own = std::mem::replace(body, Block::from_vec(vec![call, leave]));
                body.append(&mut own);
            }
            _ => {}
        }
    }
}

/// Words in which the members of populations, and kernels, tell of loops that did not end.
pub(super) fn words(plan: &Plan) -> usize {
    let members = plan.populations.iter().map(|population| population.members.len());
    members.sum::<usize>() + plan.kernels.len()
}

/// Whether the loops of any program are counted.
pub(super) fn counted(plan: &Plan, device_limits: DeviceLimits) -> bool {
    (0..plan.populations.len())
        .any(|at| Loops::of_population(plan, at, device_limits).limit.is_some())
        || (0..plan.kernels.len()).any(|k| Loops::of_kernel(plan, k, device_limits).limit.is_some())
}

/// The error that these words tell of, if any does.
pub(super) fn error(plan: &Plan, device_limits: DeviceLimits, words: &[u32]) -> Option<Error> {
    let mut at = words.iter().position(|&word| word != 0)?;
    let number = words[at] as usize - 1;
    for (k, population) in plan.populations.iter().enumerate() {
        if let Some(member) = population.members.get(at) {
            return Loops::of_population(plan, k, device_limits).error(number, &member.path, plan);
        }
        at -= population.members.len();
    }
    Loops::of_kernel(plan, at, device_limits).error(number, &plan.kernels.get(at)?.path, plan)
}
