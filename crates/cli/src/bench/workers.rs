//! A run that is sent past this machine: the Job of its workers is planned, shown and made; they are watched until all wait, told when
//! to begin, and heard out. What a worker did not tell is said.

mod crew;

use self::crew::Crew;
use super::{Bar, folder, show, verdict};
use crate::{
    act,
    act_args::How,
    args::SourceArgs,
    bench_args::RunArgs,
    exit::{Exit, Failed},
    out::{Style, note},
    serve,
    start::{Session, other_answer},
};
use pilothouse_bench::{
    environment::Environment,
    kept::Kept,
    page::Tone,
    plan::{KeyFrom, Plan},
    result::Document,
    store::Place,
    told,
    workers::{self, Barrier, KEY, Next, Order},
};
use pilothouse_connect::{Behind, Clock};
use pilothouse_wire::{
    Code, ObjectRef, Problem, SmolStr, Stamp, ViewSpec,
    plan::{ActionState, Deed, Intent, WorkersWanted},
};
use std::time::Duration;

/// How often workers are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// So much longer than it should take all of it may take.
const SLACK: Duration = Duration::from_secs(120);
/// The longest run where only a number of requests ends it.
const LONGEST: Duration = Duration::from_secs(86_400);
/// Their image, as deploy/Containerfile calls it.
const IMAGE: &str = concat!("pilothouse-recorder:", env!("CARGO_PKG_VERSION"));

/// What is asked for, read.
struct Asked {
    cluster: String,
    namespace: String,
    job: String,
    image: String,
    key: Option<(SmolStr, SmolStr)>,
    order: Order,
    longest: Duration,
    typed: Option<String>,
}

/// Does what was asked for. `on` is the connection and the namespace.
pub async fn run(of: &RunArgs, on: &str, plan: Plan, out: Style, err: Style) -> Result<Exit, Failed> {
    let clock = Clock::system();
    let place = match &of.out {
        Some(file) => Place::at(file),
        None => Place::new(&folder()?, clock.now(), &plan.target.model),
    };
    place.is_free()?;
    let asked = Asked::read(of, on, plan, clock.now())?;
    let source = SourceArgs { context: Some(asked.cluster.clone()), demo: false, wait: Duration::from_secs(30) };
    let how = How { source, plan: of.workers.plan, yes: of.workers.yes, typed: asked.typed.clone(), json: of.json };
    let session = Session::start_quietly(&how.source, false).await?;
    let document = asked.measured(&session, &how, &place, clock, (out, err)).await;
    session.end().await;
    let Some(document) = document? else { return Ok(Exit::Ok) };
    place.write(&document)?;
    note(&format!("Kept as {}: {}", document.id, place.document.display()));
    if document.measures.is_none() {
        let lost = document.workers.iter().flat_map(workers::lines).find(|(_, tone)| *tone == Tone::Bad);
        let why = lost.map_or_else(String::new, |(text, _)| text);
        return Err(Problem::new(Code::ServerFailed, "Not one worker told what it measured.")
            .why(format!("{why}."))
            .into());
    }
    let exit = verdict(&document);
    show(&Kept::Run(Box::new(document)), of.json, out)?;
    exit
}

impl Asked {
    fn read(of: &RunArgs, on: &str, mut plan: Plan, now: Stamp) -> Result<Self, Failed> {
        let args = &of.workers;
        // A context may have a / in its name, and a namespace has none.
        let Some((cluster, namespace)) = on.rsplit_once('/').filter(|(a, b)| !a.is_empty() && !b.is_empty()) else {
            return Err(Failed::Usage(format!("--on is CONNECTION/NAMESPACE, and {on:?} is none.")));
        };
        let key = match args.key_secret.as_deref().map(|typed| typed.split_once('/')) {
            None => None,
            Some(Some((name, key))) if !name.is_empty() && !key.is_empty() => Some((name.into(), key.into())),
            Some(_) => return Err(Failed::Usage("--key-secret is NAME/KEY of a Secret.".into())),
        };
        if key.is_some() {
            plan.target.key = KeyFrom::Variable(KEY.into());
        }
        inside(&mut plan, cluster)?;
        let job = args.job.clone().unwrap_or_else(|| name(now));
        let workers = args.workers.unwrap_or_default();
        #[allow(clippy::cast_possible_truncation, reason = "held within a minute by the order")]
        let clocks_within_ms = (args.clocks_within * 1e3).round() as i64;
        let order = Order::new(&job, workers, args.come_within, clocks_within_ms, plan)?;
        let longest = order.longest_s().map_or(LONGEST, Duration::from_secs_f64);
        Ok(Self {
            cluster: cluster.to_owned(),
            namespace: namespace.to_owned(),
            job,
            image: args.image.clone().unwrap_or_else(|| IMAGE.to_owned()),
            key,
            order,
            longest,
            typed: of.way.typed.clone(),
        })
    }

