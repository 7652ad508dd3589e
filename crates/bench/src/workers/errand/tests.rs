//! Runs past this machine, in a cluster that is a script.

use super::*;
use crate::{
    plan::{Api, Load, Through, Until, tests::plan},
    workers::{Begin, Frame, frame, lines as packing},
};
use async_trait::async_trait;
use pilothouse_connect::{Entrance, PodIs, Service, WorkerPod};
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicI64, AtomicU32, Ordering},
};

fn spec() -> Spec {
    Spec::usual("me/prod", "bench", 2)
}

fn load(typed: &str) -> Plan {
    let (url, through) = Through::or_address(typed).unwrap();
    let until = Until { requests: Some(40), seconds: None };
    let mut plan = Plan { load: Load::Closed { concurrency: 8 }, until, ..plan() };
    plan.target.url = Api::Chat.address(&url, "m");
    plan.target.through = through;
    plan
}

#[test]
fn workers_ask_a_service_of_their_cluster_at_its_address() {
    assert_eq!(place("me/prod/bench"), Some(("me/prod", "bench")));
    assert_eq!([place("prod"), place("/a"), place("a/")], [None; 3]);
    let keyed = Spec { key: Some(("keys".into(), "chat".into())), ..spec() };
    let of = Errand::new(keyed, load("service:serving/chat:8000@me/prod"), Stamp(1_800_000_000_000)).unwrap();
    let target = &of.order.plan.target;
    assert_eq!((target.url.as_str(), &target.through), ("http://chat.serving.svc:8000/v1/chat/completions", &None));
    assert_eq!(target.key, KeyFrom::Variable(KEY.into()));
    let wanted = of.wanted();
    assert_eq!(Order::read(&wanted.order).unwrap(), of.order);
    assert!(of.job.starts_with("pilothouse-bench-20270115-080000-") && of.job.len() <= 52, "{}", of.job);
    assert!(wanted.image.starts_with("pilothouse-recorder:"), "{}", wanted.image);
    for (typed, want) in [
        ("service:a/b:1@other", "They run in me/prod"),
        ("pod:a/b:1@me/prod", "has no name"),
        ("service:a/b:http@me/prod", "number of the port"),
    ] {
        let said = Errand::new(spec(), load(typed), Stamp(0)).unwrap_err().to_string();
        assert!(said.contains(want), "{typed}: {said}");
    }
}

/// A cluster in which workers wait, and hand over once they are told to begin.
struct Scripted {
    clock: Clock,
    run: String,
    told: Arc<Mutex<Vec<Deed>>>,
    /// So many times it tells nothing once they were told.
    silent: AtomicU32,
}

#[async_trait]
impl Ground for Scripted {
    async fn entrance(&self, _: Behind, _: &Service) -> Result<Entrance, Problem> {
        Err(Problem::new(Code::NotOffered, "There is none."))
    }

    async fn workers(&self, _: &str, _: &str) -> Result<Vec<WorkerPod>, Problem> {
        let is_told = !self.told.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        let less = |left: u32| left.checked_sub(1);
        if is_told && self.silent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok() {
            return Err(Problem::new(Code::TimedOut, "me/prod does not answer."));
        }
        let pod = |index: u32| WorkerPod {
            index,
            name: format!("{}-{index}-x", self.run),
            node: Some(format!("node-{index}")),
            is: PodIs::Running,
        };
        Ok((0..2).map(pod).collect())
    }

    async fn said(&self, _: &str, pod: &str, lines: u32) -> Result<Vec<String>, Problem> {
        let index: u32 = pod.trim_end_matches("-x").rsplit('-').next().unwrap().parse().unwrap();
        let mut frames = vec![Frame::Waits(self.clock.now())];
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(Deed::BeginWorkers { at, said }) = told.first() {
            frames.push(Frame::Told(Begin { at: *at, said: *said }, *said));
            let run = crate::shown::tests::run();
            let document = Document { began: at.plus(Duration::from_millis(u64::from(index) * 200)), ..run };
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("a.jsonl");
            // The second one hands over no lines, as one of another version would not.
            if index == 0 {
                let samples = (0..1_000).map(|n| packing::tests::sample(2 * n));
                let text: String = samples.map(|one| serde_json::to_string(&one).unwrap() + "\n").collect();
                std::fs::write(&file, text).unwrap();
                frames.extend(frame::frames_of_lines(&packing::pack(&file).unwrap()));
                // More than is read of who goes on.
                frames.extend(std::iter::repeat_n(Frame::Sends(Progress::default()), 200));
            }
            frames.extend(frame::frames(&document));
        }
        let all: Vec<String> = frames.iter().map(|frame| frame.line(&self.run, index)).collect();
        Ok(all[all.len().saturating_sub(lines as usize)..].to_vec())
    }
}

