//! Random texts, as many as wanted.

use std::time::{Duration, Instant};

use crate::engines::gpu;
use crate::generate;
use crate::play::difference;
use crate::shrink::shrunk;

/// How many are tried where nothing else is said.
const MODELS: u64 = 300;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

#[test]
fn engines_agree_on_random_models() {
    let gpu = gpu();
    let mut failures = Vec::new();
    let mut one = |seed: u64| {
        let text = generate::text(seed);
        let found = match difference(&text, seed, gpu.as_deref()) {
            Ok(found) => found,
            Err(dsrunner::Error::NotDifferentiable { .. }) => return false,
            Err(error) if error.to_string().contains("write back") => {
                println!("seed {seed}: {error}");
                return false;
            }
            Err(error) => panic!("seed {seed}: {error}\n{}", text.source(false)),
        };
        if let Some(first) = found {
            let differs = |text: &_| matches!(difference(text, seed, gpu.as_deref()), Ok(Some(_)));
            let short = shrunk(&text, differs);
            let found = difference(&short, seed, gpu.as_deref());
            failures.push(format!("seed {seed}: {first:?}\nin short {found:?}\n{}", short.source(false)));
            println!("{}", failures[failures.len() - 1]);
        }
        true
    };
    if let Some(seed) = setting("DSRUNNER_BITS_SEED") {
        one(seed);
        return;
    }
    let end = setting("DSRUNNER_BITS_SECONDS").map(|s| Instant::now() + Duration::from_secs(s));
    let models = setting("DSRUNNER_BITS_MODELS").unwrap_or(MODELS);
    let (mut tried, mut played) = (0, 0);
    while end.map_or(tried < models, |end| Instant::now() < end) {
        played += u64::from(one(tried));
        if std::env::var_os("STOP").is_some() && tried % 20 == 0 { println!("{tried}"); }
        tried += 1;
    }
    println!("{tried} texts, {played} of them played");
    assert!(failures.is_empty(), "{} failures", failures.len());
}
