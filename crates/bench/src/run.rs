//! A run: load on a thread of its own, requests written down as they end, measures at the end. What was measured is kept
//! however it ends.

use crate::{
    client::{self, Client, Way},
    environment::{self, Environment},
    failure::{Failure, Kind, patience},
    lateness,
    measures::measure,
    pace::{Due, pace},
    plan::{Load, MOST_AT_A_TIME, Plan, past},
    prompts::Maker,
    result::{ClientLoad, Document, State},
    sample::{End, Sample},
    server::Started,
    spread::MICROS,
    stamped::since,
    store::Place,
    trace::Past,
};
use pilothouse_connect::Clock;
use pilothouse_wire::{Code, Problem};
use std::{
    fs::File,
    io::{self, BufWriter, Write},
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

/// After so many failures and no answer a run is given up.
const GIVE_UP: u64 = 20;
/// Files that are open besides connections.
const OTHER_FILES: u64 = 64;
/// Of what is on its way between threads.
const ROOM: usize = 4_096;
const ARRIVALS: u64 = 0xa11;

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Requests that were answered.
    pub answered: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Tokens of answers so far.
    pub tokens: u64,
}

/// Why a run is ended before its time.
#[derive(Clone, Debug)]
enum Stop {
    Interrupted,
    GaveUp,
    /// What was measured cannot be written down.
    Unwritable(Arc<io::Error>),
    /// Those under way had their time.
    Drained,
}

/// A run that has begun.
pub struct Running {
    /// How far it is.
    pub progress: watch::Receiver<Progress>,
    /// How many requests it will have; none where a time ends it.
    pub requests: Option<u64>,
    stop: watch::Sender<Option<Stop>>,
    end: oneshot::Receiver<Result<Document, Problem>>,
}

impl Running {
    /// Ends it: requests under way are cut off, and what was measured is kept.
    pub fn interrupt(&self) {
        first(&self.stop, Stop::Interrupted);
    }

    /// Waits until it is over and kept.
    ///
    /// # Errors
    /// If it could not be kept.
    pub async fn end(&mut self) -> Result<Document, Problem> {
        let lost = |_| Problem::new(Code::Internal, "The run ended without a word.");
        (&mut self.end).await.map_err(lost)?
    }
}

/// Begins a run. Blocks while files are read; asks nobody yet.
///
/// # Errors
/// If the plan cannot be run as it is, or the run cannot be kept.
pub fn start(plan: Plan, place: Place, clock: Clock) -> Result<Running, Problem> {
    start_on(plan, None, place, clock)
}

/// The same on what was started to be measured.
///
/// # Errors
/// As [`start`].
pub fn start_on(plan: Plan, server: Option<Started>, place: Place, clock: Clock) -> Result<Running, Problem> {
    plan.check()?;
    allow_connections(&plan)?;
    let past = past(&plan.load)?;
    let maker = Maker::of(&plan)?;
    let key = client::key(&plan.target.key)?;
    let way = Way::new(&plan.target, key)?;
    place.is_free()?;
    let began = clock.now();
    let mut document =
        Document::begun(place.id.clone(), plan.clone(), Environment::read(), began, place.requests_name());
    document.server = server;
    place.write(&document)?;
    let requests = place.open()?;
    let (stop, _) = watch::channel(None);
    let (progress, shown) = watch::channel(Progress::default());
    let (ended, end) = oneshot::channel();
    let expected = expected(&plan, past.len() as u64);
    let work = Work { plan, past, maker, way, clock, place, document, stop: stop.clone(), progress, requests };
    let spawned = thread::Builder::new().name("bench".into()).spawn(move || {
        // Nobody may wait for it any more; what was measured is kept all the same.
        let _ = ended.send(work.run());
    });
    spawned.map_err(|error| Problem::new(Code::Internal, "This system gives no threads.").why(format!("{error}.")))?;
    Ok(Running { progress: shown, requests: expected, stop, end })
}

/// The first reason stands.
fn first(stop: &watch::Sender<Option<Stop>>, why: Stop) {
    stop.send_if_modified(|now| {
        let is_first = now.is_none();
        now.get_or_insert(why);
        is_first
    });
}

