//! Connectivity as compressed sparse rows.

use super::{Connect, ConnectRule};
use crate::error::{Error, Explained, Result, number};
use crate::limits;
use crate::random::RandomStream;

/// Synapses in rows by source.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Synapses {
    /// The targets of source k are `indices[indptr[k]..indptr[k + 1]]`.
    pub indptr: Vec<u32>,
    pub indices: Vec<u32>,
    /// For each synapse its place in the order that the user gave, where that is another one.
    pub order: Option<Vec<u32>>,
}

/// Source and target of a projection, as far as connectivity is concerned.
pub(crate) struct Ends<'a> {
    pub projection: &'a str,
    pub sources: usize,
    pub targets: usize,
    pub same_group: bool,
}

impl Ends<'_> {
    /// Fails where there is no room for so many synapses: their targets in the plan and in an engine, as they come and in order.
    fn room(&self, synapses: usize) -> Result<()> {
        let what = || format!("the {synapses} synapses of `{}`", self.projection);
        limits::room(synapses.saturating_mul(12), what, "use fewer synapses")
    }
}

impl Connect {
    /// The synapses between two groups; `key` is that of what is drawn.
    pub(crate) fn build(&self, ends: &Ends<'_>, key: [u32; 2]) -> Result<Synapses> {
        let wrong = |reason: String| Error::Node { node: ends.projection.into(), reason };
        let skip_self = ends.same_group && !self.include_self;
        let too_many = || wrong("more than 2^32 - 1 synapses; split the projection".into());
        let synapses = match &self.rule {
            ConnectRule::Coo { .. } | ConnectRule::Csr { .. } if !self.include_self => {
                return Err(wrong(
                    "`without_self` with pairs that are given; leave out what is not wanted".into(),
                ));
            }
            ConnectRule::AllToAll
                if ends.sources.saturating_mul(ends.targets) > u32::MAX as usize =>
            {
                return Err(too_many());
            }
            ConnectRule::AllToAll => {
                ends.room(ends.sources * ends.targets)?;
                let all = 0..ends.targets as u32;
                rows(ends, |source, targets| {
                    targets.extend(all.clone().filter(|&t| !(skip_self && t == source)));
                })
            }
            ConnectRule::OneToOne if ends.sources != ends.targets => {
                return Err(wrong(format!(
                    "one-to-one connectivity from {} elements to {}; the groups must have one size",
                    ends.sources, ends.targets
                )));
            }
            ConnectRule::OneToOne => rows(ends, |source, targets| {
                if !skip_self {
                    targets.push(source);
                }
            }),
            &ConnectRule::FixedProb(prob) if !(0.0..=1.0).contains(&prob) => {
                return Err(wrong(format!(
                    "connection probability {}; it must be from 0 to 1",
                    number(prob)
                )));
            }
            &ConnectRule::FixedProb(prob) => {
                let expected = ends.sources as f64 * ends.targets as f64 * prob;
                if expected - ROOM * expected.sqrt() > f64::from(u32::MAX) {
                    return Err(too_many());
                }
                ends.room((expected + ROOM * expected.sqrt()) as usize)?;
                let drawn = |source: u32, success: &mut dyn FnMut(u32)| {
                    let stream = RandomStream::new(key, u64::from(source));
                    bernoulli(prob, ends.targets, stream, |target| {
                        if !(skip_self && target == source) {
                            success(target);
                        }
                    });
                };
                let threads = std::thread::available_parallelism().map_or(1, usize::from);
                in_parallel(ends, prob, threads, &drawn).or_else(|| {
                    rows(ends, |source, targets| drawn(source, &mut |t| targets.push(t)))
                })
            }
            ConnectRule::Coo { pre, post } => {
                ends.room(pre.len())?;
                from_pairs(pre, post, ends).map_err(wrong)?
            }
            ConnectRule::Csr { indptr, indices } => {
                ends.room(indices.len())?;
                from_rows(indptr, indices, ends).map_err(wrong)?
            }
        };
        synapses.ok_or_else(too_many)
    }
}

