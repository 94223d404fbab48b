//! Compute kernels of a user's own as programs: the entry point becomes a function, what surrounds it its arguments.

use std::fmt::Write as _;
use std::sync::Arc;

use naga::{AddressSpace, BuiltIn, ShaderStage, StorageAccess, TypeInner};

use super::members::Members;
use super::parse::parse;
use super::prefix::Prefixed;
use super::program::{Invocation, Program, ProgramArgument, Unit};
use super::source::SourceText;
use super::supported::CheckedText;
use super::validity::validate;
use super::{calls, emitted};
use crate::error::Result;
use crate::scalar::Memory;
use crate::terms::Kind;

const PREFIX: &str = "k0";

/// Most invocations of a workgroup, arrays, and bytes that a workgroup shares, on every device.
const MOST_INVOCATIONS: u32 = 256;
const MOST_ARRAYS: usize = 7;
const MOST_SHARED: u32 = 16 * 1024;

/// A kernel's text, read and checked.
#[derive(Debug)]
pub(crate) struct KernelText {
    /// What the text declares in storage, in its order; array `k` is binding `k + 1` of the program.
    pub arrays: Vec<Array>,
    pub workgroup: [u32; 3],
    /// Its function `advance` is one invocation.
    pub program: Program,
}

/// An array that a kernel works on.
#[derive(Debug, Clone)]
pub(crate) struct Array {
    pub name: String,
    pub kind: Kind,
    pub writable: bool,
    /// How many elements it has, where the text says so.
    pub fixed: Option<usize>,
}

impl KernelText {
    pub(crate) fn new(name: &str, file: &str, text: &str) -> Result<Self> {
        let source = CheckedText { name, file, text };
        let (mut module, _) = parse(name, file, text)?;
        let (uniforms, arrays) = globals(&source, &mut module)?;
        let (workgroup, builtins) = entry(&source, &mut module)?;
        if let Some(&handle) = calls::uncalled(&module, text.len()).first() {
            let function = module.functions[handle].name.clone().unwrap_or_default();
            return Err(source.wrong(
                module.functions.get_span(handle),
                format!("nothing calls the function `{function}`"),
                "call it, or leave it out; a kernel's entry point is marked `@compute @workgroup_size(64)`",
            ));
        }
        let function = module.functions.iter().last().and_then(|(_, f)| f.name.clone());
        let function = function.unwrap_or_default();
        let lengths: Vec<usize> = arrays.iter().map(|array| array.fixed.unwrap_or(1)).collect();
        let memories = memories(&module, &arrays, &lengths);
        let program = composed(&source, &module, &uniforms, &function, builtins);
        let program = program.and_then(|program| program.with_operations(&memories));
        let program = program.or_else(|error| {
            // the place is in the text before it was composed
            source.supported(&module, &function, &memories)?;
            Err(error)
        })?;
        Ok(Self { arrays, workgroup, program })
    }

    /// The memories of the program, where its arrays are of variables with so many words.
    pub(crate) fn memories(&self, words: &[usize]) -> Vec<Memory> {
        memories(&self.program.module, &self.arrays, words)
    }
}

/// The program around a kernel's function.
fn composed(
    source: &CheckedText<'_>,
    module: &naga::Module,
    uniforms: &Uniforms,
    function: &str,
    builtins: Vec<BuiltIn>,
) -> Result<Program> {
    let name = source.name;
    let broken = |reason: String| emitted::broken(name, &reason);
    // what surrounds the function is not what it was when the text was parsed
    let info = validate(module).map_err(|error| broken(error.as_inner().to_string()))?;
    let written = Prefixed::new(module, &info, PREFIX).map_err(broken)?;
    let names = written.globals();
    let mut members = Members::default();
    let mut body = String::new();
    for (at, uniform) in uniforms {
        let value = match uniform {
            Uniform::Shared => members.shared(&format!("{PREFIX}_Shared")),
            Uniform::Random => members
                .structure(&format!("{PREFIX}_Random"), &ProgramArgument::random(Unit::Element)),
        };
        let _ = writeln!(body, "    {} = {value};", names[*at]);
    }
    if module.global_variables.iter().any(|(_, g)| g.space == AddressSpace::WorkGroup) {
        members.word(ProgramArgument::Invocation(Invocation::Slot), Kind::U32);
    }
    let arguments: Vec<String> =
        builtins.into_iter().map(|builtin| argument(&mut members, builtin)).collect();
    let _ = writeln!(body, "    {PREFIX}_{function}({});", arguments.join(", "));
    let (program_arguments, argument_kinds, declaration) = members.finish();
    let text = format!("{}\n{declaration}\nfn advance(in: In) {{\n{body}}}\n", written.text);
    let given =
        SourceText { name: name.into(), file: source.file.into(), text: source.text.into() };
    Ok(Program {
        name: format!("kernel {name}"),
        given: Some(given),
        module: emitted::parsed(name, &text)?,
        text,
        entry: "advance",
        operations: Arc::default(),
        prefixes: vec![PREFIX.into()],
        models: Vec::new(),
        program_arguments,
        argument_kinds,
        program_results: Vec::new(),
        result_kinds: Vec::new(),
    })
}

