//! One service in full: what it is, its steps, how traffic is split, its revisions, what is measured, what happened.

use super::{
    LIST, analyses::Analyses, back::Back, experiments::Experiments, revisions::Revisions, served::Served,
    shares::Shares, steps::Steps, traffic::Traffic,
};
use crate::{
    clock::use_clock,
    keys::{Command, on_command},
    mirror::{Watched, use_view},
    once::{CollectAny, live},
    parts::{
        age::Age,
        empty::Empty,
        loading::Outline,
        mark::{Mark, StatusWord, tone},
        problem::ProblemCard,
        show::Show,
    },
    shell::plan::Deeds,
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    ObjectRef, ViewSpec,
    units::{count, visible},
    view::{EventRow, RolloutView, Status},
};

/// Draws the page of a service.
#[component]
pub fn RolloutPage(object: ObjectRef) -> impl IntoView {
    let state = use_state();
    let view = use_view(ViewSpec::Rollout(object.clone()));
    on_command(Command::Close, move || {
        state.set_tab(LIST);
        true
    });
    let shows = Memo::new(move |_| view.rollout(|rollout| rollout.is_some()));
    let name = visible(&object.name());
    live(move || {
        let body = match (shows.get(), view.problem()) {
            (None, Some(problem)) => {
                view! { <ProblemCard title=format!("{name} cannot be shown") problem=problem /> }.into_any()
            }
            (None, None) => view! { <p data-test="loading" aria-busy="true"><Outline width=220 /></p> }.into_any(),
            (Some(false), _) => view! {
                <Empty title="Nothing is known of it" what="No source in reach tells of it at this time. It may be gone, or its cluster is not connected." />
            }
            .into_any(),
            (Some(true), _) => view! {
                <Known view=view object=object.clone() />
            }
            .into_any(),
        };
        view! {
            <div class="page rollout" data-test="rollout" data-key=object.to_string()>
                <Way name=name.clone() object=object.clone() />
                {body}
            </div>
        }
    })
}

/// Where this is, and the way back to the list.
#[component]
fn Way(name: String, object: ObjectRef) -> impl IntoView {
    let state = use_state();
    let place = match &object {
        ObjectRef::Workload(cluster, namespace, ..) => format!("{cluster} / {namespace}"),
        other => other.connection().to_string(),
    };
    view! {
        <nav class="small faint rollout-way" aria-label="Where this is">
            <button type="button" class="link" data-test="rollout-back" on:click=move |_| state.set_tab(LIST)>"Delivery"</button>
            " / " <span dir="auto">{visible(&place)}</span> " / " <span dir="auto">{name}</span>
        </nav>
    }
}

/// A part of the service, kept while it does not change.
pub(super) fn part<T: Clone + PartialEq + Send + Sync + Default + 'static>(
    view: Watched,
    read: fn(&RolloutView) -> T,
) -> Memo<T> {
    Memo::new(move |_| view.rollout(|rollout| rollout.map(read)).flatten().unwrap_or_default())
}

#[component]
fn Known(view: Watched, object: ObjectRef) -> impl IntoView {
    let events = part(view, |rollout| rollout.events.clone());
    let (for_back, for_experiments, for_analyses) = (object.clone(), object.clone(), object.clone());
    let has_pods = Memo::new(move |_| view.rollout(|rollout| rollout.is_none_or(|rollout| rollout.row.has_pods())));
    let has_pods = move || has_pods.get().unwrap_or(true);
    view! {
        <Head view=view />
        <Kept view=view />
        <Deeds object=object.clone() class="rollout-deeds" />
        <Shares view=view />
        <Steps view=view />
        <Show when=has_pods>
            <div class="rollout-grid">
                <Traffic view=view />
                <Revisions view=view object=object.clone() />
            </div>
            <Served view=view />
        </Show>
        <Back object=for_back />
        <Experiments view=view object=for_experiments />
        <Analyses view=view object=for_analyses />
        <Events events=events />
    }
}

