//! How a plan is cut into dispatches and workgroups on a device.

use std::fmt;

use super::adapters::DeviceLimits;
use super::load::strategies;
use super::steps::{ManySteps, Strategy};
use crate::backend::CostModel;
use crate::plan::Plan;

/// The cut whose steps are estimated to be the shortest.
pub(super) struct LaunchConfig {
    /// How many steps are executed in a dispatch; none where each operation of a step is dispatched.
    pub steps: Option<ManySteps>,
    /// Invocations of a workgroup, where elements are spread over workgroups.
    pub workgroup_size: usize,
    /// Seconds of a step, as far as the model knows.
    pub seconds: f64,
}

impl LaunchConfig {
    /// For a device of that model.
    pub(super) fn of(plan: &Plan, model: &CostModel, device_limits: DeviceLimits) -> Self {
        let cut = |(strategy, seconds)| match strategy {
            None => Some((None, seconds)),
            Some(strategy) => {
                ManySteps::of(plan, strategy, device_limits).map(|steps| (Some(steps), seconds))
            }
        };
        let strategies = strategies(plan, model, device_limits.invocations).into_iter();
        let (steps, seconds) = strategies.filter_map(cut).next().unwrap_or((None, f64::INFINITY));
        Self { steps, workgroup_size: model.workgroup_size.min(device_limits.invocations), seconds }
    }
}

