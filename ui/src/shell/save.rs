//! Saves what is shown as a view, under a name.

use crate::{
    kept::{suggested, use_kept},
    keys::{Command, on_command},
    parts::{
        button::{Button, Weight},
        form::{dialog::Titled, line::Line},
        show::Show,
    },
    shell::toast::use_toasts,
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{When, address::Address, view::Status};

/// Opens on `s`.
#[component]
pub fn SaveView() -> impl IntoView {
    let is_open = RwSignal::new(false);
    on_command(Command::SaveView, move || {
        is_open.set(true);
        true
    });
    view! {
        <Show when=move || is_open.get()>
            <Open on_close=Callback::new(move |()| is_open.set(false)) />
        </Show>
    }
}

#[component]
fn Open(on_close: Callback<()>) -> impl IntoView {
    let (kept, toasts) = (use_kept(), use_toasts());
    // A view is of whatever time it is opened at.
    let address = Address { when: When::Now, true_then: false, ..use_state().address() };
    let name = RwSignal::new(suggested(&address));
    let is_taken = move || name.with(|name| kept.with(|kept| kept.views.iter().any(|view| view.name == name.trim())));
    let nameless = Signal::derive(move || {
        let empty = name.with(|name| name.trim().is_empty());
        empty.then(|| "give it a name".to_owned())
    });
    let save = move || {
        if nameless.with_untracked(Option::is_some) {
            return;
        }
        let name = name.get_untracked();
        kept.update(|kept| kept.save(&name, address.clone()));
        toasts.say(Status::Good, format!("Saved: {}", name.trim()), "The search (Ctrl K) lists it.");
        on_close.run(());
    };
    let on_enter = save.clone();
    view! {
        <Titled label="Save this view" title="Save this view" on_close=on_close test="save-view">
            <div class="dialog-body stack">
                <Line id="save-view-name" label="Name" text=name most=60 on_enter=on_enter />
                <p class="small soft">
                    {move || if is_taken() { "A view of this name is there: it is replaced." } else { "Screen, clusters, table, filter and selection are kept, in this window or browser." }}
                </p>
            </div>
            <footer class="dialog-foot">
                <Button label="Cancel" on_press=move || on_close.run(()) command=Command::Close />
                <Button label="Save the view" on_press=save weight=Weight::Primary blocked=nameless test="save-view-done" />
            </footer>
        </Titled>
    }
}
