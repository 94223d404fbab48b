//! How often the loops of a program go round.

use naga::{
    BinaryOperator, Block, Expression, Function, Handle, Literal, LocalVariable, Module, Statement,
};

/// Iterations of all loops that a function may make, those of the functions it calls among them; none where a loop does not count
/// to a number.
pub(crate) fn of(module: &Module, function: &Function) -> Option<usize> {
    iterations(module, function, &|function, body, continuing| {
        Some((trips(module, function, body, continuing)?, 1))
    })
}

/// Iterations of the loops of counted functions, and of the others, where each of the first goes round once.
pub(crate) fn once(
    module: &Module,
    function: &Function,
    counted: &dyn Fn(&Function) -> bool,
) -> Option<[usize; 2]> {
    let sum = |weight| {
        iterations(module, function, &|function, body, continuing| match counted(function) {
            true => Some((1, weight)),
            false => Some((trips(module, function, body, continuing)?, 1)),
        })
    };
    let (all, others) = (sum(1)?, sum(0)?);
    Some([all - others, others])
}

/// How often a loop of a function goes round, by its body and what continues it, and what each time is counted as.
type Trips<'a> = dyn Fn(&Function, &Block, &Block) -> Option<(usize, usize)> + 'a;

fn iterations(module: &Module, function: &Function, trips: &Trips<'_>) -> Option<usize> {
    // those that are called come first
    let mut known = Vec::with_capacity(module.functions.len());
    for (_, function) in module.functions.iter() {
        let iterations = block(trips, &known, function, &function.body);
        known.push(iterations);
    }
    block(trips, &known, function, &function.body)
}

fn block(
    trips: &Trips<'_>,
    known: &[Option<usize>],
    function: &Function,
    body: &Block,
) -> Option<usize> {
    let of = |inner: &Block| block(trips, known, function, inner);
    body.iter().try_fold(0usize, |sum, statement| {
        let more = match statement {
            Statement::Block(inner) => of(inner)?,
            // where invocations are the lanes of a vector, it takes both
            Statement::If { accept, reject, .. } => of(accept)?.checked_add(of(reject)?)?,
            Statement::Switch { cases, .. } => {
                cases.iter().try_fold(0usize, |sum, case| sum.checked_add(of(&case.body)?))?
            }
            Statement::Loop { body, continuing, .. } => {
                let (trips, weight) = trips(function, body, continuing)?;
                let inside = of(body)?.checked_add(of(continuing)?)?.checked_add(weight)?;
                trips.checked_mul(inside)?
            }
            Statement::Call { function, .. } => known.get(function.index()).copied()??,
            _ => 0,
        };
        sum.checked_add(more)
    })
}

/// The bodies of all loops of a function, each before those within it.
pub(crate) fn loops(function: &Function) -> Vec<(&Block, naga::Span)> {
    let mut loops = Vec::new();
    collect(&function.body, &mut loops);
    loops
}

fn collect<'m>(block: &'m Block, loops: &mut Vec<(&'m Block, naga::Span)>) {
    for (statement, &span) in block.span_iter() {
        match statement {
            Statement::Block(inner) => collect(inner, loops),
            Statement::If { accept, reject, .. } => {
                collect(accept, loops);
                collect(reject, loops);
            }
            Statement::Switch { cases, .. } => {
                cases.iter().for_each(|case| collect(&case.body, loops));
            }
            Statement::Loop { body, continuing, .. } => {
                loops.push((body, span));
                collect(body, loops);
                collect(continuing, loops);
            }
            _ => {}
        }
    }
}

/// Trips of a loop that begins with leaving where a counter has reached a number, and ends with adding to it.
fn trips(module: &Module, function: &Function, body: &Block, continuing: &Block) -> Option<usize> {
    let is_break = |block: &Block| matches!(block.iter().next(), Some(Statement::Break));
    let first = body.iter().find(|s| !matches!(s, Statement::Emit(_)))?;
    let Statement::If { condition, accept, reject } = first else { return None };
    if !accept.is_empty() || !is_break(reject) {
        return None;
    }
    let Expression::Binary { op: BinaryOperator::Less, left, right } =
        function.expressions[*condition]
    else {
        return None;
    };
    let counter = loaded(function, left)?;
    let end = unsigned(module, function, right)?;
    let adds = |statement: &Statement| {
        let Statement::Store { pointer, value } = *statement else { return false };
        let Expression::Binary { op: BinaryOperator::Add, left, right } =
            function.expressions[value]
        else {
            return false;
        };
        is_counter(function, pointer, counter)
            && loaded(function, left) == Some(counter)
            && unsigned(module, function, right).is_some_and(|step| step > 0)
    };
    let counts = continuing.iter().any(adds) && !changes(function, body, counter);
    counts.then_some(end as usize)
}

