//! What was measured: each value against its condition, what follows from the measurements, and what the controller says.

use super::rollout::part;
use crate::{mirror::Watched, parts::mark::{Mark, StatusWord}};
use leptos::prelude::*;
use pilothouse_wire::{
    units::{self, count, number, visible},
    view::{AnalysisRow, MeasurementRow, MetricRow, Status},
};

/// Measurements that are shown one by one, the newest.
const MOST_SHOWN: usize = 12;

/// Draws the analyses, the newest first.
#[component]
pub fn Analyses(view: Watched) -> impl IntoView {
    let all = part(view, |rollout| (rollout.analyses.clone(), rollout.analyses_left_out));
    move || {
        let (analyses, left_out) = all.get();
        let older = (left_out > 0)
            .then(|| view! { <p class="small faint">{format!("and {} older analyses", count(left_out.into()))}</p> });
        view! { {analyses.iter().map(analysis).collect_view()} {older} }
    }
}

fn analysis(row: &AnalysisRow) -> impl IntoView + use<> {
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
                <tbody>{row.metrics.iter().map(metric).collect_view()}</tbody>
            </table>
        </section>
    }
}

/// The condition in few signs where it can be read, else as it is written.
fn condition(row: &MetricRow) -> String {
    match (&row.compared, &row.success, &row.failure) {
        (Some(compared), ..) if !compared.of_failure => compared.limit_words(),
        (Some(compared), ..) => format!("fails at {}", compared.limit_words()),
        (None, Some(success), _) => success.clone(),
        (None, None, Some(failure)) => format!("fails if {failure}"),
        (None, None, None) => units::ABSENT.to_owned(),
    }
}

fn distance(row: &MetricRow) -> String {
    let distance = row.compared.as_ref().and_then(|compared| compared.distance());
    distance.map_or_else(
        || units::ABSENT.to_owned(),
        |distance| format!("{}{} %", if distance > 0.0 { "+" } else { "" }, number(distance, 0)),
    )
}

fn value(row: &MetricRow) -> String {
    match (&row.compared, &row.value) {
        (Some(compared), _) => compared.value.to_string(),
        (None, Some(value)) => value.clone(),
        (None, None) => units::ABSENT.to_owned(),
    }
}

fn metric(row: &MetricRow) -> impl IntoView + use<> {
    let (bad, written) = (row.compared.as_ref().is_some_and(|compared| compared.holds == compared.of_failure), written(row));
    let class = if bad { "number strong bad" } else { "number strong" };
    let name = if row.dry { format!("{} (decides nothing)", row.name) } else { row.name.to_string() };
    let query = row.query.clone().map(|query| {
        view! { <details class="query"><summary class="link small">"query"</summary><pre class="mono" dir="auto" tabindex="0">{visible(&query)}</pre></details> }
    });
    let why = row.dispute.clone().unwrap_or_else(|| row.why.clone());
    view! {
        <tr data-test="metric" data-key=row.name.to_string()>
            <td><StatusWord status=Signal::stored(row.verdict.status()) word=Signal::stored(row.verdict.word().to_owned()) /></td>
            <td class="strong clip" dir="auto">{visible(&name)} {query}</td>
            <td class="mono clip" dir="auto" title=visible(&written)>{visible(&condition(row))}</td>
            <td class=class dir="auto">{visible(&value(row))}</td>
            <td class="number">{distance(row)}</td>
            <td>{measurements(row)}</td>
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

/// Measurement by measurement: a mark each, with its value and time under the pointer, and for readers.
fn measurements(row: &MetricRow) -> impl IntoView + use<> {
    let over = row.measurements.len().saturating_sub(MOST_SHOWN);
    let more = row.left_out + over as u64;
    let marks = row.measurements.iter().skip(over).map(|one| {
        let words = words(one);
        view! { <li title=visible(&words)><Mark status=status(one) size=10 /><span class="unseen">{visible(&words)}</span></li> }
    });
    view! {
        <ol class="measurements" data-test="measurements">
            {(more > 0).then(|| view! { <li class="faint small">{format!("{} before", count(more))}</li> })}
            {marks.collect_view()}
        </ol>
    }
}

fn status(one: &MeasurementRow) -> Status {
    use pilothouse_wire::view::AnalysisPhase as Phase;
    match one.phase {
        // What came without a value is no pass, whatever it is called.
        Phase::Successful if one.value.as_deref().is_none_or(|value| value == "[]") => Status::Unknown,
        Phase::Successful => Status::Good,
        Phase::Failed => Status::Bad,
        Phase::Error | Phase::Inconclusive => Status::Warn,
        Phase::Running | Phase::Pending => Status::Progress,
        Phase::Unknown => Status::Unknown,
    }
}

fn words(one: &MeasurementRow) -> String {
    let value = one.value.clone().unwrap_or_else(|| "no value".to_owned());
    let at = one.finished.or(one.started).map(|at| format!(", {} UTC", at.clock())).unwrap_or_default();
    let message = one.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    format!("{} {value}{at}{message}", one.phase.word())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{Stamp, view::AnalysisPhase};

    #[test]
    fn a_measurement_says_its_value_and_one_without_is_no_pass() {
        let one = MeasurementRow {
            phase: AnalysisPhase::Failed,
            value: Some("[1142]".into()),
            started: None,
            finished: Some(Stamp(3_661_000)),
            message: None,
        };
        assert_eq!(words(&one), "Failed [1142], 01:01:01 UTC");
        let empty = MeasurementRow { phase: AnalysisPhase::Successful, value: Some("[]".into()), ..MeasurementRow::default() };
        assert_eq!((status(&one), status(&empty)), (Status::Bad, Status::Unknown));
    }
}
