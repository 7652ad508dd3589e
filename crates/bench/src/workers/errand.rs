//! A run past this machine, from where a person has agreed that its Job is made to what is kept: workers are waited for, told when
//! to begin, heard out, and ended where they would go on for nobody. Whoever may act does what is done in the cluster ([`Hand`]).

use super::{
    barrier::{Barrier, Next},
    crew::Crew,
    kept::{self, document},
    lines::{self, Own},
    order::{KEY, Order},
};
use crate::{
    environment::Environment,
    plan::{KeyFrom, Plan},
    result::Document,
    run::Progress,
    store, told,
};
use pilothouse_connect::{Behind, Clock, Ground};
use pilothouse_wire::{
    Code, ConnectionId, ObjectRef, Problem, SmolStr, Stamp,
    plan::{ActionState, Deed, WorkersWanted},
};
use std::{io, sync::Arc, time::Duration};
use tokio::time::Instant;

/// How often workers are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// So much longer than it should take all of it may take.
const SLACK: Duration = Duration::from_secs(120);
/// The longest run where only a number of requests ends it.
const LONGEST: Duration = Duration::from_secs(86_400);
/// Their image, as deploy/Containerfile calls it.
const IMAGE: &str = concat!("pilothouse-recorder:", env!("CARGO_PKG_VERSION"));
/// Seconds that they may take to come, and that clocks may be apart, where nobody says.
const COME_WITHIN_S: f64 = 300.0;
const CLOCKS_WITHIN_S: f64 = 1.0;

/// Workers as a person asks for them.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// The connection to their cluster, as it was typed.
    pub cluster: String,
    /// Their namespace.
    pub namespace: String,
    /// How many.
    pub workers: u32,
    /// Their image; none for the usual one.
    pub image: Option<String>,
    /// The Secret of their namespace that the API key is in, and the key in it.
    pub key: Option<(SmolStr, SmolStr)>,
    /// Seconds until all have to be there.
    pub come_within_s: f64,
    /// How many seconds a clock may be from that of this machine.
    pub clocks_within_s: f64,
    /// What the Job is called; none for a name by the time.
    pub job: Option<String>,
}

impl Spec {
    /// So many, and all else as usual.
    #[must_use]
    pub fn usual(cluster: &str, namespace: &str, workers: u32) -> Self {
        Self {
            cluster: cluster.to_owned(),
            namespace: namespace.to_owned(),
            workers,
            image: None,
            key: None,
            come_within_s: COME_WITHIN_S,
            clocks_within_s: CLOCKS_WITHIN_S,
            job: None,
        }
    }
}

/// The connection and the namespace that are typed as one: CONNECTION/NAMESPACE.
#[must_use]
pub fn place(typed: &str) -> Option<(&str, &str)> {
    // A context may have a / in its name, and a namespace has none.
    typed.rsplit_once('/').filter(|(cluster, namespace)| !cluster.is_empty() && !namespace.is_empty())
}

/// A run of workers that is to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Errand {
    /// As it was asked for.
    pub spec: Spec,
    /// What the Job is called.
    pub job: String,
    /// What workers are told.
    pub order: Order,
    longest: Duration,
}

/// What is told on the way.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// Who is waited for.
    Waits(String),
    /// How far all are together.
    Sends(Progress),
    /// Something went wrong beside it.
    Trouble(Problem),
}

/// Who does in the cluster what belongs to a run that a person has agreed to: planned, confirmed and written down as any action.
pub trait Hand {
    /// Does it to the Job.
    ///
    /// # Errors
    /// If it was not done, or nobody knows.
    fn does(&mut self, deed: Deed) -> impl Future<Output = Result<(), Problem>> + Send;
}

/// What a run begins with.
pub struct Begun {
    /// Where it is kept.
    pub place: store::Place,
    /// When its workers were asked for.
    pub asked: Stamp,
    /// The clock of who asks.
    pub clock: Clock,
}

