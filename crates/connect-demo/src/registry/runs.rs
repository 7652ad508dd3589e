//! Runs behind the versions of the demo's registry: parameters, and metrics that got better step by step.

use super::{Book, MODELS, Model};
use crate::dice::hash;
use pilothouse_wire::{
    SmolStr, Stamp,
    runs::{
        Artefact, Artefacts, LastMetric, MetricHistory, Number, Run, RunAnswer, RunAsk, RunPage, RunRow, Signature,
    },
};
use std::time::Duration;

/// Steps of a run that are logged.
const STEPS: u32 = 60;
/// Metrics: where each begins, and about where it ends.
const METRICS: [(&str, f64, f64); 3] = [("loss", 2.4, 0.9), ("eval_score", 0.41, 0.78), ("grad_norm", 5.0, 0.6)];
const ADJECTIVES: [&str; 6] = ["brisk", "calm", "patient", "bold", "quiet", "keen"];
const ANIMALS: [&str; 6] = ["fox", "owl", "heron", "lynx", "otter", "wren"];

/// The answer to a question about runs; none for a run that is not there.
pub(super) fn answer(book: &Book, ask: &RunAsk) -> Option<RunAnswer> {
    Some(match ask {
        RunAsk::Run(id) => RunAnswer::Run(Box::new(run(book, id)?)),
        RunAsk::Metrics { run, keys } => {
            let (model, number) = found(book, run)?;
            RunAnswer::Metrics(keys.iter().map(|key| history(book, model, number, key)).collect())
        }
        RunAsk::Artefacts { run, .. } => {
            found(book, run)?;
            RunAnswer::Artefacts(Artefacts::default())
        }
        RunAsk::Search(query) => {
            let is_wanted = |model: &&Model| {
                let name = experiment(model);
                query.experiments.is_empty() || query.experiments.iter().any(|wanted| is_like(wanted, &name))
            };
            let parts = parts_of_names(&query.filter)?;
            let most = usize::try_from(query.most).unwrap_or(usize::MAX);
            let newest =
                |model: &'static Model| (1..=model.newest).rev().take(3).map(move |number| row(book, model, number));
            let has_all = |row: &RunRow| parts.iter().all(|part| row.name.to_lowercase().contains(part.as_str()));
            let mut runs: Vec<RunRow> = MODELS.iter().filter(is_wanted).flat_map(newest).filter(has_all).collect();
            let more = runs.len() > most;
            runs.truncate(most);
            RunAnswer::Found(RunPage { runs, more, experiments: 1 })
        }
        RunAsk::Signature { model, version } => {
            let known = MODELS.iter().any(|known| known.name == *model && *version > 0);
            let signature = Signature {
                inputs: vec!["messages: Array({role: string, content: string})".to_owned()],
                outputs: vec!["content: string".to_owned()],
                params: vec!["temperature: double = 1.0".to_owned()],
                flavours: vec!["transformers".to_owned()],
            };
            RunAnswer::Signature(known.then_some(signature))
        }
    })
}

/// The parts of names, in lower case, that a filter asks for in the words of MLflow; none if it asks for anything else.
pub(super) fn parts_of_names(filter: &str) -> Option<Vec<String>> {
    let part = |clause: &str| {
        let part = clause.trim().strip_prefix("attributes.run_name ILIKE '%")?.strip_suffix("%'")?;
        Some(part.to_lowercase())
    };
    filter.split(" AND ").filter(|clause| !clause.trim().is_empty()).map(part).collect()
}

/// The experiment in which the runs of a model are.
fn experiment(model: &Model) -> SmolStr {
    SmolStr::from(format!("{}-tuning", model.name))
}

/// Is a name what is wanted, with `*` for anything at its ends?
fn is_like(wanted: &str, name: &str) -> bool {
    let bare = wanted.trim_matches('*');
    match (wanted.starts_with('*'), wanted.ends_with('*')) {
        (true, true) => name.contains(bare),
        (true, false) => name.ends_with(bare),
        (false, true) => name.starts_with(bare),
        (false, false) => name == wanted,
    }
}

/// The version that a run made. A round of the story more is looked through than is registered.
fn found<'a>(book: &Book, id: &str) -> Option<(&'a Model, u64)> {
    let numbers = |model: &'static Model| (1..model.newest + 500).map(move |number| (model, number));
    MODELS.iter().flat_map(numbers).find(|(model, number)| book.id("run", model.name, *number) == id)
}

fn run(book: &Book, id: &str) -> Option<Run> {
    let (model, number) = found(book, id)?;
    let entries =
        ["model/MLmodel", "model/config.json"].map(|path| Artefact { path: path.to_owned(), bytes: Some(1_204) });
    Some(Run {
        about: row(book, model, number),
        tags: vec![("demo".into(), "made up".to_owned())],
        artefacts: Artefacts { root: None, entries: entries.into(), more: false },
        ..Run::default()
    })
}

