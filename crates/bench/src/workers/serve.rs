//! A worker: it says that it is there, waits until it is told when to begin, sends its part of the load, and says what it measured.
//! It needs nothing of its cluster: when to begin stands in a file that the kubelet writes, and what it says is its log.

use super::{
    frame::{Begin, Frame, frames, frames_of_lines},
    lines,
    order::Order,
};
use crate::{run, store::Place};
use pilothouse_connect::Clock;
use pilothouse_wire::{Code, Problem, Stamp, units::number};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// How often it says that it waits: as fine is what is known of its clock before the begin.
const BEAT: Duration = Duration::from_millis(200);
/// How often it says how far it is.
const PULSE: Duration = Duration::from_secs(2);
/// So much longer than all may take to come it waits: who asks says so first.
const LONGER: Duration = Duration::from_secs(60);

/// What a worker is given.
pub struct Work {
    /// What all are told.
    pub order: Order,
    /// Its number, from 0.
    pub index: u32,
    /// The file in which it is told when to begin.
    pub barrier: PathBuf,
    /// A folder for what it measures.
    pub folder: PathBuf,
    /// Its clock.
    pub clock: Clock,
}

impl Work {
    /// Does it; each frame goes through `say` at once. Was all of it done?
    pub async fn run(self, mut say: impl FnMut(&Frame)) -> bool {
        match self.work(&mut say).await {
            Ok(()) => true,
            Err(problem) => {
                say(&Frame::Failed(problem));
                false
            }
        }
    }

    async fn work(&self, say: &mut impl FnMut(&Frame)) -> Result<(), Problem> {
        let (plan, share) = self.order.plan_of(self.index)?;
        let begin = self.told(say).await?;
        self.wait(begin).await?;
        let place = Place::at(&self.folder.join(format!("{}-{}.json", self.order.run, self.index)));
        let (clock, requests) = (self.clock.clone(), place.requests.clone());
        let begun = tokio::task::spawn_blocking(move || run::start_share(plan, share, place, clock)).await;
        let broke = |error| Problem::new(Code::Internal, "The run broke as it began.").why(format!("{error}."));
        let mut running = begun.map_err(broke)??;
        let progress = running.progress.clone();
        let mut pulse = tokio::time::interval(PULSE);
        let document = loop {
            tokio::select! {
                document = running.end() => break document?,
                _ = pulse.tick() => {
                    let progress = *progress.borrow();
                    say(&Frame::Sends(progress));
                }
            }
        };
        // Once nothing is sent any more: packing them would make the client late. What cannot be read is not handed over, and
        // that is seen by who asks.
        if let Ok(Ok(packed)) = tokio::task::spawn_blocking(move || lines::pack(&requests)).await {
            frames_of_lines(&packed).iter().for_each(&mut *say);
        }
        frames(&document).iter().for_each(say);
        Ok(())
    }

    /// Waits until it is told when to begin, and holds both clocks against each other.
    async fn told(&self, say: &mut impl FnMut(&Frame)) -> Result<Begin, Problem> {
        let limit = Duration::from_secs_f64(self.order.come_within_s).saturating_add(LONGER);
        let since = Instant::now();
        loop {
            let now = self.clock.now();
            if let Some(begin) = read(&self.barrier) {
                say(&Frame::Told(begin, now));
                return self.checked(begin, now).map(|()| begin);
            }
            say(&Frame::Waits(now));
            if since.elapsed() > limit {
                return Err(Problem::new(Code::TimedOut, "Nobody said when to begin.")
                    .why(format!("It was waited for {} s.", limit.as_secs()))
                    .next("Who asked for the run has given it up, or does not reach this pod."));
            }
            sleep(BEAT).await;
        }
    }

    /// Nothing of ours gets there before it was sent: what was sent later than now, by our clock, was sent by another.
    fn checked(&self, begin: Begin, now: Stamp) -> Result<(), Problem> {
        let seconds = |ms: i64| number(ms as f64 / 1e3, 1);
        let behind = begin.said.0.saturating_sub(now.0);
        if behind > self.order.clocks_within_ms {
            return Err(Problem::new(Code::ClockSkew, "The clock of this worker is behind that of who asks.")
                .why(format!(
                    "By {} s at least, and {} s are allowed.",
                    seconds(behind),
                    seconds(self.order.clocks_within_ms)
                ))
                .next("Set the clock of its node."));
        }
        let late = now.0.saturating_sub(begin.at.0);
        if late > 0 {
            return Err(Problem::new(Code::TimedOut, "It was told to begin too late.")
                .why(format!("The begin was {} s ago, by its clock, as it saw that.", seconds(late)))
                .next(
                    "The kubelet of its node is slow to show what was written, or its clock is ahead: begin again.",
                ));
        }
        Ok(())
    }

