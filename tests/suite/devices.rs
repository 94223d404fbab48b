//! Devices: listed, chosen, refused.

use dsrunner::{DSRunner, Device, DeviceKind, devices, neurons};

use crate::engines::gpu;

fn build(device: impl Into<Device>) -> dsrunner::Result<DSRunner> {
    DSRunner::builder(neurons::lif(1)).progress_bar(false).device(device).build()
}

#[test]
fn the_cpu_engine_is_always_there() {
    let all = devices();
    assert_eq!((all[0].kind, all[0].index), (DeviceKind::Cpu, 0));
    for choice in [Device::Cpu, Device::Index(0), Device::from("CPU")] {
        assert!(build(choice).unwrap().device().starts_with("CPU engine"));
    }
}

#[test]
fn every_adapter_by_number_name_and_kind() {
    gpu();
    for device in devices().into_iter().skip(1) {
        for word in [device.index.to_string(), device.name.clone(), device.kind.name().into()] {
            let runner = build(word.as_str()).unwrap();
            let same_kind = runner.device().contains(device.kind.name());
            assert!(same_kind, "{word}: {}", runner.device());
        }
    }
}

/// The plan says where it is executed, and why there.
#[test]
fn the_plan_tells_the_choice() {
    let last = |runner: &DSRunner| runner.plan().lines().last().unwrap().trim().to_string();
    let mut runner = build("cpu").unwrap();
    let wanted = format!("device   {}: `cpu` was asked for", runner.device());
    assert_eq!(last(&runner), wanted);
    let auto = build("auto").unwrap();
    let reason = match std::env::var("DSRUNNER_DEVICE") {
        Ok(word) if word != "auto" => format!(": DSRUNNER_DEVICE is `{word}`"),
        _ => ": the shortest steps: ".into(),
    };
    assert!(last(&auto).contains(&reason), "{}", last(&auto));
    let Some(device) = gpu() else { return };
    runner.to(device.as_str()).unwrap();
    assert_eq!(last(&runner), format!("device   {}: `{device}` was asked for", runner.device()));
    let plan = runner.plan();
    let before: Vec<&str> = plan.lines().rev().skip(1).take(1).map(str::trim).collect();
    assert_eq!(before, ["executed   64 steps a dispatch, workgroups of 128 invocations"]);
}

#[test]
fn a_device_that_is_not_there() {
    let listed: Vec<String> = devices().iter().map(ToString::to_string).collect();
    for word in ["abacus", "99"] {
        let error = build(word).unwrap_err().to_string();
        assert_eq!(error, format!("no device `{word}`; there are:\n{}", listed.join("\n")));
    }
}