struct Told(Arc<Mutex<Vec<Deed>>>);

impl Hand for Told {
    async fn does(&mut self, deed: Deed) -> Result<(), Problem> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(deed);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_is_kept_with_the_requests_of_those_who_handed_them_over() {
    let home = tempfile::tempdir().unwrap();
    let (clock, told) = (Clock::system(), Arc::new(Mutex::new(Vec::new())));
    let of = Errand::new(spec(), load("http://h:1"), clock.now()).unwrap();
    let ground =
        Scripted { clock: clock.clone(), run: of.job.clone(), told: Arc::clone(&told), silent: AtomicU32::new(0) };
    let place = store::Place::new(home.path(), clock.now(), "chat");
    let begun = Begun { place: place.clone(), asked: clock.now(), clock };
    let (mut news, mut hand) = (Vec::new(), Told(Arc::clone(&told)));
    let ran = of.run(Arc::new(ground), &mut hand, &begun, std::future::pending(), |one| news.push(one));
    let document = ran.await.unwrap();
    let workers = document.workers.as_ref().unwrap();
    let lines: Vec<_> = workers.each.iter().map(|worker| worker.lines.map(|of| (of.lines, of.of))).collect();
    assert_eq!(lines, [Some((1_000, 1_000)), None]);
    assert_eq!((workers.lost().count(), document.requests_file.as_str()), (0, place.requests_name().as_str()));
    let text = std::fs::read_to_string(&place.requests).unwrap();
    assert_eq!((text.lines().count(), text.lines().all(|line| line.contains("\"worker\":0"))), (1_000, true));
    assert!(matches!(store::read(&place.document), Ok(crate::kept::Kept::Run(kept)) if *kept == document));
    assert!(matches!(told.lock().unwrap()[..], [Deed::BeginWorkers { .. }]), "{told:?}");
    assert!(matches!(news.last(), Some(News::Sends(_))), "{news:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_ended_before_the_begin_ends_its_workers_and_keeps_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (clock, told) = (Clock::system(), Arc::new(Mutex::new(Vec::new())));
    let of = Errand::new(Spec { workers: 3, ..spec() }, load("http://h:1"), clock.now()).unwrap();
    let ground =
        Scripted { clock: clock.clone(), run: of.job.clone(), told: Arc::clone(&told), silent: AtomicU32::new(0) };
    let place = store::Place::new(home.path(), clock.now(), "chat");
    let begun = Begun { place: place.clone(), asked: clock.now(), clock };
    let (mut news, mut hand) = (Vec::new(), Told(Arc::clone(&told)));
    let over = tokio::time::sleep(Duration::from_secs(5));
    let ran = of.run(Arc::new(ground), &mut hand, &begun, over, |one| news.push(one));
    assert_eq!(ran.await.unwrap_err().what, "It was ended before the begin.");
    assert_eq!(*told.lock().unwrap(), [Deed::EndWorkers]);
    assert_eq!(news, [News::Waits("worker 2 has no pod".into())]);
    assert!(!place.document.exists() && !place.requests.exists());
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_tells_nothing_for_long_is_said_and_a_clock_that_is_set_gives_nobody_up() {
    let home = tempfile::tempdir().unwrap();
    let (told, ahead) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicI64::new(0)));
    let set = Arc::clone(&ahead);
    let system = Clock::system();
    let clock = Clock::of(move || Stamp(system.now().0 + set.load(Ordering::Relaxed)));
    let of = Errand::new(spec(), load("http://h:1"), clock.now()).unwrap();
    let silent = AtomicU32::new(25);
    let ground = Scripted { clock: clock.clone(), run: of.job.clone(), told: Arc::clone(&told), silent };
    let place = store::Place::new(home.path(), clock.now(), "chat");
    let begun = Begun { place, asked: clock.now(), clock };
    let (mut troubles, mut hand) = (Vec::new(), Told(Arc::clone(&told)));
    let ran = of.run(Arc::new(ground), &mut hand, &begun, std::future::pending(), |one| match one {
        // While they are at it somebody sets the clock of this machine two days ahead.
        News::Sends(_) => ahead.store(172_800_000, Ordering::Relaxed),
        News::Trouble(problem) => troubles.push(problem.what),
        News::Waits(_) => {}
    });
    let document = ran.await.unwrap();
    assert_eq!(document.workers.as_ref().unwrap().lost().count(), 0, "{:?}", document.workers);
    assert_eq!(troubles, ["me/prod does not answer."]);
}
