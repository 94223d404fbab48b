//! A kind of input, tried again and again.

use std::io::{Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::memory;
use crate::mutate::mutate;

pub struct Target<'a> {
    pub name: &'a str,
    /// What is valid.
    pub inputs: Vec<Vec<u8>>,
    /// Pieces that the format is made of.
    pub words: &'a [&'a str],
    /// How many are tried where no time is given.
    pub count: u64,
    /// The most memory that an input may take.
    pub cap: fn(&[u8]) -> usize,
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

impl Target<'_> {
    /// Tries inputs; `run` says whether one is valid all the same.
    pub fn run(&self, mut run: impl FnMut(&[u8]) -> bool) {
        for input in &self.inputs {
            assert!(run(input), "{}: an input is not valid before it is damaged", self.name);
        }
        if let Some(seed) = setting("DSRUNNER_DAMAGE_SEED") {
            self.one(seed, &mut run);
            return;
        }
        // a stack that overflows ends the process at once, so what is tried now is in a file
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("damage-{}", self.name));
        let mut file = std::fs::File::create(&path).unwrap();
        let end =
            setting("DSRUNNER_DAMAGE_SECONDS").map(|s| Instant::now() + Duration::from_secs(s));
        let (mut tried, mut valid, mut most) = (0, 0, 0);
        while end.map_or(tried < self.count, |end| Instant::now() < end) {
            file.rewind().unwrap();
            write!(file, "{tried:20}").unwrap();
            let (ok, peak) = self.one(tried, &mut run);
            valid += u64::from(ok);
            most = most.max(peak);
            tried += 1;
        }
        println!("{}: {tried} inputs, {valid} of them valid, at most {most} bytes", self.name);
    }

    fn one(&self, seed: u64, run: &mut impl FnMut(&[u8]) -> bool) -> (bool, usize) {
        let mut rng = Rng::with_seed(seed);
        let input = &self.inputs[rng.usize(..self.inputs.len())];
        let bytes = mutate(&mut rng, input, &self.inputs, self.words);
        let cap = (self.cap)(&bytes);
        let started = Instant::now();
        let (result, most) = memory::within(cap, || catch_unwind(AssertUnwindSafe(|| run(&bytes))));
        let took = started.elapsed();
        let failed = |what: String| -> ! {
            let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
            let path = path.join(format!("damage-{}-{seed}", self.name));
            std::fs::write(&path, &bytes).unwrap();
            panic!("{}, seed {seed}: {what}; the input is in {}", self.name, path.display());
        };
        if took > Duration::from_secs(20) {
            failed(format!("took {took:?}"));
        }
        match (result, most) {
            (Ok(valid), Ok(most)) => (valid, most),
            (Err(_), _) => failed("panicked".into()),
            (_, Err(most)) => failed(format!("asked for {most} bytes, where {cap} are allowed")),
        }
    }
}