    /// Until the begin, by the clock and not by a timer alone: one of both may be set meanwhile.
    async fn wait(&self, begin: Begin) -> Result<(), Problem> {
        loop {
            let now = self.clock.now();
            if now >= begin.at {
                let late = now.since(begin.at);
                // Later than clocks may be apart, and it would not send together with the others.
                return match i64::try_from(late.as_millis()).unwrap_or(i64::MAX) > self.order.clocks_within_ms {
                    true => Err(Problem::new(Code::ClockSkew, "It missed the begin.").why(format!(
                        "It was waiting, and {} ms late: its clock was set, or it was not let run.",
                        late.as_millis()
                    ))),
                    false => Ok(()),
                };
            }
            // In halves: a clock that is set forwards is seen in time.
            let left = begin.at.since(now);
            sleep((left / 2).max(Duration::from_millis(1))).await;
        }
    }
}

/// What stands in the file, once it is whole.
fn read(file: &Path) -> Option<Begin> {
    serde_json::from_str(std::fs::read_to_string(file).ok()?.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::{Heard, heard::End, order};
    use std::sync::{Arc, Mutex};

    fn work(folder: &Path, order: Order) -> Work {
        let (barrier, clock) = (folder.join("begin"), Clock::system());
        Work { order, index: 1, barrier, folder: folder.to_owned(), clock }
    }

    /// Runs a worker that is told this many milliseconds after it waits; what was heard of it.
    async fn heard(begin: impl Fn(Stamp) -> Begin + Send + 'static) -> (bool, Heard) {
        let folder = tempfile::tempdir().unwrap();
        let mut order = order::tests::order(2);
        // Nobody listens there: all fails, and that is handed over, too.
        order.plan.until.requests = Some(50);
        let work = work(folder.path(), order);
        let (file, lines) = (work.barrier.clone(), Arc::new(Mutex::new(Vec::new())));
        let said = Arc::clone(&lines);
        let whole = work
            .run(move |frame| {
                if matches!(frame, Frame::Waits(_)) && said.lock().unwrap().len() == 1 {
                    std::fs::write(&file, serde_json::to_string(&begin(Clock::system().now())).unwrap()).unwrap();
                }
                said.lock().unwrap().push(frame.line("bench-a", 1));
            })
            .await;
        let mut heard = Heard::default();
        heard.take(lines.lock().unwrap().iter().map(String::as_str), "bench-a", 1);
        (whole, heard)
    }

    #[tokio::test]
    async fn a_worker_waits_begins_and_hands_over_what_it_measured() {
        let (whole, heard) = heard(|now| Begin { at: now.plus(Duration::from_millis(600)), said: now }).await;
        let Some(End::Document(document)) = heard.end() else { panic!("{heard:?}") };
        assert!(whole && heard.waits.is_some() && heard.told.is_some(), "{heard:?}");
        let (begin, seen) = heard.told.unwrap();
        assert!(seen >= begin.said && document.began >= begin.at, "{begin:?} {seen} {}", document.began);
        assert!(document.began.since(begin.at) < Duration::from_millis(500), "{}", document.began);
        assert_eq!(document.plan.load, crate::plan::Load::Closed { concurrency: 32 });
        let (requests, handed) = heard.requests().unwrap();
        assert!(!requests.is_empty() && handed.lines == handed.of, "{handed:?}");
        assert!(requests.iter().all(|sample| sample.n % 2 == 1), "{requests:?}");
    }

    #[tokio::test]
    async fn who_is_behind_or_late_does_not_begin() {
        for (said_ms, at_ms, want) in [(5_000, 9_000, "behind that of who asks"), (-9_000, -500, "too late")] {
            let (whole, heard) =
                heard(move |now| Begin { at: Stamp(now.0 + at_ms), said: Stamp(now.0 + said_ms) }).await;
            let Some(End::Failed(problem)) = heard.end() else { panic!("{heard:?}") };
            assert!(!whole && problem.what.contains(want), "{problem}");
        }
    }
}
