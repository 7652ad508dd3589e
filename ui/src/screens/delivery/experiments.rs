//! Pods of several revisions side by side for a while: how far each experiment is, and how many of its pods are there.

use super::rollout::part;
use crate::{
    mirror::Watched,
    once::{CollectAny, live},
    parts::{age::Age, mark::StatusWord},
};
use leptos::prelude::*;
use pilothouse_wire::{units::visible, view::delivery::ExperimentRow};

/// Draws the experiments, the newest first; nothing where there is none. What one measures stands among the analyses.
#[component]
pub fn Experiments(view: Watched) -> impl IntoView {
    let all = part(view, |rollout| rollout.experiments.clone());
    live(move || {
        let rows = all.get();
        (!rows.is_empty()).then(|| {
            view! {
                <section class="card table-card" aria-label="Experiments" data-test="experiments">
                    <table class="plain-table">
                        <thead><tr><th>"Phase"</th><th>"Experiment"</th><th class="number">"Age"</th><th>"Pods available"</th><th>"Why"</th></tr></thead>
                        <tbody>{rows.into_iter().map(experiment).collect_any()}</tbody>
                    </table>
                </section>
            }
        })
    })
}

fn experiment(row: ExperimentRow) -> impl IntoView {
    let (pods, why) = (visible(&row.pods_words()), visible(row.message.as_deref().unwrap_or_default()));
    view! {
        <tr data-test="experiment" data-key=row.name.to_string()>
            <td><StatusWord status=Signal::stored(row.phase.status()) word=Signal::stored(row.phase.word().to_owned()) /></td>
            <td class="strong clip" dir="auto">{visible(&row.name)}</td>
            <td class="number"><Age of=Signal::stored(row.created) /></td>
            <td dir="auto">{pods}</td>
            <td class="soft clip" dir="auto" title=why.clone()>{why.clone()}</td>
        </tr>
    }
}
