//! Two artefacts side by side: what differs of what they are, their configurations, layers and annotations.

use super::{Here, Known, page::Card, place::Spot};
use crate::{link::use_link, parts::problem::ProblemRows, state::use_state, once::{CollectAny, effect}};
use leptos::prelude::*;
use pilothouse_wire::{
    Answer, Ask, Problem,
    artifact::{ArtifactArea, ArtifactDifference, ArtifactDiffers, ArtifactRef},
    units::{ABSENT, bytes, visible},
};

/// Asks for both and draws what differs.
#[component]
pub fn Differ(known: Known, from: ArtifactRef, to: ArtifactRef) -> impl IntoView {
    let (link, state, here): (_, _, Here) = (use_link(), use_state(), expect_context());
    let asked: RwSignal<Option<Result<ArtifactDifference, Problem>>> = RwSignal::new(None);
    let both = (from.clone(), to.clone());
    effect(move || {
        if !link.is_open() || state.is_past() {
            return;
        }
        link.ask_then(Ask::CompareArtifacts(both.0.clone(), both.1.clone()), move |answer| {
            asked.set(Some(answer.and_then(|answer| match answer {
                Answer::ArtifactDifference(difference) => Ok(*difference),
                _ => Err(Problem::other_answer()),
            })));
        });
    });
    let body = move || {
        if state.is_past() {
            return view! { <p class="soft">"Artefacts are read from their registries, and so are of now: they are not compared in the past."</p> }
                .into_any();
        }
        match asked.get() {
            None => view! { <p class="faint" aria-busy="true">"Both artefacts are being read from their registry."</p> }.into_any(),
            Some(Err(problem)) => view! { <ProblemRows problem=problem /> }.into_any(),
            Some(Ok(difference)) => view! { <Both difference=difference /> }.into_any(),
        }
    };
    let one = move |of: &ArtifactRef| {
        let (shown, spot) = (visible(&of.shown()), Spot::Artifact(of.clone()));
        view! { <button type="button" class="link" dir="auto" on:click=move |_| here.go(&spot)>{shown}</button> }
    };
    let title = format!("{} and {}", from.shown(), to.shown());
    let (a, b) = (one(&from), one(&to));
    view! {
        <Card known=known source=from.source.clone() title=title label="Two artefacts">
            <div class="section" data-test="comparison">
                <h3><span>"Compare "{a}" with "{b}</span></h3>
                {move || body()}
            </div>
        </Card>
    }
}

#[component]
fn Both(difference: ArtifactDifference) -> impl IntoView {
    let ArtifactDifference { from, to, rows, shared } = difference;
    let problems = from.problems.into_iter().chain(to.problems);
    let problems = problems.map(|problem| view! { <ProblemRows problem=problem /> }).collect_any();
    let nothing = rows.is_empty();
    let head = |(letter, of): (&'static str, ArtifactRef)| {
        view! { <th><span class=format!("arm {letter}")>{letter}</span>" "<bdi>{visible(&of.shown())}</bdi></th> }
    };
    let part = |area: ArtifactArea| {
        let shown: Vec<ArtifactDiffers> = rows.iter().filter(|row| row.area == area).cloned().collect();
        (!shown.is_empty()).then(|| {
            view! {
                <tbody>
                    <tr><th colspan="3" class="compared-part">{area.heading()}</th></tr>
                    {shown.into_iter().map(line).collect_any()}
                </tbody>
            }
        })
    };
    let parts = ArtifactArea::ALL.map(part).into_iter().collect_any();
    view! {
        {problems}
        {(!nothing).then(|| view! {
            <div class="models-versions">
                <table class="plain-table compared">
                    <thead><tr><th></th>{[("A", from.id), ("B", to.id)].map(head).into_iter().collect_any()}</tr></thead>
                    {parts}
                </table>
            </div>
        })}
        {nothing.then(|| view! { <p class="soft">"Nothing differs."</p> })}
        {(shared > 0).then(|| view! { <p class="small soft" data-test="shared">{format!("{} of layers are in both.", bytes(shared))}</p> })}
    }
}

fn line(row: ArtifactDiffers) -> impl IntoView {
    let shown = |value: Option<String>| value.as_deref().map_or_else(|| ABSENT.to_owned(), visible);
    view! {
        <tr class="differs" data-test="compared" data-key=row.label.to_string()>
            <td class="soft" dir="auto">{visible(&row.label)}</td>
            <td dir="auto">{shown(row.from)}</td>
            <td dir="auto">{shown(row.to)}</td>
        </tr>
    }
}