/// Fills row after row; none where the synapses cannot be counted in 32 bits.
fn rows(ends: &Ends<'_>, mut fill: impl FnMut(u32, &mut Vec<u32>)) -> Option<Synapses> {
    let mut indptr = Vec::with_capacity(ends.sources + 1);
    let mut indices = Vec::new();
    indptr.push(0);
    for source in 0..ends.sources {
        fill(source as u32, &mut indices);
        indptr.push(u32::try_from(indices.len()).ok()?);
    }
    Some(Synapses { indptr, indices, order: None })
}

/// Gives the targets of a source, one after the other.
type DrawTargets<'a> = dyn Fn(u32, &mut dyn FnMut(u32)) + Sync + 'a;

/// Pairs that are worth a thread, and standard deviations of their number for which there is room.
const WORTH: f64 = 100_000.0;
const ROOM: f64 = 8.0;

/// The same by several threads, where each pair is a synapse with probability `prob`: `drawn` gives the targets of a source.
/// Every thread fills the part of the rows that it has in place. None where that is not worth it, or where there was no room.
fn in_parallel(
    ends: &Ends<'_>,
    prob: f64,
    threads: usize,
    drawn: &DrawTargets<'_>,
) -> Option<Synapses> {
    let expected = |sources: usize| sources as f64 * ends.targets as f64 * prob;
    let threads = threads.min((expected(ends.sources) / WORTH) as usize);
    if threads < 2 {
        return None;
    }
    let share = ends.sources.div_ceil(threads);
    let room = |sources: usize| (expected(sources) + ROOM * expected(sources).sqrt()) as usize + 64;
    let firsts = (0..ends.sources).step_by(share);
    let rooms: Vec<usize> = firsts.map(|k| room(share.min(ends.sources - k))).collect();
    let all: usize = rooms.iter().sum();
    u32::try_from(all).ok()?;
    let (mut indptr, mut indices) = (vec![0u32; ends.sources + 1], vec![0u32; all]);
    let counts: Vec<Option<usize>> = std::thread::scope(|scope| {
        let (mut rest, mut workers) = (&mut indices[..], Vec::new());
        for ((k, ends), &room) in indptr[1..].chunks_mut(share).enumerate().zip(&rooms) {
            let (own, others) = rest.split_at_mut(room);
            rest = others;
            workers.push(scope.spawn(move || fill((k * share) as u32, ends, own, drawn)));
        }
        workers.into_iter().map(|worker| worker.join().ok().flatten()).collect()
    });
    let (mut start, mut end) = (0, 0);
    for ((ends, count), room) in indptr[1..].chunks_mut(share).zip(counts).zip(rooms) {
        let count = count?;
        indices.copy_within(start..start + count, end);
        ends.iter_mut().for_each(|row_end| *row_end += end as u32);
        (start, end) = (start + room, end + count);
    }
    indices.truncate(end);
    Some(Synapses { indptr, indices, order: None })
}

/// Fills the rows of sources from `first` on, whose ends within `indices` become known. The number of synapses, where there was
/// room.
fn fill(
    first: u32,
    ends: &mut [u32],
    indices: &mut [u32],
    drawn: &DrawTargets<'_>,
) -> Option<usize> {
    let mut count = 0;
    for (source, end) in (first..).zip(ends) {
        drawn(source, &mut |target| {
            if let Some(place) = indices.get_mut(count) {
                *place = target;
            }
            count += 1;
        });
        *end = count as u32;
    }
    (count <= indices.len()).then_some(count)
}

