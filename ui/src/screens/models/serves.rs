//! Where a version serves now, with the share of traffic that it gets, and where it served before.

use crate::{
    mirror::use_view,
    parts::{age::Age, mark::StatusWord},
    state::use_state,
    once::CollectAny,
};
use leptos::prelude::*;
use pilothouse_wire::{
    ModelId, ObjectRef, ViewSpec,
    units::{count, visible},
    view::{ServedRow, ServesRow},
};

/// Draws both.
#[component]
pub fn Serves(model: ModelId, number: u64) -> impl IntoView {
    let view = use_view(ViewSpec::Lineage(model));
    let now = Memo::new(move |_| view.lineage(|view| view.of_version(number).cloned().collect::<Vec<_>>()));
    let before = Memo::new(move |_| {
        view.lineage(|view| view.before_of(number).cloned().collect::<Vec<_>>()).unwrap_or_default()
    });
    let serves = move || match now.get() {
        None => view! { <p class="faint" aria-busy="true">"Looking for the pods that are started with it."</p> }.into_any(),
        Some(rows) if rows.is_empty() => {
            view! { <p class="soft">"No pod that is read is started with it."</p> }.into_any()
        }
        Some(rows) => view! {
            <table class="plain-table">
                <thead>
                    <tr>
                        <th>"Named"</th><th>"Workload"</th><th class="number">"Ready"</th><th class="number">"GPUs"</th>
                        <th class="number">"Traffic"</th><th class="number">"For"</th>
                    </tr>
                </thead>
                <tbody>{rows.into_iter().map(|row| view! { <Now row=row /> }).collect_any()}</tbody>
            </table>
        }
        .into_any(),
    };
    let served = move || {
        let rows = before.get();
        let is_empty = rows.is_empty();
        (!is_empty).then(|| {
            view! {
                <h3>"Served before"</h3>
                <table class="plain-table">
                    <thead>
                        <tr>
                            <th>"Workload"</th><th class="number">"Pods"</th><th class="number">"From"</th>
                            <th class="number">"Until"</th>
                        </tr>
                    </thead>
                    <tbody>{rows.into_iter().map(|row| view! { <Before row=row /> }).collect_any()}</tbody>
                </table>
            }
        })
    };
    view! {
        <div class="section models-versions" data-test="serves">
            <h3>"Serves now"</h3>
            {move || serves()}
            {move || served()}
            <p class="small faint">"Before is what was seen since Pilothouse began to watch."</p>
        </div>
    }
}

#[component]
fn Now(row: ServesRow) -> impl IntoView {
    let ServesRow { version, workload, pods, ready, gpus, traffic, share, since, verdict, evidence } = row;
    let unknown = if version.is_none() { ", its version unknown" } else { "" };
    let named = format!("{}{unknown}", verdict.word());
    let key = workload.to_string();
    view! {
        <tr data-test="serves-row" data-key=key>
            <td title=visible(&evidence)><StatusWord status=verdict.status() word=named /></td>
            <td>
                <Workload object=workload />
                <p class="small soft" dir="auto">{visible(&evidence)}</p>
            </td>
            <td class="number">{format!("{} of {}", count(ready), count(pods))}</td>
            <td class="number">{count(gpus)}</td>
            <td class="number" title=visible(&share)>{traffic.words(traffic.actual)}</td>
            <td class="number faint"><Age of=Signal::stored(since) /></td>
        </tr>
    }
}

#[component]
fn Before(row: ServedRow) -> impl IntoView {
    let ServedRow { workload, pods, since, until, evidence, .. } = row;
    let key = workload.to_string();
    view! {
        <tr data-test="served-row" data-key=key>
            <td title=visible(&evidence)><Workload object=workload /></td>
            <td class="number">{count(pods)}</td>
            <td class="number faint"><Age of=Signal::stored(since) /></td>
            <td class="number faint"><Age of=Signal::stored(Some(until)) /></td>
        </tr>
    }
}

/// What serves it, and where that is; a press opens it.
#[component]
pub fn Workload(object: ObjectRef) -> impl IntoView {
    let state = use_state();
    let place = match object.namespace() {
        Some(namespace) => format!("{} in {}/{namespace}", object.kind_word(), object.connection()),
        None => format!("{} in {}", object.kind_word(), object.connection()),
    };
    let name = visible(&object.name());
    view! {
        <button type="button" class="link" dir="auto" data-test="serves-open" on:click=move |_| state.select(Some(object.clone()))>
            {name}
        </button>
        <span class="small faint" dir="auto">" "{visible(&place)}</span>
    }
}
