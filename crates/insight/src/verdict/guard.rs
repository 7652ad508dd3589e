//! Whether a comparison may be judged at all: both arms had the same machine, the client kept up, and what failed did not
//! choose what was measured.

use super::words;
use serde::{Deserialize, Serialize};

/// By how much the shares of failed requests of two arms may differ: a latency is of those that were answered.
const MOST_ERRORS_APART: f64 = 0.01;

/// The lowest and the highest of what was read.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// The lowest.
    pub low: f64,
    /// The highest.
    pub high: f64,
}

impl Range {
    fn with(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    fn meets(self, other: Self) -> bool {
        self.low <= other.high && other.low <= self.high
    }
}

/// Under which conditions a block ran, warm-up left out. What was not measured is absent, and is not taken for well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    /// Clocks of the GPU's multiprocessors while it worked, in MHz.
    pub clock_mhz: Option<Range>,
    /// Caps on the GPU's power, in watts.
    pub power_cap_w: Option<Range>,
    /// Temperatures of the GPU, in °C.
    pub temperature_c: Option<Range>,
    /// The client could not keep its own schedule, or had no processor left: the server could have done more.
    pub client_was_limit: bool,
    /// The machine slept meanwhile, and with it whoever was measured on it.
    #[serde(default)]
    pub slept: bool,
    /// Requests that were sent.
    pub requests: u64,
    /// Those of them that failed, or were open still when their time was over.
    pub failed: u64,
}

/// What is read of the machine in each block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// Clocks of the multiprocessors.
    Clock,
    /// Caps on power.
    PowerCap,
    /// Temperatures.
    Temperature,
}

impl Reading {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Clock, Self::PowerCap, Self::Temperature];

    fn of(self, conditions: &Conditions) -> Option<Range> {
        match self {
            Self::Clock => conditions.clock_mhz,
            Self::PowerCap => conditions.power_cap_w,
            Self::Temperature => conditions.temperature_c,
        }
    }

    /// From the lowest to the highest of all blocks; none if one of them was not measured.
    fn over(self, blocks: &[&Conditions]) -> Option<Range> {
        blocks.iter().map(|block| self.of(block)).reduce(|all, one| Some(all?.with(one?))).flatten()
    }
}

/// One arm's blocks, as the guard looks at them.
pub(super) struct Arm<'a> {
    pub(super) name: &'a str,
    pub(super) blocks: Vec<&'a Conditions>,
}

impl Arm<'_> {
    fn failed(&self) -> f64 {
        let sum = |of: fn(&Conditions) -> u64| self.blocks.iter().map(|block| of(block)).sum::<u64>() as f64;
        sum(|block| block.failed) / sum(|block| block.requests).max(1.0)
    }
}

/// Why two arms may not be compared, if they may not.
pub(super) fn fault(baseline: &Arm<'_>, candidate: &Arm<'_>) -> Option<String> {
    let all = || baseline.blocks.iter().chain(&candidate.blocks);
    type Lost = (fn(&Conditions) -> bool, fn(usize, usize) -> String);
    let lost: [Lost; 2] =
        [(|block| block.slept, words::slept), (|block| block.client_was_limit, words::client_was_limit)];
    for (is_lost, said) in lost {
        match all().filter(|block| is_lost(block)).count() {
            0 => {}
            blocks => return Some(said(blocks, all().count())),
        }
    }
    for reading in Reading::ALL {
        let [one, other] = [baseline, candidate].map(|arm| reading.over(&arm.blocks));
        if let (Some(one), Some(other)) = (one, other)
            && !one.meets(other)
        {
            return Some(words::apart(reading, (baseline.name, one), (candidate.name, other)));
        }
    }
    let (one, other) = (baseline.failed(), candidate.failed());
    ((one - other).abs() > MOST_ERRORS_APART)
        .then(|| words::errors_apart((baseline.name, one), (candidate.name, other), MOST_ERRORS_APART))
}

/// What could not be held against each other, since it was not measured in each block of both arms.
pub(super) fn unchecked(baseline: &Arm<'_>, candidate: &Arm<'_>) -> Vec<Reading> {
    let is_known = |reading: &Reading| [baseline, candidate].iter().all(|arm| reading.over(&arm.blocks).is_some());
    Reading::ALL.into_iter().filter(|reading| !is_known(reading)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well() -> Conditions {
        Conditions {
            clock_mhz: Some(Range { low: 1_950.0, high: 1_980.0 }),
            power_cap_w: Some(Range { low: 700.0, high: 700.0 }),
            temperature_c: Some(Range { low: 60.0, high: 66.0 }),
            client_was_limit: false,
            slept: false,
            requests: 1_000,
            failed: 2,
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Conditions), fault_has: Option<&str>, not_checked: &[Reading]) {
        let (one, mut other) = (well(), well());
        change(&mut other);
        let baseline = Arm { name: "now", blocks: vec![&one, &one] };
        let candidate = Arm { name: "next", blocks: vec![&other, &other] };
        let (there, back) = (fault(&baseline, &candidate), fault(&candidate, &baseline));
        match fault_has {
            Some(words) => assert!(there.as_ref().is_some_and(|why| why.contains(words)), "{there:?}"),
            None => assert_eq!(there, None),
        }
        assert_eq!(there.is_some(), back.is_some(), "either way round");
        assert_eq!(unchecked(&baseline, &candidate), not_checked);
    }

    #[test]
    fn equal_conditions_may_be_compared() {
        check(|_| (), None, &[]);
    }

    #[test]
    fn ranges_that_meet_may_be_compared() {
        check(|other| other.temperature_c = Some(Range { low: 66.0, high: 71.0 }), None, &[]);
    }

    #[test]
    fn clocks_that_do_not_meet() {
        let slow = Some(Range { low: 1_200.0, high: 1_410.0 });
        check(|other| other.clock_mhz = slow, Some("1,950 to 1,980 MHz in now, 1,200 to 1,410 MHz in next"), &[]);
    }

    #[test]
    fn caps_that_differ() {
        let cap = Some(Range { low: 600.0, high: 600.0 });
        check(|other| other.power_cap_w = cap, Some("700 W in now, 600 W in next"), &[]);
    }

    #[test]
    fn temperatures_that_do_not_meet() {
        let hot = Some(Range { low: 80.0, high: 85.0 });
        check(|other| other.temperature_c = hot, Some("60 to 66 °C in now, 80 to 85 °C in next"), &[]);
    }

    #[test]
    fn the_client_was_the_limit() {
        check(|other| other.client_was_limit = true, Some("the client was the limit in 2 of 4 blocks"), &[]);
    }

    #[test]
    fn the_machine_slept() {
        check(|other| other.slept = true, Some("the machine slept in 2 of 4 blocks"), &[]);
    }

    #[test]
    fn one_arm_fails_more() {
        check(|other| other.failed = 30, Some("0.2 % of requests were not answered in now, 3 % in next"), &[]);
        check(|other| other.failed = 11, None, &[]);
    }

    #[test]
    fn what_was_not_measured_is_said_and_not_taken_for_well() {
        check(|other| other.clock_mhz = None, None, &[Reading::Clock]);
        check(|other| (other.power_cap_w, other.temperature_c) = (None, None), None, &Reading::ALL[1..]);
    }
}
