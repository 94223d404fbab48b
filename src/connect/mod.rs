//! Connectivity: which elements of one group are connected to which of another.

mod build;
#[cfg(feature = "files")]
pub(crate) mod files;

pub(crate) use build::{Ends, Synapses};

use std::sync::Arc;

/// Which elements are connected.
///
/// ```
/// use dsrunner::{Connect, Projection, neurons};
///
/// let group = neurons::lif(1000);
/// let recurrent = Projection::new(&group, &group).connect(Connect::fixed_prob(0.02).without_self());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Connect {
    pub(crate) rule: ConnectRule,
    pub(crate) include_self: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ConnectRule {
    AllToAll,
    OneToOne,
    FixedProb(f64),
    Coo { pre: Arc<[u32]>, post: Arc<[u32]> },
    Csr { indptr: Arc<[u32]>, indices: Arc<[u32]> },
}

impl Connect {
    fn new(rule: ConnectRule) -> Self {
        Self { rule, include_self: true }
    }

    /// Every source with every target.
    pub fn all_to_all() -> Self {
        Self::new(ConnectRule::AllToAll)
    }

    /// Source k with target k; the groups have one size.
    pub fn one_to_one() -> Self {
        Self::new(ConnectRule::OneToOne)
    }

    /// Each pair with probability `prob`, independently of all others (Bernoulli). Drawn from the runner's seed and the
    /// projection's [path](crate#random-numbers), in time and memory proportional to the number of synapses.
    pub fn fixed_prob(prob: f64) -> Self {
        Self::new(ConnectRule::FixedProb(prob))
    }

    /// The pairs `(pre[k], post[k])`, in any order; weights given per synapse are in the same order. A pair may stand
    /// there several times.
    pub fn coo(pre: impl Into<Vec<u32>>, post: impl Into<Vec<u32>>) -> Self {
        Self::new(ConnectRule::Coo { pre: pre.into().into(), post: post.into().into() })
    }

    /// Rows by source: the targets of source k are `indices[indptr[k]..indptr[k + 1]]`.
    pub fn csr(indptr: impl Into<Vec<u32>>, indices: impl Into<Vec<u32>>) -> Self {
        Self::new(ConnectRule::Csr { indptr: indptr.into().into(), indices: indices.into().into() })
    }

    /// Leaves out the pairs of an element with itself, where source and target are one group. Not for pairs that are given
    /// as arrays.
    pub fn without_self(mut self) -> Self {
        self.include_self = false;
        self
    }
}
