//! Golden traces from `tests/reference`: numpy in f64, checked there against BrainPy and Brian2. Tolerances are those of
//! the cases, for f32.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;

use dsrunner::{
    Connect, Coupling, DSRunner, Group, Input, Method, Model, Monitor, Network, Projection,
    RunnerBuilder, Steps, neurons, odes, outputs, synapses,
};
use ndarray::{Array1, Array2, Array3, ArrayD};
use ndarray_npy::NpzReader;
use serde_json::Value;

use crate::compare::{alive, equal, near};
use crate::engines::on_every_engine;

/// A reference case: its description and its arrays.
struct Case {
    about: Value,
    floats: HashMap<String, ArrayD<f64>>,
    integers: HashMap<String, ArrayD<i32>>,
}

impl Case {
    fn load(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("reference");
        let about = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        let about: Value = serde_json::from_str(&about).unwrap();
        let mut npz =
            NpzReader::new(File::open(folder.join(format!("{name}.npz"))).unwrap()).unwrap();
        let (mut floats, mut integers) = (HashMap::new(), HashMap::new());
        for member in npz.names().unwrap() {
            let key = member.trim_end_matches(".npy").to_string();
            match about["arrays"][&key]["dtype"].as_str() {
                Some("f64") => {
                    floats.insert(key, npz.by_name(&member).unwrap());
                }
                Some("i32") => {
                    integers.insert(key, npz.by_name(&member).unwrap());
                }
                _ => {}
            }
        }
        Self { about, floats, integers }
    }

    /// All steps of the case on a device.
    fn execute(&self, device: &str, runner: RunnerBuilder) -> DSRunner {
        let runner = runner.dt(self.dt()).progress_bar(false).device(device);
        let mut runner = runner.build().unwrap();
        runner.run(self.steps()).unwrap();
        runner
    }

    fn array(&self, name: &str) -> Vec<f64> {
        self.floats[name].iter().copied().collect()
    }

    fn steps_of(&self, name: &str) -> Vec<u64> {
        self.integers[name].iter().map(|&s| s as u64).collect()
    }

    fn unsigned(&self, name: &str) -> Vec<u32> {
        self.integers[name].iter().map(|&s| s as u32).collect()
    }

    fn parameter(&self, name: &str) -> f64 {
        self.about["parameters"][name].as_f64().unwrap_or_else(|| panic!("no parameter {name}"))
    }

    fn tolerance(&self, name: &str) -> f64 {
        self.about["tolerance"][name]["f32"]
            .as_f64()
            .unwrap_or_else(|| panic!("no tolerance {name}"))
    }

    fn steps(&self) -> Steps {
        Steps(self.about["steps"].as_u64().unwrap())
    }

    fn dt(&self) -> f64 {
        self.about["dt"].as_f64().unwrap()
    }

    /// The group with all parameters of the case that its model has.
    fn with_parameters(&self, mut group: Group, names: &[&str]) -> Group {
        for name in names {
            group = group.param(name, self.parameter(name));
        }
        group
    }
}

const LIF: [&str; 5] = ["V_rest", "V_reset", "V_th", "R", "tau"];

fn lif(case: &Case, count: usize) -> Group {
    case.with_parameters(neurons::lif_ref(count), &LIF).param("tau_ref", case.parameter("tau_ref"))
}

fn column(array: ArrayD<f32>) -> Vec<f32> {
    array.iter().copied().collect()
}

fn lif_case(device: &str, name: &str, group: impl Fn(&Case) -> Group) {
    let case = Case::load(name);
    let runner = DSRunner::builder(group(&case))
        .input(Input::iter("input", case.array("input")))
        .monitors(["V", "spike"]);
    let runner = case.execute(device, runner);
    let mon = runner.mon();
    equal("spikes", &mon.events("spike").unwrap().steps, &case.steps_of("spike_steps")).must();
    let wanted = case.array("V");
    let v = column(mon.get("V").unwrap());
    alive("V", &v).must();
    near("V", &v[..wanted.len()], &wanted, case.tolerance("V")).must();
}

fn lif_const_ref0(device: &str) {
    lif_case(device, "lif_const_ref0", |case| lif(case, 1));
    // the model without a refractory period is the same where it is 0
    lif_case(device, "lif_const_ref0", |case| case.with_parameters(neurons::lif(1), &LIF));
}

