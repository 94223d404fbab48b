//! Counter-based random numbers: Philox 4x32-10 (Salmon et al., 2011, "Parallel random numbers: as easy as 1, 2, 3").
//!
//! A draw is a function of the seed, the stream and the counter alone, so graphs and initial values are the same on every
//! machine and in every order of evaluation. Functions of real numbers come from `libm`, whose results do not depend on
//! the platform.

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

/// What a stream of numbers is for; streams of different purpose are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Initial = 1,
    Connectivity = 2,
}

/// Random numbers of one item (an element, a row) of one node.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    key: [u32; 2],
    counter: [u32; 4],
    words: [u32; 4],
    left: usize,
}

impl Stream {
    /// The numbers of `item` for one purpose of one node: `part` tells its variables apart.
    pub(crate) fn new(seed: u64, purpose: Purpose, node: u32, part: u32, item: u64) -> Self {
        let key = [seed as u32, (seed >> 32) as u32];
        // word 1 counts draws; the top bits of word 3 keep these streams apart from those of the models' own draws
        let counter = [
            item as u32,
            0,
            node ^ ((item >> 32) as u32).rotate_left(16),
            (purpose as u32) << 30 | part,
        ];
        Self { key, counter, words: [0; 4], left: 0 }
    }

    /// The stream of another copy of the system than the first.
    pub(crate) fn of_copy(mut self, copy: u32) -> Self {
        // as in `random.wgsl`
        self.key[1] ^= copy.wrapping_mul(0x85eb_ca6b);
        self
    }

    fn word(&mut self) -> u32 {
        if self.left == 0 {
            self.words = philox(self.counter, self.key);
            self.counter[1] = self.counter[1].wrapping_add(1);
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

    #[test]
    fn moments() {
        let n = 100_000u64;
        let mut sums = [0.0; 4];
        for item in 0..n {
            let mut stream = Stream::new(1, Purpose::Initial, 3, 0, item);
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
