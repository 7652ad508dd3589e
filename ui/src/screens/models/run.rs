//! The run behind a version: what it was given, what came of it step by step, and what it left. Read from its server when
//! it is shown, and so of now.

use super::runs::BesideOthers;
use crate::{
    link::use_link,
    parts::{map::palette::parse, mark::StatusWord, problem::ProblemRows, show::Show},
    state::use_state,
    theme::{token, use_theme},
    once::{CollectAny, effect},
};
use leptos::prelude::*;
use pilothouse_chart::Spark;
use pilothouse_wire::{
    Answer, Ask, ConnectionId, Problem, Reading, SmolStr, Stamp,
    runs::{Artefacts, LastMetric, MOST_HISTORIES, MetricHistory, Run, RunAnswer, RunAsk},
    units::{ABSENT, bytes, count, lower, span, visible},
    view::Status,
};
use std::collections::BTreeMap;

/// The size of a chart in CSS pixels.
const SIZE: (u32, u32) = (248, 56);
/// Charts that are drawn at first.
const CHARTS: usize = 8;

type Asked<T> = Option<Result<T, Problem>>;

/// Asks for a run and draws it.
#[component]
pub fn RunCard(source: ConnectionId, run: SmolStr) -> impl IntoView {
    let (link, state) = (use_link(), use_state());
    let asked: RwSignal<Asked<Run>> = RwSignal::new(None);
    let (of, of_beside, id) = (source.clone(), source.clone(), run.clone());
    // The link may open after the page, and a run is of now: of the past nobody asks.
    effect(move || {
        if link.is_open() && !state.is_past() {
            link.ask_then(Ask::Runs(of.clone(), RunAsk::Run(id.clone())), move |answer| {
                asked.set(Some(answer.and_then(|answer| match answer {
                    Answer::Runs(answer) => match *answer {
                        RunAnswer::Run(run) => Ok(*run),
                        _ => Err(Problem::other_answer()),
                    },
                    _ => Err(Problem::other_answer()),
                })));
            });
        }
    });
    let body = move || {
        if state.is_past() {
            return view! {
                <p class="soft">"A run is read from its server, and so is of now: it is not shown of the past."</p>
            }
            .into_any();
        }
        match asked.get() {
            None => view! { <p class="faint" aria-busy="true">"The run is being read from its server."</p> }.into_any(),
            Some(Err(problem)) => view! { <ProblemRows problem=problem /> }.into_any(),
            Some(Ok(run)) => view! { <Whole source=source.clone() run=run /> }.into_any(),
        }
    };
    let beside = view! { <BesideOthers source=of_beside run=run.clone() /> };
    view! { <div class="section" data-test="run"><h3>"Run"<span class="mono">{visible(&run)}</span>{beside}</h3>{move || body()}</div> }
}

#[component]
fn Whole(source: ConnectionId, run: Run) -> impl IntoView {
    let about = &run.about;
    let experiment = about.experiment.1.clone().unwrap_or_else(|| about.experiment.0.clone());
    let took = about.began.zip(about.ended).map(|(began, ended)| span(ended.since(began)));
    let head = [
        ("Name", Some(about.name.to_string())),
        ("Experiment", Some(experiment.to_string())),
        ("User", about.user.as_ref().map(ToString::to_string)),
        ("Began", about.began.map(|at| at.to_string())),
        ("Took", took),
    ];
    let field = |(label, value): (&'static str, Option<String>)| {
        view! { <dt>{label}</dt><dd dir="auto">{value.as_deref().map_or_else(|| ABSENT.to_owned(), visible)}</dd> }
    };
    let status = status(&about.status);
    let models = run.models.iter().map(|model| {
        let kind = model.kind.as_ref().map(|kind| format!(", {kind}")).unwrap_or_default();
        (model.name.clone(), format!("{}, {}{kind}", model.id, lower(&model.status)))
    });
    let models: Vec<(SmolStr, String)> = models.collect();
    let problems = run.problems.into_iter().map(|problem| view! { <ProblemRows problem=problem /> }).collect_any();
    view! {
        <p class="inspector-status"><StatusWord status=status word=lower(&run.about.status) /></p>
        <dl class="fields">{head.map(field).into_iter().collect_any()}</dl>
        {problems}
        <Metrics source=source.clone() run=run.about.id.clone() last=run.about.metrics />
        <Pairs title="Parameters" test="params" of=run.about.params />
        <Left source=source run=run.about.id top=run.artefacts />
        <Pairs title="Logged models" test="logged" of=models />
        <Pairs title="Tags" test="run-tags" of=run.tags />
    }
}

/// How it went, by the word of its server.
pub(super) fn status(word: &str) -> Status {
    match word {
        "FINISHED" => Status::Good,
        "RUNNING" | "SCHEDULED" => Status::Progress,
        "FAILED" => Status::Bad,
        "KILLED" => Status::Warn,
        _ => Status::Unknown,
    }
}