#[component]
fn Head(view: Watched) -> impl IntoView {
    let clock = use_clock();
    let row = Memo::new(move |_| view.rollout(|rollout| rollout.map(|rollout| rollout.row.clone())).flatten());
    let left = Memo::new(move |_| {
        view.rollout(|rollout| rollout.filter(|rollout| !rollout.steps.is_empty()).map(|rollout| rollout.left.words()))
            .flatten()
    });
    let old = Memo::new(move |_| row.with(|row| row.as_ref().and_then(|row| row.is_old(clock.now()))));
    live(move || {
        row.get().map(|row| {
            let phase = row.why.as_ref().map_or_else(
                || row.phase.word().to_owned(),
                |why| format!("{}: {why}", row.phase.word()),
            );
            let router = row.router.as_ref().map(|router| format!(", traffic by {router}")).unwrap_or_default();
            let wanted = row.wanted.map_or_else(|| "—".to_owned(), count);
            let pods = format!("{} of {wanted} ready, {} GPUs", count(row.ready), count(row.gpus));
            let facts = [
                Some(format!("{}, {}{router}", row.kind, row.strategy)),
                row.has_pods().then_some(pods),
                row.team.as_ref().map(|team| format!("team {team}")),
                row.step_words().map(|step| format!("step {step}")),
            ];
            let facts: Vec<String> = facts.into_iter().flatten().collect();
            let class = format!("rollout-phase {}", tone(row.status));
            view! {
                <header class="rollout-head" data-test="rollout-head">
                    <h1 dir="auto">{visible(&row.name)}</h1>
                    <span class=class>
                        <Mark status=row.status size=12 />
                        <span dir="auto">{visible(&phase)}</span>
                    </span>
                    {row.since.map(|since| view! { <span class="soft">"for " <Age of=Signal::stored(Some(since)) /></span> })}
                    <span class="soft" dir="auto">{visible(&facts.join(" · "))}</span>
                    {row.guard.as_ref().map(|guard| view! {
                        <span class="tag warn" data-test="rollout-guard" title="It takes back what is changed by hand." dir="auto">
                            {visible(&format!("kept by {}", guard.words()))}
                        </span>
                    })}
                    {move || left.get().map(|left| view! {
                        <span class="soft" data-test="rollout-left" dir="auto">{visible(&format!("left: {left}"))}</span>
                    })}
                </header>
                {move || old.get().map(|old| view! {
                    <p class="rollout-old warn" role="status" data-test="rollout-old"><Mark status=Status::Warn size=12 /> {old}</p>
                })}
            }
        })
    })
}

/// From where it is kept, and what becomes of a change by hand.
#[component]
fn Kept(view: Watched) -> impl IntoView {
    let kept = part(view, |rollout| rollout.row.kept.clone());
    live(move || {
        kept.get().map(|kept| {
            let message = kept.message.as_ref().map(|message| format!(" {message}")).unwrap_or_default();
            let words = format!("Kept from {} ({}). {}{message}", kept.place(), kept.state(), kept.consequence());
            view! { <p class="small soft rollout-kept" data-test="rollout-kept" dir="auto">{visible(&words)}</p> }
        })
    })
}

/// Events about it, newest first.
#[component]
fn Events(events: Memo<Vec<EventRow>>) -> impl IntoView {
    let row = |event: EventRow| {
        let status = if event.warning { Status::Warn } else { Status::Unknown };
        view! {
            <tr>
                <td class="number"><Age of=Signal::stored(Some(event.at)) /></td>
                <td><StatusWord status=Signal::stored(status) word=Signal::stored(event.reason.to_string()) /></td>
                <td class="soft clip" dir="auto" title=visible(&event.note)>{visible(&event.note)}</td>
            </tr>
        }
    };
    view! {
        <Show when=move || events.with(|events| !events.is_empty())>
            <section class="card table-card" aria-label="Events" data-test="rollout-events">
                <table class="plain-table rollout-events">
                    <thead><tr><th class="number">"Age"</th><th>"Event"</th><th>"What it says"</th></tr></thead>
                    <tbody>{move || events.get().into_iter().map(row).collect_any()}</tbody>
                </table>
            </section>
        </Show>
    }
}
