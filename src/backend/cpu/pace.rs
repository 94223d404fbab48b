//! Whether helpers pay.
//!
//! On a quiet machine they do, and nothing but the waiting is looked at. Where the owner waits for a good part of the time,
//! which a processor that was taken from a helper makes it do, a window of steps is executed alone; whichever took less time a step
//! goes on. The other one is tried again after a while, which doubles each time that it was not worth it.

use std::time::{Duration, Instant};

/// The least time for which one way is measured: some turns of an operating system's scheduler.
const WINDOW: Duration = Duration::from_millis(5);

/// The share of the time that the owner may wait before it has a look at the alternative. Parts of unequal length cost less.
const SUSPICIOUS: f64 = 0.25;

/// The shortest and the longest time between two trials.
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// How the tasks of a step are done, and what that costs.
#[derive(Debug)]
pub(super) struct Pace {
    alone: bool,
    /// Whether this window is to tell if the other way is better.
    trial: bool,
    window: Window,
    /// Seconds a step took in the last window of the other way.
    other: f64,
    /// No trial before.
    rests_until: Option<Instant>,
    rest: Duration,
}

#[derive(Debug, Default)]
struct Window {
    steps: usize,
    calls: usize,
    busy: Duration,
    waited: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            alone: false,
            trial: false,
            window: Window::default(),
            other: f64::INFINITY,
            rests_until: None,
            rest: SHORTEST,
        }
    }
}

impl Pace {
    pub(super) fn is_alone(&self) -> bool {
        self.alone
    }

    /// Steps took that long, for part of which the owner waited.
    pub(super) fn ran(&mut self, busy: Duration, waited: Duration) {
        self.window.calls += 1;
        self.window.busy += busy;
        self.window.waited += waited;
    }

    /// So many steps are over.
    pub(super) fn executed(&mut self, steps: usize, now: Instant) {
        let window = &mut self.window;
        window.steps += steps;
        if window.busy < WINDOW || window.calls < 2 {
            return;
        }
        let cost = window.busy.as_secs_f64() / window.steps as f64;
        let waits = window.waited.as_secs_f64() > SUSPICIOUS * window.busy.as_secs_f64();
        *window = Window::default();
        let rests = self.rests_until.is_some_and(|until| now < until);
        if self.trial {
            self.trial = false;
            let better = cost < self.other;
            if !better {
                self.alone = !self.alone;
            }
            self.rest = if better { SHORTEST } else { (2 * self.rest).min(LONGEST) };
            self.rests_until = Some(now + self.rest);
        } else if !rests && (self.alone || waits) {
            self.trial = true;
            self.other = cost;
            self.alone = !self.alone;
        } else if !rests {
            self.rest = SHORTEST;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps of some microseconds until the time is over: with helpers that take a part of the work from the owner and make it
    /// wait, or alone. Gives the seconds that all steps took, and the share of those that were executed alone.
    fn simulated(pace: &mut Pace, start: &mut Instant, seconds: f64, waits: f64) -> (f64, f64) {
        const ALONE: f64 = 100e-6;
        const WORK: f64 = 50e-6;
        let (mut steps, mut alone) = (0.0, 0.0);
        let mut took = 0.0;
        while took < seconds {
            let (busy, waited) = if pace.is_alone() { (ALONE, 0.0) } else { (WORK + waits, waits) };
            alone += f64::from(u8::from(pace.is_alone()));
            steps += 1.0;
            took += busy;
            *start += Duration::from_secs_f64(busy);
            pace.ran(Duration::from_secs_f64(busy), Duration::from_secs_f64(waited));
            pace.executed(1, *start);
        }
        (took / (steps * ALONE), alone / steps)
    }

    #[test]
    fn a_quiet_machine_keeps_its_helpers() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        let (_, alone) = simulated(&mut pace, &mut now, 3.0, 5e-6);
        assert_eq!(alone, 0.0);
    }

    /// Parts of unequal length make the owner wait, but helpers pay.
    #[test]
    fn uneven_parts_cost_a_trial_now_and_then() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        let (_, alone) = simulated(&mut pace, &mut now, 3.0, 30e-6);
        assert!(alone > 0.0 && alone < 0.02, "{alone}");
    }

    #[test]
    fn helpers_that_lose_their_processor_are_given_up_and_taken_back() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        simulated(&mut pace, &mut now, 1.0, 5e-6);
        let (slower, alone) = simulated(&mut pace, &mut now, 3.0, 2e-3);
        assert!(slower < 1.2 && alone > 0.98, "{slower} {alone}");
        let (faster, alone) = simulated(&mut pace, &mut now, 10.0, 5e-6);
        assert!(faster < 0.65 && alone < 0.1, "{faster} {alone}");
    }
}