fn lif_const_ref5(device: &str) {
    lif_case(device, "lif_const_ref5", |case| lif(case, 1));
}

fn lif_iter_ramp_steps(device: &str) {
    lif_case(device, "lif_iter_ramp_steps", |case| lif(case, 1));
}

fn lif_iter_sin(device: &str) {
    lif_case(device, "lif_iter_sin", |case| lif(case, 1));
}

/// A neuron under an input per step: all its variables, and its spikes. Where the case has a tighter tolerance away from
/// spikes (more than 20 steps before and 5 after one), it is held there.
fn neuron_case(device: &str, name: &str, group: impl Fn(usize) -> Group, parameters: &[&str]) {
    let case = Case::load(name);
    let variables: Vec<String> =
        case.about["initial"].as_object().unwrap().keys().cloned().collect();
    let method = Method::by_name(case.about["method"].as_str().unwrap()).unwrap();
    let mut cells = case.with_parameters(group(1), parameters).method(method);
    for variable in &variables {
        cells = cells.init(variable, case.about["initial"][variable].as_f64().unwrap());
    }
    let runner = DSRunner::builder(cells)
        .input(Input::iter("input", case.array("input")))
        .monitors(variables.iter().map(String::as_str).chain(["spike"]));
    let runner = case.execute(device, runner);
    let spikes = case.steps_of("spike_steps");
    assert!(!spikes.is_empty());
    equal("spikes", &runner.mon().events("spike").unwrap().steps, &spikes).must();
    for variable in &variables {
        let wanted = case.array(variable);
        let got = column(runner.mon().get(variable).unwrap());
        let got = &got[..wanted.len()];
        alive(variable, got).must();
        near(variable, got, &wanted, case.tolerance(variable)).must();
        let calm: Vec<usize> = (0..wanted.len())
            .filter(|&k| {
                let k = k as u64;
                !spikes.iter().any(|&s| k + 20 >= s && k <= s + 5)
            })
            .collect();
        assert!(calm.len() > wanted.len() / 4, "{name}: only {} calm rows", calm.len());
        let pick = |k: &usize| (got[*k], wanted[*k]);
        let (got, wanted): (Vec<f32>, Vec<f64>) = calm.iter().map(pick).unzip();
        let tolerance = case.about["tolerance"][variable]["f32_calm"].as_f64().unwrap();
        near(&format!("{variable} away from spikes"), &got, &wanted, tolerance).must();
    }
}

const IZHIKEVICH: [&str; 5] = ["a", "b", "c", "d", "V_th"];
const HH: [&str; 8] = ["E_Na", "g_Na", "E_K", "g_K", "E_L", "g_L", "C", "V_th"];

macro_rules! neuron_cases {
    ($($case:ident: $group:path, $parameters:ident;)*) => {$(
        fn $case(device: &str) {
            neuron_case(device, stringify!($case), |count| $group(count), &$parameters);
        }
    )*};
}

neuron_cases! {
    hh_expeuler_gl003: neurons::hh, HH;
    hh_expeuler_gl03: neurons::hh, HH;
    hh_rk4_gl003: neurons::hh, HH;
    hh_rk4_gl03: neurons::hh, HH;
    izhikevich_ch: neurons::izhikevich, IZHIKEVICH;
    izhikevich_fs: neurons::izhikevich, IZHIKEVICH;
    izhikevich_fs_i10: neurons::izhikevich, IZHIKEVICH;
    izhikevich_ib: neurons::izhikevich, IZHIKEVICH;
    izhikevich_rs: neurons::izhikevich, IZHIKEVICH;
}

fn syn_expon(device: &str) {
    let case = Case::load("syn_expon");
    let model =
        Model::from_wgsl("Expon", include_str!("../../shaders/synapses/expon.wgsl")).unwrap();
    let group = Group::new(&model, 1).param("tau", case.parameter("tau"));
    let runner = DSRunner::builder(group).input(Input::iter("x", case.array("pre"))).monitor("g");
    let runner = case.execute(device, runner);
    let g = column(runner.mon().get("g").unwrap());
    near("g", &g, &case.array("g"), case.tolerance("g")).must();
}

/// An element that spikes in the steps in which its input is above a half.
const SOURCE: &str = "
    struct State { x: f32 }
    struct Input { x_in: f32 }
    fn update(s: State, x: Input) -> State { return State(x.x_in); }
    fn threshold(s: State) -> bool { return s.x > 0.5; }
";

