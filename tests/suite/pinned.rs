//! Pinned arithmetic: the CPU engine and Vulkan give the same bits.

use dsrunner::{
    DSRunner, Group, Method, Model, Projection, Steps, neurons, odes, outputs, sources, synapses,
};

use crate::compare::{Verdict, equal, equal_bits};
use crate::determinism::balanced;
use crate::engines::gpu;

/// States of a group: for each variable a value per element.
type States = Vec<(&'static str, Vec<f64>)>;

const COUNT: usize = 100_000;

/// Numbers in [0, 1) by a multiplicative sequence.
fn fraction(k: usize, stream: usize) -> f64 {
    let x = (k as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ (stream as u64).wrapping_mul(0xd134_2543_de82_ef95);
    let x = (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (x >> 11) as f64 / (1u64 << 53) as f64
}

/// Values over a range, every seventh of them at a special point or a few units in the last place beside it.
fn spread(low: f64, high: f64, special: &[f64], stream: usize) -> Vec<f64> {
    let value = |k: usize| {
        if !k.is_multiple_of(7) || special.is_empty() {
            return low + (high - low) * fraction(k, stream);
        }
        let point = special[k / 7 % special.len()] as f32;
        let beside = (k / 7 / special.len()) % 7;
        if point == 0.0 {
            return 1e-9 * (beside as f64 - 3.0);
        }
        f64::from(f32::from_bits(point.to_bits() + beside as u32 - 3))
    };
    (0..COUNT).map(value).collect()
}

/// All variables after one step from the given states.
fn step(
    device: &str,
    group: Group,
    states: &States,
    input: Option<&[f64]>,
) -> Vec<(String, Vec<f32>)> {
    let group = states.iter().fold(group, |g, (name, values)| g.init(name, values.clone()));
    // so short a step that no method leaves the range of f32 from states far from any trajectory
    let mut builder = DSRunner::builder(group).dt(0.01).progress_bar(false).device(device);
    if let Some(input) = input {
        builder = builder.input(("input", input.to_vec()));
    }
    let mut runner = builder.build().unwrap();
    runner.run(Steps(1)).unwrap();
    let names = states.iter().map(|(name, _)| *name);
    let mut all: Vec<(String, Vec<f32>)> = names
        .map(|name| (name.into(), runner.get::<f32>(name).unwrap().iter().copied().collect()))
        .collect();
    if let Ok(spikes) = runner.get::<bool>("spike") {
        all.push(("spike".into(), spikes.iter().map(|&s| f32::from(u8::from(s))).collect()));
    }
    all
}

/// The same step on both engines.
fn both(name: &str, group: &Group, states: &States, input: Option<&[f64]>) -> Verdict {
    let Some(device) = gpu() else { return Verdict(Ok(())) };
    let cpu = step("cpu", group.clone(), states, input);
    let other = step(&device, group.clone(), states, input);
    compared(name, &cpu, &other)
}

fn compared(name: &str, cpu: &[(String, Vec<f32>)], other: &[(String, Vec<f32>)]) -> Verdict {
    for ((variable, wanted), (_, got)) in cpu.iter().zip(other) {
        assert!(
            wanted.iter().all(|x| x.is_finite()),
            "{name}: {variable} is not finite everywhere"
        );
        let verdict = equal_bits(&format!("{name}: {variable}"), got, wanted);
        if verdict.0.is_err() {
            return verdict;
        }
    }
    Verdict(Ok(()))
}

/// The shipped models with states over the range that they run in, singular points and thresholds included.
fn models() -> Vec<(&'static str, Group, States, Option<Vec<f64>>)> {
    let input = || Some(spread(-20.0, 60.0, &[0.0], 9));
    let gate = |k: usize| spread(0.0, 1.0, &[0.5], k);
    vec![
        (
            "LIF",
            neurons::lif(COUNT),
            vec![("V", spread(-30.0, 25.0, &[20.0, 0.0, -5.0], 0))],
            input(),
        ),
        (
            "LIFRef",
            neurons::lif_ref(COUNT).param("tau_ref", 2.0).param("tau", spread(5.0, 30.0, &[], 4)),
            vec![("V", spread(-30.0, 25.0, &[20.0], 0))],
            input(),
        ),
        (
            "Izhikevich",
            neurons::izhikevich(COUNT),
            // at -62.5 the Jacobian of V is 0
            vec![("V", spread(-90.0, 35.0, &[-62.5, 30.0], 0)), ("u", spread(-25.0, 25.0, &[], 1))],
            input(),
        ),
        (
            "HH",
            neurons::hh(COUNT),
            // the rates have removable singularities at -40 and -55
            vec![
                ("V", spread(-100.0, 60.0, &[-40.0, -55.0, -65.0, 20.0], 0)),
                ("m", gate(1)),
                ("h", gate(2)),
                ("n", gate(3)),
            ],
            input(),
        ),
        (
            "Lorenz",
            odes::lorenz(COUNT),
            vec![
                ("x", spread(-25.0, 25.0, &[0.0], 0)),
                ("y", spread(-30.0, 30.0, &[0.0], 1)),
                ("z", spread(0.0, 55.0, &[28.0], 2)),
            ],
            None,
        ),
        (
            "VanDerPol",
            odes::van_der_pol(COUNT).param("mu", spread(0.1, 8.0, &[1.0], 4)),
            vec![
                ("x", spread(-3.0, 3.0, &[1.0, -1.0, 0.0], 0)),
                ("y", spread(-12.0, 12.0, &[], 1)),
            ],
            None,
        ),
        ("Forced", odes::forced(COUNT), vec![("x", spread(-2.0, 2.0, &[0.0], 0))], None),
    ]
}

#[test]
fn one_step_of_every_model_by_every_method() {
    for (name, group, states, input) in models() {
        for method in Method::ALL.into_iter().filter(|m| m.order().is_some()) {
            let group = group.clone().method(method);
            both(&format!("{name} by {method}"), &group, &states, input.as_deref()).must();
        }
    }
}

/// The currents of both outputs, in the plain form and inside the derivative.
#[test]
fn one_step_of_synapses() {
    let Some(device) = gpu() else { return };
    for (output, ltc) in [
        (outputs::coba().param("E", -80.0), false),
        (outputs::coba(), true),
        (outputs::cuba(), false),
    ] {
        let run = |device: &str| {
            let source = sources::poisson(COUNT).param("freqs", 3000.0);
            let cells = neurons::lif(COUNT).init("V", spread(-30.0, 25.0, &[20.0], 0));
            let cells = if ltc { cells.ltc() } else { cells };
            let line = Projection::new(&source, &cells)
                .connect(dsrunner::Connect::one_to_one())
                .weight(spread(-2.0, 2.0, &[0.5], 5))
                .synapse(synapses::expon().param("tau", 3.0))
                .init("g", spread(0.0, 5.0, &[1.0], 6))
                .output(output.clone());
            let net = dsrunner::Network::new().with("s", source).with("c", cells).with("l", line);
            let mut runner =
                DSRunner::builder(net).progress_bar(false).device(device).build().unwrap();
            runner.run(Steps(2)).unwrap();
            let get = |runner: &mut DSRunner, path: &str| {
                (path.to_string(), runner.get::<f32>(path).unwrap().iter().copied().collect())
            };
            vec![get(&mut runner, "c.V"), get(&mut runner, "l.g")]
        };
        compared("synapse", &run("cpu"), &run(&device)).must();
    }
}

/// One constant that differs in its last place is seen.
#[test]
fn a_unit_in_the_last_place_goes_red() {
    let Some(device) = gpu() else { return };
    let text = include_str!("../../shaders/neurons/hh.wgsl");
    let changed = text.replace("-0.1 * (V + 40.0)", "-0.10000001 * (V + 40.0)");
    assert_ne!(changed, text);
    assert_eq!((-0.1f32).to_bits() + 1, (-0.100_000_01f32).to_bits());
    let (_, _, states, input) = models().into_iter().find(|(name, ..)| *name == "HH").unwrap();
    let run = |device: &str, text: &str| {
        let group = Group::new(&Model::from_wgsl("HH", text).unwrap(), COUNT);
        step(device, group, &states, input.as_deref())
    };
    compared("HH", &run("cpu", text), &run(&device, text)).must();
    let found = compared("HH", &run("cpu", text), &run(&device, &changed)).0.unwrap_err();
    assert!(found.starts_with("HH: m["), "{found}");
}

/// Each built-in function and operator at random numbers of all sizes, and at whole and special ones.
#[test]
fn every_function_alone() {
    let Some(device) = gpu() else { return };
    let expressions = [
        "a + b",
        "a - b",
        "a * b",
        "a / b",
        "a % b",
        "-a",
        "(a + b) - a",
        "a * b + a * 0.3",
        "(a + 12582912.0) - 12582912.0",
        "abs(a)",
        "sign(a)",
        "floor(a)",
        "ceil(a)",
        "round(a)",
        "trunc(a)",
        "fract(a)",
        "sqrt(abs(a))",
        "inverseSqrt(abs(a))",
        "min(a, b)",
        "max(a, b)",
        "clamp(a, -2.0, b)",
        "saturate(a)",
        "mix(a, b, 0.3)",
        "step(a, b)",
        "smoothstep(-3.0, 4.0, a)",
        "fma(a, b, 1.5)",
        "radians(a)",
        "degrees(a)",
        "exp(a)",
        "exp2(a)",
        "log(abs(a))",
        "log2(abs(a))",
        "sin(a)",
        "cos(a)",
        "tan(a)",
        "asin(fract(a))",
        "acos(fract(a))",
        "atan(a)",
        "atan2(a, b)",
        "sinh(a)",
        "cosh(a)",
        "tanh(a)",
        "asinh(a)",
        "acosh(1.0 + abs(a))",
        "atanh(fract(a))",
        "pow(abs(a), b)",
        "exprel(a)",
        "f32(i32(a))",
        "f32(u32(abs(a)))",
        "exp(abs(a) * 30.0) * 0.0",
        "a * 0.0",
        "0.0 - a",
        "0.0 / a",
        "a * 0.0 + 0.0",
        "1.0 / (a * 0.0)",
        "select(1.0, 2.0, sqrt(a) != b)",
        "f32(i32(sqrt(a))) + f32(u32(log(a)))",
        "dot(vec3<f32>(a, b, 1.0), vec3<f32>(b, a, a))",
        "exp(vec2<f32>(a, b)).y",
        "mix(vec4<f32>(a), vec4<f32>(b), 0.25).z",
        "pow(vec3<f32>(2.0, abs(a), 3.0), vec3<f32>(b)).y",
    ];
    let of_all_sizes = |stream: usize| -> Vec<f64> {
        let value = |k: usize| {
            let size = fraction(k, stream);
            let sign = if k.is_multiple_of(2) { 1.0 } else { -1.0 };
            match k % 5 {
                // from 2^-60 to 2^60, whole numbers, and the range in which models live
                0 => sign * 2f64.powf(120.0 * size - 60.0),
                1 => (60.0 * size - 30.0).round(),
                2 => sign * 0.5 * (20.0 * size).round(),
                _ => 60.0 * size - 30.0,
            }
        };
        (0..COUNT).map(value).collect()
    };
    let (a, b) = (of_all_sizes(1), of_all_sizes(2));
    for expressions in expressions.chunks(9) {
        let members =
            (0..expressions.len()).map(|k| format!("y{k}: f32")).collect::<Vec<_>>().join(", ");
        let text = format!(
            "struct Params {{ a: f32, b: f32 }} struct State {{ {members} }}
             fn update(s: State, p: Params) -> State {{ let a = p.a; let b = p.b; return State({}); }}",
            expressions.join(", ")
        );
        let model = Model::from_wgsl("Functions", &text).unwrap();
        let run = |device: &str| {
            let group = Group::new(&model, COUNT).param("a", a.clone()).param("b", b.clone());
            let mut runner =
                DSRunner::builder(group).progress_bar(false).device(device).build().unwrap();
            runner.run(Steps(1)).unwrap();
            let get = |k: usize| -> Vec<f32> {
                runner.get::<f32>(format!("y{k}")).unwrap().iter().copied().collect()
            };
            (0..expressions.len()).map(get).collect::<Vec<_>>()
        };
        for ((expression, wanted), got) in expressions.iter().zip(run("cpu")).zip(run(&device)) {
            // all NaN are one; denormal results may be flushed
            let plain = |values: Vec<f32>| -> Vec<f32> {
                let plain = |x: f32| {
                    if x.is_nan() {
                        f32::NAN
                    } else if x.is_normal() {
                        x
                    } else {
                        x.signum() * x.abs().floor()
                    }
                };
                values.into_iter().map(plain).collect()
            };
            let (got, wanted) = (plain(got), plain(wanted));
            let different =
                got.iter().zip(&wanted).filter(|(g, w)| g.to_bits() != w.to_bits()).count();
            let first = got.iter().zip(&wanted).position(|(g, w)| g.to_bits() != w.to_bits());
            if let Some(k) = first {
                panic!(
                    "{expression} at a = {:e}, b = {:e}: {:e} on the CPU engine, {:e} on {device}; {different} of {COUNT} differ",
                    a[k] as f32, b[k] as f32, wanted[k], got[k]
                );
            }
        }
    }
}

/// A chaotic network for a second: the raster, and every bit of what it ends with.
#[test]
fn the_raster_of_a_balanced_network() {
    let Some(device) = gpu() else { return };
    let raster = |device: &str| {
        let mut runner = DSRunner::builder(balanced(3200, 800, 0.02))
            .inputs([("E.input", 20.0), ("I.input", 20.0)])
            .monitors(["E.spike", "I.spike"])
            .progress_bar(false)
            .device(device)
            .build()
            .unwrap();
        runner.run(1000.0).unwrap();
        let mut all = Vec::new();
        for key in ["E.spike", "I.spike"] {
            let events = runner.mon().events(key).unwrap();
            all.push(events.steps.into_iter().zip(events.indices).collect::<Vec<_>>());
        }
        let paths = ["E.V", "I.V", "E2E.g", "E2I.g", "I2E.g", "I2I.g"];
        let end = paths.map(|path| runner.get::<f32>(path).unwrap().into_raw_vec_and_offset().0);
        (all, end.concat())
    };
    let (cpu, other) = (raster("cpu"), raster(&device));
    for (wanted, got) in cpu.0.iter().zip(&other.0) {
        assert!(wanted.len() > 5000, "only {} spikes", wanted.len());
        equal("spikes", got, wanted).must();
    }
    equal_bits("the end", &other.1, &cpu.1).must();
}
