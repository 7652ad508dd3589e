//! A run: load on a thread of its own, requests written down as they end, measures at the end. What was measured is kept
//! however it ends.

mod load;
mod prepare;

pub(crate) use self::load::schedule;
use self::load::{LoadOn, drive};
pub use self::prepare::Prepared;
use crate::{
    beside::{Given, Sampler, Watched},
    client::{self, Way},
    environment::{self, Environment},
    measures::measure,
    passing::Clocks,
    plan::{Cache, Load, MOST_AT_A_TIME, Plan, past},
    prompts::Maker,
    repeat::{self, Repeat},
    result::{ClientLoad, Document, OfModel, State},
    rush,
    sample::{End, Sample},
    spread::{MICROS, Recorder},
    store::Place,
    trace::Past,
    workers::Share,
    worth::Worth,
};
use pilothouse_connect::Clock;
use pilothouse_wire::{Code, Problem, units::count};
use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
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
    /// Times to the first token of all answers so far, together, in microseconds.
    pub ttft_us: u64,
    /// Requests that were given up by who asked.
    pub cancelled: u64,
    /// Requests that were sent and are not over.
    pub under_way: u64,
    /// Of the times to the first token so far, 95 of 100 are no more, in microseconds; none of too few.
    pub ttft_p95_us: Option<u64>,
    /// Gaps between pieces so far, and all of them together, in microseconds.
    pub gaps: (u64, u64),
}

impl Progress {
    /// Requests that are over.
    #[must_use]
    pub fn over(&self) -> u64 {
        self.answered + self.failed + self.cancelled
    }
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
    under_way: Arc<AtomicU64>,
    stop: watch::Sender<Option<Stop>>,
    end: oneshot::Receiver<Result<Document, Problem>>,
}

impl Running {
    /// How far it is now, with what is under way.
    #[must_use]
    pub fn now(&self) -> Progress {
        Progress { under_way: self.under_way.load(Ordering::Relaxed), ..*self.progress.borrow() }
    }

    /// Ends it: requests under way are cut off, and what was measured is kept.
    pub fn interrupt(&self) {
        first(&self.stop, Stop::Interrupted);
    }

    /// Waits until it is over and kept; where not all of it could be, what comes back says so.
    ///
    /// # Errors
    /// If it broke.
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
    start_beside(plan, Given::default(), place, clock)
}

/// The same, with what was started to be measured, and what is read beside it.
///
/// # Errors
/// As [`start`].
pub fn start_beside(plan: Plan, given: Given, place: Place, clock: Clock) -> Result<Running, Problem> {
    begin(plan, given, Share::default(), place, clock)
}

/// A part of a run, of which others send the rest. The plan is already that of the part.
///
/// # Errors
/// As [`start`].
pub fn start_share(plan: Plan, share: Share, place: Place, clock: Clock) -> Result<Running, Problem> {
    begin(plan, Given::default(), share, place, clock)
}

fn begin(plan: Plan, given: Given, share: Share, place: Place, clock: Clock) -> Result<Running, Problem> {
    let work = Work::new(plan, given, share, place, clock)?;
    let (progress, stop) = (work.progress.subscribe(), work.stop.clone());
    let requests = expected(&work.plan, work.past.len() as u64).map(|all| share.count(all));
    let under_way = Arc::clone(&work.under_way);
    let (ended, end) = oneshot::channel();
    let spawned = thread::Builder::new().name("bench".into()).spawn(move || {
        // Nobody may wait for it any more; what was measured is kept all the same.
        let _ = ended.send(work.run());
    });
    spawned.map_err(|error| Problem::new(Code::Internal, "This system gives no threads.").why(format!("{error}.")))?;
    Ok(Running { progress, requests, under_way, stop, end })
}

