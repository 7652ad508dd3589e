//! What the tracking server answers of runs. Source: `service.proto` of mlflow/mlflow.

use crate::answer::{Page, Pair, int, object, page, stamp, word};
use pilothouse_connect::{redact_named, redact_url};
use pilothouse_connect_http::failure::Failure;
use pilothouse_wire::{
    SmolStr, Stamp,
    runs::{Artefact, Artefacts, LastMetric, LoggedModel, Number, Run, RunRow},
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

/// Parameters, metrics and tags of one run.
const MOST_PAIRS: usize = 2_000;
/// As much of a value, in characters.
const LONGEST: usize = 4_096;
/// Entries of one folder.
const MOST_ENTRIES: usize = 1_000;

#[derive(Deserialize)]
struct Answered {
    info: Info,
    #[serde(default)]
    data: Data,
}

#[derive(Deserialize)]
struct Info {
    run_id: SmolStr,
    #[serde(default)]
    run_name: Option<String>,
    #[serde(default)]
    experiment_id: SmolStr,
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default)]
    status: SmolStr,
    #[serde(default, deserialize_with = "int")]
    start_time: Option<i64>,
    #[serde(default, deserialize_with = "int")]
    end_time: Option<i64>,
    #[serde(default)]
    artifact_uri: Option<String>,
}

#[derive(Default, Deserialize)]
struct Data {
    #[serde(default)]
    params: Vec<Pair>,
    #[serde(default)]
    metrics: Vec<Metric>,
    #[serde(default)]
    tags: Vec<Pair>,
}

/// `Metric`. JSON has no word for what is no number, so that it comes as a text.
#[derive(Deserialize)]
struct Metric {
    key: SmolStr,
    #[serde(deserialize_with = "float")]
    value: Option<f64>,
    #[serde(default, deserialize_with = "int")]
    timestamp: Option<i64>,
    #[serde(default, deserialize_with = "int")]
    step: Option<i64>,
}

fn float<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Number(number) => number.as_f64(),
        // Rust reads NaN, Infinity and -Infinity as protobuf writes them.
        Value::String(text) => text.parse().ok(),
        _ => None,
    })
}

/// Reads the answer to `runs/get`.
///
/// # Errors
/// If it is no run.
pub(crate) fn run(body: &[u8]) -> Result<Run, Failure> {
    let answered: Answered = part(object(body)?, "run")?;
    Ok(run_of(answered))
}

fn run_of(Answered { info, data }: Answered) -> Run {
    let tags: Vec<(SmolStr, String)> = pairs(data.tags);
    let tagged = |name: &str| tags.iter().find(|(key, _)| key == name).map(|(_, value)| SmolStr::from(value.as_str()));
    let metric = |metric: Metric| {
        let (value, at) = (Number(metric.value?), Stamp(metric.timestamp.unwrap_or_default()));
        Some(LastMetric { key: metric.key, value, step: metric.step.unwrap_or_default(), at })
    };
    let mut metrics: Vec<LastMetric> = data.metrics.into_iter().filter_map(metric).take(MOST_PAIRS).collect();
    metrics.sort_by(|a, b| a.key.cmp(&b.key));
    let about = RunRow {
        // Servers before 1.29 keep the name in a tag.
        name: word(info.run_name).or_else(|| tagged("mlflow.runName")).unwrap_or_else(|| info.run_id.clone()),
        id: info.run_id,
        experiment: (info.experiment_id, None),
        user: tagged("mlflow.user").or_else(|| word(info.user_id)),
        status: info.status,
        began: stamp(info.start_time),
        ended: stamp(info.end_time),
        params: pairs(data.params),
        metrics,
    };
    let root = info.artifact_uri.filter(|uri| !uri.is_empty()).map(|uri| redact_url(&uri));
    Run { about, tags, artefacts: Artefacts { root, ..Artefacts::default() }, ..Run::default() }
}

/// Reads a page of `runs/search`.
///
/// # Errors
/// If it is no such page.
pub(crate) fn found(body: &[u8]) -> Result<Page<RunRow>, Failure> {
    let page = page::<Answered>(body, "runs")?;
    let list = page.list.into_iter().map(|answered| run_of(answered).about).collect();
    Ok(Page { list, dropped: page.dropped, next: page.next })
}

