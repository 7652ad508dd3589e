//! Where artefacts of a repository serve: by the digests that nodes say they pulled.

use super::serves::Workload;
use crate::{
    mirror::use_view,
    once::CollectAny,
    parts::{age::Age, mark::StatusWord},
};
use leptos::prelude::*;
use pilothouse_wire::{
    SmolStr, ViewSpec,
    artifact::short_digest,
    units::{count, visible},
    view::{ArtifactServesRow, ArtifactServesView, RepositoryId},
};

/// Draws the rows of a repository, or those of one of its artefacts: of its digest, or of the manifests of an index.
#[component]
pub fn Holds(
    /// The repository.
    id: RepositoryId,
    /// The digest, and those of its parts.
    of: Option<(SmolStr, Vec<SmolStr>)>,
) -> impl IntoView {
    let view = use_view(ViewSpec::ArtifactServes(id));
    let rows = Memo::new(move |_| {
        view.artifact_serves(|view: &ArtifactServesView| match &of {
            None => view.rows.clone(),
            Some((digest, parts)) => view.of(digest, parts).cloned().collect::<Vec<_>>(),
        })
    });
    let body = move || match rows.get() {
        None => view! { <p class="faint" aria-busy="true">"Looking for pods that run it."</p> }.into_any(),
        Some(rows) if rows.is_empty() => view! { <p class="soft">"No pod that is read runs it."</p> }.into_any(),
        Some(rows) => view! {
            <table class="plain-table">
                <thead>
                    <tr>
                        <th>"Named"</th><th>"Runs"</th><th>"Workload"</th><th class="number">"Ready"</th>
                        <th class="number">"GPUs"</th><th class="number">"For"</th>
                    </tr>
                </thead>
                <tbody>{rows.into_iter().map(|row| view! { <Row row=row /> }).collect_any()}</tbody>
            </table>
        }
        .into_any(),
    };
    view! { <div class="section models-versions" data-test="serves"><h3>"Serves now"</h3>{move || body()}</div> }
}

#[component]
fn Row(row: ArtifactServesRow) -> impl IntoView {
    let ArtifactServesRow { digest, named, workload, pods, ready, gpus, since, verdict, evidence } = row;
    let key = workload.to_string();
    let runs = digest.as_deref().map_or_else(|| "unknown".to_owned(), |digest| visible(short_digest(digest)));
    let whole = digest.map(|digest| visible(&digest));
    let by = visible(&if named.contains(':') { short_digest(&named).to_owned() } else { named.to_string() });
    view! {
        <tr data-test="serves-row" data-key=key>
            <td title=visible(&evidence)><StatusWord status=verdict.status() word=format!("{by}, {}", verdict.word()) /></td>
            <td class="mono" title=whole>{runs}</td>
            <td>
                <Workload object=workload />
                <p class="small soft" dir="auto">{visible(&evidence)}</p>
            </td>
            <td class="number">{format!("{} of {}", count(ready), count(pods))}</td>
            <td class="number">{count(gpus)}</td>
            <td class="number faint"><Age of=Signal::stored(since) /></td>
        </tr>
    }
}
