//! The traces of `tests/reference`, executed on a device and compared within the tolerances of the cases.

use dsrunner::{DSRunner, Group, Input, Method, Model, Steps, neurons, odes};
use ndarray::Axis;

use crate::case::Case;
use crate::gpu::Result;
use crate::report::{Row, Section};

const LIF: &[&str] = &["V_rest", "V_reset", "V_th", "R", "tau", "tau_ref"];
const IZHIKEVICH: &[&str] = &["a", "b", "c", "d", "V_th"];
const HH: &[&str] = &["E_Na", "g_Na", "E_K", "g_K", "E_L", "g_L", "C", "V_th"];

/// x' = -x / 2
const LINEAR: &str = "
    struct State { x: f32 }
    struct Derivative { x: f32 }
    fn initial() -> State { return State(1.0); }
    fn derivative(s: State) -> Derivative { return Derivative(-0.5 * s.x); }
";

pub fn section(device: &str) -> Section {
    let mut section = Section::new("Reference traces, the error that is nearest to its tolerance");
    let cells = [
        (neurons::lif_ref(1), LIF, &["lif_const_ref0", "lif_const_ref5", "lif_iter_sin"][..]),
        (
            neurons::izhikevich(1),
            IZHIKEVICH,
            &["izhikevich_rs", "izhikevich_fs", "izhikevich_ch", "izhikevich_ib"],
        ),
        (
            neurons::hh(1),
            HH,
            &["hh_rk4_gl003", "hh_rk4_gl03", "hh_expeuler_gl003", "hh_expeuler_gl03"],
        ),
    ];
    for (group, parameters, names) in &cells {
        for name in *names {
            section.attempt(name, || Ok(vec![neuron(device, name, group, parameters)?]));
        }
    }
    let linear = Model::from_wgsl("Linear", LINEAR).map(|model| Group::new(&model, 1));
    for (name, group, variables) in [
        ("ode_lorenz", Ok(odes::lorenz(1)), &["x", "y", "z"][..]),
        ("ode_vanderpol", Ok(odes::van_der_pol(1)), &["x", "y"]),
        ("ode_linear", linear, &["x"]),
        ("ode_forced", Ok(odes::forced(1)), &["x"]),
    ] {
        section.attempt(name, || Ok(vec![equation(device, name, &group?, variables)?]));
    }
    section
}

/// The comparison whose error is the largest part of its tolerance.
#[derive(Default)]
struct Worst {
    error: f64,
    tolerance: f64,
    what: String,
}

impl Worst {
    /// Compares values; one that is not a number is infinitely wrong.
    fn compare(&mut self, what: &str, tolerance: f64, pairs: impl Iterator<Item = (f32, f64)>) {
        for (got, wanted) in pairs {
            let error = (f64::from(got) - wanted).abs();
            let error = if error.is_nan() { f64::INFINITY } else { error };
            if self.what.is_empty() || error * self.tolerance > self.error * tolerance {
                *self = Self { error, tolerance, what: what.into() };
            }
        }
    }

    fn row(self, name: &str) -> Row {
        let Self { error, tolerance, what } = self;
        Row::number(name, error, "")
            .note(format!("tolerance {tolerance:.1e}, {what}"))
            .problem_unless(!what.is_empty(), || "nothing was compared".into())
            .problem_unless(error <= tolerance, || "beyond the tolerance".into())
    }
}