/// The memories of a kernel's module, where its arrays are of variables with so many words.
fn memories(module: &naga::Module, arrays: &[Array], words: &[usize]) -> Vec<Memory> {
    let mut arrays = arrays.iter().zip(words);
    let globals = module.global_variables.iter().filter_map(|(_, global)| match global.space {
        AddressSpace::Private => None,
        AddressSpace::WorkGroup => {
            let length = elements(&module.types, global.ty)?.1?;
            Some(Memory { length, of_workgroup: true })
        }
        _ => {
            let (array, &words) = arrays.next()?;
            Some(Memory { length: array.fixed.unwrap_or(words), of_workgroup: false })
        }
    });
    globals.collect()
}

/// How the entry point is told which invocation it is.
fn argument(members: &mut Members, builtin: BuiltIn) -> String {
    let mut word = |invocation| members.word(ProgramArgument::Invocation(invocation), Kind::U32);
    let axis = match builtin {
        BuiltIn::LocalInvocationIndex => return word(Invocation::Index),
        BuiltIn::LocalInvocationId => Invocation::Local,
        BuiltIn::WorkGroupId => Invocation::Workgroup,
        BuiltIn::NumWorkGroups => Invocation::Workgroups,
        _ => Invocation::Global,
    };
    let parts: Vec<String> = (0..3).map(|k| word(axis(k))).collect();
    format!("vec3<u32>({})", parts.join(", "))
}

/// What a kernel may have in the address space `uniform`.
enum Uniform {
    Shared,
    Random,
}

/// By their place among all globals.
type Uniforms = Vec<(usize, Uniform)>;

/// Checks what the text declares beside functions, and makes it what a program has: arrays are bound in their order,
/// and uniforms are variables that are set before the kernel begins. Uniforms are given by their place among all.
fn globals(source: &CheckedText<'_>, module: &mut naga::Module) -> Result<(Uniforms, Vec<Array>)> {
    if let Some((handle, over)) = module.overrides.iter().next() {
        let name = over.name.clone().unwrap_or_default();
        return Err(source.wrong(
            module.overrides.get_span(handle),
            format!("`{name}` is an override"),
            "make it a constant",
        ));
    }
    let (mut uniforms, mut arrays, mut shared) = (Vec::new(), Vec::new(), 0);
    let spans: Vec<naga::Span> = module
        .global_variables
        .iter()
        .map(|(handle, _)| module.global_variables.get_span(handle))
        .collect();
    let types = &module.types;
    for (at, (_, global)) in module.global_variables.iter_mut().enumerate() {
        let name = global.name.clone().unwrap_or_default();
        let wrong =
            |what: &str, help: &str| source.wrong(spans[at], format!("`{name}` {what}"), help);
        match global.space {
            AddressSpace::Storage { access } => {
                let Some((kind, fixed)) = elements(types, global.ty) else {
                    return Err(wrong(
                        "is of a type that no variable has",
                        "make it an array of f32, i32, u32 or of atomics, such as array<f32>",
                    ));
                };
                let writable = access.contains(StorageAccess::STORE);
                arrays.push(Array { name: name.clone(), kind, writable, fixed });
                let binding = arrays.len() as u32;
                global.binding = Some(naga::ResourceBinding { group: 0, binding });
            }
            AddressSpace::Uniform => {
                let uniform = match types[global.ty].name.as_deref() {
                    Some("Shared") => Uniform::Shared,
                    Some("Random") => Uniform::Random,
                    _ => {
                        return Err(wrong(
                            "is in the address space `uniform`, which has the clock and random numbers",
                            "make it `var<uniform> sh: Shared` or `var<uniform> random: Random`; \
                             what else a kernel needs goes into arrays or constants",
                        ));
                    }
                };
                uniforms.push((at, uniform));
                (global.space, global.binding) = (AddressSpace::Private, None);
            }
            AddressSpace::WorkGroup => {
                let Some((_, Some(length))) = elements(types, global.ty) else {
                    return Err(wrong(
                        "is of a type that workgroups cannot share here",
                        "make it an array of f32, i32, u32 or of atomics, or one of these alone",
                    ));
                };
                shared += 4 * length as u32;
                if shared > MOST_SHARED {
                    return Err(wrong(
                        &format!("makes it {shared} bytes that a workgroup shares"),
                        "every device has room for 16384",
                    ));
                }
            }
            AddressSpace::Private => {}
            _ => {
                return Err(wrong(
                    "is no array, and no engine has it",
                    "use storage arrays, `Shared` and `Random`",
                ));
            }
        }
    }
    if arrays.len() > MOST_ARRAYS {
        return Err(source.wrong(
            naga::Span::UNDEFINED,
            format!("it has {} arrays", arrays.len()),
            "every device has room for 7; use fewer",
        ));
    }
    if !arrays.iter().any(|array| array.writable) {
        return Err(source.wrong(
            naga::Span::UNDEFINED,
            "it changes nothing".into(),
            "declare an array that it writes, such as \
             `@group(0) @binding(0) var<storage, read_write> x: array<f32>`",
        ));
    }
    Ok((uniforms, arrays))
}

