//! What a pod's serving engine says, or those of a workload's pods together.

use crate::{
    mirror::Watched,
    once::CollectAny,
    parts::{age::Age, show::Show},
};
use leptos::prelude::*;
use pilothouse_wire::{
    ServingMetric,
    units::{count, visible},
    view::ServingRow,
};

/// Draws the section, where an engine is measured.
#[component]
pub fn Serving(watched: Watched) -> impl IntoView {
    let row: Memo<Option<ServingRow>> =
        Memo::new(move |_| watched.object(|object| object.and_then(|object| object.serving.clone())).flatten());
    let late = Memo::new(move |_| {
        let now = watched.as_of().unwrap_or_default();
        row.with(|row| row.as_ref().is_some_and(|row| row.pods == 0 || row.is_stale(now)))
    });
    let head = move || {
        row.get().map(|row| {
            let class = if late.get() { "warn strong" } else { "" };
            view! { <span class=class>{visible(&heading(&row))}", "{visible(row.source.as_str())}", "<Age of=Signal::stored(row.at) />" old"</span> }
        })
    };
    let one = |(metric, value): (ServingMetric, String)| {
        view! {
            <dt title=metric.about()>{metric.label()}</dt>
            <dd data-test="serving-value" data-key=metric.id()>{value}</dd>
        }
    };
    let values = move || row.get().map(|row| values(&row).into_iter().map(one).collect_any());
    let model = move || {
        row.get().map(|row| row.models).filter(|models| !models.is_empty()).map(|models| {
            let names = models.iter().map(|name| visible(name)).collect::<Vec<_>>().join(", ");
            view! { <dt>"Model"</dt><dd class="mono" dir="auto">{names}</dd> }
        })
    };
    view! {
        <Show when=move || row.with(Option::is_some)>
            <div class="section" data-test="serving">
                <h3>"Serving" {move || head()}</h3>
                <dl class="fields">{move || model()}{move || values()}</dl>
                {move || row.get().and_then(|row| note(&row)).map(|note| view! { <p class="small soft">{note}</p> })}
            </div>
        </Show>
    }
}

fn heading(row: &ServingRow) -> String {
    match row.pods + row.silent {
        0 | 1 => row.names(),
        all => format!("{}, {} pods", row.names(), count(all.into())),
    }
}

fn values(row: &ServingRow) -> Vec<(ServingMetric, String)> {
    row.readings.iter().map(|(metric, reading)| (*metric, metric.words(*reading))).collect()
}

/// How several pods became one value, and who of them is missing.
fn note(row: &ServingRow) -> Option<String> {
    let silent = match (row.pods, row.silent) {
        (_, 0) => None,
        (0, 1) => Some("It no longer says anything: this is what it said last.".to_owned()),
        (0, _) => Some("None of them says anything any more: this is what they said last.".to_owned()),
        (pods, silent) => {
            let all = pods + silent;
            Some(format!(
                "{} of {} pods no longer say anything, and are not counted.",
                count(silent.into()),
                count(all.into())
            ))
        }
    };
    let together = (row.pods.max(row.silent) > 1)
        .then(|| "Requests and rates are added up; of KV cache and latencies the worst pod counts.".to_owned());
    let all: Vec<String> = together.into_iter().chain(silent).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{ConnectionId, Reading, ServingEngine, Stamp};

    fn row(pods: u32, silent: u32) -> ServingRow {
        ServingRow {
            id: "workload:iad/serving/Deployment/chat".parse().unwrap(),
            source: ConnectionId::slug("prom"),
            engines: vec![ServingEngine::Vllm],
            models: vec!["llama".into()],
            pods,
            silent,
            at: Some(Stamp(1)),
            patience_ms: 1,
            readings: vec![(ServingMetric::KvUse, Reading::of(0.5))],
        }
    }

    #[test]
    fn several_pods_say_how_they_became_one_and_who_is_missing() {
        assert_eq!((heading(&row(1, 0)), note(&row(1, 0))), ("vLLM".into(), None));
        assert!(note(&row(0, 1)).is_some_and(|note| note.contains("said last")));
        assert_eq!(heading(&row(5, 1)), "vLLM, 6 pods");
        let note = note(&row(5, 1)).unwrap_or_default();
        assert!(note.contains("added up") && note.contains("1 of 6 pods"), "{note}");
        assert_eq!(values(&row(1, 0)), [(ServingMetric::KvUse, "50 %".to_owned())]);
    }
}