impl Work {
    /// What is needed for a run; it is kept from here on, as one that has begun.
    fn new(plan: Plan, given: Given, share: Share, place: Place, clock: Clock) -> Result<Self, Problem> {
        plan.check()?;
        allow_connections(&plan)?;
        let past = past(&plan.load)?;
        let maker = Maker::of(&plan)?.replaying(&past);
        let key = client::key(&plan.target.key)?;
        let before = (plan.manner.cache != Cache::Unstated).then(|| Way::new(&plan.target, key.clone())).transpose()?;
        let way = Way::new(&plan.target, key)?;
        place.is_free()?;
        let began = clock.now();
        // Each run has another name or another begin, and so other words where they are to be new.
        let maker = maker.of_run(&format!("{} {}", place.id, began.0));
        let files = repeat::files(&plan)?;
        let mut document =
            Document::begun(place.id.clone(), plan.clone(), Environment::read(), began, place.requests_name());
        document.server = given.server;
        document.repeat = Repeat { files, ..Repeat::default() };
        let watched = given.watched;
        place.write(&document)?;
        let requests = Box::new(place.open()?);
        let (stop, progress) = (watch::channel(None).0, watch::channel(Progress::default()).0);
        let under_way = Arc::default();
        Ok(Self {
            plan,
            share,
            watched,
            past,
            maker,
            way,
            before,
            clock,
            place,
            document,
            stop,
            progress,
            under_way,
            requests,
        })
    }
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
    let at_a_time = u64::from(plan.at_a_time().unwrap_or(MOST_AT_A_TIME));
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
    share: Share,
    watched: Watched,
    past: Vec<Past>,
    maker: Maker,
    way: Way,
    /// A way for what is sent before the load, where something is.
    before: Option<Way>,
    clock: Clock,
    place: Place,
    document: Document,
    stop: watch::Sender<Option<Stop>>,
    progress: watch::Sender<Progress>,
    under_way: Arc<AtomicU64>,
    requests: Box<dyn Write + Send>,
}

impl Work {
    fn run(self) -> Result<Document, Problem> {
        let clocks = Clocks::system(self.clock.clone());
        self.run_by(&clocks)
    }

    fn run_by(self, clocks: &Clocks) -> Result<Document, Problem> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().on_thread_park(rush::gather).build();
        let runtime = runtime
            .map_err(|error| Problem::new(Code::Internal, "This system gives no runtime.").why(format!("{error}.")))?;
        let Self { plan, share, watched, past, maker, way, before, clock, place, mut document, stop, progress, .. } =
            self;
        let (requests, under_way) = (self.requests, self.under_way);
        let (samples, taken) = mpsc::channel(ROOM);
        let book = Book::new(requests, progress, stop.clone());
        let writing = thread::Builder::new().name("bench-book".into()).spawn(move || book.keep(taken));
        let writing = writing
            .map_err(|error| Problem::new(Code::Internal, "This system gives no threads.").why(format!("{error}.")))?;
        document.repeat.engine = repeat::engine(&plan.target, &runtime);
        if let Some(way) = before {
            let prepare = prepare::prepare(way, &maker, &plan, &past, stop.subscribe());
            document.prepared = Some(runtime.block_on(prepare));
        }
        let sampler = Sampler::start(&watched, &plan.target, &runtime);
        let (before, sent_before) = (environment::processor_time(), environment::thread_time());
        let timeout = Duration::from_secs_f64(plan.timeout_s);
        let (run, seed) = (place.id.clone(), plan.seed);
        let (begin, moment) = (Instant::now(), clocks.now());
        let client = way.begin(begin);
        let stopped = stop.subscribe();
        let load = LoadOn { client, maker, seed, under_way, begin, timeout, share, run, samples, stopped };
        let lateness = runtime.block_on(drive(Arc::new(load), &plan, past, &stop));
        let (wall, passed) = (begin.elapsed(), moment.until(clocks.now()));
        // The runtime has one thread, which is this one.
        let (processor, sent) = (environment::processor_time(), environment::thread_time());
        let read = sampler.map(|sampler| sampler.end(&runtime));
        drop(runtime);
        let kept = writing.join().map_err(|_| Problem::new(Code::Internal, "The book of requests broke."))?;
        let took = |now: Option<Duration>, before: Option<Duration>| {
            now.zip(before).map(|(now, before)| now.saturating_sub(before).as_secs_f64())
        };
        let mut samples = kept.samples;
        samples.sort_by_key(|sample| sample.n);
        let why = stop.borrow().clone();
        document.state = match &why {
            None | Some(Stop::Drained) => State::Whole,
            Some(Stop::Interrupted | Stop::Unwritable(_)) => State::Interrupted,
            Some(Stop::GaveUp) => State::GaveUp,
        };
        document.ended = Some(clock.now());
        let mut measures = measure(&samples, plan.warm_up, &plan.slo);
        if matches!(why, Some(Stop::Drained)) {
            measures = measures.drained();
        }
        let from = begin.into_std() + Duration::from_micros(measures.from_us);
        document.beside = read.map(|read| read.over(from, from + Duration::from_micros(measures.span_us)));
        measures.worth = Worth::of(watched.price, document.beside.as_ref());
        document.mix = OfModel::each(&plan, &samples);
        document.measures = Some(measures);
        document.client = Some(ClientLoad {
            sending_s: took(sent, sent_before),
            wall_s: Some(wall.as_secs_f64()),
            slept_s: passed.slept_s,
            stepped_s: passed.stepped_s,
            ..ClientLoad::new(took(processor, before), environment::peak_memory(), lateness.spread(MICROS))
        });
        if let Some(Stop::Unwritable(error)) = &why {
            let (kept, all) = (count(kept.written), count(samples.len() as u64));
            document.not_kept = Some(format!("the file of requests has {kept} of {all} lines: {error}"));
        }
        place.write_at_last(&mut document, &place.requests);
        Ok(document)
    }
}

