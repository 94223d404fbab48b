//! From a function in naga's IR to operations on columns.
//!
//! Calls are inlined, structures and vectors are taken apart into scalars, branches become masks, and what depends on
//! uniforms alone goes to the prologue. Values are in single-assignment form but for the *cells* that carry variables
//! around a loop.

use naga::{Module, TypeInner};

use super::code::Access;
use super::lowered::{Lowered, Origin};
use super::lowering::{Lowering, Options};
use super::value::{LaneKind, LoweredValue, LoweringError, Res};

/// Lowers the function `name`. Its arguments and its result, if it has one, are scalars, or vectors and structures of them; `inputs` says
/// of each scalar of the arguments, in order, how it is given.
pub(crate) fn lower(
    module: &Module,
    name: &str,
    inputs: &[Access],
    options: &Options<'_>,
) -> Res<Lowered> {
    let mut functions = module.functions.iter().map(|(_, f)| f);
    let function = functions
        .find(|f| f.name.as_deref() == Some(name))
        .ok_or_else(|| LoweringError::from(format!("there is no function `{name}`")))?;
    let mut lowering = Lowering::new(module, options);
    if options.check_bounds {
        lowering.start_bounds_checks();
    }
    if let Some(limit) = options.bound {
        lowering.start_counting(limit.iterations);
    }
    let mut arguments = Vec::with_capacity(function.arguments.len());
    let mut accesses = inputs.iter();
    let mut given = |lowering: &mut Lowering<'_>, kind: LaneKind| {
        let origin = match accesses.next() {
            Some(&Access::Column(column)) => Origin::Column(column),
            Some(Access::Uniform) => Origin::UniformInput(inputs.len() - accesses.len() - 1),
            None => return Err(format!("`{name}` takes more than {}", inputs.len()).into()),
        };
        Ok(LoweredValue::Scalar(lowering.value(origin, kind)))
    };
    for argument in &function.arguments {
        arguments.push(match &module.types[argument.ty].inner {
            TypeInner::Struct { members, .. } => {
                let kinds = members.iter().map(|member| LaneKind::of_type(module, member.ty));
                let parts = kinds.map(|kind| given(&mut lowering, kind?));
                LoweredValue::Composite(parts.collect::<Res<_>>()?)
            }
            TypeInner::Vector { size, scalar } => {
                let kind = LaneKind::of(scalar.kind)?;
                let parts = (0..*size as usize).map(|_| given(&mut lowering, kind));
                LoweredValue::Composite(parts.collect::<Res<_>>()?)
            }
            _ => given(&mut lowering, LaneKind::of_type(module, argument.ty)?)?,
        });
    }
    lowering.globals = lowering.globals()?;
    if let Some(result) = lowering.call(function, arguments)? {
        lowering.out.outputs = result.scalars()?.iter().map(|s| s.id).collect();
    }
    lowering.out.checked_bounds = lowering.checked_bounds()?;
    lowering.out.bounded = lowering.bounded()?;
    Ok(lowering.out)
}
