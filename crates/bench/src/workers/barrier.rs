//! When all begin: once each is there and no clock is known to be apart; or never, and then because of whom.

use super::clock::{Clock, Judged};
use pilothouse_wire::{Code, Problem, Stamp, units::number};
use std::time::Duration;

/// So long before the begin it is said: a kubelet shows a pod's new annotation to its container within a second or two.
const LEAD: Duration = Duration::from_secs(10);

/// The begin that workers wait for.
#[derive(Clone, Debug, PartialEq)]
pub struct Barrier {
    /// How many there are to be.
    pub workers: u32,
    /// How long they may take to come.
    pub within: Duration,
    /// How far clocks may be apart, in milliseconds.
    pub clocks_within_ms: i64,
}

/// Where one worker is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seat {
    /// How its pod is, in words; none where there is no pod.
    pub pod: Option<String>,
    /// Did it end before the begin, and how?
    pub over: Option<String>,
    /// Has it said that it waits?
    pub waits: bool,
    /// What is known of its clock.
    pub clock: Clock,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Not all are there: who is not.
    Wait(String),
    /// All begin then.
    Begin(Stamp),
    /// There will be no begin.
    GiveUp(Problem),
}

impl Barrier {
    /// What comes next, by where each worker is. `since` is when they were asked for.
    #[must_use]
    pub fn next(&self, seats: &[Seat], since: Stamp, now: Stamp) -> Next {
        let of = self.workers;
        let named = || (0..of).zip(seats.iter().map(Some).chain(std::iter::repeat(None)));
        let within_s = number(self.clocks_within_ms as f64 / 1e3, 1);
        for (index, seat) in named() {
            let Some(seat) = seat else { continue };
            if let Some(how) = &seat.over {
                return Next::GiveUp(
                    Problem::new(Code::Cut, format!("Worker {index} of {of} ended before the begin."))
                        .why(format!("{how}."))
                        .next("Nothing was sent. See its log, and check the image: it has to be of this version."),
                );
            }
            if seat.clock.may_begin(self.clocks_within_ms) == Judged::Apart {
                return Next::GiveUp(
                    Problem::new(Code::ClockSkew, format!("The clock of worker {index} of {of} is not ours."))
                        .why(format!("{}; within {within_s} s they would be taken for the same.", seat.clock.words()))
                        .next(
                            "Nothing was sent. Set the clock of its node, or this one; or allow more: --clocks-within.",
                        ),
                );
            }
        }
        let missing: Vec<String> = named().filter_map(|(index, seat)| self.missing(index, seat)).collect();
        if missing.is_empty() {
            return Next::Begin(now.plus(LEAD));
        }
        let said = missing.join("; ");
        if now.since(since) < self.within {
            return Next::Wait(said);
        }
        let what = format!("{} of {of} workers did not come within {} s.", missing.len(), self.within.as_secs());
        Next::GiveUp(
            Problem::new(Code::TimedOut, what)
                .why(format!("{said}."))
                .next("Nothing was sent. See why their pods do not run, or give them longer: --come-within."),
        )
    }

    /// Why it is not there.
    fn missing(&self, index: u32, seat: Option<&Seat>) -> Option<String> {
        let seat = seat.filter(|seat| seat.pod.is_some() || seat.waits);
        let Some(seat) = seat else { return Some(format!("worker {index} has no pod")) };
        if !seat.waits {
            let how = seat.pod.as_deref().unwrap_or("it is not known how its pod is");
            return Some(format!("worker {index}: {how}"));
        }
        match seat.clock.may_begin(self.clocks_within_ms) {
            Judged::Within => None,
            _ => Some(format!("worker {index}: whether its clock is behind cannot be told, {}", seat.clock.words())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SINCE: Stamp = Stamp(1_000_000);

    fn barrier() -> Barrier {
        Barrier { workers: 3, within: Duration::from_secs(60), clocks_within_ms: 1_000 }
    }

    fn there(most_ms: i64) -> Seat {
        let clock = Clock { least_ms: None, most_ms: Some(most_ms) };
        Seat { pod: Some("it runs".into()), over: None, waits: true, clock }
    }

    fn coming(how: &str) -> Seat {
        Seat { pod: Some(how.into()), ..Seat::default() }
    }

    #[track_caller]
    fn check(seats: &[Seat], after_s: u64, want: &str) {
        let now = SINCE.plus(Duration::from_secs(after_s));
        let said = match barrier().next(seats, SINCE, now) {
            Next::Wait(who) => format!("wait: {who}"),
            Next::Begin(at) => format!("begin in {} s", at.since(now).as_secs()),
            Next::GiveUp(problem) => format!("give up: {problem}"),
        };
        assert!(said.contains(want), "{want}: {said}");
    }

    #[test]
    fn all_begin_once_all_are_there() {
        check(&[], 0, "wait: worker 0 has no pod; worker 1 has no pod; worker 2 has no pod");
        check(&[there(80), there(10)], 5, "wait: worker 2 has no pod");
        let pulls = coming("ImagePullBackOff");
        check(&[there(80), pulls.clone(), there(40)], 59, "wait: worker 1: ImagePullBackOff");
        check(&[there(80), there(-400), there(900)], 59, "begin in 10 s");
        // Late, but all are there.
        check(&[there(80), there(-400), there(900)], 600, "begin in 10 s");
        check(
            &[there(80), pulls, there(40)],
            60,
            "give up: 1 of 3 workers did not come within 60 s. worker 1: ImagePullBackOff",
        );
        check(&[there(80), Seat::default()], 60, "2 of 3 workers did not come");
    }

    #[test]
    fn who_is_over_or_apart_keeps_all_from_beginning() {
        let over = Seat { over: Some("exit code 137, OOMKilled".into()), ..there(10) };
        check(&[there(10), over, there(10)], 3, "give up: Worker 1 of 3 ended before the begin. exit code 137");
        check(
            &[there(10), there(10), there(-1_200)],
            3,
            "The clock of worker 2 of 3 is not ours. ours is 1.20 s behind at most",
        );
        // Behind, or only slow to be heard: nobody can tell yet.
        check(&[there(10), there(10), there(4_000)], 3, "wait: worker 2: whether its clock is behind cannot be told");
        check(&[there(10), there(10), there(4_000)], 60, "give up: 1 of 3 workers did not come");
    }
}