fn row(book: &Book, model: &Model, number: u64) -> RunRow {
    let id = book.id("run", model.name, number);
    let ended = book.registered(model, number).minus(Duration::from_secs(1_800));
    let pick = |of: [&'static str; 6], n: u64| of[usize::try_from(hash(n, &id) % 6).unwrap_or(0)];
    let last = |(key, ..): (&str, f64, f64)| {
        let history = history(book, model, number, key);
        let (step, at, value) = history.points.last().copied().unwrap_or((0, ended, Number(f64::NAN)));
        LastMetric { key: key.into(), value, step, at }
    };
    RunRow {
        name: format!("{}-{}", pick(ADJECTIVES, 1), pick(ANIMALS, 2)).into(),
        experiment: ("1".into(), Some(experiment(model))),
        user: Some("release-bot".into()),
        status: "FINISHED".into(),
        began: Some(ended.minus(Duration::from_secs(9 * 3_600))),
        ended: Some(ended),
        params: vec![
            ("base".into(), format!("{}-base", model.name)),
            ("learning_rate".into(), if number.is_multiple_of(2) { "0.00002" } else { "0.00001" }.to_owned()),
            ("steps".into(), (STEPS * 100).to_string()),
        ],
        metrics: METRICS.map(last).into(),
        id: id.into(),
    }
}

/// From where a metric begins to where it ends, ever slower, with a little noise.
fn history(book: &Book, model: &Model, number: u64, key: &str) -> MetricHistory {
    let ended = book.registered(model, number).minus(Duration::from_secs(1_800));
    let name = SmolStr::new(key);
    let Some((_, from, to)) = METRICS.iter().find(|(known, ..)| *known == key) else {
        return MetricHistory { key: name, ..MetricHistory::default() };
    };
    let point = |step: u32| {
        let part = f64::from(step) / f64::from(STEPS);
        let shaped = 1.0 - (1.0 - part).powi(3);
        let noise = hash(book.seed, &format!("{key}/{}/{number}/{step}", model.name)) % 2_000;
        #[allow(clippy::cast_precision_loss, reason = "below 2,000")]
        let noise = (noise as f64 / 1_000.0 - 1.0) * 0.02;
        let at: Stamp = ended.minus(Duration::from_secs(u64::from(STEPS - step) * 540));
        (i64::from(step) * 100, at, Number((from + (to - from) * shaped) * (1.0 + noise)))
    };
    MetricHistory { key: name, points: (0..=STEPS).map(point).collect(), ..MetricHistory::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::runs::RunQuery;

    #[test]
    fn the_run_behind_a_version_is_there_with_its_metrics() {
        let book = Book { seed: 4_096, start: Stamp(1_795_489_964_000) };
        let id = SmolStr::from(book.id("run", "chat-70b", 42));
        let Some(RunAnswer::Run(run)) = answer(&book, &RunAsk::Run(id.clone())) else { panic!("no run") };
        assert_eq!((run.about.metrics.len(), run.about.status.as_str()), (3, "FINISHED"));
        let loss = run.about.metrics.iter().find(|metric| metric.key == "loss").unwrap();
        assert!((0.8..1.0).contains(&loss.value.0), "{loss:?}");
        let asked = RunAsk::Metrics { run: id, keys: vec!["loss".into(), "other".into()] };
        let Some(RunAnswer::Metrics(all)) = answer(&book, &asked) else { panic!("no metrics") };
        assert_eq!((all[0].points.len(), all[1].points.len()), (61, 0));
        assert_eq!(answer(&book, &RunAsk::Run("nobody".into())), None);
    }

    #[test]
    fn runs_are_found_by_parts_of_their_names() {
        let book = Book { seed: 4_096, start: Stamp(1_795_489_964_000) };
        let found = |filter: &str| {
            let query = RunQuery { filter: filter.to_owned(), most: 100, ..RunQuery::default() };
            let Some(RunAnswer::Found(page)) = answer(&book, &RunAsk::Search(query)) else { return None };
            Some(page.runs.into_iter().map(|run| run.name.to_string()).collect::<Vec<_>>())
        };
        let all = found("").unwrap();
        let owls = found("attributes.run_name ILIKE '%OWL%'").unwrap();
        assert!(!owls.is_empty() && owls.len() < all.len() && owls.iter().all(|name| name.ends_with("-owl")));
        let keen = found("attributes.run_name ILIKE '%owl%' AND attributes.run_name ILIKE '%nothing%'");
        assert_eq!(keen, Some(Vec::new()));
        assert_eq!(found("metrics.loss < 0.4"), None);
    }
}