/// Keys with values, in two columns.
#[component]
fn Pairs(title: &'static str, test: &'static str, of: Vec<(SmolStr, String)>) -> impl IntoView {
    (!of.is_empty()).then(|| {
        let n = count(of.len() as u64);
        let pair = |(key, value): (SmolStr, String)| {
            view! { <dt class="mono" dir="auto">{visible(&key)}</dt><dd class="mono" dir="auto">{visible(&value)}</dd> }
        };
        view! {
            <h4>{title}" "<span class="faint">{n}</span></h4>
            <dl class="fields model-pairs" data-test=test>{of.into_iter().map(pair).collect_any()}</dl>
        }
    })
}

/// What the run left: at the top, and in each folder that is opened.
#[component]
fn Left(source: ConnectionId, run: SmolStr, top: Artefacts) -> impl IntoView {
    let link = use_link();
    let folder: RwSignal<String> = RwSignal::default();
    let read: RwSignal<Asked<Artefacts>> = RwSignal::new(None);
    effect(move || {
        let path = folder.get();
        if path.is_empty() {
            return;
        }
        read.set(None);
        let ask = RunAsk::Artefacts { run: run.clone(), path };
        link.ask_then(Ask::Runs(source.clone(), ask), move |answer| {
            read.set(Some(answer.and_then(|answer| match answer {
                Answer::Runs(answer) => match *answer {
                    RunAnswer::Artefacts(left) => Ok(left),
                    _ => Err(Problem::other_answer()),
                },
                _ => Err(Problem::other_answer()),
            })));
        });
    });
    let root = top.root.as_deref().map(visible);
    let up = move |_| folder.update(|path| *path = path.rsplit_once('/').map(|(above, _)| above.to_owned()).unwrap_or_default());
    let at = move || {
        let path = folder.get();
        (!path.is_empty()).then(|| {
            view! { <span class="mono small" dir="auto">{visible(&path)}</span>" "<button type="button" class="link small" data-test="artefacts-up" on:click=up>"Up"</button> }
        })
    };
    let listed = move || {
        if folder.with(String::is_empty) {
            return files(&top, folder).into_any();
        }
        match read.get() {
            None => view! { <p class="faint" aria-busy="true">"The folder is being read."</p> }.into_any(),
            Some(Err(problem)) => view! { <ProblemRows problem=problem /> }.into_any(),
            Some(Ok(left)) => files(&left, folder).into_any(),
        }
    };
    view! {
        <h4>"Artefacts "<span class="faint mono" dir="auto">{root}</span>" "{move || at()}</h4>
        {move || listed()}
    }
}

/// Files with their sizes, and folders that can be opened.
fn files(of: &Artefacts, folder: RwSignal<String>) -> impl IntoView + use<> {
    let entry = |entry: &pilothouse_wire::runs::Artefact| match entry.bytes {
        Some(size) => {
            view! { <dt class="mono" dir="auto">{visible(&entry.path)}</dt><dd>{bytes(size)}</dd> }.into_any()
        }
        None => {
            let (path, name) = (entry.path.clone(), format!("{}/", visible(&entry.path)));
            let open = move |_| folder.set(path.clone());
            view! {
                <dt class="mono" dir="auto">
                    <button type="button" class="link" data-test="artefacts-open" on:click=open>{name}</button>
                </dt>
                <dd></dd>
            }
            .into_any()
        }
    };
    let more = of.more.then(|| view! { <p class="small faint">"There are more than are listed."</p> });
    view! {
        <dl class="fields model-pairs" data-test="artefacts">{of.entries.iter().map(entry).collect_any()}</dl>
        {more}
    }
}

/// The last value of each metric, each with its history as a chart over its steps.
#[component]
fn Metrics(source: ConnectionId, run: SmolStr, last: Vec<LastMetric>) -> impl IntoView {
    let link = use_link();
    let all = RwSignal::new(false);
    let histories: RwSignal<BTreeMap<SmolStr, MetricHistory>> = RwSignal::default();
    let failed: RwSignal<Option<Problem>> = RwSignal::new(None);
    let total = last.len();
    let keys: Vec<SmolStr> = last.iter().map(|metric| metric.key.clone()).collect();
    effect(move || {
        let most = if all.get() { MOST_HISTORIES } else { CHARTS };
        let wanted: Vec<SmolStr> = keys.iter().take(most).cloned().collect();
        if wanted.is_empty() {
            return;
        }
        let ask = Ask::Runs(source.clone(), RunAsk::Metrics { run: run.clone(), keys: wanted });
        link.ask_then(ask, move |answer| match answer {
            Ok(Answer::Runs(answer)) => {
                if let RunAnswer::Metrics(all) = *answer {
                    histories.set(all.into_iter().map(|history| (history.key.clone(), history)).collect());
                }
            }
            Ok(_) => {}
            Err(problem) => failed.set(Some(problem)),
        });
    });
    let charts = move || {
        let most = if all.get() { total } else { CHARTS };
        let chart = |metric: &LastMetric| view! { <Chart last=metric.clone() histories=histories /> };
        last.iter().take(most).map(chart).collect_any()
    };
    (total > 0).then(|| {
        view! {
            <h4>"Metrics "<span class="faint">{count(total as u64)}</span></h4>
            <div class="model-charts" data-test="metrics">{move || charts()}</div>
            {move || failed.get().map(|problem| view! { <ProblemRows problem=problem /> })}
            <Show when=move || !all.get() && (total > CHARTS)>
                <button type="button" class="link small" on:click=move |_| all.set(true)>{format!("Show all {total} metrics")}</button>
            </Show>
        }
    })
}

