//! Runs side by side, of whichever experiments they are.

use super::compare::{Sayings, change, metrics, params};
use pilothouse_wire::{
    SmolStr,
    runs::{ComparedPart, Run, RunsRow},
    units::span,
};
use std::collections::BTreeSet;

/// Tags of MLflow itself begin so: they are about how it was started, and most of them differ always.
const OWN: &str = "mlflow.";

/// All that is said of any of these runs, part by part, in the order of the keys; numbers with how they differ from those of the
/// first.
#[must_use]
pub fn compare_runs(runs: &[Run]) -> Vec<RunsRow> {
    ComparedPart::ALL.into_iter().flat_map(|part| rows(part, runs)).collect()
}

fn rows(part: ComparedPart, runs: &[Run]) -> Vec<RunsRow> {
    let said: Vec<Sayings> = runs.iter().map(|run| of(run, part)).collect();
    let keys: BTreeSet<&SmolStr> = said.iter().flat_map(|said| said.keys()).collect();
    let row = |key: &SmolStr| {
        let number = |said: &Sayings| said.get(key).and_then(|said| said.1);
        let first = said.first().and_then(number);
        RunsRow {
            part,
            key: key.clone(),
            values: said.iter().map(|said| said.get(key).map(|said| said.0.clone())).collect(),
            changes: said.iter().map(|said| change(first?, number(said)?)).collect(),
        }
    };
    keys.into_iter().map(row).collect()
}

fn of(run: &Run, part: ComparedPart) -> Sayings {
    match part {
        ComparedPart::Metric => metrics(run),
        ComparedPart::Param => params(run),
        ComparedPart::Tag => {
            let tags = run.tags.iter().filter(|(key, _)| !key.starts_with(OWN));
            tags.map(|(key, value)| (key.clone(), (value.clone(), None))).collect()
        }
        ComparedPart::Run => about(run),
        ComparedPart::Version | ComparedPart::Size | ComparedPart::Config | ComparedPart::Signature => Sayings::new(),
    }
}

fn about(run: &Run) -> Sayings {
    let about = &run.about;
    let (id, name) = &about.experiment;
    let models: Vec<&str> = run.models.iter().map(|model| model.name.as_str()).collect();
    let said = [
        ("name", Some(about.name.to_string())),
        ("experiment", Some(name.as_ref().unwrap_or(id).to_string())),
        ("status", Some(about.status.to_lowercase())),
        ("user", about.user.as_ref().map(ToString::to_string)),
        ("began", about.began.map(|at| at.to_string())),
        ("took", about.began.zip(about.ended).map(|(began, ended)| span(ended.since(began)))),
        ("logged models", (!models.is_empty()).then(|| models.join(", "))),
    ];
    said.into_iter().filter_map(|(key, value)| Some((SmolStr::new_static(key), (value?, None)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{
        Stamp,
        runs::{LastMetric, LoggedModel, Number, RunRow},
        units::ABSENT,
    };

    fn run(name: &str, experiment: &str, lr: &str, metrics: &[(&str, f64)]) -> Run {
        let last = |(key, value): &(&str, f64)| LastMetric {
            key: (*key).into(),
            value: Number(*value),
            step: 1,
            at: Stamp(0),
        };
        Run {
            about: RunRow {
                id: format!("id-{name}").into(),
                name: name.into(),
                experiment: ("1".into(), Some(experiment.into())),
                status: "FINISHED".into(),
                params: vec![("base".into(), "8b".to_owned()), ("lr".into(), lr.to_owned())],
                metrics: metrics.iter().map(last).collect(),
                ..RunRow::default()
            },
            tags: vec![("mlflow.source.name".into(), name.to_owned()), ("team".into(), "chat".to_owned())],
            ..Run::default()
        }
    }

    /// What differs, a line a row: the values, then the changes.
    fn differing(runs: &[Run]) -> Vec<String> {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| ABSENT.to_owned());
        let line = |row: RunsRow| {
            let [values, changes] =
                [&row.values, &row.changes].map(|all| all.iter().map(shown).collect::<Vec<_>>().join(" | "));
            format!("{} {}: {values}; {changes}", row.part.title(), row.key)
        };
        compare_runs(runs).into_iter().filter(RunsRow::differs).map(line).collect()
    }

    #[test]
    fn runs_of_several_experiments_stand_side_by_side_with_how_numbers_differ_from_the_first() {
        let mut third = run("calm-elk", "b", "0.1", &[("auc", f64::NAN)]);
        third.models = vec![LoggedModel { name: "chat".into(), ..LoggedModel::default() }];
        let runs = [
            run("patient-owl", "a", "0.1", &[("auc", 0.8), ("loss", 0.5)]),
            run("brisk-fox", "b", "0.05", &[("auc", 0.84), ("loss", 0.5)]),
            third,
        ];
        assert_eq!(
            differing(&runs),
            [
                "Metrics auc: 0.8 | 0.84 | NaN; — | +0.04 (+5.0 %) | —",
                "Metrics loss: 0.5 | 0.5 | —; — | — | —",
                "Parameters lr: 0.1 | 0.05 | 0.1; — | −0.05 (−50.0 %) | —",
                "Run experiment: a | b | b; — | — | —",
                "Run logged models: — | — | chat; — | — | —",
                "Run name: patient-owl | brisk-fox | calm-elk; — | — | —",
            ]
        );
        // What is the same is there as well, and what MLflow tags itself is not.
        let keys: Vec<SmolStr> = compare_runs(&runs).into_iter().map(|row| row.key).collect();
        assert!(keys.contains(&"base".into()) && keys.contains(&"team".into()), "{keys:?}");
        assert!(!keys.iter().any(|key| key.starts_with(OWN)), "{keys:?}");
        assert!(differing(&runs[..1]).is_empty() && compare_runs(&[]).is_empty());
    }
}
