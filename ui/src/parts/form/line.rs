//! One line of text with its label; Enter does what the dialog is there for.

use crate::parts::button::Press;
use leptos::{ev::KeyboardEvent, prelude::*};

/// A field of a small dialog.
#[component]
pub fn Line(
    /// Its id, which is also the hook for end-to-end tests.
    id: &'static str,
    /// What it asks for.
    label: &'static str,
    /// What is typed.
    text: RwSignal<String>,
    /// The most characters that can be typed.
    most: u16,
    /// Enter was pressed.
    #[prop(into)]
    on_enter: Press,
) -> impl IntoView {
    let keydown = move |event: KeyboardEvent| {
        // While a character is being put together, Enter is of that.
        if event.key() == "Enter" && !event.is_composing() {
            event.prevent_default();
            on_enter.run();
        }
    };
    view! {
        <div class="form-field">
            <label for=id>{label}</label>
            <input
                id=id data-focus class="field" type="text" maxlength=most autocomplete="off" spellcheck="false" data-test=id
                prop:value=move || text.get()
                on:input:target=move |event| text.set(event.target().value())
                on:keydown=keydown
            />
        </div>
    }
}
