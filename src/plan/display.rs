//! The plan as people read it.

use std::fmt;

use super::data::{Gather, InputOp, Plan, Scale, Source};
use super::fixed::Precision;
use super::step::{DerivedColumn, DerivedWork, StepOp};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "step of dt = {}: {} elements, {} synapses, arena of {} words, {} accumulators",
            self.dt,
            self.elements(),
            self.synapses(),
            self.initial_arena.len(),
            self.accumulators
        )?;
        if let Some(replicas) = self.replicas {
            writeln!(f, "  batch    {} replicas, of each variable", replicas.count)?;
        }
        let deliver = self.step.iter().position(|op| *op == StepOp::Deliver(0)).unwrap_or(0);
        self.columns_and_inputs(f, &self.step[..deliver])?;
        for delivery_blocks in self.delivery_blocks.chunk_by(|a, b| a.path == b.path) {
            let delivery_block = &delivery_blocks[0];
            let synapses: usize = delivery_blocks.iter().map(|r| r.indices.len()).sum();
            let last = delivery_blocks.last().map_or(1, |r| r.delay);
            let delay = match (delivery_block.delay, last) {
                (1, 1) => String::new(),
                (0, 0) => ", in the step itself".into(),
                (first, last) if first == last => format!(", {first} steps later"),
                (first, last) => format!(", {first} to {last} steps later"),
            };
            let weights =
                if delivery_block.counts.len() == 1 { "one weight" } else { "a weight each" };
            writeln!(
                f,
                "  deliver  {}: {synapses} synapses, {weights}, {}{delay}{}",
                delivery_block.path,
                delivery_block.precision,
                self.in_stage(delivery_block.stage)
            )?;
        }
        for population in &self.populations {
            let members: Vec<String> =
                population.members.iter().map(|m| format!("{} ({})", m.path, m.elements)).collect();
            writeln!(
                f,
                "  update   {} by {}{}, {}{}",
                population.program.name,
                population.archetype.method,
                if population.archetype.ltc { " (ltc)" } else { "" },
                members.join(", "),
                self.in_stage(population.stage)
            )?;
        }
        for kernel in &self.kernels {
            let [x, y, z] = kernel.workgroups;
            let changed = kernel.arrays.iter().filter(|array| array.writable);
            let changed: Vec<&str> = changed.map(|array| array.path.as_str()).collect();
            writeln!(
                f,
                "  kernel   {}: {x} x {y} x {z} workgroups, on {}{}",
                kernel.path,
                changed.join(", "),
                self.in_stage(kernel.stage)
            )?;
        }
        self.columns_and_inputs(f, &self.step[deliver..])?;
        for (k, record) in self.records.iter().enumerate() {
            let sampling = &self.samplings[record.sampling];
            let what = match &record.gather {
                Gather::Flags { count, .. } => format!("{count} flags"),
                Gather::Range { count, .. } => format!("{count} values"),
                Gather::List(list) => format!("{} of its values", list.len()),
                Gather::Host(_) => "what a closure gives".into(),
            };
            let mean = if record.scale == Scale::None { "" } else { ", divided to a mean" };
            let when = match (sampling.per, sampling.every, &sampling.window) {
                (Some(per), ..) => format!(", a row per {per} steps"),
                (None, 1, None) => String::new(),
                (None, every, None) => format!(", every {every} steps"),
                (None, every, Some(window)) => {
                    format!(", every {every} steps from {} to {}", window.start, window.end)
                }
            };
            let size = match record.words() {
                0 => String::new(),
                _ if record.sparse => ", kept as events of 12 bytes".into(),
                words => format!(", {} bytes a row", 4 * words),
            };
            let (verb, note) = match k < self.monitors {
                true => ("record", ""),
                false => ("output", "; `outputs(false)` leaves it out"),
            };
            writeln!(f, "  {verb}   {}: {what}{when}{mean}{size}{note}", record.key)?;
        }
        Ok(())
    }
}

impl Plan {
    fn in_stage(&self, stage: usize) -> String {
        if self.stages == 1 { String::new() } else { format!(", stage {}", stage + 1) }
    }

    fn columns_and_inputs(&self, f: &mut fmt::Formatter<'_>, ops: &[StepOp]) -> fmt::Result {
        for op in ops {
            match *op {
                StepOp::Derive(k) => writeln!(f, "  derived_column   {}", self.derived_columns[k])?,
                StepOp::Input(k) => writeln!(f, "  input    {}", self.inputs[k])?,
                StepOp::Call(_) => writeln!(f, "  input    a closure, on the host")?,
                StepOp::Deliver(_)
                | StepOp::Update(_)
                | StepOp::Kernel(_)
                | StepOp::Record
                | StepOp::Clear => {}
            }
        }
        Ok(())
    }
}

impl fmt::Display for DerivedColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match &self.work {
            DerivedWork::Evaluate { .. } => "by a program".to_string(),
            DerivedWork::Copy { .. } => "copied".into(),
            DerivedWork::Reduce { from, .. } => format!("of {} values", from.len()),
            DerivedWork::Accumulate { .. } => "over steps".into(),
            DerivedWork::DelayLineWrite { ahead: true, .. } => {
                "as the step has left it so far".into()
            }
            DerivedWork::DelayLineWrite { delay_line, .. } if delay_line.depth == 0 => {
                "of this step".into()
            }
            DerivedWork::DelayLineWrite { delay_line, .. } => {
                format!("of this step and {} before", delay_line.depth)
            }
            DerivedWork::DelayLineRead { delays, ahead, .. } => match delays.iter().max() {
                None | Some(0) if *ahead => "as the step has left it so far".into(),
                None | Some(0) => "of this step".into(),
                Some(longest) => format!("of up to {longest} steps before"),
            },
            DerivedWork::Sum { indptr, .. } => {
                format!("of {} terms", indptr.last().copied().unwrap_or(0))
            }
        };
        write!(f, "{}: {} values, {how}", self.label, self.words)
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // a power of two as such, any other number as it is
        let quantum = |quantum: f32| match libm::frexpf(quantum) {
            (0.5, exponent) => format!("2^{}", exponent - 1),
            _ => format!("{quantum:?}"),
        };
        let [finest, coarsest] = self.quanta;
        write!(f, "quantum {}", quantum(finest))?;
        if finest < coarsest {
            write!(f, " to {}", quantum(coarsest))?;
        }
        if self.error == 0.0 {
            return f.write_str(", exact");
        }
        write!(f, ", errors up to {:.1e}, {:.1e} of the weight", self.error, self.relative)?;
        if self.lost > 0 {
            write!(f, ", {} arrive as 0", self.lost)?;
        }
        Ok(())
    }
}

impl fmt::Display for InputOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (when, stride) = match self.source {
            Source::Constant { stride, .. } => ("a constant", stride),
            Source::Row { stride, .. } => ("a row per step", stride),
            Source::Derived { .. } => ("a derived_column", 1),
        };
        let shape = if stride == 0 { "the same for all" } else { "one value per element" };
        let (path, sign) = (&self.path, self.operation.sign());
        write!(f, "{path} {sign} {when}, {shape}, {} elements", self.offsets.len())
    }
}
