//! What a person asks to hear of. A switch shows what holds: it moves when the engine has written it down.

use super::quiet::Quiet;
use crate::{
    link::use_link,
    mirror::Watched,
    parts::{button::{Button, Weight}, show::Show},
    shell::toast::use_toasts,
    state::use_state,
    once::CollectAny,
};
use leptos::{html, prelude::*};
use pilothouse_wire::{
    Act,
    notice::{NoticeKind, NoticesView, Wishes},
    units::count,
};

/// What a kind is called, and what is meant.
fn words(kind: NoticeKind) -> (&'static str, &'static str) {
    match kind {
        NoticeKind::Gpu => ("A GPU fails", "It is gone, or reports an XID."),
        NoticeKind::Finding => ("Another finding", "A node that is not ready, failing memory, slow-downs, links."),
        NoticeKind::Workload => ("A workload fails", "Its pods crash, or cannot start, for half a minute."),
        NoticeKind::Source => ("A connection is lost", "Nothing is heard of it for half a minute."),
        NoticeKind::Alert => ("An alert fires", "As an Alertmanager has it, unless somebody silenced it."),
    }
}

/// The card of the wishes.
#[component]
pub fn Asked(view: Watched) -> impl IntoView {
    let wishes = Memo::new(move |_| view.notices(|view| view.wishes.clone()).unwrap_or_default());
    let (link, toasts, state) = (use_link(), use_toasts(), use_state());
    let wish = Callback::new(move |wishes: Wishes| {
        link.act_then(Act::Wish(wishes), move |acted| {
            if let Err(problem) = acted {
                toasts.problem(&problem);
            }
        });
    });
    let may = Signal::derive(move || state.may_act());
    let try_one = move || {
        link.act_then(Act::TryNotice, move |acted| {
            if let Err(problem) = acted {
                toasts.problem(&problem);
            }
        });
    };
    let standing = move || view.notices(standing).unwrap_or_default();
    view! {
        <section class="card" data-test="wishes">
            <header class="card-head">
                <h2 class="lead">"Tell me when"</h2>
                <span class="fill"></span>
                <span class="small soft" role="status" data-test="notices-standing">{move || standing()}</span>
            </header>
            <div class="card-body">
                <ul class="wishes">{NoticeKind::ALL.map(|kind| view! { <Kind kind=kind wishes=wishes wish=wish may=may /> }).collect_any()}</ul>
                <HowBad wishes=wishes wish=wish may=may />
                <Quiet wishes=wishes wish=wish may=may />
                <Show
                    when=move || may.get()
                    fallback=|| view! { <p class="small faint">"Notices are told by the desktop window, and changed there while it shows the present."</p> }
                >
                    <div class="buttons">
                        <Button label="Show a notice now" on_press=try_one weight=Weight::Plain test="notices-try" />
                        <span class="small faint">"To see whether this desktop shows them."</span>
                    </div>
                </Show>
            </div>
        </section>
    }
}

/// What holds now, in a few words.
fn standing(view: &NoticesView) -> String {
    let quiet = view.quiet_until.and(view.wishes.quiet);
    match (quiet, view.wishes.kinds.is_empty()) {
        (_, true) => "Nothing is told.".into(),
        (Some(hours), _) => {
            let held = if view.held > 0 { format!(", {} held back", count(view.held.into())) } else { String::new() };
            format!("Quiet until {}{held}.", hours.to())
        }
        (None, _) => "Each thing once; what comes together is one notice.".into(),
    }
}

#[component]
fn Kind(kind: NoticeKind, wishes: Memo<Wishes>, wish: Callback<Wishes>, may: Signal<bool>) -> impl IntoView {
    let (title, about) = words(kind);
    let id = format!("wish-{}", kind.word());
    let on = move || wishes.with(|wishes| wishes.kinds.contains(&kind));
    let change = move |on: bool| {
        let mut wishes = wishes.get_untracked();
        if on { wishes.kinds.insert(kind) } else { wishes.kinds.remove(&kind) };
        wish.run(wishes);
    };
    view! {
        <li class="wish">
            <Switch id=id.clone() on=Signal::derive(on) may=may on_change=Callback::new(change) />
            <label for=id>
                <span class="name">{title}</span>
                <span class="small faint">{about}</span>
            </label>
        </li>
    }
}

/// A check box that shows what holds, and asks for a change.
#[component]
pub fn Switch(id: String, on: Signal<bool>, may: Signal<bool>, on_change: Callback<bool>) -> impl IntoView {
    let input: NodeRef<html::Input> = NodeRef::new();
    let change = move |_| {
        let Some(input) = input.get_untracked() else { return };
        let wanted = input.checked();
        // Until it is written down, the old answer stands.
        input.set_checked(on.get_untracked());
        on_change.run(wanted);
    };
    view! {
        <input
            node_ref=input id=id.clone() class="check" type="checkbox" data-test=id
            disabled=move || !may.get() prop:checked=move || on.get() on:change=change
        />
    }
}

#[component]
fn HowBad(wishes: Memo<Wishes>, wish: Callback<Wishes>, may: Signal<bool>) -> impl IntoView {
    let choice = move |warnings: bool, label: &'static str, test: &'static str| {
        let press = move |_| {
            if may.get_untracked() {
                wish.run(Wishes { warnings, ..wishes.get_untracked() });
            }
        };
        let pressed = move || wishes.with(|wishes| wishes.warnings == warnings).to_string();
        view! {
            <button type="button" aria-pressed=move || pressed() data-test=test disabled=move || !may.get() on:click=press>{label}</button>
        }
    };
    view! {
        <p class="line">
            <span class="soft settings-label" id="how-bad">"How bad"</span>
            <span class="segments" role="group" aria-labelledby="how-bad">
                {choice(false, "Only what is bad", "wish-bad")}
                {choice(true, "Warnings too", "wish-warnings")}
            </span>
        </p>
    }
}
