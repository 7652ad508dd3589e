//! What was measured: each value against its condition, what follows from the measurements, and what the controller says.

use super::rollout::part;
use crate::{
    mirror::Watched,
    once::{CollectAny, live},
    parts::{button::Button, mark::{Mark, StatusWord}, show::Show},
    shell::plan::{PlanDoor, use_acts_on, use_plan},
};
use leptos::{ev::MouseEvent, prelude::*};
use pilothouse_wire::{
    ObjectRef, Stamp,
    plan::{Deed, Intent},
    units::{self, count, visible},
    view::{
        AnalysisRow, AnalysisVerdict, MeasurementRow, MetricRow, Status,
        delivery::{Compared, JudgedRow, value_words},
    },
};
use std::collections::BTreeSet;

/// Measurements that are shown one by one, the newest.
const MOST_SHOWN: usize = 12;

/// Draws the analyses, the newest first.
#[component]
pub fn Analyses(view: Watched, object: ObjectRef) -> impl IntoView {
    let (open, ends) = (Unfolded(RwSignal::new(BTreeSet::new())), Ends::of(&object));
    let all = part(view, |rollout| (rollout.analyses.clone(), rollout.analyses_left_out));
    live(move || {
        let (analyses, left_out) = all.get();
        let older = (left_out > 0)
            .then(|| view! { <p class="small faint">{format!("and {} older analyses", count(left_out.into()))}</p> });
        let drawn = |row: &AnalysisRow| {
            let end = ends.button(row.object(&object).filter(|_| !row.phase.is_over()));
            analysis(row, open, end)
        };
        view! { {analyses.iter().map(drawn).collect_any()} {older} }
    })
}

/// What ends something that is measured beside a service.
#[derive(Clone, Copy)]
pub(super) struct Ends {
    may: Memo<bool>,
    door: PlanDoor,
}

impl Ends {
    /// Of what is measured beside this service.
    pub fn of(service: &ObjectRef) -> Self {
        Self { may: use_acts_on(service), door: use_plan() }
    }

    /// The button of one that runs; nothing without one.
    pub fn button(self, running: Option<ObjectRef>) -> AnyView {
        let Self { may, door } = self;
        let Some(object) = running else { return ().into_any() };
        let open = move || door.open(Intent { object: object.clone(), deed: Deed::Terminate });
        view! {
            <Show when=move || may.get()>
                <Button label="Terminate…" on_press=open.clone() test="measured-terminate" />
            </Show>
        }
        .into_any()
    }
}

/// Metrics of which each measurement is shown, or the query. They are drawn anew with each measurement, and stay as a person left them.
#[derive(Clone, Copy)]
struct Unfolded(RwSignal<BTreeSet<(String, String)>>);

impl Unfolded {
    fn is_open(self, analysis: &str, metric: &str) -> bool {
        self.0.with(|open| open.contains(&(analysis.to_owned(), metric.to_owned())))
    }

    fn toggle(self, analysis: &str, metric: &str) -> impl Fn(MouseEvent) + use<> {
        let key = (analysis.to_owned(), metric.to_owned());
        move |_| {
            self.0.update(|open| {
                if !open.remove(&key) {
                    open.insert(key.clone());
                }
            });
        }
    }
}

fn analysis(row: &AnalysisRow, open: Unfolded, end: AnyView) -> impl IntoView + use<> {
    let of = row.revision.map(|revision| format!(", revision {revision}")).unwrap_or_default();
    let title = format!("Analysis {}{of}", row.occasion.words(row.step));
    let says = row.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    let says = format!("the controller says {}{says}", row.phase.word());
    let by_hand = row.ended_by_hand.then_some("ended by hand");
    view! {
        <section class="card analysis" data-test="analysis" data-key=row.name.to_string() aria-label=visible(&title)>
            <header class="card-head">
                <h2>{visible(&title)}</h2>
                <span class="mono small faint clip" dir="auto">{visible(&row.name)}</span>
                <span class="fill"></span>
                {by_hand.map(|text| view! { <span class="tag">{text}</span> })}
                <StatusWord status=Signal::stored(row.verdict.status()) word=Signal::stored(row.verdict.word().to_owned()) />
                <span class="small faint clip" dir="auto" title=visible(&says)>{visible(&says)}</span>
                {end}
            </header>
            {row.dispute.as_ref().map(|dispute| view! {
                <p class="dispute warn" role="status" data-test="dispute"><Mark status=Status::Warn size=12 /> {visible(dispute)}</p>
            })}
            <table class="plain-table metrics">
                <thead>
                    <tr>
                        <th>"Result"</th><th>"Metric"</th><th>"Condition"</th><th class="number">"Value"</th>
                        <th class="number">"To the limit"</th><th>"Measurements"</th><th>"Why"</th>
                    </tr>
                </thead>
                <tbody>{row.metrics.iter().map(|metric_row| metric(metric_row, &row.name, open)).collect_any()}</tbody>
            </table>
        </section>
    }
}

