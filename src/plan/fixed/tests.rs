use super::*;

/// What arrives of a weight.
fn arrives(fixed: &Fixed, synapse: usize, target: usize) -> f64 {
    let count = fixed.counts[if fixed.counts.len() == 1 { 0 } else { synapse }];
    let quantum = fixed.quanta[if fixed.quanta.len() == 1 { 0 } else { target }];
    f64::from(count) * f64::from(quantum)
}

#[test]
fn weights_of_one_size_are_counted() {
    // 100,000 synapses on target 0, 10 on target 1
    let indices: Vec<u32> = (0..100_010).map(|k| u32::from(k >= 100_000)).collect();
    for weight in [0.6, -6.7, 1e-20, 3e30, 1.0, 1e-37] {
        let fixed = quantise(&[weight], &indices, 2).unwrap();
        assert_eq!((fixed.counts.len(), fixed.counts[0].abs()), (1, 1));
        assert_eq!(arrives(&fixed, 0, 0) as f32, weight as f32);
        // a list of equal weights is one weight, too
        assert_eq!(quantise(&vec![weight; indices.len()], &indices, 2).unwrap(), fixed);
        let signs: Vec<f64> = (0..indices.len()).map(|k| [weight, 0.0, -weight][k % 3]).collect();
        let fixed = quantise(&signs, &indices, 2).unwrap();
        assert_eq!((fixed.quanta.len(), fixed.precision.error), (1, 0.0));
        for (k, (&target, sign)) in indices.iter().zip(signs).enumerate() {
            assert_eq!(arrives(&fixed, k, target as usize) as f32, sign as f32);
        }
    }
    assert_eq!(quantise(&[0.0], &indices, 2).unwrap().counts, [0]);
    assert_eq!(quantise(&[0.0, 0.0], &[0, 1], 2).unwrap().counts, [0]);
    assert!(quantise(&[], &[], 2).unwrap().counts.is_empty());
}

#[test]
fn each_target_has_the_quantum_of_its_own_sum() {
    // 1000 synapses of weight 1 on target 0, two small ones on each of the others, none on the last
    let mut weights = vec![1.0; 1000];
    weights.extend([3e-7, 2e-7, 0.0, 5e-30]);
    let indices: Vec<u32> = [vec![0; 1000], vec![1, 1, 2, 2]].concat();
    let fixed = quantise(&weights, &indices, 4).unwrap();
    assert_eq!(fixed.quanta[0], 1.0);
    assert_eq!(fixed.quanta[1], libm::exp2f(-51.0), "5e-7 is less than 2^-20");
    assert_eq!(fixed.quanta[2], 5e-30);
    for (k, (weight, target)) in weights.iter().zip(indices).enumerate() {
        let error = (arrives(&fixed, k, target as usize) - weight).abs();
        assert!(error <= libm::exp2(-52.0) || weight.abs() < 1e-20, "{weight} {error}");
    }
}

#[test]
fn one_quantum_where_it_does_for_all() {
    let weights: Vec<f64> = (0..3000).map(|k| 0.5 + f64::from(k % 1000) / 1000.0).collect();
    let indices: Vec<u32> = (0..3000).map(|k| k % 7).collect();
    let fixed = quantise(&weights, &indices, 7).unwrap();
    // sums of some 430 are below 2^9
    assert_eq!(fixed.quanta, [libm::exp2f(-22.0)]);
    assert_eq!(fixed.precision.lost, 0);
    assert!(fixed.precision.relative < 1.0 / 65_536.0);
}

#[test]
fn rounding_cannot_push_a_sum_over_the_top() {
    // their sum is just below i32::MAX, that of the rounded ones just above
    let weights = [715_827_882.5, 715_827_882.5, 715_827_881.9];
    let fixed = quantise(&weights, &[0; 3], 1).unwrap();
    let sum: i64 = fixed.counts.iter().map(|&c| i64::from(c)).sum();
    assert!(sum <= i64::from(i32::MAX));
    assert_eq!(fixed.quanta, [2.0]);
}

