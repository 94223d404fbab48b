//! The choice with models that are given.

use super::*;

const NOTHING: CostModel = CostModel::NOTHING;

/// What balanced networks of some sizes ask of a device that executes a step by so many dispatches.
fn loads(elements: f64) -> [Load; 2] {
    let cpu = Load {
        operations: 100.0 * elements,
        chain: 0.0,
        words: 0.0,
        synapses: 80.0 * elements / 500.0,
        dispatches: 0.0,
        workgroup: 0.0,
        submissions: 0.0,
    };
    [cpu, Load { chain: 100.0, words: 14.0 * elements, dispatches: 3.0, ..cpu }]
}

fn chosen(elements: f64, gpu: CostModel) -> usize {
    let [on_cpu, on_gpu] = loads(elements);
    let cpu = CostModel { step: 1e-6, operation: 1e-11, synapse: 1e-9, ..NOTHING };
    let candidate = |device, model, load| Candidate {
        device,
        name: format!("device {device}"),
        model,
        loads: vec![load],
        measured: false,
    };
    best(&[candidate(0, cpu, on_cpu), candidate(1, gpu, on_gpu)]).0[0]
}

/// The fewest elements, by powers of two, from which on the GPU is chosen; none where it never is.
fn flips_at(gpu: CostModel) -> Option<f64> {
    let sizes = (0..31).map(|k| f64::from(1u32 << k));
    let choices: Vec<(f64, usize)> = sizes.map(|n| (n, chosen(n, gpu))).collect();
    // once chosen, it stays chosen
    assert!(choices.is_sorted_by_key(|(_, device)| *device), "{choices:?}");
    choices.into_iter().find(|(_, device)| *device == 1).map(|(n, _)| n)
}

#[test]
fn the_choice_flips_with_size() {
    let fast = CostModel {
        dispatch: 2e-6,
        operation: 1e-13,
        serial: 2e-9,
        word: 2e-12,
        synapse: 5e-11,
        ..NOTHING
    };
    let integrated =
        CostModel { dispatch: 8e-6, operation: 2e-12, serial: 5e-9, word: 1e-11, ..fast };
    let slow = CostModel { dispatch: 2e-5, operation: 1e-10, serial: 5e-10, word: 3e-9, ..fast };
    let [fast, integrated, slow] = [fast, integrated, slow].map(flips_at);
    assert_eq!(slow, None);
    let (Some(fast), Some(integrated)) = (fast, integrated) else {
        panic!("{fast:?} {integrated:?}");
    };
    assert!(1000.0 < fast && fast < integrated && integrated < 1e6, "{fast} {integrated}");
}

#[test]
fn what_is_near_is_measured() {
    let [load, _] = loads(1000.0);
    let model = CostModel::of(DeviceKind::Cpu);
    let candidate = |factor: f64| Candidate {
        device: 0,
        name: String::new(),
        model: CostModel {
            step: factor * model.step,
            operation: factor * model.operation,
            synapse: factor * model.synapse,
            ..model
        },
        loads: vec![load],
        measured: false,
    };
    assert!(is_clear(&[candidate(1.0)]));
    assert!(is_clear(&[candidate(1.0), candidate(6.0), candidate(7.0)]));
    assert!(!is_clear(&[candidate(9.0), candidate(1.0), candidate(4.0)]));
}

#[test]
fn a_device_that_fails_gives_way() {
    let error = |device: usize| Error::no_device(&device.to_string(), &[""]);
    let opened = |working: usize| {
        let open = |device| if device == working { Ok(10 * device) } else { Err(error(device)) };
        first(vec![2, 0, 1], "fast".into(), open)
    };
    assert_eq!(opened(2).unwrap(), (2, "fast".into(), 20));
    let (device, reason, _) = opened(1).unwrap();
    let wanted = format!("fast; device 2 failed: {}; device 0 failed: {}", error(2), error(0));
    assert_eq!((device, reason), (1, wanted));
    assert_eq!(opened(3).unwrap_err().to_string(), error(2).to_string());
}

#[test]
fn a_card_counts_once() {
    let card = |index, name: &str, backend| DeviceInfo {
        index,
        name: name.into(),
        kind: DeviceKind::Discrete,
        backend,
        nvidia: false,
        most_words: None,
    };
    let all = [card(1, "a", "dx12"), card(2, "a", "vulkan"), card(3, "b", "dx12")];
    let duplicate_adapters: Vec<usize> =
        all.iter().filter(|c| is_duplicate_adapter(c, &all)).map(|c| c.index).collect();
    assert_eq!(duplicate_adapters, [1]);
}

/// The reason names every device with its time.
#[test]
fn reasons() {
    let load = Load {
        operations: 1e6,
        chain: 0.0,
        words: 0.0,
        synapses: 0.0,
        dispatches: 2.0,
        workgroup: 0.0,
        submissions: 0.0,
    };
    let model = CostModel { dispatch: 1e-6, operation: 1e-12, ..NOTHING };
    let candidate = |device, name: &str, dispatch, measured| Candidate {
        device,
        name: name.into(),
        model: CostModel { dispatch, ..model },
        loads: vec![load],
        measured,
    };
    let choice = best(&[candidate(0, "a", 1e-5, false), candidate(1, "b", 2e-6, true)]);
    let reason = "the shortest steps: 5.0 us on b (measured), 21.0 us on a (estimated)".into();
    assert_eq!(choice, (vec![1, 0], reason));
}

/// Every device can be measured, gives numbers, and is not measured again.
#[test]
fn measurements_are_numbers_and_stay() {
    for info in devices() {
        let prior = CostModel::of(info.kind);
        let start = std::time::Instant::now();
        let model = measured(info.index, 2, prior).unwrap();
        println!("{info}: {:?}, {model:?}", start.elapsed());
        let CostModel {
            step,
            dispatch,
            operation,
            serial,
            shared,
            round,
            member,
            word,
            synapse,
            ..
        } = model;
        let parts = [step, dispatch, operation, serial, shared, round, member, word, synapse];
        assert!(parts.iter().all(|part| part.is_finite() && *part >= 0.0), "{model:?}");
        assert!(model.operation > 0.0 && model != prior, "{model:?}");
        assert_eq!(measured(info.index, 2, prior).unwrap(), model);
    }
}
