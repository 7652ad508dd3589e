//! The MLflow connector against a real MLflow: its registry as a world, the marks of what changes, its runs, its refusals.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acceptance::mlflow::{Bearer, PASSWORD, Trained, USER};
use acceptance::{Failure, Mlflow, Result, until};
use pilothouse_connect::{Clock, Connector, Opening, Relays, Sink};
use pilothouse_connect_mlflow::KIND;
use pilothouse_wire::runs::{RunAnswer, RunAsk, RunQuery, VersionId};
use pilothouse_wire::view::{MarkKind, ModelRow, ModelsSpec};
use pilothouse_wire::{Code, ConnectionId, Health, ModelId, Problem, When};
use pilothouse_world::{World, project};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How long a change may take to be seen: two looks, on a machine that is busy.
const LIMIT: Duration = Duration::from_secs(90);

pub fn id() -> ConnectionId {
    ConnectionId::slug("registry")
}

pub fn open(url: &str, secrets: &[(&str, &str)], values: &[(&str, &str)]) -> Result<Arc<dyn Connector>> {
    let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let mut all: BTreeMap<String, String> = values.iter().map(pair).collect();
    all.insert("url".to_owned(), url.to_owned());
    let opened = (KIND.open)(Opening {
        id: id(),
        name: "registry".to_owned(),
        values: all,
        secrets: secrets.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned().into())).collect(),
        trusted: Vec::new(),
        clock: Clock::system(),
        relays: Relays::none(),
        sought: &[],
    });
    opened.map_err(|problem| Failure::new(problem.to_string()))
}

/// A connection that is watched into a world.
pub struct Watch {
    world: Arc<Mutex<World>>,
    tasks: [JoinHandle<()>; 2],
}

impl Watch {
    pub fn start(connector: Arc<dyn Connector>) -> Self {
        let (way, mut batches) = mpsc::channel(64);
        let sink = Sink::new(id(), way, Clock::system());
        let world: Arc<Mutex<World>> = Arc::default();
        let into = Arc::clone(&world);
        let fold = tokio::spawn(async move {
            while let Some(batch) = batches.recv().await {
                into.lock().unwrap().apply(batch);
            }
        });
        Self { world, tasks: [tokio::spawn(async move { connector.watch(sink).await }), fold] }
    }

    pub fn model(&self, name: &str) -> Option<ModelRow> {
        let world = self.world.lock().unwrap();
        project::models(&world, &ModelsSpec::default())
            .models
            .get(&ModelId { source: id(), name: name.into() })
            .cloned()
    }

    pub async fn until<T>(&self, what: &str, name: &str, wanted: impl Fn(&ModelRow) -> Option<T>) -> Result<T> {
        until(what, LIMIT, async || Ok(self.model(name).as_ref().and_then(&wanted))).await
    }

    pub async fn until_health(&self, what: &str, wanted: impl Fn(&Health) -> bool) -> Result<Option<Problem>> {
        until(what, LIMIT, async || {
            let world = self.world.lock().unwrap();
            let health = world.source(&id()).map(|source| source.health.clone());
            Ok(health.filter(&wanted).map(|health| health.problem().cloned()))
        })
        .await
    }

