//! Questions about runs, one call or a few each, bounded.

pub(crate) mod answer;

use crate::{
    paths::{self, api},
    problems, signature,
};
use answer::{Experiment, Points};
use futures::{StreamExt, stream};
use pilothouse_connect_http::{client::Client, failure::Failure};
use pilothouse_wire::{
    Problem, SmolStr,
    runs::{
        Artefacts, LoggedModel, MOST_HISTORIES, MOST_POINTS, MOST_RUNS, MetricHistory, Run, RunAnswer, RunAsk, RunPage,
        RunQuery, RunRow, Signature,
    },
};
use serde_json::json;
use std::time::Duration;

/// How long an answer may take to begin: a person waits.
const PATIENCE: Duration = Duration::from_secs(12);
/// Histories that are read at once.
const AT_ONCE: usize = 4;
/// Experiments that are looked through.
const MOST_EXPERIMENTS: usize = 1_000;
/// Pages of a history from a server that thins none.
const MOST_PAGES: usize = 4;

/// Answers a question.
///
/// # Errors
/// Why it cannot be answered.
pub(crate) async fn answer(client: &Client, ask: &RunAsk) -> Result<RunAnswer, Problem> {
    let told = |about: String| move |failure: Failure| problems::of_question(&failure, &client.place, &about);
    match ask {
        RunAsk::Run(id) => run(client, id).await.map(Box::new).map(RunAnswer::Run).map_err(told(format!("run {id}"))),
        RunAsk::Metrics { run, keys } => Ok(RunAnswer::Metrics(histories(client, run, keys).await)),
        RunAsk::Artefacts { run, path } => {
            let about = format!("{path} among the artefacts of run {run}");
            artefacts(client, run, path).await.map(RunAnswer::Artefacts).map_err(told(about))
        }
        RunAsk::Search(query) => search(client, query).await.map(RunAnswer::Found),
        RunAsk::Signature { model, version } => {
            let about = format!("version {version} of {model}");
            read_signature(client, model, *version, &about).await.map(RunAnswer::Signature)
        }
    }
}

/// A run. What it left, and what it logged, are asked for beside; that they cannot be read is told in it.
async fn run(client: &Client, id: &str) -> Result<Run, Failure> {
    let mut run = answer::run(&client.get(&api("runs/get", &[("run_id", id)]), PATIENCE).await?.body)?;
    let (of, _) = run.about.experiment.clone();
    let (left, models, experiment) =
        futures::join!(artefacts(client, id, ""), logged(client, &of, id), experiment(client, &of));
    let mut failed = |about: &str, failure: &Failure| {
        run.problems.push(problems::of_question(failure, &client.place, &format!("{about} of run {id}")));
    };
    match left {
        Ok(left) => run.artefacts = Artefacts { root: left.root.or(run.artefacts.root), ..left },
        Err(failure) => failed("artefacts", &failure),
    }
    match models {
        Ok(Some(models)) => run.models = models,
        Ok(None) => run.problems.push(problems::no_logged_models(&client.place)),
        Err(failure) => failed("logged models", &failure),
    }
    run.about.experiment.1 = experiment.ok();
    Ok(run)
}

async fn artefacts(client: &Client, run: &str, path: &str) -> Result<Artefacts, Failure> {
    answer::artefacts(&client.get(&api("artifacts/list", &[("run_id", run), ("path", path)]), PATIENCE).await?.body)
}

