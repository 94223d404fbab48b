//! Counter-based random numbers: Philox 4x32-10 (Salmon et al., 2011, "Parallel random numbers: as easy as 1, 2, 3").
//!
//! A draw is a function of its key and its counter alone, so graphs and initial values are the same on every machine and in
//! every order of evaluation. Functions of real numbers come from `libm`, whose results do not depend on the platform.

use siphasher::sip::SipHasher24;

const MULTIPLIERS: [u32; 2] = [0xd251_1f53, 0xcd9e_8d57];
const WEYL: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];

/// Ten rounds of Philox 4x32.
pub(crate) fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let a = u64::from(MULTIPLIERS[0]) * u64::from(counter[0]);
        let b = u64::from(MULTIPLIERS[1]) * u64::from(counter[2]);
        counter = [
            (b >> 32) as u32 ^ counter[1] ^ key[0],
            b as u32,
            (a >> 32) as u32 ^ counter[3] ^ key[1],
            a as u32,
        ];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

/// What numbers of a node are for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose<'a> {
    /// The draws of a group's model, of a projection's models, of a kernel, of a coupling's terms.
    Element,
    Synapse,
    Output,
    Kernel,
    Coupling,
    /// Of the expressions that are inputs to a variable and have no key, the one after so many others.
    Input(&'a str, u32),
    /// Of an expression that is an input of a key.
    Keyed(&'a str),
    /// Of an expression that is recorded under a key.
    Monitor(&'a str),
    /// Initial values of a variable.
    Initial(&'a str),
    Connectivity,
}

impl Purpose<'_> {
    /// Its name, and what tells it from others of that name.
    fn parts(&self) -> (&'static str, &str, u32) {
        match *self {
            Self::Element => ("element", "", 0),
            Self::Synapse => ("synapse", "", 0),
            Self::Output => ("output", "", 0),
            Self::Kernel => ("kernel", "", 0),
            Self::Coupling => ("coupling", "", 0),
            Self::Input(variable, before) => ("input", variable, before),
            Self::Keyed(key) => ("keyed", key, 0),
            Self::Monitor(key) => ("monitor", key, 0),
            Self::Initial(variable) => ("initial", variable, 0),
            Self::Connectivity => ("connectivity", "", 0),
        }
    }
}

/// The keys of what is drawn for one purpose at one node.
///
/// A key is the SipHash-2-4 (Aumasson and Bernstein, 2012) of these bytes, numbers with the lowest byte first: the seed in 8
/// bytes, the number of the replica in 4, then the purpose's name, what tells it from others of that name, and the node's path, each
/// followed by a byte 0xff, which is in no text, and the purpose's number in 4 bytes. The hash's own key is 0. Its low word is
/// the first of the key. What is not part of these bytes - other nodes, their order, names made up by the library - changes
/// no random number.
pub(crate) struct Keys<'a> {
    pub seed: u64,
    pub purpose: Purpose<'a>,
    /// The node's first path; empty for the target itself.
    pub path: &'a str,
}

impl Keys<'_> {
    /// The key in one replica of the system; what all replicas share is that of replica 0.
    pub(crate) fn of_copy(&self, copy: u32) -> [u32; 2] {
        let (name, which, number) = self.purpose.parts();
        let mut bytes = [&self.seed.to_le_bytes()[..], &copy.to_le_bytes()].concat();
        for text in [name, which, self.path] {
            bytes.extend_from_slice(text.as_bytes());
            bytes.push(0xff);
        }
        bytes.extend_from_slice(&number.to_le_bytes());
        let hash = SipHasher24::new_with_keys(0, 0).hash(&bytes);
        [hash as u32, (hash >> 32) as u32]
    }
}

/// Random numbers of one item (an element, a row) under a key.
#[derive(Debug, Clone)]
pub(crate) struct RandomStream {
    key: [u32; 2],
    counter: [u32; 4],
    words: [u32; 4],
    left: usize,
}