/// Takes down what became of each request.
struct Book {
    requests: Box<dyn Write + Send>,
    progress: watch::Sender<Progress>,
    stop: watch::Sender<Option<Stop>>,
    samples: Vec<Sample>,
    ttft: Recorder,
    /// Lines that are surely written.
    written: u64,
}

/// A quantile is found anew once so many more answers are in: it takes longer than to write one down.
const EACH: u64 = 64;

impl Book {
    fn new(
        requests: Box<dyn Write + Send>,
        progress: watch::Sender<Progress>,
        stop: watch::Sender<Option<Stop>>,
    ) -> Self {
        Self { requests, progress, stop, samples: Vec::new(), ttft: Recorder::default(), written: 0 }
    }

    fn keep(mut self, mut taken: mpsc::Receiver<Sample>) -> Self {
        while let Some(sample) = taken.blocking_recv() {
            self.take(sample);
            while let Ok(sample) = taken.try_recv() {
                self.take(sample);
            }
            // Who is killed leaves all that has ended.
            if self.checked(|requests| requests.flush()) {
                self.written = self.samples.len() as u64;
            }
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
                progress.ttft_us += heard.ttft_us;
                progress.gaps.0 += heard.gaps_us.len() as u64;
                progress.gaps.1 += heard.gaps_us.iter().map(|gap| u64::from(*gap)).sum::<u64>();
                self.ttft.add(heard.ttft_us);
                if progress.answered < EACH || progress.answered.is_multiple_of(EACH) {
                    progress.ttft_p95_us = self.ttft.p95();
                }
            }
            End::Failed(_) => progress.failed += 1,
            End::Cancelled => progress.cancelled += 1,
            End::Unfinished => {}
        }
        self.progress.send_replace(progress);
        if progress.answered == 0 && progress.failed >= GIVE_UP {
            first(&self.stop, Stop::GaveUp);
        }
        self.samples.push(sample);
    }

    /// Writes, unless that failed before; is it written?
    fn checked(&mut self, write: impl FnOnce(&mut Box<dyn Write + Send>) -> io::Result<()>) -> bool {
        if matches!(*self.stop.borrow(), Some(Stop::Unwritable(_))) {
            return false;
        }
        let written = write(&mut self.requests);
        written.map_err(|error| first(&self.stop, Stop::Unwritable(Arc::new(error)))).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{arrivals::Arrivals, pace::Due, plan::Until, plan::tests::plan};
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
    fn a_ramp_comes_to_its_rate_and_no_faster() {
        let ramp = crate::plan::Ramp { from: 2.0, seconds: 10.0, steps: None };
        let mut plan = open_plan(Until { requests: None, seconds: Some(20.0) });
        plan.manner.ramp = Some(ramp);
        let due: Vec<Due> = schedule(&plan, Vec::new()).collect();
        let within = |from: u64, to: u64| due.iter().filter(|due| (from..to).contains(&due.at.as_secs())).count();
        // 60 on the way from 2 to 10 a second, and 100 behind it.
        assert!(within(0, 10).abs_diff(60) <= 1 && within(10, 20).abs_diff(100) <= 1, "{}", due.len());
        assert_eq!(due.last().map(|due| due.n), Some(due.len() as u64 - 1));
    }

    #[test]
    fn a_trace_is_replayed_at_its_speed_with_its_sizes() {
        let load = Load::Trace { file: PathBuf::new(), speed: 4.0, max_concurrency: None };
        let plan = Plan { load, until: Until::default(), ..plan() };
        let past = [(0, 374, 44), (8, 396, 109)].map(|(at, input, output)| Past {
            at: Duration::from_secs(at),
            input,
            output,
            blocks: Arc::default(),
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

    /// A disk that is full after so many bytes.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.0.checked_sub(bytes.len()) {
                Some(left) => self.0 = left,
                None => return Err(io::ErrorKind::StorageFull.into()),
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A run whose requests nobody answers, and where it is kept.
    fn work(home: &tempfile::TempDir) -> Work {
        let place = Place::at(&home.path().join("a.json"));
        Work::new(plan(), Given::default(), Share::default(), place, Clock::system()).unwrap()
    }

    #[test]
    fn where_requests_cannot_be_kept_it_ends_and_what_was_measured_is_kept_and_said() {
        let home = tempfile::tempdir().unwrap();
        let mut work = work(&home);
        let place = work.place.clone();
        work.requests = Box::new(Full(700));
        let document = work.run().unwrap();
        let why = document.not_kept.clone().unwrap();
        assert!(why.contains("the file of requests has ") && why.contains(" lines: "), "{why}");
        assert_eq!((document.state.clone(), document.ended.is_some()), (State::Interrupted, true));
        let requests = document.measures.as_ref().unwrap().requests;
        assert!(requests.failed > 0, "{requests:?}");
        assert_eq!(document.kept().unwrap_err().why.unwrap(), format!("{why}."));
        let crate::kept::Kept::Run(kept) = crate::store::read(&place.document).unwrap() else { panic!("a run") };
        assert_eq!((&kept.not_kept, &kept.state), (&document.not_kept, &State::Interrupted));
        assert!(format!("{:?}", crate::told::page(&kept)).contains("the file of requests has "));
    }

    /// Names the small disk to the test that runs on it.
    #[cfg(target_os = "linux")]
    const DISK: &str = "PILOTHOUSE_TEST_DISK";

    /// A real disk: a small file system in a mount name space of its own, where this system gives somebody one.
    #[cfg(target_os = "linux")]
    #[test]
    fn on_a_full_disk_lines_give_way_to_what_sums_them_up() {
        const MOUNT: &str = r#"mount -t tmpfs -o size=512k none "$1" && shift && exec "$@""#;
        let disk = tempfile::tempdir().unwrap();
        let unshare = |rights: &[&str], then: &[&str]| {
            let mut command = std::process::Command::new("unshare");
            command.args(rights).args(["--mount", "sh", "-c", MOUNT, "sh"]).arg(disk.path()).args(then);
            command.env(DISK, disk.path()).output()
        };
        let may = |rights: &&[&str]| unshare(rights, &["true"]).is_ok_and(|output| output.status.success());
        let Some(rights) = [&[] as &[&str], &["--map-root-user"]].into_iter().find(may) else { return };
        let own = std::env::current_exe().unwrap();
        let test = ["--exact", "run::tests::what_is_done_on_a_full_disk", "--ignored", "--nocapture"];
        let output = unshare(rights, &[&[own.to_str().unwrap()], &test[..]].concat()).unwrap();
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    #[ignore = "run on a small disk by on_a_full_disk_lines_give_way_to_what_sums_them_up"]
    fn what_is_done_on_a_full_disk() {
        let disk = PathBuf::from(std::env::var_os(DISK).unwrap());
        let place = Place::at(&disk.join("a.json"));
        let mut work = Work::new(plan(), Given::default(), Share::default(), place.clone(), Clock::system()).unwrap();
        // As if it had been under way for long.
        let line = format!("{{\"n\":{}}}\n", "7".repeat(120));
        (0..2_000).for_each(|_| work.requests.write_all(line.as_bytes()).unwrap());
        work.requests.flush().unwrap();
        let mut other = std::fs::File::create(disk.join("other")).unwrap();
        while other.write(&[7; 512]).is_ok_and(|written| written > 0) {}
        let document = work.run().unwrap();
        let why = document.not_kept.clone().unwrap_or_default();
        assert!(why.contains("of a.requests.jsonl gave way to what sums it up: "), "{why}");
        let crate::kept::Kept::Run(kept) = crate::store::read(&place.document).unwrap() else { panic!("a run") };
        assert_eq!((kept.not_kept, kept.state, kept.ended), (document.not_kept, document.state, document.ended));
        let lines = std::fs::read_to_string(&place.requests).unwrap();
        assert!(lines.ends_with('\n') && lines.lines().all(|of| format!("{of}\n") == line), "{}", lines.len());
    }

    #[test]
    fn that_the_machine_slept_is_kept_and_said() {
        let home = tempfile::tempdir().unwrap();
        let document = work(&home).run_by(&crate::passing::tests::that_slept()).unwrap();
        let client = document.client.clone().unwrap();
        assert_eq!((client.slept_s, client.stepped_s, document.not_kept.clone()), (Some(30.0), None, None));
        assert!(format!("{:?}", crate::told::page(&document)).contains("the machine slept for 30.0 s"));
        // The thread of a run takes no more than all of the process, and no longer than it took.
        assert!(client.sending_s <= client.processor_s && client.wall_s > Some(0.0), "{client:?}");
    }

    #[test]
    fn the_first_reason_to_stop_stands() {
        let (stop, _) = watch::channel(None);
        first(&stop, Stop::GaveUp);
        first(&stop, Stop::Interrupted);
        assert!(matches!(*stop.borrow(), Some(Stop::GaveUp)));
    }
}