    fn wanted(&self) -> WorkersWanted {
        let Plan { target, .. } = &self.order.plan;
        let come = Duration::from_secs_f64(self.order.come_within_s);
        WorkersWanted {
            workers: self.order.workers,
            image: self.image.as_str().into(),
            order: serde_json::to_string(&self.order).unwrap_or_default(),
            about: format!("{}; to {} at {}", told::load(&self.order.plan), target.model, target.place()),
            key: self.key.clone(),
            longest: come + self.longest + SLACK,
        }
    }

    /// Has them made, told and heard out; nothing where it was only to be shown, or is not wanted.
    async fn measured(
        &self,
        session: &Session,
        how: &How,
        place: &Place,
        clock: Clock,
        (out, err): (Style, Style),
    ) -> Result<Option<Document>, Failed> {
        // What is planned is read from the server: it has to be open by then.
        let (frame, _) = session.frame(ViewSpec::Connections, how.source.wait).await?;
        let Some(source) = frame.sources.first() else { return Err(other_answer()) };
        let (namespace, job) = (SmolStr::new(&self.namespace), SmolStr::new(&self.job));
        let object = ObjectRef::Workload(source.id.clone(), namespace, SmolStr::new_static("Job"), job);
        let intent = |deed: Deed| Intent { object: object.clone(), deed };
        let run = intent(Deed::RunWorkers(Box::new(self.wanted())));
        let Some((_, by)) = act::agreed(session, run, how, None, out).await? else { return Ok(None) };
        let grounded = session.operator().ground(&self.cluster).await?;
        // In production the name was typed once, and all that is done is to that one Job.
        let typed = by.typed.clone();
        let began = clock.now();
        let action = act::done(session, by, how.json).await?;
        let exit = act::ended(&action, err)?;
        let mut crew = Crew::new(grounded.ground, &self.namespace, &self.order, clock.clone());
        let heard = async {
            if exit != Exit::Ok {
                return Err(Failed::from(not_made(&action.state, &self.job)));
            }
            let mut interruption = std::pin::pin!(serve::interruption_or_hangup());
            let at = self.all_there(&mut crew, began, &clock, &mut interruption).await?;
            let begin = Deed::BeginWorkers { at, said: clock.now() };
            let told = act::belongs(session, intent(begin), typed.as_deref()).await?;
            act::ended(&told, err)?;
            self.hear_out(&mut crew, at, &clock, &mut interruption, err).await;
            Ok(at)
        };
        let heard = heard.await;
        // Those that go on would send for nobody, and those that wait would wait for nothing.
        if heard.is_err() || crew.is_cut() {
            let ended = act::belongs(session, intent(Deed::EndWorkers), typed.as_deref()).await;
            match ended {
                Ok(action) => drop(act::ended(&action, err)?),
                Err(Failed::Problem(problem)) => note(&format!("The workers could not be ended: {problem}")),
                Err(other) => return Err(other),
            }
        }
        let at = heard?;
        let from =
            Document::begun(place.id.clone(), self.order.plan.clone(), Environment::read(), began, String::new());
        let from = Document { ended: Some(clock.now()), ..from };
        let ran = workers::Place {
            cluster: self.cluster.clone(),
            namespace: self.namespace.clone(),
            job: self.job.clone(),
            image: self.image.clone(),
        };
        Ok(Some(workers::document(from, &self.order, ran, at, crew.handed_over())))
    }

    /// Waits until all are there; when they begin.
    async fn all_there(
        &self,
        crew: &mut Crew,
        since: Stamp,
        clock: &Clock,
        interruption: &mut (impl Future<Output = ()> + Unpin),
    ) -> Result<Stamp, Failed> {
        let barrier = Barrier {
            workers: self.order.workers,
            within: Duration::from_secs_f64(self.order.come_within_s),
            clocks_within_ms: self.order.clocks_within_ms,
        };
        let mut said = String::new();
        loop {
            crew.look().await?;
            match barrier.next(&crew.seats(), since, clock.now()) {
                Next::Begin(at) => return Ok(at),
                Next::GiveUp(problem) => return Err(problem.into()),
                Next::Wait(who) if who != said => {
                    note(&format!("Waiting: {who}."));
                    said = who;
                }
                Next::Wait(_) => {}
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = &mut *interruption => {
                    return Err(Problem::new(Code::Cut, "It was ended before the begin.").why("Nothing was sent.").into());
                }
            }
        }
    }