fn allow_connections(plan: &Plan) -> Result<(), Problem> {
    let at_a_time = u64::from(plan.load.at_a_time().unwrap_or(MOST_AT_A_TIME));
    match environment::allow_files(at_a_time + OTHER_FILES) {
        Some(files) if files < at_a_time + OTHER_FILES && plan.load.at_a_time().is_some() => {
            let what = format!("{at_a_time} connections at a time cannot be opened.");
            Err(Problem::new(Code::BadInput, what)
                .why(format!("This process may open {files} files, and a connection is one."))
                .next("Raise the limit (ulimit -n), or give a lower concurrency."))
        }
        _ => Ok(()),
    }
}

/// How many requests there will be; none where only a time ends it.
fn expected(plan: &Plan, of_trace: u64) -> Option<u64> {
    let wanted = plan.until.requests;
    match plan.load {
        Load::Trace { .. } if plan.until.seconds.is_none() => {
            Some(wanted.map_or(of_trace, |wanted| wanted.min(of_trace)))
        }
        Load::Trace { .. } => None,
        Load::Closed { .. } | Load::Open { .. } => wanted.filter(|_| plan.until.seconds.is_none()),
    }
}

/// All that the thread of a run needs.
struct Work {
    plan: Plan,
    past: Vec<Past>,
    maker: Maker,
    way: Way,
    clock: Clock,
    place: Place,
    document: Document,
    stop: watch::Sender<Option<Stop>>,
    progress: watch::Sender<Progress>,
    requests: BufWriter<File>,
}

impl Work {
    fn run(self) -> Result<Document, Problem> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime
            .map_err(|error| Problem::new(Code::Internal, "This system gives no runtime.").why(format!("{error}.")))?;
        let Self { plan, past, maker, way, clock, place, mut document, stop, progress, requests } = self;
        let (samples, taken) = mpsc::channel(ROOM);
        let book = Book { requests, progress, stop: stop.clone(), samples: Vec::new() };
        let writing = thread::Builder::new().name("bench-book".into()).spawn(move || book.keep(taken));
        let writing = writing
            .map_err(|error| Problem::new(Code::Internal, "This system gives no threads.").why(format!("{error}.")))?;
        let before = environment::processor_time();
        let timeout = Duration::from_secs_f64(plan.timeout_s);
        let run = place.id.clone();
        let begin = Instant::now();
        let client = way.begin(begin);
        let load = LoadOn { client, maker, begin, timeout, run, samples, stopped: stop.subscribe() };
        let lateness = runtime.block_on(drive(Arc::new(load), &plan, past, &stop));
        drop(runtime);
        let kept = writing.join().map_err(|_| Problem::new(Code::Internal, "The book of requests broke."))?;
        let processor = environment::processor_time().zip(before).map(|(now, before)| now.saturating_sub(before));
        let mut samples = kept.samples;
        samples.sort_by_key(|sample| sample.n);
        let why = stop.borrow().clone();
        document.state = match &why {
            None | Some(Stop::Drained) => State::Whole,
            Some(Stop::Interrupted | Stop::Unwritable(_)) => State::Interrupted,
            Some(Stop::GaveUp) => State::GaveUp,
        };
        document.ended = Some(clock.now());
        document.measures = Some(measure(&samples, plan.warm_up, &plan.slo));
        let (processor_s, memory) = (processor.map(|time| time.as_secs_f64()), environment::peak_memory());
        document.client = Some(ClientLoad::new(processor_s, memory, lateness.spread(MICROS)));
        place.write(&document)?;
        match why {
            Some(Stop::Unwritable(error)) => Err(place.unwritable(&error)),
            _ => Ok(document),
        }
    }
}

/// Takes down what became of each request.
struct Book {
    requests: BufWriter<File>,
    progress: watch::Sender<Progress>,
    stop: watch::Sender<Option<Stop>>,
    samples: Vec<Sample>,
}

impl Book {
    fn keep(mut self, mut taken: mpsc::Receiver<Sample>) -> Self {
        while let Some(sample) = taken.blocking_recv() {
            self.take(sample);
            while let Ok(sample) = taken.try_recv() {
                self.take(sample);
            }
            // Who is killed leaves all that has ended.
            self.checked(|requests| requests.flush());
        }
        self
    }

