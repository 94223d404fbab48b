//! Weights as counts of a quantum, so that sums do not depend on the order of summation and cannot overflow.
//!
//! What arrives at a target in a step is added up as an i32 and read as `f32(sum) * quantum`. Each synapse delivers at most once
//! a step, and an update takes all that a step delivered, so a sum of |count| over the synapses of a target that fits into an i32
//! is the proof that nothing overflows, whatever fires.
//!
//! Where the weights at a target are of one size, its quantum is that size, and counts are 1 and -1. Elsewhere it is the finest
//! power of two with which the sum of |count| fits: `sum of |w| < 2^31 quantum`, but `>= 2^30 quantum`, so half a quantum, the most
//! that rounding takes or adds, is at most 2^-31 of the sum of |w|.

/// Weights of one projection as counts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fixed {
    /// One count where all weights are equal, else one per synapse.
    pub counts: Vec<i32>,
    /// One quantum where it does for all targets, else one per target.
    pub quanta: Vec<f32>,
    pub precision: Precision,
}

/// How exactly weights arrive. A weight is what f32 makes of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Precision {
    /// The finest and the coarsest quantum.
    pub quanta: [f32; 2],
    /// The largest error of a weight, and the largest in relation to its weight.
    pub error: f64,
    pub relative: f64,
    /// Weights that are not zero, but arrive as such.
    pub lost: usize,
}

/// The largest error of a weight, in relation to itself or to the sum of |w| at its target: the greater of both is allowed.
const OF_WEIGHT: f64 = 1.0 / 65_536.0;
const OF_SUM: f64 = 1.0 / 2_147_483_648.0;

/// The largest sum of |count|.
const MOST: u64 = i32::MAX as u64;

/// The finest quantum is a normal number, which no device flushes to zero, and 2 to this power.
const FINEST: i32 = -126;

/// What ends at a target.
#[derive(Debug, Clone, Copy, Default)]
struct Accumulator {
    /// Sum of |w|.
    sum: f64,
    /// |w| of the first that is not zero.
    size: f64,
    /// Whether another one is of another size.
    is_mixed: bool,
    /// Weights that are not zero.
    synapses: u32,
}

impl Accumulator {
    fn add(&mut self, weight: f64) {
        let size = weight.abs();
        if size > 0.0 {
            self.is_mixed |= self.synapses > 0 && size != self.size;
            if self.synapses == 0 {
                self.size = size;
            }
            self.synapses += 1;
            self.sum += size;
        }
    }

    /// The finest power of two of which the sum of |w| has less than 2^31.
    fn power(&self) -> f64 {
        let (_, exponent) = libm::frexp(self.sum);
        libm::ldexp(1.0, (exponent - 31).max(FINEST))
    }

    fn quantum(&self) -> f64 {
        if self.is_mixed { self.power() } else { f64::from(self.size as f32) }
    }

    /// The error of one of its weights that arrives as so many quanta, and whether that is allowed.
    fn error(&self, weight: f64, count: i32, quantum: f64) -> (f64, bool) {
        let arrives = f64::from(count) * quantum;
        if !self.is_mixed {
            let exact = arrives as f32 == weight as f32;
            return (if exact { 0.0 } else { (arrives - weight).abs() }, exact);
        }
        let error = (arrives - weight).abs();
        // a quantum that was doubled, since rounding pushed the sum over the top, is coarser by up to half a count per synapse
        let of_sum = OF_SUM * self.sum * (1.0 + f64::from(self.synapses) * OF_SUM);
        (error, error <= of_sum.max(OF_WEIGHT * weight.abs()))
    }
}

/// The weights of a projection and where they end.
struct SynapseWeights<'a> {
    weights: &'a [f64],
    /// For each synapse its target.
    indices: &'a [u32],
    accumulators: Vec<Accumulator>,
}

/// What becomes of the weights with some quanta.
struct Outcome {
    counts: Vec<i32>,
    precision: Precision,
    /// Whether every error is allowed.
    is_allowed: bool,
    /// The largest of the weights that arrive as zero, and the sum of |w| at its target.
    largest_lost: (f64, f64),
    /// For each target the sum of |count|.
    sums: Vec<u64>,
}

/// Fails for weights that are not finite, or too small for f32.
pub(super) fn check(weights: &[f64]) -> Result<(), String> {
    if let Some(w) = weights.iter().find(|w| !w.is_finite()) {
        return Err(format!("weight {w}; weights must be finite"));
    }
    let is_small = |&&w: &&f64| w != 0.0 && (w as f32).abs() < f32::MIN_POSITIVE;
    match weights.iter().find(is_small) {
        None => Ok(()),
        Some(w) => Err(format!(
            "weight {w:e}, which is too small for f32; give 0 where nothing is to arrive, else at least {:e}",
            f32::MIN_POSITIVE
        )),
    }
}

