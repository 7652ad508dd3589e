//! The switch of the session: on, nothing is done, whatever connections allow.

use super::ask::Switch;
use crate::{link::use_link, mirror::use_view, shell::mode::hold, shell::toast::use_toasts, state::use_state};
use leptos::prelude::*;
use pilothouse_wire::{ViewSpec, plan::Hold};

/// Its card.
#[component]
pub fn Session() -> impl IntoView {
    let (state, link, toasts) = (use_state(), use_link(), use_toasts());
    let connections = use_view(Signal::stored(ViewSpec::Connections));
    let held = Memo::new(move |_| connections.connections(|view| view.hold).unwrap_or_default());
    let may = Signal::derive(move || state.may_act() && held.get() != Hold::ByEnvironment);
    let on = Signal::derive(move || held.get().is_on());
    let about = move || match (held.get(), state.may_act()) {
        (hold @ Hold::ByEnvironment, _) => {
            format!("{} It stays so until this Pilothouse ends.", hold.reason().unwrap_or_default())
        }
        (_, false) => "It is moved in the desktop window, while that shows the present.".to_owned(),
        (_, true) => "Every plan is refused, whatever connections allow; what was confirmed before goes on.".to_owned(),
    };
    view! {
        <section class="card" data-test="session">
            <header class="card-head"><h2 class="lead">"This session"</h2></header>
            <div class="card-body">
                <div class="wish">
                    <Switch
                        id="session-read-only".into() on=on may=may
                        on_change=Callback::new(move |on| hold(on, link, toasts))
                    />
                    <label for="session-read-only">
                        <span class="name">"Do nothing"</span>
                        <span class="small faint" data-test="session-about">{move || about()}</span>
                    </label>
                </div>
            </div>
        </section>
    }
}