    fn take(&mut self, sample: Sample) {
        self.checked(|requests| {
            serde_json::to_writer(&mut *requests, &sample)?;
            requests.write_all(b"\n")
        });
        let mut progress = *self.progress.borrow();
        match &sample.end {
            End::Answered(heard) => {
                progress.answered += 1;
                progress.tokens += u64::from(heard.tokens());
            }
            End::Failed(_) => progress.failed += 1,
            End::Unfinished => {}
        }
        self.progress.send_replace(progress);
        if progress.answered == 0 && progress.failed >= GIVE_UP {
            first(&self.stop, Stop::GaveUp);
        }
        self.samples.push(sample);
    }

    fn checked(&mut self, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) {
        if let Err(error) = write(&mut self.requests) {
            first(&self.stop, Stop::Unwritable(Arc::new(error)));
        }
    }
}

/// What sends requests.
struct LoadOn {
    client: Client,
    maker: Maker,
    begin: Instant,
    timeout: Duration,
    /// The run's name: requests are called after it.
    run: String,
    samples: mpsc::Sender<Sample>,
    stopped: watch::Receiver<Option<Stop>>,
}

/// Makes the load, until all that was sent has ended. What was seen of the client's own lateness comes back.
async fn drive(
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
                let n = next.fetch_add(1, Ordering::Relaxed);
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
    let (begin, plan_of_all) = (load.begin, plan.clone());
    let pacing = thread::Builder::new().name("bench-pace".into());
    let pacing = pacing.spawn(move || pace(begin, schedule(&plan_of_all, past), &to));
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
fn schedule(plan: &Plan, past: Vec<Past>) -> Box<dyn Iterator<Item = Due> + Send> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{arrivals::Arrivals, plan::Until, plan::tests::plan};
    use std::path::PathBuf;

    fn open_plan(until: Until) -> Plan {
        let load = Load::Open { rate: 10.0, arrivals: Arrivals::Constant, max_concurrency: None };
        Plan { load, until, ..plan() }
    }

    #[test]
    fn a_schedule_ends_at_whichever_comes_first() {
        let count = |requests, seconds| schedule(&open_plan(Until { requests, seconds }), Vec::new()).count();
        assert_eq!(
            [count(Some(7), None), count(None, Some(2.0)), count(Some(5), Some(2.0)), count(Some(50), Some(2.0))],
            [7, 20, 5, 20]
        );
        let due: Vec<Due> = schedule(&open_plan(Until { requests: Some(2), seconds: None }), Vec::new()).collect();
        assert_eq!(due[1], Due { n: 1, at: Duration::from_millis(100), sizes: None });
    }

    #[test]
    fn a_trace_is_replayed_at_its_speed_with_its_sizes() {
        let load = Load::Trace { file: PathBuf::new(), speed: 4.0, max_concurrency: None };
        let plan = Plan { load, until: Until::default(), ..plan() };
        let past = [(0, 374, 44), (8, 396, 109)].map(|(at, input, output)| Past {
            at: Duration::from_secs(at),
            input,
            output,
        });
        let due: Vec<Due> = schedule(&plan, past.to_vec()).collect();
        assert_eq!(due[1], Due { n: 1, at: Duration::from_secs(2), sizes: Some((396, 109)) });
        assert_eq!((due.len(), expected(&plan, 2)), (2, Some(2)));
    }

    #[test]
    fn how_many_there_will_be_is_known_where_a_number_ends_it() {
        for (requests, seconds, want) in [(Some(5), None, Some(5)), (None, Some(1.0), None), (Some(5), Some(1.0), None)]
        {
            assert_eq!(expected(&open_plan(Until { requests, seconds }), 0), want);
        }
    }

    #[test]
    fn the_first_reason_to_stop_stands() {
        let (stop, _) = watch::channel(None);
        first(&stop, Stop::GaveUp);
        first(&stop, Stop::Interrupted);
        assert!(matches!(*stop.borrow(), Some(Stop::GaveUp)));
    }
}