fn is_counter(
    function: &Function,
    pointer: Handle<Expression>,
    counter: Handle<LocalVariable>,
) -> bool {
    matches!(function.expressions[pointer], Expression::LocalVariable(v) if v == counter)
}

/// The variable whose value an expression is.
fn loaded(function: &Function, value: Handle<Expression>) -> Option<Handle<LocalVariable>> {
    let Expression::Load { pointer } = function.expressions[value] else { return None };
    match function.expressions[pointer] {
        Expression::LocalVariable(variable) => Some(variable),
        _ => None,
    }
}

/// The value of a literal, or of a constant that is one; unsigned, so that no counter begins below 0.
fn unsigned(module: &Module, function: &Function, value: Handle<Expression>) -> Option<u32> {
    let expression = match function.expressions[value] {
        Expression::Constant(constant) => {
            &module.global_expressions[module.constants[constant].init]
        }
        _ => &function.expressions[value],
    };
    match *expression {
        Expression::Literal(Literal::U32(number)) => Some(number),
        _ => None,
    }
}

/// Whether a block may change a variable.
fn changes(function: &Function, body: &Block, variable: Handle<LocalVariable>) -> bool {
    let is_it = |&pointer: &Handle<Expression>| is_counter(function, pointer, variable);
    let inner = |block: &Block| changes(function, block, variable);
    body.iter().any(|statement| match statement {
        Statement::Store { pointer, .. } => is_it(pointer),
        Statement::Call { arguments, .. } => arguments.iter().any(is_it),
        Statement::Block(block) => inner(block),
        Statement::If { accept, reject, .. } => inner(accept) || inner(reject),
        Statement::Switch { cases, .. } => cases.iter().any(|case| inner(&case.body)),
        Statement::Loop { body, continuing, .. } => inner(body) || inner(continuing),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iterations(body: &str) -> Option<usize> {
        let text = format!(
            "const N = 7u;
             fn three(x: f32) -> f32 {{
                 var y = x;
                 for (var k = 0u; k < 3u; k++) {{ y += 1.0; }}
                 return y;
             }}
             fn bump(k: ptr<function, u32>) {{ *k = 0u; }}
             fn test(x: f32, n: u32) -> f32 {{ var y = x; {body} return y; }}"
        );
        let module = naga::front::wgsl::parse_str(&text).unwrap();
        let mut functions = module.functions.iter().map(|(_, function)| function);
        of(&module, functions.find(|f| f.name.as_deref() == Some("test")).unwrap())
    }

    #[test]
    fn loops_that_count() {
        assert_eq!(iterations("y += 1.0;"), Some(0));
        assert_eq!(iterations("for (var k = 0u; k < 5u; k++) { y += 1.0; }"), Some(5));
        assert_eq!(iterations("for (var k = 1u; k < N; k += 2u) { y += 1.0; }"), Some(7));
        assert_eq!(iterations("y = three(three(y));"), Some(6));
        let nested =
            "for (var k = 0u; k < 5u; k++) { for (var l = 0u; l < 2u; l++) { y = three(y); } }";
        assert_eq!(iterations(nested), Some(5 * (1 + 2 * (1 + 3))));
        assert_eq!(
            iterations("if x > 0.0 { y = three(y); } else { y = three(three(y)); }"),
            Some(3 + 6)
        );
    }

    #[test]
    fn counted_loops_go_round_once() {
        let text = "fn philox(x: f32) -> f32 {
                 var y = x;
                 for (var k = 0u; k < 10u; k++) { y += 1.0; }
                 return y;
             }
             fn test(x: f32) -> f32 {
                 var y = philox(x);
                 for (var k = 0u; k < 1000u; k++) { y = philox(y); }
                 if y > 0.0 { while y > 5.0 { y -= 1.0; } } else { while y < -5.0 { y += 1.0; } }
                 return y;
             }";
        let module = naga::front::wgsl::parse_str(text).unwrap();
        let (_, test) = module.functions.iter().last().unwrap();
        let own = |function: &Function| function.name.as_deref() != Some("philox");
        assert_eq!(once(&module, test, &own), Some([3, 10 + 10]));
        assert_eq!(once(&module, test, &|_| false), None);
    }

    #[test]
    fn loops_that_may_not_end() {
        for body in [
            "for (var k = 0u; k < n; k++) { y += 1.0; }",
            "for (var k = 0u; k < 5u; k += n) { y += 1.0; }",
            "for (var k = 0i; k < 5i; k++) { y += 1.0; }",
            "for (var k = 0u; k < 5u; k++) { if y < 0.0 { k = 0u; } }",
            "for (var k = 0u; k < 5u; k++) { bump(&k); }",
            "while y < 5.0 { y += 1.0; }",
            "loop { y += 1.0; if y > 5.0 { break; } }",
        ] {
            assert_eq!(iterations(body), None, "{body}");
        }
    }
}