/// Each of `count` trials succeeds with probability `prob`: instead of drawing every one, the gaps between successes are
/// drawn, which are geometrically distributed.
fn bernoulli(prob: f64, count: usize, mut stream: RandomStream, mut success: impl FnMut(u32)) {
    if prob >= 1.0 {
        (0..count as u32).for_each(success);
        return;
    }
    if prob <= 0.0 {
        return;
    }
    let scale = 1.0 / libm::log1p(-prob);
    let mut at = 0.0;
    loop {
        // the gap is not negative, so this is its floor; what saturates is beyond the end
        at += (libm::log(stream.uniform()) * scale) as i64 as f64;
        if at >= count as f64 {
            return;
        }
        success(at as u32);
        at += 1.0;
    }
}

fn from_pairs(pre: &[u32], post: &[u32], ends: &Ends<'_>) -> Explained<Option<Synapses>> {
    if pre.len() != post.len() {
        return Err(format!(
            "{} sources but {} targets; there must be as many of both",
            pre.len(),
            post.len()
        ));
    }
    in_range(pre, ends.sources, "source")?;
    in_range(post, ends.targets, "target")?;
    let Ok(count) = u32::try_from(pre.len()) else { return Ok(None) };
    // counting sort by source, stable, so that the order of a row is the user's
    let mut indptr = vec![0u32; ends.sources + 1];
    for &source in pre {
        indptr[source as usize + 1] += 1;
    }
    for k in 0..ends.sources {
        indptr[k + 1] += indptr[k];
    }
    let mut next = indptr.clone();
    let mut indices = vec![0; pre.len()];
    let mut order = vec![0; pre.len()];
    for k in 0..count {
        let slot = &mut next[pre[k as usize] as usize];
        indices[*slot as usize] = post[k as usize];
        order[*slot as usize] = k;
        *slot += 1;
    }
    Ok(Some(Synapses { indptr, indices, order: Some(order) }))
}

fn from_rows(indptr: &[u32], indices: &[u32], ends: &Ends<'_>) -> Explained<Option<Synapses>> {
    if indptr.len() != ends.sources + 1 {
        return Err(format!(
            "`indptr` has {} entries; it needs one more than there are sources, {}",
            indptr.len(),
            ends.sources + 1
        ));
    }
    let rising = indptr.windows(2).all(|w| w[0] <= w[1]);
    if indptr[0] != 0 || !rising || *indptr.last().unwrap_or(&0) as usize != indices.len() {
        return Err(format!(
            "`indptr` must rise from 0 to the number of indices, {}",
            indices.len()
        ));
    }
    in_range(indices, ends.targets, "target")?;
    Ok(Some(Synapses { indptr: indptr.to_vec(), indices: indices.to_vec(), order: None }))
}

