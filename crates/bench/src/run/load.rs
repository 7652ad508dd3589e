//! The load itself: who sends when, and what is taken down of each request.

use super::{ARRIVALS, ROOM, Stop, first};
use crate::{
    client::Client,
    failure::{Failure, Kind, patience},
    lateness,
    pace::{Due, pace},
    plan::{Load, MOST_AT_A_TIME, Manner, Plan},
    prompts::{Maker, Ready, Turn},
    sample::{End, Sample},
    stamped::since,
    trace::Past,
    workers::Share,
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::{
    sync::{Semaphore, mpsc, oneshot, watch},
    time::{Instant, sleep, sleep_until, timeout},
};

/// What sends requests.
pub(super) struct LoadOn {
    pub client: Client,
    pub maker: Maker,
    /// What is drawn of those who send begins with it.
    pub seed: u64,
    /// Requests that were sent and are not over.
    pub under_way: Arc<AtomicU64>,
    pub begin: Instant,
    pub timeout: Duration,
    /// The part of all requests that is sent here.
    pub share: Share,
    /// The run's name: requests are called after it.
    pub run: String,
    pub samples: mpsc::Sender<Sample>,
    pub stopped: watch::Receiver<Option<Stop>>,
}

/// Makes the load, until all that was sent has ended. What was seen of the client's own lateness comes back.
pub(super) async fn drive(
    load: Arc<LoadOn>,
    plan: &Plan,
    past: Vec<Past>,
    stop: &watch::Sender<Option<Stop>>,
) -> crate::spread::Recorder {
    let (end, ended) = oneshot::channel();
    let watching = tokio::spawn(lateness::watch(ended));
    let (begin, drain) = (load.begin, Duration::from_secs_f64(plan.drain_s));
    let last = plan.until.seconds.map(|seconds| begin + Duration::from_secs_f64(seconds) + drain);
    {
        let all = async {
            match &plan.load {
                Load::Closed { concurrency } => closed(&load, *concurrency, plan).await,
                Load::Open { .. } | Load::Trace { .. } => open(&load, plan, past).await,
            }
        };
        let mut all = std::pin::pin!(all);
        tokio::select! {
            () = &mut all => {}
            () = at(last) => {
                first(stop, Stop::Drained);
                all.await;
            }
        }
    }
    drop(load);
    let _ = end.send(());
    watching.await.unwrap_or_default()
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// So many at a time: each sends its next once it has its answer, and has thought about it where somebody thinks.
async fn closed(load: &Arc<LoadOn>, concurrency: u32, plan: &Plan) {
    let (next, talks) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let until = plan.until;
    let ramp = plan.manner.ramp;
    let all = ramp.map_or_else(|| vec![(0.0, None); concurrency as usize], |ramp| ramp.people(concurrency));
    let people = all.into_iter().map(|(begins, leaves)| {
        let (load, next, talks) = (Arc::clone(load), Arc::clone(&next), Arc::clone(&talks));
        tokio::spawn(async move {
            let later = |seconds: f64| Duration::try_from_secs_f64(seconds).map_or(load.begin, |of| load.begin + of);
            let over = [until.seconds, leaves].into_iter().flatten().map(later).min();
            if begins > 0.0 {
                tokio::select! {
                    () = sleep_until(later(begins)) => {}
                    () = at(over) => return,
                    () = load.stop() => return,
                }
            }
            let (mut in_a_row, mut talk) = (0, Talk::default());
            while !load.is_stopped() && over.is_none_or(|over| Instant::now() < over) {
                let n = load.share.nth(next.fetch_add(1, Ordering::Relaxed));
                if until.requests.is_some_and(|most| n >= most) {
                    return;
                }
                let manner = load.maker.manner();
                let failure = match manner.turns {
                    Some(turns) => talk.go_on(&load, n, turns, &talks).await,
                    None => load.one(n, since(load.begin), load.maker.make(n, None), None).await.0,
                };
                let pause = match &failure {
                    Some(failure) => {
                        in_a_row += 1;
                        patience(failure, in_a_row)
                    }
                    None => {
                        in_a_row = 0;
                        manner.thinks(load.seed, n)
                    }
                };
                if pause.is_zero() {
                    continue;
                }
                tokio::select! {
                    () = sleep(pause) => {}
                    () = at(over) => return,
                    () = load.stop() => return,
                }
            }
        })
    });
    for person in people.collect::<Vec<_>>() {
        let _ = person.await;
    }
}

/// What one of a closed loop has said so far, and heard.
#[derive(Default)]
struct Talk {
    of: u64,
    at: u32,
    said: Vec<Value>,
}

impl Talk {
    /// Says what comes next, or begins a new one where this is over. A turn without an answer ends it.
    async fn go_on(&mut self, load: &LoadOn, n: u64, turns: u32, talks: &AtomicU64) -> Option<Failure> {
        let next = |talk: &Self| load.maker.turn(n, Turn { of: talk.of, at: talk.at, before: &talk.said });
        let going_on = (self.at > 0 && self.at < turns).then(|| next(self)).flatten();
        let (ready, said) = match going_on {
            Some(turn) => turn,
            None => {
                *self = Self { of: load.share.nth(talks.fetch_add(1, Ordering::Relaxed)), ..Self::default() };
                // The first turn of a conversation is always there.
                next(self)?
            }
        };
        let mut heard = String::new();
        let (failure, answered) = load.one(n, since(load.begin), ready, Some(&mut heard)).await;
        if answered {
            self.said
                .extend([json!({ "role": "user", "content": said }), json!({ "role": "assistant", "content": heard })]);
            self.at += 1;
        } else {
            self.at = 0;
        }
        failure
    }
}

/// At their moments, whether the server keeps up or not.
async fn open(load: &Arc<LoadOn>, plan: &Plan, past: Vec<Past>) {
    let (to, mut due) = mpsc::channel(ROOM);
    let (begin, plan_of_all, share) = (load.begin, plan.clone(), load.share);
    let pacing = thread::Builder::new().name("bench-pace".into());
    let pacing = pacing.spawn(move || pace(begin, schedule(&plan_of_all, past).filter(|due| share.has(due.n)), &to));
    let at_a_time = plan.load.at_a_time().unwrap_or(MOST_AT_A_TIME);
    let room = Arc::new(Semaphore::new(at_a_time as usize));
    let mut under_way = tokio::task::JoinSet::new();
    loop {
        let next = tokio::select! {
            next = due.recv() => next,
            // Those that are over leave, or they would stay in memory to the end.
            Some(_) = under_way.join_next() => continue,
            () = load.stop() => None,
        };
        let Some(Due { n, at, sizes }) = next else { break };
        let (load, room) = (Arc::clone(load), Arc::clone(&room));
        let intended = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
        under_way.spawn(async move {
            // It is never closed; and who waits is cut off by the end of the run as others are.
            let permit = tokio::select! {
                permit = room.acquire() => permit.ok(),
                () = load.stop() => None,
            };
            let ready = load.maker.make(n, sizes);
            load.one(n, intended, ready, None).await;
            drop(permit);
        });
    }
    due.close();
    while under_way.join_next().await.is_some() {}
    if let Ok(pacing) = pacing {
        // It looks whether anybody waits at least ten times a second.
        let _ = pacing.join();
    }
}

/// Tokens of prompt and answer, where a trace says them.
type Sizes = Option<(u32, u32)>;

/// When each is due, in order.
pub(crate) fn schedule(plan: &Plan, past: Vec<Past>) -> Box<dyn Iterator<Item = Due> + Send> {
    let moments: Box<dyn Iterator<Item = (Duration, Sizes)> + Send> = match &plan.load {
        Load::Open { rate, arrivals, .. } => {
            // A rate that is none does not get this far.
            match plan.manner.ramp {
                None => {
                    let moments = arrivals.moments(*rate, plan.seed ^ ARRIVALS);
                    Box::new(moments.into_iter().flatten().map(|at| (at, None)))
                }
                // At a rate of one a second they are spread alike; the ramp says when as much of the load is due.
                Some(ramp) => {
                    let (moments, rate) = (arrivals.moments(1.0, plan.seed ^ ARRIVALS), *rate);
                    let due = move |at: Duration| Duration::try_from_secs_f64(ramp.moment(at.as_secs_f64(), rate)).ok();
                    Box::new(moments.into_iter().flatten().map_while(due).map(|at| (at, None)))
                }
            }
        }
        Load::Trace { speed, .. } => {
            let speed = *speed;
            Box::new(past.into_iter().map(move |past| (past.at.div_f64(speed), Some((past.input, past.output)))))
        }
        Load::Closed { .. } => Box::new(std::iter::empty()),
    };
    let most = usize::try_from(plan.until.requests.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    let over = plan.until.seconds.map(Duration::from_secs_f64);
    let due = moments.take(most).take_while(move |(at, _)| over.is_none_or(|over| *at < over));
    Box::new(due.zip(0..).map(|((at, sizes), n)| Due { n, at, sizes }))
}

impl LoadOn {
    fn is_stopped(&self) -> bool {
        self.stopped.borrow().is_some()
    }

    async fn stop(&self) {
        // Where nobody could say so any more, nobody waits for the run either.
        let _ = self.stopped.clone().wait_for(Option::is_some).await;
    }

    /// Sends a request that was meant to be sent then, and takes down what became of it; why it failed, if it did, and whether
    /// it was answered. What is said is put where somebody wants it.
    async fn one(&self, n: u64, intended: u64, ready: Ready, said: Option<&mut String>) -> (Option<Failure>, bool) {
        let id = format!("{}-{n}", self.run);
        let sent = since(self.begin);
        let gives_up = self.manner().hangs_up(self.seed, n).map(|after| Instant::now() + after);
        self.under_way.fetch_add(1, Ordering::Relaxed);
        let end = tokio::select! {
            biased;
            () = self.stop() => End::Unfinished,
            answer = timeout(self.timeout, self.client.ask_saying(&id, &ready, (intended, sent), said)) => match answer {
                Ok(Ok(heard)) => End::Answered(heard),
                Ok(Err(failure)) => End::Failed(failure),
                Err(_) => End::Failed(Failure::new(Kind::TimedOut, format!("after {} s", self.timeout.as_secs_f64()))),
            },
            () = at(gives_up) => End::Cancelled,
        };
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        let (failure, answered) = match &end {
            End::Failed(failure) => (Some(failure.clone()), false),
            End::Answered(_) => (None, true),
            End::Unfinished | End::Cancelled => (None, false),
        };
        let sample = Sample {
            n,
            intended_us: intended,
            lag_us: sent.saturating_sub(intended),
            end_us: since(self.begin),
            wanted_input: ready.wanted_input,
            wanted_output: ready.wanted_output,
            end,
        };
        // The book is kept as long as anybody sends.
        let _ = self.samples.send(sample).await;
        (failure, answered)
    }

    fn manner(&self) -> &Manner {
        self.maker.manner()
    }
}