/// What an array is of, and how many elements it has, where the text says so.
fn elements(
    types: &naga::UniqueArena<naga::Type>,
    ty: naga::Handle<naga::Type>,
) -> Option<(Kind, Option<usize>)> {
    let (element, fixed) = match types[ty].inner {
        TypeInner::Array { base, size: naga::ArraySize::Constant(n), .. } => {
            (base, Some(n.get() as usize))
        }
        TypeInner::Array { base, .. } => (base, None),
        _ => (ty, Some(1)),
    };
    let (TypeInner::Scalar(scalar) | TypeInner::Atomic(scalar)) = types[element].inner else {
        return None;
    };
    let kind = match scalar.kind {
        naga::ScalarKind::Float => Kind::F32,
        naga::ScalarKind::Sint => Kind::I32,
        naga::ScalarKind::Uint => Kind::U32,
        _ => return None,
    };
    (scalar.width == 4).then_some((kind, fixed))
}

/// Makes the entry point the last function: the size of its workgroups, and what it takes.
fn entry(source: &CheckedText<'_>, module: &mut naga::Module) -> Result<([u32; 3], Vec<BuiltIn>)> {
    // naga keeps no place for entry points
    let at = source.text.find("@compute").unwrap_or(0) as u32;
    let wrong = |message: String, help: &str| source.wrong(naga::Span::new(at, at), message, help);
    let compute = module.entry_points.iter().all(|entry| entry.stage == ShaderStage::Compute);
    if module.entry_points.len() != 1 || !compute {
        return Err(wrong(
            format!("it has {} entry points", module.entry_points.len()),
            "a kernel has one, marked `@compute @workgroup_size(64)`",
        ));
    }
    let entry = module.entry_points.remove(0);
    let size = entry.workgroup_size;
    let invocations = size.iter().fold(1u32, |all, &n| all.saturating_mul(n));
    if invocations > MOST_INVOCATIONS || size[2] > 64 {
        return Err(wrong(
            format!("its workgroups are of {size:?}, which is {invocations} invocations"),
            "every device has room for 256, and for 64 in z",
        ));
    }
    let mut function = entry.function;
    let mut builtins = Vec::new();
    for argument in &mut function.arguments {
        match argument.binding.take() {
            Some(naga::Binding::BuiltIn(
                builtin @ (BuiltIn::GlobalInvocationId
                | BuiltIn::LocalInvocationId
                | BuiltIn::LocalInvocationIndex
                | BuiltIn::WorkGroupId
                | BuiltIn::NumWorkGroups),
            )) => builtins.push(builtin),
            _ => {
                let name = argument.name.clone().unwrap_or_default();
                return Err(wrong(
                    format!("its entry point takes `{name}`"),
                    "it may take global_invocation_id, local_invocation_id, local_invocation_index, \
                     workgroup_id and num_workgroups, each as an argument of its own",
                ));
            }
        }
    }
    let taken = |name: &str| module.functions.iter().any(|(_, f)| f.name.as_deref() == Some(name));
    // its own, as errors name it
    let mut name = entry.name;
    while taken(&name) {
        name.push('x');
    }
    function.name = Some(name);
    module.functions.append(function, naga::Span::UNDEFINED);
    Ok((size, builtins))
}