#[component]
fn Chart(last: LastMetric, histories: RwSignal<BTreeMap<SmolStr, MetricHistory>>) -> impl IntoView {
    let theme = use_theme();
    let key = last.key.clone();
    let drawn = Memo::new(move |_| histories.with(|all| all.get(&key).map(Drawn::of)));
    let svg = move || {
        let _ = theme.grounds();
        let line = parse(&token("tx2")).unwrap_or_default();
        drawn.with(|drawn| {
            let drawn = drawn.as_ref().filter(|drawn| drawn.points.len() > 1)?;
            Some(Spark { points: &drawn.points, span: drawn.span(), range: None, line }.svg(SIZE.0, SIZE.1))
        })
    };
    let words = move || drawn.with(|drawn| drawn.as_ref().map(|drawn| drawn.words.clone()));
    let name = visible(&last.key);
    view! {
        <figure class="model-chart" data-test="chart" data-key=last.key.to_string()>
            <figcaption><span class="soft clip" dir="auto" title=name.clone()>{name.clone()}</span><b>{last.value.to_string()}</b></figcaption>
            // Numbers alone: plotters draws it, no text of anybody is in it.
            <span class="model-line" aria-hidden="true" inner_html=move || svg().unwrap_or_default()></span>
            <span class="small faint">{move || words()}</span>
        </figure>
    }
}

/// A history as it is drawn: steps stand for times, and what is no number is a gap.
#[derive(Clone, Debug, PartialEq)]
struct Drawn {
    points: Vec<(Stamp, Reading)>,
    words: String,
}

impl Drawn {
    #[allow(clippy::cast_possible_truncation, reason = "a chart of 56 pixels")]
    fn of(history: &MetricHistory) -> Self {
        if let Some(problem) = &history.problem {
            return Self { points: Vec::new(), words: visible(&problem.what) };
        }
        let points: Vec<(Stamp, Reading)> =
            history.points.iter().map(|(step, _, value)| (Stamp(*step), Reading::of(value.0 as f32))).collect();
        let numbers = || history.points.iter().map(|(.., value)| value.0).filter(|value| value.is_finite());
        let (low, high) = (numbers().fold(f64::INFINITY, f64::min), numbers().fold(f64::NEG_INFINITY, f64::max));
        let number = |value: f64| pilothouse_wire::runs::Number(value).to_string();
        let ends = history.points.first().zip(history.points.last()).map(|(first, last)| (first.0, last.0));
        let words = match ends {
            None => "No step was logged.".to_owned(),
            Some((first, last)) if first == last => format!("at step {last}"),
            Some((first, last)) if low <= high => {
                format!("{} to {}, steps {first} to {last}", number(low), number(high))
            }
            Some((first, last)) => format!("no number in steps {first} to {last}"),
        };
        let thinned = if history.thinned { ", thinned" } else { "" };
        Self { points, words: format!("{words}{thinned}") }
    }

    fn span(&self) -> (Stamp, Stamp) {
        let end = |point: Option<&(Stamp, Reading)>| point.map_or(Stamp(0), |point| point.0);
        (end(self.points.first()), end(self.points.last()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::runs::Number;

    fn history(values: &[f64]) -> MetricHistory {
        let point = |(step, value): (i64, &f64)| (step, Stamp(0), Number(*value));
        MetricHistory { key: "loss".into(), points: (0..).zip(values).map(point).collect(), ..MetricHistory::default() }
    }

    #[test]
    fn a_history_is_drawn_over_its_steps_and_what_is_no_number_is_a_gap() {
        let drawn = Drawn::of(&history(&[0.5, f64::NAN, 0.25]));
        assert_eq!(drawn.words, "0.25 to 0.5, steps 0 to 2");
        assert_eq!((drawn.points.len(), drawn.points[1].1.finite(), drawn.span()), (3, None, (Stamp(0), Stamp(2))));
        assert_eq!(Drawn::of(&history(&[f64::NAN, f64::NAN])).words, "no number in steps 0 to 1");
        assert_eq!(Drawn::of(&history(&[1.0])).words, "at step 0");
        assert_eq!(Drawn::of(&history(&[])).words, "No step was logged.");
    }
}