/// The models that a run logged; `None` of a server before MLflow 3, which keeps none. By way of a cluster nobody can ask.
async fn logged(client: &Client, experiment: &str, run: &str) -> Result<Option<Vec<LoggedModel>>, Failure> {
    if client.place.by_way.is_some() || !run.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(Some(Vec::new()));
    }
    let wanted = json!({
        "experiment_ids": [experiment], "filter": format!("source_run_id = '{run}'"), "max_results": 50
    });
    match client.post_json(&api("logged-models/search", &[]), &wanted, PATIENCE).await {
        Ok(answer) => answer::logged(&answer.body).map(Some),
        Err(failure) if matches!(failure.status(), Some(404 | 405)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn experiment(client: &Client, id: &str) -> Result<SmolStr, Failure> {
    answer::experiment(&client.get(&api("experiments/get", &[("experiment_id", id)]), PATIENCE).await?.body)
}

/// Histories, a few at a time; one that cannot be read says so in its place.
async fn histories(client: &Client, run: &str, keys: &[SmolStr]) -> Vec<MetricHistory> {
    let history = |key: SmolStr| async move {
        match history(client, run, &key).await {
            Ok((points, thinned)) => MetricHistory { key, points, thinned, problem: None },
            Err(failure) => {
                let about = format!("metric {key} of run {run}");
                let problem = Some(problems::of_question(&failure, &client.place, &about));
                MetricHistory { key, problem, ..MetricHistory::default() }
            }
        }
    };
    let wanted: Vec<SmolStr> = keys.iter().take(MOST_HISTORIES).cloned().collect();
    stream::iter(wanted).map(history).buffered(AT_ONCE).collect().await
}

async fn history(client: &Client, run: &str, key: &str) -> Result<(Points, bool), Failure> {
    let most = MOST_POINTS.to_string();
    let sampled =
        api("metrics/get-history-bulk-interval", &[("run_ids", run), ("metric_key", key), ("max_results", &most)]);
    match client.get(&sampled, PATIENCE).await {
        Ok(answer) => {
            let mut points = answer::history(&answer.body)?.list;
            // The server keeps the first and the last, and thins out what lies between.
            let thinned = points.len() >= MOST_POINTS;
            let thinned = answer::thin(&mut points, MOST_POINTS) || thinned;
            Ok((points, thinned))
        }
        // Servers before 2.4 give all.
        Err(failure) if matches!(failure.status(), Some(404 | 405)) => all_of(client, run, key).await,
        Err(failure) => Err(failure),
    }
}

async fn all_of(client: &Client, run: &str, key: &str) -> Result<(Points, bool), Failure> {
    let (mut points, mut token) = (Points::new(), String::new());
    for _ in 0..MOST_PAGES {
        let query = [("run_id", run), ("metric_key", key), ("max_results", "25000"), ("page_token", token.as_str())];
        let page = answer::history(&client.get(&api("metrics/get-history", &query), PATIENCE).await?.body)?;
        points.extend(page.list);
        match page.next {
            Some(next) if next != token => token = next,
            _ => {
                let thinned = answer::thin(&mut points, MOST_POINTS);
                return Ok((points, thinned));
            }
        }
    }
    answer::thin(&mut points, MOST_POINTS);
    Ok((points, true))
}

/// Runs of the experiments that are wanted.
async fn search(client: &Client, query: &RunQuery) -> Result<RunPage, Problem> {
    let told = |failure: Failure| problems::of_question(&failure, &client.place, "runs");
    let all = experiments(client).await.map_err(told)?;
    let wanted: Vec<&Experiment> = all.iter().filter(|(id, name)| is_wanted(query, id, name)).collect();
    if wanted.is_empty() {
        let names: Vec<&str> = all.iter().map(|(_, name)| name.as_str()).collect();
        return Err(problems::no_experiment(&client.place, &query.experiments, &names));
    }
    let ids: Vec<&str> = wanted.iter().map(|(id, _)| id.as_str()).collect();
    let most = query.most.clamp(1, MOST_RUNS) as usize;
    let order = query.order.as_deref().unwrap_or("attributes.start_time DESC");
    let (mut runs, mut token) = (Vec::new(), String::new());
    loop {
        let page = json!({
            "experiment_ids": ids, "filter": query.filter, "order_by": [order],
            "max_results": (most - runs.len()).min(200), "page_token": token,
        });
        let answer = client.post_json(&api("runs/search", &[]), &page, PATIENCE).await.map_err(told)?;
        let page = answer::found(&answer.body).map_err(told)?;
        let came = page.list.len();
        runs.extend(page.list);
        runs.truncate(most);
        match page.next {
            Some(next) if came > 0 && runs.len() < most && next != token => token = next,
            next => {
                let name = |run: &mut RunRow| {
                    let (id, name) = &mut run.experiment;
                    *name = wanted.iter().find(|(known, _)| known == id).map(|(_, name)| name.clone());
                };
                runs.iter_mut().for_each(name);
                let experiments = u32::try_from(wanted.len()).unwrap_or(u32::MAX);
                return Ok(RunPage { runs, more: next.is_some(), experiments });
            }
        }
    }
}

async fn experiments(client: &Client) -> Result<Vec<Experiment>, Failure> {
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let wanted = json!({ "max_results": 500, "page_token": token });
        let answer = client.post_json(&api("experiments/search", &[]), &wanted, PATIENCE).await?;
        let page = answer::experiments(&answer.body)?;
        let came = page.list.len();
        all.extend(page.list);
        match page.next {
            Some(next) if came > 0 && all.len() < MOST_EXPERIMENTS && next != token => token = next,
            _ => return Ok(all),
        }
    }
}

/// Is an experiment named, by its id or by its name with `*` for anything?
fn is_wanted(query: &RunQuery, id: &str, name: &str) -> bool {
    query.experiments.is_empty() || query.experiments.iter().any(|wanted| wanted == id || fits(wanted, name))
}

fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = pattern.contains('*').then(|| parts.next_back().unwrap_or_default()) else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// What a version takes and gives, out of the file beside its weights.
async fn read_signature(client: &Client, model: &str, version: u64, about: &str) -> Result<Option<Signature>, Problem> {
    let told = |failure: Failure| problems::of_question(&failure, &client.place, about);
    let number = version.to_string();
    let asked = api("model-versions/get-download-uri", &[("name", model), ("version", &number)]);
    let folder = answer::folder(&client.get(&asked, PATIENCE).await.map_err(told)?.body).map_err(told)?;
    let Some(path) = paths::file(&folder, "MLmodel") else {
        return Err(problems::elsewhere(&client.place, "signature", about, &folder));
    };
    match client.get(&path, PATIENCE).await {
        Ok(answer) => signature::read(&answer.body).map_err(told),
        // It was registered from a folder without such a file.
        Err(failure) if failure.status() == Some(404) => Ok(None),
        Err(failure) => Err(told(failure)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn experiments_are_named_by_id_or_by_name_with_stars() {
        for (pattern, name, want) in [
            ("chat", "chat", true),
            ("chat", "chat-2", false),
            ("chat*", "chat-2", true),
            ("*chat", "my-chat", true),
            ("*a*c*", "xaybzc-", true),
            ("a*a", "a", false),
            ("*", "", true),
            ("", "x", false),
        ] {
            assert_eq!(fits(pattern, name), want, "{pattern} {name}");
        }
        let query = RunQuery { experiments: vec!["7".into()], ..RunQuery::default() };
        assert!(is_wanted(&query, "7", "chat") && !is_wanted(&query, "8", "chat"));
    }
}