fn in_range(indices: &[u32], count: usize, what: &str) -> Explained<()> {
    match indices.iter().enumerate().find(|(_, i)| **i as usize >= count) {
        None => Ok(()),
        Some((at, index)) => {
            Err(format!("synapse {at} has {what} {index}; there are {count}, numbered from 0"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u32; 2] = [5, 0];

    fn build(
        connect: &Connect,
        sources: usize,
        targets: usize,
        same_group: bool,
    ) -> Result<Synapses> {
        let ends = Ends { projection: "P", sources, targets, same_group };
        connect.build(&ends, KEY)
    }

    #[test]
    fn all_one_and_self() {
        let all = build(&Connect::all_to_all(), 2, 3, false).unwrap();
        assert_eq!(all.indices, [0, 1, 2, 0, 1, 2]);
        let others = build(&Connect::all_to_all().without_self(), 3, 3, true).unwrap();
        assert_eq!(others.indices, [1, 2, 0, 2, 0, 1]);
        let between = build(&Connect::all_to_all().without_self(), 2, 2, false).unwrap();
        assert_eq!(between.indices, [0, 1, 0, 1]);
        let one = build(&Connect::one_to_one(), 3, 3, false).unwrap();
        assert_eq!((one.indptr, one.indices), (vec![0, 1, 2, 3], vec![0, 1, 2]));
        let error = build(&Connect::one_to_one(), 3, 4, false).unwrap_err().to_string();
        assert!(error.contains("must have one size"), "{error}");
    }

    #[test]
    fn pairs_keep_their_order() {
        let coo = build(&Connect::coo([2, 0, 2], [1, 1, 0]), 3, 2, false).unwrap();
        assert_eq!(coo.indptr, [0, 1, 1, 3]);
        assert_eq!(coo.indices, [1, 1, 0]);
        assert_eq!(coo.order.unwrap(), [1, 0, 2]);
        let error = build(&Connect::coo([3], [0]), 3, 2, false).unwrap_err().to_string();
        assert!(error.contains("synapse 0 has source 3; there are 3"), "{error}");
        let error = build(&Connect::csr([0, 2, 1], [0, 0]), 2, 2, false).unwrap_err().to_string();
        assert!(error.contains("must rise from 0"), "{error}");
    }

    /// Rows that threads fill are those that one fills; where there is no room, there are none.
    #[test]
    fn threads_fill_the_same_rows() {
        let (sources, targets, prob) = (1237, 4001, 0.1);
        let ends = Ends { projection: "P", sources, targets, same_group: false };
        let drawn = |source: u32, success: &mut dyn FnMut(u32)| {
            bernoulli(prob, targets, RandomStream::new(KEY, u64::from(source)), success);
        };
        let wanted = build(&Connect::fixed_prob(prob), sources, targets, false).unwrap();
        let alone = rows(&ends, |source, targets| drawn(source, &mut |t| targets.push(t))).unwrap();
        assert_eq!(alone, wanted);
        for threads in [2, 3, 4] {
            assert_eq!(in_parallel(&ends, prob, threads, &drawn).unwrap(), wanted, "{threads}");
        }
        assert_eq!(in_parallel(&ends, prob, 1, &drawn), None);
        assert_eq!(in_parallel(&ends, prob / 2.0, 3, &drawn), None);
    }

    /// Mean and variance of the degrees of both sides, and of a pair, are those of independent trials.
    #[test]
    fn fixed_probability_is_bernoulli() {
        let (n, p) = (2000, 0.05);
        let s = build(&Connect::fixed_prob(p), n, n, false).unwrap();
        let mut in_degree = vec![0.0; n];
        for &t in &s.indices {
            in_degree[t as usize] += 1.0;
        }
        let out_degree: Vec<f64> = s.indptr.windows(2).map(|w| f64::from(w[1] - w[0])).collect();
        let (mean, variance) = (n as f64 * p, n as f64 * p * (1.0 - p));
        for degrees in [in_degree, out_degree] {
            let m = degrees.iter().sum::<f64>() / n as f64;
            let v = degrees.iter().map(|d| (d - m).powi(2)).sum::<f64>() / n as f64;
            // five standard errors: of the mean, sqrt(v/n); of the variance, about v sqrt(2/n)
            assert!((m - mean).abs() < 5.0 * (variance / n as f64).sqrt(), "{m}");
            assert!((v / variance - 1.0).abs() < 5.0 * (2.0 / n as f64).sqrt(), "{v}");
        }
        // rows rise strictly: no pair twice
        for w in s.indptr.windows(2) {
            assert!(s.indices[w[0] as usize..w[1] as usize].windows(2).all(|p| p[0] < p[1]));
        }
        // first and last target are as likely as any
        let edge = s.indices.iter().filter(|&&t| t == 0 || t as usize == n - 1).count() as f64;
        assert!((edge - 2.0 * mean).abs() < 5.0 * (2.0 * variance).sqrt(), "{edge}");
        assert_eq!(build(&Connect::fixed_prob(0.0), 5, 5, false).unwrap().indices.len(), 0);
        assert_eq!(build(&Connect::fixed_prob(1.0), 5, 5, false).unwrap().indices.len(), 25);
        assert!(build(&Connect::fixed_prob(1.5), 5, 5, false).is_err());
    }
}
