//! The registry of the demo fleet: the models that its services serve, with versions, aliases, and runs that made them. Made
//! up out of the seed, as the clusters are; of who serves what the pods of the clusters tell.

mod configs;
mod runs;

use crate::{
    connector::{IDENTITY, PERIOD, about, tested},
    dice::{Dice, hash},
    plot::ROUND_MS,
};
use async_trait::async_trait;
use pilothouse_connect::{Closed, Connector, ModelFiles, Sink, VersionFiles};
use pilothouse_wire::{
    AddressPlace, Code, Health, ModelAddress, ObjectRef, Problem, SmolStr, Stamp,
    ask::Tested,
    plan::{Intent, Plan},
    preflight::ModelSubject,
    runs::{FilesSize, RunAnswer, RunAsk, VersionId},
    view::Readiness,
};
use pilothouse_world::{
    Fact,
    fact::{Covers, Kind, ModelFact, PodFact, Probed, SourceAbout, StartFact, VersionFact},
};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How it is called, and by which word it is chosen.
pub(crate) const NAME: &str = "model-registry";

const DAY: Duration = Duration::from_secs(86_400);
/// Versions of a model that are there from the beginning.
const VERSIONS: u64 = 6;
const VERSION: &str = "demo";
const MAY: &str = "read every model of the demo fleet";
/// The variable in which the demo's pods name their model.
const VARIABLE: &str = "MODEL_URI";

/// A model.
struct Model {
    name: &'static str,
    what: &'static str,
    team: &'static str,
    /// The version that serves at the beginning.
    stable: u64,
    /// The newest version at the beginning.
    newest: u64,
    /// Is another version registered in each round of the story?
    goes_on: bool,
}

const fn model(
    name: &'static str,
    what: &'static str,
    team: &'static str,
    stable: u64,
    newest: u64,
    goes_on: bool,
) -> Model {
    Model { name, what, team, stable, newest, goes_on }
}

/// The models: stable versions are those of the services of the same name.
const MODELS: &[Model] = &[
    model("chat-70b", "Answers in chats", "inference", 41, 42, true),
    model("chat-405b", "Answers in chats, where quality counts most", "inference", 14, 15, false),
    model("code-34b", "Completes and explains code", "inference", 17, 17, false),
    model("vision-8b", "Says what is in a picture", "inference", 9, 10, true),
    model("embed-e5", "Embeds texts for search", "inference", 12, 12, false),
    model("rerank", "Puts search results in order", "inference", 18, 20, true),
    model("guard-8b", "Refuses what must not be answered", "inference", 5, 5, false),
    model("planner-32b", "Plans the steps of an assistant", "assistants", 23, 23, false),
    model("speech-3b", "Speaks", "assistants", 7, 7, false),
    model("listen-1b", "Hears", "assistants", 11, 11, false),
];

/// A service is started with the model of its name; those with another ending, such as `-next`, with the same.
fn of_service(service: &str) -> Option<&'static Model> {
    let name = service.strip_suffix("-next").unwrap_or(service);
    MODELS.iter().find(|model| model.name == name)
}

/// What the containers of a pod are started with, by the service and the version that its image is of.
pub(crate) fn starts(pod: &PodFact) -> Vec<StartFact> {
    let of = |image: &str| -> Option<SmolStr> {
        let (name, tag) = image.rsplit('/').next()?.split_once(':')?;
        let (model, version) = (of_service(name)?, tag.strip_prefix('v')?);
        Some(SmolStr::from(format!("models:/{}/{version}", model.name)))
    };
    let start = |container: &pilothouse_world::fact::ContainerFact| {
        let text = of(&container.image)?;
        let place = AddressPlace::Variable(SmolStr::new_static(VARIABLE));
        // A container begins once its image is there: until then it has none of a digest.
        let began = container.digest.as_ref().and(pod.started);
        Some(StartFact { container: container.name.clone(), began, models: vec![ModelAddress { text, place }] })
    };
    pod.containers.iter().filter_map(start).collect()
}

/// Variables that a container has by that, as its pod's YAML shows them.
pub(crate) fn variables(pod: &PodFact, container: &str) -> Vec<(&'static str, SmolStr)> {
    let starts = starts(pod).into_iter().filter(|start| start.container == container);
    starts.flat_map(|start| start.models).map(|model| (VARIABLE, model.text)).collect()
}

/// The registry as a connection.
pub(crate) struct Registry {
    name: SmolStr,
    seed: u64,
    /// When somebody first looked.
    start: Mutex<Option<Stamp>>,
}

impl Registry {
    pub fn new(name: String, seed: u64) -> Self {
        Self { name: name.into(), seed, start: Mutex::new(None) }
    }