    /// The marks about a model, oldest first: what, and whether it was seen as it happened.
    fn marks(&self, name: &str) -> Vec<(MarkKind, String, bool)> {
        let world = self.world.lock().unwrap();
        let ribbon = project::ribbon(&world, Duration::from_secs(86_400), When::Now, Clock::system().now());
        let own = ribbon.marks.rows().iter().filter(|mark| mark.key.object.name() == name);
        own.map(|mark| (mark.key.kind, mark.title.clone(), !mark.rebuilt)).collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// A model with two versions, each with its run.
async fn chat(server: &Mlflow, name: &str) -> Result<(String, [String; 2])> {
    let experiment = server.experiment(name).await?;
    let loss: Vec<f64> = (0..40).map(|step| 2.0 / f64::from(step + 1)).collect();
    let first = Trained {
        name: "first",
        params: &[("lr", "0.001"), ("base", "8b")],
        metrics: &[("loss", &loss), ("auc", &[0.7, 0.8])],
        tags: &[("team", "chat")],
    };
    let second = Trained {
        name: "second",
        params: &[("lr", "0.0005"), ("base", "8b")],
        metrics: &[("loss", &[1.0, f64::NAN, 0.25]), ("auc", &[0.75, 0.84])],
        tags: &[("team", "chat")],
    };
    let runs = [server.run(&experiment, first).await?, server.run(&experiment, second).await?];
    server.model(name).await?;
    for run in &runs {
        server.version(name, &experiment, run).await?;
    }
    server.alias(name, "champion", "1").await?;
    Ok((experiment, runs))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_is_followed_and_what_moves_in_it_is_a_mark() -> Result<()> {
    let server = Mlflow::shared().await?;
    let (experiment, runs) = chat(server, "followed").await?;
    let watch = Watch::start(open(&server.url(), &[], &[])?);
    let row = watch
        .until("both versions are there", "followed", |row| (row.versions.len() == 2).then(|| row.clone()))
        .await?;
    assert_eq!(row.versions.iter().map(|version| version.number).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(row.versions[0].run.as_deref(), Some(runs[1].as_str()));
    assert_eq!((row.aliases[0].name.as_str(), row.aliases[0].version, row.aliases[0].since), ("champion", 1, None));

    // MLflow writes down neither that an alias moved nor when: it is seen as it happens.
    server.alias("followed", "champion", "2").await?;
    let since =
        watch.until("the alias moved", "followed", |row| row.aliases[0].since.filter(|_| row.aliases[0].version == 2));
    let since = since.await?;
    assert!(Clock::system().now().since(since) < LIMIT);
    let third = server.version("followed", &experiment, &runs[0]).await?;
    assert_eq!(third, "3");
    server.stage("followed", "2", "Production").await?;
    server.remove_alias("followed", "champion").await?;
    watch
        .until("all is seen", "followed", |row| {
            let staged = row.version(2)?.stage.as_deref() == Some("Production");
            (staged && row.aliases.is_empty() && row.versions.len() == 3).then_some(())
        })
        .await?;
    let marks = watch.marks("followed");
    for (kind, title, seen) in [
        (MarkKind::ModelVersion, "followed version 1", false),
        (MarkKind::ModelAlias, "followed@champion 1 → 2", true),
        (MarkKind::ModelVersion, "followed version 3", true),
        (MarkKind::ModelStage, "followed version 2: no stage → Production", true),
        (MarkKind::ModelAlias, "followed@champion 2 → —", true),
    ] {
        assert!(marks.contains(&(kind, title.to_owned(), seen)), "{title}: {marks:#?}");
    }

    server.delete("registered-models/delete", &json!({ "name": "followed" })).await?;
    until("the model is gone", LIMIT, async || Ok(watch.model("followed").is_none().then_some(()))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_read_found_and_followed_step_by_step() -> Result<()> {
    let server = Mlflow::shared().await?;
    let (experiment, runs) = chat(server, "read").await?;
    server.artefact(&experiment, &runs[1], "model/MLmodel", MLMODEL).await?;
    server.artefact(&experiment, &runs[1], "notes.txt", "ran well").await?;
    let logged =
        json!({ "experiment_id": experiment, "name": "chat-8b", "model_type": "llm", "source_run_id": runs[1] });
    server.post("logged-models", &logged).await?;
    chat(server, "also-read").await?;
    let connector = open(&server.url(), &[], &[])?;
    let ask = async |ask: RunAsk| connector.runs(&ask).await.map_err(|problem| Failure::new(problem.to_string()));

    let RunAnswer::Run(run) = ask(RunAsk::Run(runs[1].as_str().into())).await? else { panic!("another answer") };
    assert_eq!((run.about.name.as_str(), run.about.status.as_str()), ("second", "FINISHED"));
    assert_eq!(run.about.experiment.1.as_deref(), Some("read"));
    assert_eq!(run.about.params, [("base".into(), "8b".to_owned()), ("lr".into(), "0.0005".to_owned())]);
    let last: Vec<String> = run.about.metrics.iter().map(|last| format!("{} {}", last.key, last.value)).collect();
    assert_eq!(last, ["auc 0.84", "loss 0.25"]);
    let left: Vec<(&str, Option<u64>)> =
        run.artefacts.entries.iter().map(|entry| (entry.path.as_str(), entry.bytes)).collect();
    assert_eq!(left, [("model", None), ("notes.txt", Some(8))]);
    let logged: Vec<[&str; 2]> = run.models.iter().map(|model| [model.name.as_str(), model.status.as_str()]).collect();
    assert_eq!((logged, run.models[0].kind.as_deref()), (vec![["chat-8b", "PENDING"]], Some("llm")));
    assert_eq!(run.problems, []);

    let keys = vec!["loss".into(), "nothing".into()];
    let RunAnswer::Metrics(histories) = ask(RunAsk::Metrics { run: runs[1].as_str().into(), keys }).await? else {
        panic!("another answer")
    };
    let values: Vec<String> = histories[0].points.iter().map(|(step, _, value)| format!("{step}: {value}")).collect();
    assert_eq!((values, histories[0].thinned), (vec!["0: 1".to_owned(), "1: NaN".into(), "2: 0.25".into()], false));
    assert!(histories[1].points.is_empty(), "{:?}", histories[1]);

    let query = RunQuery {
        experiments: vec!["rea*".into()],
        filter: "metrics.auc > 0.82".into(),
        order: Some("metrics.auc DESC".into()),
        most: 10,
    };
    let RunAnswer::Found(found) = ask(RunAsk::Search(query.clone())).await? else { panic!("another answer") };
    let names: Vec<&str> = found.runs.iter().map(|run| run.name.as_str()).collect();
    assert_eq!((names, found.more, found.experiments), (vec!["second"], false, 1));
    let both = RunQuery { experiments: vec!["rea*".into(), "also-read".into()], ..query.clone() };
    let RunAnswer::Found(found) = ask(RunAsk::Search(both)).await? else { panic!("another answer") };
    let mut of: Vec<&str> = found.runs.iter().filter_map(|run| run.experiment.1.as_deref()).collect();
    of.sort_unstable();
    assert_eq!((of, found.experiments), (vec!["also-read", "read"], 2), "over experiments");

    let signature = RunAsk::Signature { model: "read".into(), version: 2 };
    let RunAnswer::Signature(Some(signature)) = ask(signature).await? else { panic!("there is none") };
    assert_eq!(
        (&signature.inputs[..], &signature.flavours[..]),
        (&["text: string".to_owned()][..], &["python_function".to_owned()][..])
    );
    let RunAnswer::Signature(none) = ask(RunAsk::Signature { model: "read".into(), version: 1 }).await? else {
        panic!("another answer")
    };
    assert_eq!(none, None);

    // What cannot be answered is told in the server's words.
    for (ask, code, word) in [
        (RunAsk::Run("deadbeef".into()), Code::NotFound, "deadbeef not found"),
        (RunAsk::Search(RunQuery { filter: "metrics.auc >".into(), ..query.clone() }), Code::BadInput, "Invalid"),
        (RunAsk::Search(RunQuery { experiments: vec!["nobody".into()], ..query }), Code::NotFound, "There are"),
        (RunAsk::Signature { model: "read".into(), version: 9 }, Code::NotFound, "version=9"),
    ] {
        let problem = connector.runs(&ask).await.expect_err("it has an answer");
        assert_eq!(problem.code, code, "{problem}");
        assert!(problem.why.as_ref().is_some_and(|why| why.contains(word)), "{problem}");
    }
    let version = VersionId { model: ModelId { source: id(), name: "read".into() }, number: 2 };
    assert_eq!(version.to_string(), "read/2");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_measured_by_its_files_and_what_cannot_be_read_says_why() -> Result<()> {
    let server = Mlflow::shared().await?;
    let (experiment, runs) = chat(server, "sized").await?;
    server.artefact(&experiment, &runs[1], "model/MLmodel", MLMODEL).await?;
    server.artefact(&experiment, &runs[1], "model/config.json", r#"{"model_type":"llama"}"#).await?;
    server.artefact(&experiment, &runs[1], "model/data/deep/weights.bin", &"x".repeat(3_000)).await?;
    server.artefact(&experiment, &runs[1], "notes.txt", "of the run, not of the model").await?;
    let connector = open(&server.url(), &[], &[])?;
    let version = |number| VersionId { model: ModelId { source: id(), name: "sized".into() }, number };
    let files = async |number, run: Option<&str>| {
        connector.version_files(&version(number), run).await.map_err(|problem| Failure::new(problem.to_string()))
    };

    let read = files(2, Some(&runs[1])).await?;
    let size = read.size.unwrap();
    let bytes = MLMODEL.len() + r#"{"model_type":"llama"}"#.len() + 3_000;
    assert_eq!((size.files, size.bytes, size.whole), (3, bytes as u64, true));
    assert_eq!(read.config.unwrap().as_deref(), Some(r#"{"model_type":"llama"}"#));
    assert_eq!(read.flavours.unwrap(), [("python_function.loader_module".into(), "x".to_owned())]);
    // One without files is known to have none.
    let empty = files(1, Some(&runs[0])).await?;
    assert_eq!((empty.size.unwrap().files, empty.config.unwrap(), empty.flavours.unwrap()), (0, None, Vec::new()));

    // Where its files are in a store that the server does not hand out, that is said of each part.
    let elsewhere = json!({ "name": "sized", "source": "s3://bucket/models/sized", "run_id": runs[1] });
    server.post("model-versions/create", &elsewhere).await?;
    let read = files(3, Some(&runs[1])).await?;
    for problem in [read.size.unwrap_err(), read.config.unwrap_err(), read.flavours.unwrap_err()] {
        assert!(problem.to_string().contains("Its files are in s3"), "{problem}");
    }
    let nobody = connector.version_files(&version(9), None).await.unwrap_err();
    assert_eq!(nobody.code, Code::NotFound, "{nobody}");
    let has = async |number| connector.has_version(&version(number)).await;
    assert_eq!([has(3).await, has(9).await], [Ok(true), Ok(false)]);
    Ok(())
}

const MLMODEL: &str = "artifact_path: model\nflavors:\n  python_function:\n    loader_module: x\nsignature:\n  \
                       inputs: '[{\"type\": \"string\", \"name\": \"text\", \"required\": true}]'\n  outputs: null\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_address_and_a_server_that_goes_are_told_and_it_comes_back() -> Result<()> {
    let mut server = Mlflow::start().await?;
    let wrong = open(&format!("{}/prefix", server.url()), &[], &[])?.probe().await.expect_err("there is an API");
    assert!(wrong.what.contains("no API of MLflow") && wrong.code == Code::NotFound, "{wrong}");
    // The header gets there: this server has no workspaces, and says so.
    let of_a_team = open(&server.url(), &[], &[("workspace", "team-a")])?.probe().await.expect_err("it has workspaces");
    assert!(of_a_team.to_string().contains("workspaces are not enabled"), "{of_a_team}");
    let connector = open(&server.url(), &[], &[])?;
    let tested = connector.probe().await.map_err(|problem| Failure::new(problem.to_string()))?;
    assert!(tested.version.is_some_and(|version| version.starts_with("3.")) && tested.problem.is_none());

    chat(&server, "stays").await?;
    let watch = Watch::start(connector);
    watch.until("it is there", "stays", |row| (row.versions.len() == 2).then_some(())).await?;
    server.kill();
    let problem = watch.until_health("it is lost", |health| matches!(health, Health::Lost(_))).await?;
    assert_eq!(problem.map(|problem| problem.code), Some(Code::Refused));
    // What it said last stays.
    assert_eq!(watch.model("stays").map(|row| row.versions.len()), Some(2));
    server.start_again().await?;
    watch.until_health("it is back", |health| *health == Health::Well).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_server_wants_its_user_and_says_so() -> Result<()> {
    let server = Mlflow::locked().await?;
    chat(&server, "locked").await?;
    let unknown = open(&server.url(), &[], &[])?.probe().await.expect_err("it lets everybody in");
    assert_eq!(unknown.code, Code::Unauthenticated, "{unknown}");
    let wrong = open(&server.url(), &[("password", "hunter2-hunter2")], &[("username", USER)])?;
    let refused = wrong.probe().await.expect_err("it takes any password");
    assert_eq!(refused.code, Code::Unauthenticated, "{refused}");
    assert!(!refused.to_string().contains("hunter2"), "{refused}");
    let connector = open(&server.url(), &[("password", PASSWORD)], &[("username", USER)])?;
    let tested = connector.probe().await.map_err(|problem| Failure::new(problem.to_string()))?;
    assert_eq!(tested.identity.as_deref(), Some(USER));
    let watch = Watch::start(connector);
    watch.until("it is read", "locked", |row| (row.versions.len() == 2).then_some(())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_behind_a_gateway_of_tokens_is_read_with_the_token_and_says_where_it_is_missing() -> Result<()> {
    const TOKEN: &str = "tok-of-the-model-gateway";
    let server = Mlflow::shared().await?;
    chat(server, "guarded").await?;
    let gate = Bearer::start(server, TOKEN).await?;
    let unknown = open(&gate.url(), &[], &[])?.probe().await.expect_err("it lets everybody in");
    assert_eq!(unknown.code, Code::Unauthenticated, "{unknown}");
    let wrong = open(&gate.url(), &[("token", "hunter2-hunter2")], &[])?;
    let refused = wrong.probe().await.expect_err("it takes any token");
    assert_eq!(refused.code, Code::Unauthenticated, "{refused}");
    assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
    let before = gate.turned_away();
    assert!(before >= 2, "{before}");

    let connector = open(&gate.url(), &[("token", TOKEN)], &[])?;
    let tested = connector.probe().await.map_err(|problem| Failure::new(problem.to_string()))?;
    assert!(tested.version.is_some_and(|version| version.starts_with("3.")) && tested.problem.is_none());
    let watch = Watch::start(Arc::clone(&connector));
    watch.until("it is read", "guarded", |row| (row.versions.len() == 2).then_some(())).await?;
    // Runs and their histories go the same way.
    let query = RunQuery { most: 5, ..RunQuery::default() };
    let found = connector.runs(&RunAsk::Search(query)).await.map_err(|problem| Failure::new(problem.to_string()))?;
    assert!(matches!(found, RunAnswer::Found(_)), "{found:?}");
    assert_eq!(gate.turned_away(), before, "each request showed the token");
    Ok(())
}