fn projection_case(device: &str, name: &str, output: impl Fn(&Case) -> dsrunner::Component) {
    one_projection(device, name, false, &output);
    one_projection(device, name, true, &output);
}

/// In the plain form, or with the current inside the derivative.
fn one_projection(
    device: &str,
    name: &str,
    ltc: bool,
    output: &impl Fn(&Case) -> dsrunner::Component,
) {
    let case = Case::load(name);
    let [v, spikes] = ["V", "spike_steps"].map(|key| form(key, ltc));
    let pre = Group::new(&Model::from_wgsl("Source", SOURCE).unwrap(), 1);
    let post = lif(&case, 1).init("V", case.about["initial"]["V"].as_f64().unwrap());
    let post = if ltc { post.ltc() } else { post };
    let synapse = Projection::new(&pre, &post)
        .weight(case.parameter("w"))
        .synapse(synapses::expon().param("tau", case.parameter("tau_syn")))
        .output(output(&case));
    let net = Network::new().with("pre", pre).with("post", post).with("syn", synapse);
    let runner = DSRunner::builder(net)
        .input(Input::iter("pre.x_in", case.array("pre")))
        .input(Input::iter("post.input", case.array("input")))
        .monitors(["syn.g", "post.V", "post.spike"]);
    let runner = case.execute(device, runner);
    let mon = runner.mon();
    near("g", &column(mon.get("syn.g").unwrap()), &case.array("g"), case.tolerance("g")).must();
    near(&v, &column(mon.get("post.V").unwrap()), &case.array(&v), case.tolerance(&v)).must();
    equal(&spikes, &mon.events("post.spike").unwrap().steps, &case.steps_of(&spikes)).must();
}

/// The key of an array in that form.
fn form(key: &str, ltc: bool) -> String {
    if ltc { format!("{key}_ltc") } else { key.into() }
}

fn proj_cuba_lif(device: &str) {
    projection_case(device, "proj_cuba_lif", |_| outputs::cuba());
}

fn proj_coba_lif(device: &str) {
    projection_case(device, "proj_coba_lif", |case| {
        outputs::coba().param("E", case.parameter("E"))
    });
}

/// Delays of 0, 1, 2 and 5 steps from one source: one per connection, and one per projection.
fn delay_semantics(device: &str) {
    let case = Case::load("delay_semantics");
    let delays: Vec<f64> =
        case.integers["delays"].iter().map(|&d| f64::from(d) * case.dt()).collect();
    let count = delays.len();
    let pre = Group::new(&Model::from_wgsl("Source", SOURCE).unwrap(), 1);
    let post = lif(&case, count).init("V", case.about["initial"]["V"].as_f64().unwrap());
    let line = |delay: dsrunner::Value, connect: Connect| {
        Projection::new(&pre, &post)
            .connect(connect)
            .weight(case.parameter("w"))
            .delay(delay)
            .synapse(synapses::expon().param("tau", case.parameter("tau_syn")))
            .output(outputs::cuba())
    };
    let net = || Network::new().with("pre", pre.clone()).with("post", post.clone());
    let one = net().with("line0", line(delays.clone().into(), Connect::all_to_all()));
    let several = delays.iter().enumerate().fold(net(), |net, (k, &delay)| {
        let connect = Connect::coo(vec![0], vec![k as u32]);
        net.with(&format!("line{k}"), line(delay.into(), connect))
    });
    for (net, lines) in [(one, 1), (several, count)] {
        let keys: Vec<String> = (0..lines).map(|k| format!("line{k}.g")).collect();
        let runner = DSRunner::builder(net)
            .input(Input::iter("pre.x_in", case.array("pre")))
            .monitors(keys.iter().map(String::as_str).chain(["post.V"]));
        let runner = case.execute(device, runner);
        let mut g = column(runner.mon().get(&keys[0]).unwrap());
        for key in &keys[1..] {
            let other = runner.mon().get::<f32>(key).unwrap();
            g.iter_mut().zip(&other).for_each(|(g, o)| *g += o);
        }
        near("g", &g, &case.array("g"), case.tolerance("g")).must();
        let v = column(runner.mon().get("post.V").unwrap());
        near("V", &v, &case.array("V"), case.tolerance("V")).must();
        let first = (0..count).map(|k| g.iter().skip(k).step_by(count).position(|&g| g != 0.0));
        let first: Vec<u64> = first.map(|step| step.unwrap() as u64).collect();
        equal("first change", &first, &case.steps_of("first_change")).must();
    }
}

