//! Every generated kernel is translated for every platform, under default limits.

use dsrunner::{DSRunner, odes};

use crate::determinism::network;

fn kernels() -> Vec<(String, String)> {
    let net = DSRunner::builder(network())
        .inputs([("E.input", 20.0)])
        .input(("E.V", 1.0, "fix", "*"))
        .monitors(["E.spike", "E.input"])
        .device("cpu")
        .build()
        .unwrap();
    let random = dsrunner::Model::from_wgsl("Noise", crate::systems::NOISE).unwrap();
    let noise = DSRunner::builder(dsrunner::Group::new(&random, 10)).device("cpu").build().unwrap();
    let mut all = net.wgsl().unwrap();
    all.extend(noise.wgsl().unwrap());
    for method in dsrunner::Method::ALL.into_iter().filter(|m| m.order().is_some()) {
        let lorenz =
            DSRunner::builder(odes::lorenz(10).method(method)).device("cpu").build().unwrap();
        all.extend(lorenz.wgsl().unwrap());
    }
    all
}

fn parsed(name: &str, text: &str) -> (naga::Module, naga::valid::ModuleInfo) {
    let module = naga::front::wgsl::parse_str(text)
        .unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(text)));
    let info = naga::valid::Validator::new(
        naga::valid::ValidationFlags::all(),
        naga::valid::Capabilities::empty(),
    )
    .validate(&module)
    .unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(text)));
    (module, info)
}

#[test]
fn to_spirv_msl_and_hlsl() {
    let kernels = kernels();
    let names: Vec<&str> = kernels.iter().map(|(name, _)| name.as_str()).collect();
    for wanted in [
        "deliver",
        "record",
        "update LIFRef + Expon + COBA + Expon + COBA",
        "steps Lorenz",
        "steps Noise",
    ] {
        assert!(names.contains(&wanted), "{names:?}");
    }
    for (name, text) in &kernels {
        let (module, info) = parsed(name, text);
        let spirv =
            naga::back::spv::write_vec(&module, &info, &naga::back::spv::Options::default(), None)
                .unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(spirv[0], 0x0723_0203, "{name}");
        let msl_options =
            naga::back::msl::Options { fake_missing_bindings: true, ..Default::default() };
        let (msl, _) =
            naga::back::msl::write_string(&module, &info, &msl_options, &Default::default())
                .unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(msl.contains("kernel void main_"), "{name}");
        let hlsl_options =
            naga::back::hlsl::Options { fake_missing_bindings: true, ..Default::default() };
        let pipeline = Default::default();
        let mut hlsl = String::new();
        naga::back::hlsl::Writer::new(&mut hlsl, &hlsl_options, &pipeline)
            .write(&module, &info, None)
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(hlsl.contains("numthreads"), "{name}");
    }
}

#[test]
fn default_limits_are_enough() {
    let limits = wgpu_limits();
    for (name, text) in &kernels() {
        let (module, _) = parsed(name, text);
        let storage = module
            .global_variables
            .iter()
            .filter(|(_, g)| matches!(g.space, naga::AddressSpace::Storage { .. }))
            .count();
        assert!(storage <= 6, "{name} binds {storage} storage buffers; WebGPU has 8, we keep to 6");
        for entry in &module.entry_points {
            let invocations: u32 = entry.workgroup_size.iter().product();
            assert!(invocations <= limits.0, "{name}: {invocations} invocations");
        }
        let shared: u32 = module
            .global_variables
            .iter()
            .filter(|(_, g)| g.space == naga::AddressSpace::WorkGroup)
            .map(|(_, g)| module.types[g.ty].inner.size(module.to_ctx()))
            .sum();
        assert!(shared <= limits.1, "{name}: {shared} bytes of workgroup memory");
    }
}

/// WebGPU's defaults: invocations of a workgroup, and bytes of its memory.
fn wgpu_limits() -> (u32, u32) {
    (256, 16384)
}