    fn start(&self, now: Stamp) -> Stamp {
        *self.start.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(now)
    }

    fn facts(&self, now: Stamp) -> Vec<ModelFact> {
        let book = Book { seed: self.seed, start: self.start(now) };
        MODELS.iter().map(|model| book.model(model, now)).collect()
    }

    async fn play(&self, sink: &Sink) -> Result<(), Closed> {
        sink.health(Health::Starting { doing: "Listing models".to_owned(), progress: None }).await?;
        let mut told = self.facts(sink.now());
        sink.attempt(true, "made up from the seed of the demo fleet").await?;
        sink.probed(Probed {
            version: Some(VERSION.into()),
            identity: Some(IDENTITY.into()),
            may: vec![MAY.into()],
            ..Probed::default()
        })
        .await?;
        let all = told.iter().cloned().map(fact).collect();
        sink.replace(Covers { kind: Kind::Model, namespace: None }, all).await?;
        sink.health(Health::Well).await?;
        loop {
            tokio::time::sleep(PERIOD).await;
            let now = self.facts(sink.now());
            let news: Vec<Fact> = now.iter().filter(|model| !told.contains(model)).cloned().map(fact).collect();
            told = now;
            if news.is_empty() {
                sink.heard().await?;
            } else {
                sink.delta(news).await?;
            }
        }
    }
}

fn fact(model: ModelFact) -> Fact {
    Fact::Model(Box::new(model))
}

/// What is written down of models since the registry was begun.
struct Book {
    seed: u64,
    start: Stamp,
}

impl Book {
    /// Rounds of the story that have begun by then.
    fn rounds(&self, now: Stamp) -> u64 {
        let passed = u64::try_from(now.since(self.start).as_millis()).unwrap_or(u64::MAX);
        passed / ROUND_MS
    }

    /// The newest version by then.
    fn newest(&self, model: &Model, now: Stamp) -> u64 {
        model.newest + if model.goes_on { self.rounds(now) } else { 0 }
    }

    /// When a version was registered: before the story began every few days, and with each round of it.
    fn registered(&self, model: &Model, number: u64) -> Stamp {
        if let Some(round) = number.checked_sub(model.newest).filter(|round| *round > 0) {
            return self.start.plus(Duration::from_millis(round * ROUND_MS));
        }
        let days = u32::try_from(model.newest - number).unwrap_or(0) * 6 + 2;
        let hours = Dice::new(self.seed, &format!("registered/{}/{number}", model.name)).between(0, 48 * 3_600);
        self.start.minus(DAY * days + Duration::from_secs(hours))
    }

    fn model(&self, model: &Model, now: Stamp) -> ModelFact {
        let newest = self.newest(model, now);
        let oldest = model.stable.min(newest).saturating_sub(VERSIONS - 1).max(1);
        let versions: Vec<VersionFact> = (oldest..=newest).rev().map(|number| self.version(model, number)).collect();
        let mut aliases = vec![("champion".into(), model.stable), ("previous".into(), model.stable - 1)];
        if newest > model.stable {
            aliases.push(("challenger".into(), newest));
        }
        aliases.sort();
        ModelFact {
            name: model.name.into(),
            created: Some(self.registered(model, oldest).minus(DAY * 90)),
            updated: versions.first().and_then(|version| version.updated),
            description: Some(format!("{}. Of the demo fleet: made up.", model.what)),
            tags: vec![("demo".into(), "yes".into()), ("team".into(), model.team.into())],
            aliases,
            versions,
            more: oldest - 1,
        }
    }

    fn version(&self, model: &Model, number: u64) -> VersionFact {
        let at = self.registered(model, number);
        let precision = if number.is_multiple_of(3) { "fp8" } else { "bf16" };
        VersionFact {
            number,
            created: Some(at),
            updated: Some(at),
            readiness: Readiness::Ready,
            source: Some(SmolStr::from(format!("models:/m-{}", self.id("model", model.name, number)))),
            run: Some(self.id("run", model.name, number).into()),
            user: Some("release-bot".into()),
            tags: vec![("precision".into(), precision.into())],
            ..VersionFact::default()
        }
    }

    /// An id as MLflow would make one up.
    fn id(&self, what: &str, model: &str, number: u64) -> String {
        let part = |n: u64| hash(self.seed.wrapping_add(n), &format!("{what}/{model}/{number}"));
        format!("{:016x}{:016x}", part(0), part(1))
    }
}

#[async_trait]
impl Connector for Registry {
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

    async fn plan(&self, _: &Intent) -> Result<Plan, Problem> {
        Err(Problem::of_demo())
    }

    async fn yaml(&self, object: &ObjectRef) -> Result<String, Problem> {
        Err(Problem::new(
            Code::NotOffered,
            format!("{} keeps no objects of a cluster: there is no {object}.", self.name),
        ))
    }