/// The rows of the sources in `range`, all other rows empty.
fn part(indptr: &[u32], indices: &[u32], range: std::ops::Range<usize>) -> Connect {
    let (mut starts, mut targets) = (vec![0], Vec::new());
    for source in 0..indptr.len() - 1 {
        if range.contains(&source) {
            targets.extend(&indices[indptr[source] as usize..indptr[source + 1] as usize]);
        }
        starts.push(targets.len() as u32);
    }
    Connect::csr(starts, targets)
}

fn net_coba_100(device: &str) {
    coba_network(device, false);
    coba_network(device, true);
}

fn coba_network(device: &str, ltc: bool) {
    let case = Case::load("net_coba_100");
    let (n, n_exc) = (case.parameter("n") as usize, case.parameter("n_exc") as usize);
    let (indptr, indices) = (case.unsigned("indptr"), case.unsigned("indices"));
    let cells = lif(&case, n).init("V", case.array("V0"));
    let cells = if ltc { cells.ltc() } else { cells };
    let project = |range, kind: &str| {
        let parameter = |name: &str| case.parameter(&format!("{name}_{kind}"));
        Projection::new(&cells, &cells)
            .connect(part(&indptr, &indices, range))
            .weight(parameter("w"))
            .synapse(synapses::expon().param("tau", parameter("tau")))
            .output(outputs::coba().param("E", parameter("E")))
    };
    let (exc, inh) = (project(0..n_exc, "exc"), project(n_exc..n, "inh"));
    let net = Network::new().with("exc", exc).with("inh", inh).with("cells", cells);
    let recorded: Vec<i64> = case.integers["V_neurons"].iter().map(|&k| i64::from(k)).collect();
    let runner = DSRunner::builder(net)
        .input(Input::iter("cells.input", case.array("input")))
        .monitor(Monitor::of("cells.V").index(recorded))
        .monitor("cells.spike");
    let mut runner = case.execute(device, runner);
    let events = runner.mon().events("cells.spike").unwrap();
    equal("steps", &events.steps, &case.steps_of(&form("spike_step", ltc))).must();
    equal("neurons", &events.indices, &case.unsigned(&form("spike_neuron", ltc))).must();
    if ltc {
        // the case has no further arrays of this form
        return;
    }
    let v: ArrayD<f32> = runner.mon().get("cells.V").unwrap();
    near("V", &column(v), &case.array("V"), case.tolerance("V")).must();
    let mut g = column(runner.get("exc.g").unwrap());
    g.extend(column(runner.get("inh.g").unwrap()));
    near("g_end", &g, &case.array("g_end"), case.tolerance("g_end")).must();
}

/// x' = -x / 2
const LINEAR: &str = "
    struct State { x: f32 }
    struct Derivative { x: f32 }
    fn initial() -> State { return State(1.0); }
    fn derivative(s: State) -> Derivative { return Derivative(-0.5 * s.x); }
";

/// One step of each method pins every coefficient; whole runs must end where the reference ends.
fn ode_case(device: &str, name: &str, group: impl Fn() -> Group, variables: &[&str]) {
    let case = Case::load(name);
    let methods: Vec<&str> =
        case.about["methods"].as_array().unwrap().iter().map(|m| m.as_str().unwrap()).collect();
    let one_step: Array2<f64> = case.floats["one_step"].clone().into_dimensionality().unwrap();
    let finals: Array3<f64> = case.floats["final"].clone().into_dimensionality().unwrap();
    let counts: Array1<i32> = case.integers["n_steps"].clone().into_dimensionality().unwrap();
    let end = case.array("times").last().copied().unwrap();
    let size = finals.iter().fold(0.0f64, |a, &b| a.max(b.abs()));
    for method in Method::ALL.into_iter().filter(|m| m.order().is_some()) {
        let row = methods.iter().position(|m| Method::by_name(m) == Some(method)).unwrap();
        let run = |dt: f64, t0: f64, steps: u64| -> Vec<f32> {
            let mut runner = DSRunner::builder(group().method(method))
                .dt(dt)
                .t0(t0)
                .progress_bar(false)
                .device(device)
                .build()
                .unwrap();
            runner.run(Steps(steps)).unwrap();
            variables.iter().map(|v| runner.get::<f32>(*v).unwrap()[0]).collect()
        };
        let step = run(case.array("one_step_h")[0], case.array("one_step_t")[0], 1);
        near(
            &format!("one step of {method}"),
            &step,
            one_step.row(row).as_slice().unwrap(),
            case.tolerance("one_step"),
        )
        .must();
        for (k, &steps) in counts.iter().enumerate() {
            let wanted: Vec<f64> = finals.slice(ndarray::s![row, k, ..]).to_vec();
            let got = run(end / f64::from(steps), 0.0, steps as u64);
            // each step rounds by some 2^-24 of the size of the state, and all systems carry an error on with a growth
            // below a hundredfold over the whole time (the Lorenz system's largest exponent is 0.9)
            let tolerance = f64::from(steps) * size * 2f64.powi(-24) * 100.0;
            near(&format!("{steps} steps of {method}"), &got, &wanted, tolerance).must();
        }
    }
}