impl fmt::Display for LaunchConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(ManySteps { strategy, most, .. }) = &self.steps else {
            return write!(
                f,
                "each step dispatched, workgroups of {} invocations",
                self.workgroup_size
            );
        };
        write!(f, "{most} steps a dispatch, ")?;
        match strategy {
            Strategy::PerElement => write!(f, "workgroups of {} invocations", self.workgroup_size),
            Strategy::SingleWorkgroup(workgroup_size) => {
                write!(f, "one workgroup of {workgroup_size} invocations")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::backend::gpu::adapters::device_limits;
    use crate::backend::gpu::engine::GpuEngine;
    use crate::backend::{Chunk, ChunkRows, Engine};
    use crate::plan::{Description, RecordedSystem, Schedule, State, build};
    use crate::{
        Connect, DeviceKind, Init, Monitor, Network, Projection, devices, neurons, odes, synapses,
    };

    fn plan(target: &dyn crate::DynamicalSystem, monitors: &[Monitor]) -> Arc<Plan> {
        let description = Description {
            recorded: &RecordedSystem::of(target, &[]).unwrap(),
            inputs: &[],
            compat_input_order: false,
            monitors,
            dt: 0.1,
            t0: 0.0,
            seed: 3,
            outputs: false,
            loop_limit: crate::limits::ITERATIONS,
        };
        Arc::new(build(&description).unwrap().0)
    }

    /// Two groups whose sizes are no multiples of a workgroup's, with delays.
    fn network() -> Arc<Plan> {
        let cells = |count| {
            neurons::lif(count)
                .init("V", Init::uniform(-5.0, 25.0))
                .param("tau", 9.0)
                .param("V_rest", 22.0)
        };
        let (e, i) = (cells(333), cells(67));
        let afferent = |pre, post, weight: f64, delay: f64| {
            Projection::new(pre, post)
                .connect(Connect::fixed_prob(0.2))
                .weight(weight)
                .synapse(synapses::expon())
                .delay(delay)
        };
        let network = Network::new()
            .with("E2I", afferent(&e, &i, 4.0, 0.3))
            .with("I2E", afferent(&i, &e, -2.0, 0.1))
            .with("E2E", afferent(&e, &e, 1.0, 0.2))
            .with("I2I", afferent(&i, &i, -1.0, 0.1))
            .with("E", e)
            .with("I", i);
        let monitors = ["E.spike", "I.spike", "I.V"].map(Monitor::of);
        plan(&network, &monitors)
    }

    const STEPS: usize = 150;

    fn executed(mut engine: impl Engine, plan: &Plan) -> (Vec<u32>, State) {
        let chunk = Chunk {
            first: 0,
            t0: 0.0,
            steps: STEPS,
            rows: Vec::new(),
            data: None,
            data_rows: Vec::new(),
            starts_run: true,
            ops: 0..plan.step.len(),
            schedule: Schedule::new(&plan.samplings, &(0..STEPS as u64), 0..STEPS as u64),
            keep: false,
            cancelled: Default::default(),
        };
        engine.submit(chunk).unwrap();
        let Some(ChunkRows::Host(rows)) = engine.collect().unwrap() else { panic!("no rows") };
        (rows, engine.state().unwrap())
    }

    /// Every cut gives the same bits.
    #[test]
    fn results_do_not_depend_on_the_shape() {
        let mut shapes = 0;
        let lorenz = plan(&odes::lorenz(300), &[Monitor::of("x")]);
        for (plan, several) in [(network(), true), (lorenz, false)] {
            let model = CostModel::of(DeviceKind::Cpu);
            let (rows, state) = {
                let cpu = crate::backend::cpu::CpuEngine::new(plan.clone(), 2).unwrap();
                executed(cpu, &plan)
            };
            for device in devices().into_iter().skip(1) {
                let device_limits = device_limits(device.index);
                let strategies: Vec<_> = strategies(&plan, &model, device_limits.invocations)
                    .into_iter()
                    .map(|(w, _)| w)
                    .collect();
                assert!(
                    strategies.contains(&None) && (!several || strategies.len() > 3),
                    "{strategies:?}"
                );
                for strategy in strategies {
                    for workgroup_size in [64, 256] {
                        let steps = strategy
                            .map(|strategy| ManySteps::of(&plan, strategy, device_limits).unwrap());
                        let launch = LaunchConfig { steps, workgroup_size, seconds: 1e-5 };
                        let name = launch.to_string();
                        let gpu = GpuEngine::shaped(device.index, plan.clone(), launch).unwrap();
                        let (other_rows, other) = executed(gpu, &plan);
                        assert!(rows == other_rows, "{device}: {name}");
                        assert!(state.arena == other.arena, "{device}: {name}");
                        shapes += 1;
                    }
                }
            }
        }
        let required = std::env::var_os("DSRUNNER_REQUIRE_GPU").is_some();
        assert!(shapes > 0 || !required, "no device");
    }

    /// A balanced network as a device whose workgroups have at most 1024 invocations may execute it: the fastest strategy.
    fn strategy(neurons: usize, model: CostModel) -> Option<Strategy> {
        let cells = |count| neurons::lif(count);
        let (e, i) = (cells(neurons * 4 / 5), cells(neurons / 5));
        let afferent = |pre, post| {
            Projection::new(pre, post)
                .connect(Connect::fixed_prob(0.01))
                .weight(1.0)
                .synapse(synapses::expon())
        };
        let network = Network::new()
            .with("E2E", afferent(&e, &e))
            .with("E2I", afferent(&e, &i))
            .with("I2E", afferent(&i, &e))
            .with("I2I", afferent(&i, &i))
            .with("E", e)
            .with("I", i);
        let plan = plan(&network, &[]);
        strategies(&plan, &model, 1024)[0].0
    }

    #[test]
    fn workgroups_follow_the_model() {
        // waiting for one another costs nothing: as many at work as the device can keep busy, which is 512
        let wide = CostModel {
            dispatch: 1e-3,
            serial: 512.0 * 5e-12,
            shared: 5e-12,
            round: 1e-6,
            ..CostModel::NOTHING
        };
        // whoever is there costs something, at work or not
        let narrow =
            CostModel { dispatch: 1e-3, serial: 1e-12, member: 2e-8, ..CostModel::NOTHING };
        assert_eq!(strategy(4000, wide), Some(Strategy::SingleWorkgroup(512)));
        assert_eq!(strategy(4000, narrow), Some(Strategy::SingleWorkgroup(512)));
        assert_eq!(
            [strategy(100, wide), strategy(100, narrow)],
            [128, 32].map(|workgroup_size| Some(Strategy::SingleWorkgroup(workgroup_size)))
        );
        // where dispatches cost little, all of the device is better than one workgroup
        let folded = CostModel { dispatch: 1e-7, ..wide };
        assert_eq!([strategy(100, folded), strategy(4000, folded)], [None; 2]);
    }
}
