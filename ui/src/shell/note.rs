//! Puts a note on the ribbon, at the time that is shown: for who looks at it later, here or in an export.

use crate::{
    clock::use_clock,
    keys::{Command, on_command},
    link::use_link,
    parts::{
        button::{Button, Weight},
        form::{dialog::Titled, line::Line},
        show::Show,
    },
    shell::toast::use_toasts,
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{Act, units::visible, view::Status};

/// Opens on `b`; a page that can only read says who can write.
#[component]
pub fn Note() -> impl IntoView {
    let (link, toasts) = (use_link(), use_toasts());
    let is_open = RwSignal::new(false);
    on_command(Command::Note, move || {
        if link.may_act() {
            is_open.set(true);
        } else {
            let detail = "The browser door can only read. Write it in the Pilothouse window; it is shown here, too.";
            toasts.say(Status::Warn, "No note from here", detail);
        }
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
    let (link, toasts, state) = (use_link(), use_toasts(), use_state());
    // The time and the object that were looked at when it was opened.
    let (at, object) = (use_clock().read(), state.selected().get_untracked());
    let about = object.as_ref().map(|object| visible(&format!("{} {}", object.kind_word(), object.name())));
    let text = RwSignal::new(String::new());
    let sent = RwSignal::new(false);
    let blocked = Signal::derive(move || match (sent.get(), text.with(|text| text.trim().is_empty())) {
        (true, _) => Some("it is on its way".to_owned()),
        (false, true) => Some("write a few words".to_owned()),
        (false, false) => None,
    });
    let put = move || {
        if blocked.with_untracked(Option::is_some) {
            return;
        }
        sent.set(true);
        let act = Act::Note { at, object: object.clone(), text: text.get_untracked() };
        link.act_then(act, move |acted| match acted {
            Ok(_) => {
                toasts.say(Status::Good, "The note is on the ribbon", "It is in the record, and in what is exported.");
                // It may have been closed by hand meanwhile.
                let _ = on_close.try_run(());
            }
            // What was written stays, to be tried again.
            Err(problem) => {
                let _ = sent.try_set(false);
                toasts.problem(&problem);
            }
        });
    };
    let on_enter = put.clone();
    view! {
        <Titled label="Put a note on the ribbon" title="Put a note on the ribbon" on_close=on_close test="note">
            <div class="dialog-body stack">
                <Line id="note-text" label="Note" text=text most=500 on_enter=on_enter />
                <p class="small soft" dir="auto">
                    {format!("At {} UTC{}.", at.clock(), about.map(|about| format!(", about {about}")).unwrap_or_default())}
                </p>
            </div>
            <footer class="dialog-foot">
                <Button label="Cancel" on_press=move || on_close.run(()) command=Command::Close />
                <Button label="Put the note" on_press=put weight=Weight::Primary blocked=blocked test="note-done" />
            </footer>
        </Titled>
    }
}