impl RandomStream {
    pub(crate) fn new(key: [u32; 2], item: u64) -> Self {
        // the last word counts
        let counter = [item as u32, (item >> 32) as u32, 0, 0];
        Self { key, counter, words: [0; 4], left: 0 }
    }

    fn word(&mut self) -> u32 {
        if self.left == 0 {
            self.words = philox(self.counter, self.key);
            self.counter[3] = self.counter[3].wrapping_add(1);
            self.left = 4;
        }
        self.left -= 1;
        self.words[3 - self.left]
    }

    /// Uniform in (0, 1), 52 bits.
    pub(crate) fn uniform(&mut self) -> f64 {
        let bits = u64::from(self.word()) << 32 | u64::from(self.word());
        ((bits >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
    }

    /// Normal with mean 0 and standard deviation 1 (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let (u, v) = (self.uniform(), self.uniform());
        libm::sqrt(-2.0 * libm::log(u)) * libm::cos(std::f64::consts::TAU * v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers published with the reference implementation (Random123, kat_vectors).
    #[test]
    fn philox_gives_the_known_answers() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    /// Known answers of the hash, and keys by the standard library's implementation.
    #[test]
    #[allow(deprecated)]
    fn keys_are_hashes() {
        use std::hash::{Hasher, SipHasher};
        // the published vector (Aumasson and Bernstein 2012, appendix A)
        let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        let message: Vec<u8> = (0..15).collect();
        let hash = SipHasher24::new_with_keys(key[0], key[1]).hash(&message);
        assert_eq!(hash, 0xa129_ca61_49be_45e5);
        let keys =
            Keys { seed: 0x0102_0304_0506_0708, purpose: Purpose::Initial("V"), path: "a.b" };
        let mut bytes = vec![8, 7, 6, 5, 4, 3, 2, 1, 9, 0, 0, 0];
        bytes.extend_from_slice(b"initial\xffV\xffa.b\xff\0\0\0\0");
        let mut other = SipHasher::new();
        other.write(&bytes);
        let [low, high] = keys.of_copy(9).map(u64::from);
        assert_eq!(high << 32 | low, other.finish());
    }

    /// No two of what draws share a key.
    #[test]
    fn keys_differ() {
        let purposes = [
            Purpose::Element,
            Purpose::Synapse,
            Purpose::Output,
            Purpose::Kernel,
            Purpose::Coupling,
            Purpose::Connectivity,
            Purpose::Input("x", 0),
            Purpose::Input("x", 1),
            Purpose::Input("xy", 0),
            Purpose::Monitor("x"),
            Purpose::Initial("x"),
            Purpose::Initial("y"),
        ];
        let mut keys = Vec::new();
        for purpose in purposes {
            for path in ["", "x", "y", "x.y", "yx"] {
                for seed in [0, 1, 1 << 32] {
                    let of = Keys { seed, purpose, path };
                    keys.extend([0, 1, u32::MAX].map(|copy| of.of_copy(copy)));
                }
            }
        }
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }

    #[test]
    fn moments() {
        let n = 100_000u64;
        let mut sums = [0.0; 4];
        for item in 0..n {
            let mut stream = RandomStream::new([1, 3], item);
            let (u, z) = (stream.uniform(), stream.normal());
            sums = [sums[0] + u, sums[1] + u * u, sums[2] + z, sums[3] + z * z];
        }
        let [u, uu, z, zz] = sums.map(|s| s / n as f64);
        // five standard errors of each moment
        let close =
            |value: f64, exact: f64, sd: f64| (value - exact).abs() < 5.0 * sd / (n as f64).sqrt();
        assert!(close(u, 0.5, 0.289) && close(uu, 1.0 / 3.0, 0.298), "{u} {uu}");
        assert!(close(z, 0.0, 1.0) && close(zz, 1.0, 1.414), "{z} {zz}");
    }
}