/// The condition in few signs where it can be read, else as it is written.
fn condition(row: &MetricRow) -> String {
    match (&row.compared, &row.success, &row.failure) {
        (Some(compared), ..) => compared.limit_words(),
        (None, Some(success), _) => success.clone(),
        (None, None, Some(failure)) => format!("fails if {failure}"),
        (None, None, None) => units::ABSENT.to_owned(),
    }
}

fn distance(compared: Option<&Compared>) -> String {
    compared.and_then(Compared::distance_words).unwrap_or_else(|| units::ABSENT.to_owned())
}

fn value(compared: Option<&Compared>, text: Option<&str>) -> String {
    value_words(compared, text).unwrap_or_else(|| units::ABSENT.to_owned())
}

fn metric(row: &MetricRow, of: &str, open: Unfolded) -> impl IntoView + use<> {
    let (bad, written) = (row.compared.as_ref().is_some_and(|compared| compared.holds == compared.of_failure), written(row));
    let class = if bad { "number strong bad" } else { "number strong" };
    let name = if row.dry { format!("{} (decides nothing)", row.name) } else { row.name.to_string() };
    let asked = format!("{} asks", row.name);
    let query = row.query.clone().map(|query| {
        let (is_open, toggle) = (open.is_open(of, &asked), open.toggle(of, &asked));
        let press = move |event: MouseEvent| {
            event.prevent_default();
            toggle(event);
        };
        view! {
            <details class="query" open=is_open>
                <summary class="link small" on:click=press>"query"</summary>
                <pre class="mono" dir="auto" tabindex="0">{visible(&query)}</pre>
            </details>
        }
    });
    let why = row.dispute.clone().unwrap_or_else(|| row.why.clone());
    view! {
        <tr data-test="metric" data-key=row.name.to_string()>
            <td><StatusWord status=Signal::stored(row.verdict.status()) word=Signal::stored(row.verdict.word().to_owned()) /></td>
            <td class="strong clip" dir="auto">{visible(&name)} {query}</td>
            <td class="mono clip" dir="auto" title=visible(&written)>{visible(&condition(row))}</td>
            <td class=class dir="auto">{visible(&value(row.compared.as_ref(), row.value.as_deref()))}</td>
            <td class="number">{distance(row.compared.as_ref())}</td>
            <td>{measurements(row, of, open)}</td>
            <td class="soft clip" dir="auto" title=visible(&why)>{visible(&why)}</td>
        </tr>
    }
}