/// Chooses the quanta of the targets, and counts the weights by them.
///
/// `weights` has one value or one per synapse; `indices[k]` is the target of synapse `k`, of so many.
///
/// # Errors
/// What is wrong with the weights, in words.
pub(crate) fn quantise(weights: &[f64], indices: &[u32], targets: usize) -> Result<Fixed, String> {
    check(weights)?;
    let is_one = weights.iter().all(|w| *w == weights[0]);
    let weights = if is_one { &weights[..weights.len().min(1)] } else { weights };
    let synapses = SynapseWeights::new(weights, indices, targets);
    let largest = synapses.accumulators.iter().fold(0.0, |most: f64, a| most.max(a.sum));
    if largest > f64::from(f32::MAX) {
        return Err(format!(
            "weights whose sum at one target is {largest:e}; an f32 holds at most {:e}",
            f32::MAX
        ));
    }
    if let Some(fixed) = synapses.of_one_size() {
        return Ok(fixed);
    }
    let used = synapses.accumulators.iter().filter(|a| a.sum > 0.0);
    let common = used.map(Accumulator::power).fold(0.0, f64::max);
    let mut quanta = vec![common];
    let mut outcome = synapses.counted(&quanta);
    let is_over = |outcome: &Outcome| outcome.sums.iter().any(|&sum| sum > MOST);
    if !outcome.is_allowed || outcome.precision.lost > 0 || is_over(&outcome) {
        quanta = synapses.accumulators.iter().map(Accumulator::quantum).collect();
        outcome = synapses.counted(&quanta);
        // rounding may have added up to half a count per synapse
        while outcome.is_allowed && is_over(&outcome) {
            let over = outcome.sums.iter().zip(&mut quanta).filter(|(sum, _)| **sum > MOST);
            over.for_each(|(_, quantum)| *quantum *= 2.0);
            outcome = synapses.counted(&quanta);
        }
    }
    synapses.accept(quanta, outcome)
}

impl<'a> SynapseWeights<'a> {
    fn new(weights: &'a [f64], indices: &'a [u32], targets: usize) -> Self {
        let mut synapses = Self { weights, indices, accumulators: Vec::new() };
        let mut accumulators = vec![Accumulator::default(); targets];
        for (k, &target) in indices.iter().enumerate() {
            accumulators[target as usize].add(synapses.weight(k));
        }
        synapses.accumulators = accumulators;
        synapses
    }

    fn weight(&self, synapse: usize) -> f64 {
        if let &[weight] = self.weights { weight } else { self.weights[synapse] }
    }

    /// Counts of 1 and -1, where all weights are of one size.
    fn of_one_size(&self) -> Option<Fixed> {
        let used = || self.accumulators.iter().filter(|a| a.sum > 0.0);
        let size = used().next().map_or(1.0, |a| a.size);
        let fits = |a: &Accumulator| !a.is_mixed && a.size == size && u64::from(a.synapses) <= MOST;
        if !used().all(fits) {
            return None;
        }
        let sign = |&weight: &f64| if weight == 0.0 { 0 } else { weight.signum() as i32 };
        let size = size as f32;
        let precision = Precision { quanta: [size; 2], error: 0.0, relative: 0.0, lost: 0 };
        let counts = self.weights.iter().map(sign).collect();
        Some(Fixed { counts, quanta: vec![size], precision })
    }

    fn counted(&self, quanta: &[f64]) -> Outcome {
        let used = self.accumulators.iter().zip(quanta.iter().cycle()).filter(|(a, _)| a.sum > 0.0);
        let (finest, coarsest) = used.fold((f64::MAX, 0.0), |(finest, coarsest), (_, &quantum)| {
            (quantum.min(finest), quantum.max(coarsest))
        });
        let quanta_of = [finest as f32, coarsest as f32];
        let precision = Precision { quanta: quanta_of, error: 0.0, relative: 0.0, lost: 0 };
        let mut outcome = Outcome {
            counts: Vec::with_capacity(self.indices.len()),
            precision,
            is_allowed: true,
            largest_lost: (0.0, 0.0),
            sums: vec![0; self.accumulators.len()],
        };
        for (k, &target) in self.indices.iter().enumerate() {
            let (target, weight) = (target as usize, self.weight(k));
            let accumulator = &self.accumulators[target];
            let quantum = quanta[if quanta.len() == 1 { 0 } else { target }];
            // a quantum of 0 is that of a target where only zeros end
            let count = if weight == 0.0 { 0 } else { libm::round(weight / quantum) as i32 };
            outcome.counts.push(count);
            if weight == 0.0 {
                continue;
            }
            outcome.sums[target] += u64::from(count.unsigned_abs());
            let (error, is_allowed) = accumulator.error(weight, count, quantum);
            outcome.is_allowed &= is_allowed;
            let precision = &mut outcome.precision;
            precision.error = precision.error.max(error);
            precision.relative = precision.relative.max(error / weight.abs());
            if count == 0 {
                precision.lost += 1;
                if weight.abs() > outcome.largest_lost.0.abs() {
                    outcome.largest_lost = (weight, accumulator.sum);
                }
            }
        }
        outcome
    }

    fn accept(&self, quanta: Vec<f64>, outcome: Outcome) -> Result<Fixed, String> {
        let Outcome { counts, precision, is_allowed, largest_lost: (weight, sum), .. } = outcome;
        if !is_allowed {
            return Err(format!(
                "weights of several sizes whose sum at one target is below {:e} do not fit into f32; scale them up",
                libm::ldexp(1.0, FINEST + 31)
            ));
        }
        let all = counts.len() - self.weights.iter().filter(|w| **w == 0.0).count();
        if 2 * precision.lost > all {
            return Err(format!(
                "{} of {all} weights that are not zero would arrive as 0, since a quantum is up to 2^-30 of the sum of |w| at its target; \
                 the largest of them is {weight:e}, where that sum is {sum:e}; \
                 give weights of such different sizes to projections of their own",
                precision.lost
            ));
        }
        let quanta = quanta.into_iter().map(|quantum| quantum as f32).collect();
        Ok(Fixed { counts, quanta, precision })
    }
}

#[cfg(test)]
mod tests;