fn pairs(pairs: Vec<Pair>) -> Vec<(SmolStr, String)> {
    let pair = |Pair { key, value }: Pair| {
        let value = redact_named(&key, &value);
        (key, cut(value))
    };
    let mut pairs: Vec<_> = pairs.into_iter().take(MOST_PAIRS).map(pair).collect();
    pairs.sort();
    pairs
}

fn cut(text: String) -> String {
    if text.chars().count() <= LONGEST { text } else { text.chars().take(LONGEST).chain(['…']).collect() }
}

/// Points of a history: step, time and value.
pub(crate) type Points = Vec<(i64, Stamp, Number)>;

/// Reads a page of `metrics/get-history` or of `metrics/get-history-bulk-interval`.
///
/// # Errors
/// If it is no such page.
pub(crate) fn history(body: &[u8]) -> Result<Page<(i64, Stamp, Number)>, Failure> {
    let page = page::<Metric>(body, "metrics")?;
    let point = |metric: Metric| {
        Some((metric.step.unwrap_or_default(), Stamp(metric.timestamp.unwrap_or_default()), Number(metric.value?)))
    };
    Ok(Page { list: page.list.into_iter().filter_map(point).collect(), dropped: page.dropped, next: page.next })
}

/// Puts points in the order of their steps, and leaves out so many that no more than `most` stay: the first and the last
/// do. Answers whether any were left out.
pub(crate) fn thin(points: &mut Points, most: usize) -> bool {
    points.sort_by_key(|(step, at, _)| (*step, *at));
    let count = points.len();
    if count <= most || most < 2 {
        return false;
    }
    let kept = (0..most).map(|place| points[place * (count - 1) / (most - 1)]).collect();
    *points = kept;
    true
}

/// Reads the answer to `artifacts/list`.
///
/// # Errors
/// If it is no list.
pub(crate) fn artefacts(body: &[u8]) -> Result<Artefacts, Failure> {
    #[derive(Deserialize)]
    struct File {
        path: String,
        #[serde(default)]
        is_dir: bool,
        #[serde(default, deserialize_with = "int")]
        file_size: Option<i64>,
    }
    let root = object(body)?["root_uri"].as_str().filter(|uri| !uri.is_empty()).map(redact_url);
    let page = page::<File>(body, "files")?;
    let more = page.next.is_some() || page.list.len() > MOST_ENTRIES;
    let entry = |file: File| {
        // A file without a size is an empty one: protobuf leaves a 0 out.
        let bytes = (!file.is_dir).then(|| u64::try_from(file.file_size.unwrap_or_default()).unwrap_or_default());
        Artefact { path: cut(file.path), bytes }
    };
    let mut entries: Vec<Artefact> = page.list.into_iter().take(MOST_ENTRIES).map(entry).collect();
    entries.sort_by(|a, b| (a.bytes.is_some(), &a.path).cmp(&(b.bytes.is_some(), &b.path)));
    Ok(Artefacts { root, entries, more })
}

/// The address of the topmost folder of a run, out of the answer to `artifacts/list`. It is compared and shown to nobody.
///
/// # Errors
/// If it is no such answer.
pub(crate) fn root(body: &[u8]) -> Result<Option<String>, Failure> {
    Ok(object(body)?["root_uri"].as_str().filter(|uri| !uri.is_empty()).map(str::to_owned))
}

/// Reads the answer to `logged-models/search`.
///
/// # Errors
/// If it is no list.
pub(crate) fn logged(body: &[u8]) -> Result<Vec<LoggedModel>, Failure> {
    #[derive(Deserialize)]
    struct Model {
        info: About,
    }
    #[derive(Deserialize)]
    struct About {
        model_id: SmolStr,
        #[serde(default)]
        name: SmolStr,
        #[serde(default)]
        status: SmolStr,
        #[serde(default)]
        model_type: Option<String>,
        #[serde(default, deserialize_with = "int")]
        creation_timestamp_ms: Option<i64>,
    }
    let model = |Model { info }: Model| LoggedModel {
        id: info.model_id,
        name: info.name,
        status: info.status.strip_prefix("LOGGED_MODEL_").unwrap_or(&info.status).into(),
        kind: word(info.model_type),
        created: stamp(info.creation_timestamp_ms),
    };
    Ok(page::<Model>(body, "models")?.list.into_iter().map(model).collect())
}

/// An experiment: id and name.
pub(crate) type Experiment = (SmolStr, SmolStr);