/// Both conditions as they are written.
fn written(row: &MetricRow) -> String {
    let parts = [
        row.success.as_ref().map(|text| format!("passes if {text}")),
        row.failure.as_ref().map(|text| format!("fails if {text}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// Measurement by measurement: a mark each, and behind it what each shows against its condition.
fn measurements(row: &MetricRow, of: &str, open: Unfolded) -> impl IntoView + use<> {
    let over = row.measurements.len().saturating_sub(MOST_SHOWN);
    let more = row.left_out + over as u64;
    let shown = || row.measurements.iter().enumerate().skip(over).map(|(at, one)| Shown { one, judged: row.judged.get(at) });
    let marks = shown().map(|one| {
        let words = one.words();
        view! { <li title=visible(&words)><Mark status=one.status() size=10 /><span class="unseen">{visible(&words)}</span></li> }
    });
    let lines = shown().collect::<Vec<_>>().into_iter().rev().map(line);
    let any = !row.measurements.is_empty();
    view! {
        <ol class="measurements" data-test="measurements">
            {(more > 0).then(|| view! { <li class="faint small">{format!("{} before", count(more))}</li> })}
            {marks.collect_any()}
        </ol>
        {any.then(|| {
            let (is_open, toggle) = (open.is_open(of, &row.name), open.toggle(of, &row.name));
            view! {
                <button type="button" class="link small" data-test="measured" aria-expanded=is_open.to_string() on:click=toggle>
                    {if is_open { "hide them" } else { "each of them" }}
                </button>
                {is_open.then(|| view! {
                    <table class="plain-table measured">
                        <thead><tr>
                            <th>"Result"</th><th class="number">"Value"</th><th>"Condition"</th><th class="number">"To the limit"</th>
                            <th>"At, UTC"</th><th>"Controller"</th><th>"Why"</th>
                        </tr></thead>
                        <tbody>{lines.collect_any()}</tbody>
                    </table>
                })}
            }
        })}
    }
}

fn line(one: Shown<'_>) -> impl IntoView + use<> {
    let (compared, status) = (one.compared(), one.status());
    let at = one.at().map_or_else(|| units::ABSENT.to_owned(), |at| at.clock().to_string());
    let limit = compared.map_or_else(|| units::ABSENT.to_owned(), Compared::limit_words);
    let why = one.why().unwrap_or_default();
    view! {
        <tr data-test="measurement">
            <td><StatusWord status=Signal::stored(status) word=Signal::stored(one.word().to_owned()) /></td>
            <td class="number" dir="auto">{visible(&value(compared, one.one.value.as_deref()))}</td>
            <td class="mono" dir="auto">{visible(&limit)}</td>
            <td class="number">{distance(compared)}</td>
            <td>{at}</td>
            <td>{one.one.phase.word()}</td>
            <td class="soft clip" dir="auto" title=visible(&why)>{visible(&why)}</td>
        </tr>
    }
}

/// A measurement, and what it shows; that is absent where its source is of before.
#[derive(Clone, Copy)]
struct Shown<'a> {
    one: &'a MeasurementRow,
    judged: Option<&'a JudgedRow>,
}

impl Shown<'_> {
    fn compared(&self) -> Option<&Compared> {
        self.judged.and_then(|judged| judged.compared.as_ref())
    }

    /// How it is: by what follows from its value, and never a pass without one.
    fn status(&self) -> Status {
        self.judged.map_or(Status::Unknown, |judged| judged.verdict.status())
    }

    fn word(&self) -> &'static str {
        self.judged.map_or(units::ABSENT, |judged| judged.verdict.word())
    }

    fn at(&self) -> Option<Stamp> {
        self.one.finished.or(self.one.started)
    }

    fn why(&self) -> Option<String> {
        let no_data = self.judged.is_some_and(|judged| judged.verdict == AnalysisVerdict::NoData);
        self.one.message.clone().or_else(|| no_data.then(|| "it gave no value: that is no pass".to_owned()))
    }

    /// All of it in a line: `Failed: 1,142 against ≤ 800, +43 %, 01:01:01 UTC`.
    fn words(&self) -> String {
        let compared = self.compared();
        let against = compared.map(|compared| format!("against {}", compared.limit_words()));
        let value = value_words(compared, self.one.value.as_deref()).unwrap_or_else(|| "no value".to_owned());
        let value = [Some(value), against].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let parts = [
            Some(value),
            compared.and_then(Compared::distance_words),
            self.at().map(|at| format!("{} UTC", at.clock())),
            self.why(),
        ];
        format!("{}: {}", self.word(), parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::view::AnalysisPhase;

    #[test]
    fn a_measurement_says_its_value_against_its_condition_and_one_without_is_no_pass() {
        let failed = MeasurementRow {
            phase: AnalysisPhase::Failed,
            value: Some("[1142.25]".into()),
            finished: Some(Stamp(3_661_000)),
            ..MeasurementRow::default()
        };
        let compared = Compared { value: 1_142.25, sign: "<=".into(), limit: 800.0, holds: false, of_failure: false };
        let judged = JudgedRow { verdict: AnalysisVerdict::Failed, compared: Some(compared) };
        let one = Shown { one: &failed, judged: Some(&judged) };
        assert_eq!(one.words(), "Failed: 1,142 against ≤ 800, +43 %, 01:01:01 UTC");
        assert_eq!(one.status(), Status::Bad);

        // The controller calls it a success: without a value it is none.
        let empty =
            MeasurementRow { phase: AnalysisPhase::Successful, value: Some("[]".into()), ..MeasurementRow::default() };
        let judged = JudgedRow { verdict: AnalysisVerdict::NoData, compared: None };
        let one = Shown { one: &empty, judged: Some(&judged) };
        assert_eq!(one.words(), "No data: no value, it gave no value: that is no pass");
        assert_eq!((one.status(), Shown { judged: None, ..one }.status()), (Status::Unknown, Status::Unknown));
    }
}
