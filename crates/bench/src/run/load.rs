//! The load itself: who sends when, and what is taken down of each request.

use super::{ARRIVALS, ROOM, Stop, first};
use crate::{
    client::Client,
    failure::{Failure, Kind, patience},
    lateness,
    pace::{Due, pace},
    plan::{Load, MOST_AT_A_TIME, Plan},
    prompts::Maker,
    sample::{End, Sample},
    stamped::since,
    trace::Past,
    workers::Share,
};
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

/// So many at a time: each sends its next once it has its answer.
async fn closed(load: &Arc<LoadOn>, concurrency: u32, plan: &Plan) {
    let next = Arc::new(AtomicU64::new(0));
    let until = plan.until;
    let people = (0..concurrency).map(|_| {
        let (load, next) = (Arc::clone(load), Arc::clone(&next));
        tokio::spawn(async move {
            let over = until.seconds.map(|seconds| load.begin + Duration::from_secs_f64(seconds));
            let mut in_a_row = 0;
            while !load.is_stopped() && over.is_none_or(|over| Instant::now() < over) {
                let n = load.share.nth(next.fetch_add(1, Ordering::Relaxed));
                if until.requests.is_some_and(|most| n >= most) {
                    return;
                }
                let Some(failure) = load.one(n, since(load.begin), None).await else {
                    in_a_row = 0;
                    continue;
                };
                in_a_row += 1;
                tokio::select! {
                    () = sleep(patience(&failure, in_a_row)) => {}
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
            load.one(n, intended, sizes).await;
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
            let moments = arrivals.moments(*rate, plan.seed ^ ARRIVALS);
            Box::new(moments.into_iter().flatten().map(|at| (at, None)))
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

    /// Sends a request that was meant to be sent then, and takes down what became of it; why it failed, if it did.
    async fn one(&self, n: u64, intended: u64, sizes: Sizes) -> Option<Failure> {
        let ready = self.maker.make(n, sizes);
        let id = format!("{}-{n}", self.run);
        let sent = since(self.begin);
        let end = tokio::select! {
            biased;
            () = self.stop() => End::Unfinished,
            answer = timeout(self.timeout, self.client.ask(&id, &ready, intended, sent)) => match answer {
                Ok(Ok(heard)) => End::Answered(heard),
                Ok(Err(failure)) => End::Failed(failure),
                Err(_) => End::Failed(Failure::new(Kind::TimedOut, format!("after {} s", self.timeout.as_secs_f64()))),
            },
        };
        let failure = match &end {
            End::Failed(failure) => Some(failure.clone()),
            End::Answered(_) | End::Unfinished => None,
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
        failure
    }
}
