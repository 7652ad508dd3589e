//! What KServe says of a service: which model, how that loads, where it answers, and each condition with its reason.

use super::rollout::part;
use crate::{
    mirror::Watched,
    once::{CollectAny, live},
    parts::{age::Age, mark::StatusWord},
};
use leptos::prelude::*;
use pilothouse_wire::{
    units::visible,
    view::{
        Status,
        delivery::{CanaryRow, ServedRow, StatedRow},
    },
};

/// Draws it; nothing of a service that another keeps.
#[component]
pub fn Served(view: Watched) -> impl IntoView {
    let served = part(view, |rollout| rollout.served.clone());
    live(move || {
        served.get().map(|served| {
            let conditions = served.conditions.clone();
            view! {
                <section class="card table-card served" aria-label="Model" data-test="rollout-served">
                    <header class="card-head"><h2>"Model"</h2></header>
                    <dl class="served-facts">{facts(&served)}</dl>
                    <table class="plain-table">
                        <thead><tr><th>"Condition"</th><th class="number">"For"</th><th>"Why"</th></tr></thead>
                        <tbody>{conditions.into_iter().map(condition).collect_any()}</tbody>
                    </table>
                </section>
            }
        })
    })
}

fn facts(served: &ServedRow) -> impl IntoView + use<> {
    let model = served.model.as_ref().map_or_else(|| "—".to_owned(), ToString::to_string);
    let format = served.format.as_ref().map(|format| format!(" ({format})")).unwrap_or_default();
    let by = served.runtime.as_ref().map(|runtime| format!(", by {runtime}")).unwrap_or_default();
    let stopped = if served.stops { ", stopped by a person" } else { "" };
    let rows = [
        Some(("Model", Status::Unknown, format!("{model}{format}"))),
        served.load.clone().map(|load| ("Loaded", served.load_status, load)),
        served.failure.clone().map(|failure| ("Failed last", Status::Warn, failure)),
        served.url.clone().map(|url| ("Address", Status::Unknown, url)),
        Some(("Mode", Status::Unknown, format!("{}{by}{stopped}", served.mode.words()))),
    ];
    let row = |(label, status, text): (&'static str, Status, String)| {
        let said = if status == Status::Unknown {
            view! { <span dir="auto">{visible(&text)}</span> }.into_any()
        } else {
            view! { <StatusWord status=Signal::stored(status) word=Signal::stored(text) /> }.into_any()
        };
        view! { <dt class="soft">{label}</dt><dd>{said}</dd> }
    };
    let canaries = served.canaries.iter().map(|canary| ("Canary", canary.status(), canary.words()));
    let who = (!served.canaries.is_empty()).then(|| ("", Status::Unknown, CanaryRow::NO_ROUTER.to_owned()));
    rows.into_iter().flatten().chain(canaries).chain(who).map(row).collect_any()
}

fn condition(row: StatedRow) -> impl IntoView {
    let word = format!("{} {}", row.kind, row.holds);
    let why = visible(row.why.as_deref().unwrap_or_default());
    view! {
        <tr>
            <td><StatusWord status=Signal::stored(row.status) word=Signal::stored(word) /></td>
            <td class="number"><Age of=Signal::stored(row.since) /></td>
            <td class="soft clip" dir="auto" title=why.clone()>{why.clone()}</td>
        </tr>
    }
}