fn ode_linear(device: &str) {
    let model = Model::from_wgsl("Linear", LINEAR).unwrap();
    ode_case(device, "ode_linear", || Group::new(&model, 1), &["x"]);
}

fn ode_lorenz(device: &str) {
    ode_case(device, "ode_lorenz", || odes::lorenz(1), &["x", "y", "z"]);
}

fn ode_forced(device: &str) {
    ode_case(device, "ode_forced", || odes::forced(1), &["x"]);
}

fn ode_vanderpol(device: &str) {
    ode_case(device, "ode_vanderpol", || odes::van_der_pol(1), &["x", "y"]);
}

/// Stuart-Landau oscillators in a ring. A delay of `d` steps reads the value after step `k - 1 - d`: the case's rule A.
fn rate_ring_delay(device: &str) {
    let case = Case::load("rate_ring_delay");
    let model = Model::from_wgsl(
        "StuartLandau",
        "struct Params { a: f32, w: f32 }
         struct State { x: f32, y: f32 }
         struct Input { Ix: f32, Iy: f32 }
         struct Derivative { x: f32, y: f32 }
         fn derivative(s: State, p: Params, i: Input) -> Derivative {
             let radial = p.a - s.x * s.x - s.y * s.y;
             return Derivative(radial * s.x - p.w * s.y + i.Ix, radial * s.y + p.w * s.x + i.Iy);
         }",
    )
    .unwrap();
    let nodes = case
        .with_parameters(Group::new(&model, 8), &["a", "w"])
        .method(Method::EXP_EULER)
        .init("x", case.array("x0"))
        .init("y", case.array("y0"));
    let (c, d) = (case.array("C"), case.unsigned("D"));
    let pairs: Vec<usize> = (0..64).filter(|&k| c[k] != 0.0).collect();
    let values = |f: &dyn Fn(usize) -> f64| pairs.iter().map(|&k| f(k)).collect::<Vec<_>>();
    let numbers =
        |f: &dyn Fn(usize) -> usize| pairs.iter().map(|&k| f(k) as u32).collect::<Vec<_>>();
    let ring = Coupling::diffusive(&nodes, &nodes, "x")
        .connect(Connect::coo(numbers(&|k| k / 8), numbers(&|k| k % 8)))
        .weight(values(&|k| c[k]))
        .delay(values(&|k| f64::from(d[k]) * case.dt()))
        .target("Ix");
    let net = Network::new().with("nodes", nodes).with("ring", ring);
    let runner = DSRunner::builder(net).monitors(["nodes.x", "nodes.y"]);
    let runner = case.execute(device, runner);
    for name in ["x", "y"] {
        let got = column(runner.mon().get(&format!("nodes.{name}")).unwrap());
        near(name, &got, &case.array(name), case.tolerance(name)).must();
        alive(name, &got).must();
    }
}

on_every_engine!(
    delay_semantics,
    hh_expeuler_gl003,
    hh_expeuler_gl03,
    hh_rk4_gl003,
    hh_rk4_gl03,
    izhikevich_ch,
    izhikevich_fs,
    izhikevich_fs_i10,
    izhikevich_ib,
    izhikevich_rs,
    lif_const_ref0,
    lif_const_ref5,
    lif_iter_ramp_steps,
    lif_iter_sin,
    net_coba_100,
    ode_forced,
    ode_linear,
    ode_lorenz,
    ode_vanderpol,
    proj_coba_lif,
    proj_cuba_lif,
    rate_ring_delay,
    syn_expon,
);