impl Errand {
    /// Of a load that workers can make.
    ///
    /// # Errors
    /// If something in it is on this machine alone, is not reached by them, or cannot be dealt out.
    pub fn new(spec: Spec, mut plan: Plan, now: Stamp) -> Result<Self, Problem> {
        if spec.key.is_some() {
            plan.target.key = KeyFrom::Variable(KEY.into());
        }
        inside(&mut plan, &spec.cluster)?;
        let job = spec.job.clone().unwrap_or_else(|| name(now));
        #[allow(clippy::cast_possible_truncation, reason = "held within a minute by the order")]
        let clocks_within_ms = (spec.clocks_within_s * 1e3).round() as i64;
        let order = Order::new(&job, spec.workers, spec.come_within_s, clocks_within_ms, plan)?;
        let longest = order.longest_s().map_or(LONGEST, Duration::from_secs_f64);
        Ok(Self { spec, job, order, longest })
    }

    /// Its image.
    #[must_use]
    pub fn image(&self) -> &str {
        self.spec.image.as_deref().unwrap_or(IMAGE)
    }

    /// The Job in its cluster.
    #[must_use]
    pub fn object(&self, cluster: ConnectionId) -> ObjectRef {
        let (namespace, job) = (SmolStr::new(&self.spec.namespace), SmolStr::new(&self.job));
        ObjectRef::Workload(cluster, namespace, SmolStr::new_static("Job"), job)
    }

    /// The deed by which it is made, which a person agrees to.
    #[must_use]
    pub fn deed(&self) -> Deed {
        Deed::RunWorkers(Box::new(self.wanted()))
    }

    /// Workers as the cluster is asked for them.
    #[must_use]
    pub fn wanted(&self) -> WorkersWanted {
        let Plan { target, .. } = &self.order.plan;
        let come = Duration::from_secs_f64(self.order.come_within_s);
        WorkersWanted {
            workers: self.order.workers,
            image: self.image().into(),
            order: serde_json::to_string(&self.order).unwrap_or_default(),
            about: format!("{}; to {} at {}", told::load(&self.order.plan), target.model, target.place()),
            key: self.spec.key.clone(),
            longest: come + self.longest + SLACK,
        }
    }

    /// Why its pods were not made, by what became of the deed.
    #[must_use]
    pub fn not_made(&self, state: &ActionState) -> Problem {
        let why = match state {
            ActionState::Unverified(why) => why.clone(),
            other => other.word().to_owned(),
        };
        Problem::new(Code::ServerFailed, format!("The pods of Job {} were not made.", self.job))
            .why(format!("{why}."))
            .next("A quota or a policy of the namespace may keep them out: see the events of the Job.")
    }

    /// Has its workers told and heard out, once their pods are made, and keeps what comes of it. `over` ends it: what was handed
    /// over until then is kept.
    ///
    /// # Errors
    /// If there was no begin, the cluster tells nothing, or it cannot be kept.
    pub async fn run(
        &self,
        ground: Arc<dyn Ground>,
        hand: &mut impl Hand,
        begun: &Begun,
        over: impl Future<Output = ()>,
        mut tell: impl FnMut(News),
    ) -> Result<Document, Problem> {
        let mut crew = Crew::new(ground, &self.spec.namespace, &self.order, begun.clock.clone());
        let heard = async {
            let mut over = std::pin::pin!(over);
            let at = self.all_there(&mut crew, begun, &mut over, &mut tell).await?;
            hand.does(Deed::BeginWorkers { at, said: begun.clock.now() }).await?;
            self.hear_out(&mut crew, at, &begun.clock, &mut over, &mut tell).await;
            Ok::<_, Problem>(at)
        };
        let heard = heard.await;
        let is_early = heard.is_err() || crew.is_cut();
        // Before anything else is done: who asked may be ending.
        let kept = heard.and_then(|at| self.keep(crew, at, begun));
        // Those that go on would send for nobody, and those that wait would wait for nothing.
        if is_early {
            self.end(hand, &mut tell).await;
        }
        kept
    }