/// The error of every weight is within the bound, and every sum fits, whatever the weights.
#[test]
fn the_bound_holds_for_every_weight() {
    let mut random = fastrand::Rng::with_seed(5);
    for round in 0..400 {
        let (targets, synapses) = (random.usize(1..20), random.usize(1..3000));
        // of all weights, and of those at one target
        let (decades, own) = [(0.0, 0.0), (1.0, 1.0), (30.0, 10.0), (60.0, 30.0)][round % 4];
        let indices: Vec<u32> = (0..synapses).map(|_| random.u32(..targets as u32)).collect();
        let weight = |random: &mut fastrand::Rng, target: u32| {
            let middle = (f64::from(target) / 20.0 - 0.5) * (decades - own);
            let size = 10f64.powf(middle + (random.f64() - 0.5) * own) * (0.5 + random.f64());
            if random.u8(..) < 20 { 0.0 } else { size * [1.0, -1.0][random.usize(..2)] }
        };
        let weights: Vec<f64> = indices.iter().map(|&t| weight(&mut random, t)).collect();
        let Ok(fixed) = quantise(&weights, &indices, targets) else {
            assert_eq!(own, 30.0, "only such weights may be refused");
            continue;
        };
        let (mut sums, mut counts) = (vec![0.0; targets], vec![0u64; targets]);
        for (k, &target) in indices.iter().enumerate() {
            sums[target as usize] += weights[k].abs();
            let count = fixed.counts[if fixed.counts.len() == 1 { 0 } else { k }];
            counts[target as usize] += u64::from(count.unsigned_abs());
        }
        assert!(counts.iter().all(|&count| count <= i32::MAX as u64));
        for (k, (&target, &weight)) in indices.iter().zip(&weights).enumerate() {
            let error = (arrives(&fixed, k, target as usize) - weight).abs();
            let bound = f64::max(weight.abs() / 65_536.0, sums[target as usize] / 2f64.powi(31));
            assert!(error <= bound, "{weight} among {}: {error}", sums[target as usize]);
        }
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let error = |weights: &[f64], indices: &[u32]| quantise(weights, indices, 3).unwrap_err();
    assert_eq!(error(&[f64::NAN], &[0]), "weight NaN; weights must be finite");
    assert_eq!(error(&[1.0, -f64::INFINITY], &[0, 1]), "weight -inf; weights must be finite");
    assert_eq!(
        error(&[1.0, 1e39], &[0, 1]),
        "weights whose sum at one target is 1e39; an f32 holds at most 3.4028235e38"
    );
    for small in [1e-40, -1e-38, 1e-300] {
        assert_eq!(
            error(&[1.0, small], &[0, 1]),
            format!(
                "weight {small:e}, which is too small for f32; give 0 where nothing is to arrive, else at least 1.1754944e-38"
            )
        );
    }
    assert_eq!(
        error(&[2e38], &[0, 0]),
        "weights whose sum at one target is 4e38; an f32 holds at most 3.4028235e38"
    );
    assert_eq!(
        error(&[2e-38, 3e-38], &[0, 0]),
        "weights of several sizes whose sum at one target is below 2.524354896707238e-29 do not fit into f32; scale them up"
    );
    assert_eq!(
        error(&[1.0, 2e-10, 1e-10, -3e-10], &[0, 0, 0, 0]),
        "3 of 4 weights that are not zero would arrive as 0, since a quantum is up to 2^-30 of the sum of |w| at its target; \
         the largest of them is -3e-10, where that sum is 1.0000000006e0; \
         give weights of such different sizes to projections of their own"
    );
    // half of them is not more than half
    let fixed = quantise(&[1.0, 1e-10], &[0, 0], 3).unwrap();
    assert_eq!((fixed.precision.lost, fixed.precision.relative), (1, 1.0));
}