    /// Hears all out, until each has handed over what it measured, has ended, or had its time.
    async fn hear_out(
        &self,
        crew: &mut Crew,
        at: Stamp,
        clock: &Clock,
        interruption: &mut (impl Future<Output = ()> + Unpin),
        err: Style,
    ) {
        let until = self.order.plan.until;
        let bar = Bar::of(until.requests.filter(|_| until.seconds.is_none()), &self.order.plan, err);
        let over = at.plus(self.longest).plus(SLACK);
        while crew.goes_on() && clock.now() < over {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = &mut *interruption => return crew.cut("it was ended by who asked for it"),
            }
            // What cannot be read now may be read in a second; at the end it is said.
            let _ = crew.look().await;
            bar.show(crew.progress());
        }
        crew.cut("it had not ended in its time");
    }
}

/// Of a service of the workers' own cluster its address is enough.
fn inside(plan: &mut Plan, cluster: &str) -> Result<(), Problem> {
    let Some(through) = &plan.target.through else { return Ok(()) };
    let refused = |why: &str, next: &str| {
        Problem::new(Code::BadInput, format!("The workers cannot ask the {}.", through.place())).why(why).next(next)
    };
    if through.connection != cluster {
        let why = format!("They run in {cluster}.");
        return Err(refused(&why, "Name a service of the cluster that they run in, or an address that they reach."));
    }
    let service = through.service()?;
    if through.behind == Behind::Pod {
        return Err(refused("A pod has no name inside of its cluster.", "Name a service."));
    }
    if service.port.parse::<u16>().is_err() {
        return Err(refused("Its port is a name, which only an API server looks up.", "Give the number of the port."));
    }
    plan.target.through = None;
    Ok(())
}

fn not_made(state: &ActionState, job: &str) -> Problem {
    let why = match state {
        ActionState::Unverified(why) => why.clone(),
        other => other.word().to_owned(),
    };
    Problem::new(Code::ServerFailed, format!("The pods of Job {job} were not made."))
        .why(format!("{why}."))
        .next("A quota or a policy of the namespace may keep them out: see the events of the Job.")
}

/// A name by the time and this process, which no other run has.
fn name(now: Stamp) -> String {
    let plain: String = now.to_string().chars().take(19).filter(char::is_ascii_digit).collect();
    let (day, time) = plain.split_at(plain.len().min(8));
    format!("pilothouse-bench-{day}-{time}-{:x}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Arguments, Verb};
    use crate::bench_args::{BenchArgs, BenchVerb};
    use clap::Parser;

    fn asked(typed: &str) -> Result<Asked, Failed> {
        let words = ["pilothouse", "bench", "run"].into_iter().chain(typed.split(' '));
        let Verb::Bench(BenchArgs { verb: BenchVerb::Run(run) }) = Arguments::try_parse_from(words).unwrap().verb
        else {
            panic!("{typed}")
        };
        let (plan, _) = run.plan()?;
        Asked::read(&run, run.workers.on.as_deref().unwrap_or_default(), plan, Stamp(1_800_000_000_000))
    }

    const LOAD: &str = "--model m --concurrency 8 --seconds 30 --workers 4";

    #[test]
    fn workers_ask_a_service_of_their_cluster_at_its_address() {
        let of = asked(&format!("service:serving/chat:8000@me/prod {LOAD} --on me/prod/bench --key-secret keys/chat"))
            .unwrap();
        assert_eq!((of.cluster.as_str(), of.namespace.as_str()), ("me/prod", "bench"));
        let target = &of.order.plan.target;
        assert_eq!((target.url.as_str(), &target.through), ("http://chat.serving.svc:8000/v1/chat/completions", &None));
        let wanted = of.wanted();
        assert_eq!(wanted.key, Some(("keys".into(), "chat".into())));
        assert_eq!(Order::read(&wanted.order).unwrap(), of.order);
        assert!(of.job.starts_with("pilothouse-bench-20270115-080000-") && of.job.len() <= 52, "{}", of.job);
        assert!(wanted.longest >= Duration::from_secs(30 + 300), "{:?}", wanted.longest);
    }

    #[test]
    fn what_workers_cannot_reach_is_refused() {
        for (typed, want) in [
            (format!("service:a/b:1@other {LOAD} --on prod/bench"), "They run in prod"),
            (format!("pod:a/b:1@prod {LOAD} --on prod/bench"), "has no name"),
            (format!("service:a/b:http@prod {LOAD} --on prod/bench"), "number of the port"),
            (format!("http://h:1 {LOAD} --on prod"), "CONNECTION/NAMESPACE"),
            (format!("http://h:1 {LOAD} --on prod/bench --key-secret x"), "NAME/KEY"),
            (format!("http://h:1 {LOAD} --on prod/bench --prompts p.jsonl"), "have no p.jsonl"),
        ] {
            let said = match asked(&typed) {
                Ok(_) => "nothing".to_owned(),
                Err(Failed::Usage(said)) => said,
                Err(Failed::Problem(problem)) => problem.to_string(),
                Err(other) => format!("{other:?}"),
            };
            assert!(said.contains(want), "{typed}: {said}");
        }
    }
}
