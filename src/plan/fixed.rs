//! Weights as whole multiples of a quantum, so that sums do not depend on the order of summation and cannot overflow.

use std::ops::AddAssign;

/// Weights of one projection in fixed point: `weight = count * 2^exponent`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fixed {
    /// One count where all weights are equal, else one per synapse.
    pub counts: Vec<i32>,
    /// The quantum is two to this power.
    pub exponent: i32,
    /// Median of |w|, of those that are not zero.
    pub median: f64,
    /// The largest sum of |w| that arrives at one target when every source fires.
    pub largest_sum: f64,
}

/// The coarsest quantum, relative to the median weight, that is still taken.
const COARSEST: f64 = 1.0 / 65536.0;

impl Fixed {
    /// Two to the power of the exponent.
    pub(crate) fn quantum(&self) -> f64 {
        libm::exp2(f64::from(self.exponent))
    }
}

/// Chooses the finest quantum with which the sum of the counts that arrive at any one target fits into an i32.
///
/// `weights` has one value or one per synapse; `targets[k]` is the target of synapse `k` of `count`.
///
/// # Errors
/// What is wrong with the weights, in words.
pub(crate) fn quantise(weights: &[f64], indices: &[u32], targets: usize) -> Result<Fixed, String> {
    if let Some(bad) = weights.iter().find(|w| !w.is_finite()) {
        return Err(format!("weight {bad}; weights must be finite"));
    }
    // synapses that end on one target; what counts where all have one weight
    let degree = if weights.len() == 1 { most(indices, targets, |_| 1u32) } else { 0 };
    let largest_sum = match weights {
        &[weight] => weight.abs() * f64::from(degree),
        each => most(indices, targets, |k| each[k].abs()),
    };
    if largest_sum > f64::from(f32::MAX) {
        return Err(format!(
            "weights whose sum at one target is {largest_sum:e}; an f32 holds at most {:e}",
            f32::MAX
        ));
    }
    let mut sizes: Vec<f64> = weights.iter().map(|w| w.abs()).filter(|&w| w > 0.0).collect();
    if sizes.is_empty() || largest_sum == 0.0 {
        let counts = vec![0; weights.len()];
        return Ok(Fixed { counts, exponent: 0, median: 0.0, largest_sum: 0.0 });
    }
    let middle = sizes.len() / 2;
    let median = *sizes.select_nth_unstable_by(middle, f64::total_cmp).1;
    // i32::MAX / largest_sum counts per unit, to the power of two below
    let mut exponent = -(libm::floor(libm::log2(f64::from(i32::MAX) / largest_sum)) as i32);
    // the f32 quantum and the values that it makes stay normal numbers
    exponent = exponent.max(-126);
    loop {
        let quantum = libm::exp2(f64::from(exponent));
        if quantum > COARSEST * median {
            return Err(format!(
                "weights from {median:.3e} (median) in sums up to {largest_sum:.3e} do not fit into 32-bit fixed point \
                 with a relative error below 2^-16; split the projection into parts with fewer synapses per target"
            ));
        }
        let counts: Vec<i32> = weights.iter().map(|w| libm::round(w / quantum) as i32).collect();
        // rounding may have added up to half a count per synapse
        let largest = match counts[..] {
            [count] => u64::from(count.unsigned_abs()) * u64::from(degree),
            ref each => most(indices, targets, |k| u64::from(each[k].unsigned_abs())),
        };
        if largest <= i32::MAX as u64 {
            return Ok(Fixed { counts, exponent, median, largest_sum });
        }
        exponent += 1;
    }
}

/// The largest of the sums of what synapses bring to one target.
fn most<T: Copy + Default + PartialOrd + AddAssign>(
    indices: &[u32],
    targets: usize,
    of: impl Fn(usize) -> T,
) -> T {
    let mut sums = vec![T::default(); targets];
    for (k, &target) in indices.iter().enumerate() {
        sums[target as usize] += of(k);
    }
    sums.into_iter().fold(T::default(), |a, b| if b > a { b } else { a })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_sum_fits_and_is_not_wasteful() {
        // 1000 synapses on target 0, 10 on target 1
        let indices: Vec<u32> = (0..1010).map(|k| u32::from(k >= 1000)).collect();
        for weight in [0.6, -6.7, 1e-20, 3e30, 1.0] {
            let fixed = quantise(&[weight], &indices, 2).unwrap();
            let sum = i64::from(fixed.counts[0]) * 1000;
            assert!(sum.abs() <= i64::from(i32::MAX), "{weight}");
            assert!(sum.abs() > i64::from(i32::MAX) / 4, "{weight}: a finer quantum would fit");
            let back = f64::from(fixed.counts[0]) * fixed.quantum();
            assert!((back / weight - 1.0).abs() < 1e-6, "{weight} {back}");
        }
    }

    #[test]
    fn rounding_cannot_push_a_sum_over_the_top() {
        // their sum is just below i32::MAX, that of the rounded ones just above
        let weights = [715_827_882.5, 715_827_882.5, 715_827_881.9];
        let fixed = quantise(&weights, &[0; 3], 1).unwrap();
        let sum: i64 = fixed.counts.iter().map(|&c| i64::from(c)).sum();
        assert!(sum <= i64::from(i32::MAX));
        assert_eq!(fixed.exponent, 1);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let indices = vec![0; 100_000];
        let error = quantise(&[1.0], &indices, 1).unwrap_err();
        assert!(error.contains("split the projection"), "{error}");
        assert!(quantise(&[f64::NAN], &[0], 1).unwrap_err().contains("finite"));
        assert_eq!(quantise(&[0.0], &indices, 1).unwrap().counts, [0]);
    }
}