    /// Ends its workers; that they could not be is told.
    pub async fn end(&self, hand: &mut impl Hand, tell: &mut impl FnMut(News)) {
        if let Err(problem) = hand.does(Deed::EndWorkers).await {
            let what = format!("The workers of Job {} could not be ended.", self.job);
            tell(News::Trouble(Problem { what, why: Some(problem.to_string()), ..problem }));
        }
    }

    fn keep(&self, crew: Crew, at: Stamp, begun: &Begun) -> Result<Document, Problem> {
        let (told, samples): (Vec<_>, Vec<_>) = crew.handed_over().into_iter().unzip();
        let place = &begun.place;
        let has_lines = told.iter().any(|told| told.lines.is_some());
        let requests_file = if has_lines { place.requests_name() } else { String::new() };
        let environment = Environment::read();
        let from = Document::begun(place.id.clone(), self.order.plan.clone(), environment, begun.asked, requests_file);
        let from = Document { ended: Some(begun.clock.now()), ..from };
        let ran = kept::Place {
            cluster: self.spec.cluster.clone(),
            namespace: self.spec.namespace.clone(),
            job: self.job.clone(),
            image: self.image().to_owned(),
        };
        let document = document(from, &self.order, ran, at, told);
        // What all of them measured first: it is the run, and the lines are beside it.
        place.write(&document)?;
        if has_lines {
            let each = document.workers.iter().flat_map(|workers| &workers.each).zip(samples);
            let own = each.map(|(worker, samples)| Own {
                worker: worker.index,
                later_us: worker.later_us.unwrap_or_default(),
                samples,
            });
            let written = lines::write(own.collect(), &mut place.open()?);
            written.map_err(|error: io::Error| place.unwritable(&error))?;
        }
        Ok(document)
    }

    /// Waits until all are there; when they begin.
    async fn all_there(
        &self,
        crew: &mut Crew,
        begun: &Begun,
        over: &mut (impl Future<Output = ()> + Unpin),
        tell: &mut impl FnMut(News),
    ) -> Result<Stamp, Problem> {
        let barrier = Barrier {
            workers: self.order.workers,
            within: Duration::from_secs_f64(self.order.come_within_s),
            clocks_within_ms: self.order.clocks_within_ms,
        };
        let mut said = String::new();
        loop {
            crew.look().await?;
            match barrier.next(&crew.seats(), begun.asked, begun.clock.now()) {
                Next::Begin(at) => return Ok(at),
                Next::GiveUp(problem) => return Err(problem),
                Next::Wait(who) if who != said => {
                    tell(News::Waits(who.clone()));
                    said = who;
                }
                Next::Wait(_) => {}
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = &mut *over => {
                    return Err(Problem::new(Code::Cut, "It was ended before the begin.").why("Nothing was sent."));
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
        over: &mut (impl Future<Output = ()> + Unpin),
        tell: &mut impl FnMut(News),
    ) {
        // By a timer: who has the clock of this machine set meanwhile gives nobody up for it.
        let last = Instant::now() + at.since(clock.now()) + self.longest + SLACK;
        let mut is_told = false;
        while crew.goes_on() && Instant::now() < last {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = &mut *over => return crew.cut("it was ended by who asked for it"),
            }
            // What cannot be read now may be read in a second. That nothing can be read for long is told, once a time.
            match crew.look().await {
                Err(problem) if !is_told => {
                    is_told = true;
                    tell(News::Trouble(problem));
                }
                Err(_) => {}
                Ok(()) => is_told = is_told && crew.is_silent(),
            }
            tell(News::Sends(crew.progress()));
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

/// A name by the time and this process, which no other run has.
fn name(now: Stamp) -> String {
    let plain: String = now.to_string().chars().take(19).filter(char::is_ascii_digit).collect();
    let (day, time) = plain.split_at(plain.len().min(8));
    format!("pilothouse-bench-{day}-{time}-{:x}", std::process::id())
}

#[cfg(test)]
mod tests;