    async fn runs(&self, ask: &RunAsk) -> Result<RunAnswer, Problem> {
        if let RunAsk::Search(query) = ask
            && runs::parts_of_names(&query.filter).is_none()
        {
            let what = format!("{} finds runs by parts of their names alone.", self.name);
            let problem = Problem::new(Code::BadInput, what).why("It is of the demo: no tracking server is asked.");
            return Err(problem.next("Such as: attributes.run_name ILIKE '%fox%'."));
        }
        // Before somebody watches nothing is made up yet.
        let start = *self.start.lock().unwrap_or_else(PoisonError::into_inner);
        let start = start.ok_or_else(|| Problem::new(Code::NotFound, format!("{} is not in play yet.", self.name)))?;
        runs::answer(&Book { seed: self.seed, start }, ask).ok_or_else(|| {
            Problem::new(Code::NotFound, format!("{} has no such run.", self.name))
                .why("It was never part of the demo fleet.")
        })
    }

    async fn version_files(&self, of: &VersionId, _run: Option<&str>) -> Result<VersionFiles, Problem> {
        let config = configs::of(&of.model.name);
        // Two bytes a weight, and a little beside.
        let size = config.as_ref().map_or(0, configs::bytes) + 9_400_000 + of.number * 1_024;
        Ok(VersionFiles {
            size: Ok(FilesSize { files: 12, bytes: size, whole: true }),
            config: Ok(config.map(|config| config.to_string())),
            flavours: Ok(vec![("transformers.task".into(), "text-generation".to_owned())]),
        })
    }

    async fn model_files(&self, of: &ModelSubject) -> Result<ModelFiles, Problem> {
        let config = match of {
            ModelSubject::Version(version) if MODELS.iter().any(|model| model.name == version.model.name) => {
                configs::of(&version.model.name)
            }
            _ => None,
        };
        let config = config.ok_or_else(|| {
            Problem::new(Code::NotFound, format!("{} has no configuration of a model.", of.shown()))
                .why("The demo fleet makes up those of its larger language models alone.")
        })?;
        let place =
            format!("config.json of {}, of the demo: dimensions as published ones of that size have", of.shown());
        Ok(ModelFiles { config: config.to_string(), place, ..ModelFiles::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cluster, Script};
    use std::collections::BTreeSet;

    const START: Stamp = Stamp(1_795_489_964_000);

    fn names(facts: &[ModelFact]) -> BTreeSet<SmolStr> {
        let of = |model: &ModelFact| {
            let name = model.name.clone();
            model
                .versions
                .iter()
                .map(move |version| SmolStr::from(format!("models:/{name}/{}", version.number)))
                .collect::<Vec<_>>()
        };
        facts.iter().flat_map(of).collect()
    }

    /// Whatever a pod of the fleet is started with is registered, at the beginning and after rounds of the story.
    #[test]
    fn every_version_that_serves_is_registered() {
        let registry = Registry::new(NAME.into(), 4_096);
        for cluster in Cluster::ALL {
            let mut script = Script::new(cluster, 4_096, START);
            for minutes in [0, 5, 21, 45] {
                script.advance(Duration::from_secs(minutes * 60));
                let now = START.plus(Duration::from_secs(minutes * 60));
                registry.start(START);
                let known = names(&registry.facts(now));
                let served: BTreeSet<SmolStr> =
                    script.pods().flat_map(starts).flat_map(|start| start.models).map(|model| model.text).collect();
                let missing: Vec<&SmolStr> = served.difference(&known).collect();
                assert!(missing.is_empty(), "{cluster} after {minutes} min: {missing:?}");
                if cluster == Cluster::IadProd {
                    assert!(served.len() >= 9, "{served:?}");
                }
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_registry_and_a_round_another_version() {
        let book = |seed| Book { seed, start: START };
        let all = |seed, at: Stamp| MODELS.iter().map(|model| book(seed).model(model, at)).collect::<Vec<_>>();
        assert_eq!(all(1, START), all(1, START));
        assert_ne!(all(1, START), all(2, START));
        let later = all(1, START.plus(Duration::from_millis(ROUND_MS)));
        let challenger =
            |facts: &[ModelFact]| facts[0].aliases.iter().find(|alias| alias.0 == "challenger").map(|alias| alias.1);
        assert_eq!((challenger(&all(1, START)), challenger(&later)), (Some(42), Some(43)));
        assert_eq!(later[2], all(1, START)[2]);
        for model in &later {
            let times: Vec<_> = model.versions.iter().map(|version| version.created).collect();
            assert!(times.is_sorted_by(|a, b| a > b), "{}: {times:?}", model.name);
        }
    }
}
