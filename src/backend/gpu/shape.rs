//! How a plan is cut into dispatches and workgroups on a device.

use std::fmt;

use super::adapters::Reach;
use super::load::ways;
use super::steps::{Steps, Way};
use crate::backend::CostModel;
use crate::plan::Plan;

/// The cut whose steps are believed to be the shortest.
pub(super) struct Shape {
    /// How many steps are played in a dispatch; none where each operation of a step is dispatched.
    pub steps: Option<Steps>,
    /// Invocations of a workgroup, where elements are spread over workgroups.
    pub lanes: usize,
    /// Seconds of a step, as far as the model knows.
    pub seconds: f64,
}

impl Shape {
    /// For a device of that model.
    pub(super) fn of(plan: &Plan, model: &CostModel, reach: Reach) -> Self {
        let cut = |(way, seconds)| match way {
            None => Some((None, seconds)),
            Some(way) => Steps::of(plan, way, reach).map(|steps| (Some(steps), seconds)),
        };
        let ways = ways(plan, model, reach.invocations).into_iter();
        let (steps, seconds) = ways.filter_map(cut).next().unwrap_or((None, f64::INFINITY));
        Self { steps, lanes: model.lanes.min(reach.invocations), seconds }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Steps { way, most, .. }) = &self.steps else {
            return write!(f, "each step dispatched, workgroups of {} invocations", self.lanes);
        };
        write!(f, "{most} steps a dispatch, ")?;
        match way {
            Way::Apart => write!(f, "workgroups of {} invocations", self.lanes),
            Way::Together(lanes) => write!(f, "one workgroup of {lanes} invocations"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::backend::gpu::adapters::reach;
    use crate::backend::gpu::engine::GpuEngine;
    use crate::backend::{Chunk, Engine, Rows};
    use crate::plan::{Description, Recorded, Schedule, State, build};
    use crate::{
        Connect, DeviceKind, Init, Monitor, Network, Projection, devices, neurons, odes, synapses,
    };

    fn plan(target: &dyn crate::DynamicalSystem, monitors: &[Monitor]) -> Arc<Plan> {
        let description = Description {
            recorded: &Recorded::of(target, &[]).unwrap(),
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
        let arm = |pre, post, weight: f64, delay: f64| {
            Projection::new(pre, post)
                .connect(Connect::fixed_prob(0.2))
                .weight(weight)
                .synapse(synapses::expon())
                .delay(delay)
        };
        let network = Network::new()
            .with("E2I", arm(&e, &i, 4.0, 0.3))
            .with("I2E", arm(&i, &e, -2.0, 0.1))
            .with("E2E", arm(&e, &e, 1.0, 0.2))
            .with("I2I", arm(&i, &i, -1.0, 0.1))
            .with("E", e)
            .with("I", i);
        let monitors = ["E.spike", "I.spike", "I.V"].map(Monitor::of);
        plan(&network, &monitors)
    }

    const STEPS: usize = 150;

    fn played(mut engine: impl Engine, plan: &Plan) -> (Vec<u32>, State) {
        let chunk = Chunk {
            first: 0,
            t0: 0.0,
            steps: STEPS,
            rows: Vec::new(),
            data: None,
            data_rows: Vec::new(),
            starts_run: true,
            ops: 0..plan.step.len(),
            schedule: Schedule::new(&plan.cadences, &(0..STEPS as u64), 0..STEPS as u64),
            keep: false,
            cancelled: Default::default(),
        };
        engine.submit(chunk).unwrap();
        let Some(Rows::Host(rows)) = engine.collect().unwrap() else { panic!("no rows") };
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
                played(cpu, &plan)
            };
            for device in devices().into_iter().skip(1) {
                let reach = reach(device.index);
                let ways: Vec<_> =
                    ways(&plan, &model, reach.invocations).into_iter().map(|(w, _)| w).collect();
                assert!(ways.contains(&None) && (!several || ways.len() > 3), "{ways:?}");
                for way in ways {
                    for lanes in [64, 256] {
                        let steps = way.map(|way| Steps::of(&plan, way, reach).unwrap());
                        let shape = Shape { steps, lanes, seconds: 1e-5 };
                        let name = shape.to_string();
                        let gpu = GpuEngine::shaped(device.index, plan.clone(), shape).unwrap();
                        let (other_rows, other) = played(gpu, &plan);
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

    /// A balanced network as a device whose workgroups have at most 1024 invocations may play it: the fastest way.
    fn way(neurons: usize, model: CostModel) -> Option<Way> {
        let cells = |count| neurons::lif(count);
        let (e, i) = (cells(neurons * 4 / 5), cells(neurons / 5));
        let arm = |pre, post| {
            Projection::new(pre, post)
                .connect(Connect::fixed_prob(0.01))
                .weight(1.0)
                .synapse(synapses::expon())
        };
        let network = Network::new()
            .with("E2E", arm(&e, &e))
            .with("E2I", arm(&e, &i))
            .with("I2E", arm(&i, &e))
            .with("I2I", arm(&i, &i))
            .with("E", e)
            .with("I", i);
        let plan = plan(&network, &[]);
        ways(&plan, &model, 1024)[0].0
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
        assert_eq!(way(4000, wide), Some(Way::Together(512)));
        assert_eq!(way(4000, narrow), Some(Way::Together(512)));
        assert_eq!(
            [way(100, wide), way(100, narrow)],
            [128, 32].map(|lanes| Some(Way::Together(lanes)))
        );
        // where dispatches cost little, all of the device is better than one workgroup
        let quick = CostModel { dispatch: 1e-7, ..wide };
        assert_eq!([way(100, quick), way(4000, quick)], [None; 2]);
    }
}
