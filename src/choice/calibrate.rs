//! Measures what the parts of a step take, once for each device in a process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::backend::{Chunk, CostModel, Load, engine, measure};
use crate::error::Result;
use crate::limits;
use crate::plan::{Description, Plan, RecordedSystem, Schedule, build};
use crate::system::{DynamicalSystem, neurons};

/// What was measured, by device, and by number of threads for the CPU engine.
static KNOWN: Mutex<Option<HashMap<(usize, usize), CostModel>>> = Mutex::new(None);

fn lock() -> MutexGuard<'static, Option<HashMap<(usize, usize), CostModel>>> {
    // a map is as good as before, whoever left it
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Elements and steps of a measurement on the CPU engine.
const ELEMENTS: usize = 1 << 14;
const STEPS: usize = 16;

/// The model of a device, measured with the engine itself; what is not measured is as in `estimated`.
pub(crate) fn measured(device: usize, threads: usize, prior: CostModel) -> Result<CostModel> {
    let key = (device, if device == 0 { threads } else { 0 });
    if let Some(&model) = lock().as_ref().and_then(|known| known.get(&key)) {
        return Ok(model);
    }
    let start = Instant::now();
    let model = match device {
        0 => cpu(threads, prior)?,
        index => measure(index, prior)?,
    };
    log::info!("device {device} measured in {:?}: {model:?}", start.elapsed());
    lock().get_or_insert_default().insert(key, model);
    Ok(model)
}

/// The CPU engine, by steps of a neuron.
fn cpu(threads: usize, prior: CostModel) -> Result<CostModel> {
    let one = plan(&neurons::lif(1))?;
    let step = seconds(&one, threads, 4 * STEPS, &prior)?;
    let many = plan(&neurons::lif(ELEMENTS))?;
    let operation =
        (seconds(&many, threads, STEPS, &prior)? - step) / Load::on_cpu(&many).operations;
    // a clock that does not tell the difference measures nothing
    let operation = if operation > 0.0 { operation } else { prior.operation };
    let synapse = prior.synapse * operation / prior.operation;
    Ok(CostModel { step, operation, synapse, ..prior })
}

/// The plan of a target by itself, without inputs and monitors.
pub(super) fn plan(target: &dyn DynamicalSystem) -> Result<Arc<Plan>> {
    let (plan, _) = build(&Description {
        recorded: &RecordedSystem::of(target, &[])?,
        inputs: &[],
        compat_input_order: false,
        monitors: &[],
        dt: 0.1,
        t0: 0.0,
        seed: 0,
        outputs: false,
        loop_limit: limits::ITERATIONS,
    })?;
    Ok(Arc::new(plan))
}

/// Seconds of a step: the shortest of some chunks.
fn seconds(plan: &Arc<Plan>, threads: usize, steps: usize, model: &CostModel) -> Result<f64> {
    let mut engine = engine(0, plan.clone(), threads, model)?;
    let mut shortest = f64::INFINITY;
    for k in 0..5 {
        let first = (k * steps) as u64;
        let chunk = Chunk {
            first,
            t0: 0.0,
            steps,
            rows: Vec::new(),
            data: None,
            data_rows: Vec::new(),
            starts_run: false,
            ops: 0..plan.step.len(),
            schedule: Schedule::new(&[], &(0..u64::MAX), first..first + steps as u64),
            keep: false,
            cancelled: Default::default(),
        };
        let start = Instant::now();
        engine.submit(chunk)?;
        engine.collect()?;
        shortest = shortest.min(start.elapsed().as_secs_f64());
    }
    Ok(shortest / steps as f64)
}
