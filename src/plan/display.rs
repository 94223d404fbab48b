//! The plan as people read it.

use std::fmt;

use super::{Gather, InputOp, Plan, Source};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "step of dt = {}: {} elements, {} synapses, arena of {} words, {} accumulators",
            self.dt,
            self.elements(),
            self.synapses(),
            self.image.len(),
            self.accumulators
        )?;
        for input in &self.inputs {
            writeln!(f, "  input    {input}")?;
        }
        for routes in self.routes.chunk_by(|a, b| a.path == b.path) {
            let route = &routes[0];
            let synapses: usize = routes.iter().map(|r| r.indices.len()).sum();
            let last = routes.last().map_or(1, |r| r.delay);
            let delay = match (route.delay, last) {
                (1, 1) => String::new(),
                (first, last) if first == last => format!(", {first} steps later"),
                (first, last) => format!(", {first} to {last} steps later"),
            };
            let weights =
                if route.fixed.counts.len() == 1 { "one weight" } else { "a weight each" };
            writeln!(
                f,
                "  deliver  {}: {synapses} synapses, {weights}, quantum 2^{}{}{delay}",
                route.path,
                route.fixed.exponent,
                relative(route.fixed.quantum(), route.fixed.median, route.fixed.largest_sum)
            )?;
        }
        for population in &self.populations {
            let members: Vec<String> =
                population.members.iter().map(|m| format!("{} ({})", m.path, m.elements)).collect();
            writeln!(
                f,
                "  update   {} by {}{}, {}",
                population.program.name,
                population.structure.method,
                if population.structure.ltc { " (ltc)" } else { "" },
                members.join(", ")
            )?;
        }
        for record in &self.records {
            let what = match &record.gather {
                Gather::Flags { count, .. } => format!("{count} flags"),
                Gather::Range { count, .. } => format!("{count} values"),
                Gather::List(list) => format!("{} of its values", list.len()),
            };
            writeln!(f, "  record   {}: {what}", record.key)?;
        }
        Ok(())
    }
}

fn relative(quantum: f64, median: f64, largest_sum: f64) -> String {
    if median == 0.0 {
        return String::new();
    }
    format!(" ({:.1e} of the median |weight|, sums up to {largest_sum:.4})", quantum / median)
}

impl fmt::Display for InputOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (when, stride) = match self.source {
            Source::Constant { stride, .. } => ("a constant", stride),
            Source::Row { stride, .. } => ("a row per step", stride),
        };
        let shape = if stride == 0 { "the same for all" } else { "one value per element" };
        write!(f, "{} {} {when}, {shape}", self.path, self.operation.sign())
    }
}