/// Reads a page of `experiments/search`.
///
/// # Errors
/// If it is no such page.
pub(crate) fn experiments(body: &[u8]) -> Result<Page<Experiment>, Failure> {
    let page = page::<Named>(body, "experiments")?;
    let pair = |named: Named| (named.experiment_id, named.name);
    Ok(Page { list: page.list.into_iter().map(pair).collect(), dropped: page.dropped, next: page.next })
}

/// Reads the name out of the answer to `experiments/get`.
///
/// # Errors
/// If it is no experiment.
pub(crate) fn experiment(body: &[u8]) -> Result<SmolStr, Failure> {
    Ok(part::<Named>(object(body)?, "experiment")?.name)
}

#[derive(Deserialize)]
struct Named {
    experiment_id: SmolStr,
    name: SmolStr,
}

/// Reads the address out of the answer to `model-versions/get-download-uri`.
///
/// # Errors
/// If there is none in it.
pub(crate) fn folder(body: &[u8]) -> Result<String, Failure> {
    let address = object(body)?["artifact_uri"].as_str().map(str::to_owned);
    address.ok_or_else(|| Failure::Unreadable("there is no \"artifact_uri\" in it".into()))
}

fn part<T: DeserializeOwned>(mut answer: Value, key: &str) -> Result<T, Failure> {
    let value = answer.get_mut(key).map(Value::take).unwrap_or_default();
    serde_json::from_value(value).map_err(|_| Failure::Unreadable(format!("\"{key}\" is missing or of another form")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_run_is_read_with_what_it_was_given_and_what_came_of_it() {
        let run = run(include_bytes!("../../tests/answers/runs_get.json")).unwrap();
        let RunRow { name, user, status, params, metrics, began, .. } = &run.about;
        assert_eq!((name.as_str(), user.as_deref(), status.as_str()), ("xgb-0", Some("ops"), "FINISHED"));
        assert_eq!(*began, Some(Stamp(1_795_510_972_953)));
        assert_eq!(params[..], [("max_depth".into(), "4".to_owned())]);
        assert_eq!((metrics[0].key.as_str(), metrics[0].value, metrics[0].step), ("auc", Number(0.804), 4));
        assert!(run.artefacts.root.unwrap().starts_with("mlflow-artifacts:/1/"));
        let found = found(include_bytes!("../../tests/answers/runs_search.json")).unwrap();
        assert_eq!((found.list.len(), found.list[0].status.as_str()), (2, "FAILED"));
    }

    #[test]
    fn what_is_no_number_is_read_as_that() {
        let body = br#"{"metrics":[{"key":"loss","value":"NaN","timestamp":"5","step":"0"},
            {"key":"loss","value":"Infinity","step":1},{"key":"loss","value":1,"step":2},{"key":"loss","value":"x"}]}"#;
        let points = history(body).unwrap().list;
        let values: Vec<String> = points.iter().map(|point| point.2.to_string()).collect();
        assert_eq!((values, points[0].1), (vec!["NaN".to_owned(), "Infinity".into(), "1".into()], Stamp(5)));
    }

    #[test]
    fn a_long_history_keeps_its_ends() {
        let mut points: Points = (0..10_000).rev().map(|step| (step, Stamp(step), Number(0.0))).collect();
        assert!(thin(&mut points, 100));
        assert_eq!((points.len(), points[0].0, points[99].0), (100, 0, 9_999));
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(!thin(&mut points, 100));
    }

    #[test]
    fn recorded_artefacts_and_models_are_read() {
        let left = artefacts(include_bytes!("../../tests/answers/artifacts_list.json")).unwrap();
        assert_eq!(left.entries, [Artefact { path: "model".into(), bytes: None }]);
        let models = logged(include_bytes!("../../tests/answers/logged_models_search.json")).unwrap();
        assert_eq!((models[0].name.as_str(), models[0].status.as_str()), ("xgb", "PENDING"));
        let experiments = experiments(include_bytes!("../../tests/answers/experiments_search.json")).unwrap();
        assert_eq!(experiments.list[1], ("0".into(), "Default".into()));
    }

    #[test]
    fn a_secret_parameter_is_not_shown() {
        let body = br#"{"run":{"info":{"run_id":"r"},"data":{"params":[{"key":"hf_token","value":"hunter2"}],
            "tags":[{"key":"git","value":"https://u:hunter2@host/x"}]}}}"#;
        let said = format!("{:?}", run(body).unwrap());
        assert!(!said.contains("hunter2"), "{said}");
    }
}
