//! Random texts, as many as wanted.

use std::time::{Duration, Instant};

use dsrunner::Error;

use crate::engines::gpu;
use crate::execute::difference;
use crate::generate;
use crate::shrink::shrunk;
use crate::text::Text;

/// How many are tried where nothing else is said.
const MODELS: u64 = 300;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// What became of a text.
enum Outcome {
    Same,
    /// It has no derivative, or it has numbers that are refused: naga evaluates `let` of constants, too.
    Refused,
    Failed(String),
}

fn one(seed: u64, gpu: Option<&str>) -> Outcome {
    let text = generate::text(seed);
    let failed = |what: String, text: &Text| {
        Outcome::Failed(format!("seed {seed}: {what}\n{}", text.source(false)))
    };
    match difference(&text, seed, gpu) {
        Ok(None) => Outcome::Same,
        Ok(Some(found)) => {
            let differs = |text: &_| matches!(difference(text, seed, gpu), Ok(Some(_)));
            let short = shrunk(&text, differs);
            let in_short = difference(&short, seed, gpu).ok().flatten();
            failed(in_short.unwrap_or(found).to_string(), &short)
        }
        Err(Error::NotDifferentiable { .. }) => Outcome::Refused,
        Err(error) if error.to_string().contains("naga cannot write back") => Outcome::Refused,
        Err(error) => failed(error.to_string(), &text),
    }
}

#[test]
fn engines_agree_on_random_models() {
    let gpu = gpu();
    let first = setting("DSRUNNER_BITS_SEED");
    let end = setting("DSRUNNER_BITS_SECONDS").map(|s| Instant::now() + Duration::from_secs(s));
    let models =
        setting("DSRUNNER_BITS_MODELS").unwrap_or(if first.is_some() { 1 } else { MODELS });
    let (mut tried, mut refused, mut failures) = (0, 0, Vec::new());
    while end.map_or(tried < models, |end| Instant::now() < end) && failures.len() < 10 {
        match one(first.unwrap_or(0) + tried, gpu.as_deref()) {
            Outcome::Same => {}
            Outcome::Refused => refused += 1,
            Outcome::Failed(what) => failures.push(what),
        }
        tried += 1;
    }
    println!("{tried} texts, {refused} of them refused, {} failures", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(2 * refused < tried || tried < 10, "{refused} of {tried} texts are refused");
}
