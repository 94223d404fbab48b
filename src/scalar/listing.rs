//! A function's operations as people read them.

use std::fmt;

use super::code::{ScalarOp, ValueId};
use super::lowered::{Lowered, Origin};
use super::value::LaneKind;

/// The operations on scalars that a program consists of, which the CPU engine executes: the same for all engines, in the order in which
/// each result is rounded. A part of an [`Explanation`](crate::Explanation).
///
/// An operation is written as its result, its name with the type of its operands as its last letter (`F` f32, `I` i32, `U` u32),
/// and its operands: numbered results `v1`, what the program is given by the names of its text, numbers. Truths are masks, since
/// branches are: `Select m, a, b` is `a` where `m` is set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProgramCode {
    /// Once for all elements: what depends on nothing else than parameters that are the same for all, and the clock.
    pub prologue: Vec<String>,
    /// For each element. A jump names the place among these where it goes on.
    pub body: Vec<String>,
    /// What the program gives, each with its value.
    pub results: Vec<String>,
}

impl ProgramCode {
    /// Of a function whose columns are scalars of their number, named by `inputs`; `results` are the names of what it gives.
    pub(crate) fn new(lowered: &Lowered, inputs: &[String], results: &[String]) -> Self {
        let lister = Lister { lowered, inputs };
        let all = |ops: &[ScalarOp<ValueId>]| ops.iter().map(|op| lister.operation(op)).collect();
        let results = results.iter().zip(&lowered.outputs);
        Self {
            prologue: all(&lowered.prologue),
            body: all(&lowered.body),
            results: results.map(|(name, &id)| format!("{name} = {}", lister.value(id))).collect(),
        }
    }
}

impl fmt::Display for ProgramCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, lines, numbered) in [
            ("prologue, once for all elements", &self.prologue, false),
            ("body, for each element", &self.body, true),
            ("results", &self.results, false),
        ] {
            writeln!(f, "{title}:")?;
            for (k, line) in lines.iter().enumerate() {
                match numbered {
                    true => writeln!(f, "{k:6}  {line}")?,
                    false => writeln!(f, "        {line}")?,
                }
            }
        }
        Ok(())
    }
}

struct Lister<'a> {
    lowered: &'a Lowered,
    inputs: &'a [String],
}

impl Lister<'_> {
    fn operation(&self, op: &ScalarOp<ValueId>) -> String {
        let args = op.args[..op.code.arity()].iter().map(|&arg| self.value(arg));
        let mut args: Vec<String> = args.collect();
        if op.code.is_control() {
            args.push(format!("to {}", op.to));
        } else if op.code.on_memory() {
            args.insert(0, format!("memory {}", op.to));
        }
        let ScalarOp { code, dst, .. } = *op;
        let result = if code.has_result() { format!("v{dst} = ") } else { String::new() };
        format!("{result}{code:?} {}", args.join(", "))
    }

    fn value(&self, id: ValueId) -> String {
        match self.lowered.values[id as usize] {
            Origin::Column(member) | Origin::UniformInput(member) => {
                self.inputs.get(member).cloned().unwrap_or_else(|| format!("in {member}"))
            }
            Origin::Constant(bits) => match self.lowered.kinds[id as usize] {
                LaneKind::F => format!("{:?}", f32::from_bits(bits)),
                LaneKind::I => (bits as i32).to_string(),
                LaneKind::U => format!("{bits}u"),
                LaneKind::B => (bits != 0).to_string(),
            },
            Origin::Prologue | Origin::Body | Origin::Cell => format!("v{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ProgramCode;
    use crate::scalar::{Access, Options, lower};

    #[test]
    fn jumps_name_places_of_the_body() {
        let text = "fn f(x: f32, n: i32) -> f32 {
                        var y = x;
                        while y < 10.0 { y *= 1.5; }
                        return select(y, f32(n + 3i), n == -1i);
                    }";
        let module = naga::front::wgsl::parse_str(text).unwrap();
        let inputs = [Access::Column(0), Access::Uniform];
        let lowered = lower(&module, "f", &inputs, &Options::default()).unwrap();
        let code = ProgramCode::new(&lowered, &["x".into(), "n".into()], &["out".into()]);
        let sum = code.prologue.iter().find_map(|line| line.strip_suffix(" = AddI n, 3"));
        assert!(code.prologue.contains(&format!(
            "v{} = ItoF {}",
            lowered.prologue[1].dst,
            sum.unwrap()
        )));
        let exit = code.body.iter().position(|line| line.starts_with("ExitIfNone v")).unwrap();
        let jump = code.body.iter().position(|line| *line == format!("Jump to {exit}")).unwrap();
        assert!(code.body[exit].ends_with(&format!(", to {}", jump + 1)), "{code}");
        assert!(code.body.iter().any(|line| line.ends_with(" = Copy x")), "{code}");
        assert!(code.to_string().contains(&format!("\n{exit:6}  ExitIfNone v")), "{code}");
    }
}