/// A neuron under an input per step: all its variables, and its spikes.
fn neuron(device: &str, name: &str, group: &Group, parameters: &[&str]) -> Result<Row> {
    let case = Case::load(name)?;
    let initial = case.about["initial"].as_object().ok_or("the case has no initial state")?;
    let method = case.about["method"].as_str().and_then(Method::by_name).ok_or("no such method")?;
    let mut cell = case.with_parameters(group.clone(), parameters)?.method(method);
    for variable in initial.keys() {
        cell = cell.init(variable, case.number(&format!("/initial/{variable}"))?);
    }
    let mut runner = DSRunner::builder(cell)
        .input(Input::iter("input", case.column("input")?))
        .monitors(initial.keys().map(String::as_str).chain(["spike"]))
        .dt(case.number("/dt")?)
        .device(device)
        .progress_bar(false)
        .build()?;
    runner.run(Steps(case.number("/steps")? as u64))?;
    let spikes: Vec<u64> = case.column("spike_steps")?.iter().map(|&step| step as u64).collect();
    // around a spike a small shift in time is a large difference
    let calm = |k: usize| !spikes.iter().any(|&s| k as u64 + 20 >= s && k as u64 <= s + 5);
    let mut worst = Worst::default();
    for variable in initial.keys() {
        let (got, wanted) = (runner.mon().get::<f32>(variable)?, case.column(variable)?);
        if got.len() < wanted.len() {
            return Err(format!("{} rows of {variable}", got.len()).into());
        }
        let pairs = || got.iter().copied().zip(wanted.iter().copied());
        let tolerance = |kind: &str| case.number(&format!("/tolerance/{variable}/{kind}"));
        worst.compare(variable, tolerance("f32")?, pairs());
        let quiet = pairs().enumerate().filter(|(k, _)| calm(*k)).map(|(_, pair)| pair);
        worst.compare(&format!("{variable} between spikes"), tolerance("f32_calm")?, quiet);
    }
    let same = !spikes.is_empty() && runner.mon().events("spike")?.steps == spikes;
    let mut row = worst.row(name).problem_unless(same, || "spikes in other steps".into());
    row.note += &format!(", {} spikes", spikes.len());
    Ok(row)
}

/// One step of each method, and the end of its longest run.
fn equation(device: &str, name: &str, group: &Group, variables: &[&str]) -> Result<Row> {
    let case = Case::load(name)?;
    let methods = case.about["methods"].as_array().ok_or("the case has no methods")?;
    let (one_step, finals) = (case.array("one_step")?, case.array("final")?);
    let first =
        |name: &str| -> Result<f64> { Ok(case.column(name)?.first().copied().unwrap_or(0.0)) };
    let last =
        |name: &str| -> Result<f64> { Ok(case.column(name)?.last().copied().unwrap_or(0.0)) };
    let (end, steps) = (last("times")?, last("n_steps")?);
    let size = finals.iter().fold(0.0f64, |size, x| size.max(x.abs()));
    // each step rounds by some 2^-24 of the state's size, and no error grows a hundredfold
    let growth = steps * size * 2f64.powi(-24) * 100.0;
    let mut worst = Worst::default();
    for method in Method::ALL.into_iter().filter(|method| method.order().is_some()) {
        let named =
            |name: &serde_json::Value| name.as_str().and_then(Method::by_name) == Some(method);
        let row = methods.iter().position(named).ok_or_else(|| format!("no row of {method}"))?;
        let run = |dt: f64, t0: f64, steps: u64| -> Result<Vec<f32>> {
            let mut runner = DSRunner::builder(group.clone().method(method))
                .dt(dt)
                .t0(t0)
                .device(device)
                .progress_bar(false)
                .build()?;
            runner.run(Steps(steps))?;
            variables.iter().map(|name| Ok(runner.get::<f32>(*name)?[0])).collect()
        };
        let finals = finals.index_axis(Axis(0), row);
        let runs = [
            (one_step.index_axis(Axis(0), row), first("one_step_h")?, first("one_step_t")?, 1.0),
            (finals.index_axis(Axis(0), finals.len_of(Axis(0)) - 1), end / steps, 0.0, steps),
        ];
        let tolerances = [case.number("/tolerance/one_step/f32")?, growth];
        for ((wanted, dt, t0, steps), tolerance) in runs.into_iter().zip(tolerances) {
            let got = run(dt, t0, steps as u64)?;
            let pairs = got.into_iter().zip(wanted.iter().copied());
            worst.compare(&format!("{method}, steps: {steps}"), tolerance, pairs);
        }
    }
    Ok(worst.row(name))
}
