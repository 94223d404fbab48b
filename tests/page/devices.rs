//! Rows `cpu`, `cuda`, `tpu`, `to`: in every order between runs.

use dsrunner::{
    DeviceKind, Error, Init, Input, Network, Operation, Reduction, Steps, devices, neurons, wgsl,
};

use crate::common::{on, rows};
use crate::engines::gpu;

fn runner(device: &str) -> dsrunner::DSRunner {
    let cells = neurons::lif_ref(90).param("tau_ref", 2.0).init("V", Init::uniform(0.0, 19.0));
    on(device, Network::new().with("cells", cells))
        .input(("cells.input", wgsl("26.0 + random_normal(r, 0u)"), "func"))
        .input(Input::fix("cells.input", 1.0).operation(Operation::Sub))
        .monitors(["cells.V", "cells.spike"])
        .monitor(dsrunner::Monitor::of("cells.V").reduce(Reduction::Sum).named("sum"))
        .build()
        .unwrap()
}

#[test]
fn a2_to_and_cpu_in_every_order() {
    let Some(other) = gpu() else { return };
    let bits = |runner: &dsrunner::DSRunner| -> Vec<u32> {
        let all = ["cells.V", "sum"].map(|key| rows::<f32>(runner, key));
        all.concat().into_iter().map(f32::to_bits).collect()
    };
    let mut still = runner("cpu");
    let mut wanted = Vec::new();
    for _ in 0..4 {
        still.run(Steps(40)).unwrap();
        wanted.push(bits(&still));
    }
    // four runs, each on one of the two engines: all sixteen ways
    for way in 0..16 {
        let mut moved = runner(if way & 1 == 0 { "cpu" } else { &other });
        for (k, wanted) in wanted.iter().enumerate() {
            if way >> k & 1 == 0 {
                moved.cpu().unwrap();
            } else {
                moved.to(other.as_str()).unwrap();
            }
            assert_eq!(moved.device().starts_with("CPU engine"), way >> k & 1 == 0);
            moved.run(Steps(40)).unwrap();
            assert!(bits(&moved) == *wanted, "way {way:04b}, run {k}");
        }
    }
}

#[test]
fn a2_cuda_tpu_and_devices_that_are_not_there() {
    let mut runner = runner("cpu");
    runner.run(Steps(20)).unwrap();
    let before = runner.state_dict().unwrap();
    let hardware = |kind| !matches!(kind, DeviceKind::Cpu | DeviceKind::Software);
    let has_gpu = devices().iter().any(|d| hardware(d.kind));
    for asked in ["tpu", "cuda", "99", "metal of another machine"] {
        let result = match asked {
            "tpu" => runner.tpu().map(drop),
            "cuda" if has_gpu => continue,
            "cuda" => runner.cuda().map(drop),
            other => runner.to(other).map(drop),
        };
        let Err(error) = result else { panic!("{asked} is there") };
        assert!(matches!(error, Error::NoDevice { .. }));
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("no device `{asked}`; there are:\n0: CPU engine")),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1 + devices().len());
        assert_eq!(runner.state_dict().unwrap(), before);
        assert!(runner.device().starts_with("CPU engine"));
    }
    if has_gpu {
        runner.cuda().unwrap().run(Steps(1)).unwrap();
    }
}
