//! Plays a script into a sink, once a second by the sink's clock. Decides nothing.

use crate::{
    back,
    fleet::Cluster,
    logs,
    script::{Script, Step},
    yaml,
};
use async_trait::async_trait;
use pilothouse_connect::{Closed, Connector, Sink};
use pilothouse_wire::{
    Code, Health, ObjectRef, Problem, SmolStr, Stamp,
    ask::{LogQuery, Tested},
    back::{BackQuery, Kept},
    plan::{Intent, Plan},
};
use pilothouse_world::fact::{Covers, Kind, Probed, SourceAbout, SourceFact};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How often it is heard, though nothing changed.
pub(crate) const PERIOD: Duration = Duration::from_secs(5);
/// How often changes are said.
const BEAT: Duration = Duration::from_secs(1);
/// How often a lost connection is tried.
const RETRY: Duration = Duration::from_secs(9);

const VERSION: &str = "v1.36 demo";
pub(crate) const IDENTITY: &str = "demo";
const MAY: &str = "read everything in the demo fleet";

/// One cluster of the demo fleet as a connection.
pub(crate) struct Demo {
    name: SmolStr,
    cluster: Cluster,
    seed: u64,
    /// How often its GPUs are measured; as the script has it, if nobody chose.
    interval: Option<Duration>,
    /// The play, from the first look on. Two readers need it: the watch moves it on, a question for YAML looks.
    script: Mutex<Option<Script>>,
}

impl Demo {
    pub fn new(name: String, cluster: Cluster, seed: u64, interval: Option<Duration>) -> Self {
        Self { name: name.into(), cluster, seed, interval, script: Mutex::new(None) }
    }

    fn script(&self) -> MutexGuard<'_, Option<Script>> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn not_in_play(&self, object: &ObjectRef) -> Problem {
        let what = format!("{} is not in play yet: there is no {object} to read.", self.cluster);
        Problem::new(Code::NotFound, what).next("Start the connection.")
    }

    /// Lets the play go on until now.
    fn step(&self, now: Stamp) -> Step {
        let mut script = self.script();
        let script = script.get_or_insert_with(|| {
            let script = Script::new(self.cluster, self.seed, now);
            match self.interval {
                Some(interval) => script.measured_every(interval),
                None => script,
            }
        });
        match script.advance(now.since(script.start())) {
            Step::Changed(mut facts) => {
                facts.extend(script.due_telemetry());
                Step::Changed(facts)
            }
            step => step,
        }
    }

    async fn play(&self, sink: &Sink) -> Result<(), Closed> {
        sink.health(Health::Starting { doing: format!("Listing pods of {}", self.cluster), progress: None }).await?;
        let mut lost = None;
        if let Step::Lost(problem) = self.step(sink.now()) {
            lost = Some(lose(sink, problem).await?);
        } else {
            self.list(sink).await?;
        }
        let mut heard = sink.now();
        loop {
            tokio::time::sleep(BEAT).await;
            let now = sink.now();
            match (self.step(now), lost) {
                (Step::Lost(problem), None) => lost = Some(lose(sink, problem).await?),
                (Step::Lost(problem), Some(retry)) if now >= retry => lost = Some(lose(sink, problem).await?),
                (Step::Lost(_), Some(_)) => {}
                (Step::Back, _) | (Step::Changed(_), Some(_)) => {
                    lost = None;
                    heard = now;
                    sink.source(SourceFact::RetryAt(None)).await?;
                    self.list(sink).await?;
                }
                (Step::Changed(facts), None) if !facts.is_empty() => {
                    heard = now;
                    sink.delta(facts).await?;
                }
                (Step::Changed(_), None) if now.since(heard) + BEAT >= PERIOD => {
                    heard = now;
                    sink.heard().await?;
                }
                (Step::Changed(_), None) => {}
            }
        }
    }

    /// Says all that there is.
    async fn list(&self, sink: &Sink) -> Result<(), Closed> {
        let Some(listing) = self.script().as_ref().map(Script::listing) else { return Ok(()) };
        sink.attempt(true, "played from the script of the demo fleet").await?;
        sink.probed(Probed {
            version: Some(VERSION.into()),
            identity: Some(IDENTITY.into()),
            may: vec![MAY.into()],
            ..Probed::default()
        })
        .await?;
        for (kind, facts) in [
            (Kind::Namespace, listing.namespaces),
            (Kind::Node, listing.nodes),
            (Kind::Pod, listing.pods),
            (Kind::Event, listing.events),
            (Kind::Deployment, listing.deployments),
            (Kind::StatefulSet, listing.stateful_sets),
            (Kind::Rollout, listing.rollouts),
            (Kind::ReplicaSet, listing.replica_sets),
            (Kind::Analysis, listing.analyses),
        ] {
            sink.replace(Covers { kind, namespace: None }, facts).await?;
        }
        let measured = self.script().as_mut().map(Script::telemetry).unwrap_or_default();
        sink.delta(measured).await?;
        sink.health(Health::Well).await
    }
}

/// Says that the cluster does not answer, and when it is tried again.
async fn lose(sink: &Sink, problem: Problem) -> Result<Stamp, Closed> {
    let retry = sink.now().plus(RETRY);
    sink.attempt(false, "refused, as the demo's script has it").await?;
    sink.health(Health::Lost(problem)).await?;
    sink.source(SourceFact::RetryAt(Some(retry))).await?;
    Ok(retry)
}

/// What is known of each connection of the demo without asking.
pub(crate) fn about(name: &SmolStr) -> SourceAbout {
    SourceAbout {
        name: name.clone(),
        kind: crate::KIND.id.into(),
        demo: true,
        address: Some(SmolStr::new_static("this process")),
        period_ms: u64::try_from(PERIOD.as_millis()).unwrap_or(5_000),
    }
}

/// What the test of one finds.
pub(crate) fn tested(version: &str, may: &str) -> Tested {
    Tested { version: Some(version.into()), identity: Some(IDENTITY.into()), may: vec![may.into()], problem: None }
}

#[async_trait]
impl Connector for Demo {
    fn about(&self) -> SourceAbout {
        about(&self.name)
    }

    async fn probe(&self) -> Result<Tested, Problem> {
        Ok(tested(VERSION, MAY))
    }

    async fn watch(&self, sink: Sink) {
        // Nobody listens any more: that is the one way in which it ends.
        let _: Result<(), Closed> = self.play(&sink).await;
    }

    async fn back(&self, query: &BackQuery) -> Result<Kept, Problem> {
        let script = self.script();
        back::back(script.as_ref().ok_or_else(|| self.not_in_play(&query.object))?, query)
    }

    async fn plan(&self, _: &Intent) -> Result<Plan, Problem> {
        Err(Problem::of_demo())
    }

    async fn yaml(&self, object: &ObjectRef) -> Result<String, Problem> {
        let script = self.script();
        let Some(script) = script.as_ref() else { return Err(self.not_in_play(object)) };
        yaml::of(script, object).ok_or_else(|| {
            Problem::new(Code::NotFound, format!("{} has no {object}.", self.cluster))
                .why("It went, or it was never part of the demo fleet.")
        })
    }

    async fn logs(&self, query: &LogQuery) -> Result<Vec<String>, Problem> {
        let script = self.script();
        let known = script.as_ref().and_then(|script| logs::of(script, query));
        known.ok_or_else(|| {
            let (pod, cluster) = (&query.pod.name, &self.cluster);
            Problem::new(Code::NotFound, format!("{cluster} has no log of {pod}."))
                .why("It has not started, it did not restart, or it was never part of the demo fleet.")
        })
    }
}
