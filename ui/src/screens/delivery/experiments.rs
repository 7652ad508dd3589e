//! Pods of several revisions side by side for a while: how far each experiment is, and how many of its pods are there.

use super::{analyses::Ends, rollout::part};
use crate::{
    mirror::Watched,
    once::{CollectAny, live},
    parts::{age::Age, mark::StatusWord},
};
use leptos::prelude::*;
use pilothouse_wire::{ObjectRef, units::visible, view::delivery::ExperimentRow};

/// Draws the experiments, the newest first; nothing where there is none. What one measures stands among the analyses.
#[component]
pub fn Experiments(view: Watched, object: ObjectRef) -> impl IntoView {
    let ends = Ends::of(&object);
    let all = part(view, |rollout| rollout.experiments.clone());
    live(move || {
        let rows = all.get();
        (!rows.is_empty()).then(|| {
            view! {
                <section class="card table-card" aria-label="Experiments" data-test="experiments">
                    <table class="plain-table">
                        <thead><tr><th>"Phase"</th><th>"Experiment"</th><th class="number">"Age"</th><th>"Pods available"</th><th>"Why"</th><th><span class="unseen">"What can be done"</span></th></tr></thead>
                        <tbody>{rows.into_iter().map(|row| experiment(row, ends)).collect_any()}</tbody>
                    </table>
                </section>
            }
        })
    })
}

fn experiment(row: ExperimentRow, ends: Ends) -> impl IntoView {
    let end = ends.button(row.object().filter(|_| !row.phase.is_over()));
    let (pods, why) = (visible(&row.pods_words()), visible(row.message.as_deref().unwrap_or_default()));
    view! {
        <tr data-test="experiment" data-key=row.name.to_string()>
            <td><StatusWord status=Signal::stored(row.phase.status()) word=Signal::stored(row.phase.word().to_owned()) /></td>
            <td class="strong clip" dir="auto">{visible(&row.name)}</td>
            <td class="number"><Age of=Signal::stored(row.created) /></td>
            <td dir="auto">{pods}</td>
            <td class="soft clip" dir="auto" title=why.clone()>{why.clone()}</td>
            <td>{end}</td>
        </tr>
    }
}
